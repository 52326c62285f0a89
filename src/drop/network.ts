import { BlockList, isIP } from 'node:net'

/** IPv4 in IPv6's clothes, as a socket that listens to both shows it, is the IPv4 address. */
function plainAddress(address: string): string {
  const [bare = ''] = address.split('%')
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)
  return mapped?.[1] ?? bare
}

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** True for what `networkSet` can use: an address, or one with the number of its bits behind a slash (CIDR). */
export function isNetwork(text: string): boolean {
  const [base = '', bits, ...more] = text.split('/')
  if (isIP(base) === 0 || more.length > 0) return false
  const most = isIP(base) === 6 ? 128 : 32
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most)
}

/** Whether an address lies in one of `networks`; what is no network matches nothing. */
export function networkSet(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const network of networks.filter(isNetwork)) {
    const [base = '', bits] = network.split('/')
    if (bits === undefined) list.addAddress(base, family(base))
    else list.addSubnet(base, Number(bits), family(base))
  }
  return (address) => {
    const plain = plainAddress(address)
    return isIP(plain) !== 0 && list.check(plain, family(plain))
  }
}

/** What counts as one address: /32 of IPv4, /64 of IPv6, since one peer has the whole of a /64. */
export function sourceOf(address: string): string {
  const plain = plainAddress(address)
  if (!plain.includes(':')) return plain
  const [head = '', tail] = plain.toLowerCase().split('::')
  const groups = head === '' ? [] : head.split(':')
  const behind = tail === undefined || tail === '' ? [] : tail.split(':')
  if (tail !== undefined) {
    while (groups.length + behind.length < 8) groups.push('0')
    groups.push(...behind)
  }
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${network.join(':')}::/64`
}
