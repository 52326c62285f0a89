import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { packetType, statusCode } from '../../../src/listeners/sftp/wire.ts'
import { password } from '../../drop/door.ts'
import { startDoor } from './door.ts'
import type { Door } from './door.ts'
import { connect, openRaw } from './raw.ts'
import type { RawSftp } from './raw.ts'

describe('what is not there, and what is not what it should be', () => {
  let door: Door
  let sftp: RawSftp
  beforeEach(async () => {
    door = await startDoor({})
    sftp = await openRaw(await connect(door, { password }))
    const handle = await sftp.open('/a.part', 0x1a)
    await sftp.ask(packetType.write, handle, 0n, 'hello')
    await sftp.ask(packetType.close, handle)
  })
  afterEach(() => door.stop())

  const none = statusCode.noSuchFile
  test.each<[string, number, (string | number | bigint)[], number]>([
    ['OPENDIR of nothing', packetType.opendir, ['/none'], none],
    ['OPENDIR of a file', packetType.opendir, ['/a.part'], statusCode.failure],
    ['OPENDIR in a folder that is not there', packetType.opendir, ['/none/x'], none],
    ['RMDIR of nothing', packetType.rmdir, ['/none'], none],
    ['RMDIR of a file', packetType.rmdir, ['/a.part'], statusCode.failure],
    ['RMDIR of the drop folder', packetType.rmdir, ['/'], statusCode.permissionDenied],
    ['MKDIR of another folder', packetType.mkdir, ['/other', 0], statusCode.failure],
    ['MKDIR of a nested one', packetType.mkdir, ['/test/x', 0], statusCode.failure],
    ['REMOVE of nothing', packetType.remove, ['/none'], none],
    ['RENAME of nothing', packetType.rename, ['/none', '/b'], none],
    ['STAT of nothing', packetType.stat, ['/none'], none],
    ['SETSTAT of nothing', packetType.setstat, ['/none', 4, 0o600], none],
    ['SETSTAT of a size in a read-only folder', packetType.setstat, ['/bak/x', 1, 6n], none],
  ])('%s has its status code, and changes nothing (section 7)', async (_, type, fields, code) => {
    expect((await sftp.ask(type, ...fields)).code).toBe(code)
    const found = await door.files.list('drop/ten_maple')
    expect(found.map(({ path, size }) => [path, size])).toEqual([['drop/ten_maple/a.part', 5]])
  })

  test('SETSTAT of a size makes no file of a cut upload', async () => {
    const staged = await door.files.openWrite('drop/ten_maple/cut.part.incomplete')
    await staged.write(0, Buffer.from('half'))
    await staged.commit()
    expect((await sftp.ask(packetType.stat, '/cut.part')).type).toBe(packetType.attrs)
    expect((await sftp.ask(packetType.setstat, '/cut.part', 1, 2n)).code).toBe(none)
    const paths = (await door.files.list('drop/ten_maple')).map(({ path }) => path.slice(15))
    expect(paths.toSorted()).toEqual(['a.part', 'cut.part.incomplete'])
  })

  test('SETSTAT of a size makes no file of an upload that was cut over a file, which stays', async () => {
    const staged = await door.files.openWrite('drop/ten_maple/a.part.incomplete')
    await staged.write(0, Buffer.from('half of it'))
    await staged.commit()
    const answer = await sftp.ask(packetType.setstat, '/a.part', 1, 2n)
    expect([answer.code, answer.message]).toEqual([
      statusCode.failure,
      expect.stringContaining('was cut'),
    ])
    const found = await door.files.list('drop/ten_maple')
    expect(found.map(({ size }) => size).toSorted((a, b) => a - b)).toEqual([5, 10])
  })

  test('SETSTAT of a size stores the file anew, shorter or longer (section 6.9)', async () => {
    expect((await sftp.ask(packetType.setstat, '/a.part', 1, 2n)).code).toBe(statusCode.ok)
    expect((await sftp.ask(packetType.setstat, '/a.part', 1, 4n)).code).toBe(statusCode.ok)
    const reader = await door.files.openRead('drop/ten_maple/a.part')
    expect(String(Buffer.from(await reader.read(0, 10)))).toBe('he\0\0')
    await reader.close()
    expect((await door.audit()).map(({ event }) => event).slice(-2)).toEqual(['OPEN', 'CLOSE'])
  })
})
