import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addTenant, withSftp } from '../support/client.ts'
import type { TestTenant } from '../support/client.ts'
import { peer, pythonWith } from '../support/peers.ts'
import { removeFolder, runtimes, startServer } from '../support/server.ts'
import type { StartedServer } from '../support/server.ts'

/** What a client is told to do, in its own words: put local to `a.csv.part`, list, rename to `b.csv.part`, delete. */
interface Steps {
  server: StartedServer
  tenant: TestTenant
  folder: string
  local: string
}

interface ClientCase {
  name: string
  program: string | undefined
  /** Resolves to what the listing printed while `first.csv.part` and `renamed.csv.part` were there. */
  run: (steps: Steps) => Promise<string>
}

// The names end in .part, so that no import takes the files away between the steps.
const first = 'first.csv.part'
const renamed = 'renamed.csv.part'

function call(program: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, ...env }, timeout: 25_000 }
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(`${stdout}${stderr}`)
      else reject(new Error(`${error.message}\n${stdout}${stderr}`))
    })
  })
}

function lftp(scheme: 'sftp' | 'ftp' | 'ftps'): ClientCase['run'] {
  return async ({ server, tenant, local }) => {
    const port = { sftp: server.sftpPort, ftp: server.ftpsPort, ftps: server.ftpsImplicitPort }
    const commands = [
      'set net:max-retries 1; set net:timeout 10; set cmd:fail-exit yes',
      'set ssl:verify-certificate no; set ftp:ssl-force yes; set ftp:ssl-protect-data yes',
      'set sftp:auto-confirm yes',
      `set sftp:connect-program "ssh -a -x -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no"`,
      `open -u ${tenant.login},${tenant.password} ${scheme}://127.0.0.1:${port[scheme]}`,
      `put ${local} -o ${first}; put ${local} -o other.part; mv other.part ${renamed}; cls -1`,
      `rm ${first}`,
    ]
    return call(program('lftp'), ['-c', commands.join('; ')])
  }
}

function curl(scheme: 'ftp' | 'ftps'): ClientCase['run'] {
  return async ({ server, tenant, local }) => {
    const port = scheme === 'ftp' ? server.ftpsPort : server.ftpsImplicitPort
    const base = `${scheme}://127.0.0.1:${port}/`
    const common = ['-sS', '--ssl-reqd', '-k', '-u', `${tenant.login}:${tenant.password}`]
    await call(program('curl'), [...common, '-T', local, `${base}${first}`])
    await call(program('curl'), [
      ...common,
      '-T',
      local,
      `${base}other.part`,
      '-Q',
      '-RNFR other.part',
      '-Q',
      `-RNTO ${renamed}`,
    ])
    const listed = await call(program('curl'), [...common, '--list-only', base])
    await call(program('curl'), [...common, '--list-only', '-Q', `DELE ${first}`, base])
    return listed
  }
}

function rclone(remote: (steps: Steps, password: string) => string): ClientCase['run'] {
  return async (steps) => {
    const password = (await call(program('rclone'), ['obscure', steps.tenant.password])).trim()
    const base = remote(steps, password)
    const rc = (...args: string[]) =>
      call(program('rclone'), ['--config', '/dev/null', '--retries', '1', ...args])
    await rc('copyto', steps.local, `${base}${first}`)
    await rc('copyto', steps.local, `${base}other.part`)
    await rc('moveto', `${base}other.part`, `${base}${renamed}`)
    const listed = await rc('lsf', base)
    await rc('deletefile', `${base}${first}`)
    return listed
  }
}

const openssh: ClientCase['run'] = async ({ server, tenant, folder, local }) => {
  const askpass = join(folder, 'askpass')
  writeFileSync(askpass, `#!/bin/sh\necho '${tenant.password}'\n`, { mode: 0o700 })
  const batch = join(folder, 'batch')
  const commands = ['put', 'put'].map(
    (word, index) => `${word} ${local} ${[first, 'other.part'][index]}`,
  )
  writeFileSync(batch, `${commands.join('\n')}\nrename other.part ${renamed}\nls -1\nrm ${first}\n`)
  const options = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'NumberOfPasswordPrompts=1',
    'BatchMode=no',
  ].flatMap((option) => ['-o', option])
  const args = [...options, '-P', String(server.sftpPort), '-b', batch, `${tenant.login}@127.0.0.1`]
  return call(program('sftp'), args, { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' })
}

const python =
  (script: string, module: string): ClientCase['run'] =>
  async (steps) => {
    const { server, tenant, local } = steps
    // Not the module's own name, which would be imported instead.
    const file = join(steps.folder, `drop-by-${module}.py`)
    writeFileSync(file, script)
    const ports = [server.sftpPort, server.ftpsPort].map(String)
    return call(pythonWith(module) ?? '', [file, ...ports, tenant.login, tenant.password, local])
  }

const paramikoScript = `
import sys, paramiko
sftp_port, _, user, password, local = sys.argv[1:]
transport = paramiko.Transport(('127.0.0.1', int(sftp_port)))
transport.connect(username=user, password=password)
sftp = paramiko.SFTPClient.from_transport(transport)
sftp.put(local, '${first}')
sftp.put(local, 'other.part')
sftp.posix_rename('other.part', '${renamed}')
print('\\n'.join(sftp.listdir('/')))
sftp.remove('${first}')
sftp.close(); transport.close()
`

const ftplibScript = `
import sys, ssl, ftplib
_, ftps_port, user, password, local = sys.argv[1:]
context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
ftp = ftplib.FTP_TLS(context=context); ftp.connect('127.0.0.1', int(ftps_port), timeout=20)
ftp.login(user, password); ftp.prot_p()
for name in ('${first}', 'other.part'):
    with open(local, 'rb') as body: ftp.storbinary('STOR ' + name, body)
ftp.rename('other.part', '${renamed}')
print('\\n'.join(ftp.nlst()))
ftp.delete('${first}'); ftp.quit()
`

function program(name: string): string {
  const path = peer(name)
  if (path === undefined) throw new Error(`${name} is not installed`)
  return path
}

const clients: ClientCase[] = [
  { name: 'OpenSSH sftp', program: peer('sftp'), run: openssh },
  { name: 'lftp over SFTP', program: peer('lftp'), run: lftp('sftp') },
  { name: 'lftp over FTPS explicit', program: peer('lftp'), run: lftp('ftp') },
  { name: 'lftp over FTPS implicit', program: peer('lftp'), run: lftp('ftps') },
  { name: 'curl over FTPS explicit', program: peer('curl'), run: curl('ftp') },
  { name: 'curl over FTPS implicit', program: peer('curl'), run: curl('ftps') },
  {
    name: 'rclone over SFTP',
    program: peer('rclone'),
    run: rclone(
      ({ server, tenant }, password) =>
        `:sftp,host=127.0.0.1,port=${server.sftpPort},user=${tenant.login},pass=${password},shell_type=none:`,
    ),
  },
  {
    name: 'rclone over FTPS',
    program: peer('rclone'),
    run: rclone(
      ({ server, tenant }, password) =>
        `:ftp,host=127.0.0.1,port=${server.ftpsPort},user=${tenant.login},pass=${password},explicit_tls=true,no_check_certificate=true:`,
    ),
  },
  {
    name: 'Python paramiko',
    program: pythonWith('paramiko'),
    run: python(paramikoScript, 'paramiko'),
  },
  { name: 'Python ftplib', program: pythonWith('ftplib'), run: python(ftplibScript, 'ftplib') },
]

describe.each(runtimes)('real clients against a server under %s', (runtime) => {
  let server: StartedServer
  let tenant: TestTenant
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-clients-'))
  const local = join(folder, 'users.csv')
  const content = `email,firstName\n${'someone@maple.example,Some One\n'.repeat(5_000)}`

  beforeAll(async () => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(local, content)
    server = await startServer({ runtime })
    tenant = await addTenant(server)
  })
  afterAll(async () => {
    expect(await server.stop()).toBe(0)
    removeFolder(server.dataFolder)
    removeFolder(folder)
  })

  for (const client of clients) {
    test.skipIf(client.program === undefined)(
      `${client.name} uploads, lists, renames and deletes`,
      async () => {
        const listed = await client.run({ server, tenant, folder, local })
        expect(listed).toContain(first)
        expect(listed).toContain(renamed)
        await withSftp(server, tenant, async (sftp) => {
          expect((await sftp.list('/')).map(({ name }) => name)).toEqual([renamed])
          expect(await sftp.get(`/${renamed}`)).toEqual(Buffer.from(content))
          await sftp.delete(`/${renamed}`)
        })
      },
    )
  }
})
