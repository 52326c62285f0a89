import type { StateStore } from '../domain/state.ts'
import type { Recorder } from './metrics.ts'

/** The same state; outcomes of runs and mails and what enters the audit are counted on the way. */
export function observedState(state: StateStore, recorder: () => Recorder | undefined): StateStore {
  const { runs, outbox, audit } = state
  return {
    ...state,
    runs: {
      ...runs,
      async update(id, changes) {
        const ends = typeof changes.finishedAt === 'number'
        const before = ends ? await runs.get(id) : undefined
        const after = await runs.update(id, changes)
        if (ends) recorder()?.run(before, after)
        return after
      },
    },
    outbox: {
      ...outbox,
      async update(mail) {
        await outbox.update(mail)
        recorder()?.mail(mail)
      },
    },
    audit: {
      ...audit,
      append(entry) {
        audit.append(entry)
        recorder()?.audit(entry)
      },
    },
  }
}
