import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { options } from '../src/config.ts'
import { denoArguments, denoProgram, top } from './support/server.ts'

/** The words of `deno task start`, for a server that keeps its data in `dataFolder`. */
const granted = (dataFolder = 'data'): string[] => denoArguments(dataFolder)

const valueOf = (flag: string): string | undefined =>
  granted()
    .find((word) => word.startsWith(`${flag}=`))
    ?.slice(flag.length + 1)

test('deno task start may read every variable of the configuration, and sees no other', () => {
  expect(valueOf('--allow-env')?.split(',')).toEqual(Object.values(options).map(({ name }) => name))
  expect(granted()).toContain('--ignore-env')
})

test('deno task start grants nothing that it does not name', () => {
  const broad = [
    '--allow-all',
    '-A',
    '--allow-run',
    '--allow-import',
    '--allow-write',
    '--allow-read',
  ]
  expect(granted().filter((word) => broad.includes(word))).toEqual([])
  expect(granted()).toContain('--no-prompt')
})

const escape = `
const tries = {
  readsPasswords: () => Deno.readTextFileSync('/etc/passwd'),
  writesElsewhere: () => Deno.writeTextFileSync(FOLDER + '-outside', 'x'),
  writesSources: () => Deno.writeTextFileSync('src/planted.ts', 'x'),
  runsPrograms: () => new Deno.Command('id').outputSync(),
  loadsLibraries: () => Deno.dlopen('/lib/libc.so.6', {}),
}
const done = Object.entries(tries).filter(([, attempt]) => {
  try {
    attempt()
    return true
  } catch (error) {
    return error.name !== 'NotCapable'
  }
})
Deno.writeTextFileSync(FOLDER + '/inside', 'x')
console.log(JSON.stringify({ done: done.map(([name]) => name), secret: Deno.env.get('SECRET') ?? null }))
`

test('a program with the permissions of deno task start gets at nothing else', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-deno-'))
  try {
    const input = escape.replaceAll('FOLDER', JSON.stringify(folder))
    const deno = spawnSync(denoProgram(), [...granted(folder), '-'], {
      cwd: top,
      input,
      encoding: 'utf8',
      env: { ...process.env, SECRET: 'seen', NO_COLOR: '1' },
    })
    expect(deno.stderr).toBe('')
    expect(JSON.parse(deno.stdout)).toEqual({ done: [], secret: null })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
