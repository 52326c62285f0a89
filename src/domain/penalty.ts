/** A penalty that an address has for failed logins. */
export interface Penalty {
  /** An IPv4 address, or the /64 of an IPv6 address. */
  source: string
  /** When it is over, in milliseconds since 1970. */
  until: number
  /** False while it is too short to keep anybody out. */
  enforced: boolean
}

/** The penalties that are in force, for the console and the API; `src/drop/` fills it. */
export interface PenaltyBook {
  /** Longest first. */
  list(): Penalty[]
  /** Lifts the penalty of an address or of a listed source; false when it had none. */
  lift(addressOrSource: string): boolean
}
