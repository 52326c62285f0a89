import { z } from 'zod'
import { AppError } from '../src/domain/error.ts'
import { nearest } from '../src/domain/nearest.ts'
import { InvalidRequest } from './problem.ts'
import type { Fault } from './problem.ts'

// Settings with hundreds of column names fit many times; it is read into memory whole.
const maxJsonBytes = 1024 ** 2
// Enough to put a body right in one go, and no mirror of a body made to be long.
const maxFaults = 20
const shownLength = 60

/** The query of a request, parsed. Throws InvalidRequest that names every fault. */
export function parseQuery<T>(schema: z.ZodType<T>, url: string): T {
  const parameters = new URL(url).searchParams
  const twice = [...parameters.keys()].find((name) => parameters.getAll(name).length > 1)
  if (twice !== undefined) {
    const detail = 'is given more than once, one value is needed'
    throw invalid('query', [{ pointer: twice.slice(0, shownLength), detail }])
  }
  return parse(schema, Object.fromEntries(parameters), 'query')
}

/**
 * The JSON body of a request, parsed; an empty one is undefined.
 *
 * Throws `unsupported`, `too_large`, or InvalidRequest that names every fault.
 */
export async function parseBody<T>(schema: z.ZodType<T>, request: Request): Promise<T> {
  const type = mediaType(request)
  const bytes = await readAll(request)
  if (bytes.length > 0 && type !== 'application/json') {
    throw new AppError(
      'unsupported',
      `Cannot take the body: its type is "${type.slice(0, shownLength)}", Content-Type: application/json is needed`,
    )
  }
  return parse(schema, bytes.length === 0 ? undefined : jsonOf(bytes), 'body')
}

/** The media type of a body in lower case, without parameters; '' when there is none. */
export function mediaType(request: Request): string {
  return (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
}

async function readAll(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () =>
    new AppError(
      'too_large',
      `Cannot take the body: it is over ${maxJsonBytes} bytes, a smaller one is needed`,
    )
  if (Number(request.headers.get('content-length') ?? 0) > maxJsonBytes) throw tooLarge()
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of request.body ?? []) {
    size += piece.length
    if (size > maxJsonBytes) throw tooLarge()
    pieces.push(piece)
  }
  const bytes = new Uint8Array(size)
  let position = 0
  for (const piece of pieces) {
    bytes.set(piece, position)
    position += piece.length
  }
  return bytes
}

function jsonOf(bytes: Uint8Array<ArrayBuffer>): unknown {
  let text
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new AppError('invalid', 'Cannot read the body: it is not UTF-8, JSON in UTF-8 is needed')
  }
  let value: unknown
  let hasPrototype = false
  try {
    value = JSON.parse(text, (key, member: unknown) => {
      hasPrototype ||= key === '__proto__'
      return member
    })
  } catch {
    throw new AppError('invalid', 'Cannot read the body: it is not JSON, valid JSON is needed')
  }
  // The schemas would leave it out without a word.
  if (hasPrototype) {
    throw new AppError(
      'invalid',
      'Cannot use the body: "__proto__" is no name of a member, take it out',
    )
  }
  return value
}

/** `value`, such as the fields of a form, parsed. Throws InvalidRequest that names every fault. */
export function parseValue<T>(schema: z.ZodType<T>, value: unknown): T {
  return parse(schema, value, 'body')
}

function parse<T>(schema: z.ZodType<T>, value: unknown, where: 'body' | 'query'): T {
  const result = schema.safeParse(value, { reportInput: true })
  if (result.success) return result.data
  const faults = result.error.issues.flatMap((issue) => faultsOf(issue, schema, where))
  throw invalid(where, faults.slice(0, maxFaults))
}

function invalid(where: string, faults: Fault[]): InvalidRequest {
  const told = faults.map(({ pointer, detail }) =>
    pointer === '' ? `it ${detail}` : `${pointer} ${detail}`,
  )
  return new InvalidRequest(`Cannot use the ${where}: ${told.join('; ')}`, faults)
}

function faultsOf(issue: z.core.$ZodIssue, schema: z.ZodType, where: 'body' | 'query'): Fault[] {
  const pointer = pointerOf(issue.path, where)
  if (issue.code !== 'unrecognized_keys') return [{ pointer, detail: detailOf(issue) }]
  const known = membersAt(schema, issue.path)
  return issue.keys.map((key) => {
    const near = nearest(key, known)
    const names = known.length === 0 ? 'none' : `one of ${known.join(', ')}`
    const remedy = near === undefined ? `${names} is needed` : `"${near}" may be meant`
    return {
      pointer: pointerOf([...issue.path, key.slice(0, shownLength)], where),
      detail: `is not known, ${remedy}`,
    }
  })
}

function pointerOf(path: readonly PropertyKey[], where: 'body' | 'query'): string {
  if (where === 'query') return path.map(String).join('.')
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing'
  if (typeof value === 'string') return `"${value.slice(0, shownLength)}"`
  if (Array.isArray(value)) return 'a list'
  return JSON.stringify(value)?.slice(0, shownLength) ?? typeof value
}

function detailOf(issue: z.core.$ZodIssue): string {
  const is = `is ${shown(issue.input)}`
  if (issue.code === 'invalid_type') return `${is}, ${article(issue.expected)} is needed`
  if (issue.code === 'invalid_value') {
    const near =
      typeof issue.input === 'string' ? nearest(issue.input, issue.values.map(String)) : undefined
    const meant = near === undefined ? '' : `; "${near}" may be meant`
    return `${is}, one of ${issue.values.map(String).join(', ')} is needed${meant}`
  }
  if (issue.code === 'too_small' || issue.code === 'too_big') {
    const unit = units[issue.origin] ?? ''
    const bound =
      issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`
    return `${unit === '' ? is : issue.code === 'too_small' ? 'is too short' : 'is too long'}, ${bound}${unit} is needed`
  }
  if (issue.code === 'invalid_format' && issue.format === 'datetime') {
    return `${is}, a time such as 2026-01-31T08:00:00Z is needed`
  }
  // Checks of our own bring their sentence with them.
  return issue.message
}

const units: Readonly<Record<string, string>> = { string: ' characters', array: ' entries' }

function article(expected: string): string {
  if (expected === 'int' || expected === 'number') return 'a whole number'
  if (expected === 'array') return 'a list'
  if (expected === 'object' || expected === 'record') return 'an object'
  return `a ${expected}`
}

/** The members that the object at `path` of `schema` may have. */
function membersAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  let at: z.core.$ZodType | undefined = inner(schema)
  for (const part of path) {
    if (at instanceof z.ZodObject) at = inner(Object(at.shape)[part])
    else if (at instanceof z.ZodArray) at = inner(at.element)
    else return []
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : []
}

function inner(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault
  ) {
    return inner(schema.unwrap())
  }
  return schema
}
