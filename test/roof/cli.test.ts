import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { removeFolder, top } from '../support/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-cli-'))
afterAll(() => removeFolder(folder))

const rosterdrop = (...args: string[]) => rosterdropIn(folder, args)

function rosterdropIn(dataDir: string, args: readonly string[]) {
  const env = { ...process.env, DATA_DIR: dataDir }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['src/main.ts', ...args], {
    cwd: top,
    env,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

const both = ['--reply-to', 'it@a.example', '--failed-import-email', 'hr@a.example']

describe('rosterdrop', () => {
  test('help lists every command', () => {
    const { status, stdout } = rosterdrop('help')
    expect(status).toBe(0)
    for (const name of ['serve', 'demo', 'tenant add', 'account add', 'token create', 'doctor']) {
      expect(stdout).toContain(`rosterdrop ${name}`)
    }
  })

  test('an unknown command exits 2 and shows the known ones', () => {
    const { status, stderr } = rosterdrop('tennant', 'add')
    expect(status).toBe(2)
    expect(stderr).toMatch(/^Cannot run "tennant add": there is no such command/)
    expect(stderr).toContain('rosterdrop tenant add')
  })

  test('tenant add needs both mail settings, and addresses that are addresses', () => {
    expect(rosterdrop('tenant', 'add', 'A', '--reply-to', 'it@a.example')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/Failed Import Email/),
    })
    const wrong = rosterdrop('tenant', 'add', 'A', ...both.slice(0, 3), 'nobody')
    expect(wrong).toMatchObject({ status: 2, stderr: expect.stringMatching(/"nobody" is not/) })
    expect(rosterdrop('token', 'create', 'A', 'x').stderr).toMatch(/there is none yet/)
  })

  test('a client, a login and a token are made once, and their secrets shown once', () => {
    expect(rosterdrop('tenant', 'add', 'A', ...both)).toMatchObject({ status: 0 })
    expect(rosterdrop('tenant', 'add', 'A', ...both)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^Cannot add the client "A": the name is taken/),
    })
    const account = rosterdrop('account', 'add', 'A', 'a-login')
    expect(account.stdout).toMatch(/Password \(shown this once\): [A-Za-z2-9]{20}\n/)
    expect(rosterdrop('account', 'add', 'A', 'a-login').status).toBe(1)
    expect(rosterdrop('account', 'add', 'B', 'b-login').stderr).toMatch(/there are "A"/)
    expect(rosterdrop('account', 'add', 'A', 'k', '--key', 'nonsense').status).toBe(2)
    expect(rosterdrop('token', 'create', 'A', 'poller', '--scope', 'monitor').stdout).toMatch(
      /rd_[\w-]{43}\n/,
    )
    expect(rosterdrop('token', 'create', 'A', 'poller', '--scope', 'root').status).toBe(2)
  })

  test.each([
    [['token', 'create', '--operator', 'x', '--days', '99999999999'], /--days "9+" is not/],
    [['token', 'create', '--operator', 'x', '--days', '1e99'], /--days "1e99" is not/],
    [['token', 'create', 'A', 'x', '--scope', 'operator'], /"operator" is no scope/],
    [['token', 'create', '--operator', 'x', '--scope', 'monitor'], /one of --operator and --scope/],
    [['token', 'create', 'A', ''], /name/],
    [['account', 'add', 'A', ''], /name is not 1 to 64 letters/],
    [['account', 'add', 'A', '../x'], /name is not 1 to 64 letters/],
    [['account', 'add', 'A', 'x\ty'], /name is not 1 to 64 letters/],
    [['account', 'add', 'A', 'x'.repeat(300)], /name is not 1 to 64 letters/],
    [['tenant', 'add', ' ', ...both], /name/],
    [['tenant', 'add', 'x'.repeat(500), ...both], /name/],
    [
      ['tenant', 'add', 'B', ...both, '--user-types', 'A,A'],
      /--user-types: data names one thing twice/,
    ],
    [['tenant', 'add', 'B', ...both, '--login-sources', 'A,A'], /--login-sources: data names one/],
  ])('%j is refused as the API refuses it', (words, why) => {
    const { status, stdout, stderr } = rosterdrop(...words)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr.split('\n')[0]).toMatch(why)
  })

  test('doctor says what to mend', () => {
    const { status, stdout } = rosterdrop('doctor')
    expect(status).toBe(1)
    expect(stdout).toMatch(/^ok {3}The state database opens$/m)
    expect(stdout).toMatch(/^MEND The SFTP host key is missing/m)
    expect(stdout).toMatch(/^ok {3}Client "A" is ready$/m)
  })

  test('doctor names the database that cannot be read, and nothing else stops it', () => {
    const DATA_DIR = join(folder, 'damaged')
    const at = (...args: string[]) => rosterdropIn(DATA_DIR, args)
    expect(at('tenant', 'add', 'Maple', ...both).status).toBe(0)
    expect(at('doctor').stdout).not.toContain('users cannot be')
    const directories = join(DATA_DIR, 'directory')
    const [file = ''] = readdirSync(directories).filter((name) => name.endsWith('.db'))
    writeFileSync(join(directories, file), 'garbage'.repeat(1000))
    const users = at('doctor')
    expect(users.status).toBe(1)
    expect(users.stdout).toMatch(/^MEND Client "Maple": the database of its users cannot be/m)
    writeFileSync(join(DATA_DIR, 'state.db'), 'garbage'.repeat(1000))
    const state = at('doctor')
    expect({ status: state.status, stderr: state.stderr }).toEqual({ status: 1, stderr: '' })
    expect(state.stdout).toMatch(/^MEND The state database cannot be opened or read/m)
  })
})
