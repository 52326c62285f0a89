import type {
  Admission,
  Doorkeeper,
  DropEntry,
  DropSession,
  DropUpload,
  Peer,
} from '../../../src/domain/drop.ts'
import { AppError } from '../../../src/domain/error.ts'
import { incompleteName } from '../../../src/domain/layout.ts'

export interface MemoryFile {
  bytes: Buffer
  modifiedAt: number
}

/** What a peer can see and what happened, for the tests of a listener. */
export interface MemoryDrop extends Doorkeeper {
  readonly files: Map<string, MemoryFile>
  readonly folders: Set<string>
  readonly events: string[]
  readonly admitted: Peer[]
  readonly keys: { name: string; blob: string }[]
  readonly open: number
  loginDeadlineMs: number
  /** Milliseconds that each write takes. */
  writeDelayMs: number
  failWrites: Error | undefined
  failCommit: Error | undefined
  refuseAll: boolean
}

function notFound(path: string): AppError {
  return new AppError(
    'not_found',
    `Cannot find "${path}": there is no such file, another name is needed`,
  )
}

/** A drop folder in memory, with one login `maple` and password `sugar`. */
export function createMemoryDrop(): MemoryDrop {
  const files = new Map<string, MemoryFile>()
  const folders = new Set(['/', '/bak'])
  const events: string[] = []
  let open = 0

  function entry(path: string): DropEntry {
    const name = path === '/' ? '/' : path.slice(path.lastIndexOf('/') + 1)
    const writable = !path.startsWith('/bak')
    if (folders.has(path)) return { name, kind: 'folder', size: 0, modifiedAt: 0, writable }
    const file = files.get(path)
    if (file === undefined) throw notFound(path)
    return { name, kind: 'file', size: file.bytes.length, modifiedAt: file.modifiedAt, writable }
  }

  function checkWritable(path: string): void {
    const parent = path.slice(0, path.lastIndexOf('/')) || '/'
    if (!folders.has(parent)) throw notFound(parent)
    if (path.startsWith('/bak')) {
      throw new AppError(
        'forbidden',
        `Cannot change "${path}": it is read-only, another folder is needed`,
      )
    }
  }

  function upload(path: string, start: Buffer, create: boolean): DropUpload {
    let bytes = start
    let over = false
    open += 1
    const end = (): void => {
      if (!over) open -= 1
      over = true
    }
    return {
      path,
      get size() {
        return bytes.length
      },
      async write(position, given) {
        if (over) throw new Error('write after the end')
        await new Promise((resolve) => setTimeout(resolve, drop.writeDelayMs))
        if (drop.failWrites !== undefined) throw drop.failWrites
        const needed = position + given.length
        if (needed > bytes.length)
          bytes = Buffer.concat([bytes, Buffer.alloc(needed - bytes.length)])
        bytes.set(given, position)
      },
      async read(position, length) {
        return bytes.subarray(position, position + length)
      },
      async truncate(size) {
        bytes = Buffer.concat([
          bytes.subarray(0, size),
          Buffer.alloc(Math.max(0, size - bytes.length)),
        ])
      },
      async sync() {
        events.push(`sync ${path}`)
      },
      async commit() {
        if (drop.failCommit !== undefined) throw drop.failCommit
        if (create && files.has(path))
          throw new AppError('exists', `Cannot make "${path}": it exists`)
        end()
        files.delete(incompleteName(path))
        files.set(path, { bytes, modifiedAt: Date.now() })
        events.push(`commit ${path} ${bytes.length}`)
      },
      async cut(reason) {
        if (over) return
        end()
        if (bytes.length > 0) files.set(incompleteName(path), { bytes, modifiedAt: Date.now() })
        events.push(`cut ${path} ${reason}`)
      },
    }
  }

  const session: Omit<DropSession, 'end'> = {
    id: 'ses_1',
    tenantId: 'ten_1',
    accountName: 'maple',
    source: 'sftp',
    resolve(cwd, path) {
      const parts: string[] = []
      for (const part of (path.startsWith('/') ? path : `${cwd}/${path}`).split('/')) {
        if (part === '..') parts.pop()
        else if (part !== '' && part !== '.') parts.push(part)
        if (part.includes('\0')) throw new AppError('invalid', 'Cannot use the name: it has a NUL')
      }
      return `/${parts.join('/')}`
    },
    stat: async (path) => entry(path),
    async list(path) {
      if (entry(path).kind !== 'folder') {
        throw new AppError('invalid', `Cannot list "${path}": it is a file, a folder is needed`)
      }
      const prefix = path === '/' ? '/' : `${path}/`
      return [...files.keys(), ...folders]
        .filter(
          (name) =>
            name !== '/' && name.startsWith(prefix) && !name.slice(prefix.length).includes('/'),
        )
        .map(entry)
    },
    async openRead(path) {
      if (entry(path).kind === 'folder') {
        throw new AppError('invalid', `Cannot read "${path}": it is a folder, a file is needed`)
      }
      const file = files.get(path)
      if (file === undefined) throw notFound(path)
      open += 1
      return {
        size: file.bytes.length,
        modifiedAt: file.modifiedAt,
        read: async (position, length) => file.bytes.subarray(position, position + length),
        close: async () => {
          open -= 1
        },
      }
    },
    async openWrite(path, { disposition, offset = 0 }) {
      checkWritable(path)
      if (folders.has(path)) throw new AppError('invalid', `Cannot write "${path}": it is a folder`)
      if (disposition === 'create' && files.has(path)) {
        throw new AppError(
          'exists',
          `Cannot make "${path}": it is there already, another name is needed`,
        )
      }
      const old = files.get(incompleteName(path)) ?? files.get(path)
      const kept = old?.bytes ?? Buffer.alloc(0)
      if (disposition === 'append') return upload(path, kept, false)
      if (disposition !== 'resume') return upload(path, Buffer.alloc(0), disposition === 'create')
      if (offset > kept.length) {
        throw new AppError('invalid', `Cannot resume "${path}": it has ${kept.length} bytes`)
      }
      return upload(path, kept.subarray(0, offset), false)
    },
    async rename(from, to, { overwrite }) {
      checkWritable(from)
      checkWritable(to)
      const file = files.get(from)
      if (file === undefined) throw notFound(from)
      if (!overwrite && files.has(to)) {
        throw new AppError(
          'exists',
          `Cannot rename to "${to}": it is there already, another name is needed`,
        )
      }
      files.delete(from)
      files.set(to, file)
    },
    async remove(path) {
      checkWritable(path)
      if (folders.has(path))
        throw new AppError('invalid', `Cannot remove "${path}": it is a folder`)
      if (!files.delete(path)) throw notFound(path)
    },
    async makeFolder(path) {
      if (folders.has(path))
        throw new AppError('exists', `Cannot make "${path}": it is there already`)
      if (path !== '/test' && path !== '/full') {
        throw new AppError('forbidden', `Cannot make "${path}": only test and full may be made`)
      }
      folders.add(path)
    },
    async removeFolder(path) {
      if (entry(path).kind !== 'folder') {
        throw new AppError('invalid', `Cannot remove "${path}": it is a file, a folder is needed`)
      }
      checkWritable(path)
      folders.delete(path)
    },
    async touch(path, modifiedAt) {
      const file = files.get(path)
      if (file === undefined) throw notFound(path)
      file.modifiedAt = modifiedAt
    },
    space: async () => ({ freeBytes: 2 ** 30, totalBytes: 2 ** 31 }),
  }

  function login(): DropSession {
    events.push('login')
    return {
      ...session,
      async end(reason) {
        events.push(`end ${reason}`)
      },
    }
  }

  const drop: MemoryDrop = {
    files,
    folders,
    events,
    admitted: [],
    keys: [],
    get open() {
      return open
    },
    loginDeadlineMs: 30_000,
    writeDelayMs: 0,
    failWrites: undefined,
    failCommit: undefined,
    refuseAll: false,
    admit(peer) {
      if (drop.refuseAll) throw new AppError('too_many', 'Cannot let you in: too many connections')
      drop.admitted.push(peer)
      let wrong = 0
      const admission: Admission = {
        peer,
        loginDeadlineMs: drop.loginDeadlineMs,
        identify: (version) => events.push(`peer ${version}`),
        async loginWithPassword(name, password) {
          if (name === 'maple' && password === 'sugar') return login()
          wrong += 1
          throw new AppError(wrong >= 3 ? 'too_many' : 'unauthenticated', 'Cannot log in: wrong')
        },
        acceptsKey: async (name, _, blob) =>
          drop.keys.some((key) => key.name === name && key.blob === blob),
        async loginWithKey(name, _, blob) {
          if (drop.keys.some((key) => key.name === name && key.blob === blob)) return login()
          throw new AppError('unauthenticated', 'Cannot log in: unknown key')
        },
        onBarred: () => undefined,
        close: () => events.push('closed'),
      }
      return admission
    },
  }
  return drop
}
