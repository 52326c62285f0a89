/** Encodings that are told apart, by the names that TextDecoder has for them. */
export const encodings = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'] as const
export type Encoding = (typeof encodings)[number]

/** How the bytes of a file become text. */
export interface DetectedEncoding {
  encoding: Encoding
  /** Length of the byte order mark. */
  bomBytes: 0 | 2 | 3
}

function startsWith(bytes: Uint8Array, ...start: number[]): boolean {
  return start.every((byte, index) => bytes[index] === byte)
}

// Of the pairs of bytes, this share must have a NUL in the one place and almost none in the other. Of names in another
// script they are few: then the header tells, unless it is too short to.
const utf16Share = 0.4
const utf16Stray = 0.05
const headerLeast = 4

/** UTF-16 without a byte order mark, told by where the NULs of its ASCII characters are. */
function utf16Pattern(sample: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  const pairs = sample.length >> 1
  if (pairs === 0 || !sample.includes(0)) return undefined
  let even = 0
  let odd = 0
  let shareEven = 0
  let shareOdd = 0
  let inHeader = true
  for (let i = 0; i + 1 < sample.length; i += 2) {
    const [first = 0, second = 0] = [sample[i], sample[i + 1]]
    if (first === 0) even += 1
    if (second === 0) odd += 1
    if (inHeader && isLineEnd(first + second) && (first === 0 || second === 0)) {
      inHeader = false
      const length = i >> 1
      if (length < headerLeast) continue
      shareEven = even / length
      shareOdd = odd / length
    }
  }
  shareEven = Math.max(shareEven, even / pairs)
  shareOdd = Math.max(shareOdd, odd / pairs)
  if (shareOdd >= utf16Share && even <= pairs * utf16Stray) return 'utf-16le'
  if (shareEven >= utf16Share && odd <= pairs * utf16Stray) return 'utf-16be'
  return undefined
}

const isLineEnd = (code: number): boolean => code === 0x0a || code === 0x0d

/** Tells piece by piece whether bytes are well-formed UTF-8. */
export interface Utf8Check {
  /** False as soon as the bytes so far cannot be UTF-8. */
  readonly push: (bytes: Uint8Array) => boolean
  /** Also false when the last character is not whole. */
  readonly end: () => boolean
}

/** A strict check of a whole file for UTF-8; only a whole file can say that it is not Windows-1252. */
export function createUtf8Check(): Utf8Check {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let good = true
  const decode = (bytes: Uint8Array, stream: boolean): boolean => {
    try {
      if (good) decoder.decode(bytes, { stream })
    } catch {
      good = false
    }
    return good
  }
  return {
    push: (bytes) => decode(bytes, true),
    end: () => decode(new Uint8Array(), false),
  }
}

/**
 * The encoding of a file by its first bytes, 64 KiB or so: byte order mark, UTF-16 pattern, strict UTF-8,
 * else Windows-1252 (9101). `whole`: the sample is all of the file, so that it may not end inside a character.
 */
export function detectEncoding(
  sample: Uint8Array,
  { whole = false }: { whole?: boolean } = {},
): DetectedEncoding {
  if (startsWith(sample, 0xef, 0xbb, 0xbf)) return { encoding: 'utf-8', bomBytes: 3 }
  if (startsWith(sample, 0xff, 0xfe)) return { encoding: 'utf-16le', bomBytes: 2 }
  if (startsWith(sample, 0xfe, 0xff)) return { encoding: 'utf-16be', bomBytes: 2 }
  const utf16 = utf16Pattern(sample)
  if (utf16 !== undefined) return { encoding: utf16, bomBytes: 0 }
  const check = createUtf8Check()
  const good = check.push(sample) && (!whole || check.end())
  return { encoding: good ? 'utf-8' : 'windows-1252', bomBytes: 0 }
}
