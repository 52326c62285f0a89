import { isAppError } from './domain/error.ts'
import { UsageError } from './usage.ts'

/** One command: how it is called, what it does, and the module that does it. */
export interface Command {
  readonly name: string
  /** The arguments behind the name. */
  readonly usage: string
  readonly sentence: string
  /** Loads the module only when it is called, so that no command pays for another's packages. */
  readonly load: () => Promise<{ run: RunCommand }>
}

/** Runs a command; resolves to the exit code. Throws AppError or UsageError with a text for the user. */
export type RunCommand = (args: string[]) => Promise<number>

/** Every command; docs/cli.md is made from this table. */
export const commands: readonly Command[] = [
  {
    name: 'serve',
    usage: '',
    sentence: 'Serves SFTP, FTPS and HTTP and imports what is dropped; the same as no command',
    load: () => import('./commands/serve.ts'),
  },
  {
    name: 'demo',
    usage: '[--once]',
    sentence:
      'Starts a server in a fresh folder, drops two sample files and shows what becomes of them',
    load: () => import('./commands/demo.ts'),
  },
  {
    name: 'tenant add',
    usage:
      'NAME --reply-to ADDRESS --failed-import-email ADDRESS[,ADDRESS] [--user-types A,B] [--login-sources A,B]',
    sentence: 'Adds a client with both mail settings',
    load: () => import('./commands/tenant-add.ts'),
  },
  {
    name: 'account add',
    usage: 'TENANT LOGIN [--key "ssh-ed25519 …"] [--password-stdin]',
    sentence: "Adds a login to a client's drop folder and prints its password once",
    load: () => import('./commands/account-add.ts'),
  },
  {
    name: 'token create',
    usage: 'TENANT|--operator NAME [--scope tenant|monitor] [--days N]',
    sentence: 'Makes a bearer token for the HTTP interface and prints it once',
    load: () => import('./commands/token-create.ts'),
  },
  {
    name: 'console link',
    usage: '[TENANT]',
    sentence: "Prints a link that signs in to the console once: an agent, or a client's staff",
    load: () => import('./commands/console-link.ts'),
  },
  {
    name: 'db copy',
    usage: '--from sqlite:FOLDER --to postgres://USER@HOST/NAME',
    sentence:
      'Copies a whole installation from SQLite to PostgreSQL and compares both; stop the server first',
    load: () => import('./commands/db-copy.ts'),
  },
  {
    name: 'import check',
    usage: 'FILE [--tenant NAME] [--full]',
    sentence:
      "Says what an import of a local file would do, with a client's settings and users or with none, and changes nothing; exit code 1 when a row or the file would fail",
    load: () => import('./commands/import-check.ts'),
  },
  {
    name: 'import run',
    usage: 'FILE --tenant NAME [--full] [--dry-run]',
    sentence:
      'Hands a local file to the running server, or imports it itself when none runs, and waits for the outcome; exit code 1 when a row or the file failed',
    load: () => import('./commands/import-run.ts'),
  },
  {
    name: 'doctor',
    usage: '',
    sentence: 'Checks the data folder, the databases and the settings and says what to mend',
    load: () => import('./commands/doctor.ts'),
  },
  {
    name: 'hostkey new',
    usage: '--replace',
    sentence: "Makes a new SFTP host key; every client will be warned of the server's new identity",
    load: () => import('./commands/hostkey-new.ts'),
  },
  {
    name: 'backup',
    usage: 'FOLDER',
    sentence:
      'Copies databases, files and keys of an installation on one disk to a new folder, also while the server runs',
    load: () => import('./commands/backup.ts'),
  },
  {
    name: 'restore',
    usage: 'FOLDER',
    sentence: 'Puts a backup into an empty DATA_DIR, after checking that it is whole',
    load: () => import('./commands/restore.ts'),
  },
]

/** The list of commands as `help` shows it. */
function helpText(): string {
  const lines = commands.map(({ name, usage, sentence }) =>
    `  rosterdrop ${name} ${usage}`.trimEnd().concat(`\n      ${sentence}`),
  )
  return `Usage: rosterdrop COMMAND\n\n${lines.join('\n')}\n`
}

/** Finds the command in `words`, runs it with the rest, and resolves to the exit code. */
export async function runCommand(words: string[]): Promise<number> {
  const asked = words.length === 0 ? ['serve'] : words
  if (['help', '--help', '-h'].includes(asked[0] ?? '')) {
    process.stdout.write(helpText())
    return 0
  }
  const command = commands.find(({ name }) =>
    name.split(' ').every((word, index) => asked[index] === word),
  )
  if (command === undefined) {
    process.stderr.write(`Cannot run "${words.join(' ')}": there is no such command\n${helpText()}`)
    return 2
  }
  try {
    const { run } = await command.load()
    return await run(asked.slice(command.name.split(' ').length))
  } catch (error) {
    if (error instanceof UsageError || isUsageProblem(error) || isAppError(error, 'invalid')) {
      process.stderr.write(`${error.message}\nUsage: rosterdrop ${command.name} ${command.usage}\n`)
      return 2
    }
    if (isAppError(error)) {
      process.stderr.write(`${error.message}\n`)
      return 1
    }
    throw error
  }
}

// What node:util's parseArgs throws.
function isUsageProblem(error: unknown): error is Error {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('ERR_PARSE_ARGS')
  )
}
