import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { isBlankRecord } from '../../src/domain/cell.ts'
import { detectDelimiter } from '../../src/domain/dialect.ts'
import { detectEncoding } from '../../src/domain/encoding.ts'
import { headerMatcher, matchHeader } from '../../src/domain/header.ts'
import { identifierShape } from '../../src/domain/identifier-shape.ts'
import { detectNotCsv } from '../../src/domain/not-csv.ts'
import { createRowCheck } from '../../src/domain/row-check.ts'
import { corpus, corpusFolder, corpusUserTypes } from '../support/corpus.ts'

// Said by a single row, without the directory, the splitter or the upload.
const decidedHere = new Set([9011, 9013, 9015, 9030, 9031, 9032, 9033, 9105, 9107, 9114, 9115])
const decidedByHeader = new Set([9100, 9102, 9103, 9108])

function decoded(name: string) {
  const bytes = readFileSync(join(corpusFolder, name))
  const { encoding, bomBytes } = detectEncoding(bytes, { whole: true })
  return { bytes, encoding, text: new TextDecoder(encoding).decode(bytes.subarray(bomBytes)) }
}

const rawRecords = z.array(z.object({ record: z.array(z.string()), raw: z.string() }))

/** Records with the line where each begins. */
function records(text: string, delimiter: string, line: number) {
  const parsed = rawRecords.parse(
    parse(text, {
      delimiter,
      raw: true,
      relax_column_count: true,
      record_delimiter: ['\r\n', '\n', '\r'],
    }),
  )
  const ends = (raw: string) => raw.match(/\r\n|\n|\r/g)?.length ?? 0
  return parsed.map(({ record, raw }) => {
    const first = line
    line += ends(raw)
    return { record, line: first }
  })
}

describe('the corpus', () => {
  test('has a case for every file, or a case that drops it before', () => {
    const named = new Set(corpus.flatMap(({ file, before }) => [file, ...before]))
    const files = readdirSync(corpusFolder).filter((name) => name !== 'expected.json')
    expect(files.filter((name) => !named.has(name))).toEqual([])
    expect([...named].filter((name) => !files.includes(name))).toEqual([])
    expect(corpus.length).toBeGreaterThan(80)
  })

  test.each(corpus)('$file is read as expected: $what', (expected) => {
    const { bytes, encoding, text } = decoded(expected.file)
    const what = detectNotCsv(bytes)
    expect(what !== null).toBe(expected.fileReason === 9109)
    if (what !== null) return
    const { columnMap } = expected.settings
    const targetOf = headerMatcher(columnMap)
    const dialect = detectDelimiter(text, (header) => targetOf(header) !== null)
    if (expected.fileReason === null) {
      expect({ encoding, delimiter: dialect.delimiter }).toEqual({
        encoding: expected.encoding,
        delimiter: expected.delimiter,
      })
    }
    // The splitter of the import has its own tests; the oracle gives up at a stray quote.
    if (expected.failures.some(({ codes }) => codes.some((code) => code === 9003 || code === 9106)))
      return
    const [head, ...rows] = records(
      text.slice(dialect.offset),
      dialect.delimiter,
      dialect.lines + 1,
    )
    const header = matchHeader(head?.record ?? [], { columnMap })
    expect(header.reasons[0]?.code).toBe(
      expected.fileReason !== null && decidedByHeader.has(expected.fileReason)
        ? expected.fileReason
        : undefined,
    )
    if (expected.fileReason !== null) return
    if (expected.ignoredColumns !== undefined) {
      expect(header.ignored).toEqual(expected.ignoredColumns)
    }
    const stored = expected.before.flatMap((name) =>
      records(decoded(name).text, ',', 1).map(({ record }) => record[0] ?? ''),
    )
    const rowCheck = createRowCheck({
      header,
      settings: expected.settings,
      userTypes: corpusUserTypes,
      loginSources: expected.loginSources,
      shapes: { UserUUID: identifierShape(stored.slice(1)) },
    })
    const failures = rows
      .filter(({ record }) => !isBlankRecord(record))
      .map(({ record, line }) => {
        const { reasons, createReasons } = rowCheck.check(record, line)
        return { line, codes: [...reasons, ...createReasons].map(({ code }) => code) }
      })
    expect(failures).toHaveLength(expected.counts.rows)
    const creates = new Set(rowCheck.createReasons.map(({ code }) => code))
    expect(failures.filter(({ codes }) => codes.length > 0)).toEqual(
      expected.failures.filter(({ codes }) =>
        codes.some((code) => decidedHere.has(code) && !creates.has(code)),
      ),
    )
  })
})
