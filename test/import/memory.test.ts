import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { top } from '../support/server.ts'
import { sparseFile } from './sparse-file.ts'

// A run needs about 40 MiB; the text of all pieces that have a row that matters, 100 MiB.
const heapMegabytes = 64

test.each(['sharing', 'apart'])('few rows of each piece matter, %s: memory is flat', (kind) => {
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-memory-'))
  try {
    const child = spawnSync(
      process.execPath,
      [
        `--max-old-space-size=${heapMegabytes}`,
        join(import.meta.dirname, 'memory-child.ts'),
        folder,
        kind,
      ],
      { cwd: top, encoding: 'utf8' },
    )
    expect(child.signal, child.stderr).toBeNull()
    const { pieces, rowsOfPiece } = sparseFile
    expect(JSON.parse(child.stdout)).toMatchObject({
      rows: pieces * rowsOfPiece,
      created: pieces,
      failed: pieces * (rowsOfPiece - 1),
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
