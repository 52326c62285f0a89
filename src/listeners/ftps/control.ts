import type { Admission, DropSession } from '../../domain/drop.ts'
import type { Log } from '../../domain/log.ts'
import type { DataPort } from './data-port.ts'
import type { FtpsLimits } from './limits.ts'
import type { FactName } from './listing.ts'
import type { Security } from './secure.ts'

/** How data connections come about. */
export interface DataPorts {
  /** A port that waits for the peer (PASV, EPSV). Throws AppError `unavailable` when none is free. */
  openPassive(peerAddress: string): Promise<DataPort>
  /** IPv4 address in PASV replies; null: the one that the peer came to. */
  readonly announced: string | null
  /** Whether PORT and EPRT are answered. */
  readonly active: boolean
}

/** A transfer under way. */
export interface Transfer {
  readonly description: string
  readonly aborted: boolean
  /** What cuts it, replaced as the transfer goes on. */
  cut: () => void
  abort(): void
}

/** What the commands see and change of their control connection. */
export interface Control {
  readonly admission: Admission
  readonly security: Security
  readonly dataPorts: DataPorts
  readonly limits: FtpsLimits
  readonly log: Log
  readonly peerAddress: string
  /** Address of this end, which passive ports are announced at. */
  readonly localAddress: string
  readonly secured: boolean
  session: DropSession | undefined
  userName: string | undefined
  cwd: string
  /** `P` once PROT has said so, and from the start where TLS began with the first byte. */
  protection: 'C' | 'P'
  protectionBufferSet: boolean
  restartAt: number
  renameFrom: string | undefined
  /** Facts of MLSD and MLST, as OPTS MLST has chosen them. */
  facts: readonly FactName[]
  /** EPSV ALL was sent: no other way to a data connection any more (RFC 2428 section 4). */
  extendedOnly: boolean
  data: DataPort | undefined
  transfer: Transfer | undefined
  /** The command that is being run, to its last reply; ABOR and STAT in mid-transfer are not it. */
  readonly running: Promise<void>
  /** Why the account may not be used any more; undefined while it may. */
  readonly barred: string | undefined
  /** False as soon as the peer has closed, or lost, this connection. */
  readonly open: boolean
  /** More has come than is read before the command under way ends: whether the peer is still there cannot be told. */
  readonly overrun: boolean
  reply(code: number, ...lines: string[]): Promise<void>
  /** AUTH TLS: nothing that was sent before the handshake counts behind it. */
  upgrade(code: number, line: string): Promise<void>
  /** Replies and closes; what was sent behind is not run. */
  dismiss(code: number, line: string): void
}

/** Runs `work` as the transfer that ABOR and STAT speak of, then gives the reply that it resolves to: by then it is over. */
export async function transferring(
  control: Control,
  description: string,
  work: (transfer: Transfer) => Promise<readonly [code: number, line: string]>,
): Promise<void> {
  let aborted = false
  const transfer: Transfer = {
    description,
    cut: () => undefined,
    get aborted() {
      return aborted
    },
    abort() {
      aborted = true
      transfer.cut()
    },
  }
  control.transfer = transfer
  let last: readonly [number, string]
  try {
    last = await work(transfer)
  } finally {
    control.transfer = undefined
  }
  await control.reply(...last)
}
