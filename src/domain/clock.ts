/** Where time and randomness come from, so that the ground floor stays pure. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number
  /** `length` bytes from a cryptographic source. */
  random(length: number): Uint8Array
}

/** `yyyymmddThhmmssZ`, the time stamp in names of archived files and reports. */
export function compactTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/[-:]|\.\d+/g, '')
}
