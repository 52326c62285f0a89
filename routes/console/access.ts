import type { TokenScope } from '../../src/domain/account.ts'

const everyone = ['operator', 'tenant', 'monitor'] as const
const writers = ['operator', 'tenant'] as const
const operators = ['operator'] as const
const anyone = ['anyone'] as const

/** Page × scope: who may see and do what in the console; another client's ids answer 404 besides. */
export const consoleAccess = {
  'GET /': anyone,
  'GET /console/assets/:name': anyone,
  'GET /console/sign-in': anyone,
  'POST /console/sign-in': anyone,
  'GET /console/link/:secret': anyone,
  'POST /console/link/:secret': anyone,
  'POST /console/sign-out': everyone,
  'GET /console/imports': everyone,
  'GET /console/imports/:id': everyone,
  'GET /console/imports/:id/failures.csv': writers,
  'GET /console/imports/:id/source.csv': writers,
  'POST /console/imports/:id/approve': writers,
  'POST /console/imports/:id/reject': writers,
  'POST /console/imports/:id/cancel': writers,
  'POST /console/imports/:id/retry': writers,
  'POST /console/imports/:id/revert': writers,
  'POST /console/imports/:id/import': writers,
  'GET /console/held': everyone,
  'GET /console/clients': operators,
  'GET /console/clients/new': operators,
  'POST /console/clients/new': operators,
  'GET /console/clients/:tenant': writers,
  'GET /console/clients/:tenant/drop': writers,
  'POST /console/clients/:tenant/drop': writers,
  'GET /console/clients/:tenant/users': writers,
  'GET /console/clients/:tenant/users.csv': writers,
  'GET /console/clients/:tenant/users/:id': writers,
  'GET /console/clients/:tenant/accounts': writers,
  'POST /console/clients/:tenant/accounts': writers,
  'GET /console/clients/:tenant/accounts/:id': writers,
  'POST /console/clients/:tenant/accounts/:id': writers,
  'POST /console/clients/:tenant/accounts/:id/password': writers,
  'POST /console/clients/:tenant/accounts/:id/remove': writers,
  'GET /console/clients/:tenant/settings': writers,
  'POST /console/clients/:tenant/settings': writers,
  'POST /console/clients/:tenant/test-mail': writers,
  'GET /console/clients/:tenant/values': writers,
  'POST /console/clients/:tenant/user-types': writers,
  'POST /console/clients/:tenant/login-sources': writers,
  'GET /console/clients/:tenant/outbox': writers,
  'GET /console/clients/:tenant/outbox/:id': writers,
  'GET /console/clients/:tenant/outbox/:id/message': writers,
  'GET /console/clients/:tenant/outbox/:id/attachments/:at': writers,
  'GET /console/clients/:tenant/incomplete': writers,
  'GET /console/clients/:tenant/audit': writers,
  'GET /console/clients/:tenant/tokens': operators,
  'POST /console/clients/:tenant/tokens': operators,
  'POST /console/clients/:tenant/tokens/:id/revoke': operators,
  'POST /console/clients/:tenant/link': operators,
  'GET /console/server': operators,
  'GET /console/server/audit': operators,
  'POST /console/server/penalties/lift': operators,
} as const satisfies Record<string, readonly (TokenScope | 'anyone')[]>

export type ConsoleRoute = keyof typeof consoleAccess
