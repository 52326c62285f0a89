import { closeSync, fsyncSync, openSync, readSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { ours } from './ours.ts'

const pieceBytes = 512 * 1024

/** What cannot be gone below: seconds of reading the file, and of writing what a first load leaves. */
export async function limitsOf(folder: string, file: string) {
  const piece = Buffer.alloc(pieceBytes)
  const us = ours(join(folder, 'ours'))
  const load = await us.prepare(file)
  const begun = performance.now()
  await load()
  const loadSeconds = (performance.now() - begun) / 1000
  const { size } = statSync(us.database)

  const readBegun = performance.now()
  const source = openSync(file, 'r')
  while (readSync(source, piece) > 0);
  closeSync(source)
  const readSeconds = (performance.now() - readBegun) / 1000

  // Once into the log, once into the database.
  const writeBegun = performance.now()
  const target = openSync(join(folder, 'written'), 'w')
  for (let written = 0; written < 2 * size; written += pieceBytes) writeSync(target, piece)
  fsyncSync(target)
  const writeSeconds = (performance.now() - writeBegun) / 1000
  const syncBegun = performance.now()
  const syncs = 20
  for (let n = 0; n < syncs; n += 1) {
    writeSync(target, piece)
    fsyncSync(target)
  }
  const syncSeconds = (performance.now() - syncBegun) / 1000 / syncs
  closeSync(target)
  return { loadSeconds, readSeconds, writeSeconds, syncSeconds, megabytes: size / 1e6 }
}
