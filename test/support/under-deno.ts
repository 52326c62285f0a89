import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { denoProgram, top } from './server.ts'

/** One case of a test file that ran under Deno. */
interface DenoCase {
  readonly name: string
  readonly state: string
  readonly failures: readonly string[]
}

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly testResults: readonly {
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

// The longest of the files takes a fifth of it.
const mostMs = 600_000

/** Runs the whole test file by vitest, both under Deno; resolves to its cases. Throws when the file did not run. */
async function runUnderDeno(file: string): Promise<DenoCase[]> {
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-under-deno-'))
  const outputFile = join(folder, 'report.json')
  try {
    const vitest = 'node_modules/vitest/vitest.mjs run --config test/support/deno.config.ts'
    const words = `run --no-prompt --allow-all ${vitest} --no-cache --reporter json`.split(' ')
    const args = [...words, '--outputFile', outputFile, file]
    const child = spawn(denoProgram(), args, {
      cwd: top,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: mostMs,
    })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    const [code] = (await once(child, 'close')) as [number | null]
    const report = readReport(outputFile)
    const cases = report?.testResults.flatMap(({ assertionResults }) => assertionResults) ?? []
    const failed = cases.some(({ status }) => status === 'failed')
    if (report === undefined || cases.length === 0 || (code !== 0 && !failed)) {
      const messages = report?.testResults.map(({ message }) => message) ?? []
      throw new Error(`${file} did not run under Deno: ${[...messages, said].join('\n')}`)
    }
    return cases.map(({ fullName, status, failureMessages }) => ({
      name: fullName,
      state: status,
      failures: failureMessages,
    }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readReport(path: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Report
  } catch {
    return undefined
  }
}

/** One test for each test file: every case of it passes under Deno too. `there`: whether its server is installed. */
export function passesUnderDeno(what: string, files: readonly string[], there = true): void {
  describe.skipIf(!there)(`${what}, under Deno`, () => {
    test.each(files)(
      'every case of %s passes, and none is skipped',
      async (file) => {
        const cases = await runUnderDeno(file)
        console.log(cases.map(({ name, state }) => `Deno | ${state} | ${name}`).join('\n'))
        expect(cases.filter(({ state }) => state !== 'passed')).toEqual([])
      },
      mostMs + 10_000,
    )
  })
}
