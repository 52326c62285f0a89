import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { addTenant, outcomesOf, request, runsOf, withSftp } from '../support/client.ts'
import { removeFolder, startServer, top } from '../support/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-import-cli-'))
afterAll(() => removeFolder(folder))
const scratch = join(folder, 'tmp')
mkdirSync(scratch)

const header = 'UserUUID,email,firstName,Shoe size\n'
function fileOf(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const good = fileOf('good.csv', `${header}u1,ada@x.example,Ada,38\nu2,bob@x.example,Bob,44\n`)
const bad = fileOf(
  'bad.csv',
  `${header}u1,ada@x.example,Ada L.,38\nu3,nobody,Eve,40\nu4,"open,Joe,1\n`,
)
const none = fileOf('none.csv', 'First,Last\nAda,L\n')

function rosterdrop(args: string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['src/main.ts', ...args], {
    cwd: top,
    env: {
      ...process.env,
      DATA_DIR: join(folder, 'data'),
      TMPDIR: scratch,
      HTTP_PORT: '9',
      ...env,
    },
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

test.each([
  [['import', 'check', scratch], 'Cannot check'],
  [['import', 'run', scratch, '--tenant', 'maple'], 'Cannot import'],
])('%j: a folder is refused in one sentence', (words, cannot) => {
  expect(rosterdrop(words)).toEqual({
    status: 1,
    stdout: '',
    stderr: `${cannot} "${scratch}": it is no file, the path of a CSV is needed\n`,
  })
})

describe('rosterdrop import check', () => {
  test('shows columns, counts and warnings of a good file and exits 0', () => {
    const { status, stdout } = rosterdrop(['import', 'check', good])
    expect(status).toBe(0)
    expect(stdout).toContain('good.csv: 83 bytes, utf-8, delimiter comma\n')
    expect(stdout).toContain('Columns recognised: UserUUID, email, firstName\n')
    expect(stdout).toContain('Columns ignored: "Shoe size"\nWarning 9104: ')
    expect(stdout).toContain('2 rows: 2 would be created, 0 would be updated, 0 unchanged')
  })

  test('shows every failure by its line and exits 1, and leaves nothing behind', () => {
    const { status, stdout } = rosterdrop(['import', 'check', bad])
    expect(status).toBe(1)
    expect(stdout).toMatch(/^3 rows: 1 would be created, .* 2 would fail$/m)
    expect(stdout).toMatch(/^Line 3: 9033 email is "nobody", one email address is needed; write/m)
    expect(stdout).toMatch(/^Line 4: 9106 A quote is opened in line 4 and not closed/m)
    expect(readdirSync(scratch)).toEqual([])
  })

  test('says why a file as a whole would be refused', () => {
    const { status, stdout } = rosterdrop(['import', 'check', none])
    expect(status).toBe(1)
    expect(stdout).toMatch(/^9102: The header has the columns "First" and "Last"/m)
  })

  test('a file that is not there and words that are off are told', () => {
    expect(rosterdrop(['import', 'check', join(folder, 'missing.csv')])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^Cannot check ".*missing\.csv": there is no such file\n$/),
    })
    expect(rosterdrop(['import', 'check'])).toMatchObject({ status: 2 })
    expect(rosterdrop(['import', 'run', good])).toMatchObject({ status: 2 })
  })
})

describe('rosterdrop import run', () => {
  test('without a server imports the file itself; a check then knows the users', () => {
    const both = ['--reply-to', 'it@a.example', '--failed-import-email', 'hr@a.example']
    expect(rosterdrop(['tenant', 'add', 'A', ...both]).status).toBe(0)
    const dry = rosterdrop(['import', 'run', good, '--tenant', 'A', '--dry-run'])
    expect(dry).toMatchObject({ status: 0, stdout: expect.stringMatching(/2 would be created/) })
    const first = rosterdrop(['import', 'run', good, '--tenant', 'A'])
    expect(first.stdout).toMatch(/^run_[0-9a-f-]{36}: completed\n/)
    expect(first.stdout).toContain('2 rows: 2 created, 0 updated, 0 unchanged')
    expect(first.status).toBe(0)

    const check = rosterdrop(['import', 'check', bad, '--tenant', 'A'])
    expect(check.stdout).toContain('3 rows: 0 would be created, 1 would be updated')
    const again = rosterdrop(['import', 'check', good, '--tenant', 'A'])
    expect(again.stdout).toContain('0 would be updated, 2 unchanged')

    const second = rosterdrop(['import', 'run', bad, '--tenant', 'A'])
    expect(second.stdout).toMatch(/: completed_with_failures\n/)
    expect(second.stdout).toMatch(/^Line 3: 9033 /m)
    expect(second.status).toBe(1)
    expect(readdirSync(scratch)).toEqual([])
  })

  test('hands the file to the running server', async () => {
    const server = await startServer({})
    try {
      const tenant = await addTenant(server, 'maple', { settleSeconds: 0 })
      const env = { DATA_DIR: server.dataFolder, HTTP_PORT: String(server.httpPort) }
      const name = 'maple'
      const { status, stdout, stderr } = rosterdrop(['import', 'run', good, '--tenant', name], env)
      expect(stderr).toBe('')
      expect(stdout).toContain('2 rows: 2 created, 0 updated')
      expect(status).toBe(0)
      const [run] = await runsOf(server, tenant)
      expect(run).toMatchObject({ filename: 'good.csv', source: 'http', state: 'completed' })

      // The three ways to a dry run say the same, and none changes a user.
      const users = async () => (await request(server, tenant, '/users')).json()
      const before = await users()
      const posted = await request(server, tenant, '/imports?filename=bad.csv&dryRun=true', {
        method: 'POST',
        headers: { 'content-type': 'text/csv' },
        body: readFileSync(bad),
      })
      expect(posted.status).toBe(202)
      await withSftp(server, tenant, async (client) => {
        await client.mkdir('/test')
        await client.put(bad, '/test/bad.csv')
      })
      const dry = (await outcomesOf(server, tenant, 3)).filter((one) => one.filename === 'bad.csv')
      const said = dry.map(({ state, counts, reasons }) => ({ state, counts, reasons }))
      const counts = { rows: 3, created: 0, updated: 1, unchanged: 0, skipped: 0, failed: 2 }
      expect(said).toEqual([said[0], said[0]])
      expect(said[0]).toMatchObject({ state: 'completed_with_failures', counts })
      const check = rosterdrop(['import', 'check', bad, '--tenant', name], env)
      expect(check.stdout).toContain(
        '3 rows: 0 would be created, 1 would be updated, 0 unchanged, 0 skipped, 2 would fail',
      )
      expect(await users()).toEqual(before)

      // Another installation's server is not given the file.
      const other = rosterdrop(['import', 'run', good, '--tenant', 'A'], {
        HTTP_PORT: env.HTTP_PORT,
      })
      expect(other).toMatchObject({ status: 1, stderr: expect.stringMatching(/another server's/) })
      expect(await runsOf(server, tenant)).toHaveLength(3)
    } finally {
      await server.stop('SIGTERM')
      removeFolder(server.dataFolder)
    }
  })
  test('beside a server whose HTTP port does not answer it imports nothing, and says so', async () => {
    const server = await startServer({})
    try {
      const tenant = await addTenant(server)
      for (const port of ['9', '0']) {
        const { status, stdout, stderr } = rosterdrop(
          ['import', 'run', good, '--tenant', 'maple'],
          {
            DATA_DIR: server.dataFolder,
            HTTP_PORT: port,
          },
        )
        expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
        expect(stderr).toBe(
          `Cannot import: a server runs on this data folder and does not answer at HTTP_PORT=${port}, its HTTP_HOST and HTTP_PORT are needed to hand the file over\n`,
        )
      }
      expect(await runsOf(server, tenant)).toEqual([])
      expect(existsSync(join(server.dataFolder, 'files', 'work'))).toBe(false)

      // Nor does a second server take what is under way in the first for what a dead one has left.
      const second = rosterdrop(['serve'], {
        DATA_DIR: server.dataFolder,
        HTTP_PORT: '0',
        SFTP_PORT: '0',
        FTPS_PORT: '0',
        FTPS_IMPLICIT_PORT: '0',
      })
      expect(second).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/^Cannot start: another process runs on /),
      })
    } finally {
      // Killed: the system lets go of what it had.
      await server.stop('SIGKILL')
    }
    const { status, stdout } = rosterdrop(['import', 'run', good, '--tenant', 'maple'], {
      DATA_DIR: server.dataFolder,
    })
    expect(stdout).toContain('2 rows: 2 created')
    expect(status).toBe(0)
    removeFolder(server.dataFolder)
  })
})
