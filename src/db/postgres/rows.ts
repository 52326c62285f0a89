import type { ImportRow, RowOutcome, RowPlan } from '../../domain/directory.ts'
import { storedFields } from '../../domain/user.ts'
import type { CheckedRow, StoredField } from '../../domain/user.ts'
import { copyIn, copyValue } from './bulk.ts'
import type { Postgres } from './connect.ts'
import { createMatcher } from './match.ts'
import type { Changes, Found, Matcher } from './match.ts'

/** Every column of a user that an import can change. */
export const imageColumns: readonly string[] = [
  ...storedFields,
  'active',
  'email_key',
  'username_key',
  'changed_run',
  'changed_at',
]

export interface RowStoreOptions {
  /** The session whose transaction the rows are stored in. */
  sql: Postgres
  directory: number
  /** Number of the run. */
  run: number
  plan: RowPlan
  now: number
  /** Number of the commit that what is stored now belongs to. */
  change: () => number
  lastUserId: number
  remember: (userId: number, hash: number) => void
}

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')

/** Keeps what users have before a run changes them, once a run. */
export async function keepImages(
  sql: Postgres,
  { directory, run }: { directory: number; run: number },
  userIds: readonly number[],
): Promise<void> {
  await sql.unsafe(
    `INSERT INTO before_images (run, user_id, ${quoted(imageColumns)}) SELECT $1, id, ${quoted(imageColumns)} FROM users
     WHERE directory = $2 AND id = ANY($3::int[]) AND created_run <> $1 ON CONFLICT DO NOTHING`,
    [run, directory, [...userIds]],
    { prepare: true },
  )
}

/** Matches checked rows with the users of a directory and stores them, many at a time. */
export function createRowStore(options: RowStoreOptions) {
  const { sql, directory, run, plan, now, change, remember } = options
  const { fields } = plan
  let lastId = options.lastUserId
  // Files bring new users in runs: the cheaper of the two ways is tried first.
  let expectNew = true

  const extra: readonly StoredField[] = fields.includes('loginSource') ? [] : ['loginSource']
  const sourceSlot = fields.indexOf('loginSource')
  const head = [
    'directory',
    'id',
    'active',
    'created_run',
    'changed_run',
    'created_at',
    'changed_at',
    'change',
  ]
  const tail = ['email_key', 'username_key']
  const copy = `COPY users (${quoted([...head, ...fields, ...extra, ...tail])}) FROM STDIN`
  const select = `SELECT id, active, "UserUUID", email_key, username_key${fields.map((field) => `, "${field}"`).join('')} FROM users WHERE directory = $1 AND`
  const changed = [...fields, 'active', 'email_key', 'username_key']
  const types = [...fields.map(() => 'text'), 'int', 'text', 'text']
  const update = `UPDATE users SET ${changed.map((name) => `"${name}" = n."${name}"`).join(', ')}, changed_run = $1, changed_at = $2, change = $3
    FROM unnest($4::int[], ${types.map((type, index) => `$${index + 5}::${type}[]`).join(', ')}) AS n(id, ${quoted(changed)})
    WHERE users.directory = ${directory} AND users.id = n.id`

  function line({ id, row }: Changes['created'][number]): string {
    let text = `${directory}\t${id}\t${row.active === false ? 0 : 1}\t${run}\t${run}\t${now}\t${now}\t${change()}`
    for (let slot = 0; slot < fields.length; slot += 1) {
      const value = row.values[slot]
      text += `\t${copyValue(slot === sourceSlot ? (value ?? plan.defaultLoginSource) : value)}`
    }
    if (sourceSlot < 0) text += `\t${copyValue(plan.defaultLoginSource)}`
    return `${text}\t${copyValue(row.emailKey)}\t${copyValue(row.usernameKey)}\n`
  }

  const insert = (created: Changes['created']): Promise<boolean> =>
    copyIn(sql, copy, created.map(line).join(''))

  /** All of them as new users; false, and nothing done, when one of them is none. */
  async function insertAll(rows: readonly ImportRow[]): Promise<boolean> {
    const created = rows.map(({ row }, index) => ({ id: lastId + index + 1, row }))
    if (!(await insert(created))) return false
    for (const [index, { hash }] of rows.entries()) remember(lastId + index + 1, hash)
    lastId += rows.length
    return true
  }

  /** Every user that a key of the rows leads to. */
  async function load(rows: readonly CheckedRow[]): Promise<Iterable<Found>> {
    const users = new Map<number, Found>()
    const keys = (of: (row: CheckedRow) => string | null): string[] =>
      rows.map(of).filter((key) => key !== null)
    const read = async (where: string, values: readonly (string | number)[]): Promise<void> => {
      if (values.length === 0) return
      const found = await sql
        .unsafe(`${select} ${where}`, [directory, [...values]], { prepare: true })
        .values()
      for (const row of found) {
        const user = foundOf(row)
        if (!users.has(user.id)) users.set(user.id, user)
      }
    }
    await read(
      '"UserUUID" = ANY($2::text[])',
      keys(({ uuid }) => uuid),
    )
    const known = [...users.values()]
    const emails = new Set(known.map(({ emailKey }) => emailKey))
    const usernames = new Set(known.map(({ usernameKey }) => usernameKey))
    await Promise.all([
      read(
        'email_key = ANY($2::text[])',
        keys(({ emailKey }) => emailKey).filter((key) => !emails.has(key)),
      ),
      read(
        'username_key = ANY($2::text[])',
        keys(({ usernameKey }) => usernameKey).filter((key) => !usernames.has(key)),
      ),
    ])
    return users.values()
  }

  async function store({ created, updated, rekeyed }: Changes): Promise<void> {
    const touched = new Set([...updated, ...rekeyed])
    if (touched.size > 0) {
      const users = [...touched]
      await keepImages(
        sql,
        options,
        users.map(({ id }) => id),
      )
      if (rekeyed.size > 0) {
        const ids = [...rekeyed].map(({ id }) => id)
        await sql`UPDATE users SET email_key = NULL, username_key = NULL
          WHERE directory = ${directory} AND id = ANY(${ids}::int[])`
      }
      const columns = [
        users.map(({ id }) => id),
        ...fields.map((_, slot) => users.map(({ values }) => values[slot] ?? null)),
        users.map(({ active }) => active),
        users.map(({ emailKey }) => emailKey),
        users.map(({ usernameKey }) => usernameKey),
      ]
      await sql.unsafe(update, [run, now, change(), ...columns], { prepare: true })
    }
    if (created.length > 0 && !(await insert(created))) {
      throw new Error('New users could not be stored although their keys are free')
    }
  }

  async function matcher(rows: readonly CheckedRow[]): Promise<Matcher> {
    return createMatcher({ plan, users: await load(rows), nextId: () => (lastId += 1), remember })
  }

  return {
    /** Stores rows, or says why they cannot be: outcomes, and the ids of the users that were created. */
    async apply(
      rows: readonly ImportRow[],
    ): Promise<{ outcomes: RowOutcome[]; created: Map<CheckedRow, number> }> {
      const created = new Map<CheckedRow, number>()
      if (expectNew && plan.createReasons.length === 0 && rows.length > 0) {
        const first = lastId + 1
        if (await insertAll(rows)) {
          for (const [index, { row }] of rows.entries()) created.set(row, first + index)
          return { outcomes: rows.map(() => 'created'), created }
        }
      }
      const match = await matcher(rows.map(({ row }) => row))
      const outcomes = rows.map((given) => match.apply(given))
      await store(match.changes)
      for (const { id, row } of match.changes.created) created.set(row, id)
      expectNew = created.size === rows.length && rows.length > 1
      return { outcomes, created }
    },
    /** Frees the emails and usernames that the users of these rows have, so that other rows can take them. */
    async vacate(rows: readonly CheckedRow[]): Promise<void> {
      const match = await matcher(rows)
      for (const row of rows) match.vacate(row)
      const users = [...match.changes.rekeyed]
      if (users.length === 0) return
      const ids = users.map(({ id }) => id)
      await keepImages(sql, options, ids)
      await sql`UPDATE users SET email_key = n.email_key, username_key = n.username_key
        FROM unnest(${ids}::int[], ${users.map(({ emailKey }) => emailKey)}::text[],
          ${users.map(({ usernameKey }) => usernameKey)}::text[]) AS n(id, email_key, username_key)
        WHERE users.directory = ${directory} AND users.id = n.id`
    },
    async setPasswords(hashes: ReadonlyMap<number, string>): Promise<void> {
      if (hashes.size === 0) return
      await sql`UPDATE users SET password_hash = n.hash
        FROM unnest(${[...hashes.keys()]}::int[], ${[...hashes.values()]}::text[]) AS n(id, hash)
        WHERE users.directory = ${directory} AND users.id = n.id`
    },
  }
}

export type RowStore = ReturnType<typeof createRowStore>

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

function foundOf(row: readonly unknown[]): Found {
  const [id, active, uuid, emailKey, usernameKey, ...values] = row
  return {
    id: Number(id),
    active: Number(active),
    uuid: textOrNull(uuid),
    emailKey: textOrNull(emailKey),
    usernameKey: textOrNull(usernameKey),
    values: values.map(textOrNull),
  }
}
