import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { denoProgram, top } from '../../support/server.ts'

/** The listener on real drop folders in a process of its own; the login is `maple` with door.ts's password. */
export interface RealServer {
  readonly explicitPort: number
  readonly implicitPort: number
  readonly process: ChildProcess
  readonly lines: string[]
  /** PEM, made out to localhost. */
  readonly certificate: string
  /** Names in the drop folder of `maple`, cut uploads included. */
  names(): string[]
  /** The drop folder of `maple` on the disk. */
  readonly dropFolder: string
  stop(): Promise<void>
}

export interface RealServerOptions {
  runtime: 'node' | 'deno'
  accounts?: number
  /** Of the disk; default: as many as it does. */
  bytesPerSecond?: number
  /** Arguments of the runtime, such as those of a profiler. */
  flags?: string[]
}

/** Starts it in a fresh folder. */
export async function startReal(options: RealServerOptions): Promise<RealServer> {
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-ftps-'))
  const counts = [options.accounts ?? 1, options.bytesPerSecond ?? 0].map(String)
  const args = ['test/listeners/ftps/serve.ts', folder, ...counts]
  const child =
    options.runtime === 'node'
      ? spawn(process.execPath, [...(options.flags ?? []), ...args], { cwd: top })
      : spawn(denoProgram(), ['run', '-A', ...args], { cwd: top, detached: true })
  const lines: string[] = []
  const listening = Promise.withResolvers<RegExpExecArray>()
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      const found = /^listening on (\d+) (\d+)/.exec(line)
      if (found !== null) listening.resolve(found)
    })
  }
  const exited = once(child, 'exit')
  void exited.then(() => listening.reject(new Error(`it ended:\n${lines.join('\n')}`)))
  const [, explicitPort, implicitPort] = await listening.promise
  const dropFolder = join(folder, 'drop', 'ten_maple')
  return {
    explicitPort: Number(explicitPort),
    implicitPort: Number(implicitPort),
    process: child,
    lines,
    certificate: readFileSync(join(folder, 'tls.crt'), 'utf8'),
    dropFolder,
    names() {
      try {
        return readdirSync(dropFolder).sort()
      } catch {
        return []
      }
    },
    async stop() {
      // Deno's package starts the program as a child: the whole group is ours.
      if (options.runtime === 'deno' && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
      else child.kill()
      await exited
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}
