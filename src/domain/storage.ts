/**
 * What the service needs of a place that keeps files; `storage/` fills it.
 *
 * A path is `/`-separated segments; a segment holds any character but `/` and NUL, and comes back from
 * `list` exactly as it was given (`a:b.csv`, `q?v=1.csv`, `cost$`, NFD names are all different files).
 * Folders exist by having files in them. Segments are checked by the callers, `.` and `..` are refused here.
 * Every method throws AppError `unavailable` when the place does not answer, `out_of_space` when it is full.
 */
export interface FileStore {
  /** True when several processes may use it at once. */
  readonly shared: boolean
  stat(path: string): Promise<StoredFile | undefined>
  /** Files directly in `folder`, sorted by path; an unknown folder has none. `limit`: any so many are enough. */
  list(folder: string, options?: { limit?: number }): Promise<StoredFile[]>
  /** Opens for random reading; throws AppError `not_found`. What was opened stays readable after a move or remove. */
  openRead(path: string): Promise<FileReader>
  /** Starts hidden bytes that become `target` only at commit. */
  openWrite(target: string, options?: WriteOptions): Promise<StagedFile>
  /**
   * Moves a file durably. Repeatable: when `from` is gone and `to` is there, it is done already.
   * Throws `not_found` when neither is there, `exists` when `overwrite` is false and both are.
   */
  move(from: string, to: string, options?: { overwrite?: boolean }): Promise<void>
  /** Removes a file durably; false when there was none. */
  remove(path: string): Promise<boolean>
  /** Sets the modification time; a store that cannot keep it says nothing. */
  touch(path: string, modifiedAt: number): Promise<void>
  /**
   * Staged files that a dead process left behind: each is published at the path that `keepAt` gives for its
   * target, or dropped when that gives none. Call it while no other process uses the store; a shared one tells
   * living and dead processes apart, and what has died a minute ago is found by the next call.
   */
  recover(keepAt: (target: string) => string | undefined): Promise<StoredFile[]>
  /** Free and total bytes, or undefined where that has no meaning. */
  space(): Promise<{ freeBytes: number; totalBytes: number } | undefined>
  close(): Promise<void>
}

export interface StoredFile {
  path: string
  /** Bytes. */
  size: number
  /** Milliseconds since 1970. */
  modifiedAt: number
}

export interface FileReader {
  readonly size: number
  /**
   * Up to `length` bytes from `position`; empty at the end. The array is the caller's: `room` or the start of it
   * where the store can read into one, so that a long file needs no new memory for each piece.
   */
  read(position: number, length: number, room?: Uint8Array): Promise<Uint8Array>
  close(): Promise<void>
}

export interface WriteOptions {
  /** Take the bytes of this file over first; it is gone once the staged file is committed or kept. */
  from?: string
}

export interface CommitOptions {
  overwrite?: boolean
  /** What has to be durable with it: begun when the file is visible, beside the sync of its folder, and waited for. */
  beside?: () => Promise<void>
}

/** Bytes on their way in. After commit, keep or abort no other call is allowed. */
export interface StagedFile {
  readonly size: number
  /**
   * Writes at `position`; resolves when the bytes are on their way to the disk or the bucket, so
   * awaiting it bounds the memory. The store does not keep `bytes` after it resolved.
   */
  write(position: number, bytes: Uint8Array): Promise<void>
  /** What was written, fewer bytes at the end; there is none where it cannot be had before the end, as in a bucket. */
  readonly read?: (position: number, length: number) => Promise<Uint8Array>
  truncate(size: number): Promise<void>
  /** fsync of what was written so far. */
  sync(): Promise<void>
  /** fsync, then visible as the target, then fsync of the folder. Throws `exists` when `overwrite` is false. */
  commit(options?: CommitOptions): Promise<StoredFile>
  /** The same at another path: a cut upload kept for resuming. */
  keep(path: string): Promise<StoredFile>
  /** Drops the bytes. Never throws for a file that is gone. */
  abort(): Promise<void>
}
