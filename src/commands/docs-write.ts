import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generatedPages } from '../docs.ts'

/** `npm run docs`: writes every page that is made from a table of the code. */
const top = join(import.meta.dirname, '..', '..')
for (const [path, text] of Object.entries(generatedPages())) {
  await writeFile(join(top, path), text)
  process.stdout.write(`${path}\n`)
}
