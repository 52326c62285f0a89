import type { FieldName } from './format.ts'

/** What a tenant can set; the two mail settings carry OPS-COM's labels in every user interface. */
export interface TenantSettings {
  /** Reply-to Admin Email Address: From of every mail. Null until set. */
  replyTo: string | null
  /** Failed Import Email: To of every mail. Empty until set. */
  failedImportEmail: string[]
  mode: 'delta' | 'full'
  /** Whether the client may make the drop folder `full/`. */
  fullFolder: boolean
  blankCells: 'keep' | 'clear'
  requiredFields: FieldName[]
  /** Header text as the client writes it → field. */
  columnMap: Record<string, FieldName>
  defaultLoginSource: string | null
  /** The only other pattern that `dateOfBirth` may have, such as `DD/MM/YYYY`. */
  datePattern: string | null
  settleSeconds: number
  archiveDays: number
  /** Change guard: a full file is held over max(floor, share of active users), or over the cap. */
  guard: { floor: number; share: number; cap: number }
  mailFailures: boolean
  mailCompleted: 'never' | 'always' | 'daily'
  /** Mail when no file came for this many hours. */
  silenceHours: number | null
  /** IANA time zone for times in mails. */
  timeZone: string
}

export const defaultSettings: Readonly<TenantSettings> = {
  replyTo: null,
  failedImportEmail: [],
  mode: 'delta',
  fullFolder: false,
  blankCells: 'keep',
  requiredFields: [],
  columnMap: {},
  defaultLoginSource: null,
  datePattern: null,
  settleSeconds: 2,
  archiveDays: 90,
  guard: { floor: 5, share: 0.1, cap: 200 },
  mailFailures: true,
  mailCompleted: 'never',
  silenceHours: null,
  timeZone: 'UTC',
}

/** A value that `userType` may name. */
export interface UserType {
  id: string
  name: string
}

/** One client organisation. An empty list of user types or login sources means: any value is taken. */
export interface Tenant {
  id: string
  name: string
  settings: TenantSettings
  /** Grows with each change of settings, user types or login sources; ETag and `If-Match`. */
  settingsVersion: number
  userTypes: UserType[]
  loginSources: string[]
  createdAt: number
}

/** The labels of the required mail settings that `tenant` still lacks. */
export function missingSettings(tenant: Tenant): string[] {
  const missing: string[] = []
  if (tenant.settings.replyTo === null) missing.push('Reply-to Admin Email Address')
  if (tenant.settings.failedImportEmail.length === 0) missing.push('Failed Import Email')
  return missing
}
