import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { options, readConfig } from '../src/config.ts'

const top = join(import.meta.dirname, '..')

const seconds = z
  .string()
  .regex(/^\d+s$/)
  .transform((text) => Number(text.slice(0, -1)))
const portShape = z.strictObject({
  port: z.int().optional(),
  start_port: z.int().optional(),
  end_port: z.int().optional(),
  handlers: z.array(z.enum(['tls', 'http', 'proxy_proto'])),
  force_https: z.boolean().optional(),
  proxy_proto_options: z.strictObject({ version: z.literal('v2') }).optional(),
})
const check = { interval: seconds, timeout: seconds, grace_period: seconds }
const shape = z.strictObject({
  app: z.string(),
  primary_region: z.string(),
  kill_signal: z.string(),
  kill_timeout: seconds,
  build: z.strictObject({ dockerfile: z.string() }),
  env: z.record(z.string(), z.string()),
  mounts: z.strictObject({ source: z.string(), destination: z.string() }),
  deploy: z.strictObject({ strategy: z.string() }),
  vm: z.array(z.strictObject({ size: z.string(), memory: z.string() })),
  services: z.array(
    z.strictObject({
      internal_port: z.int(),
      protocol: z.literal('tcp'),
      auto_stop_machines: z.string(),
      auto_start_machines: z.boolean(),
      min_machines_running: z.int(),
      ports: z.array(portShape).min(1),
      tcp_checks: z.array(z.strictObject(check)).optional(),
      http_checks: z
        .array(z.strictObject({ ...check, method: z.literal('get'), path: z.string() }))
        .optional(),
    }),
  ),
  metrics: z.strictObject({ port: z.int(), path: z.string() }),
})

const fly = shape.parse(parse(readFileSync(join(top, 'fly.toml'), 'utf8')))
const config = readConfig(fly.env)
const dockerfile = readFileSync(join(top, 'Dockerfile'), 'utf8')

/** The inner port that Fly sends an outer one to. */
function innerPort(port: number): number | undefined {
  const service = fly.services.find(({ ports }) =>
    ports.some((one) =>
      one.port === undefined
        ? port >= (one.start_port ?? 0) && port <= (one.end_port ?? 0)
        : one.port === port,
    ),
  )
  return service?.internal_port
}

describe('fly.toml', () => {
  test('sends the well-known ports to those that the program listens on', () => {
    const inner = Object.fromEntries([22, 21, 990, 443, 80].map((port) => [port, innerPort(port)]))
    expect(inner).toEqual({
      22: config.sftpPort,
      21: config.ftpsPort,
      990: config.ftpsImplicitPort,
      443: config.httpPort,
      80: config.httpPort,
    })
  })

  test('sends every passive port, and no other, to the first of them', () => {
    const { first, last } = config.ftpsPassivePorts
    const service = fly.services.find(({ ports }) => ports[0]?.start_port !== undefined)
    expect(service?.internal_port).toBe(first)
    expect(service?.ports).toMatchObject([{ start_port: first, end_port: last }])
  })

  test('announces clients by PROXY protocol to SFTP and FTPS and to nothing else', () => {
    expect(config.proxyProtocol).toBe(true)
    for (const { internal_port: port, ports } of fly.services) {
      const wanted = port === config.httpPort ? undefined : 'v2'
      for (const one of ports) {
        expect(one.proxy_proto_options?.version).toBe(wanted)
        expect(one.handlers.includes('proxy_proto')).toBe(wanted === 'v2')
      }
    }
  })

  test('sets only variables that the program reads, and listens beyond loopback', () => {
    const names = Object.values(options).map(({ name }) => name)
    expect(Object.keys(fly.env).filter((name) => !names.includes(name))).toEqual([])
    expect([config.host, config.httpHost]).toEqual(['0.0.0.0', '0.0.0.0'])
  })

  test('keeps all data on the volume', () => {
    expect(config.dataDir).toBe(fly.mounts.destination)
    expect(config.storageUrl).toBeNull()
  })

  test('stops by SIGTERM, and later than the program needs', () => {
    expect(fly.kill_signal).toBe('SIGTERM')
    expect(fly.kill_timeout).toBeGreaterThan(config.stopGraceSeconds + 10)
  })

  test('never stops a machine that has nothing to do, and checks what it serves', () => {
    for (const service of fly.services) {
      expect(service.auto_stop_machines).toBe('off')
      expect(service.min_machines_running).toBe(1)
    }
    const checks = fly.services.flatMap((service) => service.http_checks ?? [])
    expect(checks.map(({ path }) => path)).toEqual(['/readyz'])
    expect(fly.metrics).toEqual({ port: config.httpPort, path: '/metrics' })
  })
})

describe('Dockerfile', () => {
  const instruction = (word: string): string[] =>
    Array.from(dockerfile.matchAll(new RegExp(`^${word} (.*)$`, 'gm')), ([, rest]) => rest ?? '')
  const inImage = readConfig(
    Object.fromEntries(
      instruction('ENV')
        .join(' ')
        .split(' ')
        .map((pair) => pair.split('=')),
    ),
  )

  test('exposes the ports that the program listens on by default', () => {
    const { first, last } = inImage.ftpsPassivePorts
    expect(instruction('EXPOSE').join(' ').split(' ')).toEqual([
      String(inImage.sftpPort),
      String(inImage.ftpsPort),
      String(inImage.ftpsImplicitPort),
      String(inImage.httpPort),
      `${first}-${last}`,
    ])
  })

  test('keeps the data on the volume that fly.toml mounts, as a user without rights', () => {
    expect(instruction('VOLUME')).toEqual([inImage.dataDir])
    expect(inImage.dataDir).toBe(fly.mounts.destination)
    expect(instruction('USER')).toEqual(['node'])
    expect(instruction('STOPSIGNAL')).toEqual([fly.kill_signal])
  })

  test('is healthy when the program is ready', () => {
    expect(dockerfile).toMatch(/^HEALTHCHECK .*\\\n.*\/readyz/m)
  })

  test('copies every folder that the program runs from, and .dockerignore lets them in', () => {
    const ignored = readFileSync(join(top, '.dockerignore'), 'utf8').split('\n')
    for (const folder of ['src', 'routes', 'storage']) {
      expect(instruction('COPY')).toContain(`${folder} ${folder}`)
      expect(ignored).toContain(`!${folder}`)
    }
  })
})
