import type { Socket } from 'node:net'
import { clearTimeout, setTimeout } from 'node:timers'
import type { Connection, ServerChannel, Session } from 'ssh2'
import type { Admission, DropSession } from '../../domain/drop.ts'
import type { Log } from '../../domain/log.ts'
import { serveSftp } from './channel.ts'
import type { SftpChannel } from './channel.ts'
import { readInto } from '../reused-room.ts'
import { prepareCipherKeys } from './cipher-keys.ts'
import type { SftpLimits } from './limits.ts'
import { serveLogin } from './login.ts'
import { failRequest } from './request-failure.ts'

/** Two windows of 2 MiB and a packet: more comes only from a peer that sends without a window. */
const maxUnreadBytes = 4 * 1024 * 1024 + 64 * 1024

// One for all sockets: what is read has been decrypted into new memory before the next one reads.
const room = Buffer.allocUnsafeSlow(256 * 1024)

/** What whoever asks for a shell or a command reads. */
const noShell = 'This service allows SFTP only.\r\n'

export interface SftpConnectionOptions {
  connection: Connection
  socket: Socket
  admission: Admission
  log: Log
  limits: SftpLimits
  /** The peer has logged in. */
  onLogin(): void
}

/** One SSH connection, from its identification line on. */
export interface SftpConnection {
  /** Lets open uploads finish, then says goodbye. */
  drain(): void
  /** Resolves when the connection is gone and everything that was open on it is committed or cut. */
  readonly closed: Promise<void>
}

/** Serves login and up to `maxSessions` SFTP channels on an SSH connection. */
export function serveConnection(options: SftpConnectionOptions): SftpConnection {
  const { connection, socket, admission, log, limits } = options
  const channels = new Set<SftpChannel>()
  let session: DropSession | undefined
  let sessions = 0
  let draining = false
  let gone = false
  /** Why it was ended from our side. */
  let brokenOff: string | undefined
  let lastActive = Date.now()
  let rekeyAt = limits.rekeyBytes
  let holds = 0
  let idleTimer: NodeJS.Timeout | undefined

  function leave(): void {
    connection.end()
    setTimeout(() => socket.destroy(), limits.lingerMs).unref()
  }

  function leaveWhenIdle(): void {
    if (!draining || gone) return
    for (const channel of channels) if (channel.busy) return
    leave()
  }

  /** Ends it from our side: open uploads are cut for `reason`. */
  function breakOff(reason: string): void {
    if (brokenOff !== undefined || gone) return
    brokenOff = reason
    draining = true
    log.info('sftp connection closed', { reason })
    for (const channel of channels) void channel.abort(reason)
    leave()
  }

  function watchIdle(): void {
    const stalls = [...channels].some(({ awaitsBytes }) => awaitsBytes)
    const mostMs = stalls ? Math.min(limits.stallMs, limits.idleMs) : limits.idleMs
    const left = lastActive + mostMs - Date.now()
    if (left <= 0) {
      breakOff(stalls ? `no data for ${mostMs / 1_000} s` : 'idle')
      return
    }
    // Never later than a stall that has begun right now would be over.
    idleTimer = setTimeout(watchIdle, Math.min(left, limits.stallMs))
    idleTimer.unref()
  }

  function active(): void {
    const now = Date.now()
    // Told of each packet: a look at the counters now and then is enough.
    if (now === lastActive && !draining) return
    lastActive = now
    if (socket.bytesRead + socket.bytesWritten > rekeyAt) {
      rekeyAt = socket.bytesRead + socket.bytesWritten + limits.rekeyBytes
      connection.rekey()
    }
    if (draining) queueMicrotask(leaveWhenIdle)
  }

  function hold(held: boolean): void {
    holds += held ? 1 : -1
    if (holds === 0) socket.resume()
    else if (held) socket.pause()
  }

  function serveChannel(channel: ServerChannel, drop: DropSession): void {
    const served = serveSftp({
      channel,
      socket,
      session: drop,
      log,
      stopping: () => draining,
      hold,
      active,
    })
    channels.add(served)
    void forget(served)
  }

  async function forget(served: SftpChannel): Promise<void> {
    await served.done
    channels.delete(served)
    leaveWhenIdle()
  }

  function serveSession(opened: Session): void {
    /** A session runs one program and no second one (RFC 4254 section 6.5). */
    let begun: ServerChannel | undefined

    // Whoever wants no reply gets no `reject`.
    function refuse(reject: (() => void) | undefined): void {
      if (begun !== undefined && reject !== undefined) failRequest(connection, begun)
      else reject?.()
    }

    function refuseCommand(accept: () => ServerChannel, reject: (() => void) | undefined): void {
      if (begun !== undefined) return refuse(reject)
      begun = accept()
      begun.on('error', () => undefined)
      begun.stderr.write(noShell)
      begun.exit(1)
      begun.end()
      begun.resume()
    }

    opened.on('subsystem', (accept, reject: (() => void) | undefined, info: { name: string }) => {
      if (begun !== undefined || info.name !== 'sftp' || session === undefined) {
        return refuse(reject)
      }
      begun = accept()
      serveChannel(begun, session)
    })
    opened.on('shell', refuseCommand)
    opened.on('exec', refuseCommand)
    opened.on('close', () => {
      sessions -= 1
    })
  }

  serveLogin({
    connection,
    admission,
    log,
    maxRequests: limits.maxLoginRequests,
    onSession(drop) {
      session = drop
      if (gone) void drop.end('the connection was lost')
    },
    onRefused: leave,
  })
  admission.onBarred(breakOff)
  connection.on('handshake', () => {
    // The cipher for our direction is set by the same function that says so, right before.
    prepareCipherKeys(connection)
    // From here on nobody keeps what came; again after the next key exchange it changes nothing.
    readInto(socket, room, (bytes) => {
      if (socket.readableFlowing !== true || socket.readableLength > 0) {
        return socket.push(Buffer.from(bytes))
      }
      socket.emit('data', bytes)
      return undefined
    })
  })
  connection.on('ready', () => {
    options.onLogin()
    lastActive = Date.now()
    watchIdle()
  })
  connection.on('session', (accept, reject) => {
    if (session === undefined || draining || sessions >= limits.maxSessions) {
      reject()
      return
    }
    sessions += 1
    serveSession(accept())
  })
  connection.on('error', (error: Error & { level?: string }) => {
    log.info('sftp connection failed', { reason: error.message })
    // A peer that does not answer keep-alives does not read our goodbye either.
    if (error.level === 'client-timeout') socket.destroy()
    else setTimeout(() => socket.destroy(), limits.lingerMs).unref()
  })
  // After ssh2's own listener: whoever sends on without a window would fill the memory.
  socket.on('data', () => {
    for (const channel of channels) {
      if (channel.unreadBytes <= maxUnreadBytes) continue
      log.warn('sftp connection closed', { reason: 'it sends without a window' })
      socket.destroy()
    }
  })
  const closed = new Promise<void>((resolve) => {
    connection.on('close', () => {
      gone = true
      clearTimeout(idleTimer)
      void close().then(resolve)
    })
  })

  async function close(): Promise<void> {
    try {
      await Promise.all([...channels].map((channel) => channel.abort('the connection was lost')))
      await session?.end(brokenOff ?? 'the connection was lost')
    } catch (error) {
      log.error('sftp session not ended', { error })
    }
  }

  return {
    closed,
    drain() {
      draining = true
      leaveWhenIdle()
    },
  }
}
