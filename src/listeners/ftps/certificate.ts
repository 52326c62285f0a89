/** A certificate with its key, PEM. */
export interface Certificate {
  cert: string
  key: string
}
