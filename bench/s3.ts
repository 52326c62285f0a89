import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { addTenant } from '../test/support/client.ts'
import { removeFolder, startServer, top } from '../test/support/server.ts'
import { machine, median } from './machine.ts'

const rounds = 5
const target = 0.7

/** A server for the length of a measurement. */
export interface S3 {
  endpoint: string
  accessKeyId: string
  secretAccessKey: string
  stop(): void
}

/** The server of the tests, or one started for the length of this. */
export function s3Server(): S3 {
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-rgw-'))
  const script = join(top, 'test', 'support', 'rgw.sh')
  const given = process.env['S3_TEST_ENDPOINT']
  const started =
    given === undefined ? spawnSync(script, ['start', folder], { encoding: 'utf8' }) : undefined
  const read = (name: string): string =>
    process.env[name] ?? new RegExp(`${name}=(\\S+)`).exec(started?.stdout ?? '')?.[1] ?? ''
  return {
    endpoint: read('S3_TEST_ENDPOINT'),
    accessKeyId: read('S3_TEST_ACCESS_KEY_ID'),
    secretAccessKey: read('S3_TEST_SECRET_ACCESS_KEY'),
    stop: () => void spawnSync(script, ['stop', folder]),
  }
}

/** Makes a bucket; resolves to its name. */
export async function makeBucket(s3: S3, name: string): Promise<string> {
  const { endpoint, accessKeyId, secretAccessKey } = s3
  const bucket = `${name}-${Date.now()}`
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  return bucket
}

// What a machine has for the real AWS would get in the way.
const plainEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_')),
)

/** Seconds of one run of rclone. */
async function rclone(args: string[], env: Record<string, string>): Promise<number> {
  const begun = performance.now()
  const child = spawn('rclone', ['--config', '/dev/null', '--retries', '1', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...plainEnv, ...env },
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`rclone ${args[0]} ended with ${code}`)
  return (performance.now() - begun) / 1_000
}

/** `npm run bench -- s3`: rclone through our SFTP into a bucket against rclone into the same bucket, in turns. */
export async function run(): Promise<void> {
  console.log(machine())
  const s3 = s3Server()
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-bench-'))
  const { endpoint, accessKeyId, secretAccessKey } = s3
  const bucket = await makeBucket(s3, 'bench')
  const server = await startServer({
    env: {
      BUCKET_NAME: bucket,
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    },
  })
  const { login, password } = await addTenant(server)
  const obscured = spawnSync('rclone', ['obscure', password], { encoding: 'utf8' }).stdout.trim()
  const env = {
    RCLONE_CONFIG_OURS_TYPE: 'sftp',
    RCLONE_CONFIG_OURS_HOST: '127.0.0.1',
    RCLONE_CONFIG_OURS_PORT: String(server.sftpPort),
    RCLONE_CONFIG_OURS_USER: login,
    RCLONE_CONFIG_OURS_PASS: obscured,
    RCLONE_CONFIG_OURS_SHELL_TYPE: 'none',
    RCLONE_CONFIG_S3_TYPE: 's3',
    RCLONE_CONFIG_S3_PROVIDER: 'Ceph',
    RCLONE_CONFIG_S3_ENDPOINT: endpoint,
    RCLONE_CONFIG_S3_ACCESS_KEY_ID: accessKeyId,
    RCLONE_CONFIG_S3_SECRET_ACCESS_KEY: secretAccessKey,
  }

  for (const [name, megabytes] of [
    ['one file of 128 MiB', 128],
    ['one file of 4 MiB', 4],
  ] as const) {
    const file = join(folder, 'file.csv.part')
    writeFileSync(file, randomBytes(megabytes * 2 ** 20))
    const sides = { ours: 'OURS:file.csv.part', direct: `S3:${bucket}/direct.csv.part` }
    const times = { ours: [] as number[], direct: [] as number[] }
    // The first round warms both up and does not count.
    for (let n = 0; n <= rounds; n += 1) {
      for (const side of ['ours', 'direct'] as const) {
        const took = await rclone(['copyto', '--ignore-times', file, sides[side]], env)
        if (n > 0) times[side].push(took)
        await rclone(['deletefile', sides[side]], env)
      }
    }
    const [ours, direct] = [median(times.ours), median(times.direct)]
    const verdict = direct / ours >= target ? 'met' : 'MISSED'
    console.log(
      `${name}: through SFTP ${ours.toFixed(2)} s, straight ${direct.toFixed(2)} s, ${(direct / ours).toFixed(2)} of its speed, target ${target}: ${verdict}`,
    )
  }
  await server.stop()
  removeFolder(server.dataFolder)
  rmSync(folder, { recursive: true, force: true })
  s3.stop()
}
