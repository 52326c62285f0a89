type Json = Record<string, unknown>

const object = (value: unknown): Json => Object(value)
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

const simple: Readonly<Record<string, string>> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
}

function key(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name}'`
}

function comment(description: unknown): string {
  return typeof description === 'string' ? `/** ${description.replaceAll('*/', '* /')} */\n` : ''
}

const literal = (value: unknown): string =>
  typeof value === 'string' ? `'${value.replaceAll("'", "\\'")}'` : JSON.stringify(value)

/** A schema as a TypeScript type; throws for what our routes do not use. */
function typeOf(given: unknown): string {
  const schema = object(given)
  const { $ref, type, enum: words, anyOf, items, const: only } = schema
  if (typeof $ref === 'string') return $ref.split('/').at(-1) ?? ''
  if (only !== undefined) return literal(only)
  if (Array.isArray(words)) return words.map(literal).join(' | ')
  if (Array.isArray(anyOf)) return anyOf.map(typeOf).join(' | ')
  if (Array.isArray(type)) return type.map((one) => typeOf({ ...schema, type: one })).join(' | ')
  if (type === 'array') {
    const item = typeOf(items)
    return /^\w+$/.test(item) ? `${item}[]` : `(${item})[]`
  }
  if (type === 'object') return objectType(schema)
  const name = simple[String(type)]
  if (name !== undefined) return name
  throw new Error(`Cannot write a type for ${JSON.stringify(given)}`)
}

function objectType({ properties, required, additionalProperties }: Json): string {
  if (properties === undefined) {
    const { type } = object(additionalProperties)
    return `Record<string, ${type === undefined ? 'unknown' : typeOf(additionalProperties)}>`
  }
  const needed = list(required)
  const members = Object.entries(object(properties)).map(([name, schema]) => {
    const mark = needed.includes(name) ? '' : '?'
    return `${comment(object(schema)['description'])}${key(name)}${mark}: ${typeOf(schema)}`
  })
  return `{\n${members.join('\n')}\n}`
}

/** The type of the parameters of one place; empty when there are none. */
function parametersType(parameters: unknown, place: string): string | undefined {
  const found = list(parameters)
    .map(object)
    .filter((one) => one['in'] === place)
  if (found.length === 0) return undefined
  const members = found.map((one) => {
    const mark = one['required'] === true ? '' : '?'
    return `${comment(one['description'])}${key(String(one['name']))}${mark}: ${typeOf(one['schema'])}`
  })
  return `{\n${members.join('\n')}\n}`
}

function contentType(content: unknown): string {
  const types = Object.entries(object(content)).map(([type, body]) =>
    type === 'application/json' ? typeOf(object(body)['schema']) : 'Text',
  )
  return types.length === 0 ? 'null' : [...new Set(types)].join(' | ')
}

function answerType(responses: unknown): string {
  const good = Object.entries(object(responses)).filter(([status]) => status.startsWith('2'))
  return [...new Set(good.map(([, answer]) => contentType(object(answer)['content'])))].join(' | ')
}

function operationType(operation: Json): string {
  const { parameters, requestBody, responses } = operation
  const members: string[] = []
  for (const place of ['path', 'query', 'header']) {
    const type = parametersType(parameters, place)
    const optional = type !== undefined && !/^\w+: |^'[^']+': /m.test(type)
    if (type !== undefined) members.push(`${place}${optional ? '?' : ''}: ${type}`)
  }
  if (requestBody !== undefined) {
    const { required, content } = object(requestBody)
    const bodies = Object.keys(object(content)).includes('application/json')
      ? contentType(content)
      : 'Upload'
    members.push(`body${required === true ? '' : '?'}: ${bodies}`)
  }
  members.push(`answer: ${answerType(responses)}`)
  return `{\n${members.join('\n')}\n}`
}

const head = `// Made from the OpenAPI document by \`npm run docs\`: copy it, do not edit it. Needs fetch and nothing else.
/* oxlint-disable typescript/no-unsafe-type-assertion -- the server keeps to the document */

`

const call = `
/** A body that is no JSON. */
export type Text = string
/** A file to import: text, bytes, a stream, or a form with one file. */
export type Upload = string | Uint8Array<ArrayBuffer> | Blob | ReadableStream<Uint8Array> | FormData

export type Route = keyof Operations
export type Answer<R extends Route> = Operations[R]['answer']
export type Input<R extends Route> = Omit<Operations[R], 'answer'>

/** What the server refuses, and how to put it right. */
export class ProblemError extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail)
    this.name = 'ProblemError'
    this.problem = problem
  }
}

export interface ClientOptions {
  /** Such as \`https://imports.example.com\`. */
  baseUrl: string
  /** \`rd_…\`; none for routes that need none. */
  token?: string
  fetch?: typeof fetch
}

interface AnyInput {
  path?: Record<string, string>
  query?: Record<string, string | number | undefined>
  header?: Record<string, string | undefined>
  body?: unknown
}

const isUpload = (body: unknown): body is Upload =>
  typeof body === 'string' ||
  body instanceof Uint8Array ||
  body instanceof Blob ||
  body instanceof ReadableStream ||
  body instanceof FormData

/** A client: \`call('GET /imports/{id}', { path: { id } })\`. Throws ProblemError for what the server refuses. */
export function createClient({ baseUrl, token, fetch: send = fetch }: ClientOptions) {
  return async function call<R extends Route>(route: R, input: Input<R>): Promise<Answer<R>> {
    const { path = {}, query = {}, header = {}, body }: AnyInput = input
    const [method = '', pattern = ''] = route.split(' ')
    const place = pattern.replace(/\\{(\\w+)\\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ''))
    const url = new URL(place, baseUrl)
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    const headers = new Headers()
    for (const [name, value] of Object.entries(header)) {
      if (value !== undefined) headers.set(name, value)
    }
    if (token !== undefined) headers.set('authorization', \`Bearer \${token}\`)
    const init: RequestInit & { duplex?: 'half' } = { method, headers }
    if (isUpload(body)) {
      init.body = body
      init.duplex = 'half'
      if (!(body instanceof FormData)) headers.set('content-type', 'text/csv')
    } else if (body !== undefined) {
      init.body = JSON.stringify(body)
      headers.set('content-type', 'application/json')
    }
    const answer = await send(url, init)
    const type = answer.headers.get('content-type') ?? ''
    const text = await answer.text()
    const value: unknown = /[/+]json/.test(type) ? JSON.parse(text) : text === '' ? null : text
    if (type.includes('problem+json')) throw new ProblemError(value as Problem)
    if (!answer.ok) throw new Error(\`\${answer.status} \${answer.statusText}\`)
    return value as Answer<R>
  }
}
`

/** The lines with two spaces for each open brace. */
function indented(source: string): string {
  let depth = 0
  return source
    .split('\n')
    .map((line) => {
      const closes = /^[})]/.test(line) ? 1 : 0
      const shown = line === '' ? '' : '  '.repeat(Math.max(0, depth - closes)) + line
      // Braces of descriptions stand in comments.
      if (!/^(\/\*\*|\*)/.test(line)) {
        depth +=
          (line.match(/\{(?!\w+\})/g) ?? []).length -
          (line.replace(/\{\w+\}/g, '').match(/\}/g) ?? []).length
      }
      return shown
    })
    .join('\n')
}

/** The source of a client for the interface that \`document\` describes. */
export function clientSource(document: Json): string {
  const schemas = Object.entries(object(object(document['components'])['schemas']))
  const types = schemas.map(
    ([name, schema]) =>
      `${comment(object(schema)['description'])}export type ${name} = ${typeOf(schema)}\n`,
  )
  const operations = Object.entries(object(document['paths'])).flatMap(([path, methods]) =>
    Object.entries(object(methods)).map(
      ([method, operation]) =>
        `${comment(object(operation)['summary'])}'${method.toUpperCase()} ${path}': ${operationType(object(operation))}`,
    ),
  )
  const shown = indented(
    `${types.join('\n')}\nexport interface Operations {\n${operations.join('\n')}\n}\n`,
  )
  return `${head}${shown}${call}`
}
