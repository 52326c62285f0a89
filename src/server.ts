import { existsSync } from 'node:fs'
import { createApp } from './app.ts'
import { systemClock } from './clock.ts'
import { dataPaths } from './config.ts'
import type { Config } from './config.ts'
import { openState } from './db/sqlite/state.ts'
import type { Log } from './domain/log.ts'
import type { StateStore } from './domain/state.ts'
import type { FileStore } from './domain/storage.ts'
import { createDoorkeeper } from './drop/doorkeeper.ts'
import { createPasswordHasher } from './drop/password.ts'
import { recoverUploads } from './drop/recover.ts'
import { serveHttp } from './http.ts'
import { createImporter } from './import/importer.ts'
import { certificateFiles } from './certificate.ts'
import { hostKey } from './keys.ts'
import { startFtpsListener } from './listeners/ftps/listener.ts'
import { generateHostKey } from './listeners/sftp/host-key.ts'
import { startSftpListener } from './listeners/sftp/listener.ts'
import { embeddedOutbox } from './mail/outbox.ts'
import { startSender } from './mail/sender.ts'
import { smtpTransport } from './mail/smtp.ts'
import { openFileStore } from '../storage/index.ts'

/** A running server. */
export interface Server {
  readonly state: StateStore
  readonly files: FileStore
  readonly sftpPort: number
  readonly ftpsPort: number
  readonly ftpsImplicitPort: number
  readonly httpPort: number
  readonly hostKeyFingerprint: string
  /** No new logins, transfers end within the grace time, the import stops at a batch. Idempotent. */
  stop(): Promise<void>
}

/** Wires every room, resumes what a dead process left, and resolves when every listener is ready. */
export async function startServer(options: { config: Config; log: Log }): Promise<Server> {
  throw new Error(String(options))
}
