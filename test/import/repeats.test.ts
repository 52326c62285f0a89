import { expect, test } from 'vitest'
import { openDesk } from './desk.ts'

test('rows of a report that are corrected to be the same count once', async () => {
  const desk = openDesk()
  const dropped = await desk.drop('UserUUID,email,city\nu1,a@x.ca,-Hull\nu1,a@x.ca,Ottawa\n')
  expect(dropped.state.counts).toMatchObject({ failed: 2 })
  const report = String(await desk.report(dropped))
  const { state } = await desk.drop(report.replace('"Ottawa"', '"-Hull"'))
  expect(state).toMatchObject({
    counts: { created: 1, skipped: 1, failed: 0 },
    notices: [{ code: 9121 }],
  })
  await desk.close()
})

test.each([
  ['blank cells beyond the header', 'u1,a@x.ca,Hull', 'u1,a@x.ca,Hull,,'],
  ['a column that is not known', 'u1,a@x.ca,Hull,1', 'u1,a@x.ca,Hull,2'],
  ['quotes and outer spaces', 'u1,a@x.ca,Hull,1', 'u1, a@x.ca,"Hull",1'],
])('rows that differ in %s count once', async (_, first, second) => {
  const desk = openDesk()
  const header = first.split(',').length === 4 ? 'UserUUID,email,city,row' : 'UserUUID,email,city'
  const { state } = await desk.drop(`${header}\n${first}\n${second}\n`)
  expect(state.counts).toMatchObject({ created: 1, skipped: 1, failed: 0 })
  await desk.close()
})

test('rows that differ in what is imported all fail', async () => {
  const desk = openDesk()
  const { failures } = await desk.drop('UserUUID,city,prov\nu1,,ON\nu1,ON,\n')
  expect(failures.map(({ reasons }) => reasons.map(({ code }) => code))).toEqual([[9110], [9110]])
  await desk.close()
})
