import { Visitor, parseSync } from 'oxc-parser'

/** What the architecture test has to know of one source file. */
export interface Imports {
  /** Specifiers as written, of every import, export from, dynamic import, import type and module URL. */
  specifiers: string[]
  /** Dynamic imports whose specifier is no literal, as written. */
  unknown: string[]
  /** Globals that only Node has and whose members are used, such as `Buffer`. */
  nodeGlobals: string[]
}

const onlyNode = new Set(['Buffer', 'process', 'global', 'setImmediate', '__dirname', '__filename'])

interface Literal {
  type: string
  value?: unknown
  start: number
  end: number
}

/** Parses `source` and lists what it imports. Throws when it does not parse. */
export function importsOf(filename: string, source: string): Imports {
  const { program, errors } = parseSync(filename, source)
  if (errors.length > 0) throw new Error(`Cannot parse ${filename}: ${errors[0]?.message}`)
  const found: Imports = { specifiers: [], unknown: [], nodeGlobals: [] }
  const take = (literal: Literal): void => {
    if (literal.type === 'Literal' && typeof literal.value === 'string') {
      found.specifiers.push(literal.value)
    } else {
      found.unknown.push(source.slice(literal.start, literal.end))
    }
  }
  new Visitor({
    ImportDeclaration: (node) => take(node.source),
    ExportAllDeclaration: (node) => take(node.source),
    ExportNamedDeclaration: (node) => {
      if (node.source !== null) take(node.source)
    },
    ImportExpression: (node) => take(node.source),
    TSImportType: (node) => take(node.source),
    TSExternalModuleReference: (node) => take(node.expression),
    CallExpression: (node) => {
      const [first] = node.arguments
      const required = node.callee.type === 'Identifier' && node.callee.name === 'require'
      if (required && first !== undefined) take(first)
    },
    NewExpression: (node) => {
      const [first, second] = node.arguments
      const isUrl = node.callee.type === 'Identifier' && node.callee.name === 'URL'
      const ofModule =
        second !== undefined && source.slice(second.start, second.end) === 'import.meta.url'
      if (!isUrl || !ofModule || first?.type !== 'Literal') return
      if (typeof first.value === 'string' && /\.[mc]?[jt]s$/.test(first.value)) take(first)
    },
    MemberExpression: ({ object }) => {
      if (object.type === 'Identifier' && onlyNode.has(object.name)) {
        found.nodeGlobals.push(object.name)
      }
    },
  }).visit(program)
  return found
}
