import type { Clock } from '../src/domain/clock.ts'
import type { StateStore } from '../src/domain/state.ts'
import { accountOperations } from './account-operations.ts'
import type { AccountOperations } from './account-operations.ts'
import { tenantOperations } from './tenant-operations.ts'
import type { TenantOperations } from './tenant-operations.ts'
import { tokenOperations } from './token-operations.ts'
import type { TokenOperations } from './token-operations.ts'
import { webhookOperations } from './webhook-operations.ts'
import type { WebhookOperations } from './webhook-operations.ts'

/** Everything that changes clients, logins and tokens: the API and the console do it by the same functions. */
export interface Operations {
  readonly tenants: TenantOperations
  readonly accounts: AccountOperations
  readonly tokens: TokenOperations
  readonly webhooks: WebhookOperations
}

/** The operations on `state`. */
export function createOperations({
  state,
  clock,
  hashPassword,
  onWebhook = () => undefined,
}: {
  state: Pick<StateStore, 'tenants' | 'accounts' | 'tokens' | 'webhooks' | 'audit'>
  clock: Clock
  hashPassword: (password: string) => Promise<string>
  /** Deliveries to webhooks may be due. */
  onWebhook?: () => void
}): Operations {
  return {
    tenants: tenantOperations({ ...state, clock }),
    accounts: accountOperations({ ...state, clock, hashPassword }),
    tokens: tokenOperations({ ...state, clock }),
    webhooks: webhookOperations({ ...state, clock, onWebhook }),
  }
}
