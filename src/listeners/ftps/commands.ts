import type { Control } from './control.ts'
import * as connections from './data-commands.ts'
import * as files from './file-commands.ts'
import * as sessions from './session-commands.ts'
import * as transfers from './transfer-commands.ts'

/** One command: what runs it, and what must have happened before. */
export interface Command {
  readonly name: string
  readonly run: (control: Control, argument: string) => Promise<void>
  readonly needsTls: boolean
  readonly needsLogin: boolean
  /** It changes the drop folder. */
  readonly writes: boolean
}

type Row = readonly [
  names: string,
  run: Command['run'],
  needs: 'nothing' | 'tls' | 'login',
  writes?: 'writes',
]

/** Every command; a name behind a bar is an alias (RFC 775, RFC 1123). */
const rows: readonly Row[] = [
  ['USER', sessions.user, 'tls'],
  ['PASS', sessions.pass, 'tls'],
  ['AUTH', sessions.auth, 'nothing'],
  ['PBSZ', sessions.pbsz, 'tls'],
  ['PROT', sessions.prot, 'tls'],
  ['FEAT', sessions.feat, 'nothing'],
  ['SYST', sessions.syst, 'nothing'],
  ['OPTS', sessions.opts, 'nothing'],
  ['CLNT', sessions.clnt, 'nothing'],
  ['HELP', help, 'nothing'],
  ['NOOP', sessions.noop, 'nothing'],
  ['QUIT', sessions.quit, 'nothing'],
  ['STAT', files.stat, 'login'],
  ['PWD|XPWD', files.pwd, 'login'],
  ['CWD|XCWD', files.cwd, 'login'],
  ['CDUP|XCUP', files.cdup, 'login'],
  ['TYPE', connections.type, 'login'],
  ['STRU', connections.stru, 'login'],
  ['MODE', connections.mode, 'login'],
  ['PASV', connections.pasv, 'login'],
  ['EPSV', connections.epsv, 'login'],
  ['PORT', connections.port, 'login'],
  ['EPRT', connections.eprt, 'login'],
  ['LIST', transfers.list, 'login'],
  ['NLST', transfers.nlst, 'login'],
  ['MLSD', transfers.mlsd, 'login'],
  ['MLST', files.mlst, 'login'],
  ['SIZE', files.size, 'login'],
  ['MDTM', files.mdtm, 'login'],
  ['ALLO', files.allo, 'login'],
  ['AVBL', files.avbl, 'login'],
  ['HASH', files.hash, 'login'],
  ['REST', transfers.rest, 'login'],
  ['RETR', transfers.retr, 'login'],
  ['STOR', transfers.stor, 'login', 'writes'],
  ['APPE', transfers.appe, 'login', 'writes'],
  ['ABOR', transfers.abor, 'login'],
  ['DELE', files.dele, 'login', 'writes'],
  ['RNFR', files.rnfr, 'login', 'writes'],
  ['RNTO', files.rnto, 'login', 'writes'],
  ['MKD|XMKD', files.mkd, 'login', 'writes'],
  ['RMD|XRMD', files.rmd, 'login', 'writes'],
  ['MFMT', files.mfmt, 'login', 'writes'],
]

/** The commands by name and alias. */
export const commandTable: ReadonlyMap<string, Command> = new Map(
  rows.flatMap(([names, run, needs, writes]) =>
    names.split('|').map((name): [string, Command] => [
      name,
      {
        name,
        run,
        needsTls: needs !== 'nothing',
        needsLogin: needs === 'login',
        writes: writes !== undefined,
      },
    ]),
  ),
)

// Here and not with its like: it speaks of the table.
async function help(control: Control, argument: string): Promise<void> {
  const known = commandTable.get(argument.toUpperCase())
  if (known !== undefined) return control.reply(214, `${known.name} is known here`)
  if (argument !== '') return control.reply(502, 'The command is not known here')
  const names = [...commandTable.keys()]
  const lines: string[] = []
  while (names.length > 0) lines.push(names.splice(0, 10).join(' '))
  await control.reply(214, 'Drop a CSV of users with STOR. Commands:', ...lines, 'End')
}
