import { createHash } from 'node:crypto'
import type { Clock } from './domain/clock.ts'

/** A bearer token and the hash that is stored of it (spec/http-api.md). */
export function newToken(clock: Clock): { token: string; hash: string } {
  const token = `rd_${Buffer.from(clock.random(32)).toString('base64url')}`
  return { token, hash: createHash('sha256').update(token).digest('hex') }
}
