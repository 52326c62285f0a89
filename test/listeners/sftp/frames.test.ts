import { describe, expect, test } from 'vitest'
import {
  createFrameReader,
  spend,
  whole,
  withWholeHead,
} from '../../../src/listeners/sftp/frames.ts'

/** A packet with its length, all of its bytes the same. */
function packet(length: number, byte: number): Buffer {
  const bytes = Buffer.alloc(4 + length, byte)
  bytes.writeUInt32BE(length)
  return bytes
}

/** The packets as a stream that comes in chunks of these sizes, in turns, each in memory of its own. */
function frames(packets: readonly Buffer[], sizes: readonly number[]): Buffer[][] {
  const stream = Buffer.concat(packets)
  const reader = createFrameReader()
  const found: Buffer[][] = []
  for (let at = 0, turn = 0; at < stream.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1
    const chunk = Buffer.allocUnsafeSlow(Math.min(size, stream.length - at))
    stream.copy(chunk, 0, at)
    found.push(...reader.push(chunk))
    at += size
  }
  return found
}

const lengths = [32_797, 1, 261_000, 40, 20_000, 12_000, 32_768, 5, 65_000, 16_384, 16_500, 33_000]

describe('spend()', () => {
  test.each([[[32_768]], [[32_768, 29]], [[40_000]], [[7_000, 32_768, 900]], [[262_144]]])(
    'takes nothing from another frame, in whatever order they are spent: chunks of %j',
    (sizes) => {
      const packets = Array.from({ length: 60 }, (_, index) =>
        packet(lengths[index % lengths.length] ?? 1, index + 1),
      )
      const found = frames(packets, sizes)
      expect(found).toHaveLength(packets.length)
      let freed = 0
      // The even ones first, as if they were of another upload whose disk is quicker.
      const order = [...found.keys()].toSorted((a, b) => (a % 2) - (b % 2) || a - b)
      for (const index of order) {
        const frame = found[index] ?? []
        expect(whole(frame).equals(packets[index]?.subarray(4) ?? Buffer.alloc(0))).toBe(true)
        for (const piece of frame) {
          const before = piece.length
          spend(piece)
          if (piece.length < before) freed += before
        }
      }
      expect(freed).toBeGreaterThan(1_000_000)
    },
  )

  test('leaves memory alone that others may have a part of', () => {
    const pool = Buffer.from(new ArrayBuffer(64 * 1024))
    const piece = pool.subarray(0, 32 * 1024)
    spend(piece)
    expect(piece).toHaveLength(32 * 1024)
    const own = Buffer.from(new ArrayBuffer(64 * 1024)).subarray(0, 32 * 1024 + 1)
    spend(own)
    expect(own).toHaveLength(0)
  })
})

test('withWholeHead() leaves the data behind a short head where it is', () => {
  const [head, data] = [Buffer.alloc(25, 1), Buffer.from(new ArrayBuffer(32_768)).fill(2)]
  const [first, second, ...more] = withWholeHead([head, data])
  expect(more).toEqual([])
  expect(first).toHaveLength(512)
  expect(second?.buffer).toBe(data.buffer)
  expect(Buffer.concat([first ?? head, second ?? head]).equals(Buffer.concat([head, data]))).toBe(
    true,
  )
  const tiny = withWholeHead([head, Buffer.alloc(3, 2), Buffer.alloc(4, 3)])
  expect(tiny).toEqual([Buffer.concat([head, Buffer.alloc(3, 2), Buffer.alloc(4, 3)])])
})
