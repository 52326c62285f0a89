import { describe, expect, test } from 'vitest'
import { openFlag, packet, packetType, statusCode } from '../../../src/listeners/sftp/wire.ts'
import { conversationOfFile, day, expectStatus, shown } from './conversation.ts'

const { read, write, create, truncate } = openFlag
const put = write | create | truncate
const { bench, sftp, place, content, writeTo, close } = await conversationOfFile()

describe('SFTP version 3, draft-ietf-secsh-filexfer-02', () => {
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
    for (const path of ['/a.csv', '/bak/b.csv']) {
      const handle = await sftp.open(path, read)
      const byPath = shown(await sftp.ask(packetType.stat, path))
      expect(shown(await sftp.ask(packetType.fstat, handle))).toEqual(byPath)
      await close(handle)
    }
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
    const unwritten = await sftp.open('/b.csv', openFlag.read | openFlag.write)
    expectStatus(await sftp.ask(packetType.fsetstat, unwritten, 0x08, 1, 4_000), statusCode.ok)
    expectStatus(await close(unwritten), statusCode.ok)
    expect(content('/b.csv')).toBe('too')
    expect(bench.drop.files.get('/b.csv')?.modifiedAt).toBe(4_000_000)
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
