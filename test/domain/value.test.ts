import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cleaned, codePoints, isBlank, isBlankRecord, isPlain } from '../../src/domain/cell.ts'
import { dateReader, readIsoDate } from '../../src/domain/date-pattern.ts'
import { identifierShape, spreadsheetDamage } from '../../src/domain/identifier-shape.ts'
import { editDistance, nearest, remembering } from '../../src/domain/nearest.ts'
import { shown, shownList } from '../../src/domain/reason.ts'
import { regionCode, regionCodes, regionNames } from '../../src/domain/region.ts'
import { comparisonKey } from '../../src/domain/user.ts'

describe('isPlain()', () => {
  test('is true only for text that cleaning would leave as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        if (isPlain(text)) expect(cleaned(text)).toBe(text)
      }),
    )
    expect(cleaned(`\u00a0 a${' '.repeat(60_000)}b \ufeff`)).toBe(`a${' '.repeat(60_000)}b`)
    expect(isPlain('plain ASCII ~')).toBe(true)
    for (const text of [' a', 'a ', 'é', 'a\tb', '\u007f', '\u00a0'])
      expect(isPlain(text)).toBe(false)
  })
})

describe('isBlankRecord()', () => {
  test('is true for empty lines and rows of delimiters', () => {
    expect(isBlankRecord([''])).toBe(true)
    expect(isBlankRecord(['', ' ', '\u00a0\ufeff'])).toBe(true)
    expect(isBlankRecord(['', '0'])).toBe(false)
    expect(isBlank('\u200b')).toBe(true)
  })
})

describe('codePoints()', () => {
  test('counts as the iterator of strings does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(codePoints(text)).toBe(Array.from(text).length)
      }),
    )
    expect(codePoints('\ud800\ud800\udc00\udc00')).toBe(3)
  })
})

describe('dateReader()', () => {
  test.each([
    ['DD/MM/YYYY', '29/02/2004', '2004-02-29'],
    ['DD/MM/YYYY', '29/02/2003', undefined],
    ['MM-DD-YYYY', '12-31-1999', '1999-12-31'],
    ['D.M.YYYY', '1.2.2000', '2000-02-01'],
    ['D.M.YYYY', '01.02.2000', '2000-02-01'],
    ['YYYYMMDD', '20001231', '2000-12-31'],
    ['YYYY/MM/DD', '2000/13/01', undefined],
    ['DD MM YYYY', '01 02 2000', '2000-02-01'],
    ['DD/MM/YYYY', '01/02/00', undefined],
  ])('reads by %s %j as %j', (pattern, value, date) => {
    expect(dateReader(pattern)?.(value)).toBe(date)
  })

  test.each([
    '',
    'DD/MM',
    'YYYY-MM-DD-DD',
    'DD/MM/YY',
    'YYYYMD',
    'MDYYYY',
    'DD(MM)YYYY',
    'dd/mm/yyyy',
  ])('refuses the pattern %j', (pattern) => {
    expect(dateReader(pattern)).toBeUndefined()
  })

  test('agrees with the calendar', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1850, max: 2150 }),
        fc.integer({ min: 0, max: 13 }),
        fc.integer({ min: 0, max: 32 }),
        (year, month, day) => {
          const text = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
          const date = new Date(Date.UTC(year, month - 1, day))
          const real = date.getUTCMonth() === month - 1 && date.getUTCDate() === day
          expect(readIsoDate(text)).toBe(real ? text : undefined)
        },
      ),
    )
  })
})

describe('identifierShape()', () => {
  const numbers = (count: number) =>
    Array.from({ length: count }, (_, index) => String(index).padStart(8, '0'))

  test('finds digits of one length that begin with zeros', () => {
    expect(identifierShape(numbers(100))).toEqual({ digits: 8 })
  })

  test.each([
    ['too few', numbers(5)],
    ['of several lengths', [...numbers(100), '1']],
    ['not all digits', [...numbers(100), 'u-000001']],
    ['without zeros in front', numbers(100).map((value) => value.replace(/^0+/, '9'.repeat(7)))],
    ['none', []],
  ])('finds nothing in identifiers that are %s', (_, values) => {
    expect(identifierShape(values)).toBeNull()
  })

  test('reads no more of a directory than it needs', () => {
    let read = 0
    function* endless() {
      for (;;) yield String((read += 1)).padStart(9, '0')
    }
    expect(identifierShape(endless())).toEqual({ digits: 9 })
    expect(read).toBeLessThan(10_000)
  })
})

describe('spreadsheetDamage()', () => {
  test.each(['1.2E+15', '1,23457E+15', '1E+15', '-2.5e+11', '9.99999E+111'])(
    'sees it in %s',
    (value) => {
      expect(spreadsheetDamage(value, null)).toContain('rounded')
    },
  )

  test.each(['12E+15', 'E+15', '1.2E15', '1.2E+5', 'A1.2E+15', '2E+15x', '+1613', 'c+e'])(
    'sees none in %s',
    (value) => {
      expect(spreadsheetDamage(value, null)).toBeUndefined()
    },
  )

  test('sees lost zeros against the shape alone', () => {
    expect(spreadsheetDamage('1234', { digits: 8 })).toContain('4 digits where all others have 8')
    expect(spreadsheetDamage('1234', null)).toBeUndefined()
    for (const value of ['00001234', '123456789', 'u-12']) {
      expect(spreadsheetDamage(value, { digits: 8 })).toBeUndefined()
    }
  })
})

describe('nearest()', () => {
  const names = ['Student', 'Staff', 'Faculty', 'Visitor']

  test.each([
    ['Studnet', 'Student'],
    ['student ', 'Student'],
    ['Stff', 'Staff'],
    ['FACULTE', 'Faculty'],
    ['Wizard', undefined],
    ['', undefined],
    ['x'.repeat(100_000), undefined],
  ])('finds for %j %j', (value, name) => {
    expect(nearest(value, names)).toBe(name)
  })

  test('measures a distance: none to itself, the same both ways, at most the longer length', () => {
    const word = fc.string({ maxLength: 12 })
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, a)).toBe(0)
        expect(editDistance(a, b)).toBe(editDistance(b, a))
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length))
        expect(editDistance(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length))
      }),
    )
  })
})

describe('remembering()', () => {
  test('does its work once for a value, gives what the work gives, and stays small', () => {
    let done = 0
    const upper = remembering((value) => {
      done += 1
      return value.toUpperCase()
    })
    for (let i = 0; i < 10; i += 1) expect(upper('abc')).toBe('ABC')
    expect(done).toBe(1)
    for (let i = 0; i < 3000; i += 1) expect(upper(`v${i}`)).toBe(`V${i}`)
    expect(upper('abc')).toBe('ABC')
    expect(done).toBe(3002)
  })
})

describe('regionCode()', () => {
  test('has every code once, and finds each by code and by name, in any case', () => {
    expect(new Set(regionCodes).size).toBe(regionCodes.length)
    // 13 provinces and territories; 50 states, the district, 5 territories, 3 associated states, 3 for the armed forces.
    expect(regionCodes).toHaveLength(13 + 62)
    for (const code of regionCodes) {
      expect([regionCode(code), regionCode(code.toLowerCase())]).toEqual([code, code])
    }
    expect(regionCode('U.S. Virgin Islands')).toBe('VI')
    for (const name of regionNames) {
      expect(regionCode(name)).toBe(regionCode(name.toUpperCase()))
      expect(regionCode(name)).toBeDefined()
    }
  })

  test.each(['', 'ZZ', 'Ont', 'O N', '__proto__', 'constructor'])(
    'finds nothing for %j',
    (text) => {
      expect(regionCode(text)).toBeUndefined()
    },
  )
})

describe('comparisonKey()', () => {
  test('is one for what differs in case or composition', () => {
    expect(comparisonKey('ZOE\u0308@Maple.EXAMPLE')).toBe(comparisonKey('zo\u00eb@maple.example'))
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const key = comparisonKey(text.normalize('NFC'))
        expect(comparisonKey(key)).toBe(key)
        expect(key).toBe(key.normalize('NFC'))
      }),
    )
  })
})

describe('shown()', () => {
  test('is one line of at most sixty characters without quotes, for any value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (value) => {
        const text = shown(value)
        expect(Array.from(text).length).toBeLessThanOrEqual(60)
        expect(text).not.toMatch(/["\p{Cc}\p{Zl}\p{Zp}]/u)
        expect(text.isWellFormed()).toBe(true)
      }),
    )
    expect(shown('a "b"\nc')).toBe("a 'b' c")
    expect(shown('x'.repeat(61))).toBe(`${'x'.repeat(59)}…`)
    expect(shown('x'.repeat(60))).toBe('x'.repeat(60))
  })
})

describe('shownList()', () => {
  test('names at most twenty', () => {
    expect(shownList(['a'])).toBe('"a"')
    expect(shownList(['a', 'b', 'c'])).toBe('"a", "b" and "c"')
    expect(shownList(Array.from({ length: 25 }, () => 'x'))).toMatch(/"x" and 5 more$/)
  })
})
