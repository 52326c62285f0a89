import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import type { _Object, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { AppError } from '../src/domain/error.ts'
import { createClients } from './s3-client.ts'
import type { S3Options } from './s3-client.ts'
import { createMultiparts } from './s3-multipart.ts'
import type { Multiparts } from './s3-multipart.ts'
import { explained, isS3Error } from './s3-problem.ts'
import { retrying } from './s3-retry.ts'

/** An object as HEAD shows it. */
export interface BucketObject {
  /** Below the prefix. */
  key: string
  size: number
  etag: string
  /** Whole seconds, as milliseconds: a listing is finer than HEAD, and both must say the same. */
  modifiedAt: number
  metadata: Readonly<Record<string, string>>
}

/** One bucket, or what is below a prefix in it, by the requests of S3; throws AppErrors. */
export interface Bucket extends Multiparts {
  head(key: string): Promise<BucketObject | undefined>
  /** Some bytes from `position` on, only of the version `etag` when it is given; `not_found`, or `conflict` for another version. */
  get(key: string, range: { position: number; length: number; etag?: string }): Promise<Part>
  /** Throws `exists` when `fresh` and there is one, on servers that know If-None-Match. */
  put(key: string, body: Uint8Array, options?: { fresh?: boolean }): Promise<void>
  /** Resolves to the copy's etag. */
  copy(from: string, to: string, metadata?: Record<string, string>): Promise<string>
  remove(key: string): Promise<void>
  /** Objects below `prefix`: with `deep` all, else those without a further `/`. */
  list(prefix: string, options?: { deep?: boolean }): AsyncGenerator<BucketObject>
  close(): void
}

/** Bytes of an object, and what they are a part of. */
interface Part {
  bytes: Uint8Array
  size: number
  etag: string
}

const wholeSeconds = (date: Date | undefined): number =>
  Math.floor((date?.getTime() ?? 0) / 1_000) * 1_000

/** Opens a bucket; no request is made yet. */
export function openBucket(options: S3Options): Bucket {
  const { bucket: Bucket, prefix } = options
  const { client, patient } = createClients(options)
  const before = prefix === '' ? '' : `${prefix}/`
  const at = (key: string) => ({ Bucket, Key: before + key })
  const source = (key: string): string =>
    `${Bucket}/${(before + key).split('/').map(encodeURIComponent).join('/')}`

  async function getOnce(
    key: string,
    { position, length, etag }: { position: number; length: number; etag?: string },
  ): Promise<Part> {
    const { Body, ContentRange, ContentLength, ETag } = await client.send(
      new GetObjectCommand({
        ...at(key),
        Range: `bytes=${position}-${position + length - 1}`,
        ...(etag === undefined ? {} : { IfMatch: etag }),
      }),
    )
    const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array(0)
    if (bytes.length !== ContentLength) throw new Error('The body was cut')
    return { bytes, size: Number(ContentRange?.split('/')[1] ?? bytes.length), etag: ETag ?? '' }
  }

  async function* list(
    folder: string,
    { deep = false }: { deep?: boolean } = {},
  ): AsyncGenerator<BucketObject> {
    let next: string | undefined
    do {
      const command = new ListObjectsV2Command({
        Bucket,
        Prefix: before + folder,
        // Names may hold what XML cannot.
        EncodingType: 'url',
        ...(deep ? {} : { Delimiter: '/' }),
        ...(next === undefined ? {} : { ContinuationToken: next }),
      })
      const page: ListObjectsV2CommandOutput = await retrying(() => client.send(command)).catch(
        (error: unknown) => {
          throw explained(error, 'Cannot list a folder')
        },
      )
      for (const object of page.Contents ?? []) yield shown(object)
      next = page.IsTruncated === true ? page.NextContinuationToken : undefined
    } while (next !== undefined)
  }

  function shown({ Key = '', Size = 0, ETag = '', LastModified }: _Object): BucketObject {
    const key = decodeURIComponent(Key.replaceAll('+', ' ')).slice(before.length)
    return { key, size: Size, etag: ETag, modifiedAt: wholeSeconds(LastModified), metadata: {} }
  }

  return {
    ...createMultiparts({ client, patient, bucket: Bucket, before, source }),
    async head(key) {
      try {
        const found = await retrying(() => client.send(new HeadObjectCommand(at(key))))
        return {
          key,
          size: found.ContentLength ?? 0,
          etag: found.ETag ?? '',
          modifiedAt: wholeSeconds(found.LastModified),
          metadata: found.Metadata ?? {},
        }
      } catch (error) {
        if (isS3Error(error, 'NotFound', 'NoSuchKey')) return undefined
        throw explained(error, 'Cannot look at a file')
      }
    },
    async get(key, range) {
      try {
        return await retrying(() => getOnce(key, range))
      } catch (error) {
        if (isS3Error(error, 'PreconditionFailed')) {
          throw new AppError('conflict', 'Cannot read a file: another has taken its name', {
            cause: error,
          })
        }
        // Nothing of an empty file can be asked for.
        if (isS3Error(error, 'InvalidRange')) return { bytes: new Uint8Array(0), size: 0, etag: '' }
        throw explained(error, 'Cannot read a file')
      }
    },
    async put(key, body, { fresh = false } = {}) {
      const conditions = fresh ? { IfNoneMatch: '*' } : {}
      const command = new PutObjectCommand({ ...at(key), Body: body, ...conditions })
      await retrying(() => client.send(command)).catch((error: unknown) => {
        throw explained(error, 'Cannot store a file')
      })
    },
    async copy(from, to, metadata) {
      const command = new CopyObjectCommand({
        ...at(to),
        CopySource: source(from),
        ...(metadata === undefined ? {} : { Metadata: metadata, MetadataDirective: 'REPLACE' }),
      })
      const { CopyObjectResult } = await retrying(() => patient.send(command)).catch(
        (error: unknown) => {
          throw explained(error, 'Cannot move a file')
        },
      )
      return CopyObjectResult?.ETag ?? ''
    },
    async remove(key) {
      const command = new DeleteObjectCommand(at(key))
      await retrying(() => client.send(command)).catch((error: unknown) => {
        throw explained(error, 'Cannot remove a file')
      })
    },
    list,
    close() {
      client.destroy()
      patient.destroy()
    },
  }
}
