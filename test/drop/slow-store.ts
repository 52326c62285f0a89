import { setTimeout as pause } from 'node:timers/promises'
import type { FileStore } from '../../src/domain/storage.ts'

/** The same store on a disk that takes `bytesPerSecond` from all writers together. */
export function slowStore(files: FileStore, bytesPerSecond: number): FileStore {
  /** When the disk has done what it was given. */
  let free = 0
  return {
    ...files,
    async openWrite(target, options) {
      const staged = await files.openWrite(target, options)
      return {
        get size() {
          return staged.size
        },
        ...(staged.read === undefined ? {} : { read: staged.read }),
        truncate: (size) => staged.truncate(size),
        sync: () => staged.sync(),
        abort: () => staged.abort(),
        commit: (how) => staged.commit(how),
        keep: (path) => staged.keep(path),
        async write(position, bytes) {
          free = Math.max(free, performance.now()) + (bytes.length / bytesPerSecond) * 1_000
          await pause(free - performance.now())
          await staged.write(position, bytes)
        },
      }
    },
  }
}
