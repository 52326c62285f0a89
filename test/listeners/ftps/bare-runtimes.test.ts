import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { generateCertificate } from '../../../src/certificate.ts'
import { denoProgram, top } from '../../support/server.ts'
import { connect, secureData } from './raw.ts'
import { startReal } from './real.ts'

// What the libraries do in a process of their own, each beside the same thing done right.

const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-bare-'))
const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a script of this folder that prints its port; resolves to the port and what it prints. */
async function run(program: string, args: string[]): Promise<{ port: number; lines: string[] }> {
  const child = spawn(program, args, {
    cwd: top,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  stops.push(async () => {
    const exited = once(child, 'exit')
    // Deno's package starts the program as a child: the whole group is ours.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    await exited
  })
  await expect.poll(() => lines[0], { timeout: 20_000 }).toMatch(/^port \d+$/)
  return { port: Number(lines[0]?.slice(5)), lines }
}

async function dial(port: number): Promise<Socket> {
  const socket = connectSocket(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

const half = 'email,firstName\nsomeone@maple.example,So'

/** A client that is reset in the midst of what it sends. */
async function reset(socket: Socket): Promise<void> {
  const tls = await secureData(socket)
  await new Promise((resolve) => tls.write(half, resolve))
  await pause(100)
  socket.resetAndDestroy()
}

describe('bare node:tls under Deno, and this listener', () => {
  test('a reset is an `end` like any other there, and a cut here', async () => {
    const { cert, key } = await generateCertificate('localhost', Date.now())
    const pem = join(folder, 'both.pem')
    writeFileSync(pem, `${cert}\n${key}`)
    const bare = await run(denoProgram(), ['run', '-A', 'test/listeners/ftps/bare-deno.ts', pem])
    await reset(await dial(bare.port))
    await expect.poll(() => bare.lines[1]).toBe(`end ${half.length}`)

    const server = await startReal({ runtime: 'deno' })
    stops.push(() => server.stop())
    const ftp = await connect(server.explicitPort)
    await ftp.login()
    const data = await ftp.openData()
    expect(await ftp.ask('STOR a.part')).toMatch(/^150 /)
    await reset(data)
    expect(await ftp.next()).toMatch(/^426 /)
    expect(server.names()).toEqual(['a.part.incomplete'])
    ftp.destroy()
  })
})

/** Connects, says AUTH TLS and begins its handshake in the moment of the reply; whether it comes to pass. */
async function shakesHands(port: number): Promise<boolean> {
  const socket = await dial(port)
  try {
    const [greeting] = await once(socket, 'data')
    if (!String(greeting).startsWith('220')) return false
    socket.write('AUTH TLS\r\n')
    const [reply] = await once(socket, 'data')
    if (!String(reply).startsWith('234')) return false
    return await Promise.race([
      secureData(socket).then(
        () => true,
        () => false,
      ),
      // It waits for an answer for ever.
      pause(1_000).then(() => false),
    ])
  } finally {
    socket.destroy()
  }
}

describe('bare ftp-srv in its own process, and this listener', () => {
  test('a hello behind the reply to AUTH TLS is lost now and then there, and never here', async () => {
    const bare = await run(process.execPath, ['test/listeners/ftps/bare-process.ts'])
    const server = await startReal({ runtime: 'node' })
    stops.push(() => server.stop())
    const lost = { there: 0, here: 0 }
    // A third or so each time: by chance none in one run of ten million.
    for (let n = 0; n < 40; n += 1) {
      if (!(await shakesHands(bare.port))) lost.there += 1
      if (!(await shakesHands(server.explicitPort))) lost.here += 1
    }
    expect(lost.there).toBeGreaterThan(0)
    expect(lost.here).toBe(0)
  })
})
