import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import wabt from 'wabt'

const folder = join(import.meta.dirname, '..', '..', 'src', 'import')

/** What the fields in `src/import/*.wat` are made into, as the text of `src/import/sieve-module.ts`. */
export async function sieveModule(): Promise<string> {
  const fields = ['sieve.wat', 'sieve-cells.wat'].map((name) =>
    readFileSync(join(folder, name), 'utf8'),
  )
  const parsed = (await wabt()).parseWat('sieve', `(module ${fields.join('')})`, { simd: true })
  parsed.validate()
  const lines = Buffer.from(parsed.toBinary({}).buffer)
    .toString('base64')
    .replace(/.{96}(?=.)/g, "$&' +\n  '")
  return `/** Made of sieve.wat and sieve-cells.wat by \`npm run wasm\`; base64. */\nexport const sieveModule =\n  '${lines}'\n`
}

// As a program: makes the file anew.
if (import.meta.main) writeFileSync(join(folder, 'sieve-module.ts'), await sieveModule())
