import { withoutNul } from '../domain/nul.ts'
import { deliveryStates, webhookEvents } from '../domain/webhook.ts'
import type { Webhook, WebhookDelivery } from '../domain/webhook.ts'
import { protocols, sessionKinds, tokenScopes } from '../domain/account.ts'
import type { Account, Session, Token } from '../domain/account.ts'
import { runSources, runStates } from '../domain/run.ts'
import type { Run, RunState } from '../domain/run.ts'
import { auditEvents, mailKinds } from '../domain/state.ts'
import type {
  AuditEntry,
  DayFigures,
  Drop,
  IdempotencyRecord,
  OutboxMail,
} from '../domain/state.ts'
import { defaultSettings } from '../domain/tenant.ts'
import type { Tenant, TenantSettings } from '../domain/tenant.ts'
import { json, number, optionalNumber, optionalText, text, word } from './row.ts'
import type { Row } from './row.ts'

/** A tenant, from its row. */
export function tenantOf(row: Row): Tenant {
  return {
    id: text(row, 'id'),
    name: text(row, 'name'),
    // Settings that came with a later version have their defaults.
    settings: { ...defaultSettings, ...json<Partial<TenantSettings>>(row, 'settings') },
    settingsVersion: number(row, 'settings_version'),
    userTypes: json(row, 'user_types'),
    loginSources: json(row, 'login_sources'),
    createdAt: number(row, 'created_at'),
  }
}

/** A login, from its row. */
export function accountOf(row: Row): Account {
  return {
    id: text(row, 'id'),
    tenantId: text(row, 'tenant_id'),
    name: text(row, 'name'),
    passwordHash: optionalText(row, 'password_hash'),
    keys: json(row, 'keys'),
    protocols: protocols.filter((name) => json<string[]>(row, 'protocols').includes(name)),
    allowedNetworks: json(row, 'allowed_networks'),
    expiresAt: optionalNumber(row, 'expires_at'),
    disabled: number(row, 'disabled') === 1,
    createdAt: number(row, 'created_at'),
    lastLoginAt: optionalNumber(row, 'last_login_at'),
  }
}

/** A bearer token, from its row. */
export function tokenOf(row: Row): Token {
  return {
    id: text(row, 'id'),
    tenantId: optionalText(row, 'tenant_id'),
    scope: word(row, 'scope', tokenScopes),
    name: text(row, 'name'),
    hash: text(row, 'hash'),
    createdAt: number(row, 'created_at'),
    expiresAt: optionalNumber(row, 'expires_at'),
    lastUsedAt: optionalNumber(row, 'last_used_at'),
    revokedAt: optionalNumber(row, 'revoked_at'),
  }
}

/** A session or a one-time link, from its row. */
export function sessionOf(row: Row): Session {
  return {
    hash: text(row, 'hash'),
    kind: word(row, 'kind', sessionKinds),
    scope: word(row, 'scope', tokenScopes),
    tenantId: optionalText(row, 'tenant_id'),
    tokenHash: optionalText(row, 'token_hash'),
    name: text(row, 'name'),
    createdAt: number(row, 'created_at'),
    expiresAt: number(row, 'expires_at'),
  }
}

/** A drop, from its row. */
export function dropOf(row: Row): Drop {
  return {
    id: text(row, 'id'),
    tenantId: text(row, 'tenant_id'),
    path: text(row, 'path'),
    folder: text(row, 'folder'),
    filename: text(row, 'filename'),
    sizeBytes: number(row, 'size_bytes'),
    sha256: optionalText(row, 'sha256'),
    source: word(row, 'source', runSources),
    actor: optionalText(row, 'actor'),
    committedAt: number(row, 'committed_at'),
    readyAt: number(row, 'ready_at'),
  }
}

/** A run, from its row. */
export function runOf(row: Row): Run {
  return { ...json<Run>(row, 'body'), version: number(row, 'version') }
}

/** A mail of the outbox, from its row. */
export function mailOf(row: Row): OutboxMail {
  return {
    id: text(row, 'id'),
    tenantId: text(row, 'tenant_id'),
    runId: optionalText(row, 'run_id'),
    kind: word(row, 'kind', mailKinds),
    messageId: text(row, 'message_id'),
    state: word(row, 'state', ['queued', 'sent', 'undelivered']),
    attempts: number(row, 'attempts'),
    nextAttemptAt: number(row, 'next_attempt_at'),
    createdAt: number(row, 'created_at'),
    sentAt: optionalNumber(row, 'sent_at'),
    lastAnswer: optionalText(row, 'last_answer'),
    path: optionalText(row, 'path'),
    subject: optionalText(row, 'subject'),
  }
}

/** A use of an idempotency key, from its row. */
export function idempotencyOf(row: Row): IdempotencyRecord {
  return {
    tenantId: text(row, 'tenant_id'),
    key: text(row, 'key'),
    fingerprint: text(row, 'fingerprint'),
    runId: text(row, 'run_id'),
    createdAt: number(row, 'created_at'),
  }
}

/** An audit entry as it is stored: what a peer says of itself may hold a NUL. */
export function storedAudit(entry: AuditEntry): AuditEntry {
  const stored = (text: string | null): string | null => (text === null ? null : withoutNul(text))
  return {
    ...entry,
    actor: stored(entry.actor),
    address: stored(entry.address),
    clientVersion: stored(entry.clientVersion),
    path: stored(entry.path),
    detail: stored(entry.detail),
  }
}

/** An audit entry with its place in the order of all, from its row. */
export function auditOf(row: Row): AuditEntry & { seq: number } {
  return {
    seq: number(row, 'seq'),
    at: number(row, 'at'),
    tenantId: optionalText(row, 'tenant_id'),
    event: word(row, 'event', auditEvents),
    actor: optionalText(row, 'actor'),
    address: optionalText(row, 'address'),
    protocol: optionalText(row, 'protocol'),
    clientVersion: optionalText(row, 'client_version'),
    path: optionalText(row, 'path'),
    bytes: optionalNumber(row, 'bytes'),
    detail: optionalText(row, 'detail'),
  }
}

/** The figures of one day, from its row. */
export function dayOf(row: Row): DayFigures {
  return {
    day: text(row, 'day'),
    runs: number(row, 'runs'),
    rows: number(row, 'row_count'),
    failed: number(row, 'failed'),
  }
}

/** A webhook from its row. */
export function webhookOf(row: Row): Webhook {
  const events = json<string[]>(row, 'events')
  return {
    id: text(row, 'id'),
    tenantId: text(row, 'tenant_id'),
    url: text(row, 'url'),
    events: webhookEvents.filter((event) => events.includes(event)),
    secret: text(row, 'secret'),
    disabled: number(row, 'disabled') === 1,
    createdAt: number(row, 'created_at'),
  }
}

/** A delivery of a webhook from its row. */
export function deliveryOf(row: Row): WebhookDelivery {
  return {
    id: text(row, 'id'),
    webhookId: text(row, 'webhook_id'),
    tenantId: text(row, 'tenant_id'),
    event: word(row, 'event', webhookEvents),
    subject: text(row, 'subject'),
    body: text(row, 'body'),
    state: word(row, 'state', deliveryStates),
    attempts: number(row, 'attempts'),
    nextAttemptAt: number(row, 'next_attempt_at'),
    createdAt: number(row, 'created_at'),
    deliveredAt: optionalNumber(row, 'delivered_at'),
    status: optionalNumber(row, 'status'),
    answer: optionalText(row, 'answer'),
  }
}

/** Rows of `state` and `count` as one record. */
export function countsOf(rows: readonly Row[]): Partial<Record<RunState, number>> {
  return Object.fromEntries(
    rows.map((row) => [word(row, 'state', runStates), number(row, 'count')]),
  )
}
