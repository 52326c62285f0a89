/** An IP address as its bytes: 4 or 16. */
export type AddressBytes = readonly number[]

function ipv4Of(text: string): number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part)))
    return undefined
  const bytes = parts.map(Number)
  return bytes.every((byte) => byte <= 255) ? bytes : undefined
}

function ipv6Of(text: string): number[] | undefined {
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  let plain = text
  if (tail !== null) {
    const [a = 0, b = 0, c = 0, d = 0] = ipv4Of(tail[2] ?? '') ?? [-1]
    if (a < 0) return undefined
    plain = `${tail[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  }
  const halves = plain.split('::')
  if (halves.length > 2) return undefined
  const [head = [], behind = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - head.length - behind.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...behind]
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  return groups.flatMap((group) => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 255]
  })
}

/** The bytes of a numeric IPv4 or IPv6 address, without brackets or zone; undefined for anything else. */
export function addressBytes(text: string): AddressBytes | undefined {
  return text.includes(':') ? ipv6Of(text) : ipv4Of(text)
}

/** True when `text` is one address, or a range in CIDR form whose length fits. */
export function isNetwork(text: string): boolean {
  const [base = '', bits, ...rest] = text.split('/')
  const bytes = addressBytes(base)
  if (bytes === undefined || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= bytes.length * 8)
}

/** True when `address` lies in `network`, an address or a range in CIDR form of the same family. */
export function isInNetwork(address: AddressBytes, network: string): boolean {
  const [base = '', length] = network.split('/')
  const bytes = addressBytes(base)
  if (bytes === undefined || bytes.length !== address.length) return false
  let bits = length === undefined ? bytes.length * 8 : Number(length)
  for (let i = 0; i < bytes.length && bits > 0; i += 1, bits -= 8) {
    const mask = bits >= 8 ? 255 : (255 << (8 - bits)) & 255
    if (((address[i] ?? 0) & mask) !== ((bytes[i] ?? 0) & mask)) return false
  }
  return true
}
