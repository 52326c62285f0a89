/** Structured log: a message that never changes, and what varies as fields. No secret and no personal value. */
export interface Log {
  /** False when `debug` does nothing, so that nobody gathers fields for it. Default: true. */
  readonly debugs?: boolean
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
}
