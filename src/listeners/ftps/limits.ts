/** What a peer can reach over FTP, each with its reason (spec/promises.md). */
export const ftpsLimits = {
  /** Bytes of a command line: the longest path in the longest command, twice. */
  lineBytes: 4_096,
  /** Commands that wait as such: a client pipelines a handful. */
  commands: 32,
  /** Bytes behind them before the socket is held: only what is read to its end tells that the peer has left. */
  waitingBytes: 64 * 1024,
  /** Milliseconds without a command. */
  idleMs: 300_000,
  /** Milliseconds without a byte on a data connection. */
  stallMs: 120_000,
  /** Milliseconds that a passive port waits for its connection. */
  passiveMs: 30_000,
  /** Milliseconds for a TLS handshake. */
  handshakeMs: 20_000,
  /** Milliseconds that the 150 waits for a handshake that the client has begun before it: it needs no 150 for that. */
  earlyMs: 2_000,
  /** Milliseconds that a peer has to take the last bytes before its socket goes. */
  lingerMs: 1_000,
  /** Plaintext bytes on their way to the disk before the socket is held. */
  inFlightBytes: 768 * 1024,
  /** Bytes of one write: a trip through the thread pool costs more than copying does. */
  batchBytes: 512 * 1024,
  /** Milliseconds between the end of the data and 226: a client that leaves early has left by then (facts.md). */
  settleMs: 5,
  /** Milliseconds that the TLS may take over what came before the end of its socket: Deno's works beside the program. */
  drainMs: 500,
  /** Bytes of the file that HASH and downloads read at once. */
  readBytes: 256 * 1024,
} as const

export type FtpsLimits = { readonly [K in keyof typeof ftpsLimits]: number }
