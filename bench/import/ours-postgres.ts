import { migrate } from '../../src/db/postgres/migrate.ts'
import { postgresPrograms, startPostgres } from '../../test/support/postgres.ts'
import type { OursOnPostgres } from './ours.ts'

/** A PostgreSQL with the settings that the peer's has, and our tables in it. */
export async function oursOnPostgres(): Promise<OursOnPostgres> {
  const programs = postgresPrograms()
  if (programs === undefined) throw new Error('Cannot measure: PostgreSQL is needed')
  const cluster = await startPostgres(programs, { fsync: 'on', max_wal_size: '4GB' })
  const url = await cluster.database()
  await migrate(url)
  return {
    url,
    async reset() {
      cluster.sql(
        url,
        'TRUNCATE users, changes, removed_users, failures, before_images, deferred, verdicts, presence, fingerprints, ledger, names, changed_users, directories',
      )
    },
    users: async () => Number(cluster.sql(url, 'SELECT count(*) FROM users')),
    close: () => cluster.remove(),
  }
}
