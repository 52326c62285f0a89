import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { createPasswordHasher } from '../../src/drop/password.ts'
import { embeddedOutbox } from '../../src/mail/outbox.ts'
import { startSender } from '../../src/mail/sender.ts'
import { openDesk } from './desk.ts'
import { openHouse } from './house.ts'

const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-passwords-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const secret = 'Hidden-Word-77'
const good = 'UserUUID,email,password,city\n'
const many = `${good}${Array.from({ length: 9 }, (_, n) => `u${n},p${n}@x.ca,${secret}${n},Hull\n`).join('')}`

/** Files with passwords in every way that they can come to an end. */
const files: Readonly<Record<string, { content: string | Uint8Array; folder?: string }>> = {
  'good.csv': { content: many },
  'update.csv': { content: `${good}u0,p0@x.ca,${secret}-other,Ottawa\n` },
  'bad-rows.csv': {
    content: `${good}u20,nobody,${secret},Hull\nu21,c@x.ca,${secret},Hull,,,more\nu22,"open,${secret},Hull\nu23,${secret}\nu24,x@x.ca,,${secret},y\n,${secret.slice(0, 3)}@x.ca,${secret},"a"b\n`,
  },
  'swap.csv': {
    content: `${good}u0,p1@x.ca,,\nu1,p0@x.ca,,\nu30,p2@x.ca,${secret},Hull\nu2,q2@x.ca,,\n`,
  },
  'two-columns.csv': { content: `email,E-mail,password\na@x.ca,b@x.ca,${secret}\n` },
  'two-passwords.csv': { content: `email,password,Password\na@x.ca,${secret},${secret}\n` },
  'no-key.csv': { content: `First,password\nAda,${secret}\n` },
  'wide.csv': {
    content: `email,password,${Array.from({ length: 201 }, (_, n) => `c${n}`).join(',')}\na@x.ca,${secret}\n`,
  },
  'utf16.csv': { content: Buffer.from(`\ufeffemail,password\nz@x.ca,${secret}\n`, 'utf16le') },
  'utf16-bad.csv': { content: Buffer.from(`\ufefffirst,password\nz,${secret}\n`, 'utf16le') },
  'semicolon.csv': { content: `email;password;city\ny@x.ca;"${secret};x";Hull\n` },
  'sep.csv': { content: `sep=^\nemail^password\nw@x.ca^${secret}\n` },
  'no-header.csv': { content: `u60,g@x.ca,${secret},Hull\nu61,h@x.ca,${secret},Hull\n` },
  'no-header-no-address.csv': { content: `u62,Ada,${secret},Active\nu63,Bob,${secret},Active\n` },
  'json.csv': { content: `[{"email":"i@x.ca","password":"${secret}"}]\n` },
  'page.csv': { content: `<table><tr><td>email</td></tr><tr><td>${secret}</td></tr></table>\n` },
  'workbook.csv': { content: Buffer.from(`PK\x03\x04 xl/workbook.xml ${secret}`) },
  'french.csv': { content: `UserUUID;email;Mot de passe;city\nu64;k@x.ca;${secret};Hull\n` },
  'german.csv': {
    content: `email;Kennwort;city\nl@x.ca;${secret};${'x'.repeat(51)}\nm@x.ca;"${secret};Hull\n`,
  },
  'full.csv': { content: `${good}u0,,${secret},\n`, folder: 'full' },
  'dry.csv': { content: `${good}u40,d@x.ca,${secret},\n`, folder: 'test' },
}

/** The text within base64, wherever it begins there. */
const inBase64 = (text: string): string[] =>
  [0, 1, 2].map((before) =>
    Buffer.from(' '.repeat(before) + text)
      .toString('base64')
      .slice(4, -4),
  )

/** Every file below the folder that holds the text in UTF-8, UTF-16 or base64. */
function holding(text: string): string[] {
  const forms = [Buffer.from(text), Buffer.from(text, 'utf16le'), ...inBase64(text)]
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => {
    if (!statSync(join(folder, name)).isFile()) return false
    const bytes = readFileSync(join(folder, name))
    return forms.some((form) => bytes.includes(form))
  })
}

test('a password is nowhere in clear once its file was imported or refused: data folder, mails and log', async () => {
  const log: string[] = []
  const house = await openHouse(folder, { onLog: (line) => log.push(line) })
  await house.addTenant({
    replyTo: 'it@maple.example',
    failedImportEmail: ['hr@maple.example'],
    mailCompleted: 'always',
  })
  async function* body() {
    yield Buffer.from(many)
  }
  const given = { tenantId: 'ten_maple', source: 'http', actor: 'token', maxBytes: 1e6 } as const
  const cancelled = await house.importer.submit({ ...given, filename: 'gone.csv', body: body() })
  await house.importer.cancel(cancelled.id)
  await house.start()
  const sayNothing = (): void => undefined
  const sender = startSender({
    state: house.state,
    files: house.files,
    failures: (run, asked) => house.importer.failures(run, asked),
    transport: embeddedOutbox(),
    clock: systemClock,
    log: { debug: sayNothing, info: sayNothing, warn: sayNothing, error: sayNothing },
  })
  for (const [name, { content, folder: dropFolder = '' }] of Object.entries(files)) {
    await house.drop(name, content, dropFolder)
    await house.idle()
  }
  const runs = await house.runs()
  const held = runs.find(({ filename }) => filename === 'full.csv')
  expect(held?.state).toBe('held')
  // Whoever approves it has its passwords imported: until then the file waits where no client and no mail comes.
  expect(holding(secret)).toEqual([join('files', held?.sourcePath ?? '')])
  await house.importer.reject(held?.id ?? '', 'operator')
  // The archived file, without its passwords, once more.
  await house.importer.retry(runs.at(-1)?.id ?? '', { force: true, actor: 'operator' })
  await house.idle()

  const states = new Map((await house.runs()).map(({ filename, state }) => [filename, state]))
  expect(Object.fromEntries(states)).toMatchObject({
    'bad-rows.csv': 'completed_with_failures',
    'two-columns.csv': 'failed',
    'two-passwords.csv': 'failed',
    'no-key.csv': 'failed',
    'wide.csv': 'failed',
    'utf16.csv': 'completed',
    'utf16-bad.csv': 'failed',
    'sep.csv': 'completed',
    'full.csv': 'rejected',
    'dry.csv': 'completed',
    'gone.csv': 'cancelled',
    'no-header.csv': 'failed',
    'no-header-no-address.csv': 'failed',
    'json.csv': 'failed',
    'page.csv': 'failed',
    'workbook.csv': 'failed',
    'french.csv': 'completed',
    'german.csv': 'completed_with_failures',
  })
  // Each has what is left of it in the archive, and a note there is not taken for a file.
  const note = (await house.runs()).find(({ filename }) => filename === 'no-header.csv')
  await house.importer.retry(note?.id ?? '', { force: true, actor: 'operator' })
  await house.idle()
  expect((await house.runs())[0]?.fileReason?.sentence).toMatch(
    /^The file "no-header.csv" is a note in place of a file that was not kept, a CSV file is needed/,
  )
  const sourcesThere = (await house.runs()).map(async ({ sourcePath }) =>
    house.files.stat(sourcePath),
  )
  expect((await Promise.all(sourcesThere)).filter((file) => file === undefined)).toEqual([])
  const reader = await house.database.readDirectory('ten_maple')
  const users = (await reader?.users({ limit: 100 })) ?? []
  expect(users.filter(({ hasPassword }) => hasPassword).length).toBeGreaterThan(9)
  await reader?.close()
  for (let tries = 0; tries < 400; tries += 1) {
    const mails = await house.state.outbox.list('ten_maple', 100)
    if (mails.length > 10 && mails.every(({ state }) => state === 'sent' || state === 'queued'))
      break
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  await sender.stop()
  await house.close()

  expect(holding('p0@x.ca').length).toBeGreaterThan(1)
  expect(holding(secret)).toEqual([])
  expect(log.length).toBeGreaterThan(10)
  expect(log.filter((line) => line.includes(secret))).toEqual([])
}, 90_000)

test('a password that is stored lets its user in, and one for a user who exists changes nothing', async () => {
  const other = mkdtempSync(join(tmpdir(), 'rosterdrop-passwords-'))
  const house = await openHouse(other)
  await house.addTenant()
  await house.start()
  await house.drop('one.csv', `${good}u1,a@x.ca,${secret},\n`)
  await house.idle()
  await house.drop('two.csv', `${good}u1,a@x.ca,another-word-9,Hull\n`)
  const [run] = await house.idle()
  expect(run?.notices).toMatchObject([{ code: 9120 }])
  expect(run?.counts).toMatchObject({ updated: 1 })
  await house.close()
  const { DatabaseSync } = await import('node:sqlite')
  const db = new DatabaseSync(join(other, 'directory', 'ten_maple.db'), { readOnly: true })
  const hash = String(db.prepare('SELECT password_hash FROM users').get()?.['password_hash'])
  db.close()
  rmSync(other, { recursive: true, force: true })
  const hasher = createPasswordHasher()
  expect(await hasher.verify(hash, secret)).toBe(true)
  expect(await hasher.verify(hash, 'another-word-9')).toBe(false)
})

test.each([
  ['abc', 9032],
  ['p'.repeat(200), 9030],
  ['__CLEAR__', 9033],
])('the password %j fails the row of a new user alone', async (password, code) => {
  const desk = openDesk()
  await desk.drop(`${good}u1,a@x.ca,long-enough-1,Hull\n`)
  const { state, failures } = await desk.drop(
    `${good}u1,a@x.ca,${password},Ottawa\nu2,b@x.ca,${password},Ottawa\n`,
  )
  expect(state).toMatchObject({
    counts: { updated: 1, failed: 1 },
    notices: [{ code: 9120, sentence: expect.stringMatching(/^Line 2: password is filled in/) }],
  })
  expect(failures).toMatchObject([{ line: 3, reasons: [{ code, field: 'password' }] }])
  expect((await desk.users()).map(({ fields }) => fields.city)).toEqual(['Ottawa'])
  await desk.close()
})
