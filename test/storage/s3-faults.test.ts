import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FileStore } from '../../src/domain/storage.ts'
import { openFileStore } from '../../storage/index.ts'
import { makeBucket, s3Server } from '../support/bucket.ts'
import type { TestBucket } from '../support/bucket.ts'
import { busy, firstOnly, startFaultProxy } from '../support/fault-proxy.ts'
import type { Fault, FaultProxy } from '../support/fault-proxy.ts'
import { digest, load, long, readAll, store } from './contract.ts'

const refusal: Fault = { status: 403, code: 'AccessDenied' }
const fault: Fault = { status: 500, code: 'InternalError' }
const content = new TextEncoder().encode(long('end', 12 * 2 ** 20))

describe.skipIf(s3Server === undefined)('s3Driver() when the server has faults', () => {
  let proxy: FaultProxy
  let bucket: TestBucket
  let files: FileStore
  /** The same bucket without the proxy: what is really there. */
  let direct: FileStore

  beforeAll(async () => {
    if (s3Server === undefined) return
    proxy = await startFaultProxy(s3Server.endpoint)
    bucket = await makeBucket(proxy.endpoint)
    const { s3 } = bucket.settings
    files = await openFileStore(bucket.url, { s3: { ...s3, idleMs: 500 } })
    direct = await openFileStore(bucket.url, { s3: { ...s3, endpoint: s3Server.endpoint } })
  })
  afterAll(async () => {
    if (s3Server === undefined) return
    await files.close()
    await direct.close()
    await proxy.close()
    await bucket.remove()
  })

  async function upload(path: string): Promise<void> {
    const staged = await files.openWrite(path)
    try {
      for (let done = 0; done < content.length; done += 2 ** 19) {
        await staged.write(done, content.subarray(done, done + 2 ** 19))
      }
      await staged.commit()
    } catch (error) {
      await staged.abort()
      throw error
    }
  }

  const passing: [string, Fault][] = [
    ['500', fault],
    ['503 SlowDown', busy],
    ['a hanging connection', 'hang'],
    ['an answer cut in half', 'cut'],
    ['an answer that is lost', 'lost'],
  ]

  test.each(passing)('%s, once for each kind of request, is got over', async (name, kind) => {
    const path = `passing/${name}`
    const times = new Map<string, number>()
    // Each kind of request by its method and what it is for.
    proxy.decide = ({ method = '', url = '', headers }) => {
      const query = new URL(url, proxy.endpoint).searchParams
      const words = [...query.keys()].filter((word) => word !== 'x-id').join()
      const what = `${method} ${words} ${headers['x-amz-copy-source'] === undefined ? '' : 'copy'}`
      const count = times.get(what) ?? 0
      times.set(what, count + 1)
      return count < 1 ? kind : 'none'
    }
    await upload(path)
    expect(digest(await readAll(files, path))).toBe(digest(content))
    await files.move(path, `${path}, moved`)
    await files.move(`${path}, moved`, path)
    expect(await files.list('passing')).toMatchObject([{ path, size: content.length }])
    expect(await files.remove(path)).toBe(true)
    await store(files, path, 'small')
    expect(await files.remove(path)).toBe(true)
    // PUT, UploadPart, begin, complete, copy, HEAD, GET, list, DELETE: none went without a fault.
    expect(times.size).toBeGreaterThanOrEqual(9)
    proxy.decide = () => 'none'
    expect(await direct.list('passing')).toEqual([])
  })

  const lasting: [string, Fault][] = [
    ['500', fault],
    ['503 SlowDown', busy],
    ['403', refusal],
    ['hanging', 'hang'],
    ['lost answers', 'lost'],
  ]

  test.each(lasting)(
    'while it lasts, %s is told as unavailable, and then all goes on by itself',
    async (name, kind) => {
      const path = `lasting/${name}`
      proxy.decide = () => 'none'
      await store(files, path, 'old')
      proxy.decide = () => kind
      const refused = await Promise.allSettled([
        upload(path),
        store(files, path, 'new'),
        files.stat(path),
        files.list('lasting'),
        files.openRead(path),
        files.move(path, `${path}, moved`),
        files.remove(path),
      ])
      for (const one of refused) {
        expect(one).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } })
      }
      proxy.decide = () => 'none'
      // An answer that was lost says nothing of what has been done.
      if (kind !== 'lost') expect(await load(direct, path)).toBe('old')
      await upload(path)
      expect(digest(await readAll(direct, path))).toBe(digest(content))
    },
  )

  test('an upload that met faults in its middle can still be kept, and what was left is swept', async () => {
    proxy.decide = () => 'none'
    const staged = await files.openWrite('middle/users.csv')
    await staged.write(0, content.subarray(0, 6 * 2 ** 20))
    proxy.decide = () => fault
    const rest = staged.write(6 * 2 ** 20, content.subarray(6 * 2 ** 20))
    await expect(rest.then(() => staged.commit())).rejects.toMatchObject({ code: 'unavailable' })
    proxy.decide = () => 'none'
    const kept = await staged.keep('middle/users.csv.incomplete')
    const there = await readAll(direct, 'middle/users.csv.incomplete')
    expect(kept.size).toBe(there.length)
    expect(digest(there)).toBe(digest(content.subarray(0, there.length)))

    await files.recover(() => undefined)
    const lost = await files.openWrite('middle/lost.csv')
    await lost.write(0, content)
    proxy.decide = () => fault
    await lost.abort()
    proxy.decide = () => 'none'
    proxy.seen.length = 0
    expect(await files.recover((target) => `${target}.incomplete`)).toEqual([])
    expect(proxy.seen.filter((line) => /^DELETE .*uploadId=/.test(line))).toHaveLength(1)
    expect((await direct.list('middle')).map(({ path }) => path)).toEqual([
      'middle/users.csv.incomplete',
    ])
  })

  test('move() that lost its removal is done by the next try, where overwriting is forbidden', async () => {
    proxy.decide = () => 'none'
    await store(files, 'moves/a', 'content')
    proxy.decide = ({ method }) => (method === 'DELETE' ? fault : 'none')
    await expect(files.move('moves/a', 'moves/b', { overwrite: false })).rejects.toMatchObject({
      code: 'unavailable',
    })
    proxy.decide = () => 'none'
    await files.move('moves/a', 'moves/b', { overwrite: false })
    expect((await direct.list('moves')).map(({ path }) => path)).toEqual(['moves/b'])
    expect(await load(direct, 'moves/b')).toBe('content')
  })

  test('a reader gets the rest of a file whose bodies are cut', async () => {
    proxy.decide = () => 'none'
    await upload('cut/users.csv')
    proxy.decide = firstOnly('cut', 3, ({ method }) => method === 'GET')
    expect(digest(await readAll(files, 'cut/users.csv'))).toBe(digest(content))
    proxy.decide = ({ method }) => (method === 'GET' ? 'cut' : 'none')
    await expect(files.openRead('cut/users.csv')).rejects.toMatchObject({ code: 'unavailable' })
    proxy.decide = () => 'none'
  })
})
