import { createHash } from 'node:crypto'
import type { Claim, DropUpload } from '../domain/drop.ts'
import { AppError } from '../domain/error.ts'
import { dropPath, incompleteName } from '../domain/layout.ts'
import type { AuditEvent, StateStore } from '../domain/state.ts'
import type { FileStore, StagedFile } from '../domain/storage.ts'
import type { Generations } from './generation.ts'
import type { DropLimits } from './limits.ts'
import type { Place } from './names.ts'
import type { Quota } from './quota.ts'

export interface UploadOptions {
  state: Pick<StateStore, 'exclusive'>
  files: FileStore
  limits: DropLimits
  tenantId: string
  generations: Generations
  quota: Quota
  claim: Claim
  /** Absolute path as the client sees it. */
  path: string
  place: Place
  staged: StagedFile
  /** The file whose bytes it goes on from: superseded by the commit, never imported on its own. */
  continues: string | undefined
  /** Refuse at commit when a file of the name has come meanwhile. */
  fresh: boolean
  audit: (event: AuditEvent, path: string, bytes: number, detail: string | null) => void
  onCommit: () => void
  /** It has ended, either way. */
  onEnd: () => void
}

/** The path that a cut upload of `place` is kept at; a name with no room for the ending loses its last characters. */
export function incompletePath(
  tenantId: string,
  { folder, name }: Pick<Place, 'folder' | 'name'>,
): string {
  let stem = name
  while (Buffer.byteLength(incompleteName(stem)) > 255)
    stem = Array.from(stem).slice(0, -1).join('')
  return dropPath(tenantId, folder, incompleteName(stem))
}

/** One upload from its first byte to its commit or cut (spec/transfer.md, when a file counts). */
export function createUpload(options: UploadOptions): DropUpload {
  const { state, files, limits, tenantId, generations, quota, claim, path, place, staged } = options
  const target = dropPath(tenantId, place.folder, place.name)
  const incomplete = incompletePath(tenantId, place)
  const digest = createHash('sha256')
  // The digest holds while bytes come in order from the first on.
  let hashed: number | undefined = staged.size === 0 ? 0 : undefined
  let written = false
  let ended: Promise<void> | undefined

  function alive(): void {
    if (ended === undefined) return
    throw new AppError('unavailable', `Cannot write "${path}": the upload has ended`)
  }

  function leave(): void {
    claim.release()
    options.onEnd()
  }

  async function publish(): Promise<void> {
    const { size } = staged
    const [old, cutBefore] = await Promise.all([files.stat(target), files.stat(incomplete)])
    if (options.fresh && old !== undefined) {
      throw new AppError('exists', `Cannot store "${path}": there is one of this name`)
    }
    let aside = false
    if (options.continues === target) await generations.forget(target)
    else aside = await generations.setAside(target)
    const sha256 = hashed === size ? digest.digest('hex') : null
    await staged.commit({ beside: () => generations.record(place, size, sha256) })
    // What was cut before is complete now, whether it was gone on from or begun again.
    if (cutBefore !== undefined && options.continues !== incomplete) await files.remove(incomplete)
    const replaced = aside ? undefined : old
    quota.changed(tenantId, replaced === undefined ? 1 : 0, size - (replaced?.size ?? 0))
    options.audit('CLOSE', path, size, null)
  }

  async function commit(): Promise<void> {
    try {
      // Outside of the lock: a large file takes a while to reach the disk.
      await staged.sync()
      await state.exclusive(tenantId, publish)
    } catch (error) {
      await staged.abort()
      options.audit('PARTIAL_CLOSE', path, staged.size, 'not stored')
      throw error
    } finally {
      leave()
    }
    options.onCommit()
  }

  async function cut(reason: string): Promise<void> {
    const { size } = staged
    try {
      // Nothing new came: what it was to go on from is where it was.
      if (size === 0 || !written) await staged.abort()
      else {
        await state.exclusive(tenantId, () => staged.keep(incomplete))
        quota.changed(tenantId, options.continues === undefined ? 1 : 0, size)
      }
    } catch (error) {
      await staged.abort()
      throw error
    } finally {
      options.audit('PARTIAL_CLOSE', path, size, reason)
      leave()
    }
  }

  return {
    path,
    get size() {
      return staged.size
    },
    async write(position, bytes) {
      alive()
      if (position + bytes.length > limits.fileBytes) {
        throw new AppError(
          'too_large',
          `Cannot store "${path}": it is larger than ${limits.fileBytes} bytes, split it`,
        )
      }
      await claim.grow(position + bytes.length)
      if (hashed === position) {
        digest.update(bytes)
        hashed += bytes.length
      } else if (bytes.length > 0) hashed = undefined
      written = true
      await staged.write(position, bytes)
    },
    async read(position, length) {
      alive()
      if (staged.read !== undefined) return staged.read(position, length)
      throw new AppError(
        'unsupported',
        `Cannot read "${path}": it is being stored, it can be read when it is closed`,
      )
    },
    async truncate(size) {
      alive()
      if (size > limits.fileBytes) {
        throw new AppError('too_large', `Cannot store "${path}": ${size} bytes are too many`)
      }
      await claim.grow(size)
      if (size !== staged.size) hashed = undefined
      await staged.truncate(size)
    },
    async sync() {
      alive()
      await staged.sync()
    },
    commit() {
      alive()
      ended = commit()
      return ended
    },
    cut(reason) {
      // A commit that has begun goes through: its bytes were all there.
      ended ??= cut(reason)
      return ended.catch(() => undefined)
    },
  }
}
