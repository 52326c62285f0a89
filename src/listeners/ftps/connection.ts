import type { Socket } from 'node:net'
import type { Admission, DropSession } from '../../domain/drop.ts'
import { isAppError } from '../../domain/error.ts'
import type { Log } from '../../domain/log.ts'
import { commandTable } from './commands.ts'
import type { FtpsLimits } from './limits.ts'
import { createLines } from './lines.ts'
import type { CommandLine, LineFault } from './lines.ts'
import type { PassiveOptions, PassivePort } from './passive.ts'
import { replyOf } from './reply.ts'
import type { Security, SecureStream } from './secure.ts'
import { createShell } from './shell.ts'

export interface ConnectionOptions {
  socket: Socket
  admission: Admission
  security: Security
  passive: PassiveOptions & { announced: string | null }
  limits: FtpsLimits
  log: Log
  /** TLS from the first byte. */
  implicit: boolean
}

/** What the commands see and change of their control connection. */
export interface Control {
  readonly admission: Admission
  readonly security: Security
  readonly passiveOptions: ConnectionOptions['passive']
  readonly limits: FtpsLimits
  readonly log: Log
  readonly peerAddress: string
  /** Address of this end, which passive ports are announced at. */
  readonly localAddress: string
  secured: boolean
  session: DropSession | undefined
  userName: string | undefined
  cwd: string
  /** `C` or `P` once PROT has said so. */
  protection: 'C' | 'P'
  protectionBufferSet: boolean
  restartAt: number
  renameFrom: string | undefined
  passive: PassivePort | undefined
  /** The data connection in use: cut it to abort. */
  transfer: { abort: () => void; description: string } | undefined
  /** False as soon as the peer has closed, or lost, this connection. */
  readonly open: boolean
  reply(code: number, ...lines: string[]): Promise<void>
  /** AUTH TLS: nothing that was sent before the handshake counts behind it. */
  upgrade(code: number, line: string): Promise<void>
  /** Closes after what was replied has left. */
  readonly hangUp: () => void
}

/** One control connection: framing, order of commands, limits. */
export interface FtpConnection {
  /** Lets a transfer finish, answers 421 to everything else. */
  drain(): void
  destroy(reason: string): void
  readonly busy: boolean
}

// These are answered while a transfer goes on; everything else waits for its end (RFC 959 section 4.1.3).
const duringTransfer = new Set(['ABOR', 'STAT'])

/** Serves one control connection until it closes. */
export function serveConnection(options: ConnectionOptions): FtpConnection {
  const { socket, admission, security, limits, log, implicit } = options
  const lines = createLines(limits.lineBytes)
  const queue: (CommandLine | LineFault)[] = []
  let running = false
  let open = true
  let draining = false
  let stream: SecureStream | undefined
  let shell = createShell(socket)
  let idle: NodeJS.Timeout | undefined
  const deadline = setTimeout(() => {
    if (control.session === undefined) {
      void control.reply(421, 'Login takes too long, closing').then(() => control.hangUp())
    }
  }, admission.loginDeadlineMs)

  const control: Control = {
    admission,
    security,
    passiveOptions: options.passive,
    limits,
    log,
    peerAddress: admission.peer.address,
    localAddress: (socket.localAddress ?? '').replace(/^::ffff:/, ''),
    secured: false,
    session: undefined,
    userName: undefined,
    cwd: '/',
    protection: 'C',
    protectionBufferSet: false,
    restartAt: 0,
    renameFrom: undefined,
    passive: undefined,
    transfer: undefined,
    get open() {
      return open
    },
    async reply(code, ...text) {
      if (open) await shell.reply(code, ...text)
    },
    async upgrade(code, line) {
      // Stop reading first: a fast client's hello must not be taken for a command.
      socket.pause()
      socket.removeListener('data', onPlain)
      queue.length = 0
      lines.clear()
      await shell.reply(code, line)
      startTls()
    },
    hangUp() {
      if (stream === undefined) socket.end()
      else stream.tls.end()
      // A peer that does not close its side is not waited for.
      setTimeout(() => socket.destroy(), 1_000).unref()
    },
  }

  function startTls(): void {
    stream = security.wrap(socket, 'control')
    const { tls } = stream
    shell = createShell(tls)
    const tooLong = setTimeout(() => close('TLS handshake timed out'), limits.handshakeMs)
    tls.once('secure', () => {
      clearTimeout(tooLong)
      control.secured = true
      if (implicit) greet()
    })
    tls.on('error', () => close('TLS failed'))
    tls.on('end', () => close('closed by the client'))
    tls.on('data', onData)
    stream.onRawEnd(() => close('connection lost'))
  }

  function greet(): void {
    void control.reply(220, 'Rosterdrop FTPS ready')
  }

  function touch(): void {
    clearTimeout(idle)
    idle = setTimeout(() => {
      if (control.transfer !== undefined) touch()
      else {
        const seconds = limits.idleMs / 1_000
        void control.reply(421, `No command for ${seconds} s, closing`).then(control.hangUp)
      }
    }, limits.idleMs)
  }

  function onPlain(bytes: Buffer): void {
    onData(bytes)
  }

  function onData(bytes: Buffer): void {
    touch()
    for (const line of lines.push(bytes)) {
      const verb = typeof line === 'string' ? '' : line.verb
      if (control.transfer !== undefined && duringTransfer.has(verb)) void execute(line)
      else queue.push(line)
    }
    if (queue.length > limits.commands) hold(true)
    if (!running) void work()
  }

  function hold(held: boolean): void {
    if (stream !== undefined) stream.hold(held)
    else if (held) socket.pause()
    else socket.resume()
  }

  async function work(): Promise<void> {
    running = true
    for (let line = queue.shift(); line !== undefined && control.open; line = queue.shift()) {
      await execute(line)
      if (queue.length === limits.commands) hold(false)
    }
    running = false
  }

  async function execute(line: CommandLine | LineFault): Promise<void> {
    if (typeof line === 'string') {
      await control.reply(
        500,
        line === 'too long' ? 'The line is too long' : 'The line is not UTF-8',
      )
      return
    }
    const command = commandTable.get(line.verb)
    if (command === undefined) return control.reply(502, 'The command is not known here')
    if (command.needsTls && !control.secured) {
      return control.reply(530, 'TLS is needed first: send AUTH TLS')
    }
    if (command.needsLogin && control.session === undefined) {
      return control.reply(530, 'Log in with USER and PASS first')
    }
    if (draining && command.writes)
      return control.reply(421, 'The server is stopping, come back later')
    // A rename is two commands in a row (RFC 959 section 4.1.3).
    if (line.verb !== 'RNTO') control.renameFrom = undefined
    try {
      await command.run(control, line.argument)
    } catch (error) {
      if (!isAppError(error)) log.error('ftp command failed', { command: command.name, error })
      await control.reply(...replyOf(error))
      if (isAppError(error, 'too_many') && control.session === undefined) control.hangUp()
    }
    if (draining && control.transfer === undefined) {
      await control.reply(421, 'The server is stopping, come back later')
      control.hangUp()
    }
  }

  function close(reason: string): void {
    if (!open) return
    open = false
    clearTimeout(deadline)
    clearTimeout(idle)
    control.passive?.close()
    control.transfer?.abort()
    admission.close()
    if (control.session !== undefined) {
      control.session
        .end(reason)
        .catch((error: unknown) => log.error('session did not end', { error }))
    }
    socket.destroy()
  }

  socket.on('error', () => close('connection lost'))
  socket.on('close', () => close('connection lost'))
  touch()
  if (implicit) startTls()
  else {
    socket.on('data', onPlain)
    socket.on('end', () => {
      if (stream === undefined) close('closed by the client')
    })
    greet()
    socket.resume()
  }

  return {
    drain() {
      draining = true
      if (control.transfer === undefined) {
        void control.reply(421, 'The server is stopping, come back later').then(control.hangUp)
      }
    },
    destroy: close,
    get busy() {
      return control.transfer !== undefined
    },
  }
}
