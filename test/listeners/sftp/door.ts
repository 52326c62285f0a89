import { systemClock } from '../../../src/clock.ts'
import { openState } from '../../../src/db/sqlite/state.ts'
import type { AuditEntry, StateStore } from '../../../src/domain/state.ts'
import type { FileStore } from '../../../src/domain/storage.ts'
import { createDoorkeeper } from '../../../src/drop/doorkeeper.ts'
import type { DropLimits } from '../../../src/drop/limits.ts'
import { generateHostKey } from '../../../src/listeners/sftp/host-key.ts'
import { startSftpListener } from '../../../src/listeners/sftp/listener.ts'
import type { SftpListener, SftpListenerOptions } from '../../../src/listeners/sftp/listener.ts'
import { memoryDriver } from '../../../storage/memory.ts'
import { addClient, silent } from '../../drop/door.ts'

/** The listener before the real door and the real state, all in this process; the account is `maple`. */
export interface Door {
  listener: SftpListener
  state: StateStore
  files: FileStore
  /** The audit, oldest first. */
  audit(): Promise<(AuditEntry & { seq: number })[]>
  stop(): Promise<void>
}

/** Starts it; the caller stops it. */
export async function startDoor(options: {
  limits?: Partial<DropLimits>
  sftp?: SftpListenerOptions['limits']
  allowList?: string[]
  account?: Parameters<typeof addClient>[2]
}): Promise<Door> {
  const state = openState(':memory:')
  const { files } = memoryDriver()
  await addClient(state, 'maple', options.account ?? {})
  const doorkeeper = createDoorkeeper({
    state,
    files,
    clock: systemClock,
    log: silent,
    onCommit: () => undefined,
    limits: { refusalDelayMs: 1, ...options.limits },
    allowList: options.allowList ?? [],
  })
  const listener = await startSftpListener({
    host: '127.0.0.1',
    port: 0,
    hostKey: generateHostKey(),
    doorkeeper,
    log: silent,
    limits: { lingerMs: 100, ...options.sftp },
  })
  return {
    listener,
    state,
    files,
    async audit() {
      const entries = await state.audit.list({ limit: 10_000 })
      return entries.toReversed()
    },
    async stop() {
      await listener.stop(0)
      await state.close()
    },
  }
}
