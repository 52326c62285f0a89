import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { isReasonCode, reasonCodes, reasons } from '../../src/domain/reason.ts'
import type { ReasonCode } from '../../src/domain/reason.ts'
import { FileRefused } from '../../src/import/job.ts'
import { openSource } from '../../src/import/source.ts'
import { openFileStore } from '../../storage/index.ts'
import { openDesk } from './desk.ts'
import type { DeskOptions, DropOptions, Dropped } from './desk.ts'

const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-codes-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A client, what it dropped before, and the file that makes a code happen. */
interface Case {
  desk?: DeskOptions
  before?: string[]
  /** What somebody does to the directory by hand before the file comes. */
  byHand?: string
  file: string | Uint8Array
  drop?: DropOptions
  /** Of the row: its first line and the header that the reason is about. */
  line?: number
  field?: string | null
}

const required = (...fields: ('prov' | 'loginSource' | 'email' | 'firstName' | 'lastName')[]) => ({
  settings: { requiredFields: fields },
})
const two = 'UserUUID,email,username\nu1,a@x.ca,n1\nu2,b@x.ca,n2\n'
const many = `email\n${Array.from({ length: 9 }, (_, n) => `p${n}@x.ca\n`).join('')}`

/** Every code of the table but those that need a place of their own, below. */
const cases: Readonly<Partial<Record<ReasonCode, Case>>> = {
  9003: { file: 'email,city\na@x.ca,Ot"tawa\n', line: 2, field: 'city' },
  9011: { desk: required('prov'), file: 'email,prov\na@x.ca,\n', line: 2, field: 'prov' },
  9013: { file: 'email,city\na@x.ca,Hull\n,Hull\n', line: 3, field: 'email' },
  9014: {
    desk: required('loginSource'),
    file: 'email,loginSource\na@x.ca,\n',
    line: 2,
    field: 'loginSource',
  },
  9015: {
    desk: { loginSources: ['SSO'] },
    file: 'email,login_source\na@x.ca,LDAP\n',
    line: 2,
    field: 'login_source',
  },
  9016: { desk: required('email'), file: 'UserUUID,Mail\nu1,\n', line: 2, field: 'Mail' },
  9017: { desk: required('firstName'), file: 'email,First\na@x.ca,\n', line: 2, field: 'First' },
  9018: { desk: required('lastName'), file: 'email,Last\na@x.ca,\n', line: 2, field: 'Last' },
  9019: { before: [two], file: 'UserUUID,email\nu3,a@x.ca\n', line: 2, field: 'email' },
  9020: { before: [two], file: 'UserUUID,email,Login\nu3,c@x.ca,N1\n', line: 2, field: 'Login' },
  9030: { file: `email,city\na@x.ca,${'x'.repeat(51)}\n`, line: 2, field: 'city' },
  9031: {
    desk: { settings: { requiredFields: ['city'] } },
    file: 'email,city\na@x.ca,__CLEAR__\n',
    line: 2,
    field: 'city',
  },
  9032: { file: 'email,password\na@x.ca,short\n', line: 2, field: 'password' },
  9033: { file: 'email,userType\na@x.ca,Studnet\n', line: 2, field: 'userType' },
  9100: { file: '' },
  9101: { file: Buffer.from('email,city\na@x.ca,Montr\xe9al\n', 'latin1') },
  9102: { file: 'First,Last\nAda,L\n' },
  9103: { file: 'email,E-mail\na@x.ca,b@x.ca\n' },
  9104: { file: 'email,Shoe size\na@x.ca,38\n' },
  9105: { file: 'email,city\n\n"a@x.ca","Ottawa","ON"\n', line: 3, field: null },
  9106: { file: 'email,city\n"a\n@x.ca",x\nb@x.ca,"Ottawa\nc@x.ca,Hull\n', line: 4, field: 'city' },
  9107: { file: 'email,city\na@x.ca,"Otta\nwa"\n', line: 2, field: 'city' },
  9109: { file: Buffer.from('PK\x03\x04 xl/workbook.xml') },
  9110: { file: 'email,city\na@x.ca,Ottawa\n\na@x.ca,Hull\n', line: 2, field: 'email' },
  9111: { before: [two], file: two },
  9112: { before: [many], file: 'email\np0@x.ca\n', drop: { mode: 'full' } },
  9113: { file: 'email,city\na@x.ca,Ottawa\nb@x' },
  9114: { file: 'UserUUID,city\n1.2E+15,Ottawa\n', line: 2, field: 'UserUUID' },
  9115: { file: 'email,city\na@x.ca,Ot\0tawa\n', line: 2, field: 'city' },
  // Emails are unique in a directory of ours; one that was put together by hand may be another.
  9116: {
    before: [two],
    byHand: "DROP INDEX users_by_email; UPDATE users SET email = 'a@x.ca', email_key = 'a@x.ca'",
    file: 'UserUUID,Mail,city\nu2,,\n,a@x.ca,Hull\n',
    line: 3,
    field: 'Mail',
  },
  9117: {
    byHand: "CREATE TRIGGER refuse BEFORE INSERT ON users BEGIN SELECT RAISE(ABORT, 'no'); END",
    file: 'email\na@x.ca\n',
    line: 2,
    field: null,
  },
  9118: { before: ['email,city\na@x.ca,Ottawa\n'], file: 'email\na@x.ca\n' },
  9119: { file: 'email,userType\na@x.ca,student\n', line: 2 },
  9120: { before: [two], file: 'UserUUID,password\nu1,long enough\n', line: 2 },
  9121: { file: 'email\na@x.ca\na@x.ca\n', line: 3 },
  9122: { before: [two], file: 'UserUUID,email\n1.2E+15,\n', drop: { mode: 'full' } },
}
const elsewhere = new Set<ReasonCode>([9009, 9108])

function expectSentence(code: ReasonCode, sentence: string | undefined): void {
  const [what = '', remedy = ''] = (sentence ?? '').split('; ')
  const shape = /^[^{}]{15,}$/
  expect(what).toMatch(shape)
  // What is, what is needed, and how to put it right.
  expect(`${code}: ${remedy}`).toMatch(/: [^{}]{6,}$/)
}

function expectFailure(
  dropped: Dropped,
  code: ReasonCode,
  line: number,
  field: string | null,
): void {
  const failure = dropped.failures.find((one) => one.line === line)
  const reason = failure?.reasons.find((one) => one.code === code)
  expect(reason).toMatchObject({ code, field })
  expectSentence(code, reason?.sentence)
  expect(dropped.outcome).toBe('completed_with_failures')
  expect(dropped.state.reasons.find((one) => one.code === code)?.count).toBeGreaterThan(0)
}

function expectFileReason(dropped: Dropped, code: ReasonCode): void {
  expect(dropped.state.fileReason?.code).toBe(code)
  expectSentence(code, dropped.state.fileReason?.sentence)
}

describe('every code of section 5', () => {
  test('is in the table', () => {
    const covered = Object.keys(cases).map(Number).filter(isReasonCode)
    expect(new Set([...covered, ...elsewhere])).toEqual(new Set(reasonCodes))
  })

  test.each(Object.entries(cases).map(([code, given]) => ({ code: Number(code), given })))(
    '$code happens, with field, line and remedy',
    async ({ code, given }) => {
      if (!isReasonCode(code)) throw new Error('no code')
      const file = join(folder, `${code}.db`)
      const desk = openDesk({ ...given.desk, file })
      for (const content of given.before ?? []) await desk.drop(content)
      if (given.byHand !== undefined) {
        const db = new DatabaseSync(file)
        db.exec(given.byHand)
        db.close()
      }
      const users = await desk.users()
      const dropped = await desk.drop(given.file, given.drop)
      const { level } = reasons[code]
      if (level === 'row') expectFailure(dropped, code, given.line ?? 0, given.field ?? null)
      else if (level === 'file') {
        expectFileReason(dropped, code)
        // Nothing is stored of a file that is refused.
        expect(await desk.users()).toEqual(users)
        expect(['failed', 'held', 'duplicate']).toContain(dropped.outcome)
      } else {
        const notice = dropped.state.notices.find((one) => one.code === code)
        expectSentence(code, notice?.sentence)
        if (given.line !== undefined) expect(notice?.sentence).toContain(`Line ${given.line}: `)
        expect(dropped.outcome).toBe(code === 9122 ? 'completed_with_failures' : 'completed')
      }
      await desk.close()
    },
  )

  test.each<{ what: string; desk?: DeskOptions; before: string; rows: string; codes: number[] }>([
    {
      what: 'a new user whose keys others have',
      before: two,
      rows: 'UserUUID,email,username\nu9,a@x.ca,n2\n',
      codes: [9019, 9020],
    },
    {
      what: 'a new user of a file that lacks a column',
      desk: required('lastName'),
      before: 'UserUUID,email,username,lastName\nu1,a@x.ca,n1,Lee\n',
      rows: 'UserUUID,email,username\nu9,b@x.ca,n1\n',
      codes: [9018, 9020],
    },
  ])('all of them are told at once: $what', async ({ desk: options, before, rows, codes }) => {
    const desk = openDesk({ ...options })
    await desk.drop(before)
    // The second night too, when some of them are not checked again.
    for (let night = 1; night <= 2; night += 1) {
      const { failures, state } = await desk.drop(rows)
      expect(failures.length).toBe(rows.split('\n').length - 2)
      for (const { reasons: found } of failures) {
        expect(found.map(({ code }) => code).toSorted((a, b) => a - b)).toEqual(codes)
      }
      expect(state.reasons.map(({ code }) => code).toSorted((a, b) => a - b)).toEqual(codes)
    }
    await desk.close()
  })

  test('9009 happens when the file is gone before it is read', async () => {
    const desk = openDesk()
    const dropped = await desk.drop('email\na@x.ca\n', { missing: true })
    expectFileReason(dropped, 9009)
    expect(dropped.outcome).toBe('failed')
    await desk.close()
  })

  test('9108 happens for too many bytes', async () => {
    const files = await openFileStore(folder)
    writeFileSync(join(folder, 'huge.csv'), 'email\n')
    truncateSync(join(folder, 'huge.csv'), 1024 ** 3 + 1)
    const opened = openSource({
      files,
      path: 'huge.csv',
      filename: 'huge.csv',
      settings: { columnMap: {} },
      previousFields: [],
    })
    const refused: unknown = await opened.catch((error: unknown) => error)
    if (!(refused instanceof FileRefused)) throw new Error('it was not refused')
    expect(refused.notice.code).toBe(9108)
    expectSentence(9108, refused.notice.sentence)
    await files.close()
  })

  test('9108 happens for too many columns, and for a header of more than 64 KiB', async () => {
    const desk = openDesk()
    const names = Array.from({ length: 200 }, (_, n) => `c${n}`).join(',')
    expectFileReason(await desk.drop(`email,${names}\n`), 9108)
    // The columns of a report do not count.
    const widest = names.replace('c0,', '')
    const dropped = await desk.drop(`email,${widest}\nnobody${',x'.repeat(199)}\n`)
    const again = await desk.drop(await desk.report(dropped))
    expectFailure(again, 9033, 2, 'email')
    expectFileReason(await desk.drop(`email,${'x'.repeat(70_000)}\na@x.ca,y\n`), 9108)
    await desk.close()
  })

  test('9108 happens for a row of more than 64 KiB, and the others are imported', async () => {
    const desk = openDesk()
    const long = 'x'.repeat(70_000)
    const dropped = await desk.drop(`email,city\na@x.ca,Hull\nb@x.ca,${long}\nc@x.ca,Hull\n`)
    expectFailure(dropped, 9108, 3, null)
    expect(dropped.state.counts).toMatchObject({ rows: 3, created: 2, failed: 1 })
    // Its report can be dropped again, and says the same.
    const report = await desk.report(dropped)
    const again = await desk.drop(report)
    expectFailure(again, 9108, 2, null)
    expect(await desk.report(await desk.drop(await desk.report(again)))).toEqual(
      await desk.report(again),
    )
    await desk.close()
  })

  test('9108 happens for a value of more than 32 KiB, also in a column that is not known', async () => {
    const desk = openDesk()
    const file = (notes: string) => `email,notes\na@x.ca,${'x'.repeat(32_768)}\nb@x.ca,${notes}\n`
    const dropped = await desk.drop(file('é'.repeat(16_385)))
    expectFailure(dropped, 9108, 3, 'notes')
    expect(dropped.state.counts).toMatchObject({ created: 1, failed: 1 })
    expectFailure(await desk.drop(await desk.report(dropped)), 9108, 2, null)
    // By its bytes, however it is written.
    expectFailure(await desk.drop(file(`"${'x""'.repeat(16_385)}"`)), 9108, 3, 'notes')
    expect((await desk.drop(file('é'.repeat(16_384)))).state.counts).toMatchObject({ failed: 0 })
    await desk.close()
  })

  test('9108 happens for more than 5,000,000 rows', async () => {
    const desk = openDesk()
    const content = Buffer.alloc(6 + 2 * 5_000_001, '1\n')
    content.write('email\n')
    const dropped = await desk.drop(content)
    expectFileReason(dropped, 9108)
    expect(dropped.failures).toEqual([])
    await desk.close()
  }, 240_000)

  test('9116 happens where users share an email, as after a directory was put together by hand', async () => {
    const file = join(folder, 'shared.db')
    const desk = openDesk({ file })
    await desk.drop(two)
    const db = new DatabaseSync(file)
    db.exec("DROP INDEX users_by_email; UPDATE users SET email = 'a@x.ca', email_key = 'a@x.ca'")
    db.close()
    const users = await desk.users()
    const dropped = await desk.drop('UserUUID,email\nu1,a@x.ca\n,a@x.ca\n')
    const reason = dropped.failures.flatMap((one) => one.reasons)
    expect(reason.map(({ code }) => code)).toContain(9110)
    const alone = await desk.drop('UserUUID,email,city\nu2,,\n,a@x.ca,Hull\n')
    expectFailure(alone, 9116, 3, 'email')
    expect((await desk.users()).map(({ fields }) => fields)).toEqual(
      users.map(({ fields }) => fields),
    )
    // As the reason says: with the UserUUID the row is about one user.
    const put = await desk.drop('UserUUID,email,city\nu2,a@x.ca,Hull\n')
    expect(put.state.counts).toMatchObject({ rows: 1, updated: 1 })
    expect((await desk.users()).map(({ fields }) => fields.city)).toEqual([null, 'Hull'])
    await desk.close()
  })

  test('9117 happens for a row that the database refuses, and the others are imported', async () => {
    const file = join(folder, 'refusing.db')
    const desk = openDesk({ file })
    await desk.drop(two)
    const db = new DatabaseSync(file)
    db.exec(
      "CREATE TRIGGER refuse BEFORE INSERT ON users WHEN new.UserUUID = 'u4' BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    db.close()
    const dropped = await desk.drop('UserUUID,email\nu3,c@x.ca\nu4,d@x.ca\nu5,e@x.ca\n')
    expectFailure(dropped, 9117, 3, null)
    expect(dropped.faults).toEqual(['no'])
    expect(dropped.state.counts).toMatchObject({ rows: 3, created: 2, failed: 1 })
    await desk.close()
  })
})
