import { dateReader, readIsoDate } from './date-pattern.ts'
import type { Column } from './format.ts'
import { spreadsheetDamage } from './identifier-shape.ts'
import type { IdentifierShape } from './identifier-shape.ts'
import { nearest, remembering } from './nearest.ts'
import { shown, shownList } from './reason.ts'
import type { FieldParams, ReasonCode } from './reason.ts'
import { regionCode, regionNames } from './region.ts'
import type { UserType } from './tenant.ts'

/** Where a checker puts what it finds in the cell at hand. */
export interface Finder {
  fail<Code extends ReasonCode>(code: Code, params: FieldParams<Code>): undefined
  warn<Code extends ReasonCode>(code: Code, params: FieldParams<Code>): void
}

/** The value to store of a cleaned value that is not blank; undefined when the cell is at fault. */
export type ValueCheck = (value: string, find: Finder) => string | undefined

/** What the checkers know of the tenant. */
export interface ValueRules {
  userTypes: readonly UserType[]
  loginSources: readonly string[]
  datePattern: string | null
  shape: IdentifierShape | null
  /** A `Deactivate` column: yes means inactive. */
  inverted: boolean
}

/** The checker of a column; made once for a file, called for each cell. */
export function valueCheck(column: Column, rules: ValueRules): ValueCheck | undefined {
  return checkers[column.kind](rules, column)
}

const checkers: Readonly<
  Record<Column['kind'], (rules: ValueRules, column: Column) => ValueCheck | undefined>
> = {
  text: () => undefined,
  identifier:
    ({ shape }) =>
    (value, find) => {
      const damage = spreadsheetDamage(value, shape)
      return damage === undefined ? value : find.fail(9114, { value, damage })
    },
  email: () => checkEmail,
  password:
    (_, { min = 0 }) =>
    (value, find) => {
      const { length } = Array.from(value)
      return length < min ? find.fail(9032, { length, min }) : value
    },
  userType: ({ userTypes }) => checkUserType(userTypes),
  loginSource: ({ loginSources }) => checkLoginSource(loginSources),
  region: () => checkRegion(),
  postalCode: () => checkPostalCode,
  date: ({ datePattern }) => checkDate(datePattern),
  status: ({ inverted }) => checkStatus(inverted),
}

function checkRegion(): ValueCheck {
  const codeOf = remembering(regionCode)
  const remedyFor = remembering((value) => {
    const near = nearest(value, regionNames)
    return near === undefined
      ? 'write its two-letter code, such as ON'
      : `write ${regionCode(near) ?? near} if ${near} is meant`
  })
  return (value, find) =>
    codeOf(value) ??
    find.fail(9033, {
      value,
      need: 'a province of Canada or a state of the US',
      remedy: remedyFor(value),
    })
}

// Printable ASCII that has no place in a plain address: it separates, quotes or comments.
const notInAddress = new Set(Array.from(' "(),:;<>[\\]', (character) => character.charCodeAt(0)))
const at = 0x40

function isAddress(value: string): boolean {
  let atIndex = -1
  for (let i = 0; i < value.length; i += 1) {
    const code = value.charCodeAt(i)
    if (code === at) {
      if (atIndex !== -1) return false
      atIndex = i
    } else if (code < 0x21 || notInAddress.has(code)) {
      return false
    } else if (code > 0x7e && /[\s\p{C}]/u.test(value.slice(i, i + 2))) {
      return false
    }
  }
  if (atIndex < 1) return false
  const dot = value.indexOf('.', atIndex)
  return (
    dot > atIndex + 1 &&
    !value.endsWith('.') &&
    !value.endsWith('-') &&
    value.charCodeAt(atIndex + 1) !== 0x2d &&
    !value.includes('..', atIndex)
  )
}

function checkEmail(value: string, find: Finder): string | undefined {
  if (isAddress(value)) return value
  const several = value.split('@').length > 2
  return find.fail(9033, {
    value,
    need: 'one email address',
    remedy: several ? 'keep one address' : 'write it as name@example.org',
  })
}

// Case and white space apart, the same.
function loose(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, '')
}

/** Loose form → name; null where two names have the same one, so that neither is guessed. */
function looseNames(names: readonly string[]): Map<string, string | null> {
  const found = new Map<string, string | null>()
  for (const name of names) {
    const key = loose(name)
    found.set(key, found.has(key) && found.get(key) !== name ? null : name)
  }
  return found
}

const takenAs = (value: string, name: string) => ({
  value,
  taken: `which was taken as "${shown(name)}"`,
  remedy: 'write it that way',
})

function suggestions(names: readonly string[]): (value: string) => string {
  return remembering((value) => {
    const near = nearest(value, names)
    return near === undefined
      ? `write one of ${shownList(names)}`
      : `write "${shown(near)}" if that is meant`
  })
}

function checkUserType(userTypes: readonly UserType[]): ValueCheck | undefined {
  if (userTypes.length === 0) return undefined
  const names = userTypes.map(({ name }) => name)
  const exact = new Set(names)
  const byLoose = looseNames(names)
  const suggestion = suggestions(names)
  const byId = new Map(userTypes.map(({ id, name }) => [id, name]))
  return (value, find) => {
    if (exact.has(value)) return value
    const name = byLoose.get(loose(value)) ?? undefined
    if (name !== undefined) {
      find.warn(9119, takenAs(value, name))
      return name
    }
    return (
      byId.get(value) ??
      find.fail(9033, { value, need: 'one of your user types', remedy: suggestion(value) })
    )
  }
}

function checkLoginSource(loginSources: readonly string[]): ValueCheck | undefined {
  if (loginSources.length === 0) return undefined
  const exact = new Set(loginSources)
  const byLoose = looseNames(loginSources)
  const suggestion = suggestions(loginSources)
  return (value, find) => {
    if (exact.has(value)) return value
    const source = byLoose.get(loose(value)) ?? undefined
    if (source === undefined) {
      return find.fail(9015, { value, remedy: suggestion(value) })
    }
    find.warn(9119, takenAs(value, source))
    return source
  }
}

const canadian = /^[A-Z]\d[A-Z][ -]?\d[A-Z]\d$/i
const american = /^\d{5}(?:-?\d{4})?$/

function checkPostalCode(value: string, find: Finder): string {
  if (!canadian.test(value) && !american.test(value)) {
    find.warn(9119, {
      value,
      taken: 'which does not have the shape of a Canadian or US postal code, and was kept',
      remedy: /^\d{3,4}$/.test(value)
        ? 'check whether a spreadsheet took zeros off its front'
        : 'check it, or leave it if it is of another country',
    })
  }
  return value
}

function checkDate(pattern: string | null): ValueCheck {
  const readOther = pattern === null ? undefined : dateReader(pattern)
  const forms =
    pattern === null || readOther === undefined ? 'YYYY-MM-DD' : `YYYY-MM-DD or ${pattern}`
  return (value, find) =>
    readIsoDate(value) ??
    readOther?.(value) ??
    find.fail(9033, {
      value,
      need: `a date that exists, as ${forms},`,
      remedy: 'write the date that way',
    })
}

const yes = ['y', 'yes', 'true', '1']
const no = ['n', 'no', 'false', '0']

/** Stored as `active` or `inactive`. */
function checkStatus(inverted: boolean): ValueCheck {
  // In a Deactivate column the words active and inactive could mean either, so that they are not taken.
  const active = inverted ? no : ['active', ...yes]
  const inactive = inverted ? yes : ['inactive', ...no]
  const words = new Map(
    [
      ...active.map((word): [string, string] => [word, 'active']),
      ...inactive.map((word): [string, string] => [word, 'inactive']),
    ].flatMap(([word, status]) => [
      [word, status],
      [word.toUpperCase(), status],
    ]),
  )
  return (value, find) =>
    words.get(value) ??
    words.get(value.toLowerCase()) ??
    find.fail(9033, {
      value,
      need: inverted ? 'yes or no' : 'active or inactive',
      remedy: inverted ? 'write yes for users to deactivate' : 'write one of them, or yes or no',
    })
}
