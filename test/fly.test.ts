import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataPaths, options, readConfig } from '../src/config.ts'

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
  mounts: z
    .strictObject({ source: z.string(), destination: z.string(), snapshot_retention: z.int() })
    .optional(),
  processes: z.record(z.string(), z.string()).optional(),
  deploy: z.strictObject({ strategy: z.string() }),
  vm: z.array(z.strictObject({ size: z.string(), memory: z.string() })),
  services: z.array(
    z.strictObject({
      internal_port: z.int(),
      processes: z.array(z.string()).optional(),
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

const readFly = (name: string) => shape.parse(parse(readFileSync(join(top, name), 'utf8')))
const one = readFly('fly.toml')
const several = readFly('fly.several.toml')
const dockerfile = readFileSync(join(top, 'Dockerfile'), 'utf8')

/** The inner port that Fly sends an outer one to. */
function innerPort(fly: typeof one, port: number): number | undefined {
  const service = fly.services.find(({ ports }) =>
    ports.some(({ port: single, start_port: first = 0, end_port: last = 0 }) =>
      single === undefined ? port >= first && port <= last : single === port,
    ),
  )
  return service?.internal_port
}

describe.each([
  ['fly.toml', one],
  ['fly.several.toml', several],
])('%s', (_, fly) => {
  const config = readConfig(fly.env)

  test('sends the well-known ports to those that the program listens on', () => {
    const inner = Object.fromEntries(
      [22, 21, 990, 443, 80].map((port) => [port, innerPort(fly, port)]),
    )
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
      for (const { handlers, proxy_proto_options: proxy } of ports) {
        expect(proxy?.version).toBe(wanted)
        expect(handlers.includes('proxy_proto')).toBe(wanted === 'v2')
      }
    }
  })

  test('sets only variables that the program reads, and listens beyond loopback', () => {
    const names = Object.values(options).map(({ name }) => name)
    expect(Object.keys(fly.env).filter((name) => !names.includes(name))).toEqual([])
    expect([config.host, config.httpHost]).toEqual(['0.0.0.0', '0.0.0.0'])
  })

  test('stops by SIGTERM, and later than the program needs', () => {
    expect(fly.kill_signal).toBe('SIGTERM')
    expect(fly.kill_timeout).toBeGreaterThan(config.stopGraceSeconds + 10)
  })

  test('never stops a machine that has nothing to do, and checks what it serves', () => {
    for (const service of fly.services) {
      expect(service.auto_stop_machines).toBe('off')
      expect(service.min_machines_running).toBeGreaterThan(0)
    }
    const checks = fly.services.flatMap((service) => service.http_checks ?? [])
    expect(checks.map(({ path }) => path)).toEqual(['/readyz'])
    const unchecked = fly.services.filter(
      ({ tcp_checks: tcp = [], http_checks: http = [] }) => tcp.length + http.length === 0,
    )
    expect(unchecked.map((service) => service.internal_port)).toEqual([
      config.ftpsPassivePorts.first,
    ])
  })

  test('lets the metrics be read from the private network, and from nowhere else', () => {
    expect(fly.metrics).toEqual({ port: config.metricsPort, path: '/metrics' })
    expect(config.metricsPort).not.toBe(config.httpPort)
    const reached = fly.services.map(({ internal_port: port }) => port)
    expect(reached).not.toContain(config.metricsPort)
  })
})

describe('fly.toml', () => {
  test('keeps all data on the volume', () => {
    const config = readConfig(one.env)
    expect(config.dataDir).toBe(one.mounts?.destination)
    expect([config.storageUrl, config.bucketName, config.databaseUrl]).toEqual([null, null, null])
  })
})

describe('fly.several.toml', () => {
  test('has no volume, one machine for FTPS and at least two for the rest', () => {
    expect(several.mounts).toBeUndefined()
    expect(Object.keys(several.processes ?? {})).toEqual(['app', 'ftps'])
    const { ftpsPort, ftpsImplicitPort, ftpsPassivePorts } = readConfig(several.env)
    const ofFtps = [ftpsPort, ftpsImplicitPort, ftpsPassivePorts.first]
    for (const {
      internal_port: port,
      processes,
      min_machines_running: least,
    } of several.services) {
      expect(processes).toEqual([ofFtps.includes(port) ? 'ftps' : 'app'])
      expect(least).toBe(ofFtps.includes(port) ? 1 : 2)
    }
  })

  test('differs from fly.toml in nothing that a client sees', () => {
    const seen = ({ env, services }: typeof one) => ({
      env,
      ports: services.map(({ ports }) => ports),
    })
    expect(seen(several)).toEqual(seen(one))
  })

  test('reads the database and the bucket by the names that Fly sets', () => {
    const { databaseUrl, storageUrl } = dataPaths(
      readConfig({
        ...several.env,
        DATABASE_URL: 'postgres://rosterdrop:secret@db.internal:5432/rosterdrop',
        BUCKET_NAME: 'rosterdrop-files',
        AWS_ENDPOINT_URL_S3: 'https://fly.storage.tigris.dev',
        AWS_ACCESS_KEY_ID: 'id',
        AWS_SECRET_ACCESS_KEY: 'secret',
        AWS_REGION: 'auto',
      }),
    )
    expect(databaseUrl).toBe('postgres://rosterdrop:secret@db.internal:5432/rosterdrop')
    expect(storageUrl).toBe('s3://rosterdrop-files')
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
    expect(inImage.dataDir).toBe(one.mounts?.destination)
    expect(instruction('USER')).toEqual(['node'])
    expect(instruction('STOPSIGNAL')).toEqual([one.kill_signal])
  })

  test('is built in stages, and starts under an init that passes signals on', () => {
    expect(instruction('FROM').length).toBeGreaterThan(1)
    expect(JSON.parse(instruction('ENTRYPOINT')[0] ?? '[]')).toEqual(['tini', '--', 'rosterdrop'])
    expect(instruction('COPY').filter((line) => line.includes('--chown'))).toEqual([])
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
