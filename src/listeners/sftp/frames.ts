/** OpenSSH's bound, and more than any client sends: 255 KiB of data and its head. */
export const maxPacketBytes = 256 * 1024

/** Less is not worth the call. */
const spendBytes = 16 * 1024

/** The body of one packet, type byte first, in the pieces in which it came. */
export type Frame = Buffer[]

/**
 * Cuts the stream of a channel into packets and copies next to nothing of the data.
 *
 * What has more than half of some memory is alone in it: whoever is done with such a piece may free it (`spend`).
 */
export interface FrameReader {
  /** The packets that `chunk` completed. Throws RangeError when a length is out of bounds: the stream is lost then. */
  push(chunk: Buffer): Frame[]
  /** Bytes of the packet that is not complete yet. */
  readonly waiting: number
}

const isMost = (piece: Buffer): boolean => piece.length > piece.buffer.byteLength / 2

/**
 * Frees the memory of a piece that nobody looks at any more, where it is alone in it. The collector hears of memory
 * outside of its heap too late, and then marks all of the heap: twelve times in an upload of 128 MiB.
 */
export function spend(piece: Buffer): void {
  // Small pieces share theirs, with each other and with others.
  if (piece.length >= spendBytes && isMost(piece) && piece.buffer instanceof ArrayBuffer) {
    piece.buffer.transfer(0)
  }
}

/** A reader for one channel. */
export function createFrameReader(): FrameReader {
  let pieces: Buffer[] = []
  let available = 0
  /** Bytes of the packet being read; -1 while its length is not known. */
  let wanted = -1

  function take(count: number): Buffer[] {
    const taken: Buffer[] = []
    let left = count
    let used = 0
    while (left > 0) {
      const piece = pieces[used]
      if (piece === undefined) break
      if (piece.length <= left) {
        taken.push(piece)
        used += 1
        left -= piece.length
      } else {
        const [some, rest] = [piece.subarray(0, left), piece.subarray(left)]
        // Two frames then share no memory of which one has more than half.
        taken.push(isMost(rest) ? Buffer.from(some) : some)
        pieces[used] = isMost(some) ? Buffer.from(rest) : rest
        left = 0
      }
    }
    pieces = used === 0 ? pieces : pieces.slice(used)
    available -= count
    return taken
  }

  function joined(parts: Buffer[]): Buffer {
    const [first] = parts
    return first !== undefined && parts.length === 1 ? first : Buffer.concat(parts)
  }

  return {
    push(chunk) {
      pieces.push(chunk)
      available += chunk.length
      const frames: Frame[] = []
      for (;;) {
        if (wanted === -1) {
          if (available < 4) return frames
          wanted = joined(take(4)).readUInt32BE(0)
          if (wanted < 1 || wanted > maxPacketBytes) {
            throw new RangeError(`packet of ${wanted} bytes`)
          }
        }
        if (available < wanted) return frames
        frames.push(take(wanted))
        wanted = -1
      }
    },
    get waiting() {
      return available
    },
  }
}

/** A WRITE packet's head is read from one piece; ours is 25 bytes, a foreign handle may be longer. */
const headBytes = 512

/** The frame with at least its head in the first piece. */
export function withWholeHead(frame: Frame): Frame {
  const [first, second] = frame
  if (first === undefined || second === undefined || first.length >= headBytes) return frame
  // Some clients send the head in a packet of its own: the data behind it stays where it is.
  const missing = headBytes - first.length
  const head = Buffer.concat([first, second.subarray(0, missing)])
  const rest = second.subarray(missing)
  return withWholeHead([head, ...(rest.length === 0 ? [] : [rest]), ...frame.slice(2)])
}

/** The frame as one piece. */
export function whole(frame: Frame): Buffer {
  const [first] = frame
  return first !== undefined && frame.length === 1 ? first : Buffer.concat(frame)
}
