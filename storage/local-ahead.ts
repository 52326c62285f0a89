import { randomUUID } from 'node:crypto'
import { close, closeSync, constants, mkdirSync, open, rmSync } from 'node:fs'
import { join } from 'node:path'

/** An empty file that is there before anybody has asked for it. */
export interface FileAhead {
  /** Where it is; whoever has taken it gives it another name. */
  readonly path: string
  readonly descriptor: number
}

/** Files made ahead of the uploads that they are for. */
export interface FilesAhead {
  /** One that nobody else gets, and the making of another in its place; undefined when none is ready. */
  take(): FileAhead | undefined
  /** Removes those that nobody has taken. */
  close(): void
}

/** How every staged file is opened. */
export const stagedFlags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW

/** One upload after the other finds one ready; more at once wait no longer than they would without. */
const slotCount = 4

interface Slot {
  readonly folder: string
  made: boolean
  making: boolean
  file: FileAhead | undefined
}

/**
 * Makes files below `folder` while nobody waits for them: to make one takes a third of the time of a small upload
 * where the file system looks long for a free inode (docs/decisions/0079).
 *
 * Each has a folder of its own: the kernel locks a folder while it makes a file in it, and to take one out would wait.
 * A process that is killed leaves them behind empty, and `recover` removes them with their folder.
 */
export function filesAhead(folder: string): FilesAhead {
  const slots = Array.from({ length: slotCount }, (_, n): Slot => {
    return { folder: join(folder, `ahead-${n}`), made: false, making: false, file: undefined }
  })
  let closed = false

  function make(slot: Slot): void {
    if (slot.making) return
    const path = join(slot.folder, randomUUID())
    try {
      if (!slot.made) mkdirSync(slot.folder, { recursive: true, mode: 0o700 })
    } catch {
      return
    }
    slot.made = true
    slot.making = true
    open(path, stagedFlags, 0o600, (error, descriptor) => {
      slot.making = false
      // Whoever finds none ready opens one, and says what is wrong.
      if (error !== null) slot.made = false
      else if (closed) close(descriptor, () => undefined)
      else slot.file = { path, descriptor }
    })
  }

  return {
    take() {
      if (closed) return undefined
      const slot = slots.find(({ file }) => file !== undefined)
      const file = slot?.file
      if (slot === undefined) slots.forEach(make)
      else {
        slot.file = undefined
        make(slot)
      }
      return file
    },
    close() {
      closed = true
      for (const slot of slots) {
        if (slot.file !== undefined) closeSync(slot.file.descriptor)
        slot.file = undefined
        if (slot.made) rmSync(slot.folder, { recursive: true, force: true })
      }
    },
  }
}
