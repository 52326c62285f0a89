import { spawnSync } from 'node:child_process'
import { accessSync, constants, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * Path of a client program, or undefined where it is not installed: its tests are then skipped by name.
 *
 * Under `REQUIRE_PEERS=1`, as in `.ci/run`, a missing program is an error instead.
 */
export function peer(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']
  for (const folder of folders) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not in this folder.
    }
  }
  return missing(name)
}

/** Path of the library that gives a process another clock; Debian package libfaketime. */
export function libraryOfFaketime(): string | undefined {
  const found = globSync('/usr/lib/*/faketime/libfaketime.so.1')[0]
  return found ?? missing('libfaketime')
}

/** Path of a Python that has `module`, Debian's own before any other. */
export function pythonWith(module: string): string | undefined {
  for (const path of ['/usr/bin/python3', 'python3']) {
    if (spawnSync(path, ['-c', `import ${module}`]).status === 0) return path
  }
  return missing(`python3 with ${module}`)
}

/** Says that `what` is not there: undefined, or an error under `REQUIRE_PEERS=1`. */
export function missing(what: string): undefined {
  if (process.env['REQUIRE_PEERS'] === '1') {
    throw new Error(`Cannot run the tests with real clients: ${what} is not installed`)
  }
  return undefined
}
