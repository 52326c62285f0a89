import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { options, readConfig } from '../../src/config.ts'
import { top } from '../support/server.ts'

const text = readFileSync(join(top, 'examples', 'rosterdrop.service'), 'utf8')
const valuesOf = (key: string): string[] =>
  Array.from(text.matchAll(new RegExp(`^${key}=(.*)$`, 'gm')), ([, value]) => value ?? '')

describe('examples/rosterdrop.service', () => {
  test('sets only variables that the program or Node reads, with all data where it may write', () => {
    const env = Object.fromEntries(valuesOf('Environment').map((pair) => pair.split('=')))
    const known = [
      ...Object.values(options).map(({ name }) => name),
      'NODE_ENV',
      'NODE_COMPILE_CACHE',
    ]
    expect(Object.keys(env).filter((name) => !known.includes(name))).toEqual([])
    expect(readConfig(env).dataDir).toBe(join('/var/lib', valuesOf('StateDirectory')[0] ?? ''))
    expect(env['NODE_COMPILE_CACHE']).toBe(join('/var/cache', valuesOf('CacheDirectory')[0] ?? ''))
  })

  test('waits for a stop longer than the program takes, and stops by SIGTERM', () => {
    expect(Number(valuesOf('TimeoutStopSec'))).toBeGreaterThan(readConfig({}).stopGraceSeconds + 10)
    expect(valuesOf('KillSignal')).toEqual(['SIGTERM'])
  })

  test('runs without root and with one capability', () => {
    expect(valuesOf('DynamicUser')).toEqual(['yes'])
    expect(valuesOf('CapabilityBoundingSet')).toEqual(['CAP_NET_BIND_SERVICE'])
    for (const key of ['NoNewPrivileges', 'ProtectHome', 'PrivateTmp', 'RestrictSUIDSGID']) {
      expect(valuesOf(key), key).toEqual(['yes'])
    }
    expect(valuesOf('ProtectSystem')).toEqual(['strict'])
    // V8 could not run.
    expect(valuesOf('MemoryDenyWriteExecute')).toEqual([])
  })
})
