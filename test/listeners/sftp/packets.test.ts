import type { Client } from 'ssh2'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../../src/domain/error.ts'
import { openFlag, packet, packetType, statusCode } from '../../../src/listeners/sftp/wire.ts'
import { connect, openRaw, startBench } from './raw.ts'
import type { Answer, Bench, RawSftp } from './raw.ts'

const { read, write, append, create, truncate, exclusive } = openFlag
const put = write | create | truncate
const day = 1_700_000_000

describe('SFTP version 3, draft-ietf-secsh-filexfer-02', () => {
  let bench: Bench
  let client: Client
  let sftp: RawSftp

  beforeAll(async () => {
    bench = await startBench()
    client = await connect(bench)
    sftp = await openRaw(client)
  })
  beforeEach(() => {
    bench.drop.files.clear()
    bench.drop.folders.delete('/test')
    bench.drop.events.length = 0
  })
  afterAll(async () => {
    client.end()
    await bench.listener.stop(100)
    expect(bench.drop.open).toBe(0)
  })

  function place(path: string, text: string): void {
    bench.drop.files.set(path, { bytes: Buffer.from(text), modifiedAt: day * 1_000 })
  }
  function content(path: string): string | undefined {
    return bench.drop.files.get(path)?.bytes.toString()
  }
  function expectStatus(answer: Answer, code: number): void {
    expect([answer.type, answer.code]).toEqual([packetType.status, code])
    expect(answer.message).not.toMatch(/\/srv|\.ts|at .*:\d+/)
  }
  async function writeTo(handle: Uint8Array, offset: number, text: string): Promise<Answer> {
    return sftp.ask(packetType.write, handle, BigInt(offset), text)
  }
  async function close(handle: Uint8Array): Promise<Answer> {
    return sftp.ask(packetType.close, handle)
  }
  interface Shown {
    size: bigint
    permissions: number
    modified: number
  }
  function shown(answer: Answer): Shown {
    expect(answer.type).toBe(packetType.attrs)
    const { fields } = answer
    expect(fields.uint32()).toBe(0x0f)
    const size = BigInt(fields.uint64())
    expect([fields.uint32(), fields.uint32()]).toEqual([0, 0])
    const permissions = fields.uint32()
    fields.uint32()
    return { size, permissions, modified: fields.uint32() }
  }

  test('section 4: INIT is answered with VERSION 3 and the extensions, whatever the client says', async () => {
    for (const version of [3, 6]) {
      const raw = await openRaw(client, false)
      const first = new Promise<Buffer>((resolve) => raw.channel.once('data', resolve))
      raw.send(packet(packetType.init, version))
      const body = await first
      expect([body[4], body.readUInt32BE(5)]).toEqual([packetType.version, 3])
      const text = body.toString('latin1')
      for (const name of ['posix-rename', 'statvfs', 'fsync', 'limits'])
        expect(text).toContain(name)
      expect(text).not.toContain('hardlink')
      raw.channel.end()
      await raw.closed
    }
  })

  test('section 4: a request before INIT ends the channel', async () => {
    const raw = await openRaw(client, false)
    raw.send(packet(packetType.stat, 1, '/'))
    await raw.closed
  })

  test('section 3: a length of 0 or above 256 KiB ends the channel', async () => {
    for (const length of [0, 256 * 1024 + 1, 0xffffffff]) {
      const raw = await openRaw(client)
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(length)
      raw.send(bytes)
      await raw.closed
    }
  })

  test('section 3: packets in single bytes and many in one piece are all answered', async () => {
    const request = packet(packetType.realpath, 7001, 'a')
    for (const byte of request) sftp.send(Buffer.of(byte))
    expect((await sftp.answer(7001)).type).toBe(packetType.name)
    sftp.send(
      Buffer.concat(
        Array.from({ length: 3_000 }, (_, n) => packet(packetType.realpath, 8_000 + n, '.')),
      ),
    )
    for (let n = 0; n < 3_000; n += 1) {
      expect((await sftp.answer(8_000 + n)).type).toBe(packetType.name)
    }
  })

  test('section 6.3 OPEN: WRITE|CREAT|TRUNC replaces, and nothing is seen before CLOSE', async () => {
    place('/a.csv', 'the old one')
    const handle = await sftp.open('/a.csv', put)
    expectStatus(await writeTo(handle, 0, 'new'), statusCode.ok)
    expect(content('/a.csv')).toBe('the old one')
    expectStatus(await close(handle), statusCode.ok)
    expect(content('/a.csv')).toBe('new')
  })

  test('section 6.3 OPEN: no file and no CREAT is NO_SUCH_FILE', async () => {
    for (const flags of [read, write, write | truncate, write | append]) {
      expectStatus(await sftp.ask(packetType.open, '/none.csv', flags, 0), statusCode.noSuchFile)
    }
    expect(bench.drop.files.size).toBe(0)
  })

  test('section 6.3 OPEN: EXCL refuses a name that exists, and makes one that does not', async () => {
    place('/a.csv', 'old')
    const flags = write | create | exclusive
    expectStatus(await sftp.ask(packetType.open, '/a.csv', flags, 0), statusCode.failure)
    expect(content('/a.csv')).toBe('old')
    expectStatus(await close(await sftp.open('/b.csv', flags)), statusCode.ok)
    expect(content('/b.csv')).toBe('')
  })

  test('section 6.3 OPEN: APPEND writes to the end whatever the offset', async () => {
    place('/a.csv', 'one,')
    const handle = await sftp.open('/a.csv', write | append)
    await writeTo(handle, 0, 'two,')
    await writeTo(handle, 0, 'three')
    expectStatus(await close(handle), statusCode.ok)
    expect(content('/a.csv')).toBe('one,two,three')
    expectStatus(await close(await sftp.open('/n.csv', write | append | create)), statusCode.ok)
    expect(content('/n.csv')).toBe('')
  })

  test('section 6.3 OPEN: WRITE without TRUNC resumes at the first offset that is written', async () => {
    place('/a.csv', 'kept and lost')
    const handle = await sftp.open('/a.csv', write | create)
    expect(shown(await sftp.ask(packetType.fstat, handle)).size).toBe(13n)
    expectStatus(await writeTo(handle, 4, '!'), statusCode.ok)
    expectStatus(await close(handle), statusCode.ok)
    expect(content('/a.csv')).toBe('kept!')
  })

  test('section 6.3 OPEN: a cut upload is resumed under its own name', async () => {
    place('/a.csv.incomplete', 'half of')
    const handle = await sftp.open('/a.csv', write)
    await writeTo(handle, 7, ' it')
    expectStatus(await close(handle), statusCode.ok)
    expect(content('/a.csv')).toBe('half of it')
    expect(bench.drop.files.has('/a.csv.incomplete')).toBe(false)
  })

  test('section 6.3 OPEN: a resume beyond what is there is refused and changes nothing', async () => {
    place('/a.csv', 'four')
    const handle = await sftp.open('/a.csv', write)
    expectStatus(await writeTo(handle, 99, 'x'), statusCode.failure)
    expectStatus(await close(handle), statusCode.ok)
    expect(content('/a.csv')).toBe('four')
  })

  test('section 6.3 OPEN: a handle opened to resume and closed without a write changes nothing', async () => {
    place('/a.csv', 'same')
    expectStatus(await close(await sftp.open('/a.csv', write)), statusCode.ok)
    expect(content('/a.csv')).toBe('same')
    expect(bench.drop.events.filter((event) => event.startsWith('commit'))).toEqual([])
  })

  test('section 6.3 OPEN: a folder, a read-only folder and a missing folder are refused', async () => {
    expectStatus(await sftp.ask(packetType.open, '/bak', read, 0), statusCode.failure)
    expectStatus(await sftp.ask(packetType.open, '/bak', put, 0), statusCode.permissionDenied)
    expectStatus(await sftp.ask(packetType.open, '/bak/a.csv', put, 0), statusCode.permissionDenied)
    expectStatus(await sftp.ask(packetType.open, '/no/a.csv', put, 0), statusCode.noSuchFile)
    expect(bench.drop.files.size).toBe(0)
  })

  test('section 6.3 CLOSE: a handle is closed once; foreign ones are FAILURE', async () => {
    place('/a.csv', 'x')
    const handle = await sftp.open('/a.csv', read)
    expectStatus(await close(handle), statusCode.ok)
    for (const name of [handle, Buffer.alloc(4, 255), Buffer.alloc(0), Buffer.alloc(300)]) {
      expectStatus(await close(name), statusCode.failure)
      expectStatus(await sftp.ask(packetType.read, name, 0n, 1), statusCode.failure)
      expectStatus(await sftp.ask(packetType.write, name, 0n, 'x'), statusCode.failure)
      expectStatus(await sftp.ask(packetType.fstat, name), statusCode.failure)
      expectStatus(await sftp.ask(packetType.fsetstat, name, 0), statusCode.failure)
      expectStatus(await sftp.ask(packetType.readdir, name), statusCode.failure)
    }
  })

  test('section 6.3 CLOSE: a failed commit is FAILURE, and nothing is published', async () => {
    bench.drop.failCommit = new AppError('out_of_space', 'Cannot store: the disk is full')
    const handle = await sftp.open('/a.csv', put)
    await writeTo(handle, 0, 'x')
    const answer = await close(handle)
    bench.drop.failCommit = undefined
    expectStatus(answer, statusCode.failure)
    expect(answer.message).toBe('Cannot store: the disk is full')
    expect(bench.drop.files.has('/a.csv')).toBe(false)
    expect(bench.drop.open).toBe(0)
  })

  test('section 6.4 READ: bytes from the offset, EOF behind the end', async () => {
    place('/a.csv', 'hello')
    const handle = await sftp.open('/a.csv', read)
    const answer = await sftp.ask(packetType.read, handle, 1n, 3)
    expect([answer.type, answer.fields.text()]).toEqual([packetType.data, 'ell'])
    expect((await sftp.ask(packetType.read, handle, 3n, 1_000_000)).fields.text()).toBe('lo')
    expectStatus(await sftp.ask(packetType.read, handle, 5n, 10), statusCode.eof)
    expectStatus(await sftp.ask(packetType.read, handle, 2n ** 62n, 10), statusCode.failure)
    expectStatus(await writeTo(handle, 0, 'x'), statusCode.failure)
    await close(handle)
  })

  test('section 6.4 WRITE: out of order, empty, and on a handle for writing READ fails', async () => {
    const handle = await sftp.open('/a.csv', put)
    expectStatus(await writeTo(handle, 3, 'def'), statusCode.ok)
    expectStatus(await writeTo(handle, 0, 'abc'), statusCode.ok)
    expectStatus(await writeTo(handle, 6, ''), statusCode.ok)
    expectStatus(await sftp.ask(packetType.read, handle, 0n, 1), statusCode.failure)
    expectStatus(await close(handle), statusCode.ok)
    expect(content('/a.csv')).toBe('abcdef')
  })

  test('section 6.4 WRITE: 200 in one go arrive in order, each answered', async () => {
    const handle = await sftp.open('/a.csv', put)
    const chunk = Buffer.alloc(10_000)
    const all: Buffer[] = []
    for (let n = 0; n < 200; n += 1) {
      chunk.fill(n % 251)
      all.push(Buffer.from(chunk))
      sftp.send(packet(packetType.write, 9_000 + n, handle, BigInt(n * chunk.length), chunk))
    }
    for (let n = 0; n < 200; n += 1) expectStatus(await sftp.answer(9_000 + n), statusCode.ok)
    await close(handle)
    expect(bench.drop.files.get('/a.csv')?.bytes.equals(Buffer.concat(all))).toBe(true)
  })

  test('section 6.4 WRITE: after a refused one CLOSE fails too, and nothing is published', async () => {
    const handle = await sftp.open('/a.csv', put)
    await writeTo(handle, 0, 'fine')
    bench.drop.failWrites = new AppError('out_of_space', 'Cannot write: the disk is full')
    expectStatus(await writeTo(handle, 4, 'x'), statusCode.failure)
    bench.drop.failWrites = undefined
    expectStatus(await writeTo(handle, 5, 'y'), statusCode.failure)
    expectStatus(await close(handle), statusCode.failure)
    expect(bench.drop.files.has('/a.csv')).toBe(false)
    expect(bench.drop.open).toBe(0)
  })

  test('section 6.5 REMOVE: a file, no file, a folder, a read-only one', async () => {
    place('/a.csv', 'x')
    place('/bak/b.csv', 'x')
    expectStatus(await sftp.ask(packetType.remove, '/a.csv'), statusCode.ok)
    expectStatus(await sftp.ask(packetType.remove, '/a.csv'), statusCode.noSuchFile)
    expectStatus(await sftp.ask(packetType.remove, '/'), statusCode.failure)
    expectStatus(await sftp.ask(packetType.remove, '/bak/b.csv'), statusCode.permissionDenied)
    expect([...bench.drop.files.keys()]).toEqual(['/bak/b.csv'])
  })

  test('section 6.5 RENAME: fails when the new name exists; posix-rename takes it', async () => {
    place('/a.csv', 'a')
    place('/b.csv', 'b')
    expectStatus(await sftp.ask(packetType.rename, '/a.csv', '/b.csv'), statusCode.failure)
    expect(content('/b.csv')).toBe('b')
    expectStatus(await sftp.ask(packetType.rename, '/a.csv', '/c.csv'), statusCode.ok)
    expectStatus(await sftp.ask(packetType.rename, '/a.csv', '/d.csv'), statusCode.noSuchFile)
    const posix = 'posix-rename@openssh.com'
    expectStatus(await sftp.ask(packetType.extended, posix, '/c.csv', '/b.csv'), statusCode.ok)
    expect([...bench.drop.files.keys()]).toEqual(['/b.csv'])
    expect(content('/b.csv')).toBe('a')
  })

  test('section 6.6 MKDIR and RMDIR: the folders that may be made, and no others', async () => {
    expectStatus(await sftp.ask(packetType.mkdir, '/test', 0), statusCode.ok)
    expectStatus(await sftp.ask(packetType.mkdir, '/test', 0), statusCode.failure)
    expectStatus(await sftp.ask(packetType.mkdir, '/other', 0), statusCode.failure)
    expectStatus(await sftp.ask(packetType.rmdir, '/test'), statusCode.ok)
    expectStatus(await sftp.ask(packetType.rmdir, '/test'), statusCode.noSuchFile)
    place('/a.csv', 'x')
    expectStatus(await sftp.ask(packetType.rmdir, '/a.csv'), statusCode.failure)
    expect(bench.drop.folders.has('/test')).toBe(false)
  })

  test('section 6.7 OPENDIR and READDIR: pages of names, then EOF', async () => {
    for (let n = 0; n < 250; n += 1) place(`/f${n}.csv`, 'x'.repeat(n))
    const opened = await sftp.ask(packetType.opendir, '/')
    expect(opened.type).toBe(packetType.handle)
    const handle = opened.fields.bytes()
    const names: string[] = []
    const pages: number[] = []
    for (;;) {
      const page = await sftp.ask(packetType.readdir, handle)
      if (page.type === packetType.status) {
        expectStatus(page, statusCode.eof)
        break
      }
      const count = page.fields.uint32()
      pages.push(count)
      for (let n = 0; n < count; n += 1) {
        const name = page.fields.text()
        expect(page.fields.text()).toMatch(
          new RegExp(`^[d-][rwx-]{9} +1 \\S+ +\\S+ +\\d+ .* ${name}$`),
        )
        names.push(name)
        for (let n = 0; n < 8; n += 1) page.fields.uint32()
      }
    }
    expect(pages).toEqual([100, 100, 51])
    expect(names).toContain('f249.csv')
    expectStatus(await sftp.ask(packetType.read, handle, 0n, 1), statusCode.failure)
    expectStatus(await close(handle), statusCode.ok)
    expectStatus(await sftp.ask(packetType.opendir, '/none'), statusCode.noSuchFile)
    expectStatus(await sftp.ask(packetType.opendir, '/f1.csv'), statusCode.failure)
  })

  test('section 6.8 STAT, LSTAT and FSTAT: size, permissions and time', async () => {
    place('/a.csv', 'hello')
    place('/bak/b.csv', '')
    for (const type of [packetType.stat, packetType.lstat]) {
      expect(shown(await sftp.ask(type, '/a.csv'))).toEqual({
        size: 5n,
        permissions: 0o100644,
        modified: day,
      })
      expect(shown(await sftp.ask(type, '/')).permissions).toBe(0o040755)
      expect(shown(await sftp.ask(type, '/bak')).permissions).toBe(0o040555)
      expect(shown(await sftp.ask(type, '/bak/b.csv')).permissions).toBe(0o100444)
      expectStatus(await sftp.ask(type, '/none'), statusCode.noSuchFile)
    }
    const handle = await sftp.open('/a.csv', read)
    expect(shown(await sftp.ask(packetType.fstat, handle)).modified).toBe(day)
    await close(handle)
    const upload = await sftp.open('/n.csv', put)
    await writeTo(upload, 0, '1234')
    expect(shown(await sftp.ask(packetType.fstat, upload)).size).toBe(4n)
    await close(upload)
  })

  test('section 6.9 SETSTAT and FSETSTAT: permissions and owner are OK, the time is kept', async () => {
    place('/a.csv', 'hello')
    const ask = (...fields: (number | bigint)[]) =>
      sftp.ask(packetType.setstat, '/a.csv', ...fields)
    expectStatus(await ask(0x02, 1, 2), statusCode.ok)
    expectStatus(await ask(0x04, 0o600), statusCode.ok)
    expectStatus(await ask(0x08, 1, 2_000), statusCode.ok)
    expect(bench.drop.files.get('/a.csv')?.modifiedAt).toBe(2_000_000)
    expectStatus(await ask(0x01, 5n), statusCode.ok)
    expectStatus(await ask(0x01, 4n), statusCode.ok)
    expect(content('/a.csv')).toBe('hell')
    expectStatus(await ask(0x01, 6n), statusCode.ok)
    expect(content('/a.csv')).toBe('hell\0\0')
    expectStatus(await sftp.ask(packetType.setstat, '/none', 0x01, 6n), statusCode.noSuchFile)
    expectStatus(await sftp.ask(packetType.setstat, '/none', 0x04, 0o600), statusCode.noSuchFile)
    const handle = await sftp.open('/b.csv', put)
    await writeTo(handle, 0, 'too long')
    expectStatus(await sftp.ask(packetType.fsetstat, handle, 0x09, 3n, 1, 3_000), statusCode.ok)
    await close(handle)
    expect(content('/b.csv')).toBe('too')
    expect(bench.drop.files.get('/b.csv')?.modifiedAt).toBe(3_000_000)
  })

  test('section 6.10 READLINK and SYMLINK: there are no links', async () => {
    place('/a.csv', 'x')
    expectStatus(await sftp.ask(packetType.readlink, '/a.csv'), statusCode.failure)
    expectStatus(await sftp.ask(packetType.readlink, '/none'), statusCode.noSuchFile)
    expectStatus(await sftp.ask(packetType.symlink, '/etc/passwd', '/l'), statusCode.opUnsupported)
    expect([...bench.drop.files.keys()]).toEqual(['/a.csv'])
  })

  test('section 6.11 REALPATH: stays in the drop folder, also for names that do not exist', async () => {
    const cases: Record<string, string> = {
      '': '/',
      '.': '/',
      '/': '/',
      '../../etc/passwd': '/etc/passwd',
      'a/./b/../c': '/a/c',
      '日本.csv': '/日本.csv',
    }
    for (const [given, resolved] of Object.entries(cases)) {
      const { type, fields } = await sftp.ask(packetType.realpath, given)
      expect([type, fields.uint32(), fields.text()]).toEqual([packetType.name, 1, resolved])
    }
  })

  test('section 8 EXTENDED: limits, statvfs and fsync', async () => {
    const limits = await sftp.ask(packetType.extended, 'limits@openssh.com')
    expect(limits.type).toBe(packetType.extendedReply)
    const numbers = Array.from({ length: 4 }, () => limits.fields.uint64())
    expect(numbers).toEqual([262_144, 261_120, 261_120, 64])
    const space = await sftp.ask(packetType.extended, 'statvfs@openssh.com', '/')
    const figures = Array.from({ length: 11 }, () => space.fields.uint64())
    expect(figures).toEqual([4096, 4096, 2 ** 19, 2 ** 18, 2 ** 18, 0, 0, 0, 0, 2, 255])
    const handle = await sftp.open('/a.csv', put)
    expectStatus(await sftp.ask(packetType.extended, 'fsync@openssh.com', handle), statusCode.ok)
    expect(bench.drop.events).toContain('sync /a.csv')
    await close(handle)
  })

  test('section 8 EXTENDED: hard links and what is unknown are OP_UNSUPPORTED', async () => {
    place('/a.csv', 'x')
    for (const name of ['hardlink@openssh.com', 'copy-data', 'vendor-id', '']) {
      expectStatus(
        await sftp.ask(packetType.extended, name, '/a.csv', '/b.csv'),
        statusCode.opUnsupported,
      )
    }
    expect([...bench.drop.files.keys()]).toEqual(['/a.csv'])
  })

  test('section 7: unknown types are OP_UNSUPPORTED, packets that end early are BAD_MESSAGE', async () => {
    for (const type of [0, 21, 99, 101, 104, 201, 255]) {
      expectStatus(await sftp.ask(type), statusCode.opUnsupported)
    }
    const known = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 200]
    for (const type of known) {
      expectStatus(await sftp.ask(type), statusCode.badMessage)
      expectStatus(await sftp.ask(type, 0xffffffff), statusCode.badMessage)
    }
    const handle = await sftp.open('/a.csv', put)
    const short = packet(packetType.write, 6_001, handle, 0n, 100).fill(65, 29)
    sftp.send(short)
    expectStatus(await sftp.answer(6_001), statusCode.badMessage)
    await close(handle)
  })

  test('a name that is not UTF-8 is FAILURE', async () => {
    const answer = await sftp.ask(packetType.stat, Buffer.of(0x2f, 0xff, 0xfe))
    expectStatus(answer, statusCode.failure)
    expect(answer.message).toContain('UTF-8')
  })

  test('the 65th handle is refused, and one closed makes room', async () => {
    place('/a.csv', 'x')
    const handles: Uint8Array[] = []
    for (let n = 0; n < 64; n += 1) handles.push(await sftp.open('/a.csv', read))
    expectStatus(await sftp.ask(packetType.open, '/a.csv', read, 0), statusCode.failure)
    expectStatus(await sftp.ask(packetType.opendir, '/'), statusCode.failure)
    expectStatus(await sftp.ask(packetType.open, '/n.csv', put, 0), statusCode.failure)
    expectStatus(await close(handles.pop() ?? Buffer.alloc(0)), statusCode.ok)
    handles.push(await sftp.open('/a.csv', read))
    for (const handle of handles) await close(handle)
    expect(bench.drop.files.has('/n.csv')).toBe(false)
  })

  test('the fifth folder at once is refused: each holds its whole listing', async () => {
    const handles: Uint8Array[] = []
    for (let n = 0; n < 4; n += 1) {
      handles.push((await sftp.ask(packetType.opendir, '/')).fields.bytes())
    }
    expectStatus(await sftp.ask(packetType.opendir, '/'), statusCode.failure)
    expectStatus(await close(handles.pop() ?? Buffer.alloc(0)), statusCode.ok)
    handles.push((await sftp.ask(packetType.opendir, '/')).fields.bytes())
    for (const handle of handles) expectStatus(await close(handle), statusCode.ok)
  })

  test('an internal error is FAILURE in our own words, and is logged', async () => {
    bench.drop.failCommit = new Error('SQLITE_BUSY in /srv/rosterdrop/state.db')
    const answer = await close(await sftp.open('/a.csv', put))
    bench.drop.failCommit = undefined
    expectStatus(answer, statusCode.failure)
    expect(answer.message).toContain('internal error')
    expect(answer.message).not.toContain('SQLITE')
    expect(bench.logged.some((line) => line.startsWith('sftp request failed'))).toBe(true)
  })
})
