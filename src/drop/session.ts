import { createHash } from 'node:crypto'
import type { Account } from '../domain/account.ts'
import type { Clock } from '../domain/clock.ts'
import type { DropEntry, DropSession, DropUpload, OpenWriteOptions, Peer } from '../domain/drop.ts'
import { AppError, isAppError } from '../domain/error.ts'
import { dropPath, incompleteName } from '../domain/layout.ts'
import type { Log } from '../domain/log.ts'
import type { AuditEvent, StateStore } from '../domain/state.ts'
import type { FileStore, StagedFile, StoredFile } from '../domain/storage.ts'
import { createFolders, folderMarker } from './folders.ts'
import { createGenerations } from './generation.ts'
import type { DropLimits } from './limits.ts'
import { placeOf, resolvePath } from './names.ts'
import type { Place } from './names.ts'
import type { Quota } from './quota.ts'
import { createUpload, incompletePath } from './upload.ts'

export interface SessionOptions {
  state: StateStore
  files: FileStore
  clock: Clock
  log: Log
  limits: DropLimits
  quota: Quota
  account: Account
  peer: Peer
  onCommit: (tenantId: string, uploadedBytes: number) => void
}

// A client sets the time right after its upload; more names than these are not looked back at.
const rememberedNames = 100

/** The file that an upload goes on from, and how many of its bytes are kept. */
interface Start {
  from: string
  size: number
}

/** What there is of a name: the file, and the upload of it that was cut. */
interface Versions {
  whole: StoredFile | undefined
  part: StoredFile | undefined
  /** The cut upload came last: it is what a client that goes on means. */
  partIsLast: boolean
}

/** Opens the drop session of an account that has proved itself; its tenant is fixed from here on. */
export function openSession(options: SessionOptions): DropSession {
  const { state, files, clock, limits, quota, account, peer } = options
  const { tenantId } = account
  const source = peer.protocol
  const generations = createGenerations({ ...options, tenantId, source, actor: account.name })
  const folders = createFolders({ state, files, clock, tenantId })
  const uploads = new Map<string, DropUpload>()
  /** What this session has stored last. */
  const committed = new Set<string>()
  let readers = 0
  let over = false

  function audit(event: AuditEvent, path: string, bytes: number | null, detail: string | null) {
    state.audit.append({
      at: clock.now(),
      tenantId,
      event,
      actor: account.name,
      address: peer.address,
      protocol: peer.protocol,
      clientVersion: peer.clientVersion,
      path,
      bytes,
      detail,
    })
  }

  const stored = (place: Place): string => dropPath(tenantId, place.folder, place.name)

  async function versions(place: Place): Promise<Versions> {
    const [whole, part] = await Promise.all([
      files.stat(stored(place)),
      place.writable ? files.stat(incompletePath(tenantId, place)) : undefined,
    ])
    const partIsLast = part !== undefined && part.modifiedAt >= (whole?.modifiedAt ?? 0)
    return { whole, part, partIsLast }
  }

  /** A file's place; folders and what only the service writes are refused. */
  function writablePlace(verb: string, path: string): Place {
    const place = placeOf(path)
    if (place.name === '' || place.name === folderMarker) {
      throw new AppError(
        'forbidden',
        `Cannot ${verb} "${path}": the name is a folder's, use another`,
      )
    }
    if (!place.writable) {
      throw new AppError('forbidden', `Cannot ${verb} "${path}": ${place.folder}/ is read-only`)
    }
    return place
  }

  function noSuchFile(verb: string, path: string): AppError {
    return new AppError('not_found', `Cannot ${verb} "${path}": there is no such file`)
  }

  function checkHandles(): void {
    if (over) throw new AppError('unavailable', 'Cannot open a file: the session has ended')
    if (uploads.size + readers >= limits.handles) {
      throw new AppError(
        'too_many',
        `Cannot open a file: ${limits.handles} are open, close one first`,
      )
    }
  }

  const fileEntry = (name: string, file: StoredFile, writable: boolean): DropEntry => ({
    name,
    kind: 'file',
    size: file.size,
    modifiedAt: file.modifiedAt,
    writable,
  })

  const ownEntry = (name: string, upload: DropUpload): DropEntry => ({
    name,
    kind: 'file',
    size: upload.size,
    modifiedAt: clock.now(),
    writable: true,
  })

  async function stat(path: string): Promise<DropEntry> {
    const place = placeOf(path)
    if (place.name === '') {
      const folder = await folders.entry(place.folder)
      if (folder !== undefined) return folder
      throw noSuchFile('find', path)
    }
    const upload = uploads.get(path)
    if (upload !== undefined) return ownEntry(place.name, upload)
    if (place.name === folderMarker) throw noSuchFile('find', path)
    const { whole, part, partIsLast } = await versions(place)
    // A client that resumes asks for the size first, by the name that it gave: what it is told is what it goes on from.
    const file = partIsLast ? part : whole
    if (file === undefined) throw noSuchFile('find', path)
    return fileEntry(place.name, file, place.writable)
  }

  async function list(path: string): Promise<DropEntry[]> {
    const place = placeOf(path)
    if (place.name !== '') {
      await stat(path)
      throw new AppError('invalid', `Cannot list "${path}": it is a file, a folder is needed`)
    }
    if (!(await folders.exists(place.folder))) throw noSuchFile('list', path)
    const found = (await folders.content(place.folder)).map(({ name, file }) =>
      fileEntry(name, file, place.writable),
    )
    const known = new Set(found.map(({ name }) => name))
    for (const [other, upload] of uploads) {
      const { folder, name } = placeOf(other)
      if (folder === place.folder && !known.has(name)) found.push(ownEntry(name, upload))
    }
    return place.folder === '' ? [...(await folders.below()), ...found] : found
  }

  /** The file whose bytes an upload goes on from, and from which byte. */
  async function beginning(
    place: Place,
    { disposition, offset = 0 }: OpenWriteOptions,
  ): Promise<Start | undefined> {
    if (disposition === 'replace' || disposition === 'create') return undefined
    if (disposition === 'resume' && offset === 0) return undefined
    const { whole, part, partIsLast } = await versions(place)
    if (part !== undefined && !partIsLast) {
      // Its client may have set the file's time: which of the two this one means cannot be known.
      throw new AppError(
        'conflict',
        `Cannot go on with "${place.name}": a cut upload is beside it, store it from the first byte or delete "${incompleteName(place.name)}"`,
      )
    }
    const file = part ?? whole
    const size = disposition === 'append' ? file?.size : offset
    if (size === undefined) return undefined
    const from = part === undefined ? stored(place) : incompletePath(tenantId, place)
    if (file !== undefined && size <= file.size) return { from, size }
    throw new AppError(
      'invalid',
      `Cannot resume "${place.name}" at byte ${offset}: ${file?.size ?? 0} bytes are here, begin at or before them`,
    )
  }

  async function stage(target: string, start: Start | undefined): Promise<StagedFile> {
    const staged = await files.openWrite(target, start === undefined ? {} : { from: start.from })
    if (start !== undefined && start.size < staged.size) await staged.truncate(start.size)
    return staged
  }

  async function openWrite(path: string, how: OpenWriteOptions): Promise<DropUpload> {
    const place = writablePlace('store', path)
    checkHandles()
    if (uploads.has(path)) {
      throw new AppError('conflict', `Cannot store "${path}": this session is storing it already`)
    }
    if (!(await folders.exists(place.folder))) throw noSuchFile('store', path)
    const fresh = how.disposition === 'create'
    if (fresh && (await files.stat(stored(place))) !== undefined) {
      throw new AppError('exists', `Cannot store "${path}": there is one of this name`)
    }
    const start = await beginning(place, how)
    const claim = await quota.claim(tenantId, start?.size)
    const staged = await stage(stored(place), start).catch((error: unknown) => {
      claim.release()
      throw error
    })
    const upload = createUpload({
      state,
      files,
      limits,
      tenantId,
      generations,
      quota,
      claim,
      path,
      place,
      staged,
      fresh,
      audit,
      continues: start?.from,
      onCommit: () => {
        if (committed.size >= rememberedNames) committed.clear()
        committed.add(path)
        options.onCommit(tenantId, upload.size)
      },
      onEnd: () => {
        if (uploads.get(path) === upload) uploads.delete(path)
      },
    })
    uploads.set(path, upload)
    audit('OPEN', path, null, how.disposition)
    if (over) await upload.cut('session ended')
    return upload
  }

  async function rename(
    from: string,
    to: string,
    { overwrite }: { overwrite: boolean },
  ): Promise<void> {
    const [source, target] = [writablePlace('rename', from), writablePlace('rename to', to)]
    if (!(await folders.exists(target.folder))) throw noSuchFile('rename to', to)
    await state.exclusive(tenantId, async () => {
      const file = await files.stat(stored(source))
      if (file === undefined) throw noSuchFile('rename', from)
      if (from === to) return
      const old = await files.stat(stored(target))
      if (old !== undefined && !overwrite) {
        throw new AppError('exists', `Cannot rename to "${to}": there is one of this name`)
      }
      await generations.setAside(stored(target))
      const drop = await generations.forget(stored(source))
      await files.move(stored(source), stored(target))
      await generations.record(target, file.size, drop?.sha256 ?? null)
      if (old !== undefined) quota.changed(tenantId, -1, -old.size)
      // As a commit does: what was cut of this name before is complete now.
      const part = await files.stat(incompletePath(tenantId, target))
      if (part === undefined) return
      await files.remove(incompletePath(tenantId, target))
      quota.changed(tenantId, -1, -part.size)
    })
    audit('RENAME', from, null, to)
    options.onCommit(tenantId, 0)
  }

  async function remove(path: string): Promise<void> {
    const place = writablePlace('delete', path)
    const file = await state.exclusive(tenantId, async () => {
      const found = await files.stat(stored(place))
      if (found === undefined) throw noSuchFile('delete', path)
      await generations.forget(stored(place))
      await files.remove(stored(place))
      return found
    })
    quota.changed(tenantId, -1, -file.size)
    audit('DELETE', path, file.size, null)
  }

  return {
    id: createHash('sha256').update(clock.random(16)).digest('hex').slice(0, 16),
    tenantId,
    accountName: account.name,
    source,
    resolve: resolvePath,
    stat,
    list,
    async openRead(path) {
      const place = placeOf(path)
      checkHandles()
      const file = place.name === '' ? undefined : await files.stat(stored(place))
      if (file === undefined) throw noSuchFile('read', path)
      const reader = await files.openRead(stored(place)).catch((error: unknown) => {
        // Gone in between, by an import: what is said names no path of the store.
        throw isAppError(error, 'not_found') ? noSuchFile('read', path) : error
      })
      readers += 1
      let closed = false
      return {
        size: reader.size,
        modifiedAt: file.modifiedAt,
        read: (position, length) => reader.read(position, length),
        async close() {
          if (closed) return
          closed = true
          readers -= 1
          await reader.close()
        },
      }
    },
    openWrite,
    rename,
    remove,
    makeFolder: (path) => folders.make(path),
    async removeFolder(path) {
      const { kind } = await stat(path)
      if (kind === 'file') {
        throw new AppError('conflict', `Cannot remove the folder "${path}": it is a file`)
      }
      await folders.remove(path)
    },
    async touch(path, modifiedAt) {
      const place = writablePlace('set the time of', path)
      if ((await files.stat(stored(place))) !== undefined) {
        await files.touch(stored(place), modifiedAt)
        // An import may have taken the file between its upload and this: nothing is lost by that.
      } else if (!committed.has(path)) throw noSuchFile('set the time of', path)
    },
    space: () => quota.left(tenantId),
    async end(reason) {
      over = true
      await Promise.all([...uploads.values()].map((upload) => upload.cut(reason)))
    },
  }
}
