import { html } from 'hono/html'
import { isAppError } from '../../src/domain/error.ts'
import type { AuditStore } from '../../src/domain/state.ts'
import type { Clock } from '../../src/domain/clock.ts'
import type { Attempts } from '../attempts.ts'
import type { Caller } from '../auth.ts'
import { readForm } from './form.ts'
import { icon } from './icon.ts'
import { done, page } from './page.ts'
import type { ConsolePage, Content } from './page.ts'
import type { createSessions } from './session.ts'

/** Sign-in by token or one-time link, and sign-out. */
export function signIn(options: {
  sessions: ReturnType<typeof createSessions>
  audit: Pick<AuditStore, 'append'>
  clock: Clock
  attempts: Attempts
}): ConsolePage[] {
  const { sessions, audit, clock, attempts } = options
  const record = (caller: Caller, detail: string) =>
    audit.append({
      at: clock.now(),
      tenantId: caller.tenantId,
      event: 'CONNECTED',
      actor: caller.name,
      address: caller.address,
      protocol: 'console',
      clientVersion: null,
      path: null,
      bytes: null,
      detail,
    })

  return [
    page('GET /', ({ context, caller }) =>
      context.redirect(caller.scope === 'anyone' ? '/console/sign-in' : '/console/imports', 303),
    ),

    page('GET /console/sign-in', ({ query }) => form({ next: query('next') })),

    page('POST /console/sign-in', async (visit) => {
      const given = await readForm(visit.context)
      const next = nextPath(given.get('next') ?? '')
      try {
        const caller = await sessions.signIn(visit.context, (given.get('token') ?? '').trim())
        record(caller, 'token')
        return done(visit, next)
      } catch (error) {
        if (!isAppError(error, 'unauthenticated')) throw error
        attempts.failed({ address: visit.caller.address, protocol: 'console', what: 'token' })
        return { ...form({ next, fault: error.message }), status: 401 }
      }
    }),

    // A link is used up by the button, not by the visit: programs that look at links leave it alone.
    page('GET /console/link/:secret', () => ({
      title: 'Sign in',
      body: html`<div class="card narrow">
        <h1>Sign in to Rosterdrop</h1>
        <p class="muted">This link works once. You stay signed in for 12 hours on this browser.</p>
        <form method="post"><button class="primary" type="submit">Sign in</button></form>
      </div>`,
    })),

    page('POST /console/link/:secret', async (visit) => {
      const caller = await sessions
        .useLink(visit.context, visit.param('secret'))
        .catch((error: unknown) => {
          const { address } = visit.caller
          attempts.failed({ address, protocol: 'console', what: 'one-time link' })
          throw error
        })
      record(caller, 'one-time link')
      return done(visit, '/')
    }),

    page('POST /console/sign-out', async (visit) => {
      await sessions.signOut(visit.context)
      return done(visit, '/console/sign-in', 'signedOut')
    }),
  ]
}

function form({ next, fault }: { next: string; fault?: string }): Content {
  return {
    title: 'Sign in',
    body: html`<div class="card narrow">
      <div class="head-text">
        <h1>Sign in</h1>
        <p>With a token of your organisation, or one of an agent.</p>
      </div>
      <form class="fields" method="post" action="/console/sign-in">
        <input type="hidden" name="next" value="${nextPath(next)}" />
        <div class="field">
          <label for="token">Token</label>
          <input
            id="token"
            name="token"
            type="password"
            autocomplete="current-password"
            spellcheck="false"
            required
            autofocus
            placeholder="rd_…"
            ${fault === undefined ? '' : html`aria-invalid="true" aria-describedby="token-fault"`}
          />
          ${fault === undefined ? '' : html`<p class="fault" id="token-fault" role="alert">${fault}.</p>`}
        </div>
        <button class="primary" type="submit">Sign in</button>
      </form>
      <p class="hint">
        ${icon('clock')} You stay signed in for 12 hours. No token? On the server,
        <code>rosterdrop console link</code> prints a link that signs you in once.
      </p>
    </div>`,
  }
}

/** A path of this console; anything else would lead away from it. */
function nextPath(next: string): string {
  return /^\/console\/[\w/?=&%.~:-]*$/.test(next) && !next.includes('//') ? next : '/'
}
