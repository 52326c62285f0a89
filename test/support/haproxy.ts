import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** What clients reach the proxy at, one port or FIRST-LAST, and where it sends them. */
interface Way {
  ports: string
  to: number
}

/** haproxy in front of the server, as Fly's proxy is: raw TCP with a PROXY header, version 2. */
export interface Haproxy {
  stop(): Promise<void>
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

/** Starts `program` on 127.0.0.1; the server is at `host`, so that both may have the same ports. */
export async function startHaproxy(program: string, host: string, ways: Way[]): Promise<Haproxy> {
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-haproxy-'))
  const file = join(folder, 'haproxy.cfg')
  const listens = ways.map(
    ({ ports, to }, n) =>
      `listen way${n}\n  bind 127.0.0.1:${ports}\n  server inner ${host}:${to} send-proxy-v2\n`,
  )
  const defaults = 'defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n'
  writeFileSync(file, `${defaults}  timeout server 60s\n${listens.join('')}`)
  const child = spawn(program, ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  let problem = ''
  child.stderr.on('data', (chunk) => (problem += String(chunk)))
  const exited = once(child, 'exit')
  for (const { ports } of ways) {
    while (!(await answers(parseInt(ports, 10)))) {
      if (child.exitCode !== null) throw new Error(`haproxy did not start: ${problem}`)
      await pause(20)
    }
  }
  return {
    async stop() {
      child.kill('SIGKILL')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
