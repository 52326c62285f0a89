import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { password } from '../../drop/door.ts'
import { peer, pythonWith } from '../../support/peers.ts'
import { startReal } from './real.ts'
import type { RealServer } from './real.ts'

const page = readFileSync(
  join(import.meta.dirname, '..', '..', '..', 'docs', 'connecting.md'),
  'utf8',
)

/** The FTPS commands of the page, continued lines joined. */
const lines = [...page.matchAll(/^```\n(.*?)^```/gms)]
  .flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n'))
  .filter((line) => /\b(2121|2990)\b/.test(line))
const python = [...page.matchAll(/^```python\n(.*?)^```/gms)]
  .map(([, block = '']) => block)
  .find((block) => block.includes('ftplib'))

/** The password that a person would be asked for, as an option. */
const answers: Record<string, (line: string) => string> = {
  lftp: (line) => line.replace('-u maple', `-u 'maple,${password}'`),
  curl: (line) => line.replace('-u maple', `-u 'maple:${password}'`),
  rclone: (line) => line.replace('PASSWORD', `'${password}'`),
}

const programOf = (line: string): string => line.split(' ')[0] ?? ''

describe('docs/connecting.md, FTPS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-page-'))
  const content = 'email,firstName\nada@maple.example,Ada\n'
  let server: RealServer

  beforeAll(async () => {
    writeFileSync(join(folder, 'users.csv'), content)
    server = await startReal({ runtime: 'node' })
  })
  afterAll(async () => {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(() => {
    rmSync(server.dropFolder, { recursive: true, force: true })
  })

  const placed = (text: string): string =>
    text
      .replaceAll('HOST', '127.0.0.1')
      .replaceAll('2121', String(server.explicitPort))
      .replaceAll('2990', String(server.implicitPort))

  async function shell(command: string): Promise<void> {
    const env = { ...process.env, HOME: folder, LFTP_HOME: folder }
    const child = spawn('sh', ['-c', command], { cwd: folder, env, timeout: 25_000 })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => (text += String(bytes)))
    }
    child.stdin.end()
    const [code] = await once(child, 'close')
    if (code !== 0) throw new Error(`${command} ended with ${code}:\n${text}`)
  }

  function expectStored(): void {
    expect(server.names()).toEqual(['users.csv'])
    expect(readFileSync(join(server.dropFolder, 'users.csv'), 'utf8')).toBe(content)
  }

  test('has a line for each of the clients', () => {
    expect(new Set(lines.map(programOf))).toEqual(new Set(Object.keys(answers)))
    expect(lines.filter((line) => line.includes('2990')).length).toBeGreaterThan(1)
    expect(python).toBeDefined()
  })

  test.for(lines.map((line) => [line] as const))('"%s" uploads', async ([line], { skip }) => {
    const program = programOf(line)
    skip(peer(program) === undefined, `${program} is not installed`)
    await shell(placed((answers[program] ?? ((same) => same))(line)))
    expectStored()
  })

  test.skipIf(pythonWith('ftplib') === undefined)(
    'the Python of the page uploads, with the certificate of the server trusted',
    async () => {
      writeFileSync(join(folder, 'server.crt'), server.certificate)
      // The certificate is made out to localhost.
      const script = placed((python ?? '').replaceAll('HOST', 'localhost'))
      writeFileSync(join(folder, 'page.py'), `password = ${JSON.stringify(password)}\n${script}`)
      await shell(`${pythonWith('ftplib')} page.py`)
      expectStored()
    },
  )
})
