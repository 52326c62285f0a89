import { beforeEach, describe, expect, test } from 'vitest'
import { commandTable } from '../../../src/listeners/ftps/commands.ts'
import { benchOfFile, loggedIn } from './raw.ts'
import type { RawFtp } from './raw.ts'

const bench = await benchOfFile()
let ftp: RawFtp

const code = async (line: string): Promise<string> => (await ftp.ask(line)).slice(0, 3)

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

  test('4.1.3 RNFR of a name that only a cut upload has is 550, and the upload stays', async () => {
    await bench.put('a.csv.incomplete', 'half')
    expect(await ftp.ask('SIZE a.csv')).toBe('213 4')
    expect(await code('RNFR a.csv')).toBe('550')
    expect(await code('RNTO b.csv')).toBe('503')
    expect(await bench.names()).toEqual(['a.csv.incomplete'])
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
    for (const argument of ['', ' -a', ' -la', ' .', ' -a -l .']) {
      const names = String((await ftp.download(`NLST${argument}`)).bytes).split('\r\n')
      expect(names.toSorted()).toEqual(['', 'a.csv', 'test'])
    }
    expect(String((await ftp.download('LIST a.csv')).bytes)).toMatch(/ a\.csv\r\n$/)
  })

  test('4.1.3 NLST gives names that can be used from where the client is (RFC 1123 section 4.1.2.7)', async () => {
    await bench.put('a.csv', 'x')
    await ftp.ask('MKD test')
    await ftp.upload('STOR test/t.csv', 'x')
    const cases: [cwd: string, argument: string, names: string[]][] = [
      ['/', 'test', ['test/t.csv']],
      ['/', '-a test/', ['test/t.csv']],
      ['/', '/test', ['/test/t.csv']],
      ['/', 'test/*.csv', ['test/t.csv']],
      ['/', '/test/t.csv', ['/test/t.csv']],
      ['/', '/', ['/a.csv', '/test']],
      ['/test', '', ['t.csv']],
      ['/test', 't.csv', ['t.csv']],
      ['/test', '..', ['../a.csv', '../test']],
      ['/test', '../*.csv', ['../a.csv']],
    ]
    for (const [cwd, argument, names] of cases) {
      await ftp.ask(`CWD ${cwd}`)
      const { bytes } = await ftp.download(`NLST ${argument}`)
      const given = String(bytes).split('\r\n').slice(0, -1).toSorted()
      expect([argument, given]).toEqual([argument, names])
      for (const name of given) expect(await code(`MLST ${name}`)).toBe('250')
    }
    await ftp.ask('DELE /test/t.csv')
  })

  test('4.1.3 NLST and LIST know * and ? in the last part of a path, and a file that is called so first', async () => {
    for (const name of ['a.csv', 'b.csv', 'ab.csv', 'c.txt']) await bench.put(name, 'x')
    const names = async (line: string): Promise<string[]> => {
      const { bytes, reply } = await ftp.download(line)
      return reply.startsWith('226') ? String(bytes).split('\r\n').slice(0, -1).toSorted() : [reply]
    }
    expect(await names('NLST *.csv')).toEqual(['a.csv', 'ab.csv', 'b.csv'])
    expect(await names('NLST /?.csv')).toEqual(['/a.csv', '/b.csv'])
    expect(await names('NLST -1 *')).toEqual(['a.csv', 'ab.csv', 'b.csv', 'c.txt'])
    expect(await names('NLST a*b*')).toEqual(['ab.csv'])
    expect(await names('NLST *.zip')).toEqual([expect.stringMatching(/^550 /)])
    expect(await names('LIST *.txt')).toEqual([expect.stringMatching(/ c\.txt$/)])
    await bench.put('*.csv', 'x')
    expect(await names('NLST *.csv')).toEqual(['*.csv'])
  })
})
