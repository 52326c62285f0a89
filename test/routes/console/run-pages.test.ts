import { beforeEach, describe, expect, test } from 'vitest'
import { openWorld, origin, signedIn } from './visitor.ts'
import type { Visitor, World } from './visitor.ts'

let world: World
let agent: Visitor
beforeEach(async () => {
  world = await openWorld()
  agent = await signedIn(world, 'operator')
})

const maple = '/console/clients/ten_maple'
async function upload(who: Visitor, path: string, text: string, name = 'users.csv') {
  const form = new FormData()
  form.set('file', new File([text], name, { type: 'text/csv' }))
  const request = new Request(`http://localhost${path}`, { method: 'POST', body: form })
  request.headers.set('cookie', who.cookie)
  request.headers.set('origin', origin)
  return world.app.request(request)
}

describe('a run', () => {
  test('is approved with a note by whoever is signed in, and never twice', async () => {
    const run = await world.addRun({ state: 'held' })
    const staff = await signedIn(world, 'tenant')
    const answer = await staff.post(`/console/imports/${run.id}/approve`, { note: 'as agreed' })
    expect(answer.headers.get('location')).toBe(`/console/imports/${run.id}?done=approved`)
    expect((await world.state.runs.get(run.id))?.state).toBe('queued')
    const [entry] = await world.state.audit.list({ limit: 1 })
    expect(entry).toMatchObject({
      event: 'RUN',
      actor: 'tenant token',
      detail: 'approve: as agreed',
    })
    const again = await staff.post(`/console/imports/${run.id}/approve`)
    expect(again.status).toBe(409)
    expect(await again.text()).toContain('it is queued')
  })

  test('offers only what its state allows, and says first what it does', async () => {
    const held = await world.addRun({ state: 'held' })
    const page = await agent.text(`/console/imports/${held.id}`)
    expect(page).toContain('Approve now')
    expect(page).toContain('no user is changed')
    expect(page).not.toContain('Revert now')
    const over = await world.addRun({ state: 'completed', archivedAt: 5 })
    const later = await agent.text(`/console/imports/${over.id}`)
    expect(later).toContain('Revert now')
    expect(later).not.toContain('Approve now')
  })

  test('shows a monitor its counts, and neither rows nor files nor buttons', async () => {
    const run = await world.addRun({
      state: 'completed_with_failures',
      archivedAt: 5,
      reportPath: 'drop/ten_maple/failed/x.csv',
      counts: {
        rows: 9,
        created: 6,
        updated: 0,
        unchanged: 0,
        skipped: 0,
        failed: 3,
        deactivated: 0,
      },
      reasons: [{ code: 9013, count: 3 }],
    })
    const monitor = await signedIn(world, 'monitor')
    const page = await monitor.text(`/console/imports/${run.id}`)
    expect(page).toContain('9 rows')
    for (const words of [
      'user2@maple.example',
      'failures.csv',
      'action-panel',
      '/console/clients',
    ]) {
      expect(page, words).not.toContain(words)
    }
    expect(await agent.text(`/console/imports/${run.id}`)).toContain('user2@maple.example')
  })

  test('its failed rows are filtered by reason', async () => {
    const run = await world.addRun({
      state: 'completed_with_failures',
      counts: {
        rows: 9,
        created: 6,
        updated: 0,
        unchanged: 0,
        skipped: 0,
        failed: 3,
        deactivated: 0,
      },
      reasons: [
        { code: 9013, count: 2 },
        { code: 9016, count: 1 },
      ],
    })
    expect(await agent.text(`/console/imports/${run.id}?code=9013`)).toContain(
      'user2@maple.example',
    )
    expect(await agent.text(`/console/imports/${run.id}?code=9016`)).not.toContain(
      'user2@maple.example',
    )
    expect(await agent.text(`/console/imports/${run.id}?code=1`)).toContain('user2@maple.example')
  })
})

describe('the drop area', () => {
  test('takes a file as a check or as an import, and says what it cannot take', async () => {
    const check = await upload(
      agent,
      `${maple}/drop?mode=delta&dryRun=true`,
      'email\na@b.example\n',
    )
    expect(check.status).toBe(303)
    const full = await upload(agent, `${maple}/drop?mode=full`, 'email\na@b.example\n', 'all.csv')
    expect(full.headers.get('location')).toContain('done=imported')
    expect(await world.state.runs.list({ limit: 9 })).toMatchObject([
      {
        filename: 'all.csv',
        dryRun: false,
        mode: 'full',
        source: 'console',
        actor: 'operator token',
      },
      { filename: 'users.csv', dryRun: true, mode: 'delta', source: 'console' },
    ])
    const workbook = await upload(agent, `${maple}/drop`, 'PK', 'users.xlsx')
    expect(workbook.status).toBe(422)
    const empty = await upload(agent, `${maple}/drop`, '')
    expect(empty.status).toBe(422)
    expect(await world.state.runs.list({ limit: 9 })).toHaveLength(2)
  })

  test('a checked file is imported from its archive, unless it has passwords', async () => {
    const staged = await world.files.openWrite('drop/ten_maple/bak/users.csv')
    await staged.write(0, new TextEncoder().encode('email\na@b.example\n'))
    await staged.commit()
    const checked = {
      state: 'completed',
      dryRun: true,
      archivedAt: 5,
      sourcePath: 'drop/ten_maple/bak/users.csv',
    } as const
    const run = await world.addRun({ ...checked, columns: ['email'] })
    const answer = await agent.post(`/console/imports/${run.id}/import`)
    expect(answer.status).toBe(303)
    const [made] = await world.state.runs.list({ limit: 1 })
    expect(made).toMatchObject({ dryRun: false, source: 'console', filename: 'users.csv' })
    const reader = await world.files.openRead(`work/ten_maple/${made?.id}`)
    expect(new TextDecoder().decode(await reader.read(0, 99))).toBe('email\na@b.example\n')
    await reader.close()

    const secret = await world.addRun({ ...checked, columns: ['email', 'password'] })
    expect((await agent.post(`/console/imports/${secret.id}/import`)).status).toBe(409)
    const real = await world.addRun({ ...checked, dryRun: false })
    expect((await agent.post(`/console/imports/${real.id}/import`)).status).toBe(409)
  })
})
