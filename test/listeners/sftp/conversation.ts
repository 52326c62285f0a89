import type { Client } from 'ssh2'
import { afterAll, beforeEach, expect } from 'vitest'
import { packetType } from '../../../src/listeners/sftp/wire.ts'
import { connect, openRaw, startBench } from './raw.ts'
import type { Answer, Bench, RawSftp } from './raw.ts'

/** When the files of these tests were modified, in seconds. */
export const day = 1_700_000_000

interface Shown {
  size: bigint
  permissions: number
  modified: number
}

/** A conversation that the tests of a file share, over a drop folder that is empty before each. */
export interface Conversation {
  bench: Bench
  client: Client
  sftp: RawSftp
  /** Puts a file there without a client. */
  place: (path: string, text: string) => void
  /** What a file holds; undefined when there is none. */
  content: (path: string) => string | undefined
  writeTo: (handle: Uint8Array, offset: number, text: string) => Promise<Answer>
  close: (handle: Uint8Array) => Promise<Answer>
}

/** Begins it, and ends it behind the last test of the file. */
export async function conversationOfFile(): Promise<Conversation> {
  const bench = await startBench()
  const client = await connect(bench)
  const sftp = await openRaw(client)
  beforeEach(() => {
    bench.drop.files.clear()
    bench.drop.folders.delete('/test')
    bench.drop.events.length = 0
  })
  afterAll(async () => {
    client.end()
    await bench.listener.stop(100)
    expect(bench.drop.open).toBe(0)
  })
  return {
    bench,
    client,
    sftp,
    place(path, text) {
      bench.drop.files.set(path, { bytes: Buffer.from(text), modifiedAt: day * 1_000 })
    },
    content: (path) => bench.drop.files.get(path)?.bytes.toString(),
    writeTo: (handle, offset, text) => sftp.ask(packetType.write, handle, BigInt(offset), text),
    close: (handle) => sftp.ask(packetType.close, handle),
  }
}

/** A STATUS of this code, in words that tell nothing of the inside. */
export function expectStatus(answer: Answer, code: number): void {
  expect([answer.type, answer.code]).toEqual([packetType.status, code])
  expect(answer.message).not.toMatch(/\/srv|\.ts|at .*:\d+/)
}

/** What an ATTRS tells, which owns everything to 0. */
export function shown(answer: Answer): Shown {
  expect(answer.type).toBe(packetType.attrs)
  const { fields } = answer
  expect(fields.uint32()).toBe(0x0f)
  const size = BigInt(fields.uint64())
  expect([fields.uint32(), fields.uint32()]).toEqual([0, 0])
  const permissions = fields.uint32()
  fields.uint32()
  return { size, permissions, modified: fields.uint32() }
}
