/** True when the list of tags in `If-None-Match` or `If-Match` has `etag` in it, or is `*`. */
export function matchesTag(header: string, etag: string): boolean {
  if (header === etag || header.trim() === '*') return true
  return header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}
