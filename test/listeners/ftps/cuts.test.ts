import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Account } from '../../../src/domain/account.ts'
import { loggedIn, secureData, startBench, until } from './raw.ts'
import type { Bench, BenchOptions, RawFtp } from './raw.ts'

// How an upload that is cut reads in the audit, whoever cuts it and when; and who is cut off by the server.

let bench: Bench
let ftp: RawFtp

async function start(options: BenchOptions = {}): Promise<void> {
  bench = await startBench({ ...options, drop: { rollCallMs: 20 } })
  ftp = await loggedIn(bench)
}
afterEach(async () => {
  ftp.destroy()
  await bench.stop()
})

/** The audit from the upload's beginning to the end of the session. */
async function upload(): Promise<{ event: string; bytes: number | null; detail: string | null }[]> {
  const entries = async () => (await bench.state.audit.list({ limit: 100 })).toReversed()
  await until(
    async () => (await entries()).at(-1)?.event === 'DISCONNECTED',
    'the session has ended',
  )
  return (await entries()).slice(1).map(({ event, bytes, detail }) => ({ event, bytes, detail }))
}

type Data = Awaited<ReturnType<RawFtp['openData']>>

async function stor(): Promise<Data> {
  const data = await ftp.openData()
  expect(await ftp.ask('STOR a.csv')).toMatch(/^150 /)
  return data
}

async function half(): Promise<{ data: Data; secured: Awaited<ReturnType<typeof secureData>> }> {
  const data = await stor()
  const secured = await secureData(data)
  await new Promise((resolve) => secured.write('half', resolve))
  await pause(30)
  return { data, secured }
}

const opened = { event: 'OPEN', bytes: null, detail: 'replace' }
const noControl = 'control connection closed before the reply'

describe('a client that is killed', () => {
  beforeEach(() => start())

  test.each<[string, number, string, () => Promise<Data | undefined>]>([
    [
      'before its data connection',
      0,
      noControl,
      async () => {
        await ftp.ask('EPSV')
        expect(await ftp.ask('STOR a.csv')).toMatch(/^150 /)
        return undefined
      },
    ],
    ['before its data is encrypted', 0, noControl, stor],
    [
      'before its first byte',
      0,
      noControl,
      async () => {
        const data = await stor()
        await secureData(data)
        return data
      },
    ],
    ['in the midst of its data', 4, noControl, async () => (await half()).data],
    [
      'between the end of its data and the 226',
      4,
      noControl,
      async () => {
        const { data, secured } = await half()
        secured.end()
        return data
      },
    ],
  ])('%s: OPEN, then PARTIAL_CLOSE with bytes and reason, and no CLOSE', async (...row) => {
    const [, bytes, detail, work] = row
    const data = await work()
    ftp.tcp.resetAndDestroy()
    data?.resetAndDestroy()
    const [first, cut, last, ...more] = await upload()
    expect(first).toEqual(opened)
    expect(cut).toEqual({ event: 'PARTIAL_CLOSE', bytes, detail })
    expect([last?.event, more]).toEqual(['DISCONNECTED', []])
    expect(await bench.names()).toEqual(bytes === 0 ? [] : ['a.csv.incomplete'])
  })

  test.each<[string, string, (cut: Awaited<ReturnType<typeof half>>) => Promise<unknown>]>([
    [
      'its data connection ends without close_notify',
      'data connection ended without close_notify',
      async ({ data }) => data.end(),
    ],
    ['it sends ABOR', 'aborted by the client', async () => ftp.send('ABOR\r\n')],
  ])('has the reason when %s', async (_, detail, cut) => {
    await cut(await half())
    expect(await ftp.next()).toMatch(/^426 /)
    ftp.destroy()
    expect((await upload())[1]).toEqual({ event: 'PARTIAL_CLOSE', bytes: 4, detail })
  })
})

test('an upload whose client sends nothing has that for a reason', async () => {
  await start({ limits: { stallMs: 100 } })
  await half()
  expect(await ftp.next()).toMatch(/^426 /)
  ftp.destroy()
  const detail = 'no data for 0.1 s'
  expect((await upload())[1]).toEqual({ event: 'PARTIAL_CLOSE', bytes: 4, detail })
})

describe('a session whose account may not be used any more', () => {
  beforeEach(() => start({ limits: { lingerMs: 200 } }))

  async function change(changes: Partial<Account> | 'removed'): Promise<void> {
    const [account] = await bench.state.accounts.list('ten_maple')
    if (account === undefined) throw new Error('no account')
    if (changes === 'removed') await bench.state.accounts.remove(account.tenantId, account.id)
    else await bench.state.accounts.update({ ...account, ...changes })
  }

  test.each<[string, Partial<Account> | 'removed']>([
    ['the account is disabled', { disabled: true }],
    ['the account has expired', { expiresAt: 1 }],
    ['the account was removed', 'removed'],
    ['the account may not use FTPS', { protocols: ['sftp'] }],
    ['the account may not be used from this address', { allowedNetworks: ['192.0.2.1'] }],
    ['the password was changed', { passwordHash: '$argon2id$another' }],
  ])('ends with 421: %s; its upload is cut, kept and audited', async (reason, changes) => {
    await half()
    await change(changes)
    expect(await ftp.next()).toMatch(/^426 /)
    expect(await ftp.next()).toBe(`421 Cannot go on: ${reason}`)
    await ftp.closed
    expect(await upload()).toEqual([
      opened,
      { event: 'PARTIAL_CLOSE', bytes: 4, detail: reason },
      { event: 'DISCONNECTED', bytes: null, detail: reason },
    ])
    expect(await bench.names()).toEqual(['a.csv.incomplete'])
  })

  test('ends with 421 when it does nothing, and when it waits for a data connection', async () => {
    await ftp.ask('EPSV')
    expect(await ftp.ask('STOR a.csv')).toMatch(/^150 /)
    await change({ disabled: true })
    expect(await ftp.next()).toMatch(/^426 /)
    expect(await ftp.next()).toMatch(/^421 /)
    await ftp.closed
    await change({ disabled: false })
    ftp = await loggedIn(bench)
    await change({ disabled: true })
    expect(await ftp.next()).toMatch(/^421 /)
    await ftp.closed
    expect(await bench.names()).toEqual([])
  })

  test('ends although its client reads nothing of a download', async () => {
    await bench.put('big.csv', Buffer.alloc(30_000_000))
    const data = await ftp.openData()
    expect(await ftp.ask('RETR big.csv')).toMatch(/^150 /)
    ;(await secureData(data)).pause()
    await change({ disabled: true })
    await ftp.closed
    expect((await upload()).at(-1)).toMatchObject({ detail: 'the account is disabled' })
  })
})
