import { makeLink } from '../routes/console/session.ts'
import { systemClock } from './clock.ts'
import type { Config } from './config.ts'
import type { StateStore } from './domain/state.ts'
import type { Tenant } from './domain/tenant.ts'

/** A one-time link into the console: for an agent, or for the staff of `tenant`. */
export async function consoleLink(options: {
  state: Pick<StateStore, 'sessions'>
  config: Pick<Config, 'publicUrl' | 'httpHost' | 'httpPort'>
  name: string
  tenant?: Pick<Tenant, 'id'>
}): Promise<string> {
  const { state, config, name, tenant } = options
  const path = await makeLink(
    { sessions: state.sessions, clock: systemClock },
    { scope: tenant === undefined ? 'operator' : 'tenant', tenantId: tenant?.id ?? null, name },
  )
  return `${baseOf(config)}${path}`
}

function baseOf({
  publicUrl,
  httpHost,
  httpPort,
}: Pick<Config, 'publicUrl' | 'httpHost' | 'httpPort'>): string {
  if (publicUrl !== null) return publicUrl.replace(/\/+$/, '')
  // An address that stands for all of them is none that a browser can open.
  const host = ['0.0.0.0', '::', ''].includes(httpHost) ? 'localhost' : httpHost
  return `http://${host.includes(':') ? `[${host}]` : host}:${httpPort}`
}
