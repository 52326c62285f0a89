import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { HealthCheck } from '../routes/health.ts'
import type { Clock } from './domain/clock.ts'
import type { StateStore } from './domain/state.ts'
import type { FileStore } from './domain/storage.ts'

// Less than the largest file that a client may send: it could not be taken.
const leastFreeBytes = 1024 ** 3
// Longer than the first pauses of a mail that is repeated: the mail server is away.
const oldestMailMs = 30 * 60_000
const probePath = 'probe/readiness'

export interface ReadinessOptions {
  state: Pick<StateStore, 'ping' | 'outbox'>
  files: FileStore
  clock: Clock
  certFile: string
  /** Every listener with whether its sockets take connections; undefined before they are up, and once the stop begins. */
  listeners: () => Readonly<Record<string, { isListening(): boolean }>> | undefined
}

/** What must be well for files to be taken; each check throws when it is not. */
export function readinessChecks({
  state,
  files,
  clock,
  certFile,
  listeners,
}: ReadinessOptions): HealthCheck[] {
  return [
    { name: 'database', check: () => state.ping() },
    {
      name: 'listeners',
      async check() {
        const all = listeners()
        if (all === undefined) throw new Error('not up yet, or stopping')
        const deaf = Object.keys(all).filter((name) => all[name]?.isListening() !== true)
        if (deaf.length > 0) throw new Error(`closed: ${deaf.join(', ')}`)
      },
    },
    {
      name: 'storage',
      async check() {
        const staged = await files.openWrite(probePath)
        try {
          await staged.write(0, new TextEncoder().encode('ready'))
          await staged.commit({ overwrite: true })
        } catch (error) {
          await staged.abort()
          throw error
        }
      },
    },
    {
      name: 'disk space',
      async check() {
        const space = await files.space()
        if (space !== undefined && space.freeBytes < leastFreeBytes) throw new Error('too little')
      },
    },
    {
      name: 'mail queue',
      async check() {
        const late = await state.outbox.due(clock.now() - oldestMailMs, 1)
        if (late.length > 0) throw new Error('mails wait for over half an hour')
      },
    },
    {
      name: 'TLS certificate',
      async check() {
        const { validToDate } = new X509Certificate(await readFile(certFile))
        if (validToDate.getTime() < clock.now()) throw new Error('expired')
      },
    },
  ]
}
