import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { readInto } from '../../src/listeners/reused-room.ts'

const takes = process.platform === 'linux' || process.platform === 'darwin'

test.runIf(takes)(
  'readInto() reads an accepted socket into one memory, until it is told to stop',
  async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const client = connect(typeof address === 'object' && address !== null ? address.port : 0)
    const [socket] = (await once(server, 'connection')) as [Socket]
    const room = Buffer.alloc(64 * 1024)
    const sent = Buffer.from(Array.from({ length: 1_000_000 }, (_, index) => index % 251))
    const came: Buffer[] = []
    let size = 0
    let stops = true
    socket.on('data', (bytes) => {
      throw new Error(`${bytes.length} bytes came in memory of their own`)
    })
    const did = readInto(socket, room, (bytes) => {
      expect(bytes.buffer).toBe(room.buffer)
      came.push(Buffer.from(bytes))
      size += bytes.length
      if (size === sent.length) socket.emit('all')
      return stops ? false : undefined
    })
    expect(did).toBe(true)
    expect(readInto(socket, room, () => undefined)).toBe(false)
    client.write(sent)
    await expect.poll(() => came.length).toBe(1)
    // Long enough for the rest to come, were it read.
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(came).toHaveLength(1)
    stops = false
    const all = once(socket, 'all')
    socket.pause()
    socket.resume()
    await all
    expect(Buffer.concat(came).equals(sent)).toBe(true)
    client.destroy()
    server.close()
  },
)
