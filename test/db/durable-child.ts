import { writeSync } from 'node:fs'
import { openDirectory } from '../../src/db/sqlite/directory.ts'
import { ada, beginning, bob, done, eve, importRow, ledgerOptions, plan } from './directory-rows.ts'

/** A large first load in the file `process.argv[2]`, which ends as `process.argv[3]`; says how far it has come. */
const [, , file = '', outcome = ''] = process.argv
const say = (step: string): unknown => writeSync(1, `${step}\n`)
const directory = openDirectory({ file, tenantId: 'ten_durable' })
const ledger = await directory.begin(ledgerOptions('run_1'))
ledger.plan(plan)
ledger.expect(60_000)
await ledger.commit(beginning)
say('begun')
await ledger.apply([importRow(ada)])
await ledger.commit(beginning)
await ledger.apply([importRow(bob)])
await ledger.commit(beginning)
say('batches')
await ledger.apply([importRow(eve)])
if (outcome === 'cancelled') await ledger.commit({ ...done, outcome })
else {
  await ledger.commit({ ...beginning, phase: 'settling' })
  say('rows')
  await ledger.settle(async () => undefined)
  say('indexes')
  await ledger.commit(done)
}
say('outcome')
await ledger.close()
await directory.close()
