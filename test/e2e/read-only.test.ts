import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { addTenant, outcomesOf, withFtps, withSftp } from '../support/client.ts'
import { peer } from '../support/peers.ts'
import { removeFolder, startServer } from '../support/server.ts'

const strace = peer('strace')
const csv = 'First Name,Last Name,Email,User Type\r\nAda,Byron,ada@maple.example,Student\r\n'

/** Absolute paths that a trace of the kernel's calls shows being changed, or opened so that they could be. */
function writtenPaths(trace: string): string[] {
  const paths: string[] = []
  for (const line of trace.split('\n')) {
    const [, call = '', rest = ''] = /^\d+ +(\w+)\((.*)/.exec(line) ?? []
    if (call.startsWith('open') && !/O_WRONLY|O_RDWR|O_CREAT|O_TRUNC/.test(rest)) continue
    for (const [, path = ''] of rest.matchAll(/"(\/[^"]*)"/g)) paths.push(path)
  }
  return paths
}

// Under Deno every test of a server proves the same by `--allow-write`.
test.skipIf(strace === undefined)(
  'the server writes nowhere but in DATA_DIR and its temp folder: a container may have a read-only root',
  async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'rosterdrop-read-only-'))
    const cache = join(tmpdir(), 'node-compile-cache')
    const trace = join(dataFolder, 'trace')
    // -D: the server itself is the process that gets the signals.
    const calls =
      'open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,truncate,chmod,fchmodat,chown'
    const prefix = [
      strace ?? '',
      '-D',
      '-f',
      '-qq',
      '-o',
      trace,
      '-e',
      `trace=${calls}`,
      '-e',
      'signal=none',
    ]
    const server = await startServer({
      dataFolder,
      prefix,
      // As the image has it.
      env: { NODE_COMPILE_CACHE: cache },
    })
    const tenant = await addTenant(server)
    await withSftp(server, tenant, (client) => client.put(Buffer.from(csv), '/users.csv'))
    const [run] = await outcomesOf(server, tenant, 1)
    expect(run).toMatchObject({ state: 'completed' })
    const names = await withFtps(server, tenant, 'explicit', async (client) =>
      (await client.list()).map(({ name }) => name),
    )
    expect(names).toContain('bak')
    await server.stop()

    const written = writtenPaths(readFileSync(trace, 'utf8'))
    expect(written.some((path) => path.startsWith(`${dataFolder}/files/`))).toBe(true)
    const elsewhere = written.filter(
      (path) =>
        !path.startsWith(dataFolder) && !path.startsWith(cache) && !path.startsWith('/dev/'),
    )
    expect([...new Set(elsewhere)]).toEqual([])
    removeFolder(dataFolder)
  },
  90_000,
)
