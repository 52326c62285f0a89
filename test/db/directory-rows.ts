import { expect } from 'vitest'
import type {
  Directory,
  ImportRow,
  Ledger,
  LedgerOptions,
  LedgerState,
  RowOutcome,
  RowPlan,
} from '../../src/domain/directory.ts'
import type { RowReason } from '../../src/domain/importer.ts'
import { zeroCounts } from '../../src/domain/run.ts'
import { comparisonKey, storedFields } from '../../src/domain/user.ts'
import type { StoredField } from '../../src/domain/user.ts'

/** What a row of a test says: text to store, null to clear; what is not named is kept. */
export type Cells = Partial<Record<StoredField, string | null>> & {
  line: number
  active?: boolean
  password?: string
  hash?: number
  createReasons?: RowReason[]
  updateWarnings?: RowReason[]
}

/** Opens the directory of a tenant: an empty one the first time, the same one after a close. */
export type OpenDirectory = (tenantId: string) => Promise<Directory>

export const ada = {
  line: 2,
  UserUUID: 'u1',
  email: 'Ada@x.example',
  username: 'ada',
  firstName: 'Ada',
}
export const bob = {
  line: 3,
  UserUUID: 'u2',
  email: 'bob@x.example',
  username: 'bob',
  firstName: 'Bob',
}
export const eve = {
  line: 4,
  UserUUID: 'u3',
  email: 'eve@x.example',
  username: 'eve',
  firstName: 'Eve',
}

export const plan: RowPlan = {
  fields: ['UserUUID', 'email', 'username', 'firstName', 'lastName'],
  defaultLoginSource: 'SSO',
  createReasons: [],
  headers: { UserUUID: 'ID', email: 'Mail', username: 'Login' },
}

/** A row as the check would hand it on. */
export function importRow(cells: Cells, fields: readonly StoredField[] = plan.fields): ImportRow {
  const key = (field: StoredField): string | null => {
    const value = cells[field]
    return typeof value === 'string' ? comparisonKey(value) : null
  }
  return {
    hash: cells.hash ?? 0,
    row: {
      line: cells.line,
      values: fields.map((field) => cells[field]),
      active: cells.active,
      password: cells.password ?? null,
      uuid: cells.UserUUID ?? null,
      emailKey: key('email'),
      usernameKey: key('username'),
      reasons: [],
      createReasons: cells.createReasons ?? [],
      warnings: [],
      updateWarnings: cells.updateWarnings ?? [],
    },
    failure: () => ({
      line: cells.line,
      reasons: [],
      cells: [String(cells.line), cells.email ?? ''],
      raw: null,
    }),
  }
}

export const beginning: LedgerState = {
  phase: 'applying',
  position: 0,
  line: 1,
  counts: { ...zeroCounts },
  reasons: [],
  file: null,
  notices: [],
  fileReason: null,
  outcome: null,
  mails: [],
}

export const done: LedgerState = { ...beginning, phase: 'done', outcome: 'completed' }

export function ledgerOptions(runId: string, options: Partial<LedgerOptions> = {}): LedgerOptions {
  return {
    runId,
    dryRun: false,
    now: () => Number(runId.replace(/\D/g, '')) * 1000,
    hashPassword: async (password) => `hash of ${password}`,
    ...options,
  }
}

/** A row's outcome as a test names it: the codes of a row that failed. */
function named(outcome: RowOutcome): string {
  return typeof outcome === 'string' ? outcome : outcome.reasons.map(({ code }) => code).join(' ')
}

/** Applies `rows` and settles, keeping failures, without a commit; outcomes by line. */
export async function applyAll(
  ledger: Ledger,
  rows: readonly Cells[],
  fields: readonly StoredField[] = plan.fields,
): Promise<Record<number, string>> {
  const outcomes: Record<number, string> = {}
  const given = rows.map((cells) => importRow(cells, fields))
  const warned = new Map(given.map(({ row }) => [row.line, row.updateWarnings]))
  for (const [index, outcome] of (await ledger.apply(given)).entries()) {
    const row = given[index]
    if (row === undefined || outcome === 'deferred') continue
    outcomes[row.row.line] = named(outcome)
    if (typeof outcome === 'object') {
      await ledger.fail({ ...row.failure(), reasons: outcome.reasons }, 0)
    }
  }
  await ledger.settle(async (outcome, { row, failure }) => {
    expect(row).toMatchObject({
      line: failure.line,
      updateWarnings: warned.get(failure.line) ?? [],
    })
    outcomes[failure.line] = named(outcome)
    if (typeof outcome === 'object') await ledger.fail({ ...failure, reasons: outcome.reasons }, 0)
  })
  return outcomes
}

/** One whole run; outcomes by line. */
export async function importAll(
  directory: Directory,
  runId: string,
  rows: readonly Cells[],
  options: Partial<LedgerOptions> & Partial<RowPlan> = {},
): Promise<Record<number, string>> {
  const ledger = await directory.begin(ledgerOptions(runId, options))
  const planned = { ...plan, ...options }
  ledger.plan(planned)
  const outcomes = await applyAll(ledger, rows, planned.fields)
  await ledger.commit(done)
  await ledger.close()
  return outcomes
}

/** Every user in the order of creation: what is stored, without times. */
/** The users that a record is known of, by its fingerprint. */
export async function fingerprintsOf(ledger: Ledger): Promise<Record<number, number>> {
  const found: Record<number, number> = {}
  await ledger.fingerprints((first, hashes) => {
    for (const [index, hash] of hashes.entries()) if (hash !== 0) found[hash] = first + index
  })
  return found
}

export async function usersOf(directory: Directory): Promise<Record<string, unknown>[]> {
  return (await directory.users({ limit: 1000 })).map(({ fields, active, hasPassword }) => ({
    ...Object.fromEntries(
      storedFields.filter((field) => fields[field] !== null).map((field) => [field, fields[field]]),
    ),
    ...(active ? {} : { active }),
    ...(hasPassword ? { hasPassword } : {}),
  }))
}
