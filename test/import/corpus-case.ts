import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { corpusFolder } from '../support/corpus.ts'
import type { corpus } from '../support/corpus.ts'
import type { openDesk } from './desk.ts'

/** Imports a file of the corpus at `desk`, and holds everything that is seen of it against what is expected. */
export async function checkCase(
  expected: (typeof corpus)[number],
  desk: ReturnType<typeof openDesk>,
): Promise<void> {
  const drop = (name: string) =>
    desk.drop(readFileSync(join(corpusFolder, name)), { filename: name })
  for (const name of expected.before) await drop(name)
  const { outcome, state, failures } = await drop(expected.file)
  const { deactivated, ...counts } = state.counts

  expect(state.fileReason?.code ?? null).toBe(expected.fileReason)
  expect(outcome).toBe(expected.state)
  expect(counts).toEqual(expected.counts)
  expect(deactivated).toBe(0)
  expect(
    failures.map(({ line, reasons }) => ({ line, codes: reasons.map(({ code }) => code) })),
  ).toEqual(expected.failures)
  expect([...new Set(state.notices.map(({ code }) => code))]).toEqual(expected.notices)
  if (expected.encoding !== undefined) expect(state.file?.encoding).toBe(expected.encoding)
  if (expected.delimiter !== undefined) expect(state.file?.delimiter).toBe(expected.delimiter)
  if (expected.ignoredColumns !== undefined) {
    expect(state.file?.ignoredColumns).toEqual(expected.ignoredColumns)
  }
  const users = await desk.users()
  for (const wanted of expected.users) {
    const found = users.find(({ fields }) => fields.UserUUID === wanted.UserUUID)
    expect({
      ...found?.fields,
      active: found?.active,
      hasPassword: found?.hasPassword,
    }).toMatchObject(wanted)
  }
  await desk.close()
}
