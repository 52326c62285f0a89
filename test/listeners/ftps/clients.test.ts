import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { password } from '../../drop/door.ts'
import { peer } from '../../support/peers.ts'
import { createMatrix } from '../matrix.ts'
import { call, programs } from './programs.ts'
import type { ClientProgram, Login } from './programs.ts'
import { until } from './raw.ts'
import { startReal } from './real.ts'
import type { RealServer } from './real.ts'

// Names in .part are not imported, so nothing remembers them when a test clears the folder from outside.
const oddName = '日本 a:b?q\\x"y$z#w.part'

const clientOfMany = 'lftp, explicit'
const clientsOfMany = [clientOfMany, 'rclone, explicit', 'basic-ftp, explicit']
/**
 * Small files of each client in one session. curl and ftplib wait 40 ms in each for their own kernel (Nagle's algorithm),
 * and under Deno each costs more: there one client puts them.
 */
function filesOf(runtime: 'node' | 'deno', client: string): number {
  if (runtime === 'deno') return client === clientOfMany ? 1_000 : 0
  return clientsOfMany.includes(client) ? 1_000 : 100
}
/** Two for all: what differs between the clients is not the size, and each costs half a minute and 2 GiB. */
const clientsOfGibibyte = ['curl, explicit', 'lftp, implicit']

describe.each(['node', 'deno'] as const)('the FTPS listener under %s', (runtime) => {
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-clients-'))
  const local = join(folder, 'local.csv')
  const back = join(folder, 'back.csv')
  const empty = join(folder, 'empty.csv')
  const part = join(folder, 'part.csv')
  const content = Buffer.from(
    `email,firstName\n${'someone@maple.example,Some One\n'.repeat(12_000)}`,
  )
  let server: RealServer
  let login: Login

  /** A folder with `count` small files. */
  function folderOf(count: number): string {
    const many = join(folder, `many${count}`)
    mkdirSync(many, { recursive: true })
    for (let n = 0; n < count; n += 1) writeFileSync(join(many, `f${n}.part`), `row ${n}\n`)
    return many
  }

  beforeAll(async () => {
    writeFileSync(local, content)
    writeFileSync(part, content.subarray(0, 100_001))
    writeFileSync(empty, '')
    server = await startReal({ runtime })
    login = { server, folder, password }
  })
  afterAll(async () => {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  function clear(): void {
    for (const name of server.names()) rmSync(join(server.dropFolder, name), { recursive: true })
  }
  const stored = (name: string): Buffer => readFileSync(join(server.dropFolder, name))

  const matrix = createMatrix(`FTPS under ${runtime}`, () => {
    clear()
    rmSync(back, { force: true })
  })
  afterAll(() => matrix.print())

  /** No two of its blocks are alike. */
  async function putGibibyte(client: ClientProgram): Promise<void> {
    const big = join(folder, 'big.part')
    const out = createWriteStream(big)
    const block = Buffer.alloc(2 ** 20, content)
    for (let n = 0; n < 1_024; n += 1) {
      block.writeUInt32BE(n)
      if (!out.write(Buffer.from(block))) await once(out, 'drain')
    }
    out.end()
    await once(out, 'close')
    await client.put(login, big, 'big.part')
    expect(server.names()).toEqual(['big.part'])
    await call('cmp', [big, join(server.dropFolder, 'big.part')])
    // Both ways once: downloads differ in nothing else.
    if (runtime === 'node' && client.name === clientsOfGibibyte[0]) {
      await client.get(login, 'big.part', back)
      await call('cmp', [big, back])
    }
    rmSync(big)
    rmSync(back, { force: true })
    clear()
  }

  describe.each(programs)('$name', (client) => {
    const cell = (title: string, work: () => Promise<void>, timeout?: number): void =>
      matrix.cell(client, title, work, timeout)

    cell('puts, lists and gets a file', async () => {
      await client.put(login, local, 'a.part')
      expect(stored('a.part').equals(content)).toBe(true)
      expect(await client.list(login)).toContain('a.part')
      await client.get(login, 'a.part', back)
      expect(readFileSync(back).equals(content)).toBe(true)
    })
    cell('puts over a file that is there', async () => {
      await client.put(login, local, 'a.part')
      await client.put(login, part, 'a.part')
      expect(stored('a.part').length).toBe(100_001)
    })
    cell('renames and deletes', async () => {
      await client.put(login, local, 'a.part')
      await client.rename(login, 'a.part', 'b.part')
      expect(server.names()).toEqual(['b.part'])
      await client.remove(login, 'b.part')
      expect(server.names()).toEqual([])
    })
    cell('puts and gets 0 bytes', async () => {
      await client.put(login, empty, 'empty.part')
      expect(stored('empty.part').length).toBe(0)
      await client.get(login, 'empty.part', back)
      expect(readFileSync(back).length).toBe(0)
    })
    cell('puts, lists, gets and deletes an odd name', async () => {
      await client.put(login, local, oddName)
      expect(server.names()).toHaveLength(1)
      expect(await client.list(login)).toContain('日本 a:b')
      await client.get(login, oddName, back)
      expect(readFileSync(back).equals(content)).toBe(true)
      await client.remove(login, oddName)
      expect(server.names()).toEqual([])
    })
    const { resume } = client
    const goesOn = 'resumes an upload'
    const goesOnWithCut = 'resumes a cut upload under the name that it gave'
    if (typeof resume === 'string') {
      for (const title of [goesOn, goesOnWithCut]) {
        matrix.none(client.name, title, `not offered by the client: ${resume}`)
      }
    } else {
      cell(goesOn, async () => {
        await client.put(login, part, 'a.part')
        await resume(login, local, 'a.part')
        expect(stored('a.part').equals(content)).toBe(true)
        expect(server.names()).toEqual(['a.part'])
      })
      cell(goesOnWithCut, async () => {
        mkdirSync(server.dropFolder, { recursive: true })
        writeFileSync(join(server.dropFolder, 'a.part.incomplete'), readFileSync(part))
        await resume(login, local, 'a.part')
        expect(stored('a.part').equals(content)).toBe(true)
        expect(server.names()).toEqual(['a.part'])
      })
    }
    const count = filesOf(runtime, client.name)
    if (count === 0) {
      const many = 'puts 1000 small files in one session'
      matrix.none(client.name, many, `left to ${clientOfMany}: the number is the server's`)
    } else {
      cell(
        `puts ${count} small files in one session`,
        async () => {
          await client.putMany(login, folderOf(count))
          expect(server.names()).toHaveLength(count)
        },
        120_000,
      )
    }
    if (clientsOfGibibyte.includes(client.name)) {
      cell('puts 1 GiB', () => putGibibyte(client), 240_000)
    } else {
      const others = clientsOfGibibyte.join(' and ')
      matrix.none(client.name, 'puts 1 GiB', `left to ${others}: the size is the server's`)
    }
    matrix.none(
      client.name,
      'is refused with a wrong key',
      'not offered by the client: FTP has none',
    )
    cell('is refused with a wrong password, and leaves nothing', async () => {
      await expect(client.put({ ...login, password: 'wrong' }, local, 'a.part')).rejects.toThrow()
      expect(server.names()).toEqual([])
    })
  })

  const lftp = programs.find(({ name }) => name === 'lftp, explicit')

  test.skipIf(lftp?.path === undefined)(
    'lftp, explicit killed in mid-upload leaves a cut upload, which it resumes',
    async () => {
      clear()
      const big = join(folder, 'big.csv')
      const bytes = Buffer.alloc(8 * 2 ** 20, content)
      writeFileSync(big, bytes)
      const commands = [
        'set net:max-retries 1; set ssl:verify-certificate no; set net:limit-rate 0:2000000',
        `open -u maple,"${password}" ftp://127.0.0.1:${server.explicitPort}`,
        `put ${big} -o big.part`,
      ]
      const child = spawn(peer('lftp') ?? '', ['-c', commands.join('; ')], { stdio: 'ignore' })
      const exited = once(child, 'exit')
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      expect(server.names()).toEqual([])
      child.kill('SIGKILL')
      await exited
      await until(() => server.names().includes('big.part.incomplete'), 'the cut upload is kept')
      expect(server.names()).toEqual(['big.part.incomplete'])
      if (typeof lftp?.resume === 'function') await lftp.resume(login, big, 'big.part')
      expect(server.names()).toEqual(['big.part'])
      expect(stored('big.part').equals(bytes)).toBe(true)
    },
  )
})
