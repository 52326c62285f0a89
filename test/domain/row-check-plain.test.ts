import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { fieldNames } from '../../src/domain/format.ts'
import { matchHeader } from '../../src/domain/header.ts'
import { createRowCheck } from '../../src/domain/row-check.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'

const cell = fc.oneof(
  fc.string({ unit: 'grapheme-ascii', maxLength: 60 }),
  fc.constantFrom('', ' ', ' Ottawa ', '__CLEAR__', ' on', 'ada@maple.example', "'=1", '1.2E+15'),
)
const row = fc.array(cell, { minLength: fieldNames.length, maxLength: fieldNames.length })

test.each([[], ['import_error_line']])(
  'check() says the same of a row whether it is known to be printable ASCII or not (%j)',
  (...added) => {
    const options = {
      header: matchHeader([...added, ...fieldNames]),
      settings: defaultSettings,
      userTypes: [{ id: '1', name: 'Student' }],
      loginSources: [],
    }
    const [known, unknown] = [createRowCheck(options), createRowCheck(options)]
    fc.assert(
      fc.property(row, (cells) => {
        const all = [...added.map(() => '2'), ...cells]
        expect(known.check(all, 2, true)).toEqual(unknown.check(all, 2, false))
      }),
      { numRuns: 1000 },
    )
  },
)
