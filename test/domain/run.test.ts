import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  activeStates,
  nextState,
  runEvents,
  runStates,
  runTransitions,
} from '../../src/domain/run.ts'
import type { RunState } from '../../src/domain/run.ts'

const ended: readonly RunState[] = ['duplicate', 'failed', 'rejected', 'reverted']

function tableRow(state: RunState): string {
  const events = runEvents.flatMap((event) => {
    const next = nextState(state, event)
    return next === undefined ? [] : [`${event} → ${next}`]
  })
  return `| \`${state}\` | ${events.length === 0 ? 'nothing' : events.join(', ')} |`
}

describe('runTransitions', () => {
  test('leads from the states of a worker to an outcome, and from an outcome nowhere but back', () => {
    for (const state of activeStates) {
      expect(Object.values(runTransitions[state]).length).toBeGreaterThan(1)
    }
    for (const state of ended) expect(runTransitions[state]).toEqual({})
    expect(nextState('held', 'approve')).toBe('queued')
    expect(nextState('completed', 'cancel')).toBeUndefined()
  })

  test('reaches every state from queued', () => {
    const reached = new Set<RunState>(['queued'])
    for (const state of reached) {
      for (const next of Object.values(runTransitions[state])) reached.add(next)
    }
    expect([...reached].toSorted()).toEqual([...runStates].toSorted())
  })

  test('lets a worker begin again in every state that a kill can leave behind', () => {
    for (const state of activeStates) expect(nextState(state, 'parse')).toBe('parsing')
  })

  test('stands in docs/import-run.md as it is', () => {
    const page = readFileSync(
      join(import.meta.dirname, '..', '..', 'docs', 'import-run.md'),
      'utf8',
    )
    const table = ['| state | what can follow |', '| --- | --- |', ...runStates.map(tableRow)]
    expect(page).toContain(table.join('\n'))
  })
})
