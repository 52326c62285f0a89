import { DatabaseSync } from 'node:sqlite'
import { createApp } from '../src/app.ts'
import type { App } from '../src/app.ts'
import { systemClock } from '../src/clock.ts'
import { openDirectory } from '../src/db/sqlite/directory.ts'
import type { Log } from '../src/domain/log.ts'
import type { StateStore } from '../src/domain/state.ts'
import { defaultSettings } from '../src/domain/tenant.ts'
import type { UserReader } from '../src/domain/user-reader.ts'
import { defaultLimits } from '../src/drop/limits.ts'
import { createPenalties } from '../src/drop/penalty.ts'
import { readMail } from '../src/mail/read.ts'
import { createMetrics } from '../src/observe/metrics.ts'
import { storingImporter } from '../test/routes/client.ts'
import { memoryDriver } from '../storage/memory.ts'

/** The real app on a state, without listeners, mails and imports. */
export function benchApp({
  state,
  log,
  openUsers,
}: {
  state: StateStore
  log: Log
  openUsers: (tenantId: string) => Promise<UserReader | undefined>
}): App {
  const clock = systemClock
  const { files } = memoryDriver()
  return createApp({
    state,
    files,
    clock,
    importer: storingImporter({ state, files, clock }),
    log,
    penalties: createPenalties({ clock, limits: defaultLimits }),
    openUsers,
    hashPassword: async () => '',
    checks: [],
    metrics: createMetrics({
      activeRuns: () => state.runs.activeCounts(),
      oldestMail: async () => 0,
      penalties: () => 0,
      freeBytes: async () => undefined,
    }),
    console: {
      doors: () => ({
        host: null,
        sftpPort: 22,
        ftpsPort: 21,
        ftpsImplicitPort: 990,
        hostKeyFingerprint: '',
      }),
      mailHost: 'bench.example',
      onMail: () => undefined,
      readMail,
    },
  })
}

/** A client without users. */
export function addClient(state: StateStore, id: string, name: string): Promise<void> {
  return state.tenants.create({
    id,
    name,
    settings: { ...defaultSettings },
    settingsVersion: 1,
    userTypes: [],
    loginSources: [],
    createdAt: systemClock.now(),
  })
}

/** A directory of `count` users with their names entered, written at once; `Family1` to `Family10000` are shared. */
export async function fillUsers(file: string, tenantId: string, count: number): Promise<void> {
  await openDirectory({ file, tenantId }).close()
  const db = new DatabaseSync(file)
  db.exec(`
    PRAGMA synchronous = OFF;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    INSERT INTO users (id, UserUUID, email, username, firstName, lastName, userType, active, email_key, username_key,
      created_run, changed_run, created_at, changed_at, change)
    SELECT i, 'S' || printf('%07d', i), substr('abcdefghijklmnopqrstuvwxyz', 1 + i % 26, 1) || 'user' || i || '@maple.example',
      'login' || i, 'Given' || i, 'Family' || (1 + i % 10000), 'Student', i % 10 <> 0,
      substr('abcdefghijklmnopqrstuvwxyz', 1 + i % 26, 1) || 'user' || i || '@maple.example', 'login' || i, 1, 1, 1, 1, 1
    FROM n;
    ANALYZE`)
  db.close()
  const directory = openDirectory({ file, tenantId })
  await directory.enterNames()
  await directory.close()
}

/** Texts of a user search over such a directory, of the n-th round. */
export const searches: readonly { name: string; text: (n: number) => string }[] = [
  { name: 'one letter', text: (n) => String.fromCharCode(97 + (n % 26)) },
  {
    name: 'an email',
    text: (n) => `${String.fromCharCode(97 + ((n * 997 + 1) % 26))}user${n * 997 + 1}`,
  },
  { name: 'a last name', text: (n) => `family${1 + ((n * 997) % 10_000)}` },
  {
    name: 'first and last name',
    text: (n) => `Given${n * 997 + 1} Family${1 + ((n * 997 + 1) % 10_000)}`,
  },
]
