import type { Clock } from '../domain/clock.ts'
import type { DropEntry } from '../domain/drop.ts'
import { AppError } from '../domain/error.ts'
import { clientFolders, dropPath, dropRoot, serviceFolders } from '../domain/layout.ts'
import type { StateStore } from '../domain/state.ts'
import type { FileStore, StoredFile } from '../domain/storage.ts'
import { placeOf } from './names.ts'

/** A store has no empty folders: this hidden file stands for one that a client has made. */
export const folderMarker = '.folder'

/** The drop folder itself and the few folders in it. */
export function createFolders(options: {
  state: Pick<StateStore, 'tenants'>
  files: FileStore
  clock: Clock
  tenantId: string
}) {
  const { state, files, clock, tenantId } = options
  const isService = (folder: string): boolean => serviceFolders.some((name) => name === folder)

  const pathOf = (folder: string): string =>
    folder === '' ? dropRoot(tenantId) : dropPath(tenantId, '', folder)

  /** Asked with each upload: it must not cost a listing of 10,000 names. */
  async function exists(folder: string): Promise<boolean> {
    if (folder === '') return true
    if ((await files.stat(dropPath(tenantId, folder, folderMarker))) !== undefined) return true
    return (await files.list(pathOf(folder), { limit: 1 })).length > 0
  }

  /** The files in a folder that there is. */
  async function content(folder: string): Promise<{ name: string; file: StoredFile }[]> {
    const path = pathOf(folder)
    return (await files.list(path))
      .map((file) => ({ name: file.path.slice(path.length + 1), file }))
      .filter(({ name }) => name !== folderMarker)
  }

  function entryOf(folder: string): DropEntry {
    return {
      name: folder === '' ? '/' : folder,
      kind: 'folder',
      size: 0,
      // A store does not know it; a client that compares looks again then.
      modifiedAt: clock.now(),
      writable: !isService(folder),
    }
  }

  /** The folder that `path` names, one that a client may make. */
  async function clientFolder(verb: string, path: string): Promise<string> {
    const known = path.split('/').filter((segment) => segment !== '')
    const folder = clientFolders.find((name) => known.length === 1 && known[0] === name)
    if (folder === undefined) {
      throw new AppError(
        'forbidden',
        `Cannot ${verb} the folder "${path}": only test/ (trial runs) and full/ (whole lists) may be made here`,
      )
    }
    return folder
  }

  return {
    content,
    exists,
    async entry(folder: string): Promise<DropEntry | undefined> {
      return (await exists(folder)) ? entryOf(folder) : undefined
    },
    /** The folders in the drop folder that there are. */
    async below(): Promise<DropEntry[]> {
      const all = [...serviceFolders, ...clientFolders]
      const there = await Promise.all(all.map(exists))
      return all.filter((_, index) => there[index]).map(entryOf)
    },
    async make(path: string): Promise<void> {
      const folder = await clientFolder('make', path)
      const tenant = await state.tenants.get(tenantId)
      if (folder === 'full' && tenant?.settings.fullFolder !== true) {
        throw new AppError(
          'forbidden',
          'Cannot make the folder "/full": whole lists are not switched on for this client, ask the operator',
        )
      }
      if (await exists(folder)) {
        throw new AppError('exists', `Cannot make the folder "${path}": it is there already`)
      }
      const marker = await files.openWrite(dropPath(tenantId, folder, folderMarker))
      await marker.commit()
    },
    async remove(path: string): Promise<void> {
      if (!placeOf(path).writable) {
        throw new AppError('forbidden', `Cannot remove the folder "${path}": it is read-only`)
      }
      const folder = await clientFolder('remove', path)
      if (!(await exists(folder))) {
        throw new AppError('not_found', `Cannot remove the folder "${path}": there is none`)
      }
      if ((await content(folder)).length > 0) {
        throw new AppError('conflict', `Cannot remove the folder "${path}": it is not empty`)
      }
      await files.remove(dropPath(tenantId, folder, folderMarker))
    },
  }
}
