import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { commandTable } from '../../../src/listeners/ftps/commands.ts'
import { connect, loggedIn, startBench } from './raw.ts'
import type { Bench, RawFtp } from './raw.ts'

let bench: Bench
let ftp: RawFtp

beforeAll(async () => {
  bench = await startBench()
})
afterEach(async () => {
  ftp.destroy()
  await bench.clear()
})
afterAll(() => bench.stop())

const code = async (line: string): Promise<string> => (await ftp.ask(line)).slice(0, 3)

/** Each command with its codes before TLS, before login, and after. */
const states: readonly (readonly [line: string, clear: number, secured: number, inside: number])[] =
  [
    ['USER maple', 530, 331, 503],
    ['PASS x', 530, 503, 503],
    ['AUTH TLS', 234, 503, 503],
    ['PBSZ 0', 503, 200, 200],
    ['PROT P', 503, 503, 200],
    ['FEAT', 211, 211, 211],
    ['SYST', 215, 215, 215],
    ['OPTS UTF8 ON', 200, 200, 200],
    ['CLNT test', 200, 200, 200],
    ['HELP', 214, 214, 214],
    ['NOOP', 200, 200, 200],
    ['QUIT', 221, 221, 221],
    ['STAT', 530, 530, 211],
    ['PWD', 530, 530, 257],
    ['XPWD', 530, 530, 257],
    ['CWD /', 530, 530, 250],
    ['XCWD /', 530, 530, 250],
    ['CDUP', 530, 530, 250],
    ['XCUP', 530, 530, 250],
    ['TYPE I', 530, 530, 200],
    ['STRU F', 530, 530, 200],
    ['MODE S', 530, 530, 200],
    ['PASV', 530, 530, 227],
    ['EPSV', 530, 530, 229],
    ['PORT 127,0,0,1,200,0', 530, 530, 502],
    ['EPRT |1|127.0.0.1|51200|', 530, 530, 502],
    ['LIST', 530, 530, 425],
    ['NLST', 530, 530, 425],
    ['MLSD', 530, 530, 425],
    ['MLST', 530, 530, 250],
    ['SIZE there.csv', 530, 530, 213],
    ['MDTM there.csv', 530, 530, 213],
    ['ALLO 100', 530, 530, 202],
    ['AVBL', 530, 530, 213],
    ['HASH there.csv', 530, 530, 213],
    ['REST 0', 530, 530, 350],
    ['RETR there.csv', 530, 530, 425],
    ['STOR new.csv', 530, 530, 425],
    ['APPE there.csv', 530, 530, 425],
    ['ABOR', 530, 530, 226],
    ['DELE there.csv', 530, 530, 250],
    ['RNFR there.csv', 530, 530, 350],
    ['RNTO other.csv', 530, 530, 503],
    ['MKD test', 530, 530, 257],
    ['XMKD test', 530, 530, 257],
    ['RMD test', 530, 530, 550],
    ['XRMD test', 530, 530, 550],
    ['MFMT 20260131080000 there.csv', 530, 530, 213],
  ]

describe('a command in each state of the connection', () => {
  test('the table below has every command that is known', async () => {
    ftp = await connect(bench.listener.explicitPort)
    const verbs = states.map(([line]) => line.split(' ')[0] ?? '')
    expect(new Set(verbs)).toEqual(new Set(commandTable.keys()))
    expect(verbs).toHaveLength(commandTable.size)
  })

  test.each(states)('%s: before TLS %i, before login %i, after login %i', async (...row) => {
    const [line, clear, secured, inside] = row
    await bench.put('there.csv', 'email\n')
    ftp = await connect(bench.listener.explicitPort)
    expect(await code(line)).toBe(String(clear))
    ftp.destroy()

    ftp = await connect(bench.listener.implicitPort, { implicit: true })
    expect(await code(line)).toBe(String(secured))
    ftp.destroy()
    if (secured === 530) expect(await bench.names()).toEqual(['there.csv'])

    ftp = await loggedIn(bench)
    expect(await code(line)).toBe(String(inside))
  })

  const others =
    'ACCT x|SMNT /|REIN|STOU|SITE CHMOD 644 a|SITE|CCC|ADAT x|MIC x|CONF x|ENC x|LPRT 4|LPSV|LANG en|HOST x|' +
    'MFCT 20200101000000 a|XYZZY|GET / HTTP/1.1|| |STOR2 a|U|SYSTEM'
  test.each(others.split('|'))(
    '%j is not known: 502 in every state (RFC 959 section 4.2)',
    async (line) => {
      ftp = await connect(bench.listener.explicitPort)
      // An empty line is no command at all.
      const wanted = line === '' ? '200' : '502'
      const sent = line === '' ? '\r\nNOOP' : line
      expect(await code(sent)).toBe(wanted)
      ftp.destroy()
      ftp = await loggedIn(bench)
      expect(await code(sent)).toBe(wanted)
    },
  )

  test('verbs are known in any case (RFC 959 section 5.3)', async () => {
    ftp = await loggedIn(bench)
    expect([await code('noop'), await code('nOoP'), await code('pwd')]).toEqual([
      '200',
      '200',
      '257',
    ])
  })
})

describe('RFC 959: access control', () => {
  beforeEach(async () => {
    ftp = await loggedIn(bench)
  })

  test('4.1.1 PWD gives the name in quotes, and doubles the quotes in it (RFC 959 appendix II)', async () => {
    expect(await ftp.ask('PWD')).toMatch(/^257 "\/" /)
    await ftp.ask('MKD test')
    expect(await ftp.ask('CWD test')).toMatch(/^250 /)
    expect(await ftp.ask('PWD')).toMatch(/^257 "\/test" /)
    expect(await ftp.ask('CDUP')).toMatch(/^250 /)
    expect(await ftp.ask('PWD')).toMatch(/^257 "\/" /)
  })

  test.each([
    ['CWD nowhere', 550],
    ['CWD there.csv', 550],
    ['CWD', 501],
    ['CWD ../../..', 250],
    ['CWD /test/../..', 250],
  ])('4.1.1 %s: %i, and stays in the drop folder', async (line, wanted) => {
    await bench.put('there.csv', 'email\n')
    expect(await code(line)).toBe(String(wanted))
    expect(await ftp.ask('PWD')).toMatch(/^257 "\/" /)
  })

  test('4.1.1 QUIT answers 221 and closes; what is sent behind it is not run', async () => {
    await bench.put('there.csv', 'email\n')
    ftp.send('QUIT\r\nDELE there.csv\r\n')
    expect(await ftp.next()).toMatch(/^221 /)
    await ftp.closed
    expect(await bench.names()).toEqual(['there.csv'])
  })
})

describe('RFC 959: transfer parameters', () => {
  beforeEach(async () => {
    ftp = await loggedIn(bench)
  })

  test.each([
    ['TYPE A', 200],
    ['TYPE a n', 200],
    ['TYPE I', 200],
    ['TYPE L 8', 200],
    ['TYPE L 36', 504],
    ['TYPE E', 504],
    ['TYPE A T', 504],
    ['TYPE', 501],
    ['STRU F', 200],
    ['STRU R', 504],
    ['STRU P', 504],
    ['STRU', 501],
    ['MODE S', 200],
    ['MODE B', 504],
    ['MODE C', 504],
    ['MODE Z', 504],
    ['MODE', 501],
  ])('4.1.2 %s: %i', async (line, wanted) => {
    expect(await code(line)).toBe(String(wanted))
  })

  test('4.1.2 PASV answers with the six numbers of the address that the client came to', async () => {
    const reply = await ftp.ask('PASV')
    expect(reply).toMatch(/^227 [^(]*\(127,0,0,1,\d{1,3},\d{1,3}\)$/)
  })

  test('4.1.2 TYPE A stores the bytes as they are', async () => {
    await ftp.ask('TYPE A')
    expect(await ftp.upload('STOR a.csv', 'a\r\nb\nc\r')).toMatch(/^226 /)
    expect(String(await bench.stored('a.csv'))).toBe('a\r\nb\nc\r')
    expect((await ftp.download('RETR a.csv')).bytes.toString()).toBe('a\r\nb\nc\r')
  })
})

describe('RFC 959: service commands', () => {
  beforeEach(async () => {
    ftp = await loggedIn(bench)
  })

  test('4.1.3 STOR replaces, APPE goes on, RETR gives back', async () => {
    expect(await ftp.upload('STOR a.csv', 'one')).toMatch(/^226 /)
    expect(await ftp.upload('STOR a.csv', 'two')).toMatch(/^226 /)
    expect(await ftp.upload('APPE a.csv', ' three')).toMatch(/^226 /)
    expect(await ftp.upload('APPE b.csv', 'new')).toMatch(/^226 /)
    const { bytes, reply } = await ftp.download('RETR a.csv')
    expect([String(bytes), reply.slice(0, 3)]).toEqual(['two three', '226'])
    expect(await bench.names()).toEqual(['a.csv', 'b.csv'])
  })

  test.each([
    ['STOR', 501],
    ['STOR bak/a.csv', 550],
    ['STOR nowhere/a.csv', 550],
    ['STOR /', 550],
    [`STOR ${'n'.repeat(256)}`, 553],
    ['STOR a\tb', 553],
    ['APPE a\u007Fb', 553],
    ['APPE', 501],
    ['RETR', 501],
    ['RETR nowhere', 550],
    ['RETR /', 550],
    ['RETR a\tb', 501],
    ['LIST nowhere', 550],
    ['NLST nowhere', 550],
    ['MLSD nowhere', 550],
    ['DELE', 501],
    ['DELE nowhere', 550],
    ['DELE /', 550],
    ['RNFR', 501],
    ['RNFR nowhere', 550],
    ['MKD', 501],
    ['MKD other', 552],
    ['MKD test/deeper', 552],
    ['MKD bak', 552],
    ['RMD', 501],
    ['RMD other', 550],
    ['RMD bak', 550],
  ])('4.1.3 %j is refused with %i, before any data, and leaves nothing', async (line, wanted) => {
    await ftp.ask('EPSV')
    expect(await code(line)).toBe(String(wanted))
    expect(await bench.names()).toEqual([])
  })

  test('4.1.3 a transfer without PASV or EPSV is 425, and leaves nothing', async () => {
    await bench.put('a.csv', 'old')
    for (const line of ['STOR a.csv', 'APPE a.csv', 'APPE b.csv', 'RETR a.csv', 'LIST', 'MLSD']) {
      expect(await code(line)).toBe('425')
    }
    expect(await bench.names()).toEqual(['a.csv'])
  })

  test('4.1.3 RNFR and RNTO rename, also onto a file; nothing may come between', async () => {
    await bench.put('a.csv', 'new')
    await bench.put('b.csv', 'old')
    await ftp.ask('RNFR a.csv')
    expect(await code('NOOP')).toBe('200')
    expect(await code('RNTO c.csv')).toBe('503')
    expect(await code('RNFR a.csv')).toBe('350')
    expect(await code('RNTO b.csv')).toBe('250')
    expect(await code('RNTO b.csv')).toBe('503')
    expect(await bench.names()).toEqual(['b.csv'])
    expect(String(await bench.stored('b.csv'))).toBe('new')
  })

  test('4.1.3 RNTO to a name that no file may have is 553, and the file stays', async () => {
    await bench.put('a.csv', 'x')
    await ftp.ask('RNFR a.csv')
    expect(await code('RNTO a\tb')).toBe('553')
    await ftp.ask('RNFR a.csv')
    expect(await code('RNTO bak/a.csv')).toBe('550')
    expect(await bench.names()).toEqual(['a.csv'])
  })

  test('4.1.3 RNFR of a folder, of a read-only file and of nothing is 550, and RNTO 503', async () => {
    await ftp.ask('MKD test')
    const staged = await bench.files.openWrite('drop/ten_maple/bak/old.csv')
    await staged.write(0, Buffer.from('x'))
    await staged.commit()
    for (const name of ['/', 'test', 'bak', 'bak/old.csv', 'nowhere']) {
      expect([name, await code(`RNFR ${name}`)]).toEqual([name, '550'])
      expect(await code('RNTO b.csv')).toBe('503')
    }
    await bench.files.remove('drop/ten_maple/bak/old.csv')
  })

  test('4.1.3 RMD of a file and of nothing is 550, and the file stays', async () => {
    await bench.put('a.csv', 'x')
    expect(await code('RMD a.csv')).toBe('550')
    expect(await code('RMD nowhere')).toBe('550')
    expect(await bench.names()).toEqual(['a.csv'])
  })

  test('4.1.3 MKD answers 257 with the name, 550 the second time; RMD takes it away', async () => {
    expect(await ftp.ask('MKD test')).toMatch(/^257 "\/test" /)
    expect(await code('MKD /test')).toBe('550')
    expect(await ftp.upload('STOR test/a.csv', 'x')).toMatch(/^226 /)
    expect(await code('RMD test')).toBe('550')
    expect(await code('DELE test/a.csv')).toBe('250')
    expect(await code('RMD test')).toBe('250')
    expect(await code('CWD test')).toBe('550')
  })

  test.each([
    ['ALLO 100', 202],
    ['ALLO 100 R 50', 202],
    ['ALLO 99999999999999', 552],
    ['ALLO x', 501],
    ['ALLO', 501],
  ])('4.1.3 %s: %i', async (line, wanted) => {
    expect(await code(line)).toBe(String(wanted))
  })

  test('4.1.3 STAT of a name lists it over the control connection', async () => {
    await bench.put('a.csv', '12345')
    expect(await ftp.ask('STAT a.csv')).toMatch(
      /^213-.*\r\n -rw-r--r-- .* 5 .* a\.csv\r\n213 End$/s,
    )
    expect(await ftp.ask('STAT /')).toMatch(/^213-.* a\.csv\r\n213 End$/s)
    expect(await code('STAT nowhere')).toBe('550')
  })

  test('4.1.3 HELP names every command, and speaks of one', async () => {
    const all = await ftp.ask('HELP')
    for (const name of commandTable.keys()) expect(all).toContain(name)
    expect(await code('HELP STOR')).toBe('214')
    expect(await code('HELP XYZZY')).toBe('502')
  })

  test('4.1.3 LIST prints a line of ls -l for each entry, NLST the names alone', async () => {
    await bench.put('a.csv', '12345')
    await bench.files.touch('drop/ten_maple/a.csv', Date.UTC(2020, 1, 3, 4, 5))
    await ftp.ask('MKD test')
    const { bytes, reply } = await ftp.download('LIST')
    expect(reply).toMatch(/^226 /)
    const lines = String(bytes).split('\r\n')
    expect(lines.toSorted()).toEqual([
      '',
      expect.stringMatching(/^-rw-r--r-- 1 drop drop {12}5 Feb  3  2020 a\.csv$/),
      expect.stringMatching(/^drwxr-xr-x 1 drop drop {12}0 [A-Z][a-z]{2} [ \d]\d \d\d:\d\d test$/),
    ])
    for (const argument of ['', ' -a', ' -la', ' /', ' -a -l .']) {
      const names = String((await ftp.download(`NLST${argument}`)).bytes).split('\r\n')
      expect(names.toSorted()).toEqual(['', 'a.csv', 'test'])
    }
    expect(String((await ftp.download('LIST a.csv')).bytes)).toMatch(/ a\.csv\r\n$/)
  })

  test('4.1.3 NLST and LIST know * and ? in the last part of a path, and a file that is called so first', async () => {
    for (const name of ['a.csv', 'b.csv', 'ab.csv', 'c.txt']) await bench.put(name, 'x')
    const names = async (line: string): Promise<string[]> => {
      const { bytes, reply } = await ftp.download(line)
      return reply.startsWith('226') ? String(bytes).split('\r\n').slice(0, -1).toSorted() : [reply]
    }
    expect(await names('NLST *.csv')).toEqual(['a.csv', 'ab.csv', 'b.csv'])
    expect(await names('NLST /?.csv')).toEqual(['a.csv', 'b.csv'])
    expect(await names('NLST -1 *')).toEqual(['a.csv', 'ab.csv', 'b.csv', 'c.txt'])
    expect(await names('NLST a*b*')).toEqual(['ab.csv'])
    expect(await names('NLST *.zip')).toEqual([expect.stringMatching(/^550 /)])
    expect(await names('LIST *.txt')).toEqual([expect.stringMatching(/ c\.txt$/)])
    await bench.put('*.csv', 'x')
    expect(await names('NLST *.csv')).toEqual(['*.csv'])
  })
})

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
