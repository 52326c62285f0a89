import type { Clock } from './clock.ts'

/** Each kind of thing that has an id, and the prefix of that id. */
export const idPrefixes = {
  tenant: 'ten',
  account: 'acc',
  token: 'tok',
  run: 'run',
  drop: 'drp',
  mail: 'mai',
  user: 'usr',
  audit: 'aud',
  webhook: 'whk',
  delivery: 'msg',
} as const

export type IdKind = keyof typeof idPrefixes

/** A new prefixed UUIDv7, such as `run_019…` (RFC 9562 section 5.7); ids sort by time of making. */
export function newId(kind: IdKind, clock: Clock): string {
  const bytes = clock.random(16)
  const time = BigInt(clock.now())
  for (let i = 0; i < 6; i += 1) bytes[i] = Number((time >> BigInt(8 * (5 - i))) & 0xffn)
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  return `${idPrefixes[kind]}_${uuid}`
}

/** True when `text` is an id of `kind`. */
export function isId(kind: IdKind, text: string): boolean {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  const prefix = `${idPrefixes[kind]}_`
  return text.startsWith(prefix) && uuid.test(text.slice(prefix.length))
}

/** The last eight hex digits of an id: the `id8` in names of archived files and reports. */
export function shortId(id: string): string {
  return id.slice(-8)
}
