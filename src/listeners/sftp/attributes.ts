import type { DropEntry } from '../../domain/drop.ts'
import type { Field, FieldReader } from './wire.ts'

const hasSize = 0x01
const hasOwner = 0x02
const hasPermissions = 0x04
const hasTimes = 0x08
const hasExtended = 0x80000000

/** ATTRS as a client sends them (draft section 5); owner and permissions are read over: nothing keeps them. */
export interface GivenAttributes {
  size?: number
  /** Milliseconds since 1970. */
  modifiedAt?: number
}

/** Reads ATTRS. */
export function readAttributes(fields: FieldReader): GivenAttributes {
  const flags = fields.uint32()
  const given: GivenAttributes = {}
  if ((flags & hasSize) !== 0) given.size = fields.uint64()
  if ((flags & hasOwner) !== 0) {
    fields.uint32()
    fields.uint32()
  }
  if ((flags & hasPermissions) !== 0) fields.uint32()
  if ((flags & hasTimes) !== 0) {
    fields.uint32()
    given.modifiedAt = fields.uint32() * 1_000
  }
  if ((flags & hasExtended) !== 0) {
    for (let left = fields.uint32(); left > 0; left -= 1) {
      fields.bytes()
      fields.bytes()
    }
  }
  return given
}

function mode(entry: DropEntry): number {
  if (entry.kind === 'folder') return entry.writable ? 0o040755 : 0o040555
  return entry.writable ? 0o100644 : 0o100444
}

/** ATTRS of an entry as fields for `packet`; owner and group are 0 because there are none. */
export function attributeFields(entry: DropEntry): Field[] {
  const seconds = Math.max(0, Math.floor(entry.modifiedAt / 1_000))
  const flags = hasSize | hasOwner | hasPermissions | hasTimes
  return [flags, BigInt(entry.size), 0, 0, mode(entry), seconds, seconds]
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
/** `ls` shows the year instead of the hour for what is older than half a year. */
const recentMs = 182 * 24 * 3_600_000

/** The line that `ls -l` would print, in the shape that the draft recommends (section 7) and clients parse. */
export function longName(entry: DropEntry, now: number): string {
  const bits = mode(entry)
  let permissions = entry.kind === 'folder' ? 'd' : '-'
  for (let bit = 8; bit >= 0; bit -= 1) {
    permissions += (bits >> bit) & 1 ? ('xwr'[bit % 3] ?? '-') : '-'
  }
  const date = new Date(entry.modifiedAt)
  const day = String(date.getUTCDate()).padStart(2)
  const recent = Math.abs(now - entry.modifiedAt) < recentMs
  const tail = recent ? date.toISOString().slice(11, 16) : ` ${date.getUTCFullYear()}`
  const size = String(entry.size).padStart(8)
  const when = `${months[date.getUTCMonth()] ?? 'Jan'} ${day} ${tail}`
  return `${permissions}    1 drop     drop     ${size} ${when} ${entry.name}`
}
