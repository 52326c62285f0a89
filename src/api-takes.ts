import type { z } from 'zod'
import { parseValue } from '../routes/parse.ts'
import { InvalidRequest } from '../routes/problem.ts'
import { UsageError } from './usage.ts'

/** `given` by the schema that the API has for it; throws UsageError, after `cannot`, for what the API refuses. */
export function asApiTakes<T>(schema: z.ZodType<T>, given: unknown, cannot: string): T {
  try {
    return parseValue(schema, given)
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error
    const faults = error.faults.map(({ pointer, detail }) => `${pointer.slice(1)} ${detail}`)
    throw new UsageError(`${cannot}: ${faults.join('; ')}`, { cause: error })
  }
}
