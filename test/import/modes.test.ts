import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { openDesk } from './desk.ts'
import { openHouse } from './house.ts'

const top = mkdtempSync(join(tmpdir(), 'rosterdrop-modes-'))
afterAll(() => rmSync(top, { recursive: true, force: true }))

const users = (count: number, from = 0): string =>
  `UserUUID,email\n${Array.from({ length: count }, (_, n) => `u${from + n},p${from + n}@x.ca\n`).join('')}`

async function opened(name: string) {
  const house = await openHouse(join(top, name))
  await house.addTenant({ fullFolder: true })
  await house.start()
  const drop = async (file: string, content: string, folder = '') => {
    await house.drop(file, content, folder)
    const run = (await house.idle()).find(({ filename }) => filename === file)
    if (run === undefined) throw new Error(`there is no run of ${file}`)
    return run
  }
  return { house, drop }
}

describe('a full file', () => {
  // max(5, 10 %) of the active users, and never more than 200.
  test.each([
    [20, 5, false],
    [20, 6, true],
    [100, 10, false],
    [100, 11, true],
    [3000, 200, false],
    [3000, 201, true],
  ])('of %i users that lacks %i is held: %s', async (count, lacks, held) => {
    const desk = openDesk()
    await desk.drop(users(count))
    const full = await desk.drop(users(count - lacks), { mode: 'full' })
    expect(full.outcome).toBe(held ? 'held' : 'completed')
    const active = (await desk.users()).filter((user) => user.active).length
    expect(active).toBe(held ? count : count - lacks)
    if (!held) expect(full.state.counts).toMatchObject({ deactivated: lacks, rows: count - lacks })
    await desk.close()
  })

  test('without rows is held, with none of the known users it is judged by its share', async () => {
    const desk = openDesk()
    await desk.drop(users(3))
    expect((await desk.drop('email\n\n', { mode: 'full' })).state.fileReason?.sentence).toMatch(
      /has no rows/,
    )
    const others = await desk.drop(users(4, 100), { mode: 'full' })
    expect(others.state.counts).toMatchObject({ created: 4, deactivated: 3 })
    await desk.close()
  })

  test.each([
    ['zeros lost', 'UserUUID\n000001', 'UserUUID\n1', true],
    ['a character that is none', 'UserUUID\nu-2', 'UserUUID\nu-2\u0001', true],
    ['its email alone', 'UserUUID,email\nu-2,a@x.ca', 'UserUUID,email\n1.2E+15,A@x.ca', true],
    ['its username alone', 'UserUUID,username\nu-2,ann', 'UserUUID,username\n,Ann', true],
    ['a UUID that cannot be read', 'UserUUID\nu-2', 'UserUUID\n1.2E+15', false],
    ['an email that cannot be read', 'email\na@x.ca', 'email\na@@x.ca', false],
  ])(
    'leaves the user of a failed row active, known by %s',
    async (_what, before, damaged, isKnown) => {
      const desk = openDesk()
      const [header = '', row = ''] = before.split('\n')
      const others = (from: number, count: number): string =>
        Array.from({ length: count }, (_unused, n) => {
          const uuid = String(100_000 + from + n)
          const cells = { UserUUID: uuid, email: `p${uuid}@x.ca`, username: `n${uuid}` }
          return `${Object.entries(cells)
            .filter(([name]) => header.includes(name))
            .map(([, cell]) => cell)
            .join(',')}\n`
        }).join('')
      await desk.drop(`${header}\n${row}\n${others(0, 30)}`)
      const full = await desk.drop(`${damaged}\n${others(1, 29)}`, { mode: 'full' })
      expect(full.state.counts).toMatchObject({ failed: 1, deactivated: isKnown ? 1 : 0 })
      // Whoever may be meant stays active, and so does everybody else then.
      const inactive = (await desk.users()).filter(({ active }) => !active)
      expect(inactive.map(({ fields }) => fields.UserUUID ?? fields.email)).toEqual(
        isKnown ? ['100000'] : [],
      )
      expect(full.state.notices.map(({ code }) => code)).toEqual(isKnown ? [] : [9122])
      await desk.close()
    },
  )

  test('deactivates although its last line is no row', async () => {
    const desk = openDesk()
    await desk.drop(users(30))
    const full = await desk.drop(`${users(29)}29 rows\n`, { mode: 'full' })
    expect(full.state.counts).toMatchObject({ failed: 1, deactivated: 1 })
    await desk.close()
  })

  test('counts failed rows as present, also those that cannot be split', async () => {
    const desk = openDesk()
    await desk.drop(
      'UserUUID,email,city\nu0,a@x.ca,x\nu1,b@x.ca,x\nu2,c@x.ca,x\nu3,d@x.ca,x\nu4,e@x.ca,x\n',
    )
    const file = `UserUUID,email,city\nu0,a@x.ca,${'x'.repeat(51)}\nu1,b@x.ca,"x\nc@x.ca\nu9,d@x.ca,x\n`
    const full = await desk.drop(file, { mode: 'full' })
    expect(full.state.counts).toMatchObject({ rows: 4, failed: 4, deactivated: 1 })
    const inactive = (await desk.users()).filter((user) => !user.active)
    expect(inactive.map(({ fields }) => fields.UserUUID)).toEqual(['u4'])
    await desk.close()
  })

  test('that is a failure report is a delta', async () => {
    const desk = openDesk()
    await desk.drop(users(30))
    const report = 'import_error_line,import_error_codes,UserUUID,email\n2,9033,u1,new@x.ca\n'
    const { outcome, state } = await desk.drop(report, { mode: 'full' })
    expect(outcome).toBe('completed')
    expect(state.counts).toMatchObject({ rows: 1, updated: 1, deactivated: 0 })
    await desk.close()
  })

  test('that is held does nothing until it is approved, and then all of it', async () => {
    const { house, drop } = await opened('approved')
    await drop('first.csv', users(20))
    const held = await drop('full.csv', users(3), 'full')
    expect(held).toMatchObject({ state: 'held', mode: 'full', archivedAt: null })
    expect((await house.picture()).users.filter(({ active }) => active)).toHaveLength(20)
    expect(held.fileReason?.sentence).toMatch(/would deactivate 17 of 20 active users, at most 5/)
    // Others are imported meanwhile.
    expect(await drop('next.csv', users(1, 50))).toMatchObject({ state: 'completed' })
    await house.importer.approve(held.id, 'operator')
    await house.idle()
    const done = await house.state.runs.get(held.id)
    // The user that came meanwhile is absent too: what was approved is the file.
    expect(done).toMatchObject({ state: 'completed', counts: { unchanged: 3, deactivated: 18 } })
    await expect(house.importer.approve(held.id, 'operator')).rejects.toMatchObject({
      code: 'conflict',
    })
    await house.close()
  })
})

describe('revert', () => {
  test('puts back what a run created, changed, swapped and deactivated', async () => {
    const { house, drop } = await opened('reverted')
    await drop('first.csv', users(4))
    const before = (await house.picture()).users
    const swap = `${users(0)}u0,p1@x.ca\nu1,p0@x.ca\nu9,p9@x.ca\nu2,p2@x.ca\n`
    const run = await drop('full.csv', swap, 'full')
    expect(run.counts).toMatchObject({ created: 1, updated: 2, unchanged: 1, deactivated: 1 })
    await house.importer.revert(run.id, 'operator')
    expect((await house.picture()).users).toEqual(before)
    expect((await house.state.runs.get(run.id))?.state).toBe('reverted')
    // The same file again is no duplicate, and no record passes as known.
    expect((await drop('full.csv', swap, 'full')).counts).toMatchObject({ created: 1, updated: 2 })
    await house.close()
  })

  test('is refused where a user was changed since, naming it, and then changes nothing', async () => {
    const { house, drop } = await opened('refused')
    const first = await drop('first.csv', users(3))
    await drop('second.csv', `${users(0)}u1,new@x.ca\n`)
    const before = await house.picture()
    await expect(house.importer.revert(first.id, 'operator')).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/"u1" was changed since/),
    })
    expect(await house.picture()).toEqual(before)
    await house.close()
  })
})

describe('a run that cannot be taken back', () => {
  test.each([
    ['test', 'completed', /it was a dry run, nothing changed/],
    ['full', 'held', /it is held/],
  ])('is refused: one in %s/ that is %s', async (folder, state, message) => {
    const { house, drop } = await opened(`kept-${folder}`)
    await drop('first.csv', users(20))
    const run = await drop('second.csv', users(3), folder)
    expect(run.state).toBe(state)
    const before = await house.picture()
    await expect(house.importer.revert(run.id, 'operator')).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(message),
    })
    expect(await house.picture()).toEqual(before)
    await house.close()
  })

  test('nor does a held one change anything once it is rejected', async () => {
    const { house, drop } = await opened('rejected')
    await drop('first.csv', users(20))
    const before = (await house.picture()).users
    const held = await drop('full.csv', users(3), 'full')
    await house.importer.reject(held.id, 'operator')
    await house.idle()
    const { users: after, mails, files } = await house.picture()
    expect(after).toEqual(before)
    expect(mails.filter((mail) => mail.startsWith('full.csv'))).toEqual([
      'full.csv held queued',
      'full.csv rejected queued',
    ])
    expect(files.map((file) => file.split(':')[0])).toContain(
      'drop/ten_maple/bak/full.TIME-ID.rejected.csv',
    )
    for (const act of ['approve', 'reject'] as const) {
      await expect(house.importer[act](held.id, 'operator')).rejects.toMatchObject({
        code: 'conflict',
      })
    }
    await house.close()
  })
})

describe('retry', () => {
  test('imports the archived file again, past the duplicate check where it is forced', async () => {
    const { house, drop } = await opened('retried')
    const run = await drop('first.csv', users(3))
    await house.importer.retry(run.id, { force: false, actor: 'operator' })
    await house.idle()
    await house.importer.retry(run.id, { force: true, actor: 'operator' })
    const runs = await house.idle()
    const states = runs.map(({ state, counts }) => `${state} ${counts.unchanged}`)
    expect(states.toReversed()).toEqual(['completed 0', 'duplicate 0', 'completed 3'])
    await house.close()
  })
})

describe('cancel', () => {
  test('ends a queued run at once and a running one at its batch, with what it has done so far', async () => {
    const house = await openHouse(join(top, 'cancelled'))
    await house.addTenant()
    await house.drop('large.csv', users(300_000))
    await house.drop('later.csv', users(5))
    await house.start()
    const find = async (name: string) =>
      (await house.runs()).find(({ filename }) => filename === name)
    for (
      let tries = 0;
      (await find('large.csv'))?.state !== 'applying' && tries < 2000;
      tries += 1
    ) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const [large, later] = await Promise.all([find('large.csv'), find('later.csv')])
    // Both at once: to end the queued one takes a while, and the other goes on meanwhile.
    const cancelling = house.importer.cancel(large?.id ?? '')
    await house.importer.cancel(later?.id ?? '')
    expect(await find('later.csv')).toMatchObject({ state: 'cancelled' })
    await cancelling
    await house.idle()
    const run = await find('large.csv')
    expect(run).toMatchObject({ state: 'cancelled', counts: { failed: 0 } })
    expect(run?.counts.rows).toBe(run?.counts.created)
    expect(run?.counts.rows).toBeLessThan(300_000)
    const { users: stored, files } = await house.picture()
    expect(stored).toHaveLength(run?.counts.created ?? -1)
    expect(files.map((file) => file.split(':')[0])).toEqual([
      'drop/ten_maple/bak/large.TIME-ID.csv',
      'drop/ten_maple/bak/later.TIME-ID.csv',
    ])

    // Once more: what was done is unchanged, and the rest comes.
    const done = run?.counts.created ?? 0
    const again = await house.importer.retry(run?.id ?? '', { force: false, actor: 'operator' })
    await house.idle()
    expect(await house.state.runs.get(again.id)).toMatchObject({
      state: 'completed',
      counts: { rows: 300_000, created: 300_000 - done, unchanged: done, failed: 0 },
    })
    expect((await house.picture()).users).toHaveLength(300_000)
    // Each of the two takes back what it did itself.
    await house.importer.revert(again.id, 'operator')
    expect((await house.picture()).users).toHaveLength(done)
    await house.importer.revert(run?.id ?? '', 'operator')
    expect((await house.picture()).users).toEqual([])
    expect((await find('large.csv'))?.state).toBe('reverted')
    await house.close()
  }, 90_000)
})

describe('the same bytes', () => {
  test('are imported again where the last import had failures, or was of another file', async () => {
    const desk = openDesk()
    const bad = `${users(2)}u9,nobody\n`
    const good = users(2)
    const outcomes = []
    for (const content of [good, good, bad, bad, good, good]) {
      outcomes.push((await desk.drop(content)).outcome)
    }
    expect(outcomes).toEqual([
      'completed',
      'duplicate',
      'completed_with_failures',
      'completed_with_failures',
      'completed',
      'duplicate',
    ])
    // Nor do a dry run and a file that was not imported count as the last one.
    await desk.drop(bad, { dryRun: true })
    expect((await desk.drop('')).outcome).toBe('failed')
    expect((await desk.drop(good)).outcome).toBe('duplicate')
    expect((await desk.drop(good, { force: true })).outcome).toBe('completed')
    await desk.close()
  })
})

describe('files of several clients', () => {
  test('are imported in parallel, those of one client in their order, each from its own copy', async () => {
    const house = await openHouse(join(top, 'parallel'), { workersAtOnce: 2 })
    await house.addTenant()
    await house.addTenant({}, 'ten_oak')
    await house.drop('users.csv', users(60_000))
    await house.drop('users.csv', users(60_000), '', 'ten_oak')
    await house.start()
    const seen = { both: false, twice: false, overwritten: false }
    for (let tries = 0; tries < 4_000; tries += 1) {
      const active = (await house.state.runs.active()).filter(({ state }) => state !== 'queued')
      const owners = active.map(({ tenantId }) => tenantId)
      seen.both ||= new Set(owners).size === 2
      seen.twice ||= new Set(owners).size < owners.length
      if (!seen.overwritten && owners.includes('ten_maple')) {
        // Under the name of the file that is being imported.
        await house.drop('users.csv', users(1, 70_000))
        seen.overwritten = true
      }
      if (seen.overwritten && (await house.state.runs.active()).length === 0) break
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(seen).toEqual({ both: true, twice: false, overwritten: true })
    const [second, first] = await house.idle()
    expect(first).toMatchObject({ state: 'completed', counts: { created: 60_000 } })
    expect(second).toMatchObject({ state: 'completed', counts: { rows: 1, created: 1 } })
    expect(second?.startedAt ?? 0).toBeGreaterThanOrEqual(first?.finishedAt ?? Infinity)
    await house.close()
  }, 60_000)
})
