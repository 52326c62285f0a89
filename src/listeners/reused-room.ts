import type { Socket } from 'node:net'

interface Handle {
  useUserBuffer(room: Uint8Array): void
}

function takesRoom(value: unknown): value is Handle {
  return (
    typeof value === 'object' &&
    value !== null &&
    'useUserBuffer' in value &&
    typeof value.useUserBuffer === 'function'
  )
}

/**
 * Makes `socket` read into `room` again and again; `take` has its bytes until it returns, and stops the reading by `false`.
 *
 * Node offers this (`onread`) for sockets that connect, not for those that are accepted or carry TLS; new memory
 * for each read keeps the collector busy for a quarter of an upload. Alone this file knows where the option ends
 * up; where it finds something else it changes nothing and returns false, and the bytes come by `data`.
 */
export function readInto(socket: Socket, room: Buffer, take: (bytes: Buffer) => unknown): boolean {
  // Elsewhere a read may be under way into the room of each socket: one for all would not do.
  if (process.platform !== 'linux' && process.platform !== 'darwin') return false
  const handle: unknown = Reflect.get(socket, '_handle')
  const symbols = Object.getOwnPropertySymbols(socket)
  const [buffer, callback] = ['kBuffer', 'kBufferCb'].map((name) =>
    symbols.find(({ description }) => description === name),
  )
  if (buffer === undefined || callback === undefined || !takesRoom(handle)) return false
  if (Reflect.get(socket, buffer) !== null) return false
  Reflect.set(socket, buffer, room)
  Reflect.set(socket, callback, (length: number) => take(room.subarray(0, length)))
  handle.useUserBuffer(room)
  return true
}
