import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, clientCells } from '../client-cells.ts'
import { opensshOptions, programs } from './programs.ts'
import { until } from './raw.ts'
import { startReal } from './real.ts'

const manyNames = 9_000

describe.each(['node', 'deno'] as const)('the SFTP listener under %s', (runtime) => {
  const keys = mkdtempSync(join(tmpdir(), 'rosterdrop-keys-'))
  const [clientKey, otherKey] = [join(keys, 'key'), join(keys, 'other')]
  beforeAll(() => {
    for (const key of [clientKey, otherKey]) {
      spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', key])
    }
  })
  afterAll(() => rmSync(keys, { recursive: true, force: true }))

  const cells = clientCells({
    title: `SFTP under ${runtime}`,
    programs,
    start: () => startReal({ runtime, publicKey: readFileSync(`${clientKey}.pub`, 'utf8').trim() }),
    // Under Deno each costs three times as much: one client puts all of them.
    manyOf: (client) => (runtime === 'node' || client === 'OpenSSH sftp' ? 1_000 : 100),
    clientsOfGibibyte: ['OpenSSH sftp'],
  })
  const { folder, local, back, part, content, matrix, clear, stored, server, login } = cells

  describe.each(programs)('$name, by a key', (client) => {
    matrix.cell(
      client,
      'is refused with another key, leaves nothing, and is let in by the right one',
      async () => {
        await expect(client.putByKey(login(), otherKey, part, 'k.part')).rejects.toThrow()
        expect(server().names()).toEqual([])
        await client.putByKey(login(), clientKey, part, 'k.part')
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
      const { args, env } = opensshOptions(login())
      const batch = join(folder, 'batch')
      writeFileSync(batch, `put ${big} big.part\n`)
      const where = ['-P', String(server().port), '-b', batch, 'maple@127.0.0.1']
      // 20 Mbit/s: it takes three seconds.
      const child = spawn('sftp', [...args, '-l', '20000', ...where], {
        env: { ...process.env, ...env },
        stdio: 'ignore',
        detached: true,
      })
      const exited = once(child, 'exit')
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      expect(server().names()).toEqual([])
      // Its ssh is in the same group; the network must be lost too.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      await exited
      await until(() => server().names().includes('big.part.incomplete'), 'the cut upload is kept')
      expect(server().names()).toEqual(['big.part.incomplete'])
      if (typeof openssh?.resume === 'function') await openssh.resume(login(), big, 'big.part')
      expect(server().names()).toEqual(['big.part'])
      expect(stored('big.part').equals(bytes)).toBe(true)
    },
  )

  withOpenssh('OpenSSH sftp asks for new keys all the time, and every byte arrives', async () => {
    clear()
    const bytes = Buffer.alloc(6 * 2 ** 20, content)
    const big = join(folder, 'rekey.csv')
    writeFileSync(big, bytes)
    const { args, env } = opensshOptions(login())
    const batch = join(folder, 'batch')
    writeFileSync(batch, `put ${big} r.part\nget r.part ${back}\n`)
    const where = ['-P', String(server().port), '-b', batch, 'maple@127.0.0.1']
    await call('sftp', [...args, '-o', 'RekeyLimit=256K', ...where], env)
    expect(stored('r.part').equals(bytes)).toBe(true)
    expect(readFileSync(back).equals(bytes)).toBe(true)
  })

  // The refusal is the same program's under both.
  if (runtime === 'node') {
    withOpenssh(
      'OpenSSH sftp is refused one byte more than 1 GiB',
      async () => {
        clear()
        const big = join(folder, 'more.csv')
        writeFileSync(big, content)
        truncateSync(big, 2 ** 30 + 1)
        await expect(openssh?.put(login(), big, 'more.part')).rejects.toThrow()
        expect(server().names()).not.toContain('more.part')
        clear()
        rmSync(big)
      },
      240_000,
    )
  }

  withOpenssh('OpenSSH ssh and scp without SFTP are told so, and end', async () => {
    const { args, env } = opensshOptions(login())
    const port = String(server().port)
    const shell = call('ssh', [...args, '-T', '-p', port, 'maple@127.0.0.1'], env)
    await expect(shell).rejects.toThrow(/This service allows SFTP only/)
    const copy = call('scp', ['-O', ...args, '-P', port, local, 'maple@127.0.0.1:x.csv'], env)
    await expect(copy).rejects.toThrow(/This service allows SFTP only/)
  })

  test(`${manyNames} names are listed completely`, async () => {
    clear()
    mkdirSync(server().dropFolder, { recursive: true })
    for (let n = 0; n < manyNames; n += 1)
      writeFileSync(join(server().dropFolder, `n${n}.part`), '')
    for (const client of runtime === 'node' ? programs : programs.slice(0, 1)) {
      if (client.path === undefined) continue
      const listed = (await client.list(login())).match(/n\d+\.part/g) ?? []
      expect([client.name, new Set(listed).size]).toEqual([client.name, manyNames])
    }
    clear()
  }, 60_000)
})
