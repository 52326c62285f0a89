import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import type { Socket } from 'node:net'
import type { AuthHandlerMiddleware } from 'ssh2'
import { afterEach, describe, expect, test } from 'vitest'
import { dropPath } from '../../../src/domain/layout.ts'
import { openFlag, packetType, statusCode } from '../../../src/listeners/sftp/wire.ts'
import { password } from '../../drop/door.ts'
import { startDoor } from './door.ts'
import type { Door } from './door.ts'
import { connect, openRaw, until } from './raw.ts'

const put = openFlag.write | openFlag.create | openFlag.truncate
let door: Door | undefined
afterEach(async () => {
  await door?.stop()
  door = undefined
})

async function dial(port: number, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connectSocket({ host: '127.0.0.1', port, localAddress })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

describe('the SFTP listener before the real door', () => {
  test('lets others in while one address holds 1,500 idle connections', async () => {
    door = await startDoor({})
    const { port } = door.listener
    const sockets: Socket[] = []
    let open = 0
    for (let n = 0; n < 1_500; n += 100) {
      sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => dial(port)))))
    }
    for (const socket of sockets) {
      if (!socket.destroyed) open += 1
      socket.on('close', () => (open -= 1))
      socket.resume()
    }
    await until(() => open <= 20, 'all but a few are closed')
    // Every address of 127.0.0.0/8 is this machine's own.
    for (let n = 2; n < 12; n += 1) {
      const sock = await dial(port, `127.0.0.${n}`)
      const client = await connect(door, { sock, password })
      const sftp = await openRaw(client)
      const handle = await sftp.open(`/${n}.csv`, put)
      await sftp.ask(packetType.write, handle, 0n, 'email\n')
      expect((await sftp.ask(packetType.close, handle)).code).toBe(statusCode.ok)
      client.end()
    }
    expect(await door.files.list(dropPath('ten_maple', '', '').slice(0, -1))).toHaveLength(10)
    for (const socket of sockets) socket.destroy()
  })

  test('closes on the third wrong password, and keeps the address out after the fourth', async () => {
    const before = await startDoor({})
    door = before
    const guess = async (times: number): Promise<number> => {
      let asked = 0
      const authHandler: AuthHandlerMiddleware = (_, __, next) => {
        asked += 1
        // @ts-expect-error -- false is how the library is told to give up; its types do not know it
        if (asked > times) next(false)
        else next({ type: 'password', username: 'maple', password: `wrong${asked}` })
      }
      await expect(connect(before, { authHandler })).rejects.toThrow()
      return asked
    }
    expect(await guess(9)).toBe(3)
    await guess(1)
    const socket = await dial(door.listener.port)
    let came = ''
    socket.on('data', (bytes) => (came += String(bytes)))
    await once(socket, 'close')
    expect(came).toBe('')
    const sock = await dial(door.listener.port, '127.0.0.2')
    const client = await connect(door, { sock, password })
    client.end()
  })

  test('gives a name that is right from the wrong network, protocol or time no answer of its own', async () => {
    const answers = new Set<string>()
    for (const account of [
      {},
      { disabled: true },
      { expiresAt: 1 },
      { protocols: ['ftps' as const] },
      { allowedNetworks: ['192.0.2.0/24'] },
      { passwordHash: null },
    ]) {
      const refusing = await startDoor({ account })
      const given = Object.keys(account).length === 0 ? 'wrong' : password
      const error: unknown = await connect(refusing, { password: given }).catch((e: unknown) => e)
      answers.add(String(error))
      expect(await refusing.files.list('drop/ten_maple')).toEqual([])
      await refusing.stop()
    }
    expect(answers.size).toBe(1)
  })

  test('lists 10,000 names in pages, each once', async () => {
    door = await startDoor({})
    for (let n = 0; n < 10_000; n += 1) {
      const staged = await door.files.openWrite(dropPath('ten_maple', '', `n${n}.csv`))
      await staged.commit()
    }
    const client = await connect(door, { password })
    const sftp = await openRaw(client)
    const handle = (await sftp.ask(packetType.opendir, '/')).fields.bytes()
    const names = new Set<string>()
    let pages = 0
    for (;;) {
      const { type, fields, code } = await sftp.ask(packetType.readdir, handle)
      if (type === packetType.status) {
        expect(code).toBe(statusCode.eof)
        break
      }
      pages += 1
      for (let left = fields.uint32(); left > 0; left -= 1) {
        names.add(fields.text())
        fields.text()
        for (let n = 0; n < 8; n += 1) fields.uint32()
      }
    }
    expect([names.size, pages]).toEqual([10_000, 100])
    // The ten-thousand-and-first is refused, and leaves nothing.
    const refused = await sftp.ask(packetType.open, '/one-more.csv', put, 0)
    expect([refused.code, refused.message]).toEqual([
      statusCode.failure,
      'Cannot store the file: the drop folder has 10000 files, delete some first',
    ])
    client.end()
  })
})
