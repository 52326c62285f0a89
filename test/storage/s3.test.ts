import { afterAll, describe } from 'vitest'
import { openFileStore } from '../../storage/index.ts'
import { makeBucket, s3Server } from '../support/bucket.ts'
import type { TestBucket } from '../support/bucket.ts'
import { contract } from './contract.ts'

const made: TestBucket[] = []
async function bucket(): Promise<TestBucket> {
  const one = await makeBucket()
  made.push(one)
  return one
}
afterAll(() => {
  for (const one of made) one.remove()
})

describe.skipIf(s3Server === undefined)('with a real S3 server', () => {
  contract(
    's3',
    async () => {
      const { url, settings } = await bucket()
      return openFileStore(`${url}/some prefix`, settings)
    },
    { keepsTimes: false },
  )
})
