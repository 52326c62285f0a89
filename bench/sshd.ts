import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** OpenSSH's own server, to be measured against. */
export interface Sshd {
  port: number
  user: string
  stop(): Promise<void>
}

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

/** Makes an Ed25519 key pair in `folder`; returns the path of the private one. */
export function makeKey(folder: string, name: string): string {
  const path = join(folder, name)
  spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', path])
  return path
}

/** Starts sshd with sftp-server on loopback, its files in `folder`, for whoever holds `clientKey`. */
export async function startSshd(folder: string, clientKey: string): Promise<Sshd> {
  const sftpServer = ['/usr/lib/openssh/sftp-server', '/usr/libexec/openssh/sftp-server'].find(
    existsSync,
  )
  if (sftpServer === undefined) throw new Error('Cannot measure: OpenSSH sftp-server is needed')
  const port = await freePort()
  writeFileSync(join(folder, 'authorized_keys'), readFileSync(`${clientKey}.pub`), { mode: 0o600 })
  const settings = {
    Port: port,
    ListenAddress: '127.0.0.1',
    HostKey: makeKey(folder, 'sshd_host_key'),
    AuthorizedKeysFile: join(folder, 'authorized_keys'),
    StrictModes: 'no',
    PidFile: join(folder, 'sshd.pid'),
    UsePAM: 'no',
    PermitRootLogin: 'yes',
    PasswordAuthentication: 'no',
    MaxStartups: 500,
    Subsystem: `sftp ${sftpServer}`,
  }
  const config = join(folder, 'sshd_config')
  writeFileSync(
    config,
    Object.entries(settings)
      .map((line) => line.join(' '))
      .join('\n'),
  )
  // sshd wants its privilege separation folder, which a service manager makes otherwise.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true })
  const child = spawn('/usr/sbin/sshd', ['-D', '-f', config], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  while (!(await answers(port))) await pause(20)
  return {
    port,
    user: userInfo().username,
    async stop() {
      child.kill()
      await exited
    },
  }
}
