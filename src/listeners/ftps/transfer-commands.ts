import { setTimeout as pause } from 'node:timers/promises'
import type { DropEntry, OpenWriteOptions } from '../../domain/drop.ts'
import { AppError } from '../../domain/error.ts'
import type { Control } from './connection.ts'
import { pathOf, sessionOf } from './file-commands.ts'
import { facts, listLine } from './listing.ts'
import { hostPort, openPassive } from './passive.ts'
import { replyOf } from './reply.ts'
import type { SecureStream } from './secure.ts'
import { chunksOf, handshake, receive, send } from './transfer.ts'

// Commands that set up and use data connections: RFC 959 sections 4.1.2 and 4.1.3, RFC 2428, RFC 3659.

export async function type(control: Control, argument: string): Promise<void> {
  // Bytes are stored as sent whatever the type: nothing of a file is ever changed (transfer.md).
  if (/^(?:A(?: N)?|I|L 8)$/i.test(argument))
    return control.reply(200, 'Bytes are kept as they are')
  await control.reply(504, 'TYPE I or TYPE A is needed')
}

export async function stru(control: Control, argument: string): Promise<void> {
  if (argument.toUpperCase() === 'F') return control.reply(200, 'Files')
  await control.reply(504, 'STRU F is needed')
}

export async function mode(control: Control, argument: string): Promise<void> {
  if (argument.toUpperCase() === 'S') return control.reply(200, 'Stream')
  await control.reply(504, 'MODE S is needed')
}

async function passivePort(control: Control): Promise<number> {
  control.passive?.close()
  control.passive = await openPassive(control.passiveOptions, control.peerAddress)
  return control.passive.port
}

export async function pasv(control: Control): Promise<void> {
  const address = control.passiveOptions.announced ?? control.localAddress
  if (hostPort(address, 0) === undefined) return control.reply(425, 'Use EPSV over IPv6')
  const port = await passivePort(control)
  await control.reply(227, `Passive (${hostPort(address, port)})`)
}

export async function epsv(control: Control, argument: string): Promise<void> {
  if (argument.toUpperCase() === 'ALL') return control.reply(200, 'EPSV from now on')
  if (argument !== '' && argument !== '1' && argument !== '2') {
    return control.reply(522, 'Use (1,2)')
  }
  const port = await passivePort(control)
  await control.reply(229, `Passive (|||${port}|)`)
}

export async function active(control: Control): Promise<void> {
  await control.reply(502, 'Active mode is off, use PASV or EPSV')
}

export async function rest(control: Control, argument: string): Promise<void> {
  if (!/^\d{1,15}$/.test(argument)) return control.reply(501, 'A number of bytes is needed')
  control.restartAt = Number(argument)
  await control.reply(350, `The next transfer begins at byte ${control.restartAt}`)
}

/** Replies 150, makes the data connection secure, and runs `work` on it; 150 goes out before the handshake (facts.md). */
async function withData(
  control: Control,
  description: string,
  work: (stream: SecureStream) => Promise<void>,
): Promise<void> {
  const { passive, security, limits } = control
  if (control.protection !== 'P') {
    throw new AppError(
      'unsupported',
      'Cannot transfer: PROT P is needed, data goes through TLS only',
    )
  }
  if (passive === undefined) {
    throw new AppError('unavailable', 'Cannot transfer: PASV or EPSV is needed first')
  }
  control.passive = undefined
  let stream: SecureStream | undefined
  control.transfer = {
    description,
    abort: () => {
      passive.close()
      stream?.tls.destroy()
    },
  }
  try {
    await control.reply(150, 'Here it comes')
    stream = security.wrap(await passive.socket, 'data')
    await handshake(stream, limits.handshakeMs)
    await work(stream)
  } finally {
    control.transfer = undefined
    passive.close()
    const ended = stream
    // What was sent last must leave before the socket goes; a peer that stays is not waited for.
    if (ended !== undefined) setTimeout(() => ended.tls.destroy(), 1_000).unref()
  }
}

async function store(control: Control, argument: string, how: OpenWriteOptions): Promise<void> {
  const session = sessionOf(control)
  const path = pathOf(control, argument)
  const { limits } = control
  const upload = await session.openWrite(path, how)
  const cut = async (reason: string): Promise<void> => {
    await upload.cut(reason)
    await control.reply(426, `The upload of "${path}" was cut, resume it or send it again`)
  }
  let end: 'clean' | 'cut' | { error: unknown } = 'cut'
  try {
    const position = how.disposition === 'resume' ? (how.offset ?? 0) : upload.size
    await withData(control, `Receiving "${path}"`, async (stream) => {
      end = await receive(stream, upload, { position, limits })
    })
  } catch (error) {
    end = { error }
  }
  if (typeof end === 'object') {
    await upload.cut('transfer failed')
    await control.reply(...replyOf(end.error))
    return
  }
  if (end === 'cut') return cut('data connection ended without close_notify')
  // A client that gives up ends the data politely and leaves: an honest one waits for the 226 (transfer.md).
  await pause(limits.settleMs)
  if (!control.open) return cut('control connection closed before the reply')
  try {
    await upload.commit()
  } catch (error) {
    await control.reply(...replyOf(error))
    return
  }
  await control.reply(226, `Stored "${path}", ${upload.size} bytes`)
}

function takeRestart(control: Control): number {
  const at = control.restartAt
  control.restartAt = 0
  return at
}

export async function stor(control: Control, argument: string): Promise<void> {
  const offset = takeRestart(control)
  await store(
    control,
    argument,
    offset === 0 ? { disposition: 'replace' } : { disposition: 'resume', offset },
  )
}

export async function appe(control: Control, argument: string): Promise<void> {
  takeRestart(control)
  await store(control, argument, { disposition: 'append' })
}

export async function retr(control: Control, argument: string): Promise<void> {
  const path = pathOf(control, argument)
  const { readBytes, stallMs } = control.limits
  const position = takeRestart(control)
  const reader = await sessionOf(control).openRead(path)
  try {
    if (position > reader.size) return await control.reply(554, `The file has ${reader.size} bytes`)
    await withData(control, `Sending "${path}"`, (stream) =>
      send(stream, chunksOf(reader, position, readBytes), stallMs),
    )
    await control.reply(226, `Sent "${path}"`)
  } finally {
    await reader.close()
  }
}

/** The entries that a listing command asks for; `-a` and the like of old clients are passed over. */
async function listed(control: Control, argument: string): Promise<DropEntry[]> {
  const session = sessionOf(control)
  const name = argument.replace(/^(?:-\w+\s*)+/, '')
  const path = name === '' ? control.cwd : pathOf(control, name)
  const entry = await session.stat(path)
  return entry.kind === 'file' ? [entry] : session.list(path)
}

async function sendLines(control: Control, lines: string[]): Promise<void> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(lines.join(''))
  }
  await withData(control, 'Sending a listing', (stream) =>
    send(stream, bytes(), control.limits.stallMs),
  )
  await control.reply(226, 'Listed')
}

export async function list(control: Control, argument: string): Promise<void> {
  const now = Date.now()
  const entries = await listed(control, argument)
  await sendLines(
    control,
    entries.map((entry) => listLine(entry, now)),
  )
}

export async function nlst(control: Control, argument: string): Promise<void> {
  const entries = await listed(control, argument)
  await sendLines(
    control,
    entries.map(({ name }) => `${name}\r\n`),
  )
}

export async function mlsd(control: Control, argument: string): Promise<void> {
  const path = argument === '' ? control.cwd : pathOf(control, argument)
  const entries = await sessionOf(control).list(path)
  await sendLines(
    control,
    entries.map((entry) => `${facts(entry)} ${entry.name}\r\n`),
  )
}

export async function abor(control: Control): Promise<void> {
  if (control.transfer === undefined) return control.reply(226, 'Nothing to abort')
  control.transfer.abort()
  // The transfer replies 426 by itself; this is the reply to ABOR (RFC 959 section 5.4).
  await control.reply(226, 'Aborted')
}
