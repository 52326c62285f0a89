import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import wabt from 'wabt'

const folder = join(import.meta.dirname, '..', '..', 'src', 'import')

/** What `src/import/sieve.wat` is made into, as the text of `src/import/sieve-module.ts`. */
export async function sieveModule(): Promise<string> {
  const text = readFileSync(join(folder, 'sieve.wat'), 'utf8')
  const parsed = (await wabt()).parseWat('sieve.wat', text, { simd: true })
  parsed.validate()
  const lines = Buffer.from(parsed.toBinary({}).buffer)
    .toString('base64')
    .replace(/.{96}(?=.)/g, "$&' +\n  '")
  return `/** Made of sieve.wat by \`npm run wasm\`; base64. */\nexport const sieveModule =\n  '${lines}'\n`
}

// As a program: makes the file anew.
if (import.meta.main) writeFileSync(join(folder, 'sieve-module.ts'), await sieveModule())
