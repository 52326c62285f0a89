import { createApp } from './app.ts'
import { certificateFiles, loadCertificate } from './certificate.ts'
import { watchCertificate } from './certificate-watch.ts'
import { clockAhead, systemClock } from './clock.ts'
import { dataPaths, storeSettings } from './config.ts'
import type { Config } from './config.ts'
import { databaseExists, openDatabase } from './db/database.ts'
import { AppError } from './domain/error.ts'
import type { Log } from './domain/log.ts'
import type { StateStore } from './domain/state.ts'
import type { FileStore } from './domain/storage.ts'
import { createDoorkeeper } from './drop/doorkeeper.ts'
import { defaultLimits } from './drop/limits.ts'
import { createPasswordHasher } from './drop/password.ts'
import { createQuota } from './drop/quota.ts'
import { recoverUploads, sweepIncomplete } from './drop/recover.ts'
import { freeNow, serveHttp } from './http.ts'
import { giveUploadMemoryBack } from './idle-memory.ts'
import { createImporter } from './import/importer.ts'
import { hostKey } from './keys.ts'
import { startFtpsListener } from './listeners/ftps/listener.ts'
import type { FtpsListener } from './listeners/ftps/listener.ts'
import { generateHostKey } from './listeners/sftp/host-key.ts'
import { startSftpListener } from './listeners/sftp/listener.ts'
import type { SftpListener } from './listeners/sftp/listener.ts'
import { startMetricsDoor } from './metrics-door.ts'
import { embeddedOutbox } from './mail/outbox.ts'
import { readMail } from './mail/read.ts'
import { startSender } from './mail/sender.ts'
import type { Sender } from './mail/sender.ts'
import { createMetrics } from './observe/metrics.ts'
import { observedState } from './observe/observed-state.ts'
import { createReaders } from './readers.ts'
import { readinessChecks } from './readiness.ts'
import { createAnnouncer } from './webhook/announce.ts'
import { startWebhookSender } from './webhook/sender.ts'
import type { WebhookSender } from './webhook/sender.ts'
import { createWorkers } from './workers.ts'
import { openFileStore } from '../storage/index.ts'
import type { Doors } from '../routes/console/doors.ts'

/** A running server. */
export interface Server {
  readonly state: StateStore
  readonly files: FileStore
  readonly sftpPort: number
  readonly ftpsPort: number
  readonly ftpsImplicitPort: number
  readonly httpPort: number
  readonly hostKeyFingerprint: string
  /** Takes the certificate from its files now; a changed one is taken by itself within seconds. Never rejects. */
  reloadCertificate(): Promise<void>
  /** No new logins, transfers end within the grace time, the import stops at a batch. Idempotent. */
  stop(): Promise<void>
}

/** A worker takes no files. */
const noSftp: SftpListener = {
  port: 0,
  fingerprint: '',
  isListening: () => true,
  stop: async () => undefined,
}
const noFtps: FtpsListener = {
  explicitPort: 0,
  implicitPort: 0,
  isListening: () => true,
  reload: () => undefined,
  stop: async () => undefined,
}

/** Wires every room, resumes what a dead process left, and resolves when every listener is ready. */
export async function startServer({ config, log }: { config: Config; log: Log }): Promise<Server> {
  const paths = dataPaths(config)
  const stateExists = await databaseExists(paths.databaseUrl)
  const certificate = certificateFiles(config, paths)
  const loaded = await loadCertificate(certificate, {
    host: config.mailHost,
    now: systemClock.now(),
  })
  const database = await openDatabase(paths.databaseUrl)
  // Two processes would take each other's uploads and imports for those of a dead one.
  if (!database.state.shared && (await database.state.own('data folder')) === undefined) {
    await database.close()
    throw new AppError(
      'conflict',
      `Cannot start: another process runs on "${config.dataDir}", stop it or wait for the end of its import`,
    )
  }
  let metrics: ReturnType<typeof createMetrics> | undefined
  let webhookSender: WebhookSender | undefined
  const clock = clockAhead(systemClock, () => database.state.aheadMs())
  const announcer = createAnnouncer({
    state: observedState(database.state, () => metrics),
    clock,
    log,
    onQueued: () => webhookSender?.nudge(),
  })
  const { state } = announcer
  const takesFiles = config.role !== 'worker'
  const importsHere = config.role !== 'ingest'
  const key = await hostKey(paths.hostKeyFile, {
    stateExists,
    make: generateHostKey,
    ...(database.secret === undefined ? {} : { shared: database.secret }),
  })
  const storage = storeSettings(config)
  const files = await openFileStore(paths.storageUrl, storage)
  await recoverUploads({ state, files, clock, log })

  const quota = createQuota({ files, clock, limits: defaultLimits })
  let sender: Sender | undefined
  const importer = createImporter({
    state,
    files,
    clock,
    log,
    workers: createWorkers({
      storageUrl: paths.storageUrl,
      storage,
      databaseUrl: paths.databaseUrl,
      aheadMs: () => state.aheadMs(),
      onFault: (error) => log.warn('names of users not entered', { error }),
    }),
    workersAtOnce: config.importWorkers,
    intervalMinutes: config.importIntervalMinutes,
    importsHere,
    mailHost: config.mailHost,
    share: quota,
    onMail: () => sender?.nudge(),
    openDirectory: (tenantId) => database.readDirectory(tenantId),
    onTick: async () => {
      // Another process may have died since, and this one cannot have staged what is found.
      if (files.shared) await recoverUploads({ state, files, clock, log })
      await sweepIncomplete({ state, files, clock, log })
    },
  })
  sender = importsHere
    ? startSender({
        state,
        files,
        failures: (run, asked) => importer.failures(run, asked),
        transport:
          config.smtpUrl === null
            ? embeddedOutbox()
            : (await import('./mail/smtp.ts')).smtpTransport({
                url: config.smtpUrl,
                name: config.mailHost,
              }),
        clock,
        log,
      })
    : { nudge: () => undefined, stop: async () => undefined }
  state.signals.on('outbox', () => sender?.nudge())
  const hasher = createPasswordHasher()
  const doorkeeper = createDoorkeeper({
    state,
    files,
    clock,
    log,
    hasher,
    quota,
    allowList: config.allowList,
    onCommit(_tenantId, uploadedBytes) {
      importer.nudge()
      giveUploadMemoryBack(uploadedBytes)
    },
  })
  metrics = createMetrics({
    activeRuns: () => state.runs.activeCounts(),
    async oldestMail() {
      const [oldest] = await state.outbox.due(clock.now(), 1)
      return oldest === undefined ? 0 : (clock.now() - oldest.createdAt) / 1000
    },
    penalties: () => doorkeeper.penalties.list().filter(({ enforced }) => enforced).length,
    freeBytes: async () => (await files.space())?.freeBytes,
  })
  const readers = createReaders((tenantId) => database.readDirectory(tenantId))
  if (importsHere) {
    await announcer.recover()
    webhookSender = startWebhookSender({ state, clock, log, networks: config.webhookNetworks })
  }
  let isStopping = false
  let doors: Doors | undefined
  let listeners: Record<string, { isListening(): boolean }> | undefined
  const app = createApp({
    state,
    importer,
    files,
    clock,
    log,
    metrics,
    penalties: doorkeeper.penalties,
    openUsers: (tenantId) => readers.of(tenantId),
    hashPassword: (password) => hasher.hash(password),
    onWebhook: () => webhookSender?.nudge(),
    checks: readinessChecks({
      state,
      files,
      clock,
      certFile: certificate.certFile,
      listeners: () => (isStopping ? undefined : listeners),
    }),
    isStopping: () => isStopping,
    onSpent: freeNow,
    console: {
      doors: () => {
        if (doors === undefined) throw new Error('The listeners are not up yet')
        return doors
      },
      mailHost: config.mailHost,
      onMail: () => sender.nudge(),
      readMail,
    },
  })

  const stopImports = await importer.start()
  const { host, proxyProtocol } = config
  const [sftp, ftps, http, figures] = await Promise.all([
    takesFiles
      ? startSftpListener({
          host,
          port: config.sftpPort,
          hostKey: key,
          doorkeeper,
          log,
          proxyProtocol,
          algorithms: config.sftpAlgorithms,
        })
      : noSftp,
    takesFiles
      ? startFtpsListener({
          host,
          explicitPort: config.ftpsPort,
          implicitPort: config.ftpsImplicitPort,
          certificate: loaded,
          passive: { ports: config.ftpsPassivePorts, announced: config.ftpsPassiveHost },
          doorkeeper,
          log,
          proxyProtocol,
          active: config.ftpsActiveMode,
        })
      : noFtps,
    serveHttp(app, { host: config.httpHost, port: config.httpPort }),
    startMetricsDoor(metrics, { host: config.httpHost, port: config.metricsPort }),
  ])
  listeners = { sftp, ftps, http }
  const watch = await watchCertificate({
    files: certificate,
    take: (next) => ftps.reload(next),
    log,
  })
  const ports = {
    sftpPort: sftp.port,
    ftpsPort: ftps.explicitPort,
    ftpsImplicitPort: ftps.implicitPort,
    httpPort: http.port,
    metricsPort: figures.port,
    hostKeyFingerprint: sftp.fingerprint,
  }
  const [sftpPort, ftpsPort, ftpsImplicitPort] = config.publicPorts ?? [
    ports.sftpPort,
    ports.ftpsPort,
    ports.ftpsImplicitPort,
  ]
  doors = {
    host: config.publicUrl === null ? null : new URL(config.publicUrl).hostname,
    sftpPort,
    ftpsPort,
    ftpsImplicitPort,
    hostKeyFingerprint: sftp.fingerprint,
  }
  if (certificate.selfSigned) {
    log.warn('the certificate of FTPS is signed by itself, set TLS_CERT_FILE and TLS_KEY_FILE')
  }
  log.info('ready', ports)

  const stopOnce = async (): Promise<void> => {
    isStopping = true
    watch.stop()
    const graceMs = config.stopGraceSeconds * 1_000
    await Promise.all([sftp.stop(graceMs), ftps.stop(graceMs), http.stop(graceMs), stopImports()])
    await figures.stop(0)
    await sender.stop()
    await webhookSender?.stop()
    await readers.close()
    await database.close()
    await files.close()
  }
  let stopped: Promise<void> | undefined
  return {
    state,
    files,
    ...ports,
    reloadCertificate: () => watch.reload(),
    stop() {
      stopped ??= stopOnce()
      return stopped
    },
  }
}
