import { isIP } from 'node:net'
import { array, assert, constantFrom, ipV4, ipV6, oneof, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressBytes, isInNetwork, isNetwork } from '../../src/domain/network.ts'

describe('addressBytes()', () => {
  test('reads what node:net takes for an address, and nothing else', () => {
    const piece = constantFrom('0', '1', 'ff', 'FFFF', '256', '10', '01', ':', '::', '.', 'g', '%')
    const texts = oneof(
      ipV4(),
      ipV6(),
      array(piece, { maxLength: 12 }).map((parts) => parts.join('')),
    )
    assert(
      property(texts, (text) => {
        // A zone belongs to one machine: it is no part of an address here.
        const family = text.includes('%') ? 0 : isIP(text)
        expect(addressBytes(text)?.length ?? 0).toBe({ 0: 0, 4: 4, 6: 16 }[family])
      }),
      { numRuns: 3000 },
    )
  })

  test('reads an IPv4 address at the end of an IPv6 one', () => {
    expect(addressBytes('::ffff:192.0.2.1')?.slice(10)).toEqual([255, 255, 192, 0, 2, 1])
  })
})

describe('isInNetwork()', () => {
  test.each([
    ['192.0.2.7', '192.0.2.0/24', true],
    ['192.0.3.7', '192.0.2.0/24', false],
    ['192.0.3.7', '192.0.2.0/23', true],
    ['10.1.2.3', '0.0.0.0/0', true],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.8', '192.0.2.7', false],
    ['2001:db8::1', '2001:db8::/32', true],
    ['2001:db9::1', '2001:db8::/32', false],
    ['::ffff:192.0.2.7', '192.0.2.0/24', false],
  ])('%s in %s: %s', (address, network, inside) => {
    expect(isInNetwork(addressBytes(address) ?? [], network)).toBe(inside)
  })
})

describe('isNetwork()', () => {
  test.each(['192.0.2.0/33', '192.0.2.0/', '192.0.2/24', '2001:db8::/129', '::/0/0', 'x', ''])(
    'refuses %j',
    (text) => expect(isNetwork(text)).toBe(false),
  )
})
