import { z } from 'zod'
import type { Clock } from '../src/domain/clock.ts'
import { isAppError } from '../src/domain/error.ts'
import { newId } from '../src/domain/id.ts'
import type { AuditStore, TenantStore } from '../src/domain/state.ts'
import { defaultSettings } from '../src/domain/tenant.ts'
import type { Tenant, UserType } from '../src/domain/tenant.ts'
import { audited } from './audit-trail.ts'
import { noTenant } from './auth.ts'
import type { Caller } from './auth.ts'
import { requireMatch } from './precondition.ts'
import { InvalidRequest } from './problem.ts'
import { areDistinct, nameOf, notDistinct, settingsPatch } from './settings-schema.ts'
import type { SettingsPatch } from './settings-schema.ts'

// A file of a large university names some dozens.
const mostValues = 500

const userType = z.strictObject({ id: nameOf(50), name: nameOf(50) }).meta({ id: 'UserType' })

/** The user types of a client, all of them. */
export const userTypesBody = z
  .strictObject({
    data: z
      .array(userType)
      .max(mostValues)
      .refine((types) => areDistinct(types.map(({ id }) => id)), notDistinct)
      .refine((types) => areDistinct(types.map(({ name }) => name)), notDistinct)
      .meta({ description: 'Empty: any value is taken' }),
  })
  .meta({ id: 'UserTypes' })

/** The login sources of a client, all of them. */
export const loginSourcesBody = z
  .strictObject({
    data: z
      .array(nameOf(20))
      .max(mostValues)
      .refine(areDistinct, notDistinct)
      .meta({ description: 'Empty: any value is taken' }),
  })
  .meta({ id: 'LoginSources' })

/** A client to add. */
export const tenantBody = z
  .strictObject({ name: nameOf(100), settings: settingsPatch.optional() })
  .meta({ id: 'TenantBody' })

/** What of a client can be changed beside its settings. */
export const tenantPatch = z
  .strictObject({ name: nameOf(100), settings: settingsPatch })
  .partial()
  .meta({ id: 'TenantPatch' })

/** The ETag of a client with its settings, user types and login sources. */
export function tenantTag({ settingsVersion }: Tenant): string {
  return `"${settingsVersion}"`
}

// Someone else's change between our reading and writing: read again, so that neither is lost.
const tries = 5

/**
 * What can be done with clients and their settings, for API and console alike; each change is kept in the audit.
 *
 * Bodies are parsed by the schemas of this file and settings-schema.ts. With `ifMatch`, a change throws
 * ChangedSince when the client is at another version. All throw `not_found` for an unknown client.
 */
export function tenantOperations(options: {
  tenants: TenantStore
  audit: Pick<AuditStore, 'append'>
  clock: Clock
}) {
  const { tenants, clock } = options
  const record = audited(options)

  async function find(id: string): Promise<Tenant> {
    const tenant = await tenants.get(id)
    if (tenant === undefined) throw noTenant(id)
    return tenant
  }

  async function change(
    caller: Caller,
    id: string,
    what: { path: string; detail: string; ifMatch: string | undefined },
    edit: (tenant: Tenant) => Tenant,
  ): Promise<Tenant> {
    for (let attempt = 1; ; attempt += 1) {
      const tenant = await find(id)
      requireMatch(what.ifMatch, tenantTag(tenant), 'the settings')
      const edited = edit(tenant)
      requireKnownSource(edited)
      try {
        const stored = await tenants.update(edited)
        const { path, detail } = what
        record(caller, { event: 'SETTINGS', tenantId: id, path, detail })
        return stored
      } catch (error) {
        if (!isAppError(error, 'conflict') || attempt === tries) throw error
      }
    }
  }

  return {
    find,
    /** Throws `exists` for a name in use. */
    async add(caller: Caller, body: z.infer<typeof tenantBody>): Promise<Tenant> {
      const tenant: Tenant = {
        id: newId('tenant', clock),
        name: body.name,
        settings: { ...defaultSettings, ...given(body.settings ?? {}) },
        settingsVersion: 1,
        userTypes: [],
        loginSources: [],
        createdAt: clock.now(),
      }
      await tenants.create(tenant)
      record(caller, { event: 'SETTINGS', tenantId: tenant.id, path: 'tenant', detail: 'added' })
      return tenant
    },
    /** Throws `exists` for a name in use. */
    change(
      caller: Caller,
      id: string,
      body: z.infer<typeof tenantPatch>,
      ifMatch?: string,
    ): Promise<Tenant> {
      const detail = [
        ...(body.name === undefined ? [] : ['name']),
        ...Object.keys(body.settings ?? {}),
      ].join(', ')
      return change(caller, id, { path: 'tenant', detail, ifMatch }, (tenant) => ({
        ...tenant,
        name: body.name ?? tenant.name,
        settings: { ...tenant.settings, ...given(body.settings ?? {}) },
      }))
    },
    changeSettings(
      caller: Caller,
      id: string,
      changes: SettingsPatch,
      ifMatch?: string,
    ): Promise<Tenant> {
      const detail = Object.keys(changes).join(', ')
      return change(caller, id, { path: 'settings', detail, ifMatch }, (tenant) => ({
        ...tenant,
        settings: { ...tenant.settings, ...given(changes) },
      }))
    },
    setUserTypes(
      caller: Caller,
      id: string,
      userTypes: UserType[],
      ifMatch?: string,
    ): Promise<Tenant> {
      const detail = `${userTypes.length} values`
      return change(caller, id, { path: 'user-types', detail, ifMatch }, (tenant) => ({
        ...tenant,
        userTypes,
      }))
    },
    setLoginSources(
      caller: Caller,
      id: string,
      loginSources: string[],
      ifMatch?: string,
    ): Promise<Tenant> {
      const detail = `${loginSources.length} values`
      return change(caller, id, { path: 'login-sources', detail, ifMatch }, (tenant) => ({
        ...tenant,
        loginSources,
      }))
    },
  }
}

export type TenantOperations = ReturnType<typeof tenantOperations>

/** The members that are there; an optional one may be there as undefined. */
function given<T extends object>(changes: T): { [K in keyof T]-?: Exclude<T[K], undefined> } {
  const entries = Object.entries(changes).filter(([, value]) => value !== undefined)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- spread over a whole object, an absent member changes nothing
  return Object.fromEntries(entries) as { [K in keyof T]-?: Exclude<T[K], undefined> }
}

function requireKnownSource({ settings, loginSources }: Tenant): void {
  const { defaultLoginSource } = settings
  if (defaultLoginSource === null || loginSources.length === 0) return
  if (loginSources.includes(defaultLoginSource)) return
  const detail = `is "${defaultLoginSource}", which is not one of your login sources: ${loginSources.join(', ').slice(0, 200)}`
  throw new InvalidRequest(`Cannot store the change: defaultLoginSource ${detail}`, [
    { pointer: '/defaultLoginSource', detail },
  ])
}
