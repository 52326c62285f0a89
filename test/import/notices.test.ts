import { expect, test } from 'vitest'
import { openDesk } from './desk.ts'

test.each([false, true])(
  'rows that wait for each other keep their warnings, in a dry run too: %s',
  async (dryRun) => {
    const desk = openDesk()
    const header = 'UserUUID,email,userType,password\n'
    await desk.drop(`${header}u1,a@x.ca,Student,\nu2,b@x.ca,Student,\n`)
    const { state } = await desk.drop(
      `${header}u1,b@x.ca,staff,long enough\nu2,a@x.ca,staff,long enough\n`,
      { dryRun },
    )
    expect(state.counts).toMatchObject({ updated: 2 })
    const notices = state.notices.map(({ code, sentence }) => `${sentence.split(':')[0]} ${code}`)
    expect(notices.toSorted()).toEqual(['Line 2 9119', 'Line 2 9120', 'Line 3 9119', 'Line 3 9120'])
    await desk.close()
  },
)

test('a value under an empty header is told of once in each file, whatever becomes of its row', async () => {
  const desk = openDesk()
  const warned = async (...rows: string[]): Promise<string[]> => {
    const { state } = await desk.drop(`UserUUID,email,,city\n${rows.join('\n')}\n`)
    return state.notices
      .filter(({ code }) => code === 9104)
      .map(({ sentence }) => sentence.split(',')[0] ?? '')
  }
  const what = (line: number) => [`Line ${line}: The file has the column 3 without a name`]
  expect(await warned('u1,a@x.ca,x,Hull', 'u2,b@x.ca,x,Hull')).toEqual(what(2))
  expect(await warned('u1,a@x.ca,x,Hull', 'u2,b@x.ca,y,Ottawa')).toEqual(what(2))
  expect(await warned('u1,a@x.ca,,Laval', 'u2,c@x.ca,x,Laval')).toEqual(what(3))
  const bad = ['u3,nobody,x,Hull', 'u4,d@x.ca,x,Hull']
  expect(await warned(...bad)).toEqual(what(2))
  expect(await warned(...bad)).toEqual(what(2))
  const twice = ['u5,e@x.ca,x,Hull', 'u5,e@x.ca,x,Laval']
  expect(await warned(...twice)).toEqual(what(2))
  await desk.close()
})
