import type { StagedFile } from '../../src/domain/storage.ts'

/** What `writeSparseFile` writes. */
export const sparseFile = { pieces: 200, rowsOfPiece: 26 }

// In a column that is not imported.
const filler = 'x'.repeat(20 * 1024)

/** A file of about 100 MiB: in each half MiB one good row among rows that fail, and two of one email if `sharing`. */
export async function writeSparseFile(file: StagedFile, sharing: boolean): Promise<void> {
  const { pieces, rowsOfPiece } = sparseFile
  let position = 0
  const write = async (text: string): Promise<void> => {
    const bytes = Buffer.from(text)
    await file.write(position, bytes)
    position += bytes.length
  }
  await write('email,firstName,lastName,status,note\r\n')
  for (let piece = 0; piece < pieces; piece += 1) {
    const rows = Array.from({ length: rowsOfPiece }, (_, row) => {
      const status = row === 0 || (sharing && row < 3) ? 'active' : 'maybe'
      return `p${piece}.${sharing && row === 1 ? 2 : row}@maple.example,Ada,Number ${row},${status},${filler}`
    })
    await write(`${rows.join('\r\n')}\r\n`)
  }
}
