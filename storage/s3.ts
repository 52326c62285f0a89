import { createHash } from 'node:crypto'
import { AppError } from '../src/domain/error.ts'
import type { FileStore, StoredFile } from '../src/domain/storage.ts'
import { driverOf } from './driver.ts'
import type { StoreDriver } from './driver.ts'
import { segmentsOf } from './path.ts'
import { openBucket } from './s3-bucket.ts'
import type { BucketObject } from './s3-bucket.ts'
import { createBuffers } from './s3-buffers.ts'
import type { S3Options } from './s3-client.ts'
import { createLease, stagingFolder } from './s3-lease.ts'
import { createReaders } from './s3-readers.ts'
import { recoverStaged } from './s3-recover.ts'
import { createSpools, partBytes } from './s3-spool.ts'
import { stageObject } from './s3-staged.ts'

/** Parts and small files on their way at once, of all uploads together: 20 MiB of memory. */
const sentAtOnce = 4
/** Metadata of a moved object that says from which version of which name it comes. */
const movedFrom = 'moved-from'

const described = ({ key, size, modifiedAt }: BucketObject): StoredFile => ({
  path: key,
  size,
  modifiedAt,
})

const mark = ({ key, etag, modifiedAt }: BucketObject): string =>
  createHash('sha256').update(`${key}\0${etag}\0${modifiedAt}`).digest('base64url')

/**
 * A file store in a bucket of S3 or of a server that speaks its protocol. Any number of processes may use the bucket.
 *
 * Real names are the keys; a move is a copy and a removal, in this order; times are the server's.
 */
export function s3Driver(options: S3Options): StoreDriver {
  const bucket = openBucket(options)
  const buffers = createBuffers(sentAtOnce, partBytes)
  const spools = createSpools(options.spoolFolder)
  const lease = createLease(bucket, options.leaseMs)
  const readers = createReaders(bucket, lease)
  const checked = (path: string): string => segmentsOf(path).join('/')

  async function stat(path: string): Promise<StoredFile | undefined> {
    const found = await bucket.head(checked(path))
    return found && described(found)
  }

  async function move(from: string, to: string, overwrite: boolean): Promise<void> {
    const source = await bucket.head(checked(from))
    const target = source === undefined || !overwrite ? await bucket.head(checked(to)) : undefined
    if (source === undefined) {
      if (target !== undefined) return
      throw new AppError('not_found', `Cannot move "${from}": there is no such file`)
    }
    if (from === to) return
    const marker = mark(source)
    // A kill between copy and removal has left both.
    const done = target !== undefined && target.metadata[movedFrom] === marker
    if (target !== undefined && !done) {
      throw new AppError('exists', `Cannot move "${from}" to "${to}": there is one of this name`)
    }
    if (done) await readers.leaving(from)
    else {
      await readers.leaving(checked(to))
      const etag = await bucket.copy(from, to, { [movedFrom]: marker })
      readers.moved(from, to, etag)
    }
    await bucket.remove(from)
  }

  const files: FileStore = {
    shared: true,
    stat,
    async list(folder, { limit = Infinity } = {}) {
      const found: StoredFile[] = []
      for await (const object of bucket.list(`${folder}/`)) {
        if (found.length >= limit) break
        found.push(described(object))
      }
      return found.toSorted((a, b) => (a.path < b.path ? -1 : 1))
    },
    openRead: (path) => readers.open(checked(path)),
    async openWrite(target, { from } = {}) {
      const source = from === undefined ? undefined : await bucket.head(checked(from))
      return stageObject({
        bucket,
        buffers,
        lease,
        spools,
        target: checked(target),
        from: source,
        leaving: (path) => readers.leaving(path),
      })
    },
    move: (from, to, { overwrite = true } = {}) => move(from, to, overwrite),
    async remove(path) {
      if ((await stat(path)) === undefined) return false
      await readers.leaving(path)
      await bucket.remove(path)
      return true
    },
    // Only a copy of the whole object could set it, and a listing would still show the other.
    async touch() {},
    recover: (keepAt) => recoverStaged(bucket, lease, keepAt),
    async space() {
      return undefined
    },
    async close() {
      await spools.close()
      await lease.close()
      bucket.close()
    },
  }

  async function* walk(folder: string): AsyncGenerator<StoredFile> {
    for await (const object of bucket.list(folder === '' ? '' : `${folder}/`, { deep: true })) {
      if (!object.key.startsWith(`${stagingFolder}/`)) yield described(object)
    }
  }

  return driverOf('s3', files, walk)
}
