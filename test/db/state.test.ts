import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openState } from '../../src/db/sqlite/state.ts'
import { idempotencyContract } from './idempotency-contract.ts'
import { sessionsContract } from './sessions-contract.ts'
import { stateContract } from './state-contract.ts'
import { webhooksContract } from './webhooks-contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-state-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const open = async (name: string) => openState(join(folder, `${name}.db`))

stateContract('SQLite', open)
sessionsContract('SQLite', open)
idempotencyContract('SQLite', open)
webhooksContract('SQLite', open)
