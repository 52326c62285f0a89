import { expect, test } from 'vitest'
import { isMailAddress, parseAddress } from '../../src/domain/mail-address.ts'

test('parseAddress() reads an address with and without a name', () => {
  expect(parseAddress(' it@maple.example ')).toEqual({ name: '', address: 'it@maple.example' })
  expect(parseAddress('Ann Lee <ann.lee+hr@maple.example>')).toEqual({
    name: 'Ann Lee',
    address: 'ann.lee+hr@maple.example',
  })
  expect(parseAddress('"Lee, Ann" <ann@maple.example>').name).toBe('Lee, Ann')
})

test.each([
  '',
  'nobody',
  '@maple.example',
  'a@',
  'a@b, c@d',
  'a@b c@d',
  'a@b\r\nBcc: stranger@example.com',
  'Ann\r\nBcc: <stranger@example.com>',
  'Ann <a@b> <c@d>',
  'a@-maple',
  'a..b@maple.example',
  `${'a'.repeat(65)}@maple.example`,
  `a@${'b'.repeat(254)}`,
  'a\u0000@maple.example',
])('parseAddress() refuses %j and shows it on one line', (text) => {
  expect(isMailAddress(text)).toBe(false)
  expect(() => parseAddress(text)).toThrow(
    /^Cannot use "[^\r\n]*" as a mail address: .* is needed$/,
  )
})
