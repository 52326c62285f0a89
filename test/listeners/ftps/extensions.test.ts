import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { benchOfFile, connect, loggedIn } from './raw.ts'
import type { RawFtp } from './raw.ts'

const bench = await benchOfFile()
let ftp: RawFtp

const code = async (line: string): Promise<string> => (await ftp.ask(line)).slice(0, 3)

describe('RFC 2228 and RFC 4217: security', () => {
  test.each([
    ['AUTH', 501],
    ['AUTH KERBEROS_V4', 504],
    ['AUTH GSSAPI', 504],
  ])('RFC 2228 section 3: %s is %i, and the connection goes on in clear', async (line, wanted) => {
    ftp = await connect(bench.listener.explicitPort)
    expect(await code(line)).toBe(String(wanted))
    expect(await code('NOOP')).toBe('200')
    expect(await code('USER maple')).toBe('530')
  })

  test.each(['AUTH TLS', 'AUTH TLS-C', 'auth tls', 'AUTH SSL', 'AUTH TLS-P'])(
    'RFC 4217 section 4: %s begins TLS with 234',
    async (line) => {
      ftp = await connect(bench.listener.explicitPort)
      expect(await code(line)).toBe('234')
    },
  )

  test('RFC 4217 section 9: PBSZ comes before PROT, and says 0', async () => {
    ftp = await connect(bench.listener.implicitPort, { implicit: true })
    expect(await code('PROT P')).toBe('503')
    expect(await code('PBSZ')).toBe('501')
    expect(await code('PBSZ x')).toBe('501')
    expect(await ftp.ask('PBSZ 4096')).toBe('200 PBSZ=0')
    expect(await ftp.ask('PBSZ 0')).toBe('200 PBSZ=0')
    expect(await code('PROT P')).toBe('200')
  })

  test.each([
    ['PROT C', 534],
    ['PROT S', 536],
    ['PROT E', 536],
    ['PROT X', 504],
    ['PROT', 501],
  ])('RFC 4217 section 9: %s is %i, data goes through TLS only', async (line, wanted) => {
    ftp = await loggedIn(bench)
    expect(await code(line)).toBe(String(wanted))
  })

  test('RFC 4217 section 9: after AUTH TLS data is in clear until PROT P, and clear data is refused: 522', async () => {
    ftp = await connect(bench.listener.explicitPort)
    await ftp.secure()
    await ftp.ask('USER maple')
    expect(await ftp.ask('PASS correct horse battery staple')).toMatch(/^230 /)
    await ftp.ask('EPSV')
    for (const line of ['STOR a.csv', 'RETR a.csv', 'LIST']) expect(await code(line)).toBe('522')
    expect(await bench.names()).toEqual([])
  })

  test('RFC 4217 section 4: AUTH SSL means private data connections too, as its drafts did', async () => {
    ftp = await connect(bench.listener.explicitPort)
    await ftp.ask('AUTH SSL')
    ftp.destroy()
    ftp = await connect(bench.listener.implicitPort, { implicit: true })
    await ftp.ask('USER maple')
    await ftp.ask('PASS correct horse battery staple')
    // The same holds where TLS begins with the first byte: PROT is not needed.
    expect(await ftp.upload('STOR a.csv', 'x')).toMatch(/^226 /)
  })

  test('RFC 4217 section 10: a data connection in clear is not taken, and leaves nothing', async () => {
    ftp = await loggedIn(bench)
    const data = await ftp.openData()
    expect(await code('STOR a.csv')).toBe('150')
    data.end('email\nsomeone@maple.example\n')
    expect(await ftp.next()).toMatch(/^425 /)
    expect(await bench.names()).toEqual([])
  })
})

describe('RFC 2389: features', () => {
  beforeEach(async () => {
    ftp = await loggedIn(bench)
  })

  test('3.2 FEAT gives one feature a line, each behind one space', async () => {
    const lines = (await ftp.ask('FEAT')).split('\r\n')
    expect([lines[0], lines.at(-1)]).toEqual(['211-Features:', '211 End'])
    expect(lines.slice(1, -1).filter((line) => !/^ [A-Z]/.test(line))).toEqual([])
    const features =
      'AUTH TLS|PBSZ|PROT|EPSV|PASV|SIZE|MDTM|MFMT|REST STREAM|TVFS|MLST type*;size*;modify*;perm*;|' +
      'AVBL|HASH SHA-256*|CLNT|UTF8'
    expect(lines.slice(1, -1)).toEqual(features.split('|').map((line) => ` ${line}`))
  })

  test.each([
    ['OPTS UTF8 ON', 200],
    ['OPTS utf8', 200],
    ['OPTS UTF8 OFF', 501],
    ['OPTS HASH', 200],
    ['OPTS HASH SHA-256', 200],
    ['OPTS HASH MD5', 501],
    ['OPTS XYZZY', 501],
    ['OPTS', 501],
  ])('4 %s: %i', async (line, wanted) => {
    expect(await code(line)).toBe(String(wanted))
  })
})

describe('RFC 2428: extended passive mode', () => {
  beforeEach(async () => {
    ftp = await loggedIn(bench)
  })

  test('3 EPSV names the port between three bars and one', async () => {
    expect(await ftp.ask('EPSV')).toMatch(/^229 [^(]*\(\|\|\|\d+\|\)$/)
    expect(await ftp.ask('EPSV 1')).toMatch(/^229 /)
  })

  test('3 EPSV of another protocol than the control connection has is 522 with the right one', async () => {
    expect(await ftp.ask('EPSV 2')).toMatch(/^522 .*\(1\)/)
    expect(await code('EPSV x')).toBe('501')
  })

  test('4 after EPSV ALL, PASV is refused', async () => {
    expect(await code('EPSV ALL')).toBe('200')
    expect(await code('PASV')).toBe('503')
    expect(await code('EPSV')).toBe('229')
    expect(await ftp.upload('STOR a.csv', 'x')).toMatch(/^226 /)
  })
})

describe('RFC 3659: extensions', () => {
  beforeEach(async () => {
    ftp = await loggedIn(bench)
    await bench.put('a.csv', '12345')
    await bench.files.touch('drop/ten_maple/a.csv', Date.UTC(2020, 1, 3, 4, 5, 6, 789))
  })

  test('3 MDTM gives the time in UTC', async () => {
    expect(await ftp.ask('MDTM a.csv')).toBe('213 20200203040506')
    expect(await code('MDTM nowhere')).toBe('550')
    expect(await code('MDTM /')).toBe('550')
    expect(await code('MDTM')).toBe('501')
  })

  test('4 SIZE gives the bytes, in every type', async () => {
    expect(await ftp.ask('SIZE a.csv')).toBe('213 5')
    await ftp.ask('TYPE A')
    expect(await ftp.ask('SIZE /a.csv')).toBe('213 5')
    expect(await code('SIZE nowhere')).toBe('550')
    expect(await code('SIZE /')).toBe('550')
  })

  test('5 REST and RETR begin in the middle, also at the end; beyond it is 554', async () => {
    expect(await ftp.ask('REST 2')).toMatch(/^350 /)
    expect(String((await ftp.download('RETR a.csv')).bytes)).toBe('345')
    await ftp.ask('REST 5')
    expect(String((await ftp.download('RETR a.csv')).bytes)).toBe('')
    await ftp.ask('REST 6')
    expect((await ftp.download('RETR a.csv')).reply).toMatch(/^554 /)
    // It counted once.
    expect(String((await ftp.download('RETR a.csv')).bytes)).toBe('12345')
  })

  test.each([
    ['REST', 501],
    ['REST x', 501],
    ['REST -1', 501],
    ['REST 1e3', 501],
  ])('5 %s: %i', async (line, wanted) => {
    expect(await code(line)).toBe(String(wanted))
  })

  test('5 REST and STOR go on with a file at that byte; beyond its end is 554, and it stays', async () => {
    await ftp.ask('REST 3')
    expect(await ftp.upload('STOR a.csv', 'xyz')).toMatch(/^226 /)
    expect(String(await bench.stored('a.csv'))).toBe('123xyz')
    await ftp.ask('REST 7')
    expect(await ftp.upload('STOR a.csv', 'lost')).toMatch(/^554 /)
    expect(String(await bench.stored('a.csv'))).toBe('123xyz')
    expect(await bench.names()).toEqual(['a.csv'])
  })

  test('7.2 MLST gives the facts of one entry behind one space', async () => {
    const file = 'type=file;size=5;modify=20200203040506;perm=adfrw; /a.csv'
    expect(await ftp.ask('MLST a.csv')).toBe(`250-Facts:\r\n ${file}\r\n250 End`)
    expect(await ftp.ask('MLST')).toMatch(
      /^250-.*\r\n type=dir;modify=\d{14};perm=celm; \/\r\n250 /s,
    )
    expect(await code('MLST nowhere')).toBe('550')
  })

  test('7.2 MLSD gives a line of facts for each entry; a file is 501', async () => {
    await ftp.ask('MKD test')
    const lines = String((await ftp.download('MLSD')).bytes).split('\r\n')
    expect(lines.toSorted()).toEqual([
      '',
      expect.stringMatching(/^type=dir;modify=\d{14};perm=cdel; test$/),
      'type=file;size=5;modify=20200203040506;perm=adfrw; a.csv',
    ])
    expect((await ftp.download('MLSD a.csv')).reply).toMatch(/^501 /)
  })

  test('7.9 OPTS MLST chooses the facts, and FEAT marks those that are chosen', async () => {
    expect(await ftp.ask('OPTS MLST size;UNIX.mode;Type;')).toBe('200 MLST OPTS type;size;')
    expect(await ftp.ask('FEAT')).toContain(' MLST type*;size*;modify;perm;')
    expect(await ftp.ask('MLST a.csv')).toContain('\r\n type=file;size=5; /a.csv\r\n')
    expect(await ftp.ask('OPTS MLST')).toBe('200 MLST OPTS')
    expect(await ftp.ask('MLST a.csv')).toContain('\r\n  /a.csv\r\n')
  })
})

describe('drafts', () => {
  beforeEach(async () => {
    ftp = await loggedIn(bench)
    await bench.put('a.csv', '12345')
  })

  test('MFMT keeps the time (draft-somers-ftp-mfxx section 3)', async () => {
    expect(await ftp.ask('MFMT 20200203040506 a.csv')).toBe('213 Modify=20200203040506; a.csv')
    expect(await ftp.ask('MDTM a.csv')).toBe('213 20200203040506')
    for (const line of ['MFMT', 'MFMT a.csv', 'MFMT 2020 a.csv', 'MFMT 20209999999999 a.csv']) {
      expect(await code(line)).toBe('501')
    }
    for (const time of ['20200230000000', '20210229000000', '20200101240000', '20200101000061']) {
      expect([time, await code(`MFMT ${time} a.csv`)]).toEqual([time, '501'])
    }
    expect(await ftp.ask('MDTM a.csv')).toBe('213 20200203040506')
    expect(await ftp.ask('MFMT 20161231235960 a.csv')).toBe('213 Modify=20170101000000; a.csv')
    expect(await code('MFMT 20200203040506')).toBe('501')
    expect(await code('MFMT 20200203040506 nowhere')).toBe('550')
  })

  test('MFMT of an upload that an import has taken meanwhile is answered as if it were there', async () => {
    await ftp.upload('STOR b.csv', 'x')
    await bench.files.remove('drop/ten_maple/b.csv')
    expect(await code('MFMT 20200203040506 b.csv')).toBe('213')
    expect(await bench.names()).toEqual(['a.csv'])
  })

  test('HASH gives SHA-256 of the file (draft-bryan-ftpext-hash section 3)', async () => {
    const digest = createHash('sha256').update('12345').digest('hex')
    expect(await ftp.ask('HASH a.csv')).toBe(`213 SHA-256 0-5 ${digest} a.csv`)
    expect(await code('HASH nowhere')).toBe('550')
    expect(await code('HASH')).toBe('501')
  })

  test('AVBL gives the bytes that are left of disk and quota (draft-peterson-streamlined-ftp section 4)', async () => {
    const reply = await ftp.ask('AVBL')
    expect(reply).toMatch(/^213 \d+$/)
    await ftp.upload('STOR b.csv', '1234567890')
    const after = await ftp.ask('AVBL')
    expect(Number(reply.slice(4)) - Number(after.slice(4))).toBe(10)
  })
})
