import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import SftpClient from 'ssh2-sftp-client'
import { peer, pythonWith } from '../../support/peers.ts'
import { call, double } from '../client-cells.ts'
import type { ClientProgram as CellsClient, Login as LoginTo } from '../client-cells.ts'
import type { RealServer } from './real.ts'

export type Login = LoginTo<RealServer>

export interface ClientProgram extends CellsClient<RealServer> {
  /** By the private key at `key`, without a password. */
  putByKey(login: Login, key: string, local: string, remote: string): Promise<unknown>
}

let scripts = 0
function script(login: Login, text: string, mode = 0o600): string {
  const path = join(login.folder, `script${(scripts += 1)}`)
  writeFileSync(path, text, { mode })
  return path
}

/** Options with which OpenSSH's programs ask nobody; the password comes from a script. */
export function opensshOptions(login: Login): { args: string[]; env: Record<string, string> } {
  const askpass = script(login, `#!/bin/sh\necho '${login.password}'\n`, 0o700)
  const args = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'NumberOfPasswordPrompts=1',
    'PubkeyAuthentication=no',
    'BatchMode=no',
    'LogLevel=ERROR',
  ].flatMap((option) => ['-o', option])
  return { args, env: { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' } }
}

/** Options with which OpenSSH's programs use one key and nothing else. */
function opensshKey(key: string): string[] {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'IdentitiesOnly=yes',
    'LogLevel=ERROR',
  ]
  return ['-i', key, ...options.flatMap((option) => ['-o', option])]
}

function openssh(login: Login, line: string): Promise<string> {
  const { args, env } = opensshOptions(login)
  const batch = script(login, `${line}\n`)
  const where = ['-P', String(login.server.port), '-b', batch, 'maple@127.0.0.1']
  return call('sftp', [...args, ...where], env)
}
function psftp(login: Login, line: string): Promise<string> {
  const { server } = login
  const batch = script(login, `${line}\nquit\n`)
  const where = ['-P', String(server.port), '-hostkey', server.fingerprint, '-pw', login.password]
  return call('psftp', ['-batch', ...where, '-b', batch, 'maple@127.0.0.1'])
}
const doubled = (text: string): string => `"${text.replaceAll('"', '""')}"`

function lftp(login: Login, line: string, key?: string): Promise<string> {
  const options = key === undefined ? [] : opensshKey(key)
  const connect = `ssh -a -x -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR ${options.join(' ')}`
  const commands = [
    'set net:max-retries 1; set net:timeout 10; set cmd:fail-exit yes; set sftp:auto-confirm yes',
    'set sftp:charset UTF-8; set file:charset UTF-8',
    `set sftp:connect-program "${connect}"`,
    `open -u maple,${key === undefined ? double(login.password) : ''} sftp://127.0.0.1:${login.server.port}`,
    line,
  ]
  return call('lftp', ['-c', commands.join('; ')], { LC_ALL: 'C.UTF-8' })
}

function curl(login: Login, remote: string, ...args: string[]): Promise<string> {
  const url = `sftp://127.0.0.1:${login.server.port}/${encodeURIComponent(remote)}`
  return call('curl', ['-sS', '-k', '-u', `maple:${login.password}`, ...args, url])
}

async function rclone(login: Login, ...args: string[]): Promise<string> {
  const obscured = (await call('rclone', ['obscure', login.password])).trim()
  return rcloneWith(login, { PASS: obscured }, args)
}

async function rcloneWith(
  login: Login,
  proof: Record<string, string>,
  args: string[],
): Promise<string> {
  const where = {
    HOST: '127.0.0.1',
    PORT: String(login.server.port),
    USER: 'maple',
    ...proof,
  }
  const env: Record<string, string> = {
    RCLONE_CONFIG_R_TYPE: 'sftp',
    RCLONE_CONFIG_R_SHELL_TYPE: 'none',
  }
  for (const [key, value] of Object.entries(where)) env[`RCLONE_CONFIG_R_${key}`] = value
  return call(
    'rclone',
    ['--config', '/dev/null', '--retries', '1', '--low-level-retries', '1', ...args],
    env,
  )
}

const paramikoScript = `
import sys, paramiko
port, password, line, *args = sys.argv[1:]
transport = paramiko.Transport(('127.0.0.1', int(port)))
transport.connect(username='maple', password=password)
sftp = paramiko.SFTPClient.from_transport(transport)
exec(line)
sftp.close(); transport.close()
`
function paramiko(login: Login, line: string, ...args: string[]): Promise<string> {
  const path = script(login, paramikoScript)
  const port = String(login.server.port)
  return call(pythonWith('paramiko') ?? '', [path, port, login.password, line, ...args])
}

async function npm<T>(
  login: Login,
  work: (client: SftpClient) => Promise<T>,
  proof: { password?: string; privateKey?: string } = { password: login.password },
): Promise<T> {
  const client = new SftpClient()
  const where = { host: '127.0.0.1', port: login.server.port }
  await client.connect({ ...where, username: 'maple', ...proof })
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** The clients of spec/transfer.md that speak SFTP. */
export const programs: ClientProgram[] = [
  {
    name: 'OpenSSH sftp',
    path: peer('sftp'),
    put: (login, local, remote) => openssh(login, `put ${local} ${double(remote)}`),
    get: (login, remote, local) => openssh(login, `get ${double(remote)} ${local}`),
    list: (login) => openssh(login, 'ls -1'),
    rename: (login, from, to) => openssh(login, `rename ${double(from)} ${double(to)}`),
    remove: (login, remote) => openssh(login, `rm ${double(remote)}`),
    resume: (login, local, remote) => openssh(login, `reput ${local} ${remote}`),
    putMany: (login, folder) => openssh(login, `put ${folder}/*`),
    putByKey(login, key, local, remote) {
      const batch = script(login, `put ${local} ${remote}\n`)
      const where = ['-P', String(login.server.port), '-b', batch, 'maple@127.0.0.1']
      return call('sftp', [...opensshKey(key), ...where])
    },
  },
  {
    name: 'OpenSSH scp -s',
    path: peer('scp'),
    async put(login, local, remote) {
      const { args, env } = opensshOptions(login)
      return call(
        'scp',
        ['-s', ...args, '-P', String(login.server.port), local, `maple@127.0.0.1:${remote}`],
        env,
      )
    },
    async get(login, remote, local) {
      const { args, env } = opensshOptions(login)
      const escaped = remote.replace(/[\\?*[\]]/g, '\\$&')
      return call(
        'scp',
        ['-s', ...args, '-P', String(login.server.port), `maple@127.0.0.1:${escaped}`, local],
        env,
      )
    },
    list: (login) => openssh(login, 'ls -1'),
    rename: (login, from, to) => openssh(login, `rename ${double(from)} ${double(to)}`),
    remove: (login, remote) => openssh(login, `rm ${double(remote)}`),
    resume: 'scp copies whole files',
    putMany(login, folder) {
      const { args, env } = opensshOptions(login)
      const files = readdirSync(folder).map((name) => join(folder, name))
      const where = ['-P', String(login.server.port), ...files, 'maple@127.0.0.1:']
      return call('scp', ['-s', ...args, ...where], env)
    },
    putByKey(login, key, local, remote) {
      const where = ['-P', String(login.server.port), local, `maple@127.0.0.1:${remote}`]
      return call('scp', ['-s', ...opensshKey(key), ...where])
    },
  },
  {
    name: 'PuTTY psftp',
    path: peer('psftp'),
    put: (login, local, remote) => psftp(login, `put ${local} ${doubled(remote)}`),
    get: (login, remote, local) => psftp(login, `get ${doubled(remote)} ${local}`),
    list: (login) => psftp(login, 'ls'),
    rename: (login, from, to) => psftp(login, `mv ${doubled(from)} ${doubled(to)}`),
    remove: (login, remote) => psftp(login, `rm ${doubled(remote.replace(/[\\?*[\]]/g, '\\$&'))}`),
    resume: (login, local, remote) => psftp(login, `reput ${local} ${remote}`),
    putMany: (login, folder) => psftp(login, `lcd ${folder}\nmput *`),
    async putByKey(login, key, local, remote) {
      const { server } = login
      const own = `${key}.ppk`
      await call('puttygen', [key, '-O', 'private', '-o', own])
      const batch = script(login, `put ${local} ${remote}\nquit\n`)
      const where = ['-P', String(server.port), '-hostkey', server.fingerprint, '-i', own]
      return call('psftp', ['-batch', '-noagent', ...where, '-b', batch, 'maple@127.0.0.1'])
    },
  },
  {
    name: 'lftp',
    path: peer('lftp'),
    put: (login, local, remote) => lftp(login, `put ${local} -o ${double(remote)}`),
    get: (login, remote, local) => lftp(login, `get ${double(remote)} -o ${local}`),
    list: (login) => lftp(login, 'cls -1'),
    rename: (login, from, to) => lftp(login, `mv ${double(from)} ${double(to)}`),
    remove: (login, remote) => lftp(login, `rm ${double(remote)}`),
    resume: (login, local, remote) => lftp(login, `put -c ${local} -o ${remote}`),
    putMany: (login, folder) => lftp(login, `lcd ${folder}; mput *`),
    putByKey: (login, key, local, remote) => lftp(login, `put ${local} -o ${remote}`, key),
  },
  {
    name: 'curl',
    path: peer('curl'),
    put: (login, local, remote) => curl(login, remote, '-T', local),
    get: (login, remote, local) => curl(login, remote, '-o', local),
    list: (login) => curl(login, '', '--list-only'),
    rename: (login, from, to) =>
      curl(login, '', '--list-only', '-Q', `rename ${double(`/${from}`)} ${double(`/${to}`)}`),
    remove: (login, remote) => curl(login, '', '--list-only', '-Q', `rm ${double(`/${remote}`)}`),
    resume: (login, local, remote) => curl(login, remote, '-C', '-', '-T', local),
    putMany: (login, folder, count) =>
      call('curl', [
        '-sS',
        '-k',
        '-u',
        `maple:${login.password}`,
        '-T',
        `${folder}/f[0-${count - 1}].part`,
        `sftp://127.0.0.1:${login.server.port}/`,
      ]),
    putByKey: (login, key, local, remote) =>
      call('curl', [
        '-sSku',
        'maple:',
        '--key',
        key,
        '--pubkey',
        `${key}.pub`,
        '-T',
        local,
        `sftp://127.0.0.1:${login.server.port}/${remote}`,
      ]),
  },
  {
    name: 'rclone',
    path: peer('rclone'),
    put: (login, local, remote) => rclone(login, 'copyto', local, `r:${remote}`),
    get: (login, remote, local) => rclone(login, 'copyto', `r:${remote}`, local),
    list: (login) => rclone(login, 'lsf', 'r:'),
    rename: (login, from, to) => rclone(login, 'moveto', `r:${from}`, `r:${to}`),
    remove: (login, remote) => rclone(login, 'deletefile', `r:${remote}`),
    resume: 'rclone sends a file again from its beginning, it has no resume for SFTP',
    putMany: (login, folder) => rclone(login, 'copy', folder, 'r:'),
    putByKey: (login, key, local, remote) =>
      rcloneWith(login, { KEY_FILE: key }, ['copyto', local, `r:${remote}`]),
  },
  {
    name: 'Python paramiko',
    path: pythonWith('paramiko'),
    put: (login, local, remote) => paramiko(login, 'sftp.put(args[0], args[1])', local, remote),
    get: (login, remote, local) => paramiko(login, 'sftp.get(args[0], args[1])', remote, local),
    list: (login) => paramiko(login, 'print("\\n".join(sftp.listdir("/")))'),
    rename: (login, from, to) => paramiko(login, 'sftp.rename(args[0], args[1])', from, to),
    remove: (login, remote) => paramiko(login, 'sftp.remove(args[0])', remote),
    resume: (login, local, remote) =>
      paramiko(
        login,
        'size = sftp.stat(args[1]).st_size; f = sftp.open(args[1], "a"); f.write(open(args[0], "rb").read()[size:]); f.close()',
        local,
        remote,
      ),
    putMany: (login, folder) =>
      paramiko(
        login,
        'import os\nfor n in os.listdir(args[0]): sftp.put(args[0] + "/" + n, n)',
        folder,
      ),
    putByKey(login, key, local, remote) {
      const text = paramikoScript.replace(
        'password=password',
        'pkey=paramiko.Ed25519Key.from_private_key_file(password)',
      )
      const args = [String(login.server.port), key, 'sftp.put(args[0], args[1])', local, remote]
      return call(pythonWith('paramiko') ?? '', [script(login, text), ...args])
    },
  },
  {
    name: 'ssh2-sftp-client',
    path: 'npm',
    put: (login, local, remote) => npm(login, (client) => client.fastPut(local, `/${remote}`)),
    get: (login, remote, local) => npm(login, (client) => client.fastGet(`/${remote}`, local)),
    list: (login) =>
      npm(login, async (client) => (await client.list('/')).map(({ name }) => name).join('\n')),
    rename: (login, from, to) => npm(login, (client) => client.rename(`/${from}`, `/${to}`)),
    remove: (login, remote) => npm(login, (client) => client.delete(`/${remote}`)),
    resume: (login, local, remote) =>
      npm(login, async (client) => {
        const { size } = await client.stat(`/${remote}`)
        await client.append(readFileSync(local).subarray(size), `/${remote}`)
      }),
    putMany: (login, folder) =>
      npm(login, async (client) => {
        const names = readdirSync(folder)
        // One after the other, Nagle's algorithm, which ssh2 leaves on, costs 120 ms for each.
        while (names.length > 0) {
          const some = names.splice(0, 8)
          await Promise.all(some.map((name) => client.fastPut(join(folder, name), `/${name}`)))
        }
      }),
    putByKey: (login, key, local, remote) =>
      npm(login, (client) => client.fastPut(local, `/${remote}`), {
        privateKey: readFileSync(key, 'utf8'),
      }),
  },
]
