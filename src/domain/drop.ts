import type { Protocol } from './account.ts'
import type { RunSource } from './run.ts'

/** The program at the other end of a socket. */
export interface Peer {
  /** Numeric IPv4 or IPv6 address, without zone. */
  address: string
  port: number
  protocol: Protocol
  /** What it says it is, for the audit; at most 100 characters. */
  clientVersion: string | null
}

/** Lets peers in or keeps them out, the same for every protocol; `src/drop/` fills it. */
export interface Doorkeeper {
  /** A peer has connected. Throws AppError `too_many` when it must be refused (early drop, penalty, per-address limit). */
  admit(peer: Peer): Admission
}

/** One admitted connection. */
export interface Admission {
  readonly peer: Peer
  /** Milliseconds after `admit` by which a login must have succeeded. */
  readonly loginDeadlineMs: number
  /** What the peer said it is, once it has said so. */
  identify(clientVersion: string): void
  /**
   * Throws AppError `unauthenticated` after the delay that refusals take, or `too_many` when the
   * connection must be closed: the third wrong password, or a penalty.
   */
  loginWithPassword(name: string, password: string): Promise<DropSession>
  /** Whether a signature by this key would let `name` in; costs no penalty. `blob`: base64. */
  acceptsKey(name: string, algorithm: string, blob: string): Promise<boolean>
  /** After the listener has verified the signature. Throws as loginWithPassword. */
  loginWithKey(name: string, algorithm: string, blob: string): Promise<DropSession>
  /** Calls `listener` when the account that is logged in may not be any more: the connection has to be closed. */
  onBarred(listener: (reason: string) => void): void
  /** The connection is gone. Idempotent; sessions are ended by their listener. */
  close(): void
}

export interface DropEntry {
  /** Name in its folder; `/` for the drop folder itself. */
  name: string
  kind: 'file' | 'folder'
  size: number
  modifiedAt: number
  /** False for `bak/`, `failed/` and what is in them. */
  writable: boolean
}

export interface OpenWriteOptions {
  /**
   * `replace`: from nothing. `append`: after the bytes of the file of that name, or of its cut upload.
   * `resume`: keep the bytes of its cut upload (else of the file) before `offset`, which must not lie
   * beyond them. `create`: as `replace`, but `exists` when there is a file of that name.
   */
  disposition: 'replace' | 'append' | 'resume' | 'create'
  /** For `resume`, in bytes. */
  offset?: number
}

/**
 * What a logged-in client may do in its drop folder, whatever protocol carries it (spec/transfer.md).
 *
 * Paths are absolute in the drop folder and already resolved by `resolve`. All methods throw AppError:
 * `not_found`, `exists`, `forbidden` (read-only, no such folder allowed), `invalid` (name),
 * `too_large` (file limit), `out_of_space` (disk or quota), `too_many` (files or handles), `unavailable`.
 */
export interface DropSession {
  readonly id: string
  readonly tenantId: string
  readonly accountName: string
  readonly source: RunSource
  /** Absolute path of `path` seen from `cwd`; `..` stops at `/`. Throws `invalid` for a bad name. */
  resolve(cwd: string, path: string): string
  stat(path: string): Promise<DropEntry>
  list(path: string): Promise<DropEntry[]>
  openRead(path: string): Promise<DropReader>
  openWrite(path: string, options: OpenWriteOptions): Promise<DropUpload>
  rename(from: string, to: string, options: { overwrite: boolean }): Promise<void>
  remove(path: string): Promise<void>
  makeFolder(path: string): Promise<void>
  removeFolder(path: string): Promise<void>
  touch(path: string, modifiedAt: number): Promise<void>
  /** Bytes, for statvfs and AVBL: what is left of disk and quota. */
  space(): Promise<{ freeBytes: number; totalBytes: number }>
  /** The session is over: every upload still open is cut, for `reason`. Idempotent. */
  end(reason: string): Promise<void>
}

export interface DropReader {
  readonly size: number
  readonly modifiedAt: number
  read(position: number, length: number): Promise<Uint8Array>
  close(): Promise<void>
}

/** One file on its way in; invisible to everyone else until commit. */
export interface DropUpload {
  readonly path: string
  /** Bytes so far. */
  readonly size: number
  /** Resolves when the bytes are on their way to the disk: await it to bound memory. */
  write(position: number, bytes: Uint8Array): Promise<void>
  /** What was written, fewer bytes at the end. Throws AppError `unsupported` where the store cannot tell before the end. */
  read(position: number, length: number): Promise<Uint8Array>
  truncate(size: number): Promise<void>
  sync(): Promise<void>
  /** fsync, publish, fsync of the folder, database row; only then may the peer be told. */
  commit(): Promise<void>
  /** Ended otherwise: kept as `<name>.incomplete`, or dropped when it has no bytes. Idempotent. */
  cut(reason: string): Promise<void>
}

/** What one upload takes of its client's share while it is under way. */
export interface Claim {
  /** The upload has `size` bytes now. Throws AppError `out_of_space`: nothing of it is to be written. */
  grow(size: number): Promise<void>
  /** It has ended; what has become a file is counted as such by then. Idempotent. */
  release(): void
}
