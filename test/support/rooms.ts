import { posix } from 'node:path'
import { importsOf } from './imports.ts'

/** What a room may know; `packages` ending in `/*` stands for a scope. */
interface Room {
  folder: string
  rooms: readonly string[]
  packages: readonly string[] | 'any'
  node: boolean
}

/** The table of docs/architecture.md, as the tests hold it against the sources. */
export const rooms: Readonly<Record<string, Room>> = {
  domain: { folder: 'src/domain', rooms: [], packages: [], node: false },
  drop: {
    folder: 'src/drop',
    rooms: ['domain'],
    packages: ['@node-rs/argon2', 'bcryptjs'],
    node: true,
  },
  import: {
    folder: 'src/import',
    rooms: ['domain'],
    packages: ['csv-parse', 'croner'],
    node: true,
  },
  storage: {
    folder: 'storage',
    rooms: ['domain'],
    packages: ['unstorage', '@aws-sdk/*', '@smithy/*'],
    node: true,
  },
  db: { folder: 'src/db', rooms: ['domain'], packages: ['postgres'], node: true },
  mail: {
    folder: 'src/mail',
    rooms: ['domain'],
    packages: ['nodemailer', 'mailparser'],
    node: true,
  },
  webhook: { folder: 'src/webhook', rooms: ['domain'], packages: [], node: true },
  observe: {
    folder: 'src/observe',
    rooms: ['domain'],
    packages: ['pino', 'prom-client'],
    node: true,
  },
  listeners: {
    folder: 'src/listeners',
    rooms: ['drop', 'domain'],
    packages: ['ssh2', 'ftp-srv'],
    node: true,
  },
  routes: {
    folder: 'routes',
    rooms: ['drop', 'import', 'domain'],
    packages: ['hono', 'zod', '@hono/zod-openapi'],
    node: false,
  },
  commands: { folder: 'src/commands', rooms: ['all'], packages: 'any', node: true },
  roof: { folder: 'src', rooms: ['all'], packages: 'any', node: true },
}

export const maxLines = 400

function roomOf(path: string): string | undefined {
  const folders = Object.entries(rooms).filter(([, { folder }]) => path.startsWith(`${folder}/`))
  return folders.toSorted(([, a], [, b]) => b.folder.length - a.folder.length)[0]?.[0]
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '')
}

function allowsPackage({ packages }: Room, name: string): boolean {
  if (packages === 'any') return true
  return packages.some((one) =>
    one.endsWith('/*') ? name.startsWith(one.slice(0, -1)) : one === name,
  )
}

/** A cycle in `graph`, as the path that closes it; every cycle has a file in some answer. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: string[]): void => {
    const at = path.indexOf(file)
    if (at >= 0) found.push(`cycle: ${[...path.slice(at), file].join(' → ')}`)
    if (at >= 0 || done.has(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return found
}

function importProblem(
  path: string,
  specifier: string,
  sources: ReadonlyMap<string, string>,
): string | undefined {
  const from = roomOf(path)
  const room = from === undefined ? undefined : rooms[from]
  if (room === undefined) return `${path}: lies in no room`
  if (specifier.startsWith('node:')) {
    return room.node ? undefined : `${path}: room ${from} may not use ${specifier}`
  }
  if (/^[a-z]+:/.test(specifier)) return `${path}: ${specifier} comes from no package`
  if (!specifier.startsWith('.')) {
    const name = packageOf(specifier)
    return allowsPackage(room, name) ? undefined : `${path}: room ${from} may not use ${name}`
  }
  const target = posix.join(posix.dirname(path), specifier)
  if (!sources.has(target)) return `${path}: ${specifier} is no source file`
  const to = roomOf(target) ?? 'none'
  const known = to === from || room.rooms.includes('all') || room.rooms.includes(to)
  return known ? undefined : `${path}: room ${from} may not know room ${to} (${target})`
}

/** Holds `sources` (path → text) against the table; a sentence for each breach. */
export function breaches(sources: ReadonlyMap<string, string>): {
  problems: string[]
  imports: number
} {
  const problems: string[] = []
  const graph = new Map<string, string[]>()
  let imports = 0
  for (const [path, source] of sources) {
    const lines = source.split('\n').length - 1
    if (lines > maxLines) problems.push(`${path}: ${lines} lines, ${maxLines} are allowed`)
    const { specifiers, unknown, nodeGlobals } = importsOf(path, source)
    imports += specifiers.length
    for (const text of unknown) problems.push(`${path}: import(${text}) names no file`)
    if (rooms[roomOf(path) ?? '']?.node === false) {
      for (const name of nodeGlobals) problems.push(`${path}: uses ${name}, which only Node has`)
    }
    for (const specifier of specifiers) {
      const problem = importProblem(path, specifier, sources)
      if (problem !== undefined) problems.push(problem)
    }
    const local = specifiers.filter((specifier) => specifier.startsWith('.'))
    graph.set(
      path,
      local.map((specifier) => posix.join(posix.dirname(path), specifier)),
    )
  }
  return { problems: [...problems, ...cycles(graph)], imports }
}
