import { generateKeyPairSync } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { createPasswordHasher } from '../../src/drop/password.ts'
import { openWorld } from './client.ts'
import type { World } from './client.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})

const ed25519 =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICTHx2xERFYEXuZM3TPgyfhhPuRjFy9UGtJYnl5gJ4D+ ada@desk'

interface AccountJson {
  id: string
  password?: string
  hasPassword: boolean
}

async function added(body: object, token?: string): Promise<AccountJson> {
  const answer = await world.send('POST', '/accounts', body, token)
  expect(answer.status).toBe(201)
  return (await answer.json()) as AccountJson
}

/** A blob of a new RSA key with `bits`. */
function rsaLine(bits: number): string {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' })
  const field = (bytes: Buffer) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  }
  const number = (text: string) =>
    field(Buffer.concat([Buffer.of(0), Buffer.from(text, 'base64url')]))
  const blob = Buffer.concat([field(Buffer.from('ssh-rsa')), number(e), number(n)])
  return `ssh-rsa ${blob.toString('base64')}`
}

describe('POST /accounts', () => {
  test('makes a password, shows it once, and stores its hash alone', async () => {
    const answer = await world.send('POST', '/accounts', { name: 'maple-hr', protocols: ['sftp'] })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const { id, password = '' } = (await answer.json()) as AccountJson
    expect(answer.headers.get('location')).toBe(`/accounts/${id}`)
    expect(password).toMatch(/^\w{20}$/)
    const account = await world.state.accounts.get('ten_maple', id)
    const hash = account?.passwordHash ?? ''
    expect(await createPasswordHasher().verify(hash, password)).toBe(true)
    const later = await world.request(`/accounts/${id}`)
    const text = await later.text()
    expect(text).not.toContain(password)
    expect(text).not.toContain('argon2')
    expect(JSON.parse(text)).toMatchObject({ hasPassword: true, protocols: ['sftp'] })
    expect(JSON.stringify(await world.state.audit.list({ limit: 9 }))).not.toContain(password)
  })

  test('takes keys without making a password, and a password that is given without showing it', async () => {
    const rsa = rsaLine(2048)
    const withKeys = await added({ name: 'keys', keys: [ed25519, rsa], password: null })
    expect(withKeys).toMatchObject({ hasPassword: false, keys: [ed25519, rsa] })
    const quiet = await added({ name: 'keys2', keys: [ed25519] })
    expect(quiet).toMatchObject({ hasPassword: false })
    const given = await added({ name: 'given', password: 'a phrase of my own' })
    expect(given).toMatchObject({ hasPassword: true })
    expect(given.password).toBeUndefined()
  })

  test('a name of any client gets 409, and adds nothing', async () => {
    const answer = await world.send('POST', '/accounts', { name: 'oak' })
    expect(answer.status).toBe(409)
    expect(await answer.json()).toMatchObject({ code: 'exists' })
    expect(await world.state.accounts.list('ten_maple')).toHaveLength(1)
  })

  const privateKey = generateKeyPairSync('ed25519').privateKey.export({
    format: 'pem',
    type: 'pkcs8',
  })
  test.each([
    ['no name', {}, '/name'],
    ['a path as name', { name: '../etc' }, '/name'],
    ['a name with a line break', { name: 'a\nb' }, '/name'],
    ['a short password', { name: 'x', password: 'short' }, '/password'],
    ['neither password nor key', { name: 'x', password: null }, '/password'],
    ['an unknown protocol', { name: 'x', protocols: ['ftp'] }, '/protocols/0'],
    ['no protocol', { name: 'x', protocols: [] }, '/protocols'],
    [
      'a network that is none',
      { name: 'x', allowedNetworks: ['10.0.0.0/33'] },
      '/allowedNetworks/0',
    ],
    [
      'a host name as network',
      { name: 'x', allowedNetworks: ['maple.example'] },
      '/allowedNetworks/0',
    ],
    ['a private key', { name: 'x', keys: [privateKey] }, '/keys/0'],
    ['half a key', { name: 'x', keys: [ed25519.slice(0, 50)] }, '/keys/0'],
    ['a key of another name', { name: 'x', keys: [ed25519.replace('ed25519', 'rsa')] }, '/keys/0'],
    ['a DSA key', { name: 'x', keys: ['ssh-dss AAAAB3NzaC1kc3M='] }, '/keys/0'],
    ['a short RSA key', { name: 'x', keys: [rsaLine(1024)] }, '/keys/0'],
    ['a hash', { name: 'x', passwordHash: '$argon2id$' }, '/passwordHash'],
  ])('refuses %s, and adds nothing', async (_, body, pointer) => {
    const answer = await world.send('POST', '/accounts', body)
    const text = await answer.text()
    expect(answer.status).toBe(422)
    expect(text).toContain(`"pointer":"${pointer}"`)
    expect(text).not.toContain(privateKey.slice(40, 80))
    expect(await world.state.accounts.list('ten_maple')).toHaveLength(1)
  })
})

describe('PATCH and DELETE /accounts/{id}', () => {
  test('change what is given, keep the rest, and make a new password on demand', async () => {
    const { id } = await added({ name: 'hr', keys: [ed25519], allowedNetworks: ['192.0.2.0/24'] })
    const path = `/accounts/${id}`
    const answer = await world.send('PATCH', path, {
      disabled: true,
      expiresAt: '2027-01-01T00:00:00-05:00',
    })
    expect(await answer.json()).toMatchObject({
      name: 'hr',
      disabled: true,
      expiresAt: '2027-01-01T05:00:00.000Z',
      allowedNetworks: ['192.0.2.0/24'],
    })
    const made = (await (
      await world.send('PATCH', path, { newPassword: true })
    ).json()) as AccountJson
    const account = await world.state.accounts.get('ten_maple', id)
    expect(
      await createPasswordHasher().verify(account?.passwordHash ?? '', made.password ?? ''),
    ).toBe(true)
    expect(account).toMatchObject({ disabled: true })
    await world.send('PATCH', path, { password: null, expiresAt: null })
    expect(await world.json(path)).toMatchObject({ hasPassword: false, expiresAt: null })
  })

  test('the last way to log in is not taken', async () => {
    expect((await world.send('PATCH', '/accounts/acc_maple', { password: null })).status).toBe(422)
    expect(await world.json('/accounts/acc_maple')).toMatchObject({ hasPassword: true })
  })

  test('a name in use gets 409, and nothing is changed', async () => {
    const answer = await world.send('PATCH', '/accounts/acc_maple', { name: 'oak', disabled: true })
    expect(answer.status).toBe(409)
    expect(await world.json('/accounts/acc_maple')).toMatchObject({
      name: 'maple',
      disabled: false,
    })
  })

  test('DELETE removes a login once', async () => {
    expect((await world.request('/accounts/acc_maple', { method: 'DELETE' })).status).toBe(204)
    expect((await world.request('/accounts/acc_maple', { method: 'DELETE' })).status).toBe(404)
    expect(await world.state.accounts.list('ten_maple')).toEqual([])
    expect((await world.state.audit.list({ limit: 9 })).map(({ detail }) => detail)).toEqual([
      'removed',
    ])
  })

  test("another client's login is as unknown as one that never was", async () => {
    const before = await world.state.accounts.get('ten_oak', 'acc_oak')
    for (const id of ['acc_oak', 'acc_none', '%2e']) {
      expect((await world.request(`/accounts/${id}`)).status).toBe(404)
      expect((await world.send('PATCH', `/accounts/${id}`, { disabled: true })).status).toBe(404)
      expect((await world.request(`/accounts/${id}`, { method: 'DELETE' })).status).toBe(404)
    }
    expect(await world.state.accounts.get('ten_oak', 'acc_oak')).toEqual(before)
  })

  test('GET /accounts pages through the logins of one client, newest first', async () => {
    const ids = []
    for (const name of ['a', 'b', 'c']) ids.unshift((await added({ name, keys: [ed25519] })).id)
    const first = await world.request('/accounts?limit=2')
    expect(first.headers.get('link')).toMatch(
      /^<\/accounts\?limit=2&cursor=acc_[\w-]+>; rel="next"$/,
    )
    const { data, nextCursor } = (await first.json()) as { data: AccountJson[]; nextCursor: string }
    const rest = await world.json(`/accounts?limit=2&cursor=${nextCursor}`)
    // Letters sort after the digits of a real id.
    expect([...data, ...rest.data].map(({ id }) => id)).toEqual(['acc_maple', ...ids])
    expect(rest['nextCursor']).toBeNull()
  })
})
