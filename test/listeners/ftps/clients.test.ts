import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { password } from '../../drop/door.ts'
import { peer } from '../../support/peers.ts'
import { programs } from './programs.ts'
import type { Login } from './programs.ts'
import { until } from './raw.ts'
import { startReal } from './real.ts'
import type { RealServer } from './real.ts'

// Names in .part are not imported, so nothing remembers them when a test clears the folder from outside.
const oddName = '日本 a:b?q\\x"y$z#w.part'

/** Small files of each client; one has more, and does it under Deno too: each file waits for the disk. */
const fewFiles = 100
const manyFiles = 1_000
const clientOfMany = 'lftp, explicit'

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

  describe.each(programs)('$name', (client) => {
    function cell(title: string, work: (() => Promise<void>) | undefined, timeout = 30_000): void {
      if (work === undefined) return
      test.skipIf(client.path === undefined)(
        title,
        async () => {
          clear()
          rmSync(back, { force: true })
          await work()
        },
        timeout,
      )
    }

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
    const { resume, putMany } = client
    cell(
      'resumes an upload',
      resume &&
        (async () => {
          await client.put(login, part, 'a.part')
          await resume(login, local, 'a.part')
          expect(stored('a.part').equals(content)).toBe(true)
          expect(server.names()).toEqual(['a.part'])
        }),
    )
    cell(
      'resumes a cut upload under the name that it gave',
      resume &&
        (async () => {
          mkdirSync(server.dropFolder, { recursive: true })
          writeFileSync(join(server.dropFolder, 'a.part.incomplete'), readFileSync(part))
          await resume(login, local, 'a.part')
          expect(stored('a.part').equals(content)).toBe(true)
          expect(server.names()).toEqual(['a.part'])
        }),
    )
    const count = client.name === clientOfMany && runtime === 'node' ? manyFiles : fewFiles
    cell(
      `puts ${count} small files in one session`,
      runtime === 'node' || client.name === clientOfMany
        ? async () => {
            await putMany(login, folderOf(count))
            expect(server.names()).toHaveLength(count)
          }
        : undefined,
      120_000,
    )
    cell('is refused with a wrong password, and leaves nothing', async () => {
      await expect(client.put({ ...login, password: 'wrong' }, local, 'a.part')).rejects.toThrow()
      expect(server.names()).toEqual([])
    })
  })

  const curl = programs.find(({ name }) => name === 'curl, explicit')
  const lftp = programs.find(({ name }) => name === 'lftp, explicit')

  // Half a minute of both processors: once.
  const withGibibyte = runtime === 'node' ? test.skipIf(curl?.path === undefined) : undefined
  withGibibyte?.(
    'curl, explicit puts and gets 1 GiB',
    async () => {
      clear()
      const big = join(folder, 'big.part')
      const out = createWriteStream(big)
      const block = Buffer.alloc(2 ** 20, content)
      for (let n = 0; n < 1_024; n += 1) {
        block.writeUInt32BE(n)
        if (!out.write(Buffer.from(block))) await once(out, 'drain')
      }
      out.end()
      await once(out, 'close')
      await curl?.put(login, big, 'big.part')
      expect(statSync(join(server.dropFolder, 'big.part')).size).toBe(2 ** 30)
      rmSync(back, { force: true })
      await curl?.get(login, 'big.part', back)
      const [one, two] = [createReadStream(big), createReadStream(back)]
      const read = async (stream: typeof one): Promise<bigint> => {
        let sum = 0n
        for await (const chunk of stream) {
          const bytes = chunk as Buffer
          for (let at = 0; at + 8 <= bytes.length; at += 8_192) sum += bytes.readBigUInt64BE(at)
        }
        return sum
      }
      expect(await read(two)).toBe(await read(one))
      rmSync(big)
      rmSync(back)
      clear()
    },
    120_000,
  )

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
      await lftp?.resume?.(login, big, 'big.part')
      expect(server.names()).toEqual(['big.part'])
      expect(stored('big.part').equals(bytes)).toBe(true)
    },
  )
})
