import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { makeBucket, s3Server } from '../support/bucket.ts'
import { denoArguments, denoProgram, top } from '../support/server.ts'

const mebibyte = 2 ** 20

describe.skipIf(s3Server === undefined)('the storage driver s3 in a process of its own', () => {
  test.each([
    ['node', 16],
    ['deno', 16],
  ] as const)(
    'under %s takes %i uploads of 64 MiB at once in at most 80 MB more memory',
    async (runtime, count) => {
      const one = await makeBucket()
      const { url, settings } = one
      const { endpoint, accessKeyId, secretAccessKey, spoolFolder } = settings.s3
      const program =
        runtime === 'node' ? [process.execPath] : [denoProgram(), ...denoArguments(spoolFolder)]
      const args = [url, endpoint, accessKeyId, secretAccessKey, spoolFolder, count].map(String)
      const [first = '', ...rest] = [...program, 'test/storage/s3-trip.ts', ...args]
      try {
        const { stdout } = await promisify(execFile)(first, rest, { cwd: top })
        const { addedMegabytes, ...seen } = JSON.parse(stdout) as Record<string, unknown>
        expect(seen).toMatchObject({ same: true, listed: count - 1, sizes: [64 * mebibyte] })
        expect(addedMegabytes).toBeLessThan(80)
      } finally {
        await one.remove()
      }
    },
    120_000,
  )
})
