import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export const top = join(import.meta.dirname, '..', '..')

export const runtimes = ['node', 'deno'] as const
export type Runtime = (typeof runtimes)[number]

/** The ports that the server said it listens on. */
interface ReadyLine {
  sftpPort: number
  ftpsPort: number
  ftpsImplicitPort: number
  httpPort: number
  hostKeyFingerprint: string
}

export interface StartedServer extends ReadyLine {
  readonly dataFolder: string
  readonly process: ChildProcess
  /** What it was started with. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Every line of the log so far. */
  readonly lines: string[]
  /** Runs a command beside the server, on the same data; resolves to what it printed. Throws when it fails. */
  cli(...args: string[]): Promise<string>
  /** Stops with `signal` and resolves to the exit code, or to the signal when that ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals | null>
}

/** The arguments of `deno run` as `deno task start` has them, writing to `dataFolder` instead of `data`. */
export function denoArguments(dataFolder: string): string[] {
  const { tasks } = JSON.parse(readFileSync(join(top, 'deno.json'), 'utf8')) as {
    tasks: { start: string }
  }
  return tasks.start
    .split(' ')
    .slice(1)
    .filter((word) => word.startsWith('-') || word === 'run')
    .map((word) => word.replace(/^--allow-write=.*/, `--allow-write=${dataFolder}`))
    .map((word) => word.replace(/^--allow-read=(.*)/, `--allow-read=$1,${dataFolder}`))
}

/**
 * Deno itself, out of the package for this platform: what npm puts into `.bin` is a script that starts it, and a signal
 * would end that script alone.
 */
export function denoProgram(): string {
  const platforms = join(top, 'node_modules', '@deno')
  const name = process.platform === 'win32' ? 'deno.exe' : 'deno'
  const found = readdirSync(platforms)
    .map((platform) => join(platforms, platform, name))
    .find((program) => existsSync(program))
  if (found === undefined) throw new Error('Deno is not installed: npm ci brings it')
  return found
}

function commandOf(runtime: Runtime, dataFolder: string): [string, string[]] {
  return runtime === 'node'
    ? [process.execPath, ['src/main.ts']]
    : [denoProgram(), [...denoArguments(dataFolder), 'src/main.ts']]
}

export interface StartOptions {
  runtime?: Runtime
  /** An earlier server's folder, to start on what it left. */
  dataFolder?: string
  env?: Record<string, string>
  /** Put in front of the command, such as strace. */
  prefix?: string[]
}

/** The environment of a server of its own folder, on free ports. */
export const freePorts = (dataFolder: string): Record<string, string | undefined> => ({
  ...process.env,
  DATA_DIR: dataFolder,
  HOST: '127.0.0.1',
  SFTP_PORT: '0',
  FTPS_PORT: '0',
  FTPS_IMPLICIT_PORT: '0',
  HTTP_PORT: '0',
})

/** Starts the real server as a process of its own on free ports, and waits until every listener is ready. */
export async function startServer(options: StartOptions = {}): Promise<StartedServer> {
  const runtime = options.runtime ?? 'node'
  const dataFolder = options.dataFolder ?? mkdtempSync(join(tmpdir(), 'rosterdrop-e2e-'))
  const env = {
    ...freePorts(dataFolder),
    STOP_GRACE_SECONDS: '5',
    NO_COLOR: '1',
    ...options.env,
  }
  const [program, args] = commandOf(runtime, dataFolder)
  const [first, ...rest] = [...(options.prefix ?? []), program, ...args]
  const child = spawn(first ?? program, rest, { cwd: top, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  const ready = Promise.withResolvers<ReadyLine>()
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      if (line.includes('"msg":"ready"')) ready.resolve(JSON.parse(line) as ReadyLine)
    })
  }
  const exited = once(child, 'exit')
  void exited.then(([code]) =>
    ready.reject(
      new Error(`The server ended with ${code} before it was ready:\n${lines.join('\n')}`),
    ),
  )

  const ports = await ready.promise
  return {
    ...ports,
    dataFolder,
    env,
    process: child,
    lines,
    async cli(...words) {
      const command = spawn(process.execPath, ['src/main.ts', ...words], { cwd: top, env })
      let output = ''
      let problem = ''
      command.stdout.on('data', (chunk) => (output += String(chunk)))
      command.stderr.on('data', (chunk) => (problem += String(chunk)))
      const [code] = await once(command, 'close')
      if (code !== 0)
        throw new Error(`rosterdrop ${words.join(' ')} ended with ${code}: ${problem}`)
      return output
    },
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      await exited
      return child.exitCode ?? child.signalCode
    },
  }
}

/** Removes what a test's servers left on the disk. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}
