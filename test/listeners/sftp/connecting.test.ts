import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { peer, pythonWith } from '../../support/peers.ts'
import { password } from '../../drop/door.ts'
import { call } from '../client-cells.ts'
import { opensshOptions } from './programs.ts'
import { startReal } from './real.ts'
import type { RealServer } from './real.ts'

const page = readFileSync(
  join(import.meta.dirname, '..', '..', '..', 'docs', 'connecting.md'),
  'utf8',
)

/** The SFTP commands of the page, continued lines joined. */
const lines = [...page.matchAll(/^```\n(.*?)^```/gms)]
  .flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n'))
  .filter((line) => line.includes('2222') && !line.startsWith('sftp>'))

/** What a person types or confirms while the command runs, as options. */
const answers: Record<string, (line: string, where: Where) => string> = {
  sftp: (line, { openssh }) => line.replace(/\bsftp\b(?= -)/, `sftp ${openssh}`),
  scp: (line, { openssh }) => line.replace('scp ', `scp ${openssh} `),
  psftp: (line, { fingerprint }) =>
    line.replace('psftp ', `psftp -batch -hostkey ${fingerprint} -pw '${password}' `),
  lftp: (line) => line.replace('-u maple', `-u 'maple,${password}'`),
  curl: (line) => line.replace('-u maple', `-k -u 'maple:${password}'`),
  rclone: (line) => line.replace('PASSWORD', `'${password}'`),
}

interface Where {
  openssh: string
  fingerprint: string
}

const programOf = (line: string): string =>
  (line.startsWith('echo') ? 'sftp' : line.split(' ')[0]) ?? ''

describe('docs/connecting.md', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-page-'))
  const content = 'email,firstName\nada@maple.example,Ada\n'
  let server: RealServer
  let where: Where
  let env: NodeJS.ProcessEnv

  beforeAll(async () => {
    writeFileSync(join(folder, 'users.csv'), content)
    await call('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'id_ed25519')])
    const publicKey = readFileSync(join(folder, 'id_ed25519.pub'), 'utf8').trim()
    server = await startReal({ runtime: 'node', publicKey })
    const openssh = opensshOptions({ server, folder, password: password })
    const options = openssh.args.filter((arg) => !arg.startsWith('PubkeyAuthentication'))
    // The option in front of the one that was taken out goes as well.
    const kept = options.filter((arg, index) => arg !== '-o' || options[index + 1] !== '-o')
    where = { openssh: kept.join(' '), fingerprint: server.fingerprint }
    const connect = `set sftp:connect-program "ssh -a -x ${kept.join(' ')}"`
    writeFileSync(join(folder, 'rc'), `set sftp:auto-confirm yes\n${connect}\n`)
    env = { ...process.env, ...openssh.env, LFTP_HOME: folder, HOME: folder }
  })
  afterAll(async () => {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(() => {
    rmSync(server.dropFolder, { recursive: true, force: true })
  })

  async function shell(command: string, typed: string): Promise<string> {
    const child = spawn('sh', ['-c', command], { cwd: folder, env, timeout: 25_000 })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => (text += String(bytes)))
    }
    child.stdin.on('error', () => undefined)
    child.stdin.end(typed)
    const [code] = await once(child, 'close')
    if (code !== 0) throw new Error(`${command} ended with ${code}:\n${text}`)
    return text
  }

  test('has a line for each of the clients', () => {
    expect(new Set(lines.map(programOf))).toEqual(new Set(Object.keys(answers)))
  })

  test.for(lines.map((line) => [line] as const))('"%s" uploads', async ([line], { skip }) => {
    const program = programOf(line)
    skip(peer(program) === undefined, `${program} is not installed`)
    const command = (answers[program] ?? ((same) => same))(line, where)
      .replaceAll('HOST', '127.0.0.1')
      .replaceAll('2222', String(server.port))
    await shell(command, 'put users.csv\n')
    expect(server.names()).toEqual(['users.csv'])
    expect(readFileSync(join(server.dropFolder, 'users.csv'), 'utf8')).toBe(content)
  })

  const python = pythonWith('paramiko')
  test.skipIf(python === undefined)('its Python program uploads', async () => {
    const [, program = ''] = /^```python\n(import paramiko.*?)^```/ms.exec(page) ?? []
    const port = String(server.port)
    const hostKey = await call('ssh-keyscan', ['-p', port, '127.0.0.1'])
    writeFileSync(join(folder, 'known_hosts'), hostKey)
    const given = program.replaceAll('HOST', '127.0.0.1').replaceAll('2222', port)
    writeFileSync(join(folder, 'program.py'), `password = '${password}'\n${given}`)
    await shell(`${python ?? ''} program.py`, '')
    expect(readFileSync(join(server.dropFolder, 'users.csv'), 'utf8')).toBe(content)
  })
})
