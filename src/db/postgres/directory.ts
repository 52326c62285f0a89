import type { Directory } from '../../domain/directory.ts'
import type { UserReader } from '../../domain/user-reader.ts'
import { json, number, optionalText } from '../row.ts'
import { userOf } from '../user-row.ts'
import type { Postgres } from './connect.ts'
import { hasRawFailures, listFailures } from './failures.ts'
import { guarded, translated } from './fault.ts'
import { enterNames } from './names.ts'
import { openLedger, openWriter } from './ledger.ts'
import { placeKeeper } from './place.ts'
import { revertRun } from './revert.ts'
import { userReader } from './users.ts'

export interface DirectoryOptions {
  url: string
  /** For what is read; a pool that many directories share. */
  sql: Postgres
  tenantId: string
}

async function numberOf(sql: Postgres, tenantId: string): Promise<number | undefined> {
  const [row] = await sql`SELECT id FROM directories WHERE tenant_id = ${tenantId}`
  return row && number(row, 'id')
}

/** Opens a tenant's directory, made when there is none. */
export async function openDirectory(options: DirectoryOptions): Promise<Directory & UserReader> {
  try {
    return directoryOf(options, await made(options))
  } catch (error) {
    throw translated(error)
  }
}

async function made({ sql, tenantId }: DirectoryOptions): Promise<number> {
  // First a look: the insert would wait for whoever writes to the row.
  const known = await numberOf(sql, tenantId)
  if (known !== undefined) return known
  await sql`INSERT INTO directories (tenant_id) VALUES (${tenantId}) ON CONFLICT DO NOTHING`
  const directory = await numberOf(sql, tenantId)
  if (directory === undefined) throw new Error('The directory is gone')
  return directory
}

/** Opens a directory for reading; undefined when the tenant has none yet. */
export async function openDirectoryReader(
  options: DirectoryOptions,
): Promise<(Directory & UserReader) | undefined> {
  const directory = await numberOf(options.sql, options.tenantId)
  return directory === undefined ? undefined : directoryOf(options, directory)
}

function directoryOf(
  { url, sql, tenantId }: DirectoryOptions,
  directory: number,
): Directory & UserReader {
  const placeNow = placeKeeper(sql, directory)
  const usersNow = async () => (await placeNow()).users
  return guarded<Directory & UserReader>({
    ...userReader(sql, directory),
    async begin(options) {
      return guarded(await openLedger({ url, tenantId, directory }, options))
    },
    failures: (runId, options) => listFailures(sql, directory, runId, options),
    hasRawFailures: (runId) => hasRawFailures(sql, directory, runId),
    async changedBy() {
      const [row] = await sql`SELECT changed_by FROM directories WHERE id = ${directory}`
      return row === undefined ? null : optionalText(row, 'changed_by')
    },
    async identifiers(field) {
      // As one text: a message for each takes five times as long.
      const [row = {}] = await sql`SELECT coalesce(json_agg(value), '[]')::text AS list FROM (
          SELECT ${sql(field)} AS value FROM ONLY ${sql(await usersNow())}
          WHERE directory = ${directory} AND ${sql(field)} IS NOT NULL ORDER BY id LIMIT 5000) AS first`
      return json<string[]>(row, 'list')
    },
    async users({ after = 0, limit }) {
      const rows =
        await sql`SELECT * FROM ONLY ${sql(await usersNow())} WHERE directory = ${directory} AND id > ${after} ORDER BY id LIMIT ${limit}`
      return rows.map(userOf)
    },
    async enterNames() {
      await enterNames(sql, await placeNow())
    },
    async revert(runId, by, now) {
      const writer = await openWriter(url, tenantId)
      try {
        return await revertRun(writer.sql, { directory, runId, by, now })
      } finally {
        await writer.end()
      }
    },
    async close() {},
  })
}
