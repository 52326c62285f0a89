/** OpenSSH's bound, and more than any client sends: 255 KiB of data and its head. */
export const maxPacketBytes = 256 * 1024

/** The body of one packet, type byte first, in the pieces in which it came. */
export type Frame = Buffer[]

/** Cuts the stream of a channel into packets without copying the data. */
export interface FrameReader {
  /** The packets that `chunk` completed. Throws RangeError when a length is out of bounds: the stream is lost then. */
  push(chunk: Buffer): Frame[]
  /** Bytes of the packet that is not complete yet. */
  readonly waiting: number
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
        taken.push(piece.subarray(0, left))
        pieces[used] = piece.subarray(left)
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
  return withWholeHead([Buffer.concat([first, second]), ...frame.slice(2)])
}

/** The frame as one piece. */
export function whole(frame: Frame): Buffer {
  const [first] = frame
  return first !== undefined && frame.length === 1 ? first : Buffer.concat(frame)
}
