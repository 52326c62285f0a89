import type { Ledger } from '../domain/directory.ts'
import type { IdentifierShape } from '../domain/identifier-shape.ts'
import type { CheckedRow } from '../domain/user.ts'
import { anyKeys, mendedKeys } from './row-keys.ts'
import type { ScannedKeys } from './row-keys.ts'
import { mark } from './user-set.ts'

export interface FailingOptions {
  ledger: Ledger
  /** One bit for each user that the file means. */
  present: Uint8Array
  delimiter: string
  /** What the stored UUIDs look like. */
  shape: IdentifierShape | null
}

interface Failing {
  /** Keys that the row may have had before it was damaged. */
  keys: ScannedKeys[]
  /** False: it had a key that cannot be read, and may mean anybody. */
  isClear: boolean
}

/** Rows of a full file that fail: each counts as present, by any key that its user may have. */
export function createFailing({ ledger, present, delimiter, shape }: FailingOptions) {
  let waiting: Failing[] = []
  let count = 0
  let unread = 0
  return {
    /** Keys that wait to be looked up. */
    get count() {
      return count
    },
    /** Rows of nobody that is known, whose key cannot be read. */
    get unread() {
      return unread
    },
    /** A row whose cells stand in their columns. */
    add(keys: ScannedKeys, row: CheckedRow): void {
      const isClear =
        keys.uuid === null ? keys.emailKey === null || row.emailKey !== null : row.uuid !== null
      waiting.push({ keys: [mendedKeys(keys, shape)], isClear })
      count += 1
    },
    /** A record that could not be split, or does not fit the columns: the last line of many exports is one, and means nobody. */
    addRecord(record: string): void {
      const keys = anyKeys(record, delimiter)
      waiting.push({ keys, isClear: true })
      count += keys.length
    },
    /** Those that wait, as what `meet` takes; the next ones begin. */
    take(): readonly Failing[] {
      const taken = waiting
      waiting = []
      count = 0
      return taken
    },
    async meet(rows: readonly Failing[]): Promise<void> {
      const keys = rows.flatMap((row) => row.keys)
      if (keys.length === 0) return
      const [found, holders] = [await ledger.find(keys), await ledger.holders(keys)]
      let index = 0
      for (const { keys: own, isClear } of rows) {
        let isMet = false
        for (const last = index + own.length; index < last; index += 1) {
          for (const user of [found[index]?.id, holders[index]?.email, holders[index]?.username]) {
            if (user === undefined) continue
            mark(present, user)
            isMet = true
          }
        }
        if (!isMet && !isClear) unread += 1
      }
    },
  }
}
