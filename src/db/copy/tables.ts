import { withoutNul } from '../../domain/nul.ts'
import { storedFields } from '../../domain/user.ts'
import { json, number, text } from '../row.ts'
import type { Row } from '../row.ts'
import { runOf } from '../mapping.ts'

/** What is stored of a value, the same for both sides. */
export type Value = string | number | null | Uint8Array

/** A table of the target: what its rows are made of, and how a row of the source becomes one. */
export interface Table {
  readonly name: string
  readonly columns: readonly string[]
  /** What its rows are in the order of, in both databases. */
  readonly order: readonly string[]
  /** Reads it all in that order. */
  readonly select: string
  /** The values of the columns. */
  values: (row: Row) => Value[]
}

/** Numbers of one tenant's directory and of its runs in the target. */
export interface Numbers {
  directory: number
  run: (ofSource: number) => number
}

function value(row: Row, column: string): Value {
  const found = row[column]
  if (found === null || typeof found === 'string' || typeof found === 'number') return found
  if (found instanceof Uint8Array) return found
  throw new TypeError(`Column ${column} holds what cannot be copied`)
}

/** A table with the same columns on both sides. */
function same(name: string, columns: string, order: string): Table {
  const names = columns.split(' ')
  return {
    name,
    columns: names,
    order: order.split(' '),
    select: `SELECT * FROM ${name} ORDER BY ${order.replaceAll(' ', ', ')}`,
    values: (row) => names.map((column) => value(row, column)),
  }
}

const storable = (given: Value): Value => (typeof given === 'string' ? withoutNul(given) : given)

const audit = same(
  'audit',
  'seq at tenant_id event actor address protocol client_version path bytes detail',
  'seq',
)
const deliveries = same(
  'webhook_deliveries',
  'id webhook_id tenant_id event subject body state attempts next_attempt_at created_at delivered_at status answer',
  'id',
)
const runs = same(
  'runs',
  'id tenant_id filename source state dry_run sha256 created_at finished_at archived_at version body',
  'id',
)

/** The tables of `state.db`, those that others refer to first. */
export const stateTables: readonly Table[] = [
  same('tenants', 'id name settings settings_version user_types login_sources created_at', 'id'),
  same(
    'accounts',
    'id tenant_id name password_hash keys protocols allowed_networks expires_at disabled created_at last_login_at',
    'id',
  ),
  same(
    'tokens',
    'id tenant_id scope name hash created_at expires_at last_used_at revoked_at',
    'id',
  ),
  same('sessions', 'hash kind scope tenant_id token_hash name created_at expires_at', 'hash'),
  same(
    'drops',
    'seq id tenant_id path folder filename size_bytes sha256 source actor committed_at ready_at',
    'seq',
  ),
  {
    ...runs,
    columns: [...runs.columns, 'row_count', 'failed'],
    values(row) {
      const { counts } = runOf(row)
      return [...runs.values(row), counts.rows, counts.failed]
    },
  },
  same(
    'outbox',
    'id tenant_id run_id kind message_id state attempts next_attempt_at created_at sent_at last_answer path subject',
    'id',
  ),
  { ...audit, values: (row) => audit.values(row).map(storable) },
  same('idempotency', 'tenant_id key fingerprint run_id created_at', 'tenant_id key'),
  same('webhooks', 'id tenant_id url events secret disabled created_at', 'id'),
  { ...deliveries, values: (row) => deliveries.values(row).map(storable) },
]

const imageColumns = [
  ...storedFields,
  'active',
  'email_key',
  'username_key',
  'changed_run',
  'changed_at',
]

/** The tables of one `directory/<tenant>.db`, with the numbers that they have in the target. */
export function directoryTables({ directory, run }: Numbers): readonly Table[] {
  const ofRun = (name: string, columns: string, order: string): Table => {
    const table = same(name, columns, order)
    return {
      ...table,
      values: (row) =>
        table.values(row).map((found, at) => (at === 0 ? run(number(row, 'run')) : found)),
    }
  }
  const ofDirectory = (name: string, columns: string, order: string): Table => {
    const table = same(name, columns, order)
    return {
      ...table,
      columns: ['directory', ...table.columns],
      order: ['directory', ...table.order],
      values: (row) => [directory, ...table.values(row)],
    }
  }
  const failures = ofRun('failures', 'run line codes body', 'run line')
  const users = ofDirectory(
    'users',
    `id active created_at changed_at change ${storedFields.join(' ')} password_hash email_key username_key`,
    'id',
  )
  return [
    {
      ...users,
      columns: [...users.columns, 'created_run', 'changed_run'],
      values: (row) => [
        ...users.values(row),
        run(number(row, 'created_run')),
        run(number(row, 'changed_run')),
      ],
    },
    ofDirectory('changes', 'change at', 'change'),
    ofDirectory('removed_users', 'change id UserUUID email username', 'change id'),
    ofDirectory('fingerprints', 'chunk entries', 'chunk'),
    {
      ...failures,
      select: 'SELECT run, line, codes, body FROM failed_rows ORDER BY run, line',
      columns: [...failures.columns, 'raw'],
      values: (row) => [
        ...failures.values(row),
        json<{ raw: string | null }>(row, 'body').raw === null ? 0 : 1,
      ],
    },
    {
      name: 'before_images',
      columns: ['run', 'user_id', ...imageColumns],
      order: ['run', 'user_id'],
      select: 'SELECT * FROM before_images ORDER BY run, user_id',
      values(row) {
        const image = json<Value[]>(row, 'body')
        const changedRun = imageColumns.indexOf('changed_run')
        const values = imageColumns.map((_, at) =>
          at === changedRun ? run(Number(image[at])) : (image[at] ?? null),
        )
        return [run(number(row, 'run')), number(row, 'user_id'), ...values]
      },
    },
    ofRun('deferred', 'run line body', 'run line'),
    ofRun('verdicts', 'run line body', 'run line'),
    ofRun('presence', 'run users', 'run'),
  ]
}

/** The run ids of a directory by their numbers there, in their order. */
export function ledgerOf(rows: readonly Row[]): { seq: number; runId: string; state: string }[] {
  return rows.map((row) => ({
    seq: number(row, 'seq'),
    runId: text(row, 'run_id'),
    state: text(row, 'state'),
  }))
}
