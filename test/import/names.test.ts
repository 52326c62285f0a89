import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { openHouse } from './house.ts'

// Of the house.
const tenantId = 'ten_maple'
const top = mkdtempSync(join(tmpdir(), 'rosterdrop-names-'))
afterAll(() => rmSync(top, { recursive: true, force: true }))

const csv = (last: string): string =>
  `UserUUID,email,firstName,lastName\nu1,ada@x.ca,Ada,${last}\nu2,bob@x.ca,Bob,Roy\n`

test('names of an import are found soon after its end, and after it was reverted the former ones', async () => {
  const house = await openHouse(join(top, 'house'))
  await house.addTenant()
  await house.start()
  const found = async (text: string): Promise<(string | null)[]> => {
    const reader = await house.database.readDirectory(tenantId)
    const users = (await reader?.searchUsers(text, { limit: 9 })) ?? []
    await reader?.close()
    return users.map(({ fields }) => fields.UserUUID)
  }
  await house.drop('one.csv', csv('Byron'))
  await house.idle()
  await vi.waitFor(async () => expect(await found('byr')).toEqual(['u1']), 10_000)
  await house.drop('two.csv', csv('Lovelace'))
  const [run] = await house.idle()
  await vi.waitFor(async () => expect(await found('lovel')).toEqual(['u1']), 10_000)
  expect(await found('byr')).toEqual([])

  await house.importer.revert(run?.id ?? '', 'test')
  await vi.waitFor(async () => expect(await found('byr')).toEqual(['u1']), 10_000)
  expect(await found('lovel')).toEqual([])
  await house.close()
})

test('a stop waits for the names of an import that has ended', async () => {
  const folder = join(top, 'stopped')
  const house = await openHouse(folder)
  await house.addTenant()
  await house.start()
  await house.drop('one.csv', csv('Byron'))
  await house.idle()
  await house.stop()
  const reader = await house.database.readDirectory(tenantId)
  expect(await reader?.searchUsers('byr', { limit: 9 })).toHaveLength(1)
  await reader?.close()
  await house.close()
})
