import { beforeEach, describe, expect, test } from 'vitest'
import { newId } from '../../../src/domain/id.ts'
import { mailPath } from '../../../src/domain/layout.ts'
import { createPasswordHasher } from '../../../src/drop/password.ts'
import { openWorld, signedIn, visitor } from './visitor.ts'
import type { Visitor, World } from './visitor.ts'

let world: World
let agent: Visitor
beforeEach(async () => {
  world = await openWorld()
  agent = await signedIn(world, 'operator')
})

const maple = '/console/clients/ten_maple'
const tenant = async () => {
  const found = await world.state.tenants.get('ten_maple')
  if (found === undefined) throw new Error('there is no maple')
  return found
}

describe('the page that makes a client', () => {
  const given = {
    name: 'Birch School',
    timeZone: 'America/Toronto',
    userTypes: 'Student, Staff',
    replyTo: 'it@birch.example',
    failedImportEmail: 'hr@birch.example, dean@birch.example',
    login: 'birch',
    password: '',
    keys: '',
    testMail: 'true',
  }

  test('makes client, user types, login and test mail, and shows the password once', async () => {
    const answer = await agent.post('/console/new-client', given)
    const page = await answer.text()
    expect(answer.status).toBe(200)
    const made = await world.state.tenants.findByName('Birch School')
    expect(made?.settings).toMatchObject({
      replyTo: 'it@birch.example',
      failedImportEmail: ['hr@birch.example', 'dean@birch.example'],
      timeZone: 'America/Toronto',
    })
    expect(made?.userTypes.map(({ name }) => name)).toEqual(['Student', 'Staff'])
    const account = await world.state.accounts.findByName('birch')
    const password = /id="password"[^>]*>(\w+)</.exec(page)?.[1] ?? ''
    expect(await createPasswordHasher().verify(account?.passwordHash ?? '', password)).toBe(true)
    const mails = await world.state.outbox.list(made?.id ?? '', 9)
    expect(mails.map(({ kind }) => kind)).toEqual(['test'])
    for (const words of [
      'sftp -P 2222 birch@localhost',
      'sftp://birch@localhost:2222',
      'lftp -u birch sftp://localhost:2222',
      'curl --ssl-reqd -u birch',
      'SHA256:for-tests',
      'Waiting for the first file',
    ]) {
      expect(page).toContain(words.replaceAll("'", '&#39;'))
    }
    expect(await agent.text(`/console/clients/${made?.id}/accounts/${account?.id}`)).not.toContain(
      password,
    )
  })

  test('tells everything that is wrong at once, and makes nothing', async () => {
    const wrong = {
      ...given,
      name: '',
      replyTo: 'nobody',
      failedImportEmail: ' ',
      timeZone: 'Mars/Base',
      login: 'a b',
      keys: 'nonsense',
    }
    const answer = await agent.post('/console/new-client', wrong)
    const page = await answer.text()
    expect(answer.status).toBe(422)
    for (const field of ['name', 'replyTo', 'failedImportEmail', 'timeZone', 'login', 'keys']) {
      expect(page, field).toContain(`id="x-${field}"`)
    }
    expect(page).toContain('value="nobody"')
    const taken = await agent.post('/console/new-client', { ...given, login: 'maple' })
    expect(taken.status).toBe(422)
    const same = await agent.post('/console/new-client', { ...given, name: 'oak' })
    expect(same.status).toBe(409)
    expect(await world.state.tenants.list()).toHaveLength(2)
    expect(await world.state.accounts.findByName('birch')).toBeUndefined()
  })
})

describe('settings', () => {
  const fields = {
    replyTo: 'it@maple.example',
    failedImportEmail: 'hr@maple.example',
    mode: 'full',
    blankCells: 'clear',
    columnMap: 'Staff Number = employeeNo\nMail address=email',
    defaultLoginSource: '',
    datePattern: 'DD/MM/YYYY',
    settleSeconds: '5',
    archiveDays: '30',
    guardShare: '12.5',
    guardFloor: '7',
    guardCap: '100',
    mailFailures: 'true',
    mailCompleted: 'daily',
    silenceHours: '',
    timeZone: 'Europe/Berlin',
    requiredFields: 'email',
  }

  test('are stored as the form says, and shown again', async () => {
    const answer = await agent.post(`${maple}/settings`, fields)
    expect(answer.headers.get('location')).toBe(`${maple}/settings?done=saved`)
    expect((await tenant()).settings).toEqual({
      replyTo: 'it@maple.example',
      failedImportEmail: ['hr@maple.example'],
      mode: 'full',
      fullFolder: false,
      blankCells: 'clear',
      requiredFields: ['email'],
      columnMap: { 'Staff Number': 'employeeNo', 'Mail address': 'email' },
      defaultLoginSource: null,
      datePattern: 'DD/MM/YYYY',
      settleSeconds: 5,
      archiveDays: 30,
      guard: { floor: 7, share: 0.125, cap: 100 },
      mailFailures: true,
      mailCompleted: 'daily',
      silenceHours: null,
      timeZone: 'Europe/Berlin',
    })
    const page = await agent.text(`${maple}/settings?done=saved`)
    for (const words of ['value="12.5"', 'Staff Number = employeeNo', 'Saved.']) {
      expect(page).toContain(words)
    }
  })

  test('with a fault are shown as given, marked, and not stored', async () => {
    const before = await tenant()
    const answer = await agent.post(`${maple}/settings`, {
      ...fields,
      replyTo: 'nobody',
      archiveDays: 'many',
      columnMap: 'Staff = nonsense',
    })
    const page = await answer.text()
    expect(answer.status).toBe(422)
    for (const field of ['replyTo', 'archiveDays', 'columnMap']) {
      expect(page, field).toContain(`id="x-${field}"`)
    }
    expect(page).toContain('value="many"')
    expect(await tenant()).toEqual(before)
  })

  test('that someone else has changed meanwhile are not written over', async () => {
    const page = await agent.text(`${maple}/settings`)
    const version =
      /name="version" value="([^"]*)"/.exec(page)?.[1]?.replaceAll('&quot;', '"') ?? ''
    await agent.post(`${maple}/settings`, { ...fields, version })
    const stored = await tenant()
    const late = await agent.post(`${maple}/settings`, { ...fields, settleSeconds: '9', version })
    expect(late.status).toBe(409)
    expect(await late.text()).toContain('changed by someone else')
    expect(await tenant()).toEqual(stored)
  })

  test('user types and login sources are lists of lines', async () => {
    await agent.post(`${maple}/user-types`, { userTypes: '12 = Student\nStaff\n\nFaculty' })
    await agent.post(`${maple}/login-sources`, { loginSources: 'ldap\nsaml' })
    expect(await tenant()).toMatchObject({
      userTypes: [
        { id: '12', name: 'Student' },
        { id: '1', name: 'Staff' },
        { id: '2', name: 'Faculty' },
      ],
      loginSources: ['ldap', 'saml'],
    })
    const twice = await agent.post(`${maple}/login-sources`, { loginSources: 'ldap\nLDAP' })
    expect(twice.status).toBe(422)
    expect((await tenant()).loginSources).toEqual(['ldap', 'saml'])
  })
})

describe('accounts and tokens', () => {
  test('a login is added, changed, given a new password and removed', async () => {
    const added = await agent.post(`${maple}/accounts`, { name: 'second', password: '', keys: '' })
    const password = /id="password"[^>]*>(\w+)</.exec(await added.text())?.[1] ?? ''
    const account = await world.state.accounts.findByName('second')
    expect(await createPasswordHasher().verify(account?.passwordHash ?? '', password)).toBe(true)
    const path = `${maple}/accounts/${account?.id}`
    const wrong = await agent.post(path, {
      name: 'second',
      protocols: 'sftp',
      allowedNetworks: 'everywhere',
      keys: '',
    })
    expect(wrong.status).toBe(422)
    await agent.post(path, {
      name: 'renamed',
      protocols: 'sftp',
      allowedNetworks: '192.0.2.0/24',
      expiresAt: '2027-01-31',
      disabled: 'true',
      keys: '',
    })
    expect(await world.state.accounts.findByName('renamed')).toMatchObject({
      protocols: ['sftp'],
      allowedNetworks: ['192.0.2.0/24'],
      disabled: true,
      expiresAt: Date.parse('2027-01-31T23:59:59Z'),
    })
    const fresh = await agent.post(`${path}/password`)
    expect(await fresh.text()).not.toContain(password)
    expect((await world.state.accounts.findByName('renamed'))?.passwordHash).not.toBe(
      account?.passwordHash,
    )
    await agent.post(`${path}/remove`)
    expect(await world.state.accounts.findByName('renamed')).toBeUndefined()
    const taken = await agent.post(`${maple}/accounts`, { name: 'oak' })
    expect(taken.status).toBe(409)
  })

  test('a token is shown once and works until it is revoked; a link signs in as staff', async () => {
    const made = await agent.post(`${maple}/tokens`, {
      name: 'HR sync',
      scope: 'monitor',
      expiresAt: '',
    })
    const token = /id="shown-once"[^>]*>(rd_[\w-]+)</.exec(await made.text())?.[1] ?? ''
    expect((await world.request('/imports', {}, token)).status).toBe(200)
    expect(await agent.text(`${maple}/tokens`)).not.toContain(token)
    const stored = (await world.state.tokens.list('ten_maple')).find(
      ({ name }) => name === 'HR sync',
    )
    await agent.post(`${maple}/tokens/${stored?.id}/revoke`)
    expect((await world.request('/imports', {}, token)).status).toBe(401)

    const page = await (await agent.post(`${maple}/link`, { person: 'Grace' })).text()
    const path =
      /id="shown-once"[^>]*>http:\/\/localhost(\/console\/link\/rd_[\w-]+)</.exec(page)?.[1] ?? ''
    const signed = await visitor(world, '').post(path)
    const staff = visitor(world, (signed.headers.get('set-cookie') ?? '').split(';')[0] ?? '')
    expect(await staff.text('/console/imports')).toContain('Grace')
    expect((await staff.get('/console/clients')).status).toBe(403)
    expect((await staff.get('/console/clients/ten_oak')).status).toBe(404)
  })
})

describe('webhooks', () => {
  test('one is added with a secret shown once, changed, sent to again and removed', async () => {
    const none = await agent.post(`${maple}/webhooks`, { url: 'ftp://x', events: 'import.held' })
    expect(none.status).toBe(422)
    const answer = await agent.post(`${maple}/webhooks`, {
      url: 'https://hr.example.com/hook',
      events: 'import.held',
    })
    const page = await answer.text()
    const [webhook] = await world.state.webhooks.list('ten_maple')
    expect(webhook).toMatchObject({ events: ['import.held'], disabled: false })
    expect(page).toContain(webhook?.secret)
    const path = `${maple}/webhooks/${webhook?.id}`
    expect(await agent.text(path)).not.toContain(webhook?.secret)
    await agent.post(path, {
      url: 'https://hr.example.com/two',
      events: 'import.failed',
      disabled: 'true',
    })
    expect(await world.state.webhooks.list('ten_maple')).toMatchObject([
      { url: 'https://hr.example.com/two', events: ['import.failed'], disabled: true },
    ])
    const run = await world.addRun({ state: 'failed' })
    await world.state.webhooks.queue({
      id: newId('delivery', world.clock),
      webhookId: webhook?.id ?? '',
      tenantId: 'ten_maple',
      event: 'import.failed',
      subject: run.id,
      body: '{}',
      state: 'failed',
      attempts: 9,
      nextAttemptAt: 1,
      createdAt: 1,
      deliveredAt: null,
      status: 500,
      answer: '<b>broken</b>',
    })
    const log = await agent.text(path)
    expect(log).toContain('500 &lt;b&gt;broken&lt;/b&gt;')
    const delivery = /name="delivery" value="([^"]+)"/.exec(log)?.[1] ?? ''
    expect((await agent.post(`${path}/resend`, { delivery })).status).toBe(303)
    expect(await world.state.webhooks.delivery('ten_maple', delivery)).toMatchObject({
      state: 'queued',
      attempts: 0,
    })
    expect((await agent.post(`${path}/resend`, { delivery: 'msg_none' })).status).toBe(404)
    await agent.post(`${path}/remove`)
    expect(await world.state.webhooks.list('ten_maple')).toEqual([])
  })
})

describe('the outbox', () => {
  test('shows the stored message in a frame that may run nothing, and its attachments', async () => {
    const path = mailPath('ten_maple', 'mai_one')
    const message = [
      'From: it@maple.example',
      'To: hr@maple.example',
      'Subject: users.csv: 1 of 2 rows failed',
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/html; charset=utf-8',
      '',
      '<p onclick="alert(1)">One row</p><script>alert(2)</script>',
      '--b',
      'Content-Type: text/csv',
      'Content-Disposition: attachment; filename="failed.csv"',
      '',
      'import_error_line',
      '--b--',
      '',
    ].join('\r\n')
    const staged = await world.files.openWrite(path)
    await staged.write(0, new TextEncoder().encode(message))
    await staged.commit()
    await world.state.outbox.add({
      id: 'mai_one',
      tenantId: 'ten_maple',
      runId: null,
      kind: 'failures',
      messageId: 'one@rosterdrop.example',
      state: 'sent',
      attempts: 1,
      nextAttemptAt: 1,
      createdAt: 1,
      sentAt: 2,
      lastAnswer: '250 2.0.0 <b>queued</b>',
      path,
      subject: 'users.csv: 1 of 2 rows failed',
    })
    const page = await agent.text(`${maple}/outbox/mai_one`)
    expect(page).toContain('250 2.0.0 &lt;b&gt;queued&lt;/b&gt;')
    expect(page).toMatch(/<iframe[^>]* sandbox/)
    const frame = await agent.get(`${maple}/outbox/mai_one/message`)
    expect(frame.headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox",
    )
    const file = await agent.get(`${maple}/outbox/mai_one/attachments/0`)
    expect(file.headers.get('content-disposition')).toContain('failed.csv')
    expect(await file.text()).toContain('import_error_line')
    expect((await agent.get(`${maple}/outbox/mai_one/attachments/9`)).status).toBe(404)
    expect((await agent.get('/console/clients/ten_oak/outbox/mai_one')).status).toBe(404)
  })
})
