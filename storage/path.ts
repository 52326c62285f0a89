import { AppError } from '../src/domain/error.ts'

/**
 * The segments of a path of the file store.
 *
 * Throws AppError `invalid` for an empty segment, `.`, `..` or a NUL: nothing may leave the store.
 */
export function segmentsOf(path: string): string[] {
  const segments = path.split('/')
  for (const segment of segments) {
    if (segment === '' || segment === '.' || segment === '..' || segment.includes('\0')) {
      throw new AppError(
        'invalid',
        `Cannot use the path "${path.slice(0, 200)}": each part needs a name that is not . or ..`,
      )
    }
  }
  return segments
}

// unstorage cuts a key at `?`, takes `:`, `/` and `\` for separators and hides a trailing `$`.
// oxlint-disable-next-line no-control-regex
const unsafe = /[%:?\\#\u0000-\u001F\u007F]|\$$|^\.\.?$/g

/** The unstorage key of a path: `:` between segments, reversible for any name. */
export function keyOf(path: string): string {
  return segmentsOf(path)
    .map((segment) =>
      segment.replace(unsafe, (found) =>
        Array.from(
          found,
          (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`,
        ).join(''),
      ),
    )
    .join(':')
}

/** The path of an unstorage key that `keyOf` made. */
export function pathOf(key: string): string {
  return key
    .split(':')
    .map((segment) =>
      segment.replace(/%([0-9A-F]{2})/g, (_, hex: string) =>
        String.fromCharCode(parseInt(hex, 16)),
      ),
    )
    .join('/')
}
