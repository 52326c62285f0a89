import { z } from 'zod'
import { authorisation } from './auth.ts'
import type { Who } from './auth.ts'
import { headerParameters, partsOf } from './endpoint.ts'
import type { Answer, Endpoint } from './endpoint.ts'
import { kinds } from './problem.ts'

/** A part of the document; JSON. */
export type Json = Record<string, unknown>

/** The schema of every problem. */
const problemSchema = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().meta({ description: 'What is, what is needed, and how to put it right' }),
    instance: z.string(),
    code: z.enum(
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a literal table
      Object.keys(kinds) as [keyof typeof kinds],
    ),
    errors: z
      .array(
        z.strictObject({
          pointer: z.string().meta({
            description: 'JSON Pointer into the body, or the name of a query parameter',
          }),
          detail: z.string(),
        }),
      )
      .optional()
      .meta({ description: 'Every part of a body or a query that cannot be used' }),
    requestId: z.string().meta({ description: 'Stands in the log of the server too' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' })

/** What stands for a part of the path. */
const pathParameters: Readonly<Record<string, string>> = {
  id: 'Id, as an answer gives it',
  uuid: 'UserUUID, percent-encoded',
  token: 'Id of a token',
  delivery: 'Id of a delivery',
  source: 'An address, or a source as the list gives it, percent-encoded',
}

const descriptions: Readonly<Record<string, string>> = {
  401: 'No token, or none that lets anybody in',
  403: 'A token whose scope is not enough',
  404: 'Not there, or not yours',
  409: 'The state does not allow it',
  412: 'Changed since the version that If-Match names',
  413: 'Too large',
  415: 'Not a type that is taken',
  422: 'The request cannot be used as it is; `errors` names every fault',
  429: 'Too many; Retry-After says when to come back',
  500: 'A fault of the service',
  503: 'Not now; Retry-After says when to come back',
  507: 'No space left',
}

/** Makes schemas of the document from zod's; those with an id become components. */
function createSchemas() {
  const components: Json = {}

  function component(id: string, schema: unknown): void {
    const known = components[id]
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(schema)) {
      throw new Error(`Two schemas have the id ${id}`)
    }
    components[id] = schema
  }

  return {
    components,
    of(schema: z.ZodType, io: 'input' | 'output'): Json {
      const {
        $schema: _,
        $defs = {},
        ...made
      } = z.toJSONSchema(schema, {
        io,
        override({ jsonSchema }) {
          // The pattern says no more than the format, in 300 characters.
          if (jsonSchema.format === 'date-time') delete jsonSchema.pattern
          // The zone of safe integers is no limit of ours.
          if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
          if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
          delete jsonSchema.id
        },
      })
      for (const [id, definition] of Object.entries($defs)) component(id, relocated(definition))
      return relocated(made)
    },
  }
}

/** Points to components instead of `$defs`. */
function relocated(schema: object): Json {
  const text = JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')
  const moved: unknown = JSON.parse(text)
  return Object(moved)
}

type Schemas = ReturnType<typeof createSchemas>

function queryParameters(query: z.ZodType | undefined, schemas: Schemas, example?: Json): Json[] {
  if (query === undefined) return []
  const { properties = {}, required = [] } = schemas.of(query, 'input')
  return Object.entries(Object(properties)).map(([name, schema]) => {
    const { description, ...rest }: Json = Object(schema)
    return {
      name,
      in: 'query',
      required: Array.isArray(required) && required.includes(name),
      ...(description === undefined ? {} : { description }),
      ...(example?.[name] === undefined ? {} : { example: example[name] }),
      schema: rest,
    }
  })
}

function requestBody({ body, takes, example }: Endpoint, schemas: Schemas): Json | undefined {
  if (body !== undefined) {
    const schema = schemas.of(body, 'input')
    const shown = example?.body === undefined ? {} : { example: example.body }
    return {
      required: !body.safeParse(undefined).success,
      content: { 'application/json': { schema, ...shown } },
    }
  }
  if (takes === undefined) return undefined
  const content = takes.map((type) => {
    const file = { type: 'string', description: 'The bytes of the file' }
    const form = { type: 'object', properties: { file }, required: ['file'] }
    const shown = example?.text?.type === type ? { example: example.text.body } : {}
    return [type, { schema: type.startsWith('multipart/') ? form : file, ...shown }]
  })
  return { required: true, content: Object.fromEntries(content) }
}

function response(status: string, answer: Answer, schemas: Schemas): Json {
  const { description, schema, type } = answer
  const content =
    schema === undefined
      ? type === undefined
        ? {}
        : { content: { [type]: { schema: { type: 'string' } } } }
      : { content: { 'application/json': { schema: schemas.of(schema, 'output') } } }
  const location = status === '201' || status === '202'
  const headers = location
    ? {
        headers: {
          Location: { schema: { type: 'string' }, description: 'Place of what was made' },
        },
      }
    : {}
  return { description, ...headers, ...content }
}

function problemsOf({ route, body, takes, query, problems = [] }: Endpoint): number[] {
  const scopes: readonly Who[] = authorisation[route]
  const numbers = new Set<number>([...problems, 500])
  if (!scopes.includes('anyone')) numbers.add(401).add(403)
  if (query !== undefined || body !== undefined || takes !== undefined) numbers.add(422)
  if (body !== undefined) numbers.add(413).add(415)
  return [...numbers].toSorted((a, b) => a - b)
}

/** `POST /imports/:id/approve` becomes `postImportsByIdApprove`. */
function operationId(route: string): string {
  const words = route
    .toLowerCase()
    .replace(/:(\w+)/g, 'by $1')
    .split(/\W+/)
  return words
    .map((word, index) => (index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1)))
    .join('')
}

function operation(one: Endpoint, schemas: Schemas): Json {
  const { path } = partsOf(one.route)
  const scopes: readonly Who[] = authorisation[one.route]
  const inPath = Array.from(path.matchAll(/:(\w+)/g), ([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    description: pathParameters[name],
    schema: { type: 'string' },
  }))
  const inHeader = (one.headers ?? []).map((name) => ({
    name,
    in: 'header',
    required: false,
    description: headerParameters[name],
    schema: { type: 'string' },
  }))
  const body = requestBody(one, schemas)
  const problem = { $ref: '#/components/schemas/Problem' }
  return {
    operationId: operationId(one.route),
    tags: [path.split('/')[1]],
    summary: one.summary,
    description: scopes.includes('anyone')
      ? 'Needs no token.'
      : `For scopes: ${scopes.join(', ')}.`,
    'x-scopes': scopes,
    security: scopes.includes('anyone') ? [] : [{ token: [] }],
    parameters: [
      ...inPath,
      ...queryParameters(one.query, schemas, one.example?.query),
      ...inHeader,
    ],
    ...(body === undefined ? {} : { requestBody: body }),
    responses: Object.fromEntries([
      ...Object.entries(one.answers).map(([status, answer]) => [
        status,
        response(status, answer, schemas),
      ]),
      ...problemsOf(one).map((status) => [
        String(status),
        {
          description: descriptions[status] ?? 'Refused',
          content: { 'application/problem+json': { schema: problem } },
        },
      ]),
    ]),
  }
}

/** OpenAPI 3.1 of the endpoints, from their own schemas (docs/decisions/0030). */
export function openApiDocument(endpoints: readonly Endpoint[]): Json {
  const schemas = createSchemas()
  schemas.of(problemSchema, 'output')
  const paths: Record<string, Json> = {}
  for (const one of endpoints) {
    const { method, path } = partsOf(one.route)
    const shown = path.replace(/:(\w+)/g, '{$1}')
    paths[shown] = { ...paths[shown], [method.toLowerCase()]: operation(one, schemas) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Rosterdrop',
      version: '1',
      description:
        'Imports of users from CSV files. Times are RFC 3339 in UTC, sizes bytes, durations seconds. Lists are `{ data, nextCursor }`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    tags: [...new Set(Object.keys(paths).map((path) => path.split('/')[1]))].map((name) => ({
      name,
    })),
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description:
            'A token `rd_…`, as `rosterdrop token create` or POST /tenants/{id}/tokens makes it',
        },
      },
      schemas: Object.fromEntries(
        Object.entries(schemas.components).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      ),
    },
  }
}
