import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import type { DropUpload, OpenWriteOptions } from '../../domain/drop.ts'
import { isAppError } from '../../domain/error.ts'
import { transferring } from './control.ts'
import type { Control, Transfer } from './control.ts'
import { listed, pathOf, sessionOf } from './file-commands.ts'
import { facts, listLine } from './listing.ts'
import { Refusal } from './reply.ts'
import type { SecureStream } from './secure.ts'
import { chunksOf, handshake, receive, send } from './transfer.ts'
import type { UploadEnd } from './transfer.ts'

// Commands that use data connections: RFC 959 section 4.1.3, RFC 3659.

/** The reply at the end of a transfer. */
type Last = readonly [code: number, line: string]

export async function rest(control: Control, argument: string): Promise<void> {
  if (!/^\d{1,15}$/.test(argument)) return control.reply(501, 'A number of bytes is needed')
  control.restartAt = Number(argument)
  await control.reply(350, `The next transfer begins at byte ${control.restartAt}`)
}

function takeRestart(control: Control): number {
  const at = control.restartAt
  control.restartAt = 0
  return at
}

/** Throws where no data connection can come about, before anything is opened for it. */
function checkData(control: Control): void {
  if (control.protection !== 'P') {
    throw new Refusal(522, 'unsupported', 'Data goes through TLS only: PROT P is needed')
  }
  if (control.data?.waiting !== true) {
    throw new Refusal(425, 'unavailable', 'PASV or EPSV is needed first')
  }
}

// What was sent before the command has been read so many turns later: Deno runs 61 before it looks at its sockets.
const helloTurns = 'Deno' in globalThis ? 100 : 2

/**
 * Waits for a handshake that the client has begun before its command, and for no other: Node's TLS sends no
 * close_notify for whoever ends before that (docs/decisions/0021).
 */
async function headStart(stream: SecureStream, mostMs: number): Promise<void> {
  for (let turns = 0; !stream.begun && turns < helloTurns; turns += 1) await nextTurn()
  if (stream.begun) await handshake(stream, mostMs).catch(() => undefined)
}

/** Replies 150, then makes the data connection secure, and runs `work` on it: most clients wait for the 150 (facts.md). */
async function withData(
  control: Control,
  transfer: Transfer,
  { upload }: { upload: boolean },
  work: (stream: SecureStream) => Promise<void>,
): Promise<void> {
  checkData(control)
  const { data, limits } = control
  if (data === undefined) return
  const early = data.arrived
  let stream = early
  control.data = undefined
  transfer.cut = () => {
    data.close()
    stream?.tls.destroy()
  }
  try {
    if (transfer.aborted) throw new Refusal(426, 'unavailable', 'Aborted')
    if (upload && early !== undefined) await headStart(early, limits.earlyMs)
    await control.reply(150, 'Here it comes')
    try {
      stream = await data.stream()
      // Who only sends may close without reading them, and loses data by that (docs/decisions/0022).
      if (!upload) stream.release()
      if (transfer.aborted) stream.tls.destroy()
      await handshake(stream, limits.handshakeMs)
    } catch (error) {
      if (!isAppError(error, 'unavailable') || transfer.aborted) throw error
      throw new Refusal(425, error.code, error.message)
    }
    await work(stream)
  } catch (error) {
    if (!transfer.aborted) throw error
    throw new Refusal(426, 'unavailable', 'Aborted')
  } finally {
    data.close()
    const ended = stream
    // What was sent last must leave before the socket goes; a peer that stays is not waited for.
    if (ended !== undefined) setTimeout(() => ended.tls.destroy(), limits.lingerMs).unref()
  }
}

/** Opens the upload; an offset beyond what is there is REST's fault (RFC 3659 section 5.4). */
async function opened(control: Control, path: string, how: OpenWriteOptions): Promise<DropUpload> {
  try {
    return await sessionOf(control).openWrite(path, how)
  } catch (error) {
    if (how.disposition !== 'resume' || !isAppError(error, 'invalid')) throw error
    throw new Refusal(554, error.code, error.message)
  }
}

async function store(
  control: Control,
  path: string,
  how: OpenWriteOptions,
  transfer: Transfer,
): Promise<Last> {
  const { limits } = control
  checkData(control)
  const upload = await opened(control, path, how)
  const cut = async (): Promise<Last> => {
    await upload.cut(reason())
    return [426, `The upload of "${path}" was cut, resume it or send it again`]
  }
  let end = 'cut' as UploadEnd
  const reason = (): string => {
    if (control.barred !== undefined) return control.barred
    if (!control.open) return 'control connection closed before the reply'
    if (transfer.aborted) return 'aborted by the client'
    if (control.overrun) return 'more commands wait than are read'
    if (end === 'stalled') return `no data for ${limits.stallMs / 1_000} s`
    return 'data connection ended without close_notify'
  }
  try {
    const position = how.disposition === 'resume' ? (how.offset ?? 0) : upload.size
    await withData(control, transfer, { upload: true }, async (stream) => {
      end = await receive(stream, upload, { position, limits })
    })
  } catch (error) {
    await upload.cut(control.open && !transfer.aborted ? 'transfer failed' : reason())
    throw error
  }
  if (end !== 'clean' || transfer.aborted) return cut()
  // A client that gives up ends the data politely and leaves: an honest one waits for the 226 (docs/protocol.md).
  // Meanwhile the bytes go to the disk; what goes wrong there the commit says.
  await Promise.all([pause(limits.settleMs), upload.sync().catch(() => undefined)])
  // What the network has brought until now is looked at first.
  await nextTurn()
  if (!control.open || control.overrun || transfer.aborted) return cut()
  await upload.commit()
  return [226, `Stored "${path}", ${upload.size} bytes`]
}

export async function stor(control: Control, argument: string): Promise<void> {
  const offset = takeRestart(control)
  const path = pathOf(control, argument)
  const how: OpenWriteOptions =
    offset === 0 ? { disposition: 'replace' } : { disposition: 'resume', offset }
  await transferring(control, `Receiving "${path}"`, (transfer) =>
    store(control, path, how, transfer),
  )
}

export async function appe(control: Control, argument: string): Promise<void> {
  takeRestart(control)
  const path = pathOf(control, argument)
  await transferring(control, `Receiving "${path}"`, (transfer) =>
    store(control, path, { disposition: 'append' }, transfer),
  )
}

export async function retr(control: Control, argument: string): Promise<void> {
  const { readBytes, stallMs } = control.limits
  const position = takeRestart(control)
  const path = pathOf(control, argument)
  await transferring(control, `Sending "${path}"`, async (transfer) => {
    checkData(control)
    const reader = await sessionOf(control).openRead(path)
    try {
      if (position > reader.size) {
        return [554, `The file has ${reader.size} bytes`]
      }
      await withData(control, transfer, { upload: false }, (stream) =>
        send(stream, chunksOf(reader, position, readBytes), stallMs),
      )
      return [226, `Sent "${path}"`]
    } finally {
      await reader.close()
    }
  })
}

async function sendLines(control: Control, lines: () => Promise<string[]>): Promise<void> {
  takeRestart(control)
  await transferring(control, 'Sending a listing', async (transfer) => {
    checkData(control)
    const bytes = Buffer.from((await lines()).join(''))
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield bytes
    }
    await withData(control, transfer, { upload: false }, (stream) =>
      send(stream, chunks(), control.limits.stallMs),
    )
    return [226, 'Listed']
  })
}

export async function list(control: Control, argument: string): Promise<void> {
  await sendLines(control, async () => {
    const now = Date.now()
    const { entries } = await listed(control, argument)
    return entries.map((entry) => listLine(entry, now))
  })
}

export async function nlst(control: Control, argument: string): Promise<void> {
  await sendLines(control, async () => {
    const { entries, nameOf } = await listed(control, argument)
    return entries.map((entry) => `${nameOf(entry)}\r\n`)
  })
}

export async function mlsd(control: Control, argument: string): Promise<void> {
  await sendLines(control, async () => {
    const path = argument === '' ? control.cwd : pathOf(control, argument)
    const session = sessionOf(control)
    const { kind } = await session.stat(path)
    // RFC 3659 section 7.2.1 has a code of its own for that.
    if (kind === 'file') throw new Refusal(501, 'invalid', 'This is a file, MLST is needed')
    const entries = await session.list(path)
    return entries.map((entry) => `${facts(entry, control.facts)} ${entry.name}\r\n`)
  })
}

export async function abor(control: Control): Promise<void> {
  const { transfer, running } = control
  if (transfer === undefined) {
    control.data?.close()
    control.data = undefined
    return control.reply(226, 'Nothing to abort')
  }
  transfer.abort()
  // Its own reply comes first, then this one (RFC 959 section 4.1.3).
  await running
  await control.reply(226, 'Aborted')
}
