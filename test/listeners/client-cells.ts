import { execFile } from 'node:child_process'
import { once } from 'node:events'
import {
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { password } from '../drop/door.ts'
import { createMatrix } from './matrix.ts'

/** What a client is told of the server that it goes to. */
export interface Login<Server> {
  server: Server
  /** For scripts. */
  folder: string
  password: string
}

/** What every client can be told to do; remote names are in the drop folder. */
export interface ClientProgram<Server> {
  name: string
  /** Undefined when it is not installed. */
  path: string | undefined
  put(login: Login<Server>, local: string, remote: string): Promise<unknown>
  get(login: Login<Server>, remote: string, local: string): Promise<unknown>
  /** What it printed. */
  list(login: Login<Server>): Promise<string>
  rename(login: Login<Server>, from: string, to: string): Promise<unknown>
  remove(login: Login<Server>, remote: string): Promise<unknown>
  /** Goes on with an upload, or why it cannot. */
  resume: ((login: Login<Server>, local: string, remote: string) => Promise<unknown>) | string
  /** Every file of a folder in one session; they are called `f0.part` and so on. */
  putMany: (login: Login<Server>, localFolder: string, count: number) => Promise<unknown>
}

/** A server as the cells need it. */
export interface RealDrop {
  names(): string[]
  readonly dropFolder: string
  stop(): Promise<void>
}

/** Runs a program to its end; resolves to what it printed, throws when it failed. */
export function call(
  program: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    // Names are UTF-8, whatever the locale of the machine.
    const variables = { ...process.env, LC_ALL: 'C.UTF-8', ...env }
    const options = { env: variables, timeout: 600_000, maxBuffer: 2 ** 26 }
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${error.message}\n${stdout}${stderr}`))
    })
  })
}

/** Text between double quotes, as most of the clients read it. */
export const double = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

// Names in .part are not imported, so nothing remembers them when a test clears the folder from outside.
const oddName = '日本 a:b?q\\x"y$z#w.part'

/** Every client puts 1 GiB and 1,000 small files, which takes half an hour: `MATRIX=full` (CONTRIBUTING.md). */
const full = process.env['MATRIX'] === 'full'
const gibibyte = 2 ** 30
const shortBytes = 16 * 2 ** 20

export interface MatrixOptions<Server extends RealDrop> {
  /** `SFTP under node`. */
  title: string
  programs: readonly ClientProgram<Server>[]
  start: () => Promise<Server>
  /** Small files that a client puts in one session unless all put 1,000. */
  manyOf: (client: string) => number
  /** Those that put 1 GiB always. */
  clientsOfGibibyte: readonly string[]
}

/**
 * Declares the cells that every client has, on a server of their own; call it within a `describe`.
 *
 * What it returns can be used in tests: the files on both sides, and `cell` for cells of one protocol alone.
 */
export function clientCells<Server extends RealDrop>(options: MatrixOptions<Server>) {
  const { programs, clientsOfGibibyte } = options
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-clients-'))
  const local = join(folder, 'local.csv')
  const back = join(folder, 'back.csv')
  const empty = join(folder, 'empty.csv')
  const part = join(folder, 'part.csv')
  const content = Buffer.from(
    `email,firstName\n${'someone@maple.example,Some One\n'.repeat(12_000)}`,
  )
  let server: Server
  let login: Login<Server>

  beforeAll(async () => {
    writeFileSync(local, content)
    writeFileSync(part, content.subarray(0, 100_001))
    writeFileSync(empty, '')
    server = await options.start()
    login = { server, folder, password }
  })
  afterAll(async () => {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  function clear(): void {
    for (const name of server.names()) rmSync(join(server.dropFolder, name), { recursive: true })
  }
  const stored = (name: string): Buffer => readFileSync(join(server.dropFolder, name))

  /** A folder with `count` small files. */
  function folderOf(count: number): string {
    const many = join(folder, `many${count}`)
    mkdirSync(many, { recursive: true })
    for (let n = 0; n < count; n += 1) writeFileSync(join(many, `f${n}.part`), `row ${n}\n`)
    return many
  }

  /** A file of which no two mebibytes are alike. */
  async function bigFile(bytes: number): Promise<string> {
    const big = join(folder, 'big.part')
    const out = createWriteStream(big)
    for (let n = 0; n < bytes / 2 ** 20; n += 1) {
      const block = Buffer.alloc(2 ** 20, content)
      block.writeUInt32BE(n)
      if (!out.write(block)) await once(out, 'drain')
    }
    out.end()
    await once(out, 'close')
    return big
  }

  const matrix = createMatrix(options.title, () => {
    clear()
    rmSync(back, { force: true })
  })
  afterAll(() => matrix.print())

  describe.each(programs)('$name', (client) => {
    const cell = (title: string, work: () => Promise<void>, timeout?: number): void =>
      matrix.cell(client, title, work, timeout)

    cell('puts, lists and gets a file', async () => {
      await client.put(login, local, 'a.part')
      expect(stored('a.part').equals(content)).toBe(true)
      expect(await client.list(login)).toContain('a.part')
      await client.get(login, 'a.part', back)
      expect(readFileSync(back).equals(content)).toBe(true)
    })
    cell('puts over a file that is there', async () => {
      await client.put(login, local, 'a.part')
      await client.put(login, part, 'a.part')
      expect(stored('a.part').length).toBe(100_001)
    })
    cell('renames and deletes', async () => {
      await client.put(login, local, 'a.part')
      await client.rename(login, 'a.part', 'b.part')
      expect(server.names()).toEqual(['b.part'])
      await client.remove(login, 'b.part')
      expect(server.names()).toEqual([])
    })
    cell('puts and gets 0 bytes', async () => {
      await client.put(login, empty, 'empty.part')
      expect(stored('empty.part').length).toBe(0)
      await client.get(login, 'empty.part', back)
      expect(readFileSync(back).length).toBe(0)
    })
    cell('puts, lists, gets and deletes an odd name', async () => {
      await client.put(login, local, oddName)
      expect(server.names()).toHaveLength(1)
      expect(await client.list(login)).toContain('日本 a:b')
      await client.get(login, oddName, back)
      expect(readFileSync(back).equals(content)).toBe(true)
      await client.remove(login, oddName)
      expect(server.names()).toEqual([])
    })
    const { resume } = client
    const goesOn = 'resumes an upload'
    const goesOnWithCut = 'resumes a cut upload under the name that it gave'
    if (typeof resume === 'string') {
      for (const title of [goesOn, goesOnWithCut]) {
        matrix.none(client.name, title, `not offered by the client: ${resume}`)
      }
    } else {
      cell(goesOn, async () => {
        await client.put(login, part, 'a.part')
        await resume(login, local, 'a.part')
        expect(stored('a.part').equals(content)).toBe(true)
        expect(server.names()).toEqual(['a.part'])
      })
      cell(goesOnWithCut, async () => {
        mkdirSync(server.dropFolder, { recursive: true })
        writeFileSync(join(server.dropFolder, 'a.part.incomplete'), readFileSync(part))
        await resume(login, local, 'a.part')
        expect(stored('a.part').equals(content)).toBe(true)
        expect(server.names()).toEqual(['a.part'])
      })
    }
    const count = full ? 1_000 : options.manyOf(client.name)
    cell(
      `puts ${count} small files in one session`,
      async () => {
        await client.putMany(login, folderOf(count), count)
        expect(server.names()).toHaveLength(count)
      },
      // curl 7.88 waits a second where the answer to EPSV is there before it looks, which the loopback is fast enough for.
      600_000,
    )
    const bytes = full || clientsOfGibibyte.includes(client.name) ? gibibyte : shortBytes
    const size = bytes === gibibyte ? '1 GiB' : `${shortBytes / 2 ** 20} MiB`
    cell(
      `puts and gets ${size}`,
      async () => {
        const big = await bigFile(bytes)
        await client.put(login, big, 'big.part')
        expect(server.names()).toEqual(['big.part'])
        await call('cmp', [big, join(server.dropFolder, 'big.part')])
        await client.get(login, 'big.part', back)
        await call('cmp', [big, back])
        rmSync(big)
        rmSync(back)
        clear()
      },
      400_000,
    )
    cell('is refused with a wrong password, and leaves nothing', async () => {
      await expect(client.put({ ...login, password: 'wrong' }, local, 'a.part')).rejects.toThrow()
      expect(server.names()).toEqual([])
    })
  })

  return {
    folder,
    local,
    back,
    part,
    content,
    matrix,
    clear,
    stored,
    server: () => server,
    login: () => login,
  }
}
