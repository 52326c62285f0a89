import { z } from 'zod'
import {
  clearWord,
  columns,
  commonCodes,
  fieldNames,
  fileLimits,
  templateCsv,
} from '../src/domain/format.ts'
import { reasonCodes, reasons } from '../src/domain/reason.ts'
import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import { attachment } from './send-file.ts'

const count = z.number().int()

const formatSchema = z
  .strictObject({
    columns: z.array(
      z.strictObject({
        name: z.enum(fieldNames),
        headers: z.array(z.string()).meta({ description: 'Other names that are taken for it' }),
        invertedHeaders: z.array(z.string()).meta({ description: 'Names that mean the opposite' }),
        need: z.string(),
        min: count.nullable(),
        max: count.nullable().meta({ description: 'Characters after trimming' }),
        multiLine: z.boolean(),
        neverCleared: z.boolean(),
        codes: z.array(count).meta({ description: 'Reasons that a cell can get' }),
        sentence: z.string(),
      }),
    ),
    reasons: z.array(z.strictObject({ code: count, level: z.string(), meaning: z.string() })),
    limits: z.strictObject({
      maxBytes: count,
      maxRows: count,
      maxRecordBytes: count,
      maxFieldBytes: count,
      maxColumns: count,
    }),
    clearWord: z.string().meta({ description: 'In a cell, it clears what is stored' }),
  })
  .meta({ id: 'Format' })

const format: z.infer<typeof formatSchema> = {
  columns: fieldNames.map((name) => {
    const column = columns[name]
    return {
      name,
      headers: [...column.headers],
      invertedHeaders: [...(column.invertedHeaders ?? [])],
      need: column.need,
      min: column.min ?? null,
      max: column.max,
      multiLine: column.multiLine === true,
      neverCleared: column.neverCleared === true,
      codes: [...new Set([...column.codes, ...commonCodes])],
      sentence: column.sentence,
    }
  }),
  reasons: reasonCodes.map((code) => {
    const { level, meaning } = reasons[code]
    return { code, level, meaning }
  }),
  limits: { ...fileLimits },
  clearWord,
}

/** `/format` and `/template.csv`: what a file may look like, from the table that the import reads. */
export function fileFormat(): Endpoint[] {
  return [
    endpoint(
      'GET /format',
      {
        summary: 'The columns of a file, the reasons of failed rows, and the limits',
        answers: { 200: { description: 'The format', schema: formatSchema } },
        example: { status: 200 },
      },
      ({ context }) => {
        context.header('cache-control', 'public, max-age=3600')
        return context.json(format)
      },
    ),
    endpoint(
      'GET /template.csv',
      {
        summary: 'A file with every column, to be filled in',
        answers: { 200: { description: 'The header row', type: 'text/csv' } },
        example: { status: 200 },
      },
      ({ context }) =>
        context.body(templateCsv, 200, {
          'content-type': 'text/csv; charset=utf-8',
          'content-disposition': attachment('template.csv'),
          'cache-control': 'public, max-age=3600',
        }),
    ),
  ]
}
