/** Bounds of the listener that a peer can reach; spec/promises.md, "Limits that ship switched on". */
export interface SftpLimits {
  /** Connections at once, logged in or not: each costs about 90 KiB. */
  maxConnections: number
  /** SFTP channels in one connection. */
  maxSessions: number
  /** Login requests in one connection, probes of keys among them: agents hold a dozen keys at most. */
  maxLoginRequests: number
  /** Without a request for so long, the connection is closed. */
  idleMs: number
  /** The same while an upload is open and waits for nothing but the peer: it is cut. */
  stallMs: number
  /** Between two keep-alives; after three without an answer the peer is gone. */
  keepAliveMs: number
  /** New keys after so many bytes in both directions (RFC 4253, section 9, says a gigabyte). */
  rekeyBytes: number
  /** For a polite end to get through, before the socket is destroyed. */
  lingerMs: number
}

export const defaultLimits: Readonly<SftpLimits> = {
  maxConnections: 1_500,
  maxSessions: 4,
  maxLoginRequests: 20,
  idleMs: 300_000,
  stallMs: 120_000,
  keepAliveMs: 15_000,
  rekeyBytes: 2 ** 30,
  lingerMs: 2_000,
}
