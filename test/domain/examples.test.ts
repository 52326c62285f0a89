import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { describe, expect, test } from 'vitest'
import { matchHeader } from '../../src/domain/header.ts'
import { createRowCheck } from '../../src/domain/row-check.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'

const examples = join(import.meta.dirname, '..', '..', 'examples')

/** The codes of each row of a file of examples/, in file order. */
function codesOf(name: string): number[][] {
  const [head = [], ...rows]: string[][] = parse(readFileSync(join(examples, name)), {
    bom: true,
    relax_column_count: true,
  })
  const header = matchHeader(head)
  expect(header).toMatchObject({ reasons: [], warnings: [], ignored: [] })
  const { check } = createRowCheck({
    header,
    settings: defaultSettings,
    // Those of the demo.
    userTypes: ['Student', 'Staff', 'Faculty', 'Visitor'].map((type, index) => ({
      id: String(index + 1),
      name: type,
    })),
    loginSources: [],
  })
  return rows.map((cells, index) => {
    const { reasons, warnings } = check(cells, index + 2)
    expect(warnings).toEqual([])
    return reasons.map(({ code }) => code)
  })
}

describe('examples', () => {
  test('users.csv has a dozen rows, all good', () => {
    expect(codesOf('users.csv')).toEqual(Array.from({ length: 12 }, () => []))
  })

  test('users-with-failures.csv has good rows and all the faults that a row alone can show', () => {
    // The two rows without codes in the middle have one address: that is seen in the directory (9110).
    expect(codesOf('users-with-failures.csv')).toEqual([
      [],
      [9033, 9030, 9033],
      [],
      [9033],
      [9013],
      [],
      [9105],
      [9033],
      [],
      [9114],
      [],
      [],
      [],
      [9107],
      [9030, 9033],
    ])
  })
})
