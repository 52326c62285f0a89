import type { Clock } from '../domain/clock.ts'
import { isAppError } from '../domain/error.ts'
import type { Importer } from '../domain/importer.ts'
import { baseName } from '../domain/layout.ts'
import type { Log } from '../domain/log.ts'
import type { MailTransport } from '../domain/outgoing.ts'
import type { MailState, Run } from '../domain/run.ts'
import type { OutboxMail, StateStore } from '../domain/state.ts'
import type { FileStore } from '../domain/storage.ts'
import { missingSettings } from '../domain/tenant.ts'
import type { Tenant } from '../domain/tenant.ts'
import { parseAddress } from '../domain/mail-address.ts'
import { compose } from './compose.ts'
import { hasJoined, heldBackUntil, joining, ownPath } from './joining.ts'
import { pauseAfter, settingsPause } from './retry.ts'

/** What the sender works with. */
export interface SenderOptions {
  state: Pick<StateStore, 'outbox' | 'runs' | 'tenants' | 'own'>
  files: FileStore
  /** The importer's: failed rows of a run, for the sample lines. */
  failures: Importer['failures']
  /** Closed by `stop`. */
  transport: MailTransport
  clock: Clock
  log: Log
  /** Seconds that `stop` waits for tries under way before it cuts them. Default 10. */
  stopSeconds?: number
}

// Enough to see the last failure mail of a client, and all that could join the next.
const recentMails = 1000
// After a fault of our own, such as a full disk.
const faultPauseMs = 60_000

// Another process has a mail of the same client in hand.
const takenPauseMs = 500

/** A mail changed to `changes`. */
type Changes = Partial<
  Pick<
    OutboxMail,
    'state' | 'attempts' | 'nextAttemptAt' | 'sentAt' | 'lastAnswer' | 'path' | 'subject'
  >
>

const weight: readonly MailState[] = ['undelivered', 'unconfigured', 'queued', 'sent']

/** What one try of one mail does; the sender says when. */
export function deliveries(options: SenderOptions & { stopping: () => boolean }) {
  const { state, files, failures, transport, clock, log, stopping } = options
  const { outbox, runs, tenants } = state

  async function change(mail: OutboxMail, changes: Changes): Promise<OutboxMail> {
    const changed = { ...mail, ...changes }
    await outbox.update(changed)
    return changed
  }

  /** A run shows the worst state that one of its mails is in. */
  async function tellRun(runId: string | null, unconfigured: boolean): Promise<void> {
    if (runId === null) return
    const run = await runs.get(runId)
    if (run === undefined) return
    const states = (await outbox.forRun(runId)).map((mail): MailState =>
      mail.state === 'queued' && unconfigured ? 'unconfigured' : mail.state,
    )
    const worst = weight.find((one) => states.includes(one))
    if (worst !== undefined && worst !== run.mail) await runs.update(runId, { mail: worst })
  }

  /** The mail as it is now, if it is still to be tried. */
  async function current(mail: OutboxMail): Promise<OutboxMail | undefined> {
    const fresh = await outbox.get(mail.id)
    return fresh?.state === 'queued' && fresh.nextAttemptAt <= clock.now() ? fresh : undefined
  }

  async function settle(mail: OutboxMail, changes: Changes): Promise<void> {
    const settled = await change(mail, changes)
    await tellRun(mail.runId, false)
    const fields = {
      mailId: mail.id,
      runId: mail.runId,
      kind: mail.kind,
      attempts: settled.attempts,
    }
    if (settled.state === 'sent') log.info('Mail sent', fields)
    else if (settled.state === 'undelivered') log.error('Mail undelivered', fields)
    else log.warn('Mail put off', { ...fields, nextAttemptAt: settled.nextAttemptAt })
  }

  async function waitForSettings(mail: OutboxMail, answer: string): Promise<void> {
    const now = clock.now()
    await change(mail, {
      nextAttemptAt: now + settingsPause(now - mail.createdAt),
      lastAnswer: answer,
    })
    await tellRun(mail.runId, true)
  }

  /** A mail told in another one's message shares its fate. */
  async function follow(mail: OutboxMail): Promise<void> {
    const leader = await outbox.get(baseName(mail.path ?? '').replace(/\.eml$/, ''))
    if (leader === undefined) {
      await change(mail, { path: null, subject: null })
    } else if (leader.state === 'queued') {
      await change(mail, { nextAttemptAt: Math.max(leader.nextAttemptAt, clock.now() + 1000) })
    } else {
      const { state, attempts, sentAt, lastAnswer, subject } = leader
      await settle(mail, { state, attempts, sentAt, lastAnswer, subject })
    }
  }

  async function runsOf(mails: readonly OutboxMail[]): Promise<Run[]> {
    const found: Run[] = []
    for (const { runId } of mails) {
      const run = runId === null ? undefined : await runs.get(runId)
      if (run !== undefined) found.push(run)
    }
    return found.sort((a, b) => a.createdAt - b.createdAt)
  }

  async function composeOnce(
    mail: OutboxMail,
    tenant: Tenant,
    members: readonly OutboxMail[],
  ): Promise<OutboxMail> {
    const path = ownPath(mail)
    // First the members, then the leader: after a kill in between, the leader finds them again by the path.
    for (const member of members) await change(member, { path })
    const subject = await compose({
      mail,
      tenant,
      runs: await runsOf([mail, ...members]),
      failures,
      files,
      path,
      date: clock.now(),
    })
    return await change(mail, { path, subject })
  }

  async function kept(path: string): Promise<Uint8Array | undefined> {
    try {
      const reader = await files.openRead(path)
      try {
        const raw = new Uint8Array(reader.size)
        for (let position = 0; position < raw.length;) {
          const chunk = await reader.read(position, raw.length - position)
          if (chunk.length === 0) return undefined
          raw.set(chunk, position)
          position += chunk.length
        }
        return raw
      } finally {
        await reader.close()
      }
    } catch (error) {
      if (isAppError(error, 'not_found')) return undefined
      throw error
    }
  }

  async function deliver(mail: OutboxMail, tenant: Tenant): Promise<void> {
    const recent = await outbox.list(tenant.id, recentMails)
    const heldBack = heldBackUntil(mail, recent)
    if (heldBack > clock.now()) {
      await change(mail, { nextAttemptAt: heldBack })
      await tellRun(mail.runId, false)
      return
    }
    const members = mail.attempts === 0 && mail.path === null ? joining(mail, recent) : []
    let ready = mail.path === null ? await composeOnce(mail, tenant, members) : mail
    const raw = await kept(ownPath(ready))
    if (raw === undefined) {
      // The kept message is gone: it is made again at the next look.
      await change(ready, { path: null, nextAttemptAt: clock.now() + 1000 })
      return
    }
    const { replyTo, failedImportEmail } = tenant.settings
    const { state: outcome, answer } = await transport.deliver({
      from: parseAddress(replyTo ?? '').address,
      to: failedImportEmail.map((text) => parseAddress(text).address),
      raw,
    })
    // A try that a stop has cut does not count.
    if (outcome === 'retry' && stopping()) return
    const now = clock.now()
    const attempts = ready.attempts + 1
    const pause = outcome === 'retry' ? pauseAfter(attempts) : undefined
    if (outcome === 'sent') {
      await settle(ready, { state: 'sent', attempts, sentAt: now, lastAnswer: answer })
    } else if (pause === undefined) {
      await settle(ready, { state: 'undelivered', attempts, lastAnswer: answer })
    } else {
      await settle(ready, { attempts, nextAttemptAt: now + pause, lastAnswer: answer })
    }
    const path = ownPath(ready)
    for (const member of await outbox.list(tenant.id, recentMails)) {
      if (member.state === 'queued' && member.path === path && member.id !== ready.id) {
        await follow(member)
      }
    }
  }

  async function tryMail(mail: OutboxMail): Promise<void> {
    const tenant = await tenants.get(mail.tenantId)
    if (tenant === undefined) {
      await settle(mail, { state: 'undelivered', lastAnswer: 'the client is there no longer' })
      return
    }
    const missing = missingSettings(tenant)
    if (missing.length > 0) {
      await waitForSettings(mail, `waits for the setting ${missing.join(' and ')}`)
      return
    }
    if (hasJoined(mail)) {
      await follow(mail)
      return
    }
    try {
      await deliver(mail, tenant)
    } catch (error) {
      if (!isAppError(error, 'invalid')) throw error
      await waitForSettings(mail, error.message)
    }
  }

  async function attemptOwned(mail: OutboxMail): Promise<void> {
    try {
      await tryMail(mail)
    } catch (error) {
      if (stopping()) return
      log.error('Mail cannot be prepared', { mailId: mail.id, error })
      const fresh = (await outbox.get(mail.id)) ?? mail
      await change(fresh, { nextAttemptAt: clock.now() + faultPauseMs })
    }
  }

  return {
    /** Tries `mail` if it is still due; afterwards it is settled or due later. Throws when the database fails. */
    async attempt(mail: OutboxMail): Promise<void> {
      // One at a time for a client, of all processes: a mail takes others along.
      const release = await state.own(`mails of ${mail.tenantId}`)
      if (release === undefined) {
        await new Promise((resolve) => setTimeout(resolve, takenPauseMs))
        return
      }
      try {
        const fresh = await current(mail)
        if (fresh !== undefined) await attemptOwned(fresh)
      } finally {
        await release()
      }
    },
    /** The mails of a tenant that wait for its settings are due now. */
    async bringForward(tenantId: string): Promise<void> {
      const now = clock.now()
      for (const mail of await outbox.list(tenantId, recentMails)) {
        const { state: mailState, attempts, nextAttemptAt, lastAnswer } = mail
        const waits =
          mailState === 'queued' && attempts === 0 && lastAnswer !== null && nextAttemptAt > now
        if (waits) await change(mail, { nextAttemptAt: now })
      }
    },
  }
}
