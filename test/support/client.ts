import { Client as FtpClient } from 'basic-ftp'
import SftpClient from 'ssh2-sftp-client'
import type { StartedServer } from './server.ts'

/** A client organisation with a login, as the commands make it. */
export interface TestTenant {
  login: string
  password: string
  token: string
}

/**
 * Adds a client, an account and a token beside the running server, by the commands that an operator uses.
 *
 * `settleSeconds`: for tests of something else than settling; default: as clients have it.
 */
export async function addTenant(
  server: StartedServer,
  name = 'maple',
  { settleSeconds }: { settleSeconds?: number } = {},
): Promise<TestTenant> {
  await server.cli(
    'tenant',
    'add',
    name,
    '--reply-to',
    `it@${name}.example`,
    '--failed-import-email',
    `hr@${name}.example`,
    '--user-types',
    'Student,Staff,Faculty,Visitor',
  )
  const [account, created] = await Promise.all([
    server.cli('account', 'add', name, name),
    server.cli('token', 'create', name, 'test'),
  ])
  const token = secretOf(created)
  if (settleSeconds !== undefined) await changeSettings(server, { token }, { settleSeconds })
  return { login: name, password: secretOf(account), token }
}

async function changeSettings(
  server: StartedServer,
  tenant: Pick<TestTenant, 'token'>,
  changes: Record<string, unknown>,
): Promise<void> {
  const shown = await request(server, tenant, '/settings')
  const answer = await request(server, tenant, '/settings', {
    method: 'PATCH',
    headers: { 'content-type': 'application/json', 'if-match': shown.headers.get('etag') ?? '' },
    body: JSON.stringify(changes),
  })
  if (answer.status !== 200) throw new Error(`PATCH /settings answered ${answer.status}`)
}

function secretOf(output: string): string {
  const secret = /\(shown this once\): (\S+)/.exec(output)?.[1]
  if (secret === undefined) throw new Error(`no secret in: ${output}`)
  return secret
}

/** An SFTP session by ssh2-sftp-client for the length of `work`. */
export async function withSftp<T>(
  server: StartedServer,
  tenant: TestTenant,
  work: (client: SftpClient) => Promise<T>,
): Promise<T> {
  const client = new SftpClient()
  await client.connect({
    host: '127.0.0.1',
    port: server.sftpPort,
    username: tenant.login,
    password: tenant.password,
  })
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** An FTPS session by basic-ftp for the length of `work`. */
export async function withFtps<T>(
  server: StartedServer,
  tenant: TestTenant,
  secure: 'explicit' | 'implicit',
  work: (client: FtpClient) => Promise<T>,
): Promise<T> {
  const client = new FtpClient(20_000)
  try {
    await client.access({
      host: '127.0.0.1',
      port: secure === 'implicit' ? server.ftpsImplicitPort : server.ftpsPort,
      user: tenant.login,
      password: tenant.password,
      secure: secure === 'implicit' ? 'implicit' : true,
      secureOptions: { rejectUnauthorized: false },
    })
    return await work(client)
  } finally {
    client.close()
  }
}

/** What the tests read of a run's JSON. */
export interface ShownRun {
  id: string
  filename: string
  source: string
  state: string
  mail: string
  counts: Record<string, number>
  reasons: { code: number; count: number }[]
  fileReason: { code: number; sentence: string } | null
}

/** A request to the HTTP interface with the tenant's token. */
export function request(
  server: StartedServer,
  tenant: Pick<TestTenant, 'token'>,
  path: string,
  init: RequestInit & { duplex?: 'half' } = {},
): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('authorization', `Bearer ${tenant.token}`)
  return fetch(`http://127.0.0.1:${server.httpPort}${path}`, { ...init, headers })
}

/** Every run of the tenant, newest first. */
export async function runsOf(server: StartedServer, tenant: TestTenant): Promise<ShownRun[]> {
  const response = await request(server, tenant, '/imports?limit=100')
  if (response.status !== 200) throw new Error(`GET /imports answered ${response.status}`)
  return ((await response.json()) as { data: ShownRun[] }).data
}

const outcomes = [
  'completed',
  'completed_with_failures',
  'duplicate',
  'failed',
  'held',
  'cancelled',
]

/** Waits until `count` runs have an outcome and their mails have been handed over. */
export async function outcomesOf(
  server: StartedServer,
  tenant: TestTenant,
  count: number,
  patienceMs = 25_000,
): Promise<ShownRun[]> {
  const deadline = Date.now() + patienceMs
  let runs: ShownRun[] = []
  while (Date.now() < deadline) {
    runs = await runsOf(server, tenant)
    const done = runs.filter(({ state, mail }) => outcomes.includes(state) && mail !== 'queued')
    if (done.length >= count) return done
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const seen = runs.map(({ filename, state, mail }) => `${filename}: ${state}, mail ${mail}`)
  throw new Error(
    `no ${count} outcomes in ${patienceMs} ms: ${seen.join('; ')}\n${server.lines.slice(-20).join('\n')}`,
  )
}
