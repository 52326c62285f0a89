import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  DeleteObjectsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'
import type { StoreSettings } from '../../storage/index.ts'
import { missing } from './peers.ts'

/** The S3 server of the tests, which test/support/rgw.sh starts; undefined where there is none: its tests are then skipped. */
export const s3Server = (() => {
  const endpoint = process.env['S3_TEST_ENDPOINT'] ?? ''
  const accessKeyId = process.env['S3_TEST_ACCESS_KEY_ID'] ?? ''
  const secretAccessKey = process.env['S3_TEST_SECRET_ACCESS_KEY'] ?? ''
  if (endpoint === '') return missing('an S3 server (test/support/rgw.sh)')
  return { endpoint, credentials: { accessKeyId, secretAccessKey } }
})()

/** A client of the tests' own, to look at a bucket from outside. */
export function s3Client(): S3Client {
  if (s3Server === undefined) throw new Error('Cannot reach an S3 server: there is none')
  return new S3Client({ ...s3Server, region: 'us-east-1', forcePathStyle: true })
}

/** A new bucket on the server of the tests. */
export interface TestBucket {
  name: string
  url: string
  settings: StoreSettings
  /** With all that is in it: the server of the tests keeps everything in memory. */
  remove(): Promise<void>
}

/** Makes a bucket; `endpoint` is another way to the same server, such as through a fault proxy. */
export async function makeBucket(endpoint?: string): Promise<TestBucket> {
  if (s3Server === undefined) throw new Error('Cannot make a bucket: there is no S3 server')
  const name = `test-${randomUUID()}`
  const client = s3Client()
  await client.send(new CreateBucketCommand({ Bucket: name }))
  client.destroy()
  const spoolFolder = mkdtempSync(join(tmpdir(), 'rosterdrop-spool-'))
  return {
    name,
    url: `s3://${name}`,
    settings: {
      s3: {
        endpoint: endpoint ?? s3Server.endpoint,
        region: 'us-east-1',
        ...s3Server.credentials,
        pathStyle: 'auto',
        spoolFolder,
      },
    },
    async remove() {
      rmSync(spoolFolder, { recursive: true, force: true })
      const remover = s3Client()
      for (;;) {
        const { Contents = [] } = await remover.send(new ListObjectsV2Command({ Bucket: name }))
        if (Contents.length === 0) break
        const Objects = Contents.map(({ Key = '' }) => ({ Key }))
        await remover.send(new DeleteObjectsCommand({ Bucket: name, Delete: { Objects } }))
      }
      remover.destroy()
    },
  }
}
