import type { ImportRow, RowOutcome, RowPlan } from '../../domain/directory.ts'
import { storedFields } from '../../domain/user.ts'
import type { CheckedRow, StoredField } from '../../domain/user.ts'
import { rowReason } from '../../domain/reason.ts'
import { findUsers } from './ahead.ts'
import type { Ahead } from './ahead.ts'
import { copyIn, copyValue } from './bulk.ts'
import type { Changed } from './changes.ts'
import type { Postgres } from './connect.ts'
import { isRowFault, RowFault } from './fault.ts'
import type { createLoad } from './load.ts'
import { lookUp } from './look-up.ts'
import { createMatcher } from './match.ts'
import type { Changes, Found, Matcher } from './match.ts'
import type { Place } from './place.ts'

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
  place: Place
  /** Number of the run. */
  run: number
  plan: RowPlan
  now: number
  /** Number of the commit that what is stored now belongs to. */
  change: () => number
  /** Told of every user who may be changed by it. */
  changed: Changed
  lastUserId: number
  /** Users who were looked up before. */
  ahead: Ahead
  /** Where rows go while they are stored without indexes: no two have a key in common, and nobody has any of theirs. */
  load: Pick<ReturnType<typeof createLoad>, 'active' | 'send'>
  /** Told of a row that could not be stored through a fault of its own. */
  onFault: (error: unknown) => void
  remember: (userId: number, hash: number) => void
}

/** Outcomes, and the ids of the users that were created. */
export interface Applied {
  outcomes: RowOutcome[]
  created: Map<CheckedRow, number>
}

/** Values of users by the names of their columns, each list in the order of the users. */
type Columns = Map<string, readonly (string | number | null)[]>

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')

/** Keeps what users have before a run changes them, once a run. */
export async function keepImages(
  sql: Postgres,
  { place, run }: { place: Place; run: number },
  userIds: readonly number[],
): Promise<void> {
  const found = lookUp({ place, by: 'id', columns: `"created_run", ${quoted(imageColumns)}` })
  await sql.unsafe(
    `INSERT INTO before_images (run, user_id, ${quoted(imageColumns)}) SELECT $3, key, ${quoted(imageColumns)} FROM ${found}
     WHERE created_run <> $3 ON CONFLICT DO NOTHING`,
    [place.directory, [...userIds], run],
    { prepare: true },
  )
}

/** Matches checked rows with the users of a directory and stores them, many at a time. */
export function createRowStore(options: RowStoreOptions) {
  const { sql, place, run, plan, now, change, changed: changedIds, ahead, load } = options
  const { directory } = place
  const { fields } = plan
  let lastId = options.lastUserId
  // Files bring new users in runs: the cheaper of the two ways is tried first.
  let expectNew = lastId === 0

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
  const copied = quoted([...head, ...fields, ...extra, ...tail])
  let given = new Map<number, number>()

  function line({ id, row }: Changes['created'][number]): string {
    let text = `${directory}\t${id}\t${row.active === false ? 0 : 1}\t${run}\t${run}\t${now}\t${now}\t${change()}`
    for (let slot = 0; slot < fields.length; slot += 1) {
      const value = row.values[slot]
      text += `\t${copyValue(slot === sourceSlot ? (value ?? plan.defaultLoginSource) : value)}`
    }
    if (sourceSlot < 0) text += `\t${copyValue(plan.defaultLoginSource)}`
    return `${text}\t${copyValue(row.emailKey)}\t${copyValue(row.usernameKey)}\n`
  }

  async function insert(created: Changes['created']): Promise<boolean> {
    const copy = `COPY ${place.users} (${copied}) FROM STDIN`
    const lines = created.map(line).join('')
    if (!load.active) return copyIn(sql, copy, lines)
    await load.send(copy, lines)
    return true
  }

  // Counts when the rows are stored: of a try that is taken back, nothing.
  const remember = (userId: number, hash: number): void => void given.set(userId, hash)

  /** All of them as new users; false, and nothing done, when one of them is none. */
  async function insertAll(rows: readonly ImportRow[]): Promise<boolean> {
    const created = rows.map(({ row }, index) => ({ id: lastId + index + 1, row }))
    if (!(await insert(created))) return false
    for (const [index, { hash }] of rows.entries()) remember(lastId + index + 1, hash)
    changedIds.add(lastId + 1, lastId + rows.length)
    lastId += rows.length
    return true
  }

  /** Every user that a key of the rows leads to. */
  async function usersOf(rows: readonly CheckedRow[]): Promise<Iterable<Found>> {
    const users = new Map<number, Found>()
    const keys = (of: (row: CheckedRow) => string | null): string[] =>
      rows.map(of).filter((key) => key !== null)
    const read = async (
      by: 'UserUUID' | 'email_key' | 'username_key',
      values: readonly string[],
    ): Promise<void> => {
      if (values.length === 0) return
      for (const user of await findUsers({ sql, place, fields }, by, values)) {
        if (!users.has(user.id)) users.set(user.id, user)
      }
    }
    const unknown = keys(({ uuid }) => uuid).filter((uuid) => {
      const user = ahead.take(uuid)
      if (user !== undefined) users.set(user.id, user)
      return user === undefined
    })
    await read('UserUUID', unknown)
    const known = [...users.values()]
    const emails = new Set(known.map(({ emailKey }) => emailKey))
    const usernames = new Set(known.map(({ usernameKey }) => usernameKey))
    await Promise.all([
      read(
        'email_key',
        // One who is found by email alone must be the only one.
        keys(({ uuid, emailKey }) => (uuid !== null && emails.has(emailKey) ? null : emailKey)),
      ),
      read(
        'username_key',
        keys(({ usernameKey }) => usernameKey).filter((key) => !usernames.has(key)),
      ),
    ])
    return users.values()
  }

  async function store({ created, updated, slots, rekeyed }: Changes): Promise<void> {
    for (const { id } of [...created, ...updated, ...rekeyed]) {
      changedIds.add(id)
      ahead.forget(id)
    }
    const touched = new Set([...updated, ...rekeyed])
    if (touched.size > 0) {
      const users = [...touched]
      const ids = users.map(({ id }) => id)
      // Sent without waiting for one another: the answer may wait until this process has read its next rows.
      const sent = [keepImages(sql, options, ids)]
      const columns: Columns = new Map(
        [...slots]
          .toSorted((a, b) => a - b)
          .flatMap((slot) => {
            const field = fields[slot]
            return field === undefined
              ? []
              : [[field, users.map(({ values }) => values[slot] ?? null)]]
          }),
      )
      columns.set(
        'active',
        users.map(({ active }) => active),
      )
      if (rekeyed.size > 0) {
        const letting = [...rekeyed].map(({ id }) => id)
        const none = letting.map(() => null)
        sent.push(
          update(
            letting,
            new Map([
              ['email_key', none],
              ['username_key', none],
            ]),
          ),
        )
        columns.set(
          'email_key',
          users.map(({ emailKey }) => emailKey),
        )
        columns.set(
          'username_key',
          users.map(({ usernameKey }) => usernameKey),
        )
      }
      sent.push(update(ids, columns, true))
      await Promise.all(sent)
    }
    if (created.length > 0 && !(await insert(created))) {
      throw new RowFault('A new user could not be stored although its keys are free')
    }
  }

  /** Sets columns of users; `marked`: as changed by this run. */
  async function update(ids: readonly number[], columns: Columns, marked = false): Promise<void> {
    const names = [...columns.keys()]
    const set = names.map((name) => `"${name}" = n."${name}"`)
    const marks = marked ? [run, now, change()] : []
    if (marked) set.push('changed_run = $3', 'changed_at = $4', 'change = $5')
    const types = names.map((name) => (name === 'active' ? 'int' : 'text'))
    const from = types.map((type, index) => `$${index + 3 + marks.length}::${type}[]`)
    await sql.unsafe(
      `UPDATE ONLY ${place.users} AS u SET ${set.join(', ')}
       FROM unnest($2::int[], ${from.join(', ')}) AS n(id, ${quoted(names)})
       CROSS JOIN LATERAL (
         SELECT ctid AS at FROM ONLY ${place.users} WHERE directory = $1 AND id = n.id LIMIT 1
       ) AS found
       WHERE u.directory = $1 AND u.ctid = found.at`,
      [directory, [...ids], ...marks, ...[...columns.values()].map((values) => [...values])],
      { prepare: true },
    )
  }

  async function matcher(rows: readonly CheckedRow[]): Promise<Matcher> {
    return createMatcher({
      plan,
      users: await usersOf(rows),
      nextId: () => (lastId += 1),
      remember,
    })
  }

  async function applyAll(rows: readonly ImportRow[]): Promise<Applied> {
    const created = new Map<CheckedRow, number>()
    // In a load there is no index to look anybody up by.
    const create =
      plan.createReasons.length === 0 && rows.every(({ row }) => row.createReasons.length === 0)
    if ((expectNew || load.active) && create && rows.length > 0) {
      const first = lastId + 1
      if (await insertAll(rows)) {
        for (const [index, { row }] of rows.entries()) created.set(row, first + index)
        return { outcomes: rows.map(() => 'created'), created }
      }
    }
    const match = await matcher(rows.map(({ row }) => row))
    const outcomes = rows.map((one) => match.apply(one))
    await store(match.changes)
    for (const { id, row } of match.changes.created) created.set(row, id)
    expectNew = created.size === rows.length && rows.length > 1
    return { outcomes, created }
  }

  function keepRemembered(): void {
    for (const [userId, hash] of given) options.remember(userId, hash)
    given = new Map()
  }

  /** A row must not stop the others, whatever is wrong with it: it is found by halves. */
  async function applySome(rows: readonly ImportRow[]): Promise<Applied> {
    const before = lastId
    if (load.active) {
      const loaded = await applyAll(rows)
      keepRemembered()
      return loaded
    }
    // Neither is waited for alone: what follows on the same connection fails with it.
    const savepoint = sql`SAVEPOINT some_rows`.execute()
    try {
      const [applied] = await Promise.all([applyAll(rows), savepoint])
      sql`RELEASE SAVEPOINT some_rows`.catch(() => undefined)
      keepRemembered()
      return applied
    } catch (error) {
      if (!isRowFault(error)) throw error
      await sql`ROLLBACK TO SAVEPOINT some_rows`
      await sql`RELEASE SAVEPOINT some_rows`
      given = new Map()
      lastId = before
      if (rows.length < 2) {
        options.onFault(error)
        return { outcomes: [{ reasons: [rowReason(9117, null, {})] }], created: new Map() }
      }
    }
    const middle = rows.length >> 1
    const first = await applySome(rows.slice(0, middle))
    const second = await applySome(rows.slice(middle))
    return {
      outcomes: [...first.outcomes, ...second.outcomes],
      created: new Map([...first.created, ...second.created]),
    }
  }

  return {
    /** Stores rows, or says why they cannot be. */
    apply: applySome,
    /** Frees the emails and usernames that the users of these rows have, so that other rows can take them. */
    async vacate(rows: readonly CheckedRow[]): Promise<void> {
      const match = await matcher(rows)
      for (const row of rows) match.vacate(row)
      const users = [...match.changes.rekeyed]
      if (users.length === 0) return
      const ids = users.map(({ id }) => id)
      await keepImages(sql, options, ids)
      await update(
        ids,
        new Map([
          ['email_key', users.map(({ emailKey }) => emailKey)],
          ['username_key', users.map(({ usernameKey }) => usernameKey)],
        ]),
      )
    },
    async setPasswords(hashes: ReadonlyMap<number, string>): Promise<void> {
      if (hashes.size === 0) return
      await update([...hashes.keys()], new Map([['password_hash', [...hashes.values()]]]))
    },
  }
}

export type RowStore = ReturnType<typeof createRowStore>
