import { describe, expect, test } from 'vitest'
import { AppError } from '../../../src/domain/error.ts'
import { openFlag, packet, packetType, statusCode } from '../../../src/listeners/sftp/wire.ts'
import { conversationOfFile, expectStatus, shown } from './conversation.ts'
import { openRaw } from './raw.ts'

const { read, write, append, create, truncate, exclusive } = openFlag
const put = write | create | truncate
const { bench, client, sftp, place, content, writeTo, close } = await conversationOfFile()

describe('SFTP version 3, draft-ietf-secsh-filexfer-02', () => {
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

  test.each([
    ['TRUNC', '/a.csv', truncate],
    ['CREAT and TRUNC', '/a.csv', create | truncate],
    ['CREAT and EXCL', '/n.csv', create | exclusive],
  ])(
    'section 6.3 OPEN: APPEND with %s begins anew, and writes to the end whatever the offset',
    async (_, path, flags) => {
      place('/a.csv', 'old')
      const handle = await sftp.open(path, write | append | flags)
      await writeTo(handle, 0, 'one,')
      await writeTo(handle, 0, 'two')
      expectStatus(await close(handle), statusCode.ok)
      expect(content(path)).toBe('one,two')
    },
  )

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
    // As after any refused WRITE: a client may look at no other answer than this.
    expectStatus(await close(handle), statusCode.failure)
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

  test('section 6.3 OPEN: READ|WRITE reads back what was written, and commits it at CLOSE', async () => {
    const handle = await sftp.open('/a.csv', put | read)
    await writeTo(handle, 0, 'email\n')
    const back = await sftp.ask(packetType.read, handle, 2n, 100)
    expect([back.type, back.fields.text()]).toEqual([packetType.data, 'ail\n'])
    expectStatus(await sftp.ask(packetType.read, handle, 6n, 100), statusCode.eof)
    expect(content('/a.csv')).toBeUndefined()
    expectStatus(await close(handle), statusCode.ok)
    expect(content('/a.csv')).toBe('email\n')
  })

  test('section 6.3 OPEN: READ|WRITE without TRUNC reads the file that is there, then what is written into it', async () => {
    place('/a.csv', 'email\n')
    const handle = await sftp.open('/a.csv', read | write)
    const text = async () => (await sftp.ask(packetType.read, handle, 0n, 100)).fields.text()
    expect(await text()).toBe('email\n')
    await writeTo(handle, 6, 'a@maple.example\n')
    expect(await text()).toBe('email\na@maple.example\n')
    expect(content('/a.csv')).toBe('email\n')
    expectStatus(await close(handle), statusCode.ok)
    expect(content('/a.csv')).toBe('email\na@maple.example\n')
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
})
