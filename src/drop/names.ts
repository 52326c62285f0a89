import { AppError } from '../domain/error.ts'
import { clientFolders, serviceFolders } from '../domain/layout.ts'

// What every file system that we may sit on can hold.
const maxNameBytes = 255
// A path is a folder and a name; anything much longer is an attack on the splitting.
const maxPathLength = 4_096
// oxlint-disable-next-line no-control-regex
const unusable = /[\u0000-\u001F\u007F\uFFFD]/

/** A place in a drop folder: `folder` is '' at the top, `name` is '' for the folder itself. */
export interface Place {
  folder: string
  name: string
  /** False in `bak/` and `failed/`. */
  writable: boolean
}

const folders: readonly string[] = [...clientFolders, ...serviceFolders]

function checkName(name: string): void {
  if (unusable.test(name) || /[\uD800-\uDFFF]/u.test(name)) {
    throw new AppError(
      'invalid',
      'Cannot use the name: it has a control character or is not UTF-8, a name of printable characters is needed',
    )
  }
  if (new TextEncoder().encode(name).length > maxNameBytes) {
    throw new AppError(
      'invalid',
      `Cannot use the name "${name.slice(0, 40)}…": it is longer than ${maxNameBytes} bytes, a shorter one is needed`,
    )
  }
}

/**
 * The absolute path of `path` seen from `cwd`; `.` and `..` never leave the drop folder.
 *
 * Throws AppError `invalid` for a name that no file may have.
 */
export function resolvePath(cwd: string, path: string): string {
  if (path.length > maxPathLength) {
    throw new AppError('invalid', 'Cannot use the path: it is too long, a shorter one is needed')
  }
  const from = path.startsWith('/') ? [] : cwd.split('/')
  const segments: string[] = []
  for (const segment of [...from, ...path.split('/')]) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') {
      checkName(segment)
      segments.push(segment)
    }
  }
  return `/${segments.join('/')}`
}

/**
 * Where a resolved path lies.
 *
 * Throws AppError `not_found` for a path in a folder that a drop folder never has.
 */
export function placeOf(path: string): Place {
  const segments = path.split('/').filter((segment) => segment !== '')
  const [first, second, ...deeper] = segments
  if (first === undefined) return { folder: '', name: '', writable: true }
  const isFolder = folders.includes(first)
  if (deeper.length > 0 || (second !== undefined && !isFolder)) {
    throw new AppError(
      'not_found',
      `Cannot find "${path}": a drop folder has no folders but ${folders.map((name) => `${name}/`).join(', ')}`,
    )
  }
  const writable = !serviceFolders.some((name) => name === first)
  if (isFolder) return { folder: first, name: second ?? '', writable }
  return { folder: '', name: first, writable: true }
}
