import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMatrix } from '../matrix.ts'
import { call, opensshOptions, programs, rightPassword } from './programs.ts'
import type { Login } from './programs.ts'
import { until } from './raw.ts'
import { startReal } from './real.ts'
import type { RealServer } from './real.ts'

// Names in .part are not imported, so nothing remembers them when a test clears the folder from outside.
const oddName = '日本 a:b?q\\x"y$z#w.part'
/** In one session: under Deno, where each costs three times as much, one client puts all of them. */
const manyFiles = (runtime: 'node' | 'deno', client: string): number =>
  runtime === 'node' || client === 'OpenSSH sftp' ? 1_000 : 100
const manyNames = 9_000
/** One client for all: what differs between them is not the size, and each costs ten seconds and 2 GiB. */
const clientOfGibibyte = 'OpenSSH sftp'

describe.each(['node', 'deno'] as const)('the SFTP listener under %s', (runtime) => {
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-clients-'))
  const local = join(folder, 'local.csv')
  const back = join(folder, 'back.csv')
  const empty = join(folder, 'empty.csv')
  const part = join(folder, 'part.csv')
  const many = join(folder, 'many')
  const content = Buffer.from(
    `email,firstName\n${'someone@maple.example,Some One\n'.repeat(12_000)}`,
  )
  const clientKey = join(folder, 'key')
  const otherKey = join(folder, 'other')
  let server: RealServer
  let login: Login

  beforeAll(async () => {
    writeFileSync(local, content)
    writeFileSync(part, content.subarray(0, 100_001))
    writeFileSync(empty, '')
    for (const count of [100, 1_000]) {
      mkdirSync(`${many}${count}`)
      for (let n = 0; n < count; n += 1)
        writeFileSync(join(`${many}${count}`, `f${n}.part`), `row ${n}\n`)
    }
    for (const key of [clientKey, otherKey]) {
      spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', key])
    }
    const publicKey = readFileSync(`${clientKey}.pub`, 'utf8').trim()
    server = await startReal({ runtime, publicKey })
    login = { server, folder, password: rightPassword }
  })
  afterAll(async () => {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  function clear(): void {
    for (const name of server.names()) rmSync(join(server.dropFolder, name), { recursive: true })
  }
  const stored = (name: string): Buffer => readFileSync(join(server.dropFolder, name))

  const matrix = createMatrix(`SFTP under ${runtime}`, () => {
    clear()
    rmSync(back, { force: true })
  })
  afterAll(() => matrix.print())

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
    const count = manyFiles(runtime, client.name)
    cell(
      `puts ${count} small files in one session`,
      async () => {
        await client.putMany(login, `${many}${count}`, count)
        expect(server.names()).toHaveLength(count)
      },
      120_000,
    )
    if (client.name !== clientOfGibibyte) {
      matrix.none(
        client.name,
        'puts 1 GiB',
        `left to ${clientOfGibibyte}: the size is the server's`,
      )
    }
    cell('is refused with a wrong password, and leaves nothing', async () => {
      await expect(client.put({ ...login, password: 'wrong' }, local, 'a.part')).rejects.toThrow()
      expect(server.names()).toEqual([])
    })
    cell(
      'is refused with another key, leaves nothing, and is let in by the right one',
      async () => {
        await expect(client.putByKey(login, otherKey, part, 'k.part')).rejects.toThrow()
        expect(server.names()).toEqual([])
        await client.putByKey(login, clientKey, part, 'k.part')
        expect(stored('k.part').length).toBe(100_001)
      },
    )
  })

  const openssh = programs.find(({ name }) => name === 'OpenSSH sftp')
  const withOpenssh = test.skipIf(openssh?.path === undefined)

  withOpenssh(
    'OpenSSH sftp killed in mid-upload leaves a cut upload, which it resumes',
    async () => {
      clear()
      const big = join(folder, 'big.csv')
      const bytes = Buffer.alloc(8 * 2 ** 20, content)
      writeFileSync(big, bytes)
      const { args, env } = opensshOptions(login)
      const batch = join(folder, 'batch')
      writeFileSync(batch, `put ${big} big.part\n`)
      const where = ['-P', String(server.port), '-b', batch, 'maple@127.0.0.1']
      // 20 Mbit/s: it takes three seconds.
      const child = spawn('sftp', [...args, '-l', '20000', ...where], {
        env: { ...process.env, ...env },
        stdio: 'ignore',
        detached: true,
      })
      const exited = once(child, 'exit')
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      expect(server.names()).toEqual([])
      // Its ssh is in the same group; the network must be lost too.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      await exited
      await until(() => server.names().includes('big.part.incomplete'), 'the cut upload is kept')
      expect(server.names()).toEqual(['big.part.incomplete'])
      if (typeof openssh?.resume === 'function') await openssh.resume(login, big, 'big.part')
      expect(server.names()).toEqual(['big.part'])
      expect(stored('big.part').equals(bytes)).toBe(true)
    },
  )

  withOpenssh('OpenSSH sftp asks for new keys all the time, and every byte arrives', async () => {
    clear()
    const bytes = Buffer.alloc(6 * 2 ** 20, content)
    const big = join(folder, 'rekey.csv')
    writeFileSync(big, bytes)
    const { args, env } = opensshOptions(login)
    const batch = join(folder, 'batch')
    writeFileSync(batch, `put ${big} r.part\nget r.part ${back}\n`)
    const where = ['-P', String(server.port), '-b', batch, 'maple@127.0.0.1']
    await call('sftp', [...args, '-o', 'RekeyLimit=256K', ...where], env)
    expect(stored('r.part').equals(bytes)).toBe(true)
    expect(readFileSync(back).equals(bytes)).toBe(true)
  })

  if (openssh !== undefined) {
    matrix.cell(
      openssh,
      'puts 1 GiB, and is refused one byte more',
      async () => {
        const big = join(folder, 'gib.csv')
        writeFileSync(big, content)
        truncateSync(big, 2 ** 30)
        await openssh.put(login, big, 'gib.part')
        expect(server.names()).toEqual(['gib.part'])
        await call('cmp', [big, join(server.dropFolder, 'gib.part')])
        clear()
        // The refusal is the same program's under both.
        if (runtime === 'node') {
          truncateSync(big, 2 ** 30 + 1)
          await expect(openssh.put(login, big, 'gib.part')).rejects.toThrow()
          expect(server.names()).not.toContain('gib.part')
          clear()
        }
        rmSync(big)
      },
      240_000,
    )
  }

  withOpenssh('OpenSSH ssh and scp without SFTP are told so, and end', async () => {
    const { args, env } = opensshOptions(login)
    const port = String(server.port)
    const shell = call('ssh', [...args, '-T', '-p', port, 'maple@127.0.0.1'], env)
    await expect(shell).rejects.toThrow(/This service allows SFTP only/)
    const copy = call('scp', ['-O', ...args, '-P', port, local, 'maple@127.0.0.1:x.csv'], env)
    await expect(copy).rejects.toThrow(/This service allows SFTP only/)
  })

  test(`${manyNames} names are listed completely`, async () => {
    clear()
    mkdirSync(server.dropFolder, { recursive: true })
    for (let n = 0; n < manyNames; n += 1) writeFileSync(join(server.dropFolder, `n${n}.part`), '')
    for (const client of runtime === 'node' ? programs : programs.slice(0, 1)) {
      if (client.path === undefined) continue
      const listed = (await client.list(login)).match(/n\d+\.part/g) ?? []
      expect([client.name, new Set(listed).size]).toEqual([client.name, manyNames])
    }
    clear()
  }, 60_000)
})
