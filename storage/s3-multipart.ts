import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import type { ListMultipartUploadsCommandOutput, S3Client } from '@aws-sdk/client-s3'
import { explained, isS3Error } from './s3-problem.ts'
import { retrying } from './s3-retry.ts'

/** A multipart upload: bytes that nobody sees until it is completed. */
export interface Multipart {
  key: string
  id: string
}

/** A part that the server has. */
interface SentPart {
  number: number
  etag: string
}

/** The multipart uploads of a bucket. */
export interface Multiparts {
  begin(key: string): Promise<Multipart>
  /** Both resolve to the part's etag. */
  sendPart(upload: Multipart, number: number, body: Uint8Array): Promise<string>
  copyPart(upload: Multipart, number: number, from: CopyRange): Promise<string>
  /** Resolves to false when there is no such upload any more. */
  complete(upload: Multipart, parts: readonly SentPart[]): Promise<boolean>
  /** Drops an upload; never throws for one that is gone. */
  drop(upload: Multipart): Promise<void>
  /** Uploads whose key begins with `prefix`. */
  uploads(prefix: string): AsyncGenerator<Multipart>
  parts(upload: Multipart): Promise<SentPart[]>
}

/** Bytes of an object from `start` to before `end`. */
interface CopyRange {
  key: string
  etag: string
  start: number
  end: number
}

interface MultipartOptions {
  client: S3Client
  patient: S3Client
  bucket: string
  /** The prefix of all keys. */
  before: string
  /** A key as a copy names it. */
  source: (key: string) => string
}

const failed = (error: unknown): never => {
  throw explained(error, 'Cannot store a file')
}

/** The multipart requests of a bucket. */
export function createMultiparts(options: MultipartOptions): Multiparts {
  const { client, patient, bucket: Bucket, before, source } = options
  const of = ({ key, id }: Multipart) => ({ Bucket, Key: before + key, UploadId: id })

  return {
    async begin(key) {
      const command = new CreateMultipartUploadCommand({ Bucket, Key: before + key })
      const { UploadId = '' } = await retrying(() => client.send(command)).catch(failed)
      return { key, id: UploadId }
    },
    async sendPart(upload, number, body) {
      const command = new UploadPartCommand({ ...of(upload), PartNumber: number, Body: body })
      const { ETag = '' } = await retrying(() => client.send(command)).catch(failed)
      return ETag
    },
    async copyPart(upload, number, { key, etag, start, end }) {
      const command = new UploadPartCopyCommand({
        ...of(upload),
        PartNumber: number,
        CopySource: source(key),
        CopySourceIfMatch: etag,
        CopySourceRange: `bytes=${start}-${end - 1}`,
      })
      const { CopyPartResult } = await retrying(() => patient.send(command)).catch(failed)
      return CopyPartResult?.ETag ?? ''
    },
    async complete(upload, parts) {
      const Parts = parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag }))
      const command = new CompleteMultipartUploadCommand({
        ...of(upload),
        MultipartUpload: { Parts },
      })
      try {
        await retrying(() => patient.send(command))
        return true
      } catch (error) {
        if (isS3Error(error, 'NoSuchUpload')) return false
        return failed(error)
      }
    },
    async drop(upload) {
      const command = new AbortMultipartUploadCommand(of(upload))
      await retrying(() => client.send(command)).catch((error: unknown) => {
        if (!isS3Error(error, 'NoSuchUpload')) failed(error)
      })
    },
    async *uploads(prefix) {
      let marker: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {}
      while (marker !== undefined) {
        const command = new ListMultipartUploadsCommand({
          Bucket,
          Prefix: before + prefix,
          EncodingType: 'url',
          ...marker,
        })
        const page: ListMultipartUploadsCommandOutput = await retrying(() =>
          client.send(command),
        ).catch(failed)
        for (const { Key = '', UploadId = '' } of page.Uploads ?? []) {
          const key = decodeURIComponent(Key.replaceAll('+', ' ')).slice(before.length)
          yield { key, id: UploadId }
        }
        marker = undefined
        if (page.IsTruncated === true && page.NextKeyMarker !== undefined) {
          marker = { KeyMarker: decodeURIComponent(page.NextKeyMarker.replaceAll('+', ' ')) }
          if (page.NextUploadIdMarker !== undefined) marker.UploadIdMarker = page.NextUploadIdMarker
        }
      }
    },
    async parts(upload) {
      const found: SentPart[] = []
      let marker: string | undefined
      do {
        const command = new ListPartsCommand({
          ...of(upload),
          ...(marker === undefined ? {} : { PartNumberMarker: marker }),
        })
        const page = await retrying(() => client.send(command)).catch((error: unknown) => {
          if (!isS3Error(error, 'NoSuchUpload')) failed(error)
        })
        for (const { PartNumber = 0, ETag = '' } of page?.Parts ?? []) {
          found.push({ number: PartNumber, etag: ETag })
        }
        marker = page?.IsTruncated === true ? page.NextPartNumberMarker : undefined
      } while (marker !== undefined)
      return found
    },
  }
}
