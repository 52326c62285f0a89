import { isBlankRecord } from '../domain/cell.ts'
import type { FailedBefore, ImportRow, Ledger, RowOutcome, Verdict } from '../domain/directory.ts'
import type { RowFailure } from '../domain/importer.ts'
import { rowReason } from '../domain/reason.ts'
import { rowFailure } from '../domain/report.ts'
import type { RowCheck } from '../domain/row-check.ts'
import type { CheckedRow } from '../domain/user.ts'
import type { SplitFault } from './cells.ts'
import type { Places } from './places.ts'
import type { Sieve } from './sieve.ts'
import { faultReader, isTooLong } from './odd-record.ts'
import type { Source } from './source.ts'
import type { Tally } from './tally.ts'
import { readRecord, recordText, walk } from './walk.ts'
import { has } from './user-set.ts'

const verdictsAtOnce = 1000
// A row holds the text of its part of a piece, of 64 KiB: where few of a file are stored, they wait for no others.
const piecesAtOnce = 16
/** Rows of a transaction: a fsync, and the pages of three indexes, for each (docs/performance.md). */
const rowsPerBatch = 50_000

export interface ApplyOptions {
  source: Source
  check: RowCheck
  ledger: Ledger
  sieve: Sieve
  places: Places | undefined
  failedBefore: FailedBefore
  /** Users whose known records the scan has not counted, because other rows are about them too. */
  shared: Uint8Array
  tally: Tally
  position: number
  line: number
  /** The full batch is to be committed; true: stop here. */
  onBatch: (position: number, line: number) => Promise<boolean>
  onRead: (position: number) => boolean
}

/** Checks and stores the rows that the scan has not counted already; false when it was stopped. */
export async function applyRows(options: ApplyOptions): Promise<boolean> {
  const { source, check, ledger, tally, shared, failedBefore, onBatch, onRead } = options
  const { header } = source
  const faultOf = faultReader(source)
  const verdicts = await verdictReader(ledger, options.line)
  options.sieve.splitCells(source.delimiter)
  let pending: ImportRow[] = []
  let storing: Promise<void> = Promise.resolve()
  let inBatch = 0
  let pieces = 0
  let stopped = false
  let { checkUnnamed } = check

  /** `hash`: of a record that will fail alike whenever it comes, else 0. */
  function fail(failure: RowFailure, hash = 0): Promise<void> {
    tally.fail(failure.reasons.map(({ code }) => code))
    return ledger.fail(failure, hash)
  }

  async function store(rows: readonly ImportRow[]): Promise<void> {
    for (const [index, outcome] of (await ledger.apply(rows)).entries()) {
      const given = rows[index]
      if (given === undefined || outcome === 'deferred') continue
      if (typeof outcome === 'object') {
        await fail({ ...given.failure(), reasons: outcome.reasons })
        continue
      }
      tally.add(outcome)
      warnOf(tally, given.row, outcome)
    }
  }

  /** The next rows are read while these are stored: with PostgreSQL that is another process. */
  async function flush(): Promise<void> {
    const rows = pending
    pending = []
    pieces = 0
    await storing
    storing = store(rows)
    // A failure is met by who waits for it next.
    storing.catch(() => undefined)
  }

  async function flushAll(): Promise<void> {
    await flush()
    await storing
  }

  const { places, ...rest } = options
  const done = await walk({
    ...rest,
    ...(places === undefined ? {} : { places }),
    pause: async (position, line) => {
      pieces += 1
      if (inBatch < rowsPerBatch && !onRead(position)) {
        if (pieces >= piecesAtOnce) await flush()
        return false
      }
      inBatch = 0
      await flushAll()
      stopped = await onBatch(position, line)
      return stopped
    },
    visit({ record: found, hash, userId, failed }) {
      if (failed !== 0) {
        inBatch += 1
        tally.fail(failedBefore.codes(failed))
        return ledger.failAgain(found.line, failed)
      }
      const verdict = verdicts.at(found.line)
      if (verdict instanceof Promise) return verdict.then(visitKnown)
      return visitKnown(verdict)

      function visitKnown(judged: Verdict | undefined): Promise<void> | undefined {
        if (userId === 0 || judged !== undefined) return visitRow(judged)
        if (!has(shared, userId)) return undefined
        inBatch += 1
        tally.add('unchanged')
        return undefined
      }

      function visitRow(judged: Verdict | undefined): Promise<void> | undefined {
        const { cells, fault } = readRecord(found, source)
        const { line } = found
        if (fault !== null) {
          inBatch += 1
          const record = recordText(found, source)
          const reasons = [faultOf(record, fault, line)]
          return fail(rowFailure(header, { line, cells, record: begun(record, fault), reasons }))
        }
        if (isBlankRecord(cells)) return undefined
        inBatch += 1
        const unnamed = checkUnnamed?.(cells)
        if (unnamed !== undefined) {
          tally.warn(line, [unnamed])
          checkUnnamed = undefined
        }
        if (judged !== undefined && judged.reasons === null) {
          tally.add('skipped')
          tally.warn(line, [rowReason(9121, null, { line: judged.lines[0] ?? 0 })])
          return undefined
        }
        const row = check.check(cells, line, found.plain)
        if (judged !== undefined || row.reasons.length > 0) {
          const alone =
            judged === undefined && unnamed === undefined && !found.several && !header.hasPassword
          const reasons = [...row.reasons, ...(judged?.reasons ?? [])]
          const record = recordText(found, source)
          return fail(rowFailure(header, { line, cells, record, reasons }), alone ? hash : 0)
        }
        // A row with a remark is looked at each time, so that its remark is made each time.
        const remarks = row.warnings.length + row.updateWarnings.length
        const kept = remarks === 0 && unnamed === undefined ? hash : 0
        // It has cells: its text is not asked for.
        const failure = () => rowFailure(header, { line, cells, record: '', reasons: [] })
        pending.push({ row, hash: kept, failure })
        return pending.length < ledger.rowsAtOnce ? undefined : flush()
      }
    },
  })
  if (!stopped) await flushAll()
  return done
}

// Of a row that is too long; as a whole, the report that shows it would have a row that is too long.
const shownOfTooLong = 1000

function begun(record: string, { kind }: SplitFault): string {
  return isTooLong(kind) ? `${record.slice(0, shownOfTooLong).toWellFormed()}…` : record
}

function warnOf(
  tally: Tally,
  { line, warnings, updateWarnings }: CheckedRow,
  outcome: string,
): void {
  if (warnings.length > 0) tally.warn(line, warnings)
  if (updateWarnings.length > 0 && outcome !== 'created') tally.warn(line, updateWarnings)
}

/** Reads the verdicts along with the file. */
async function verdictReader(ledger: Ledger, from: number) {
  let page: Verdict[] = await ledger.verdicts(from, verdictsAtOnce)
  let index = 0

  const here = (line: number): Verdict | undefined => {
    while (index < page.length && (page[index]?.line ?? 0) < line) index += 1
    const found = page[index]
    return found?.line === line ? found : undefined
  }

  return {
    at(line: number): Verdict | undefined | Promise<Verdict | undefined> {
      const found = here(line)
      if (found !== undefined || index < page.length || page.length < verdictsAtOnce) return found
      return ledger.verdicts(line, verdictsAtOnce).then((next) => {
        page = next
        index = 0
        return here(line)
      })
    },
  }
}

/** Decides the rows that waited for others; their outcome is counted like any other. */
export async function settleRows(ledger: Ledger, tally: Tally): Promise<void> {
  await ledger.settle(async (outcome: RowOutcome, { row, failure }) => {
    if (typeof outcome === 'object') {
      tally.fail(outcome.reasons.map(({ code }) => code))
      await ledger.fail({ ...failure, reasons: outcome.reasons }, 0)
    } else if (outcome !== 'deferred') {
      tally.add(outcome)
      warnOf(tally, row, outcome)
    }
  })
}
