import { afterAll, beforeAll, describe } from 'vitest'
import { openState } from '../../src/db/postgres/state.ts'
import type { StateStore } from '../../src/domain/state.ts'
import { postgresPrograms, startPostgres } from '../support/postgres.ts'
import type { Cluster } from '../support/postgres.ts'
import { idempotencyContract } from './idempotency-contract.ts'
import { sessionsContract } from './sessions-contract.ts'
import { stateRunsContract } from './runs-contract.ts'
import { stateContract } from './state-contract.ts'
import { webhooksContract } from './webhooks-contract.ts'

const programs = postgresPrograms()

describe.skipIf(programs === undefined)('with PostgreSQL', () => {
  let cluster: Cluster
  const urls = new Map<string, string>()
  const opened: StateStore[] = []

  beforeAll(async () => {
    cluster = await startPostgres(programs ?? '')
  })
  afterAll(async () => {
    await Promise.all(opened.map((state) => state.close()))
    await cluster.remove()
  })

  async function open(name: string): Promise<StateStore> {
    const url = urls.get(name) ?? (await cluster.database())
    urls.set(name, url)
    const { state } = await openState(url, 4)
    opened.push(state)
    return state
  }

  stateContract('PostgreSQL', open)
  stateRunsContract('PostgreSQL', open)
  sessionsContract('PostgreSQL', open)
  idempotencyContract('PostgreSQL', open)
  webhooksContract('PostgreSQL', open)
})
