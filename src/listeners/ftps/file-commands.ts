import { createHash } from 'node:crypto'
import type { DropEntry, DropSession } from '../../domain/drop.ts'
import { AppError, isAppError } from '../../domain/error.ts'
import type { Control } from './control.ts'
import { facts, listLine, matches, parseTimeValue, timeValue } from './listing.ts'
import { Refusal } from './reply.ts'
import { chunksOf } from './transfer.ts'

// Commands on files and folders without a data connection: RFC 959 section 4.1.3, RFC 3659.

/** The session; the command table has seen to it that there is one. */
export function sessionOf(control: Control): DropSession {
  if (control.session === undefined)
    throw new AppError('unauthenticated', 'Cannot go on: log in first')
  return control.session
}

/** The path that an argument names. */
export function pathOf(control: Control, argument: string): string {
  if (argument === '') throw new Refusal(501, 'invalid', 'Cannot go on: a name is needed')
  return sessionOf(control).resolve(control.cwd, argument)
}

const quoted = (path: string): string => `"${path.replaceAll('"', '""')}"`

export async function pwd(control: Control): Promise<void> {
  await control.reply(257, `${quoted(control.cwd)} is where you are`)
}

export async function cwd(control: Control, argument: string): Promise<void> {
  const path = pathOf(control, argument)
  const entry = await sessionOf(control).stat(path)
  if (entry.kind !== 'folder') return control.reply(550, 'This is a file, a folder is needed')
  control.cwd = path
  await control.reply(250, `${quoted(path)} is where you are`)
}

export async function cdup(control: Control): Promise<void> {
  await cwd(control, '..')
}

async function fileOf(control: Control, argument: string): Promise<DropEntry> {
  const entry = await sessionOf(control).stat(pathOf(control, argument))
  if (entry.kind === 'file') return entry
  throw new AppError('not_found', 'Cannot go on: this is a folder, a file is needed')
}

export async function size(control: Control, argument: string): Promise<void> {
  await control.reply(213, String((await fileOf(control, argument)).size))
}

export async function mdtm(control: Control, argument: string): Promise<void> {
  await control.reply(213, timeValue((await fileOf(control, argument)).modifiedAt))
}

export async function mlst(control: Control, argument: string): Promise<void> {
  const path = argument === '' ? control.cwd : pathOf(control, argument)
  const entry = await sessionOf(control).stat(path)
  await control.reply(250, 'Facts:', `${facts(entry, control.facts)} ${path}`, 'End')
}

export async function allo(control: Control, argument: string): Promise<void> {
  const [bytes = '', ...more] = argument.split(' ')
  if (!/^\d{1,15}$/.test(bytes) || !/^(?:R \d{1,15})?$/i.test(more.join(' '))) {
    return control.reply(501, 'A number of bytes is needed')
  }
  const { freeBytes } = await sessionOf(control).space()
  if (Number(bytes) > freeBytes)
    return control.reply(552, `${freeBytes} bytes are left, this needs more`)
  await control.reply(202, 'Nothing needs to be set aside')
}

export async function avbl(control: Control): Promise<void> {
  const { freeBytes } = await sessionOf(control).space()
  await control.reply(213, String(Number.isFinite(freeBytes) ? freeBytes : Number.MAX_SAFE_INTEGER))
}

/** draft-bryan-ftpext-hash: `213 SHA-256 0-size digest name`. */
export async function hash(control: Control, argument: string): Promise<void> {
  const reader = await sessionOf(control).openRead(pathOf(control, argument))
  const digest = createHash('sha256')
  try {
    for await (const bytes of chunksOf(reader, 0, control.limits.readBytes)) digest.update(bytes)
  } finally {
    await reader.close()
  }
  await control.reply(213, `SHA-256 0-${reader.size} ${digest.digest('hex')} ${argument}`)
}

export async function dele(control: Control, argument: string): Promise<void> {
  await sessionOf(control).remove(pathOf(control, argument))
  await control.reply(250, 'Deleted')
}

export async function rnfr(control: Control, argument: string): Promise<void> {
  const path = pathOf(control, argument)
  const { kind, writable } = await sessionOf(control).stat(path)
  if (kind === 'folder') return control.reply(550, 'This is a folder, a file is needed')
  if (!writable) return control.reply(550, 'This file is read-only, another is needed')
  // The size of a cut upload is told under this name too, but it is no file yet.
  await (await sessionOf(control).openRead(path)).close()
  control.renameFrom = path
  await control.reply(350, 'Now the new name')
}

export async function rnto(control: Control, argument: string): Promise<void> {
  const from = control.renameFrom
  control.renameFrom = undefined
  if (from === undefined) return control.reply(503, 'RNFR is needed first')
  // Clients upload under another name and rename onto the old file: that is a new generation of it.
  await sessionOf(control).rename(from, pathOf(control, argument), { overwrite: true })
  await control.reply(250, 'Renamed')
}

export async function mkd(control: Control, argument: string): Promise<void> {
  const path = pathOf(control, argument)
  try {
    await sessionOf(control).makeFolder(path)
  } catch (error) {
    // No other folders, no nesting: 552 (docs/protocol.md).
    if (isAppError(error, 'forbidden')) throw new Refusal(552, error.code, error.message)
    throw error
  }
  await control.reply(257, `${quoted(path)} was made`)
}

export async function rmd(control: Control, argument: string): Promise<void> {
  await sessionOf(control).removeFolder(pathOf(control, argument))
  await control.reply(250, 'Removed')
}

export async function mfmt(control: Control, argument: string): Promise<void> {
  const [text = '', ...name] = argument.split(' ')
  const time = parseTimeValue(text)
  if (time === undefined) return control.reply(501, 'A time such as 20260131080000 is needed')
  await sessionOf(control).touch(pathOf(control, name.join(' ')), time)
  await control.reply(213, `Modify=${timeValue(time)}; ${name.join(' ')}`)
}

/** What a listing command asks for. */
interface Listing {
  entries: DropEntry[]
  /** A name by which the client can ask for an entry from where it is (RFC 1123 section 4.1.2.7). */
  nameOf: (entry: DropEntry) => string
}

/** What a listing command asks for; `-a` and the like of old clients are passed over. */
export async function listed(control: Control, argument: string): Promise<Listing> {
  const session = sessionOf(control)
  const name = argument.replace(/^(?:-\w+(?: +|$))+/, '')
  const path = name === '' ? control.cwd : pathOf(control, name)
  const below = (folder: string) => (entry: DropEntry) => folder + entry.name
  try {
    const entry = await session.stat(path)
    if (entry.kind === 'file') return { entries: [entry], nameOf: () => name }
    const folder = name === '' || name === '.' ? '' : name.replace(/\/?$/, '/')
    return { entries: await session.list(path), nameOf: below(folder) }
  } catch (error) {
    // A name with a star in it is that name first: files may be called so.
    const end = path.lastIndexOf('/')
    const pattern = path.slice(end + 1)
    if (!isAppError(error, 'not_found') || !/[*?]/.test(pattern)) throw error
    const entries = await session.list(path.slice(0, end) || '/')
    const found = entries.filter((entry) => matches(pattern, entry.name))
    if (found.length === 0) throw error
    return { entries: found, nameOf: below(name.slice(0, name.lastIndexOf('/') + 1)) }
  }
}

export async function stat(control: Control, argument: string): Promise<void> {
  const { transfer, session } = control
  if (transfer !== undefined) return control.reply(213, transfer.description)
  if (argument === '') {
    return control.reply(211, `Logged in as ${session?.accountName ?? ''}, no transfer`)
  }
  const { entries } = await listed(control, argument)
  const lines = entries.map((entry) => listLine(entry, Date.now()).trimEnd())
  await control.reply(213, 'Status:', ...lines, 'End')
}
