import type { Socket } from 'node:net'
import type { Admission } from '../../domain/drop.ts'
import { isAppError } from '../../domain/error.ts'
import type { Log } from '../../domain/log.ts'
import { commandTable } from './commands.ts'
import type { Command } from './commands.ts'
import type { Control, DataPorts } from './control.ts'
import type { FtpsLimits } from './limits.ts'
import { createLines } from './lines.ts'
import type { CommandLine, LineFault } from './lines.ts'
import { factNames } from './listing.ts'
import { replyOf } from './reply.ts'
import type { Security, SecureStream } from './secure.ts'
import { createShell } from './shell.ts'

export interface ConnectionOptions {
  socket: Socket
  admission: Admission
  security: Security
  dataPorts: DataPorts
  limits: FtpsLimits
  log: Log
  /** TLS from the first byte. */
  implicit: boolean
}

/** One control connection: framing, order of commands, limits. */
export interface FtpConnection {
  /** Lets the command under way finish, answers 421 to everything else. */
  drain(): void
  destroy(reason: string): void
  /** A command is being run. */
  readonly busy: boolean
  /** Resolves when the connection is closed, its uploads are committed or cut, and its session has ended. */
  readonly ended: Promise<void>
}

// These are answered while a transfer goes on; everything else waits for its end (RFC 959 section 4.1.3).
const duringTransfer = new Set(['ABOR', 'STAT'])

const faults: Readonly<Record<LineFault, string>> = {
  'too long': 'The line is too long',
  'not UTF-8': 'The line is not UTF-8',
}

const stopping = 'The server is stopping, come back later'

/** Serves one control connection until it closes. */
export function serveConnection(options: ConnectionOptions): FtpConnection {
  const { socket, admission, security, limits, log, implicit } = options
  const lines = createLines(limits.lineBytes)
  const queue: (CommandLine | LineFault)[] = []
  /** What has come behind the lines of the queue: the end of the connection is heard behind it. */
  const unread: Buffer[] = []
  let unreadBytes = 0
  let held = false
  /** Commands in mid-transfer that have no reply yet. */
  let urgent = 0
  let busy = false
  let running: Promise<void> = Promise.resolve()
  let open = true
  let secured = false
  let leaving = false
  /** What every further command is answered, with 421. */
  let farewell: string | undefined
  let barred: string | undefined
  let stream: SecureStream | undefined
  let shell = createShell(socket)
  let idle: NodeJS.Timeout | undefined
  const ended = Promise.withResolvers<void>()
  const deadline = setTimeout(() => {
    if (control.session === undefined) control.dismiss(421, 'Login takes too long, closing')
  }, admission.loginDeadlineMs)

  const control: Control = {
    admission,
    security,
    dataPorts: options.dataPorts,
    limits,
    log,
    peerAddress: admission.peer.address,
    localAddress: (socket.localAddress ?? '').replace(/^::ffff:/, ''),
    session: undefined,
    userName: undefined,
    cwd: '/',
    protection: implicit ? 'P' : 'C',
    protectionBufferSet: false,
    restartAt: 0,
    renameFrom: undefined,
    facts: factNames,
    extendedOnly: false,
    data: undefined,
    transfer: undefined,
    get secured() {
      return secured
    },
    get running() {
      return running
    },
    get barred() {
      return barred
    },
    get open() {
      return open
    },
    get overrun() {
      return held
    },
    async reply(code, ...text) {
      if (open) await shell.reply(code, ...text)
    },
    async upgrade(code, line) {
      // Stop reading first: a fast client's hello must not be taken for a command.
      socket.pause()
      socket.removeListener('data', onData)
      queue.length = 0
      unread.length = 0
      unreadBytes = 0
      held = false
      lines.clear()
      await shell.reply(code, line)
      if (open && !leaving) startTls()
    },
    dismiss(code, line) {
      if (leaving || !open) return
      leaving = true
      void shell.reply(code, line).then(() => {
        if (stream === undefined) socket.end()
        else stream.tls.end()
      })
      // A peer that takes nothing, or does not close its side, is not waited for.
      setTimeout(() => close('closed by the server'), limits.lingerMs)
    },
  }

  function startTls(): void {
    stream = security.wrap(socket, { data: false })
    const { tls } = stream
    shell = createShell(tls)
    const tooLong = setTimeout(() => close('TLS handshake timed out'), limits.handshakeMs)
    tls.once('secure', () => {
      clearTimeout(tooLong)
      secured = true
      if (implicit) greet()
    })
    tls.once('close', () => clearTimeout(tooLong))
    tls.on('error', () => close('TLS failed'))
    tls.on('end', () => close('closed by the client'))
    stream.onData(onData)
    stream.onRawEnd(() => close(leaving ? 'closed by the client' : 'connection lost'))
  }

  function greet(): void {
    void control.reply(220, 'Rosterdrop FTPS ready')
  }

  function touch(): void {
    clearTimeout(idle)
    idle = setTimeout(() => {
      if (busy) touch()
      else control.dismiss(421, `No command for ${limits.idleMs / 1_000} s, closing`)
    }, limits.idleMs)
  }

  function onData(bytes: Buffer): void {
    touch()
    unread.push(bytes)
    unreadBytes += bytes.length
    feed()
  }

  /** Fills the queue up from what has come, and reads on while little of that is left. */
  function feed(): void {
    runUrgent()
    while (queue.length <= limits.commands) {
      const bytes = unread.shift()
      if (bytes === undefined) break
      unreadBytes -= bytes.length
      queue.push(...lines.push(bytes))
      runUrgent()
    }
    hold(unreadBytes > limits.waitingBytes)
    if (!busy && queue.length > 0) void work()
  }

  function hold(full: boolean): void {
    if (held === full) return
    held = full
    if (stream !== undefined) stream.hold(full)
    else if (full) socket.pause()
    else socket.resume()
  }

  /** What a client sends in mid-transfer, next in line. */
  function runUrgent(): void {
    while (control.transfer !== undefined && urgent < limits.commands) {
      const [line] = queue
      if (typeof line !== 'object' || !duringTransfer.has(line.verb)) return
      queue.shift()
      urgent += 1
      void execute(line).finally(() => {
        urgent -= 1
        feed()
      })
    }
  }

  async function work(): Promise<void> {
    busy = true
    for (;;) {
      if (farewell !== undefined) control.dismiss(421, farewell)
      const line = queue.shift()
      if (line === undefined || !open || leaving) break
      running = execute(line)
      // A transfer has begun, and ABOR may have come in the same packet.
      runUrgent()
      await running
      feed()
    }
    busy = false
  }

  /** The reply that stands in the way of a command; undefined when nothing does. */
  function obstacle(command: Command): [number, string] | undefined {
    if (command.needsTls && !secured) {
      // RFC 2228 section 3 has a code of its own for the two commands of TLS itself.
      const code = command.name === 'PBSZ' || command.name === 'PROT' ? 503 : 530
      return [code, 'TLS is needed first: send AUTH TLS']
    }
    if (command.needsLogin && control.session === undefined) {
      return [530, 'Log in with USER and PASS first']
    }
    return undefined
  }

  async function execute(line: CommandLine | LineFault): Promise<void> {
    if (typeof line === 'string') return control.reply(500, faults[line])
    const command = commandTable.get(line.verb)
    if (command === undefined) return control.reply(502, 'The command is not known here')
    const refused = obstacle(command)
    if (refused !== undefined) return control.reply(...refused)
    // A rename is two commands in a row (RFC 959 section 4.1.3).
    if (line.verb !== 'RNTO') control.renameFrom = undefined
    try {
      await command.run(control, line.argument)
    } catch (error) {
      if (!isAppError(error)) log.error('ftp command failed', { command: command.name, error })
      await control.reply(...replyOf(error, command.name))
    }
  }

  function close(reason: string): void {
    if (!open) return
    open = false
    clearTimeout(deadline)
    clearTimeout(idle)
    control.data?.close()
    control.transfer?.abort()
    admission.close()
    stream?.tls.destroy()
    socket.destroy()
    void leave(reason).then(ended.resolve)
  }

  async function leave(reason: string): Promise<void> {
    // What an upload has received goes to the disk before it is cut.
    await running
    try {
      await control.session?.end(barred ?? reason)
    } catch (error) {
      log.error('session did not end', { error })
    }
  }

  /** Lets the command under way finish, and answers 421 to everything else. */
  function drain(text: string): void {
    farewell = text
    if (!busy) control.dismiss(421, text)
  }

  admission.onBarred((reason) => {
    if (barred !== undefined || !open) return
    barred = reason
    control.transfer?.abort()
    drain(`Cannot go on: ${reason}`)
    setTimeout(() => close(reason), limits.lingerMs)
  })
  socket.on('error', () => close('connection lost'))
  socket.on('close', () => close('connection lost'))
  touch()
  if (implicit) startTls()
  else {
    socket.on('data', onData)
    socket.on('end', () => {
      if (stream === undefined) close('closed by the client')
    })
    greet()
    socket.resume()
  }

  return {
    drain: () => drain(stopping),
    destroy: close,
    ended: ended.promise,
    get busy() {
      return busy
    },
  }
}
