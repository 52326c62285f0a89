import type { Hono } from 'hono'
import type { Clock } from '../../src/domain/clock.ts'
import { fileLimits } from '../../src/domain/format.ts'
import { newId } from '../../src/domain/id.ts'
import type { Importer } from '../../src/domain/importer.ts'
import type { Log } from '../../src/domain/log.ts'
import type { PenaltyBook } from '../../src/domain/penalty.ts'
import type { StateStore } from '../../src/domain/state.ts'
import type { FileStore } from '../../src/domain/storage.ts'
import type { UserReader } from '../../src/domain/user-reader.ts'
import type { Attempts } from '../attempts.ts'
import type { HttpEnv } from '../auth.ts'
import type { HealthCheck } from '../health.ts'
import type { Spent } from '../multipart.ts'
import type { Operations } from '../operations.ts'
import type { Shell } from '../shell.ts'
import { accountPages } from './accounts.ts'
import { assets } from './assets.ts'
import { auditPages } from './audit.ts'
import { changePages } from './changes.ts'
import { clientOverview } from './client.ts'
import { clientList } from './clients.ts'
import type { Doors } from './doors.ts'
import { dropPages } from './drop.ts'
import { formatPage } from './format.ts'
import { createFrame } from './frame.ts'
import { heldImports } from './held.ts'
import { importActions } from './import-actions.ts'
import { importList } from './imports.ts'
import { incompletePages } from './incomplete.ts'
import { newClient } from './new-client.ts'
import { oneImport } from './one-import.ts'
import { operatorTokenPages } from './operator-tokens.ts'
import { outboxPages } from './outbox.ts'
import type { ShownMail } from './outbox.ts'
import { mountPages } from './page.ts'
import { serverPages } from './server.ts'
import { createSessions } from './session.ts'
import { settingsPages } from './settings.ts'
import { signIn } from './sign-in.ts'
import { tokenPages } from './tokens.ts'
import { userPages } from './users.ts'
import { valuePages } from './values.ts'
import { webhookPages } from './webhooks.ts'

/** What the console needs of the roof beside what the API has. */
export interface ConsoleParts {
  /** Asked at each page: the ports are known once the listeners are up. */
  doors: () => Doors
  /** Name of this server in Message-IDs. */
  mailHost: string
  /** There is a mail to send. */
  onMail: () => void
  readMail: (bytes: Uint8Array) => Promise<ShownMail>
}

export interface ConsoleOptions extends ConsoleParts {
  state: StateStore
  operations: Operations
  importer: Importer
  files: FileStore
  penalties: PenaltyBook
  openUsers: (tenantId: string) => Promise<UserReader | undefined>
  checks: readonly HealthCheck[]
  clock: Clock
  log: Log
  shell: Shell
  attempts: Attempts
  /** Bytes of a file by the browser; default: as for every door. */
  maxBytes?: number
  isStopping?: () => boolean
  onSpent?: Spent
}

/** The console: pages for agents and for a client's staff, made on the server. */
export function consolePages(options: ConsoleOptions): Hono<HttpEnv> {
  const { state, clock, log, shell, maxBytes = fileLimits.maxBytes } = options
  const { runs, tenants, accounts, tokens, outbox, audit } = state
  const sessions = createSessions({ sessions: state.sessions, tokens, clock })

  async function queueTestMail(tenantId: string): Promise<void> {
    const id = newId('mail', clock)
    const now = clock.now()
    await outbox.add({
      id,
      tenantId,
      runId: null,
      kind: 'test',
      messageId: `${id}@${options.mailHost}`,
      state: 'queued',
      attempts: 0,
      nextAttemptAt: now,
      createdAt: now,
      sentAt: null,
      lastAnswer: null,
      path: null,
      subject: null,
    })
    options.onMail()
  }

  const pages = [
    ...assets(),
    ...signIn({ sessions, audit, clock, attempts: options.attempts }),
    ...changePages(options),
    ...importList({ runs, tenants, clock }),
    ...oneImport({ ...options, runs, tenants, outbox }),
    ...importActions({ ...options, runs, audit, maxBytes }),
    ...heldImports({ runs, tenants, clock }),
    ...clientList({ runs, tenants, clock }),
    ...newClient({ ...options, tenants, accounts, queueTestMail }),
    ...clientOverview({ ...options, tenants: options.operations.tenants, runs, accounts }),
    ...dropPages({ ...options, maxBytes }),
    ...formatPage(),
    ...userPages({ ...options, runs }),
    ...accountPages(options),
    ...settingsPages({ ...options, queueTestMail }),
    ...valuePages(options),
    ...outboxPages({ ...options, outbox }),
    ...incompletePages(options),
    ...webhookPages(options),
    ...auditPages({ ...options, audit }),
    ...tokenPages({ ...options, sessions: state.sessions }),
    ...serverPages({ ...options, audit }),
    ...operatorTokenPages(options),
  ]
  return mountPages(pages, { sessions, frame: createFrame({ runs, tenants }), log, shell })
}
