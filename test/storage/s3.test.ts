import {
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterAll, describe, expect, test } from 'vitest'
import type { FileStore } from '../../src/domain/storage.ts'
import { openFileStore } from '../../storage/index.ts'
import { makeBucket, s3Client, s3Server } from '../support/bucket.ts'
import type { TestBucket } from '../support/bucket.ts'
import { contract, digest, load, long, readAll, store } from './contract.ts'

const mebibyte = 2 ** 20
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const made: TestBucket[] = []
async function bucket(): Promise<TestBucket> {
  const one = await makeBucket()
  made.push(one)
  return one
}
afterAll(() => Promise.all(made.map((one) => one.remove())))

/** Every object and every upload that is under way, as another client of the bucket sees them. */
async function seen({ name }: TestBucket): Promise<string[]> {
  const client = s3Client()
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: name }))
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: name }))
  client.destroy()
  return [...Contents, ...Uploads].map(({ Key }) => Key ?? '').toSorted()
}

/** What is there but the lease of a process that lives. */
async function seenFiles(one: TestBucket): Promise<string[]> {
  return (await seen(one)).filter(
    (key) => !/^\.staging\/[^/]+\/lease$|^\.staging\/clock$/.test(key),
  )
}

const open = ({ url, settings }: TestBucket): Promise<FileStore> => openFileStore(url, settings)

describe.skipIf(s3Server === undefined)('with a real S3 server', () => {
  contract(
    's3',
    async () => {
      const { url, settings } = await bucket()
      return openFileStore(`${url}/some prefix`, settings)
    },
    { keepsTimes: false },
  )

  describe('s3Driver()', () => {
    test('has the real names on the bucket, below its prefix, and sees no other', async () => {
      const one = await bucket()
      const client = s3Client()
      await client.send(
        new PutObjectCommand({ Bucket: one.name, Key: 'drop/t/other', Body: bytes('x') }),
      )
      client.destroy()
      const files = await openFileStore(`${one.url}/some/prefix/`, one.settings)
      await store(files, 'drop/t/a:b?.csv', 'x')
      expect(await seen(one)).toEqual(['drop/t/other', 'some/prefix/drop/t/a:b?.csv'])
      expect(await files.list('drop/t')).toMatchObject([{ path: 'drop/t/a:b?.csv' }])
    })

    test('puts writes in order that are at most 8 MiB ahead', async () => {
      const one = await bucket()
      const files = await open(one)
      const whole = bytes(long('end', 21 * mebibyte))
      const staged = await files.openWrite('a/b')
      // Four writers side by side, as clients with several requests under way are.
      const step = 2 * mebibyte
      for (let group = 0; group < whole.length; group += 4 * step) {
        for (const turn of [3, 1, 2, 0]) {
          const position = group + turn * step
          if (position < whole.length)
            await staged.write(position, whole.subarray(position, position + step))
        }
      }
      await staged.commit()
      expect(digest(await readAll(files, 'a/b'))).toBe(digest(whole))
    })

    test('refuses a write farther ahead or before what has been sent, and leaves nothing behind', async () => {
      const one = await bucket()
      const files = await open(one)
      const staged = await files.openWrite('a/b')
      await staged.write(0, bytes('begin'))
      const far = staged.write(8 * mebibyte, bytes('far ahead'))
      await expect(far).rejects.toMatchObject({ code: 'unsupported' })
      await staged.write(5, new Uint8Array(11 * mebibyte))
      const late = staged.write(0, bytes('again'))
      await expect(late).rejects.toMatchObject({ code: 'unsupported' })
      const shorter = staged.truncate(100)
      await expect(shorter).rejects.toMatchObject({ code: 'unsupported' })
      await staged.abort()
      expect(await seenFiles(one)).toEqual([])
    })

    test('lists a folder of more files than one answer holds', async () => {
      const one = await bucket()
      const files = await open(one)
      const paths = Array.from({ length: 1_005 }, (_, n) => `many/${String(n).padStart(4, '0')}`)
      const client = s3Client()
      for (let done = 0; done < paths.length; done += 20) {
        const some = paths.slice(done, done + 20)
        await Promise.all(
          some.map((Key) =>
            client.send(new PutObjectCommand({ Bucket: one.name, Key, Body: bytes('') })),
          ),
        )
      }
      client.destroy()
      expect((await files.list('many')).map(({ path }) => path)).toEqual(paths)
    })

    test('two processes that both create a name: one of them is refused', async () => {
      const one = await bucket()
      const [here, there] = [await open(one), await open(one)]
      const [first, second] = [await here.openWrite('a/b'), await there.openWrite('a/b')]
      await first.write(0, bytes('first'))
      await second.write(0, bytes('second'))
      await first.commit({ overwrite: false })
      await expect(second.commit({ overwrite: false })).rejects.toMatchObject({ code: 'exists' })
      await second.abort()
      expect(await load(here, 'a/b')).toBe('first')
    })

    test('tells a reader when another process has replaced the file, instead of mixing two', async () => {
      const one = await bucket()
      const [here, there] = [await open(one), await open(one)]
      await store(here, 'a/b', long('old', 5 * mebibyte))
      const reader = await here.openRead('a/b')
      await store(there, 'a/b', long('new', 5 * mebibyte))
      await expect(reader.read(4 * mebibyte, 10)).rejects.toMatchObject({ code: 'conflict' })
      await reader.close()
    })

    test('says in clear words that the bucket refuses the credentials, or is not there', async () => {
      const one = await bucket()
      const { s3 } = one.settings
      const wrong = await openFileStore(one.url, { s3: { ...s3, secretAccessKey: 'wrong' } })
      await expect(store(wrong, 'a/b', 'x')).rejects.toThrow(/the bucket refuses the credentials/)
      await expect(wrong.list('a')).rejects.toMatchObject({ code: 'unavailable' })
      const absent = await openFileStore('s3://no-such-bucket', one.settings)
      await expect(store(absent, 'a/b', 'x')).rejects.toThrow(/the bucket is not there/)
      expect(await seen(one)).toEqual([])
    })
  })

  describe('recover()', () => {
    const quick = ({ url, settings }: TestBucket): Promise<FileStore> =>
      openFileStore(url, { s3: { ...settings.s3, leaseMs: 2_000 } })
    // Its lease is not renewed in time for the others: a process that was killed, or hangs.
    const slow = ({ url, settings }: TestBucket): Promise<FileStore> =>
      openFileStore(url, { s3: { ...settings.s3, leaseMs: 3_600_000 } })

    test('keeps what a dead process had staged, drops what nobody wants, and leaves the living alone', async () => {
      const one = await bucket()
      const dead = await slow(one)
      const living = await quick(one)
      const content = bytes(long('end', 12 * mebibyte))
      const half = await dead.openWrite('drop/t/users.csv')
      await half.write(0, content)
      const mail = await dead.openWrite('mail/t/1.eml')
      await mail.write(0, content)
      const going = await living.openWrite('drop/t/going.csv')
      await going.write(0, content)
      const third = await quick(one)
      const keepAt = (target: string): string | undefined =>
        target.startsWith('drop/') ? `${target}.incomplete` : undefined
      expect(await third.recover(keepAt)).toEqual([])
      let kept: unknown[] = []
      await expect
        .poll(async () => (kept = await third.recover(keepAt)), { timeout: 15_000, interval: 500 })
        .not.toEqual([])
      expect(kept).toMatchObject([{ path: 'drop/t/users.csv.incomplete', size: 10 * mebibyte }])
      expect(digest(await readAll(third, 'drop/t/users.csv.incomplete'))).toBe(
        digest(content.subarray(0, 10 * mebibyte)),
      )
      // The rest of the living one's 12 MiB is on its machine still.
      await going.commit()
      expect(digest(await readAll(third, 'drop/t/going.csv'))).toBe(digest(content))
      expect(await seenFiles(one)).toEqual(['drop/t/going.csv', 'drop/t/users.csv.incomplete'])

      // What was taken for dead cannot come back.
      await expect(half.commit()).rejects.toMatchObject({ code: 'unavailable' })
      await half.abort()
      await mail.abort()
      expect(await seenFiles(one)).toEqual(['drop/t/going.csv', 'drop/t/users.csv.incomplete'])
      await living.close()
      await dead.close()
    })

    test('twice at once does it once', async () => {
      const one = await bucket()
      const dead = await slow(one)
      const half = await dead.openWrite('drop/t/users.csv')
      await half.write(0, new Uint8Array(7 * mebibyte))
      const [here, there] = [await quick(one), await quick(one)]
      const keepAt = (target: string): string => `${target}.incomplete`
      await expect
        .poll(
          async () => {
            await Promise.all([here.recover(keepAt), there.recover(keepAt)])
            return seenFiles(one)
          },
          { timeout: 15_000, interval: 500 },
        )
        .toEqual(['drop/t/users.csv.incomplete'])
      await dead.close()
    })
  })
})
