import type { DatabaseSync, SQLInputValue, StatementSync, SQLOutputValue } from 'node:sqlite'
import type { ImportRow, RowOutcome, RowPlan } from '../../domain/directory.ts'
import type { RowReason } from '../../domain/importer.ts'
import { storedFields } from '../../domain/user.ts'
import type { CheckedRow, StoredField } from '../../domain/user.ts'
import { rowReason } from '../../domain/reason.ts'
import { keyAfter, severalReason, takenReason } from '../taken-reason.ts'
import { isRowFault } from './taken.ts'

/** Every column of a user that an import can change, in the order of before-images. */
export const imageColumns = [
  ...storedFields,
  'active',
  'email_key',
  'username_key',
  'changed_run',
  'changed_at',
] as const

export interface RowStoreOptions {
  db: DatabaseSync
  /** Number of the run in this directory. */
  run: number
  plan: RowPlan
  now: number
  /** Number of the commit that what is stored now belongs to. */
  change: () => number
  /** Told of a row that could not be stored through a fault of its own. */
  onFault: (error: unknown) => void
  /** Keeps the fingerprint of the record that a user now stands for. */
  remember: (userId: number, hash: number) => void
}

type Value = SQLOutputValue

/** A user as the look-ups give it: id, active, email key, username key, UUID, then the plan's fields. */
type Found = readonly Value[]
const [atId, atActive, atEmail, atUsername, atUuid, atFields] = [0, 1, 2, 3, 4, 5]

/** Matches checked rows with the users and stores them; statements are made once for a file. */
export function createRowStore(options: RowStoreOptions) {
  const { run, plan, now, change, remember } = options
  const { fields } = plan
  const statements = prepare(options)
  const emailSlot = fields.indexOf('email')
  const usernameSlot = fields.indexOf('username')
  const sourceSlot = fields.indexOf('loginSource')
  // Files bring new users in runs: the cheaper of the two ways is tried first.
  let expectNew = true

  function insert({ row, hash }: ImportRow): boolean {
    const values: SQLInputValue[] = []
    for (let i = 0; i < fields.length; i += 1) values.push(row.values[i] ?? null)
    if (sourceSlot >= 0) values[sourceSlot] ??= plan.defaultLoginSource
    else values.push(plan.defaultLoginSource)
    values.push(row.active === false ? 0 : 1)
    const emailIsKey = row.emailKey !== null && row.emailKey === values[emailSlot]
    const usernameIsKey = row.usernameKey !== null && row.usernameKey === values[usernameSlot]
    if (!emailIsKey) values.push(row.emailKey)
    if (!usernameIsKey) values.push(row.usernameKey)
    values.push(change())
    const statement = statements.insert(emailIsKey, usernameIsKey)
    const { changes, lastInsertRowid } = statement.run(...values)
    if (changes === 0) return false
    remember(Number(lastInsertRowid), hash)
    return true
  }

  const uuidOwner = (uuid: string | null): Found | undefined =>
    uuid === null ? undefined : asFound(statements.byUuid.get(uuid))
  const emailOwner = (key: string | null): Found | undefined =>
    key === null ? undefined : asFound(statements.byEmail.get(key))
  const usernameOwner = (key: string | null): Found | undefined =>
    key === null ? undefined : asFound(statements.byUsername.get(key))

  function taken(row: CheckedRow, found: Found | undefined): RowReason[] {
    const reasons: RowReason[] = []
    const email = emailOwner(row.emailKey)
    if (email !== undefined && email[atId] !== found?.[atId]) {
      reasons.push(takenReason(9019, plan.headers.email, row.values[emailSlot], email[atUuid]))
    }
    const username = usernameOwner(row.usernameKey)
    if (username !== undefined && username[atId] !== found?.[atId]) {
      reasons.push(
        takenReason(9020, plan.headers.username, row.values[usernameSlot], username[atUuid]),
      )
    }
    return reasons
  }

  /** The user that a row means, or what keeps it from meaning one. */
  function match(row: CheckedRow): Found | RowReason[] | undefined {
    const byUuid = uuidOwner(row.uuid)
    if (byUuid !== undefined) return byUuid
    const byEmail = emailOwner(row.emailKey)
    if (byEmail === undefined) return undefined
    if (row.uuid === null && statements.byEmail.all(row.emailKey).length > 1) {
      return [severalReason(plan.headers.email, row.values[emailSlot])]
    }
    if (row.uuid === null || byEmail[atUuid] === null) return byEmail
    return notNew(row)
  }

  /** What keeps a row from making a new user. */
  function notNew(row: CheckedRow): RowReason[] {
    return [...plan.createReasons, ...row.createReasons, ...taken(row, undefined)]
  }

  function update({ row, hash }: ImportRow, found: Found): RowOutcome {
    const id = Number(found[atId])
    const values: SQLInputValue[] = []
    let changed = false
    for (let i = 0; i < fields.length; i += 1) {
      const stored = found[atFields + i] ?? null
      const value = row.values[i]
      if (value === undefined || value === stored) values.push(text(stored))
      else {
        values.push(value)
        changed = true
      }
    }
    const storedActive = Number(found[atActive])
    const active = row.active === undefined ? storedActive : Number(row.active)
    if (!changed && active === storedActive) {
      remember(id, hash)
      return 'unchanged'
    }
    const emailKey =
      emailSlot < 0
        ? text(found[atEmail])
        : keyAfter(row.values[emailSlot], row.emailKey, text(found[atEmail]))
    const usernameKey =
      usernameSlot < 0
        ? text(found[atUsername])
        : keyAfter(row.values[usernameSlot], row.usernameKey, text(found[atUsername]))
    const keysChange =
      emailKey !== found[atEmail] ||
      usernameKey !== found[atUsername] ||
      (row.uuid !== null && row.uuid !== found[atUuid])
    if (keysChange) {
      const reasons = taken(row, found)
      if (reasons.length > 0) return { reasons }
    }
    statements.keepImage.run(run, id)
    if (keysChange)
      statements.update.run(...values, active, emailKey, usernameKey, run, now, change(), id)
    else {
      const others = values.filter((_, index) => !statements.keyed.has(index))
      statements.updateUnkeyed.run(...others, active, run, now, change(), id)
    }
    remember(id, hash)
    return 'updated'
  }

  function store(given: ImportRow): RowOutcome {
    const { row } = given
    if (expectNew && plan.createReasons.length + row.createReasons.length === 0) {
      if (insert(given)) return 'created'
      expectNew = false
    }
    const found = match(row)
    if (isReasons(found)) return { reasons: found }
    if (found !== undefined) return update(given, found)
    expectNew = true
    if (plan.createReasons.length + row.createReasons.length > 0) return { reasons: notNew(row) }
    if (insert(given)) return 'created'
    return { reasons: notNew(row) }
  }

  return {
    /** Stores one row, or says why it cannot be; nothing of it is stored then. */
    apply(given: ImportRow): RowOutcome {
      try {
        return store(given)
      } catch (error) {
        if (!isRowFault(error)) throw error
      }
      // A row must not stop the others, whatever is wrong with it.
      try {
        return store(given)
      } catch (error) {
        if (!isRowFault(error)) throw error
        options.onFault(error)
        return { reasons: [rowReason(9117, null, {})] }
      }
    },
    /** Keeps what the user has before the run changes it. */
    keepImage(userId: number): void {
      statements.keepImage.run(run, userId)
    },
    /** Keeps the hash of a password that came with the last created user of this UUID or email. */
    setPassword(row: CheckedRow, hash: string): void {
      const found = uuidOwner(row.uuid) ?? emailOwner(row.emailKey)
      if (found !== undefined) statements.setPassword.run(hash, text(found[atId]))
    },
    /** Frees the email and username that the user of this row has, so that another row can take them. */
    vacate(row: CheckedRow): void {
      const found = match(row)
      if (found === undefined || isReasons(found)) return
      statements.keepImage.run(run, text(found[atId]))
      statements.vacate.run(
        row.emailKey === null || row.emailKey === found[atEmail] ? text(found[atEmail]) : null,
        row.usernameKey === null || row.usernameKey === found[atUsername]
          ? text(found[atUsername])
          : null,
        text(found[atId]),
      )
    },
  }
}

export type RowStore = ReturnType<typeof createRowStore>

/**
 * What stores a new user: a value for each field, `loginSource` if it is none of them, `active`, the keys and `change`.
 *
 * A key that is what stands in its field is not given again, nor what all rows of a run share: each value costs as
 * much to give as to store.
 */
function insertStatement(
  { db, run, now, plan: { fields } }: RowStoreOptions,
  emailIsKey: boolean,
  usernameIsKey: boolean,
): StatementSync {
  const given = (field: StoredField) => `?${fields.indexOf(field) + 1}`
  const values: Record<string, string | number> = {
    ...Object.fromEntries([...fields, 'loginSource', 'active'].map((name) => [name, '?'])),
    email_key: emailIsKey ? given('email') : '?',
    username_key: usernameIsKey ? given('username') : '?',
    created_run: run,
    changed_run: run,
    created_at: now,
    changed_at: now,
    change: '?',
  }
  return db.prepare(
    `INSERT INTO users (${Object.keys(values).join(', ')}) VALUES (${Object.values(values).join(', ')})
     ON CONFLICT DO NOTHING`,
  )
}

function prepare(options: RowStoreOptions) {
  const { db, plan } = options
  const { fields } = plan
  const neitherKey = insertStatement(options, false, false)
  const emailKey = insertStatement(options, fields.includes('email'), false)
  const usernameKey = insertStatement(options, false, fields.includes('username'))
  const bothKeys = insertStatement(options, fields.includes('email'), fields.includes('username'))
  const keyFields: readonly StoredField[] = ['UserUUID']
  const keyed = new Set(keyFields.map((field) => fields.indexOf(field)).filter((at) => at >= 0))
  const set = (columns: readonly string[]) => columns.map((column) => `${column} = ?`).join(', ')
  const unkeyed = fields.filter((_, index) => !keyed.has(index))
  const select = `SELECT id, active, email_key, username_key, UserUUID${fields.map((field) => `, ${field}`).join('')} FROM users WHERE`
  const lookUp = (where: string) => {
    const statement = db.prepare(`${select} ${where}`)
    statement.setReturnArrays(true)
    return statement
  }
  return {
    keyed,
    insert(emailIsKey: boolean, usernameIsKey: boolean): StatementSync {
      if (emailIsKey) return usernameIsKey ? bothKeys : emailKey
      return usernameIsKey ? usernameKey : neitherKey
    },
    byUuid: lookUp('UserUUID = ?'),
    byEmail: lookUp('email_key = ?'),
    byUsername: lookUp('username_key = ?'),
    update: db.prepare(
      `UPDATE users SET ${set([...fields, 'active', 'email_key', 'username_key', 'changed_run', 'changed_at', 'change'])} WHERE id = ?`,
    ),
    // An UPDATE that names an indexed column writes its index, also when the value stays.
    updateUnkeyed: db.prepare(
      `UPDATE users SET ${set([...unkeyed, 'active', 'changed_run', 'changed_at', 'change'])} WHERE id = ?`,
    ),
    setPassword: db.prepare('UPDATE users SET password_hash = ? WHERE id = ?'),
    vacate: db.prepare('UPDATE users SET email_key = ?, username_key = ? WHERE id = ?'),
    keepImage: db.prepare(
      `INSERT OR IGNORE INTO before_images SELECT ?1, id, json_array(${imageColumns.join(', ')}) FROM users WHERE id = ?2 AND created_run <> ?1`,
    ),
  }
}

function isReasons(found: Found | RowReason[] | undefined): found is RowReason[] {
  return found !== undefined && typeof found[0] === 'object' && found[0] !== null
}

function asFound(row: unknown): Found | undefined {
  return Array.isArray(row) ? row : undefined
}

/** A stored value as an argument again. */
function text(value: Value | undefined): SQLInputValue {
  return value ?? null
}
