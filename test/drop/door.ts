import { systemClock } from '../../src/clock.ts'
import type { Account } from '../../src/domain/account.ts'
import type { Doorkeeper, DropSession, Peer } from '../../src/domain/drop.ts'
import type { Log } from '../../src/domain/log.ts'
import type { StateStore } from '../../src/domain/state.ts'
import type { FileStore } from '../../src/domain/storage.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'
import { createDoorkeeper } from '../../src/drop/doorkeeper.ts'
import type { DropLimits } from '../../src/drop/limits.ts'
import { createPasswordHasher } from '../../src/drop/password.ts'

export const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

export const password = 'correct horse battery staple'
let passwordHash: string | undefined

/** Adds the client `ten_<name>` with the account `name`. */
export async function addClient(
  state: StateStore,
  name: string,
  changes: Partial<Account> = {},
): Promise<Account> {
  passwordHash ??= await createPasswordHasher().hash(password)
  await state.tenants.create({
    id: `ten_${name}`,
    name,
    settings: { ...defaultSettings },
    settingsVersion: 1,
    userTypes: [],
    loginSources: [],
    createdAt: 1,
  })
  const account: Account = {
    id: `acc_${name}`,
    tenantId: `ten_${name}`,
    name,
    passwordHash,
    keys: [],
    protocols: ['sftp', 'ftps'],
    allowedNetworks: [],
    expiresAt: null,
    disabled: false,
    createdAt: 1,
    lastLoginAt: null,
    ...changes,
  }
  await state.accounts.create(account)
  return account
}

export function door(options: {
  state: StateStore
  files: FileStore
  commits?: { tenantId: string; uploadedBytes: number }[]
  limits?: Partial<DropLimits>
  allowList?: string[]
}) {
  return createDoorkeeper({
    state: options.state,
    files: options.files,
    clock: systemClock,
    log: silent,
    onCommit: (tenantId, uploadedBytes) => options.commits?.push({ tenantId, uploadedBytes }),
    limits: { refusalDelayMs: 1, ...options.limits },
    ...(options.allowList === undefined ? {} : { allowList: options.allowList }),
  })
}

export const peer = (address = '127.0.0.1'): Peer => ({
  address,
  port: 40_000,
  protocol: 'sftp',
  clientVersion: null,
})

export async function loggedIn(keeper: Doorkeeper, name: string): Promise<DropSession> {
  return keeper.admit(peer()).loginWithPassword(name, password)
}
