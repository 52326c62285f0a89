import { z } from 'zod'
import { dateReader } from '../src/domain/date-pattern.ts'
import { fieldNames } from '../src/domain/format.ts'
import { isMailAddress } from '../src/domain/mail-address.ts'
import type { TenantSettings } from '../src/domain/tenant.ts'

const address = z
  .string()
  .max(400)
  .refine(isMailAddress, { error: 'is not one mail address, such as it@college.example' })
  .meta({ examples: ['it@maple.example'] })

/** A name in one line: of a client, a login source, a user type. */
export function nameOf(most: number) {
  return z
    .string()
    .trim()
    .min(1)
    .max(most)
    .refine((text) => !/[\p{Cc}\u2028\u2029]/u.test(text), {
      error: 'has control characters, plain text in one line is needed',
    })
}

/** True when no entry comes twice, in any case. */
export function areDistinct(values: readonly string[]): boolean {
  return new Set(values.map((value) => value.toLowerCase())).size === values.length
}

export const notDistinct = { error: 'names one thing twice, each once is needed' }

function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

const hoursOfYear = 8784

const members = {
  replyTo: address.nullable().meta({
    title: 'Reply-to Admin Email Address',
    description: 'From of every mail; null: not set, and no mail is sent',
  }),
  failedImportEmail: z.array(address).max(20).meta({
    title: 'Failed Import Email',
    description: 'To of every mail; empty: not set, and no mail is sent',
  }),
  mode: z.enum(['delta', 'full']).meta({
    description: '`full`: a file is the whole truth, and users that it lacks are set inactive',
  }),
  fullFolder: z.boolean().meta({ description: 'Whether files dropped in `full/` are full files' }),
  blankCells: z.enum(['keep', 'clear']).meta({ description: 'What a blank cell does' }),
  requiredFields: z.array(z.enum(fieldNames)).refine(areDistinct, notDistinct).meta({
    description: 'Fields that every row must have a value for',
  }),
  columnMap: z
    .record(z.string().min(1).max(200), z.enum(fieldNames))
    .refine((map) => Object.keys(map).length <= 200, { error: 'has over 200 names' })
    .meta({ description: 'Header as your files write it → field' }),
  defaultLoginSource: nameOf(20).nullable().meta({
    description: 'For new users whose row names none',
  }),
  datePattern: z
    .string()
    .max(20)
    .refine((pattern) => dateReader(pattern) !== undefined, {
      error: 'is not a pattern of YYYY, MM and DD, each once, such as DD/MM/YYYY',
    })
    .nullable()
    .meta({ description: 'The only other way that dates of birth may be written' }),
  settleSeconds: z.number().int().min(0).max(3600).meta({
    description: 'How long a file must be quiet before it is imported',
  }),
  archiveDays: z.number().int().min(1).max(3650).meta({ description: 'How long `bak/` is kept' }),
  guard: z
    .strictObject({
      floor: z.number().int().min(0).max(1_000_000),
      share: z.number().min(0).max(1),
      cap: z.number().int().min(0).max(5_000_000),
    })
    .meta({
      id: 'Guard',
      description:
        'A full file that deactivates more than max(floor, share of active users), or more than cap, is held',
    }),
  mailFailures: z.boolean(),
  mailCompleted: z.enum(['never', 'always', 'daily']),
  silenceHours: z.number().int().min(1).max(hoursOfYear).nullable().meta({
    description: 'Mail when no file came for this many hours; null: never',
  }),
  timeZone: z
    .string()
    .max(60)
    .refine(isTimeZone, { error: 'is no IANA time zone, such as America/Toronto' })
    .meta({ description: 'For times in mails' }),
} satisfies { [K in keyof TenantSettings]: z.ZodType<TenantSettings[K]> }

/** Every setting of a client. */
export const settingsMembers = members

/** Settings to change; what is not there stays. */
export const settingsPatch = z.strictObject(members).partial().meta({ id: 'SettingsPatch' })
export type SettingsPatch = z.infer<typeof settingsPatch>
