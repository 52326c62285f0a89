import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../clock.ts'
import { readConfig } from '../config.ts'
import { newId } from '../domain/id.ts'
import { protocols } from '../domain/account.ts'
import type { Run } from '../domain/run.ts'
import { defaultSettings } from '../domain/tenant.ts'
import { createPasswordHasher } from '../drop/password.ts'
import { createLog } from '../observe/log.ts'
import { newPassword } from '../domain/new-password.ts'
import { newToken } from '../secret.ts'
import { startServer } from '../server.ts'
import type { Server } from '../server.ts'
import { dropByFtps, dropBySftp, listBak } from './demo-clients.ts'
import type { DemoLogin } from './demo-clients.ts'
import { printBak, printMail, printRun, printTryIt } from './demo-print.ts'
import { signalled } from './serve.ts'

const examples = join(import.meta.dirname, '..', '..', 'examples')
// A run of a dozen rows takes two seconds to settle and some milliseconds to do.
const patienceMs = 30_000

/** `rosterdrop demo`: the main job on sample data; exit code 0 when all of it happened. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { once: { type: 'boolean', default: false } } })
  const dataDir = await mkdtemp(join(tmpdir(), 'rosterdrop-demo-'))
  const config = readConfig({
    LOG_LEVEL: 'error',
    ...process.env,
    DATA_DIR: dataDir,
    HOST: '127.0.0.1',
    SFTP_PORT: '0',
    FTPS_PORT: '0',
    FTPS_IMPLICIT_PORT: '0',
    HTTP_PORT: '0',
  })
  const stopped = signalled()
  const server = await startServer({ config, log: createLog({ level: config.logLevel }) })
  try {
    await Promise.race([show(server), stopped])
    if (!values.once) {
      process.stdout.write('\nServing until Ctrl-C …\n')
      await stopped
    }
    return 0
  } catch (error) {
    process.stderr.write(
      `The demo failed: ${error instanceof Error ? error.message : String(error)}\n`,
    )
    return 1
  } finally {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function show(server: Server): Promise<void> {
  const say = (text: string) => process.stdout.write(`${text}\n`)
  const { login, token, tenantId } = await makeTenant(server)
  say(`Rosterdrop is serving: SFTP on port ${server.sftpPort}, FTPS on ${server.ftpsPort}`)
  say(`(implicit ${server.ftpsImplicitPort}), HTTP on ${server.httpPort}. Client "Maple College",`)
  say(`Reply-to Admin Email Address it@maple.example, Failed Import Email hr@maple.example.\n`)

  say('1. Dropping examples/users-with-failures.csv over SFTP …')
  await dropBySftp(login, join(examples, 'users-with-failures.csv'))
  printRun(say, await finished(server, token, 'users-with-failures.csv'))

  say('2. Dropping examples/users.csv over FTPS (AUTH TLS) …')
  await dropByFtps(login, join(examples, 'users.csv'))
  printRun(say, await finished(server, token, 'users.csv'))

  say('3. The failure mail, as kept in the embedded outbox:')
  await printMail(say, await mailOf(server, tenantId), server.files)

  say('4. The drop folder afterwards, over SFTP:')
  printBak(say, await listBak(login))

  printTryIt(say, login, token)
}

/** The client, its login and a token, as `tenant add`, `account add` and `token create` make them. */
async function makeTenant(
  server: Server,
): Promise<{ login: DemoLogin; token: string; tenantId: string }> {
  const createdAt = systemClock.now()
  const tenantId = newId('tenant', systemClock)
  await server.state.tenants.create({
    id: tenantId,
    name: 'Maple College',
    settings: {
      ...defaultSettings,
      replyTo: 'it@maple.example',
      failedImportEmail: ['hr@maple.example'],
    },
    settingsVersion: 1,
    userTypes: ['Student', 'Staff', 'Faculty', 'Visitor'].map((name, index) => ({
      id: String(index + 1),
      name,
    })),
    loginSources: [],
    createdAt,
  })
  const password = newPassword(systemClock)
  await server.state.accounts.create({
    id: newId('account', systemClock),
    tenantId,
    name: 'maple',
    passwordHash: await createPasswordHasher().hash(password),
    keys: [],
    protocols: [...protocols],
    allowedNetworks: [],
    expiresAt: null,
    disabled: false,
    createdAt,
    lastLoginAt: null,
  })
  const { token, hash } = newToken(systemClock)
  await server.state.tokens.create({
    id: newId('token', systemClock),
    tenantId,
    scope: 'tenant',
    name: 'demo',
    hash,
    createdAt,
    expiresAt: null,
    lastUsedAt: null,
    revokedAt: null,
  })
  return { login: { name: 'maple', password, server }, token, tenantId }
}

type ShownRun = Pick<Run, 'id' | 'filename' | 'state' | 'counts' | 'mail'>

/** Polls `GET /imports` as automation would, until the run of `filename` has its outcome and its mail. */
async function finished(server: Server, token: string, filename: string): Promise<ShownRun> {
  const address = `http://127.0.0.1:${server.httpPort}/imports?filename=${filename}`
  const deadline = Date.now() + patienceMs
  while (Date.now() < deadline) {
    const response = await fetch(address, { headers: { authorization: `Bearer ${token}` } })
    if (!response.ok) throw new Error(`GET /imports answered ${response.status}`)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- answered by this very program
    const { data } = (await response.json()) as { data: ShownRun[] }
    const found = data.find((run) => run.filename === filename)
    if (found !== undefined && found.state.startsWith('completed') && found.mail !== 'queued') {
      return found
    }
    if (found?.state === 'failed') throw new Error(`the import of ${filename} failed`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`the import of ${filename} had no outcome after ${patienceMs / 1000} seconds`)
}

async function mailOf(server: Server, tenantId: string): Promise<string> {
  const mails = await server.state.outbox.list(tenantId, 10)
  const mail = mails.find(({ kind }) => kind === 'failures')
  if (mail?.path == null) throw new Error('no failure mail was composed')
  return mail.path
}
