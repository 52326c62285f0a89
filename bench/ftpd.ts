import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Certificate } from '../src/listeners/ftps/secure.ts'

/** An FTPS server to be measured against; it is installed, or fetched by the caller. */
export interface Ftpd {
  name: string
  port: number
  user: string
  password: string
  /** Where its clients may put files. */
  folder: string
  stop: () => Promise<void>
}

// The servers drop their rights to these users of every Debian; vsftpd wants one whose home is there.
const nobody = 65_534
const daemon = 1

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function running(
  child: ChildProcess,
  port: number,
  name: string,
): Promise<() => Promise<void>> {
  const exited = once(child, 'exit')
  for (const deadline = Date.now() + 10_000; !(await answers(port));) {
    if (child.exitCode !== null || Date.now() > deadline) {
      throw new Error(`Cannot measure against ${name}: it does not start`)
    }
    await pause(20)
  }
  return async () => {
    child.kill()
    await exited
  }
}

function folderOf(top: string, name: string): string {
  const folder = join(top, name)
  mkdirSync(folder)
  // The servers' own users must get in.
  chmodSync(top, 0o755)
  return folder
}

function keyFile(folder: string, { cert, key }: Certificate): string {
  const file = join(folder, 'server.pem')
  writeFileSync(file, `${key}\n${cert}`, { mode: 0o600 })
  return file
}

/** ProFTPD with mod_tls, with a login from a file of its own. */
export async function startProftpd(
  top: string,
  certificate: Certificate,
  password: string,
): Promise<Ftpd> {
  const folder = folderOf(top, 'proftpd')
  const files = join(folder, 'files')
  mkdirSync(files)
  chownSync(files, nobody, nobody)
  const hash = spawnSync('openssl', ['passwd', '-6', password], { encoding: 'utf8' }).stdout.trim()
  const users = join(folder, 'passwd')
  writeFileSync(users, `maple:${hash}:${nobody}:${nobody}::${files}:/bin/false\n`, { mode: 0o600 })
  const port = await freePort()
  const pem = keyFile(folder, certificate)
  const lines = [
    'LoadModule mod_tls.c',
    'ServerType standalone',
    `Port ${port}`,
    'DefaultAddress 127.0.0.1',
    'UseIPv6 off',
    'UseReverseDNS off',
    'User nobody',
    'Group nogroup',
    'MaxInstances none',
    `PidFile ${join(folder, 'pid')}`,
    `ScoreboardFile ${join(folder, 'scoreboard')}`,
    `DelayTable ${join(folder, 'delay')}`,
    'DelayEngine off',
    'WtmpLog off',
    'TransferLog none',
    `SystemLog ${join(folder, 'log')}`,
    'AuthOrder mod_auth_file.c',
    `AuthUserFile ${users}`,
    'RequireValidShell off',
    'DefaultRoot ~',
    'AllowOverwrite on',
    'TLSEngine on',
    'TLSRequired on',
    'TLSProtocol TLSv1.2 TLSv1.3',
    'TLSOptions NoSessionReuseRequired',
    `TLSECCertificateFile ${pem}`,
    `TLSECCertificateKeyFile ${pem}`,
  ]
  const config = join(folder, 'proftpd.conf')
  writeFileSync(config, `${lines.join('\n')}\n`)
  const child = spawn('/usr/sbin/proftpd', ['-n', '-q', '-c', config], { stdio: 'ignore' })
  const stop = await running(child, port, 'ProFTPD')
  return { name: 'ProFTPD', port, user: 'maple', password, folder: '', stop }
}

/** vsftpd without the check of a password, which it leaves to the system's users: its login costs nothing. */
export async function startVsftpd(top: string, certificate: Certificate): Promise<Ftpd> {
  const program = '/usr/sbin/vsftpd'
  const found = process.env['VSFTPD'] ?? program
  if (!existsSync(found)) {
    throw new Error(`Cannot measure against vsftpd: ${found} is not there, set VSFTPD`)
  }
  const folder = folderOf(top, 'vsftpd')
  const root = join(folder, 'root')
  const empty = join(folder, 'empty')
  mkdirSync(join(root, 'up'), { recursive: true })
  mkdirSync(empty)
  chownSync(join(root, 'up'), daemon, daemon)
  const port = await freePort()
  const pem = keyFile(folder, certificate)
  const settings = {
    listen: 'YES',
    background: 'NO',
    listen_port: port,
    listen_address: '127.0.0.1',
    seccomp_sandbox: 'NO',
    isolate: 'NO',
    isolate_network: 'NO',
    anonymous_enable: 'YES',
    no_anon_password: 'YES',
    local_enable: 'NO',
    write_enable: 'YES',
    anon_upload_enable: 'YES',
    anon_other_write_enable: 'YES',
    anon_mkdir_write_enable: 'YES',
    anon_root: root,
    ftp_username: 'daemon',
    nopriv_user: 'nobody',
    secure_chroot_dir: empty,
    xferlog_enable: 'NO',
    ssl_enable: 'YES',
    allow_anon_ssl: 'YES',
    force_anon_logins_ssl: 'YES',
    force_anon_data_ssl: 'YES',
    require_ssl_reuse: 'NO',
    ssl_ciphers: 'HIGH',
    rsa_cert_file: pem,
    rsa_private_key_file: pem,
  }
  const config = join(folder, 'vsftpd.conf')
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  writeFileSync(config, `${lines.join('\n')}\n`, { mode: 0o600 })
  const child = spawn(found, [config], { stdio: 'inherit' })
  const stop = await running(child, port, 'vsftpd')
  return { name: 'vsftpd', port, user: 'anonymous', password: 'x', folder: 'up/', stop }
}
