import { hash as bcrypt } from 'bcryptjs'
import { systemClock } from '../src/clock.ts'
import { openState } from '../src/db/sqlite/state.ts'
import { createDoorkeeper } from '../src/drop/doorkeeper.ts'
import { memoryDriver } from '../storage/memory.ts'
import { addClient, peer, silent } from '../test/drop/door.ts'
import { machine, median } from './machine.ts'

const attempts = 60
const tolerance = 0.1

/** `npm run bench -- login`: what the time of a refusal tells of a name, without and with the second that each takes. */
export async function run(): Promise<void> {
  console.log(machine())
  const state = openState(':memory:')
  await addClient(state, 'maple')
  await addClient(state, 'keys', { passwordHash: null })
  await addClient(state, 'off', { disabled: true })
  await addClient(state, 'moved', { passwordHash: await bcrypt('another', 10) })
  const names = ['nobody', 'maple', 'keys', 'off', 'moved']
  for (const [title, refusalDelayMs, count] of [
    ['the hash alone', 0, attempts],
    ['as shipped', 1_000, 8],
  ] as const) {
    const keeper = createDoorkeeper({
      state,
      files: memoryDriver().files,
      clock: systemClock,
      log: silent,
      onCommit: () => undefined,
      allowList: ['127.0.0.1'],
      // Guesses at one name from many addresses would wait; that is not what is measured.
      limits: { refusalDelayMs, nameForgiven: Infinity },
    })
    const times = new Map<string, number[]>(names.map((name) => [name, []]))
    // In turns, so that what else the machine does is the same for all; the first round does not count.
    for (let n = 0; n <= count; n += 1) {
      for (const name of names) {
        const admission = keeper.admit(peer())
        const begun = performance.now()
        await admission.loginWithPassword(name, 'wrong').catch(() => undefined)
        if (n > 0) times.get(name)?.push(performance.now() - begun)
        admission.close()
      }
    }
    const unknown = median(times.get('nobody') ?? [])
    for (const name of names) {
      const took = median(times.get(name) ?? [])
      const ratio = took / unknown
      const verdict =
        Math.abs(ratio - 1) <= tolerance
          ? ', target 0.9 to 1.1: met'
          : ', target 0.9 to 1.1: MISSED'
      console.log(
        `${title}: "${name}" refused in ${took.toFixed(1)} ms, ${ratio.toFixed(2)} of an unknown name${refusalDelayMs === 0 ? '' : verdict}`,
      )
    }
  }
  await state.close()
}
