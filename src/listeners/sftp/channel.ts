import type { Socket } from 'node:net'
import type { ServerChannel } from 'ssh2'
import type { DropSession } from '../../domain/drop.ts'
import type { Log } from '../../domain/log.ts'
import type { Conversation } from './conversation.ts'
import { createFrameReader, whole, withWholeHead } from './frames.ts'
import type { Frame } from './frames.ts'
import { createHandleTable } from './handles.ts'
import { requestKind, versionPacket } from './packets.ts'
import { statusFor } from './status.ts'
import { packetType, readFields, statusCode, StatusError, statusPacket } from './wire.ts'

/**
 * Bytes taken from the peer and not yet on their way to the disk, per channel. Above it neither the channel
 * nor the connection is read, and the peer waits (ssh2 issue 882: else memory runs away). The window alone
 * would let 4 MiB in: ssh2 opens it again until as much is buffered as it is wide.
 */
const maxInFlightBytes = 768 * 1024
/** The same for requests that are small: 100,000 of them fit into one window. */
const maxWaitingRequests = 1_024
/** Answers that the peer does not read. */
const maxUnsentBytes = 1024 * 1024

export interface SftpChannelOptions {
  channel: ServerChannel
  session: DropSession
  log: Log
  /** Below the channel; to see what has not been handed to the network yet. */
  socket: Socket
  /** The server is stopping: nothing new is begun. */
  stopping(): boolean
  /** The connection is not to be read while `held`: the disk is behind. */
  hold(held: boolean): void
  /** Something happened: the peer is not idle. */
  active(): void
}

/** One SFTP conversation on a channel. */
export interface SftpChannel {
  /** A file is being uploaded, or a request is being worked on. */
  readonly busy: boolean
  /** A file is being uploaded, and its next bytes are the peer's to send. */
  readonly awaitsBytes: boolean
  /** Bytes that came and have not been looked at. */
  readonly unreadBytes: number
  /** The channel or the connection is gone: open uploads are cut. */
  abort(reason: string): Promise<void>
  /** Resolves when the conversation is over and nothing of it is open. */
  readonly done: Promise<void>
}

/** Serves SFTP version 3 on `channel`: requests one after the other, WRITEs pipelined. */
export function serveSftp(options: SftpChannelOptions): SftpChannel {
  const { channel, socket, session, log } = options
  const frames = createFrameReader()
  const handles = createHandleTable()
  const waiting: Frame[] = []
  let waitingBytes = 0
  let inFlightBytes = 0
  let inFlightWrites = 0
  let holding = false
  let initialised = false
  let pumping = false
  let pumped = Promise.resolve()
  let ended = false
  let closed = false
  let outgoing: Buffer[] = []
  let finish: () => void
  const done = new Promise<void>((resolve) => {
    finish = resolve
  })

  function flush(): void {
    const answers = outgoing
    outgoing = []
    if (closed || answers.length === 0) return
    const [first] = answers
    // ssh2 writes a packet in three pieces; without the cork each would be a segment of its own.
    socket.cork()
    channel.write(first !== undefined && answers.length === 1 ? first : Buffer.concat(answers))
    socket.uncork()
  }

  function answer(bytes: Buffer): void {
    // Answers made in one go leave in one SSH packet.
    if (outgoing.length === 0) queueMicrotask(flush)
    outgoing.push(bytes)
  }

  function refuse(id: number, error: unknown): void {
    const { code, message } = statusFor(error, log)
    answer(statusPacket(id, code, message))
  }

  function gate(): void {
    const full =
      inFlightBytes + waitingBytes > maxInFlightBytes || waiting.length > maxWaitingRequests
    if (full) channel.pause()
    else if (channel.isPaused() && !closed) channel.resume()
    // Only for writes, which end without the peer: an answer may be waiting for a window that the peer opens.
    const held = inFlightBytes > maxInFlightBytes
    if (held !== holding) {
      holding = held
      options.hold(held)
    }
  }

  const conversation: Conversation = {
    session,
    handles,
    now: () => Date.now(),
    answerLater(id, bytes) {
      inFlightBytes += bytes
      inFlightWrites += 1
      return (error) => {
        inFlightBytes -= bytes
        inFlightWrites -= 1
        if (error === undefined) answer(statusPacket(id, statusCode.ok, 'OK'))
        else refuse(id, error)
        options.active()
        gate()
        end()
      }
    },
  }

  /** Ends the conversation from our side: what came cannot be answered. */
  function breakOff(why: string): void {
    log.warn('sftp conversation broken off', { why })
    flush()
    void abort(why)
    channel.exit(1)
    channel.end()
  }

  function dispatch(frame: Frame): Promise<Buffer> | undefined {
    const [head] = frame
    const type = head?.[0]
    if (type === packetType.init) {
      if (whole(frame).length < 5) breakOff('a bad INIT packet')
      initialised = true
      answer(versionPacket())
      return undefined
    }
    const request = type === packetType.write ? withWholeHead(frame) : [whole(frame)]
    const first = request[0] ?? Buffer.alloc(0)
    if (!initialised || type === undefined || first.length < 5) {
      breakOff(initialised ? 'a packet without an id' : 'no INIT packet')
      return undefined
    }
    const id = first.readUInt32BE(1)
    try {
      const fields = readFields(first, 5)
      const kind = requestKind(type, fields)
      if (options.stopping() && kind.writes === 'folder') {
        throw new StatusError(
          statusCode.failure,
          'Cannot begin: the server is stopping, another try in a minute is needed',
        )
      }
      const result = kind.handle(conversation, { id, fields, frame: request })
      if (result === undefined) return undefined
      if (Buffer.isBuffer(result)) answer(result)
      else {
        return result.catch((error: unknown) => {
          const { code, message } = statusFor(error, log)
          return statusPacket(id, code, message)
        })
      }
    } catch (error) {
      refuse(id, error)
    }
    return undefined
  }

  function unsent(): boolean {
    return !closed && (channel.writableNeedDrain || socket.writableLength > maxUnsentBytes)
  }

  /** Resolves when the peer has read some of our answers, or is gone. */
  function drained(): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        for (const stream of [channel, socket]) stream.off('drain', go).off('close', go)
        resolve()
      }
      for (const stream of [channel, socket]) stream.on('drain', go).on('close', go)
    })
  }

  async function work(): Promise<void> {
    for (let frame = waiting.shift(); frame !== undefined; frame = waiting.shift()) {
      for (const piece of frame) waitingBytes -= piece.length
      const later = dispatch(frame)
      if (later !== undefined) answer(await later)
      while (unsent()) await drained()
      options.active()
      gate()
    }
    pumping = false
    end()
  }

  function pump(): void {
    if (pumping) return
    pumping = true
    pumped = work()
  }

  async function cutAll(reason: string): Promise<void> {
    for (const handle of handles.clear()) {
      try {
        if (handle.kind === 'upload') await handle.cut(reason)
        if (handle.kind === 'read') await handle.reader.close()
      } catch (error) {
        log.error('sftp handle not closed', { error })
      }
    }
  }

  async function close(reason: string): Promise<void> {
    closed = true
    waiting.length = 0
    waitingBytes = 0
    // A handle that is just being opened is cut as well.
    await pumped
    await cutAll(reason)
    finish()
    // Whatever still comes is read and dropped: 'close' follows only on an emptied channel.
    channel.resume()
  }

  async function abort(reason: string): Promise<void> {
    if (!closed) await close(reason)
    await done
  }

  /** The peer sent EOF and everything before it has been answered. OpenSSH's sftp waits for this to exit. */
  function end(): void {
    if (!ended || closed || pumping || inFlightWrites > 0) return
    flush()
    void leave()
  }

  async function leave(): Promise<void> {
    await close('the channel ended with the file open')
    channel.exit(0)
    channel.end()
  }

  channel.on('data', (chunk: Buffer) => {
    if (closed) return
    options.active()
    try {
      for (const frame of frames.push(chunk)) {
        waiting.push(frame)
        for (const piece of frame) waitingBytes += piece.length
      }
    } catch (error) {
      breakOff(error instanceof Error ? error.message : 'a bad length')
      return
    }
    pump()
    gate()
  })
  channel.on('end', () => {
    ended = true
    end()
  })
  channel.on('close', () => {
    void abort('the channel closed with the file open')
  })
  channel.on('error', (error: Error) => {
    log.info('sftp channel failed', { reason: error.message })
    void abort('the channel failed')
  })

  return {
    get busy() {
      return handles.uploads > 0 || pumping || inFlightWrites > 0
    },
    get awaitsBytes() {
      return handles.uploads > 0 && inFlightWrites === 0
    },
    get unreadBytes() {
      return channel.readableLength
    },
    abort,
    done,
  }
}
