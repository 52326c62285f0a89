/** One of those that import the same file: we, or a peer. */
export interface Side {
  readonly name: string
  /** A new, empty database. */
  reset(): Promise<void>
  /** Gets ready to import `file`; what it resolves to is the import, all of it durable in the end. */
  prepare(file: string): Promise<() => Promise<void>>
  /** How many users there are. */
  users(): Promise<number>
  close(): Promise<void>
}
