import { addressBytes, isInNetwork } from './network.ts'

/** IPv4 that is not the public Internet (IANA special-purpose registry). */
const specialIpv4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]
/** Of IPv6 only this is the public Internet … */
const publicIpv6 = '2000::/3'
/** … without what carries IPv4 inside, and what is for documents and tests. */
const specialIpv6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

/** True when a numeric address belongs to the public Internet; false for private networks and for what is no address. */
export function isPublicAddress(text: string): boolean {
  const bytes = addressBytes(text)
  if (bytes === undefined) return false
  if (bytes.length === 4) return !specialIpv4.some((network) => isInNetwork(bytes, network))
  // ::ffff:10.0.0.1 reaches 10.0.0.1.
  if (isInNetwork(bytes, '::ffff:0:0/96')) return isPublicAddress(bytes.slice(12).join('.'))
  return (
    isInNetwork(bytes, publicIpv6) && !specialIpv6.some((network) => isInNetwork(bytes, network))
  )
}
