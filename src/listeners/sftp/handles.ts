import type { DropEntry, DropReader } from '../../domain/drop.ts'
import type { UploadHandle } from './upload.ts'
import { statusCode, StatusError } from './wire.ts'

/** spec/promises.md; OpenSSH's own limit is of that order. */
export const maxHandles = 64
/** Of them folders: each holds a listing of up to 10,000 names, 1.6 MB; clients read one at a time. */
const maxFolderHandles = 4

export interface ReadHandle {
  readonly kind: 'read'
  readonly path: string
  readonly reader: DropReader
}

export interface FolderHandle {
  readonly kind: 'folder'
  readonly path: string
  readonly entries: DropEntry[]
  /** Entries told so far. */
  position: number
}

export type Handle = ReadHandle | FolderHandle | UploadHandle

/** The open handles of one channel. */
export interface HandleTable {
  /** Throws StatusError `failure` when there are too many; call it before anything is opened. */
  reserve(kind: 'file' | 'folder'): void
  add(handle: Handle): Buffer
  /** Throws StatusError `failure` for what is no open handle of this channel. */
  get(name: Uint8Array): Handle
  /** Takes it out: the handle is closed for the peer whatever happens then. */
  take(name: Uint8Array): Handle
  /** Takes all out. */
  clear(): Handle[]
  readonly uploads: number
}

/** A table for one channel; handle names are four bytes that are never used twice. */
export function createHandleTable(): HandleTable {
  const handles = new Map<number, Handle>()
  let next = 0
  let uploads = 0
  let folders = 0

  function count(handle: Handle, by: 1 | -1): void {
    if (handle.kind === 'upload') uploads += by
    if (handle.kind === 'folder') folders += by
  }

  function key(name: Uint8Array): number {
    return name.length === 4 ? Buffer.from(name).readUInt32BE(0) : -1
  }

  function get(name: Uint8Array): Handle {
    const handle = handles.get(key(name))
    if (handle !== undefined) return handle
    throw new StatusError(
      statusCode.failure,
      'Cannot use the handle: it is not open, one from OPEN or OPENDIR is needed',
    )
  }

  return {
    reserve(kind) {
      const full = handles.size >= maxHandles
      if (!full && (kind === 'file' || folders < maxFolderHandles)) return
      const open = full ? `${maxHandles} handles` : `${maxFolderHandles} folders`
      throw new StatusError(
        statusCode.failure,
        `Cannot open more: ${open} are open, one of them closed is needed`,
      )
    },
    add(handle) {
      const name = Buffer.allocUnsafe(4)
      name.writeUInt32BE(next, 0)
      handles.set(next, handle)
      next = (next + 1) >>> 0
      count(handle, 1)
      return name
    },
    get,
    take(name) {
      const handle = get(name)
      handles.delete(key(name))
      count(handle, -1)
      return handle
    },
    clear() {
      const all = [...handles.values()]
      handles.clear()
      uploads = 0
      folders = 0
      return all
    },
    get uploads() {
      return uploads
    },
  }
}
