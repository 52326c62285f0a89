import { describe, expect, test } from 'vitest'
import { createLog } from '../../src/observe/log.ts'

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
