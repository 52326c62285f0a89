import type { FoundUser, Holders, RowKeys, UniqueKeys } from '../../domain/directory.ts'
import { number, optionalText, text } from '../row.ts'
import type { Row } from '../row.ts'
import type { Changed } from './changes.ts'
import type { Postgres } from './connect.ts'
import { lookUp } from './look-up.ts'
import type { LookUp } from './look-up.ts'
import type { Place } from './place.ts'
import { keepImages } from './rows.ts'

const page = 10_000
const foundColumns = 'id, email_key, username_key'

function foundUser(row: Row): FoundUser {
  return {
    id: number(row, 'id'),
    emailKey: optionalText(row, 'email_key'),
    usernameKey: optionalText(row, 'username_key'),
  }
}

function has(users: Uint8Array, id: number): boolean {
  return ((users[id >> 3] ?? 0) & (1 << (id & 7))) !== 0
}

/** Which users a full file has: one bit a user. */
export function createPresence(sql: Postgres, place: Place, run: number) {
  const { directory } = place

  async function* actives(): AsyncGenerator<number[]> {
    let last = -1
    for (;;) {
      const rows = await sql`SELECT id FROM ONLY ${sql(place.users)}
        WHERE directory = ${directory} AND active = 1 AND created_run <> ${run} AND id > ${last}
        ORDER BY id LIMIT ${page}`
      if (rows.length === 0) return
      const ids = rows.map((row) => number(row, 'id'))
      last = ids.at(-1) ?? last
      yield ids
    }
  }

  /** The first user of each key. */
  async function ownersOf(
    by: LookUp['by'],
    keys: readonly string[],
    columns: string,
  ): Promise<Map<string, Row>> {
    if (keys.length === 0) return new Map()
    const rows = await sql.unsafe(
      `SELECT * FROM ${lookUp({ place, by, columns })}`,
      [directory, [...keys]],
      { prepare: true },
    )
    return new Map(rows.toReversed().map((row) => [text(row, 'key'), row]))
  }

  async function idsOf(by: LookUp['by'], keys: readonly string[]): Promise<Map<string, number>> {
    const owners = await ownersOf(by, keys, 'id')
    return new Map([...owners].map(([key, row]) => [key, number(row, 'id')]))
  }

  return {
    /** `known`: who was looked up by UUID before. */
    async find(
      keys: readonly RowKeys[],
      known: (uuid: string) => FoundUser | undefined,
    ): Promise<(FoundUser | undefined)[]> {
      const byUuid = new Map<string, FoundUser>()
      const uuids: string[] = []
      for (const { uuid } of keys) {
        if (uuid === null) continue
        const user = known(uuid)
        if (user === undefined) uuids.push(uuid)
        else byUuid.set(uuid, user)
      }
      for (const [uuid, row] of await ownersOf('UserUUID', uuids, foundColumns)) {
        byUuid.set(uuid, foundUser(row))
      }
      const emails = keys
        .map(({ uuid, emailKey }) => (uuid !== null && byUuid.has(uuid) ? null : emailKey))
        .filter((key) => key !== null)
      const free = '"UserUUID" IS NULL AS free'
      const byEmail = await ownersOf('email_key', emails, `${foundColumns}, ${free}`)
      return keys.map(({ uuid, emailKey }) => {
        const found = uuid === null ? undefined : byUuid.get(uuid)
        if (found !== undefined) return found
        const owner = byEmail.get(emailKey ?? '')
        if (owner === undefined) return undefined
        return uuid === null || owner['free'] === true ? foundUser(owner) : undefined
      })
    },
    async holders(keys: readonly UniqueKeys[]): Promise<Holders[]> {
      const [ofEmail, ofName] = await Promise.all([
        idsOf(
          'email_key',
          keys.map(({ emailKey }) => emailKey).filter((key) => key !== null),
        ),
        idsOf(
          'username_key',
          keys.map(({ usernameKey }) => usernameKey).filter((key) => key !== null),
        ),
      ])
      return keys.map(({ emailKey, usernameKey }) => ({
        email: emailKey === null ? undefined : ofEmail.get(emailKey),
        username: usernameKey === null ? undefined : ofName.get(usernameKey),
      }))
    },
    async keep(users: Uint8Array): Promise<void> {
      await sql`INSERT INTO presence VALUES (${run}, ${Buffer.from(users)})
        ON CONFLICT (run) DO UPDATE SET users = excluded.users`
    },
    async kept(): Promise<Uint8Array | undefined> {
      const [row] = await sql`SELECT users FROM presence WHERE run = ${run}`
      const users: unknown = row?.['users']
      return users instanceof Uint8Array ? Uint8Array.from(users) : undefined
    },
    async absent(present: Uint8Array): Promise<{ active: number; absent: number }> {
      const counts = { active: 0, absent: 0 }
      for await (const ids of actives()) {
        counts.active += ids.length
        counts.absent += ids.filter((id) => !has(present, id)).length
      }
      return counts
    },
    /** Ids of the first absent users. */
    async firstAbsent(present: Uint8Array, limit: number): Promise<number[]> {
      const found: number[] = []
      for await (const ids of actives()) {
        found.push(...ids.filter((id) => !has(present, id)))
        if (found.length >= limit) break
      }
      return found.slice(0, limit)
    },
    /** Sets the absent users inactive; how many. */
    async deactivate(
      present: Uint8Array,
      { now, change, changed }: { now: number; change: number; changed: Changed },
    ): Promise<number> {
      let count = 0
      for await (const ids of actives()) {
        const absent = ids.filter((id) => !has(present, id))
        if (absent.length === 0) continue
        await keepImages(sql, { place, run }, absent)
        await sql`UPDATE ONLY ${sql(place.users)} SET active = 0, changed_run = ${run}, changed_at = ${now}, change = ${change}
          WHERE directory = ${directory} AND id = ANY(${absent}::int[])`
        for (const id of absent) changed.add(id)
        count += absent.length
      }
      return count
    },
  }
}
