import type { Clock } from '../src/domain/clock.ts'
import type { AuditEntry, AuditStore } from '../src/domain/state.ts'
import type { Caller } from './auth.ts'

/** A function that keeps in the audit what a caller has changed; no value of a person goes into `detail`. */
export function audited({ audit, clock }: { audit: Pick<AuditStore, 'append'>; clock: Clock }) {
  return (
    caller: Caller,
    what: Pick<AuditEntry, 'event' | 'tenantId' | 'path' | 'detail'>,
  ): void => {
    audit.append({
      ...what,
      at: clock.now(),
      actor: caller.name,
      address: caller.address,
      protocol: 'http',
      clientVersion: null,
      bytes: null,
    })
  }
}
