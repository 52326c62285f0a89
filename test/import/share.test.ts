import { beforeEach, describe, expect, test } from 'vitest'
import { isAppError } from '../../src/domain/error.ts'
import { workRoot } from '../../src/domain/layout.ts'
import { defaultLimits } from '../../src/drop/limits.ts'
import type { DropLimits } from '../../src/drop/limits.ts'
import { createQuota } from '../../src/drop/quota.ts'
import { createSubmit } from '../../src/import/submit.ts'
import { silent } from '../drop/door.ts'
import { openWorld } from '../routes/client.ts'
import type { World } from '../routes/client.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})

/** Submits files of so many bytes, each of two pieces; resolves to 'taken' or the code of the refusal. */
function submitting(changes: Partial<DropLimits>, freeBytes = Infinity) {
  const { state, clock } = world
  const limits = { ...defaultLimits, freeBytes: 0, ...changes }
  const files = { ...world.files, space: async () => ({ freeBytes, totalBytes: freeBytes }) }
  const share = createQuota({ files, clock, limits })
  const submit = createSubmit({ state, files, clock, log: silent, share })
  return async (size: number, tenantId = 'ten_maple'): Promise<string> => {
    const body = (async function* () {
      yield new Uint8Array(Math.floor(size / 2))
      yield new Uint8Array(Math.ceil(size / 2))
    })()
    const filename = 'users.csv'
    const given = {
      tenantId,
      filename,
      source: 'http',
      actor: null,
      body,
      maxBytes: 1_000,
    } as const
    try {
      await submit.take(given)
      return 'taken'
    } catch (error) {
      if (!isAppError(error)) throw error
      return error.code
    }
  }
}

const stored = async (): Promise<number[]> =>
  (await world.files.list(workRoot('ten_maple'))).map(({ size }) => size)

describe('a file that comes by no drop folder', () => {
  test('takes no more bytes than its client has left, and leaves nothing when refused', async () => {
    const take = submitting({ clientBytes: 50 })
    expect(await take(51)).toBe('out_of_space')
    expect(await stored()).toEqual([])
    expect(await take(40)).toBe('taken')
    expect(await take(11)).toBe('out_of_space')
    expect(await take(10)).toBe('taken')
    expect(await stored()).toEqual([40, 10])
    expect(await take(50, 'ten_oak')).toBe('taken')
  })

  test('is one of the files that its client may have', async () => {
    const take = submitting({ files: 2 })
    expect([await take(1), await take(1), await take(1)]).toEqual([
      'taken',
      'taken',
      'out_of_space',
    ])
    expect(await stored()).toEqual([1, 1])
  })

  test('leaves the free space that databases need', async () => {
    const take = submitting({ freeBytes: 100 }, 130)
    expect(await take(20)).toBe('taken')
    expect(await take(11)).toBe('out_of_space')
    expect(await stored()).toEqual([20])
  })
})
