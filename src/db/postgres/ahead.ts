import type { FoundUser } from '../../domain/directory.ts'
import type { StoredField } from '../../domain/user.ts'
import type { Postgres } from './connect.ts'
import { lookUp } from './look-up.ts'
import type { LookUp } from './look-up.ts'
import type { Found } from './match.ts'
import type { Place } from './place.ts'

const looked = ['id', 'active', 'UserUUID', 'email_key', 'username_key']

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

/** The users with a key, with the columns that a file has. */
export async function findUsers(
  { sql, place, fields }: { sql: Postgres; place: Place; fields: readonly StoredField[] },
  by: LookUp['by'],
  keys: readonly string[] | readonly number[],
): Promise<Found[]> {
  const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')
  const columns = quoted([...new Set([...looked, ...fields])])
  const rows = await sql
    .unsafe(
      `SELECT ${quoted([...looked, ...fields])} FROM ${lookUp({ place, by, columns })}`,
      [place.directory, [...keys]],
      { prepare: true },
    )
    .values()
  return rows.map(foundOf)
}

/**
 * Users who are looked up by UUID while the rest of the file is read, and kept until their row is stored: a page
 * that is not in the database's memory costs it 0.1 ms, and each would be looked up once more to be changed.
 */
export function createAhead(options: {
  sql: Postgres
  place: Place
  fields: readonly StoredField[]
}) {
  const users = new Map<string, Found>()
  const uuids = new Map<number, string>()
  let last: Promise<void> = Promise.resolve()

  function forget(id: number): void {
    const uuid = uuids.get(id)
    uuids.delete(id)
    if (uuid !== undefined) users.delete(uuid)
  }

  async function keep(by: 'UserUUID' | 'id', keys: Parameters<typeof findUsers>[2]): Promise<void> {
    if (keys.length === 0) return
    for (const user of await findUsers(options, by, keys)) {
      if (user.uuid === null) continue
      users.set(user.uuid, user)
      uuids.set(user.id, user.uuid)
    }
  }

  async function keepMost(keys: readonly string[], likely: readonly number[]): Promise<void> {
    if (likely.length > 0) await keep('id', likely)
    await keep(
      'UserUUID',
      keys.filter((uuid) => !users.has(uuid)),
    )
  }

  return {
    /** Nothing of the directory may change until it has `arrived`. */
    begin(keys: readonly string[], likely: readonly number[] = []): void {
      const [before, next] = [last, keepMost(keys, likely)]
      last = before.then(() => next)
      // Who waits for it meets its failure.
      for (const promise of [last, next]) promise.catch(() => undefined)
    },
    /** Nothing is on its way any more. */
    arrived: (): Promise<void> => last,
    find: (uuid: string): FoundUser | undefined => users.get(uuid),
    /** Hands a user over to who may change it: the next is to be looked up. */
    take(uuid: string): Found | undefined {
      const user = users.get(uuid)
      if (user !== undefined) forget(user.id)
      return user
    },
    /** The user is changed, or may be. */
    forget,
    clear(): void {
      users.clear()
      uuids.clear()
    },
  }
}

export type Ahead = ReturnType<typeof createAhead>
