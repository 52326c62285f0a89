import type { UserReader } from './domain/user-reader.ts'

// Each holds a file and a page cache of 2 MB.
const mostOpen = 32

/** Directories that are open for reading: kept for the next request, the one unused longest is closed. */
export interface Readers {
  of(tenantId: string): Promise<UserReader | undefined>
  close(): Promise<void>
}

/** Keeps what `open` opens; it is asked again while it finds nothing. */
export function createReaders(
  open: (tenantId: string) => Promise<UserReader | undefined>,
): Readers {
  const readers = new Map<string, UserReader>()
  return {
    async of(tenantId) {
      const known = readers.get(tenantId)
      const reader = known ?? (await open(tenantId))
      if (reader === undefined) return undefined
      const other = readers.get(tenantId)
      if (other !== undefined && other !== reader) {
        await reader.close()
        return other
      }
      readers.delete(tenantId)
      readers.set(tenantId, reader)
      const [oldest] = readers.keys()
      if (readers.size > mostOpen && oldest !== undefined) {
        const unused = readers.get(oldest)
        readers.delete(oldest)
        await unused?.close()
      }
      return reader
    },
    async close() {
      const all = [...readers.values()]
      readers.clear()
      await Promise.all(all.map((reader) => reader.close()))
    },
  }
}
