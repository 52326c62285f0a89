import { s3Server } from '../support/bucket.ts'
import { passesUnderDeno } from '../support/under-deno.ts'

passesUnderDeno('the storage drivers', [
  'test/storage/local.test.ts',
  'test/storage/memory.test.ts',
])

passesUnderDeno(
  'the storage driver s3',
  ['test/storage/s3.test.ts', 'test/storage/s3-faults.test.ts'],
  s3Server !== undefined,
)
