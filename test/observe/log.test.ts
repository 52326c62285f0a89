import { describe, expect, test } from 'vitest'
import { createLog } from '../../src/observe/log.ts'
import { prettyLine } from '../../src/observe/pretty.ts'

describe('createLog()', () => {
  test('writes a JSON line with level, message and fields, and none below its level', () => {
    const lines: string[] = []
    const log = createLog({ level: 'info', stream: { write: (line) => lines.push(line) } })
    log.debug('not this')
    log.info('ready', { port: 22 })
    log.error('failed', { error: new Error('why') })
    expect(lines).toHaveLength(2)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', msg: 'ready', port: 22 })
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ level: 'error', error: { message: 'why' } })
  })

  test('drops fields that hold secrets', () => {
    const lines: string[] = []
    const log = createLog({ level: 'info', stream: { write: (line) => lines.push(line) } })
    log.info('login', { password: 'canary-1', account: { token: 'canary-2' } })
    expect(lines[0]).not.toContain('canary')
  })
})

describe('prettyLine()', () => {
  test('puts time, level and message in front, then the fields, then the trace of an error', () => {
    const line = JSON.stringify({
      level: 'warn',
      time: '2026-01-31T08:00:01.250Z',
      msg: 'request',
      route: '/imports/:id',
      why: 'two words',
      ms: 7,
      error: { message: 'x', stack: 'Error: x\n    at y' },
    })
    expect(prettyLine(line, { colour: false })).toBe(
      '08:00:01 warn  request route=/imports/:id why="two words" ms=7\nError: x\n    at y\n',
    )
    expect(prettyLine(line, { colour: true })).toContain('\u001b[33mwarn \u001b[0m')
  })

  test('keeps control characters of a value from reaching the terminal', () => {
    const line = JSON.stringify({ level: 'info', time: '', msg: 'm', name: '\u001b[2Jx' })
    expect(prettyLine(line, { colour: false })).toContain('name="\\u001b[2Jx"')
  })
})
