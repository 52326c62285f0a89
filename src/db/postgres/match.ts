import type { ImportRow, RowOutcome, RowPlan } from '../../domain/directory.ts'
import type { RowReason } from '../../domain/importer.ts'
import type { CheckedRow } from '../../domain/user.ts'
import { keyAfter, severalReason, takenReason } from '../taken-reason.ts'

/** A user as the rows of one call leave it. */
export interface Found {
  readonly id: number
  active: number
  uuid: string | null
  emailKey: string | null
  usernameKey: string | null
  /** Aligned with the plan's fields. */
  values: (string | null)[]
}

/** What the rows of one call do to the users. */
export interface Changes {
  created: { id: number; row: CheckedRow }[]
  updated: Set<Found>
  /** Fields of the plan, by their places, that some of those have another value in. */
  slots: Set<number>
  /** Of those updated, whose email or username changes: they let go of both before anybody takes one. */
  rekeyed: Set<Found>
}

export interface MatchOptions {
  plan: RowPlan
  /** Every user that a key of the rows leads to. */
  users: Iterable<Found>
  nextId: () => number
  /** Keeps the fingerprint of the record that a user now stands for. */
  remember: (userId: number, hash: number) => void
}

/** Matches rows in their order, each seeing what the ones before it did, as if they were stored one by one. */
export function createMatcher({ plan, users, nextId, remember }: MatchOptions) {
  const { fields } = plan
  const uuidSlot = fields.indexOf('UserUUID')
  const emailSlot = fields.indexOf('email')
  const usernameSlot = fields.indexOf('username')
  const byUuid = new Map<string, Found>()
  const byEmail = new Map<string, Found>()
  const byUsername = new Map<string, Found>()
  // Of a directory that was put together by hand: no index would let them in.
  const severalEmails = new Set<string>()
  const changes: Changes = {
    created: [],
    updated: new Set(),
    slots: new Set(),
    rekeyed: new Set(),
  }

  function enter(user: Found): void {
    if (user.uuid !== null) byUuid.set(user.uuid, user)
    if (user.emailKey !== null) byEmail.set(user.emailKey, user)
    if (user.usernameKey !== null) byUsername.set(user.usernameKey, user)
  }

  const owner = (map: Map<string, Found>, key: string | null): Found | undefined =>
    key === null ? undefined : map.get(key)

  function taken(row: CheckedRow, found: Found | undefined): RowReason[] {
    const reasons: RowReason[] = []
    const email = owner(byEmail, row.emailKey)
    if (email !== undefined && email !== found) {
      reasons.push(takenReason(9019, plan.headers.email, row.values[emailSlot], email.uuid))
    }
    const username = owner(byUsername, row.usernameKey)
    if (username !== undefined && username !== found) {
      reasons.push(
        takenReason(9020, plan.headers.username, row.values[usernameSlot], username.uuid),
      )
    }
    return reasons
  }

  /** The user that a row means, or what keeps it from meaning one. */
  function match(row: CheckedRow): Found | RowReason[] | undefined {
    const known = owner(byUuid, row.uuid)
    if (known !== undefined) return known
    const email = owner(byEmail, row.emailKey)
    if (email === undefined) return undefined
    if (row.uuid === null && severalEmails.has(row.emailKey ?? '')) {
      return [severalReason(plan.headers.email, row.values[emailSlot])]
    }
    if (row.uuid === null || email.uuid === null) return email
    return notNew(row)
  }

  /** What keeps a row from making a new user. */
  function notNew(row: CheckedRow): RowReason[] {
    return [...plan.createReasons, ...row.createReasons, ...taken(row, undefined)]
  }

  function create({ row, hash }: ImportRow): RowOutcome {
    const reasons = notNew(row)
    if (reasons.length > 0) return { reasons }
    const id = nextId()
    changes.created.push({ id, row })
    enter({
      id,
      active: row.active === false ? 0 : 1,
      uuid: row.uuid,
      emailKey: row.emailKey,
      usernameKey: row.usernameKey,
      values: row.values.map((value) => value ?? null),
    })
    remember(id, hash)
    return 'created'
  }

  function update({ row, hash }: ImportRow, found: Found): RowOutcome {
    const values = [...found.values]
    const slots: number[] = []
    for (const [slot, value] of row.values.entries()) {
      if (value === undefined || value === found.values[slot]) continue
      values[slot] = value
      slots.push(slot)
    }
    const active = row.active === undefined ? found.active : Number(row.active)
    if (slots.length === 0 && active === found.active) {
      remember(found.id, hash)
      return 'unchanged'
    }
    const emailKey =
      emailSlot < 0 ? found.emailKey : keyAfter(row.values[emailSlot], row.emailKey, found.emailKey)
    const usernameKey =
      usernameSlot < 0
        ? found.usernameKey
        : keyAfter(row.values[usernameSlot], row.usernameKey, found.usernameKey)
    const rekeys = emailKey !== found.emailKey || usernameKey !== found.usernameKey
    if (rekeys || (row.uuid !== null && row.uuid !== found.uuid)) {
      const reasons = taken(row, found)
      if (reasons.length > 0) return { reasons }
    }
    if (found.emailKey !== null) byEmail.delete(found.emailKey)
    if (found.usernameKey !== null) byUsername.delete(found.usernameKey)
    found.values = values
    found.active = active
    found.emailKey = emailKey
    found.usernameKey = usernameKey
    if (uuidSlot >= 0) found.uuid = values[uuidSlot] ?? null
    enter(found)
    changes.updated.add(found)
    for (const slot of slots) changes.slots.add(slot)
    if (rekeys) changes.rekeyed.add(found)
    remember(found.id, hash)
    return 'updated'
  }

  for (const user of users) {
    if (user.emailKey !== null && byEmail.has(user.emailKey)) severalEmails.add(user.emailKey)
    enter(user)
  }
  return {
    changes,
    apply(given: ImportRow): RowOutcome {
      const found = match(given.row)
      if (Array.isArray(found)) return { reasons: found }
      return found === undefined ? create(given) : update(given, found)
    },
    /** The user of a row lets go of the email and username that the row does not keep. */
    vacate(row: CheckedRow): void {
      const found = match(row)
      if (found === undefined || Array.isArray(found)) return
      const keeps = (key: string | null, stored: string | null) => key === null || key === stored
      if (!keeps(row.emailKey, found.emailKey)) {
        byEmail.delete(found.emailKey ?? '')
        found.emailKey = null
        changes.rekeyed.add(found)
      }
      if (!keeps(row.usernameKey, found.usernameKey)) {
        byUsername.delete(found.usernameKey ?? '')
        found.usernameKey = null
        changes.rekeyed.add(found)
      }
    },
    /** The id of the user that was made of a row. */
    userOf: (row: CheckedRow): number | undefined =>
      (owner(byUuid, row.uuid) ?? owner(byEmail, row.emailKey))?.id,
  }
}

export type Matcher = ReturnType<typeof createMatcher>
