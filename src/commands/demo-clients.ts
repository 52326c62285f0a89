import { basename } from 'node:path'
import type SftpClient from 'ssh2-sftp-client'
import { AppError } from '../domain/error.ts'
import type { Server } from '../server.ts'

/** How the demo's clients get in. */
export interface DemoLogin {
  name: string
  password: string
  server: Pick<Server, 'sftpPort' | 'ftpsPort' | 'httpPort' | 'hostKeyFingerprint'>
}

// The client libraries are development dependencies: a production image has neither them nor the demo.
async function clientLibrary<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    throw new AppError(
      'unavailable',
      'Cannot run the demo: its client libraries are not installed, run it in a clone of the repository',
      { cause },
    )
  }
}

async function withSftp<T>(
  { name, password, server }: DemoLogin,
  work: (client: SftpClient) => Promise<T>,
): Promise<T> {
  const library = await clientLibrary(() => import('ssh2-sftp-client'))
  const client = new library.default()
  await client.connect({ host: '127.0.0.1', port: server.sftpPort, username: name, password })
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Uploads `file` over SFTP with the password. */
export async function dropBySftp(login: DemoLogin, file: string): Promise<void> {
  await withSftp(login, (client) => client.fastPut(file, `/${basename(file)}`))
}

/** Uploads `file` over explicit FTPS with the password. */
export async function dropByFtps(
  { name, password, server }: DemoLogin,
  file: string,
): Promise<void> {
  const { Client } = await clientLibrary(() => import('basic-ftp'))
  const client = new Client()
  try {
    await client.access({
      host: '127.0.0.1',
      port: server.ftpsPort,
      user: name,
      password,
      secure: true,
      // The certificate of the demo was made a moment ago and signed by itself.
      secureOptions: { rejectUnauthorized: false },
    })
    await client.uploadFrom(file, basename(file))
  } finally {
    client.close()
  }
}

/** The files of `bak/` and `failed/` as the client sees them, each with its size in bytes. */
export async function listBak(login: DemoLogin): Promise<{ path: string; size: number }[]> {
  return withSftp(login, async (client) => {
    const found = []
    for (const folder of ['/bak', '/failed']) {
      for (const { name, size } of await client.list(folder)) {
        found.push({ path: `${folder}/${name}`, size })
      }
    }
    return found
  })
}
