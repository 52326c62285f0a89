import type { DropEntry } from '../domain/drop.ts'
import { AppError } from '../domain/error.ts'
import { clientFolders, dropPath, dropRoot, serviceFolders } from '../domain/layout.ts'
import type { StateStore } from '../domain/state.ts'
import type { FileStore, StoredFile } from '../domain/storage.ts'
import { placeOf } from './names.ts'

/** A store has no empty folders: this hidden file stands for one that a client has made. */
export const folderMarker = '.folder'

interface Content {
  /** Undefined when there is no such folder. */
  entry: DropEntry | undefined
  names: { name: string; file: StoredFile }[]
}

/** The drop folder itself and the few folders in it. */
export function createFolders(options: {
  state: Pick<StateStore, 'tenants'>
  files: FileStore
  tenantId: string
}) {
  const { state, files, tenantId } = options
  const isService = (folder: string): boolean => serviceFolders.some((name) => name === folder)

  async function content(folder: string): Promise<Content> {
    const path = folder === '' ? dropRoot(tenantId) : dropPath(tenantId, '', folder)
    const found = await files.list(path)
    const names = found
      .map((file) => ({ name: file.path.slice(path.length + 1), file }))
      .filter(({ name }) => name !== folderMarker)
    if (folder !== '' && found.length === 0) return { entry: undefined, names: [] }
    const modifiedAt = Math.max(0, ...found.map((file) => file.modifiedAt))
    const entry: DropEntry = {
      name: folder === '' ? '/' : folder,
      kind: 'folder',
      size: 0,
      modifiedAt,
      writable: !isService(folder),
    }
    return { entry, names }
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
    async entry(folder: string): Promise<DropEntry | undefined> {
      return (await content(folder)).entry
    },
    /** The folders in the drop folder that there are. */
    async below(): Promise<DropEntry[]> {
      const entries: DropEntry[] = []
      for (const folder of [...serviceFolders, ...clientFolders]) {
        const { entry } = await content(folder)
        if (entry !== undefined) entries.push(entry)
      }
      return entries
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
      if ((await content(folder)).entry !== undefined) {
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
      const { entry, names } = await content(folder)
      if (entry === undefined) {
        throw new AppError('not_found', `Cannot remove the folder "${path}": there is none`)
      }
      if (names.length > 0) {
        throw new AppError('conflict', `Cannot remove the folder "${path}": it is not empty`)
      }
      await files.remove(dropPath(tenantId, folder, folderMarker))
    },
  }
}
