import { apiEndpoints } from '../routes/endpoints.ts'
import { openApiDocument } from '../routes/openapi.ts'
import type { Json } from '../routes/openapi.ts'
import { createOperations } from '../routes/operations.ts'
import { memoryDriver } from '../storage/memory.ts'
import { systemClock } from './clock.ts'
import { openState } from './db/sqlite/state.ts'

/** The OpenAPI document of a server that serves nobody. */
export function apiDocument(): Json {
  const unused = (): never => {
    throw new Error('A document calls no route')
  }
  const parts = {
    state: openState(':memory:'),
    files: memoryDriver().files,
    clock: systemClock,
    hashPassword: unused,
    openUsers: unused,
    checks: [],
    metrics: { request: unused, text: unused },
    penalties: { list: unused, lift: unused },
    importer: {
      nudge: unused,
      submit: unused,
      isFileOf: unused,
      cancel: unused,
      approve: unused,
      reject: unused,
      retry: unused,
      revert: unused,
      failures: unused,
      start: unused,
    },
  }
  return openApiDocument(apiEndpoints(parts, createOperations(parts)))
}
