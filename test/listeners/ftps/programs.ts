import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client as BasicFtp } from 'basic-ftp'
import { peer, pythonWith } from '../../support/peers.ts'
import { call, double } from '../client-cells.ts'
import type { ClientProgram as CellsClient, Login as LoginTo } from '../client-cells.ts'
import type { RealServer } from './real.ts'

export type Login = LoginTo<RealServer>
export type ClientProgram = CellsClient<RealServer>

type Mode = 'explicit' | 'implicit'

const portOf = ({ server }: Login, mode: Mode): number =>
  mode === 'explicit' ? server.explicitPort : server.implicitPort

function lftp(mode: Mode): ClientProgram {
  function run(login: Login, line: string): Promise<string> {
    const scheme = mode === 'explicit' ? 'ftp' : 'ftps'
    const commands = [
      'set net:max-retries 1; set net:timeout 20; set cmd:fail-exit yes',
      'set ssl:verify-certificate no; set ftp:ssl-force yes; set ftp:ssl-protect-data yes',
      'set ftp:charset UTF-8; set file:charset UTF-8',
      `open -u maple,${double(login.password)} ${scheme}://127.0.0.1:${portOf(login, mode)}`,
      line,
    ]
    return call('lftp', ['-c', commands.join('; ')], { LC_ALL: 'C.UTF-8' })
  }
  return {
    name: `lftp, ${mode}`,
    path: peer('lftp'),
    put: (login, local, remote) => run(login, `put ${local} -o ${double(remote)}`),
    get: (login, remote, local) => run(login, `get ${double(remote)} -o ${local}`),
    list: (login) => run(login, 'cls -1'),
    rename: (login, from, to) => run(login, `mv ${double(from)} ${double(to)}`),
    remove: (login, remote) => run(login, `rm ${double(remote)}`),
    resume: (login, local, remote) => run(login, `put -c ${local} -o ${double(remote)}`),
    putMany: (login, folder) => run(login, `lcd ${folder}; mput *`),
  }
}

function curl(mode: Mode): ClientProgram {
  const scheme = mode === 'explicit' ? 'ftp' : 'ftps'
  function run(login: Login, remote: string, ...args: string[]): Promise<string> {
    const url = `${scheme}://127.0.0.1:${portOf(login, mode)}/${encodeURIComponent(remote)}`
    const common = ['-sS', '--ssl-reqd', '-k', '-u', `maple:${login.password}`]
    return call('curl', [...common, ...args, url])
  }
  return {
    name: `curl, ${mode}`,
    path: peer('curl'),
    put: (login, local, remote) => run(login, remote, '-T', local),
    get: (login, remote, local) => run(login, remote, '-o', local),
    list: (login) => run(login, '', '--list-only'),
    rename: (login, from, to) => run(login, '', '-l', '-Q', `RNFR ${from}`, '-Q', `RNTO ${to}`),
    remove: (login, remote) => run(login, '', '-l', '-Q', `DELE ${remote}`),
    resume: (login, local, remote) => run(login, remote, '-C', '-', '-T', local),
    putMany: (login, folder) =>
      run(login, '', '-T', `${folder}/f[0-${readdirSync(folder).length - 1}].part`),
  }
}

function rclone(mode: Mode): ClientProgram {
  async function run(login: Login, ...args: string[]): Promise<string> {
    const env = {
      RCLONE_CONFIG_R_TYPE: 'ftp',
      RCLONE_CONFIG_R_HOST: '127.0.0.1',
      RCLONE_CONFIG_R_PORT: String(portOf(login, mode)),
      RCLONE_CONFIG_R_USER: 'maple',
      RCLONE_CONFIG_R_PASS: (await call('rclone', ['obscure', login.password])).trim(),
      RCLONE_CONFIG_R_NO_CHECK_CERTIFICATE: 'true',
      RCLONE_CONFIG_R_CONCURRENCY: '4',
      [mode === 'explicit' ? 'RCLONE_CONFIG_R_EXPLICIT_TLS' : 'RCLONE_CONFIG_R_TLS']: 'true',
      // Its own idea of what a server cannot take would change the names.
      RCLONE_CONFIG_R_ENCODING: 'Slash,Ctl',
    }
    const common = ['--config', '/dev/null', '--retries', '1', '--low-level-retries', '1']
    return call('rclone', [...common, ...args], env)
  }
  return {
    name: `rclone, ${mode}`,
    path: peer('rclone'),
    put: (login, local, remote) => run(login, 'copyto', local, `r:${remote}`),
    // Of a large file it takes parts side by side, and 426, with which servers answer that it ends a part early, for a
    // failure (docs/connecting.md).
    get: (login, remote, local) =>
      run(login, '--multi-thread-streams', '0', 'copyto', `r:${remote}`, local),
    list: (login) => run(login, 'lsf', 'r:'),
    rename: (login, from, to) => run(login, 'moveto', `r:${from}`, `r:${to}`),
    remove: (login, remote) => run(login, 'deletefile', `r:${remote}`),
    resume: 'rclone sends a file again from its beginning, it has no resume for FTP',
    putMany: (login, folder) => run(login, 'copy', folder, 'r:'),
  }
}

const ftplibScript = `
import sys, os, ssl, ftplib
mode, port, password, line, *args = sys.argv[1:]
context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
class Implicit(ftplib.FTP_TLS):
    @property
    def sock(self): return self._sock
    @sock.setter
    def sock(self, value):
        if value is not None and not isinstance(value, ssl.SSLSocket): value = self.context.wrap_socket(value)
        self._sock = value
ftp = (ftplib.FTP_TLS if mode == 'explicit' else Implicit)(context=context)
ftp.encoding = 'utf-8'
ftp.connect('127.0.0.1', int(port), timeout=20)
ftp.login('maple', password); ftp.prot_p()
exec(line)
ftp.quit()
`

function ftplib(mode: Mode): ClientProgram {
  function run(login: Login, line: string, ...args: string[]): Promise<string> {
    const path = join(login.folder, 'ftplib-client.py')
    writeFileSync(path, ftplibScript)
    const port = String(portOf(login, mode))
    const python = pythonWith('ftplib') ?? ''
    return call(python, [path, mode, port, login.password, line, ...args], { PYTHONUTF8: '1' })
  }
  return {
    name: `Python ftplib, ${mode}`,
    path: pythonWith('ftplib'),
    put: (login, local, remote) =>
      run(login, 'ftp.storbinary("STOR " + args[1], open(args[0], "rb"))', local, remote),
    get: (login, remote, local) =>
      run(login, 'ftp.retrbinary("RETR " + args[0], open(args[1], "wb").write)', remote, local),
    list: (login) => run(login, 'print("\\n".join(ftp.nlst()))'),
    rename: (login, from, to) => run(login, 'ftp.rename(args[0], args[1])', from, to),
    remove: (login, remote) => run(login, 'ftp.delete(args[0])', remote),
    resume: (login, local, remote) =>
      run(
        login,
        'at = ftp.size(args[1]); f = open(args[0], "rb"); f.seek(at); ftp.storbinary("STOR " + args[1], f, rest=at)',
        local,
        remote,
      ),
    putMany: (login, folder) =>
      run(
        login,
        'for n in os.listdir(args[0]): ftp.storbinary("STOR " + n, open(args[0] + "/" + n, "rb"))',
        folder,
      ),
  }
}

function basicFtp(mode: Mode): ClientProgram {
  async function run<T>(login: Login, work: (client: BasicFtp) => Promise<T>): Promise<T> {
    const client = new BasicFtp(20_000)
    try {
      await client.access({
        host: '127.0.0.1',
        port: portOf(login, mode),
        user: 'maple',
        password: login.password,
        secure: mode === 'explicit' ? true : 'implicit',
        secureOptions: { rejectUnauthorized: false },
      })
      return await work(client)
    } finally {
      client.close()
    }
  }
  return {
    name: `basic-ftp, ${mode}`,
    path: 'npm',
    put: (login, local, remote) => run(login, (client) => client.uploadFrom(local, remote)),
    get: (login, remote, local) => run(login, (client) => client.downloadTo(local, remote)),
    list: (login) =>
      run(login, async (client) => (await client.list()).map(({ name }) => name).join('\n')),
    rename: (login, from, to) => run(login, (client) => client.rename(from, to)),
    remove: (login, remote) => run(login, (client) => client.remove(remote)),
    resume: (login, local, remote) =>
      run(login, async (client) => {
        const localStart = await client.size(remote)
        await client.appendFrom(local, remote, { localStart })
      }),
    putMany: (login, folder) => run(login, (client) => client.uploadFromDir(folder)),
  }
}

const modes = ['explicit', 'implicit'] as const

/** The clients of docs/connecting.md that speak FTPS, each in both modes. */
export const programs: ClientProgram[] = [lftp, curl, rclone, ftplib, basicFtp].flatMap((program) =>
  modes.map((mode) => program(mode)),
)
