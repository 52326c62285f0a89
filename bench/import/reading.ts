import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { parse } from 'csv-parse'
import Papa from 'papaparse'
import { matchHeader } from '../../src/domain/header.ts'
import type { FileReader } from '../../src/domain/storage.ts'
import { createSieve } from '../../src/import/sieve.ts'
import type { Source } from '../../src/import/source.ts'
import { readRecord, walk } from '../../src/import/walk.ts'
import { columns } from './rows.ts'

/** Reads a file to its end as cells; resolves to the number of rows. */
export type Reading = (file: string) => Promise<number>

async function reader(path: string): Promise<FileReader> {
  const handle = await open(path)
  const { size } = await handle.stat()
  return {
    size,
    async read(position, length, room) {
      const buffer = room?.subarray(0, length) ?? new Uint8Array(length)
      const { bytesRead } = await handle.read(buffer, 0, length, position)
      return buffer.subarray(0, bytesRead)
    },
    close: () => handle.close(),
  }
}

/** Our own reading of every row, as an import without known records does it. */
async function ours(path: string): Promise<number> {
  const file = await reader(path)
  const source: Source = {
    file,
    encoding: 'utf-8',
    delimiter: ',',
    sha256: '',
    sizeBytes: file.size,
    header: matchHeader([...columns], { columnMap: {}, previousFields: [] }),
    position: columns.join(',').length + 2,
    line: 2,
    notices: [],
    decode: (buffer, start, end) => buffer.toString('utf8', start, end),
    close: () => file.close(),
  }
  let rows = 0
  const sieve = createSieve({ lastUserId: 0, seed: 1 })
  sieve.splitCells(source.delimiter)
  await walk({
    source,
    sieve,
    position: source.position,
    line: source.line,
    visit({ record }) {
      const { cells } = readRecord(record, source)
      if (cells.length === columns.length) rows += 1
    },
  })
  await source.close()
  return rows
}

async function csvParse(path: string): Promise<number> {
  let rows = 0
  const parser = createReadStream(path).pipe(parse({ columns: true, bom: true }))
  for await (const row of parser as AsyncIterable<Record<string, string>>) {
    if (row['email'] !== undefined) rows += 1
  }
  return rows
}

async function papaparse(path: string): Promise<number> {
  let rows = 0
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  Papa.parse<string[]>(createReadStream(path), {
    step: ({ data }) => {
      if (data.length === columns.length) rows += 1
    },
    complete: () => resolve(rows - 1),
    error: reject,
  })
  return promise
}

/** Ours first; to be at least so many times as fast as each other one. */
export const readings: readonly { name: string; read: Reading; target: number }[] = [
  { name: 'ours', read: ours, target: 1 },
  { name: 'csv-parse with columns', read: csvParse, target: 8 },
  { name: 'papaparse, streaming', read: papaparse, target: 2 },
]
