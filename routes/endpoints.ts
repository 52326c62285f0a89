import type { Clock } from '../src/domain/clock.ts'
import type { Importer } from '../src/domain/importer.ts'
import type { Metrics } from '../src/domain/metrics.ts'
import type { PenaltyBook } from '../src/domain/penalty.ts'
import type { StateStore } from '../src/domain/state.ts'
import type { FileStore } from '../src/domain/storage.ts'
import type { UserReader } from '../src/domain/user-reader.ts'
import { accounts } from './accounts.ts'
import { audit } from './audit.ts'
import type { Endpoint } from './endpoint.ts'
import { fileFormat } from './format.ts'
import { health } from './health.ts'
import type { HealthCheck } from './health.ts'
import { imports } from './imports.ts'
import { metrics } from './metrics.ts'
import type { Spent } from './multipart.ts'
import type { Operations } from './operations.ts'
import { penalties } from './penalties.ts'
import { reference } from './reference.ts'
import { runActions } from './run-actions.ts'
import { runFiles } from './run-files.ts'
import { run } from './run.ts'
import { settings } from './settings.ts'
import { tenants } from './tenants.ts'
import { tokens } from './tokens.ts'
import { users } from './users.ts'
import { webhooks } from './webhooks.ts'

export interface ApiOptions {
  state: StateStore
  importer: Importer
  files: FileStore
  clock: Clock
  metrics: Metrics
  penalties: PenaltyBook
  /** The directory of a tenant, for reading; undefined while it has none. */
  openUsers: (tenantId: string) => Promise<UserReader | undefined>
  /** What `GET /readyz` asks. */
  checks: readonly HealthCheck[]
  /** Bytes of a file by HTTP; default: 1 GiB, as for every door. */
  maxBytes?: number
  /** True once the service stops; default: never. */
  isStopping?: () => boolean
  /** Bodies' bytes that are stored, to be freed at once; default: they wait for the collector. */
  onSpent?: Spent
}

/** Every route of the interface for programs. */
export function apiEndpoints(options: ApiOptions, operations: Operations): Endpoint[] {
  const { state } = options
  const endpoints = [
    ...health(options),
    ...metrics(options),
    ...imports({ ...options, ...state, keys: state.idempotency }),
    ...run(state),
    ...runFiles({ ...options, ...state }),
    ...runActions({ ...options, ...state }),
    ...users({ ...options, tenants: operations.tenants }),
    ...fileFormat(),
    ...settings(operations),
    ...accounts(operations),
    ...tenants(operations, { store: state.tenants }),
    ...tokens(operations),
    ...webhooks(operations),
    ...audit({ entries: state.audit }),
    ...penalties({ ...options, audit: state.audit }),
  ]
  return [...endpoints, ...reference(endpoints)]
}
