import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePorts, removeFolder, startServer, top } from '../support/server.ts'

const taken = createServer()
const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-start-'))
const dataFolder = join(folder, 'data')
let port = ''

beforeAll(async () => {
  writeFileSync(join(folder, 'file'), 'no folder')
  await once(taken.listen(0, '127.0.0.1'), 'listening')
  const address = taken.address()
  port = typeof address === 'object' && address !== null ? String(address.port) : ''
})
afterAll(() => {
  taken.close()
  removeFolder(folder)
})

function serve(env: Record<string, string>) {
  const { status, stderr } = spawnSync(process.execPath, ['src/main.ts', 'serve'], {
    cwd: top,
    encoding: 'utf8',
    timeout: 30_000,
    // A start that hangs would take SIGTERM for the wish to stop cleanly.
    killSignal: 'SIGKILL',
    env: { ...freePorts(dataFolder), ...env },
  })
  return { status, stderr }
}

describe('a start that fails', () => {
  test.each(['SFTP_PORT', 'FTPS_PORT', 'FTPS_IMPLICIT_PORT', 'HTTP_PORT', 'METRICS_PORT'])(
    'because %s is in use ends with one line, and the next start finds nothing in its way',
    async (name) => {
      expect(serve({ [name]: port })).toEqual({
        status: 1,
        stderr: `Cannot start: listen EADDRINUSE: address already in use 127.0.0.1:${port}\n`,
      })
      const server = await startServer({ dataFolder })
      expect(await server.stop()).toBe(0)
    },
  )

  test('because there is no database ends with one line', () => {
    expect(serve({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' })).toEqual({
      status: 1,
      stderr: 'Cannot start: connect ECONNREFUSED 127.0.0.1:1\n',
    })
  })

  test('because its URL is no database says what is needed', () => {
    expect(serve({ DATABASE_URL: 'nonsense://x' })).toEqual({
      status: 1,
      stderr:
        'Cannot read the configuration from the environment:\n' +
        '  DATABASE_URL="nonsense://x": a URL with the scheme postgres or postgresql is needed\n',
    })
  })

  test('because its folder cannot be made names it, and makes nothing', () => {
    const below = join(folder, 'file', 'data')
    const { status, stderr } = serve({ DATA_DIR: below })
    expect(stderr).toMatch(/^Cannot start: ENOTDIR: not a directory, mkdir '[^']+'\n$/)
    expect(stderr).toContain(below)
    expect(status).toBe(1)
    expect(existsSync(below)).toBe(false)
  })
})
