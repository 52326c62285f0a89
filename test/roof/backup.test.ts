import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addTenant, outcomesOf, request, withSftp } from '../support/client.ts'
import type { TestTenant } from '../support/client.ts'
import { denoArguments, denoProgram, removeFolder, startServer, top } from '../support/server.ts'
import type { Runtime, StartedServer } from '../support/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-backup-'))
afterAll(() => removeFolder(folder))

function rosterdrop(env: Record<string, string>, args: string[], runtime: Runtime = 'node') {
  const [program, words] =
    runtime === 'node'
      ? [process.execPath, ['src/main.ts']]
      : [denoProgram(), [...denoArguments(folder), 'src/main.ts']]
  const { status, stdout, stderr } = spawnSync(program, [...words, ...args], {
    cwd: top,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

const csv = (n: number): Buffer =>
  Buffer.from(
    `First Name,Last Name,Email,User Type\r\nAda,Number${n},ada${n}@maple.example,Student\r\n`,
  )

describe('rosterdrop backup and restore', () => {
  let server: StartedServer
  let tenant: TestTenant
  const backup = join(folder, 'backup')
  /** Files that were accepted before the backup began. */
  const before = 12

  async function usersOf(of: StartedServer): Promise<string[]> {
    const answer = await request(of, tenant, '/users?limit=100')
    const { data } = (await answer.json()) as { data: { email: string }[] }
    return data.map(({ email }) => email).toSorted()
  }

  beforeAll(async () => {
    server = await startServer({ dataFolder: join(folder, 'first') })
    tenant = await addTenant(server)
  })
  afterAll(async () => {
    await server.stop()
  })

  test('a backup under load is whole, and what it has been given is imported after the restore, once', async () => {
    const load = { dropped: 0, stop: false }
    const dropping = withSftp(server, tenant, async (client) => {
      for (; !load.stop; load.dropped += 1) {
        await client.put(csv(load.dropped), `/file${load.dropped}.csv`)
      }
    })
    await expect.poll(() => load.dropped, { timeout: 20_000 }).toBeGreaterThanOrEqual(before)
    expect(await server.cli('backup', backup)).toMatch(/^Backed up \d+ files, \d+ bytes, as of /)
    load.stop = true
    await dropping
    await outcomesOf(server, tenant, load.dropped)
    expect(
      readdirSync(join(folder, 'first', 'files', '.staging')).filter((name) =>
        name.startsWith('links'),
      ),
    ).toEqual([])

    const DATA_DIR = join(folder, 'second')
    expect(rosterdrop({ DATA_DIR }, ['restore', backup])).toMatchObject({ status: 0, stderr: '' })
    const doctor = rosterdrop({ DATA_DIR }, ['doctor'])
    expect(doctor.stdout).not.toContain('MEND')
    expect(doctor.status).toBe(0)

    const restored = await startServer({ dataFolder: DATA_DIR })
    expect(restored.hostKeyFingerprint).toBe(server.hostKeyFingerprint)
    const runs = await outcomesOf(restored, tenant, before)
    const users = await usersOf(restored)
    await restored.stop()
    for (let n = 0; n < before; n += 1) {
      expect(users).toContain(`ada${n}@maple.example`)
      expect(runs.filter(({ filename }) => filename === `file${n}.csv`)).toHaveLength(1)
    }
    expect(new Set(runs.map(({ state }) => state))).toEqual(new Set(['completed']))
  })

  test('under Deno a backup and a restore give the same', async () => {
    const other = join(folder, 'by-deno')
    const DATA_DIR = join(folder, 'third')
    const first = { DATA_DIR: join(folder, 'first') }
    expect(rosterdrop(first, ['backup', other], 'deno')).toMatchObject({ status: 0, stderr: '' })
    expect(rosterdrop({ DATA_DIR }, ['restore', other], 'deno')).toMatchObject({ status: 0 })
    const restored = await startServer({ dataFolder: DATA_DIR })
    expect(await usersOf(restored)).toEqual(await usersOf(server))
    await restored.stop()
  })

  test('files kept elsewhere come back to where they were', async () => {
    const first = { DATA_DIR: join(folder, 'first') }
    expect(rosterdrop(first, ['backup', join(folder, 'again')]).status).toBe(0)
    const DATA_DIR = join(folder, 'fourth')
    const STORAGE_URL = `file://${join(folder, 'fourth-files')}`
    expect(rosterdrop({ DATA_DIR, STORAGE_URL }, ['restore', join(folder, 'again')]).status).toBe(0)
    expect(readdirSync(join(folder, 'fourth-files'))).toEqual(
      readdirSync(join(folder, 'again', 'files')),
    )
    expect(readdirSync(DATA_DIR).toSorted()).toEqual(['directory', 'keys', 'state.db'])
  })

  test('a backup that was changed or is not whole is refused, and nothing is left behind', () => {
    const DATA_DIR = join(folder, 'fifth')
    const refused = (reason: RegExp): void => {
      expect(rosterdrop({ DATA_DIR }, ['restore', backup])).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(reason),
      })
      expect(existsSync(DATA_DIR)).toBe(false)
    }
    writeFileSync(join(backup, 'files', 'planted.csv'), 'x')
    refused(/"files\/planted.csv" is not in its manifest.json/)
    removeFolder(join(backup, 'files', 'planted.csv'))
    appendFileSync(join(backup, 'state.db'), 'x')
    refused(/"state.db" is not as it was/)
    removeFolder(join(backup, 'state.db'))
    refused(/"state.db" is missing/)
    removeFolder(join(backup, 'manifest.json'))
    refused(/there is no manifest.json/)
  })

  test.each(['files/bk', 'directory/bk', 'keys', 'keys/a/b'])(
    'a backup into %s of the data folder is refused, and makes nothing',
    (part) => {
      const dataDir = join(folder, 'first')
      const { status, stderr } = rosterdrop({ DATA_DIR: dataDir }, ['backup', join(dataDir, part)])
      expect(status).toBe(1)
      expect(stderr).toMatch(/it is inside ".*", which is backed up, name a folder elsewhere/)
      expect(existsSync(join(dataDir, `${part}.partial`))).toBe(false)
    },
  )

  test('neither takes a folder that holds something', () => {
    const full = join(folder, 'full')
    mkdirSync(full)
    writeFileSync(join(full, 'mine'), 'x')
    const first = { DATA_DIR: join(folder, 'first') }
    expect(rosterdrop(first, ['backup', full]).stderr).toMatch(/is not empty, name a new folder/)
    expect(rosterdrop({ DATA_DIR: full }, ['restore', join(folder, 'by-deno')]).stderr).toMatch(
      /there is "mine" in it, an empty folder is needed/,
    )
    expect(readdirSync(full)).toEqual(['mine'])
    const nothing = { DATA_DIR: join(folder, 'nothing') }
    expect(rosterdrop(nothing, ['backup', join(folder, 'none')]).stderr).toMatch(
      /there is no installation in it/,
    )
    expect(existsSync(join(folder, 'none'))).toBe(false)
  })

  test('with PostgreSQL or a bucket both say what to use instead', () => {
    const DATA_DIR = join(folder, 'elsewhere')
    for (const command of ['backup', 'restore']) {
      const args = [command, join(folder, 'none')]
      const DATABASE_URL = 'postgres://localhost/rosterdrop'
      expect(rosterdrop({ DATA_DIR, DATABASE_URL }, args)).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/the database is PostgreSQL, use pg_dump/),
      })
      expect(rosterdrop({ DATA_DIR, BUCKET_NAME: 'files' }, args)).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/the files are in a bucket, use its versioning/),
      })
    }
    expect(existsSync(DATA_DIR)).toBe(false)
  })
})
