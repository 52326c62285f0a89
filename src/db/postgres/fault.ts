import { AppError } from '../../domain/error.ts'

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** True when a unique index refused a statement. */
export function isTaken(error: unknown): boolean {
  return codeOf(error) === '23505'
}

/** A row that the database refuses, for whatever reason. */
export class RowFault extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RowFault'
  }
}

// Data exceptions, constraints, limits of an index entry, and what a trigger raises.
const ofRow = /^(22|23|54)|^P0001$/

/** True when a statement failed by one of its rows: the others can be stored without it. */
export function isRowFault(error: unknown): boolean {
  return error instanceof RowFault || ofRow.test(codeOf(error))
}

// https://www.postgresql.org/docs/current/errcodes-appendix.html: connection, resources, operator intervention; the
// client's own words for a connection that is not there; and those of the operating system.
const away =
  /^(08|53|57)|^(CONNECTION_|CONNECT_TIMEOUT)|^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)/

/** True when the database was not there, and may be later. */
function isAway(error: unknown): boolean {
  if (codeOf(error) !== '') return away.test(codeOf(error))
  return (
    error instanceof Error &&
    /connection to the database is lost|does not answer/.test(error.message)
  )
}

/** What a caller is told: a database that is away is `unavailable`, everything else stays as it is. */
export function translated(error: unknown): unknown {
  if (error instanceof AppError || !isAway(error)) return error
  return new AppError(
    'unavailable',
    'Cannot reach the database: it does not answer, try again later',
    {
      cause: error,
    },
  )
}

/** Runs `write`; a unique index that refuses it becomes AppError `exists` with `what` in front. */
export async function refuseTaken<T>(what: string, write: PromiseLike<T>): Promise<T> {
  try {
    return await write
  } catch (error) {
    if (!isTaken(error)) throw error
    throw new AppError('exists', `${what}: the name is taken, choose another`, { cause: error })
  }
}

/** The same object with every promise that it gives translated. */
export function guarded<T extends object>(store: T): T {
  const entries = Object.entries(store).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'function') return [name, value] as const
    const call = (...args: unknown[]): unknown => {
      const result: unknown = Reflect.apply(value, store, args)
      if (!(result instanceof Promise)) return result
      return result.catch((error: unknown) => {
        throw translated(error)
      })
    }
    return [name, call] as const
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same names with the same results
  return Object.fromEntries(entries) as T
}
