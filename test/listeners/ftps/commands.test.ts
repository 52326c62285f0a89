import { beforeEach, describe, expect, test } from 'vitest'
import { commandTable } from '../../../src/listeners/ftps/commands.ts'
import { benchOfFile, connect, loggedIn } from './raw.ts'
import type { RawFtp } from './raw.ts'

const bench = await benchOfFile()
let ftp: RawFtp

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
