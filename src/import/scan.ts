import { isBlankRecord } from '../domain/cell.ts'
import type { FoundUser, KeySighting, Ledger, RowKeys } from '../domain/directory.ts'
import { counted, figure } from '../domain/figures.ts'
import { fileLimits } from '../domain/format.ts'
import type { IdentifierShape } from '../domain/identifier-shape.ts'
import { fileNotice } from '../domain/reason.ts'
import type { RowCheck } from '../domain/row-check.ts'
import { createFilter, createSeen } from './filter.ts'
import { FileRefused } from './job.ts'
import { createLikely } from './likely.ts'
import { createFailing } from './failing.ts'
import { contentReader, keyCells, keyReader } from './row-keys.ts'
import type { ScannedKeys } from './row-keys.ts'
import { createPlaces, maxPlaces } from './places.ts'
import type { Places } from './places.ts'
import type { KeyHashes, Sieve } from './sieve.ts'
import { splitIt } from './source.ts'
import type { Source } from './source.ts'
import type { Tally } from './tally.ts'
import { bothOf, has, mark, sizeOf, userSet } from './user-set.ts'
import { readKeys, readRecord, recordText, walk } from './walk.ts'
import type { Visited } from './walk.ts'

// Rows are longer mostly: of short ones there are more, and the table is full before the end.
const rowBytes = 96
const keysOfRow = 3
const suspectBits = 2 ** 24
const sightingsAtOnce = 500
const lookUpsAtOnce = 2000
// Of the first changed rows, while the rest is read: each takes 1 KB until it is stored.
const mostAhead = 16_384
const aheadAtOnce = 500
// One who was not meant takes less than one who is looked up by UUID.
const likelyOfOne = 1.5

export interface ScanOptions {
  source: Source
  check: RowCheck
  ledger: Ledger
  sieve: Sieve
  tally: Tally
  filename: string
  /** A full file: every user that it has is looked up. */
  full: boolean
  /** What the stored identifiers look like. */
  shapes: { UserUUID?: IdentifierShape | null }
  /** True: stop here. */
  onRead: (position: number) => boolean
}

export interface Scanned {
  /** Of the file, good or bad. */
  rows: number
  /** Records that are to be looked at; undefined: too many to list. */
  places: Places | undefined
  /** One bit for each user that a row of the file means; of a full file all, where rows fail that may mean anybody. */
  present: Uint8Array
  /** Users whose known records are not counted yet, because other rows are about them too. */
  shared: Uint8Array
}

/**
 * Reads the whole file before anything is written: counts the rows that are known, finds the rows that share
 * a key, and refuses a file that is cut or too long. Undefined when it was stopped.
 */
export async function scanFile(options: ScanOptions): Promise<Scanned | undefined> {
  const { source, check, ledger, sieve, tally, filename, full, shapes, onRead } = options
  const { position, line, header } = source
  const start = { ...options, position, line }
  // Where nothing is known every record is to be looked at again: a list of them would only cost.
  const mostPlaces = sieve.isEmpty ? 0 : maxPlaces
  const places = createPlaces(mostPlaces)
  const { present } = sieve
  const repeated = userSet(ledger.lastUserId)
  const seen = createSeen((keysOfRow * source.file.size) / rowBytes, !sieve.isEmpty)
  const suspects = createFilter(suspectBits)
  const keysOf = keyReader(header)
  const contentOf = contentReader(header)
  sieve.readKeys(keysOf.columns, header.isReport ? '' : source.delimiter)
  const stop = (at: number): boolean => onRead(at)
  let rows = 0
  let hits = 0
  let misses = 0
  let suspicious = false
  // Rows can mean one user by different keys only where some have a UUID and some have not.
  let withUuid = false
  let withoutUuid = false

  function suspect(hash: number): void {
    if (!seen.add(hash)) return
    suspects.add(hash)
    suspicious = true
  }

  function suspectAll({ uuid, email, username }: KeyHashes): void {
    if (uuid === 0) withoutUuid = true
    else {
      withUuid = true
      suspect(uuid)
    }
    if (email !== 0) suspect(email)
    if (username !== 0) suspect(username)
  }

  function mayShare(cells: readonly string[]): boolean {
    let may = false
    keysOf(cells, (key) => {
      may ||= suspects.has(sieve.keyHash(key))
    })
    return may
  }

  /** The same of a row whose keys the sieve has read: most of a large file are not read again to find the few. */
  function mayShareOf({ uuid, email, username }: KeyHashes): boolean {
    const may = (hash: number): boolean => hash !== 0 && suspects.has(hash)
    return may(uuid) || may(email) || may(username)
  }

  const likely = createLikely(present, ledger.lastUserId)
  let uuidsAhead: string[] = []
  let countAhead = ledger.lookAhead === undefined || ledger.lastUserId === 0 ? mostAhead : 0

  /** The user of a changed row is looked up while the rest of the file is read. */
  function lookAhead(cells: readonly string[]): void {
    const { uuid } = keyCells(keysOf, cells)
    if (uuid === null) return
    countAhead += 1
    if (uuidsAhead.push(uuid) >= aheadAtOnce) sendAhead()
  }

  function sendAhead(): void {
    if (uuidsAhead.length > 0) {
      ledger.lookAhead?.(uuidsAhead, likely.next(uuidsAhead.length * likelyOfOne))
    }
    uuidsAhead = []
  }

  function checkEnd({ record }: Visited, cells: readonly string[]): void {
    if (record.terminated || cells.length >= header.names.length) return
    throw new FileRefused(fileNotice(9113, { name: filename }))
  }

  function countRows(count: number): void {
    rows += count
    if (rows <= fileLimits.maxRows) return
    const limit = `${figure(fileLimits.maxRows)} rows`
    throw new FileRefused(fileNotice(9108, { what: 'more rows', limit, remedy: splitIt }))
  }

  function passOver(count: number): void {
    countRows(count)
    hits += count
    tally.add('unchanged', count)
  }

  const first = await walk({
    ...start,
    pause: stop,
    passOver,
    visit(visited) {
      const { record, userId, failed, keys } = visited
      if (userId !== 0) {
        if (!mark(present, userId)) return passOver(1)
        countRows(1)
        mark(repeated, userId)
        suspicious = true
        return places.add(visited)
      }
      if (failed !== 0) {
        // It will fail as before, and meets nobody.
        countRows(1)
        if (full) misses += 1
        return places.add(visited)
      }
      if (keys !== null) {
        countRows(1)
        misses += 1
        suspectAll(keys)
        if (keys.uuid !== 0 && countAhead < mostAhead) {
          lookAhead(readKeys(record, source, keysOf.width).cells)
        }
        return places.add(visited)
      }
      const { cells, fault } = readKeys(record, source, keysOf.width)
      places.add(visited)
      if (fault === null && isBlankRecord(cells)) return undefined
      countRows(1)
      misses += 1
      checkEnd(visited, cells)
      if (fault !== null) return undefined
      if (keysOf(cells, (key) => suspect(sieve.keyHash(key)))) {
        withUuid = true
        if (countAhead < mostAhead) lookAhead(cells)
      } else withoutUuid = true
      return undefined
    },
  })
  if (!first) return undefined
  sendAhead()

  const misses1 = places.complete() ? places : undefined
  const met = userSet(ledger.lastUserId)
  let anyMet = false
  const passedOver = present.slice()
  let asked: ScannedKeys[] = []
  const failing = createFailing({
    ledger,
    present,
    delimiter: source.delimiter,
    shape: shapes.UserUUID ?? null,
  })

  let meeting: Promise<void> = Promise.resolve()

  /** The next rows are read while these are looked up; resolves when those before them have been. */
  async function meetAsked(): Promise<void> {
    const [keys, failed] = [asked, failing.take()]
    asked = []
    await meeting
    meeting = meet(keys, failed)
    // A failure is met by who waits for it next.
    meeting.catch(() => undefined)
  }

  async function meet(
    keys: readonly ScannedKeys[],
    failed: ReturnType<typeof failing.take>,
  ): Promise<void> {
    const found = await ledger.find(keys)
    const others: RowKeys[] = []
    if (hits > 0) await meetHolders(keys, found)
    for (const [index, { id: user } = { id: undefined }] of found.entries()) {
      const { uuid = null, emailKey = null } = keys[index] ?? {}
      if (full && user === undefined && uuid !== null) others.push({ uuid: null, emailKey })
      if (user === undefined) continue
      if (has(present, user) && !has(met, user)) {
        mark(met, user)
        anyMet = true
        suspicious = true
      }
      mark(present, user)
    }
    for (const user of await ledger.find(others)) if (user !== undefined) mark(present, user.id)
    await failing.meet(failed)
  }

  /** A known record may have the email or username of a changed row: both are read, to be judged together. */
  async function meetHolders(
    rows: readonly ScannedKeys[],
    users: readonly (FoundUser | undefined)[],
  ): Promise<void> {
    const keys = rows.map((row, index) => {
      const user = users[index]
      if (user === undefined || has(passedOver, user.id)) return row
      // What it leaves as it is, nobody but its own user has.
      return {
        emailKey: row.emailKey === user.emailKey ? null : row.emailKey,
        usernameKey: row.usernameKey === user.usernameKey ? null : row.usernameKey,
      }
    })
    const meet = (user: number | undefined, key: string): void => {
      if (user === undefined || !has(passedOver, user)) return
      mark(met, user)
      anyMet = true
      suspicious = true
      suspects.add(sieve.keyHash(key))
    }
    for (const [index, { email, username }] of (await ledger.holders(keys)).entries()) {
      meet(email, `e:${keys[index]?.emailKey}`)
      meet(username, `n:${keys[index]?.usernameKey}`)
    }
  }

  const mayMeet = (misses > 0 && hits > 0) || (withUuid && withoutUuid)
  if ((mayMeet || full) && ledger.lastUserId > 0) {
    const done = await walk({
      ...start,
      ...(misses1 === undefined ? {} : { places: misses1 }),
      pause: stop,
      visit({ record: found, userId, failed }) {
        if (userId !== 0 || (failed !== 0 && !full)) return undefined
        const { cells, fault } = readRecord(found, source)
        if (fault === null && isBlankRecord(cells)) return undefined
        // A row that is not imported meets nobody; its check costs less than its look-ups.
        const row = fault === null ? check.check(cells, found.line, found.plain) : undefined
        const fails = row === undefined || row.reasons.length > 0
        if (fails && !full) return undefined
        const keys = keyCells(keysOf, cells)
        if (fault === null) asked.push(keys)
        if (!fails) return asked.length < lookUpsAtOnce ? undefined : meetAsked()
        if (row !== undefined && cells.length === header.names.length) failing.add(keys, row)
        else failing.addRecord(recordText(found, source))
        return asked.length + failing.count < lookUpsAtOnce ? undefined : meetAsked()
      },
    })
    await meetAsked()
    await meeting
    if (!done) return undefined
  }
  const again = createPlaces(mostPlaces)
  if (suspicious) {
    let sightings: KeySighting[] = []
    // Rows whose user is to be looked up, and what is seen when it was met before.
    let asking: { keys: RowKeys; sighting: Omit<KeySighting, 'key'> }[] = []
    const keep = async (): Promise<void> => {
      if (sightings.length + asking.length === 0) return
      const [found, asks] = [sightings, asking]
      sightings = []
      asking = []
      const users = asks.length === 0 ? [] : await ledger.find(asks.map(({ keys }) => keys))
      for (const [index, { sighting }] of asks.entries()) {
        const user = users[index]
        if (user !== undefined && has(met, user.id)) {
          found.push({ ...sighting, key: `i:${user.id}` })
        }
      }
      await ledger.sight(found)
    }
    const done = await walk({
      ...start,
      async pause(at) {
        // A cell is a part of the text of many records, and would hold it.
        await keep()
        return onRead(at)
      },
      visit(visited) {
        const { record, userId } = visited
        const isShared = userId !== 0 && (has(repeated, userId) || has(met, userId))
        if (userId !== 0 && !isShared) return undefined
        if (visited.failed !== 0) return again.add(visited)
        if (visited.keys !== null && !anyMet && !mayShareOf(visited.keys)) {
          return again.add(visited)
        }
        const { cells, fault } = readRecord(record, source)
        again.add(visited)
        if (fault !== null || isBlankRecord(cells)) return undefined
        if (userId === 0 && !anyMet && !mayShare(cells)) return undefined
        const { line: at } = record
        const row = check.check(cells, at)
        // It is not imported whatever the others say: it must not stop them.
        if (row.reasons.length > 0) return undefined
        const content = contentOf(cells)
        const add = (prefix: string, key: string | null, column: number) => {
          if (key === null) return
          const field = header.names[column] ?? ''
          const value = (cells[column] ?? '').trim()
          sightings.push({ key: prefix + key, field, value, line: at, content })
        }
        const { uuid, email, username } = keysOf.columns
        if (isShared) add('i:', String(userId), uuid >= 0 ? uuid : email)
        if (userId === 0 || has(met, userId)) {
          const may = (key: string) => suspects.has(sieve.keyHash(key))
          if (row.uuid !== null && may(`u:${row.uuid}`)) add('u:', row.uuid, uuid)
          if (row.emailKey !== null && may(`e:${row.emailKey}`)) add('e:', row.emailKey, email)
          if (row.usernameKey !== null && may(`n:${row.usernameKey}`)) {
            add('n:', row.usernameKey, username)
          }
          if (anyMet && userId === 0) {
            const column = row.uuid !== null && uuid >= 0 ? uuid : email
            const field = header.names[column] ?? ''
            const sighting = { field, value: (cells[column] ?? '').trim(), line: at, content }
            asking.push({ keys: { uuid: row.uuid, emailKey: row.emailKey }, sighting })
          }
        }
        const full = sightings.length + asking.length >= sightingsAtOnce
        return full ? keep() : undefined
      },
    })
    if (!done) return undefined
    await keep()
  }
  await ledger.judge()
  const shared = bothOf(passedOver, repeated, met)
  tally.takeBackUnchanged(sizeOf(shared))
  const toVisit = suspicious ? again : places
  const { unread } = failing
  if (unread > 0) tally.notice(fileNotice(9122, { rows: counted(unread, 'row') }))
  return {
    places: toVisit.complete() ? toVisit : undefined,
    present: unread > 0 ? present.slice().fill(0xff) : present,
    shared,
    rows,
  }
}
