import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { fieldNames } from '../../src/domain/format.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'
import type { TenantSettings } from '../../src/domain/tenant.ts'

export const corpusFolder = join(import.meta.dirname, '..', 'corpus')

/** The user types of a client in the corpus. */
export const corpusUserTypes = [
  { id: '1', name: 'Student' },
  { id: '2', name: 'Staff' },
]

const count = z.number().int().min(0)
const field = z.enum(fieldNames)
const value = z.union([z.string(), z.boolean(), z.null()])

const corpusCase = z.strictObject({
  /** Name of the file in the folder, and under which it is dropped. */
  file: z.string(),
  what: z.string(),
  tenant: z
    .strictObject({
      settings: z
        .strictObject({
          columnMap: z.record(z.string(), field).default({}),
          blankCells: z.enum(['keep', 'clear']).default('keep'),
          requiredFields: z.array(field).default([]),
          datePattern: z.string().nullable().default(null),
          defaultLoginSource: z.string().nullable().default(null),
        })
        .prefault({}),
      loginSources: z.array(z.string()).default([]),
    })
    .prefault({}),
  /** Files that are dropped before, in this order. */
  before: z.array(z.string()).default([]),
  state: z.enum(['completed', 'completed_with_failures', 'failed', 'duplicate']),
  fileReason: z.number().nullable().default(null),
  encoding: z.string().optional(),
  delimiter: z.string().optional(),
  counts: z.strictObject({
    rows: count,
    created: count,
    updated: count,
    unchanged: count,
    skipped: count,
    failed: count,
  }),
  /** Codes of the run's warnings, each once. */
  notices: z.array(z.number()),
  /** In file order; codes in the order of the columns. */
  failures: z.array(z.strictObject({ line: z.number(), codes: z.array(z.number()) })),
  ignoredColumns: z.array(z.string()).optional(),
  /** Fields that users must have afterwards, found by their UserUUID. */
  users: z
    .array(z.intersection(z.object({ UserUUID: z.string() }), z.record(z.string(), value)))
    .default([]),
})

/** One nasty file, the client that drops it, and what the run that imports it must show. */
export type CorpusCase = Omit<z.infer<typeof corpusCase>, 'tenant'> & {
  settings: TenantSettings
  loginSources: string[]
}

/** The cases of test/corpus/expected.json. */
export const corpus: CorpusCase[] = z
  .strictObject({ about: z.string(), cases: z.array(corpusCase) })
  .parse(JSON.parse(readFileSync(join(corpusFolder, 'expected.json'), 'utf8')))
  .cases.map(({ tenant, ...rest }) => ({
    ...rest,
    loginSources: tenant.loginSources,
    settings: { ...defaultSettings, ...tenant.settings },
  }))
