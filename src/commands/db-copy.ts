import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { copyDatabase } from '../db/copy/copy.ts'
import { UsageError } from '../usage.ts'

/** `rosterdrop db copy`: a whole installation from SQLite to PostgreSQL. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { from: { type: 'string' }, to: { type: 'string' } },
  })
  const { from, to } = values
  if (positionals.length > 0 || from === undefined || to === undefined) {
    throw new UsageError('Cannot copy: --from sqlite:FOLDER and --to postgres://… are needed')
  }
  if (!from.startsWith('sqlite:')) {
    throw new UsageError(`Cannot copy from "${from}": sqlite:FOLDER is needed`)
  }
  if (!/^postgres(ql)?:\/\//.test(to)) {
    throw new UsageError('Cannot copy: --to must be a postgres:// URL')
  }
  const path = from.slice('sqlite:'.length)
  const folder = path.startsWith('//') ? fileURLToPath(`file:${path}`) : resolve(path)
  const keyFile = join(folder, 'keys', 'ssh_host_ed25519_key')
  let tables = 0
  let rows = 0
  await copyDatabase({
    folder,
    url: to,
    hostKey: existsSync(keyFile) ? readFileSync(keyFile, 'utf8') : undefined,
    onTable({ tenantId, table, rows: count, sha256 }) {
      tables += 1
      rows += count
      const name = tenantId === null ? table : `${tenantId} ${table}`
      process.stdout.write(`same  ${sha256.slice(0, 16)}  ${count}  ${name}\n`)
    },
  })
  process.stdout.write(
    `Copied ${rows} rows of ${tables} tables; each was read back and is the same\n`,
  )
  return 0
}
