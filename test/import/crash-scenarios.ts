import type { House } from './house.ts'

/** What a process does that is killed at a crash point, and then begun again. */
export interface Scenario {
  /** Before, by a process that nobody kills. */
  prepare: (house: House) => Promise<void>
  /** Once the import has started; again after the kill, whatever was done already. */
  act?: (house: House) => Promise<void>
}

const header = 'UserUUID,email,username,firstName,password\n'
const user = (n: number, email = `user${n}@maple.example`): string =>
  `u-${n},${email},name${n},First${n},${n % 10 === 0 ? `secret-word-${n}` : ''}\n`
const users = (count: number): string =>
  header + Array.from({ length: count }, (_, index) => user(index)).join('')

/** Creates, updates, a swap, a repetition, a conflict and rows that fail. */
const mixed =
  header +
  user(0, 'user1@maple.example') +
  user(1, 'user0@maple.example') +
  user(2) +
  user(30) +
  user(30) +
  user(31) +
  user(32, 'user31@maple.example') +
  'u-4,not an address,name4,First4,\n' +
  'u-5,"open,name5,First5,\n'

async function imported(house: House, content = users(10)): Promise<void> {
  await house.addTenant({ mailCompleted: 'always' })
  await house.start()
  await house.drop('first.csv', content)
  await house.idle()
}

async function first(house: House, filename: string) {
  const run = (await house.runs()).find((one) => one.filename === filename)
  if (run === undefined) throw new Error(`there is no run of ${filename}`)
  return run
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  mixed: {
    async prepare(house) {
      await imported(house)
      await house.stop()
      await house.drop('mixed.csv', mixed)
    },
  },
  large: {
    async prepare(house) {
      await house.addTenant()
      const rows = Array.from(
        { length: 61_000 },
        (_, n) => `u-${n},user${n}@maple.example,${n % 1000 === 7 ? 'x'.repeat(51) : 'Ada'}\n`,
      )
      await house.drop('large.csv', `UserUUID,email,firstName\n${rows.join('')}`)
    },
  },
  refused: {
    async prepare(house) {
      await house.addTenant()
      await house.drop('refused.csv', 'email,E-mail,password\na@x.ca,b@x.ca,secret-word-1\n')
    },
  },
  rejected: {
    async prepare(house) {
      await imported(house)
      await house.drop('full.csv', users(2), 'full')
      await house.idle()
    },
    async act(house) {
      const run = await first(house, 'full.csv')
      if (run.state === 'held') await house.importer.reject(run.id, 'operator')
    },
  },
  submitted: {
    prepare: (house) => imported(house),
    async act(house) {
      async function* body() {
        yield Buffer.from(users(11))
      }
      if ((await house.runs()).some(({ filename }) => filename === 'posted.csv')) return
      await house.importer.submit({
        tenantId: (await first(house, 'first.csv')).tenantId,
        filename: 'posted.csv',
        source: 'http',
        actor: 'token',
        body: body(),
        maxBytes: 1_000_000,
      })
    },
  },
  retried: {
    prepare: (house) => imported(house, users(3)),
    async act(house) {
      const run = await first(house, 'first.csv')
      if ((await house.runs()).length > 1) return
      await house.importer.retry(run.id, { force: true, actor: 'operator' })
    },
  },
  reverted: {
    async prepare(house) {
      await imported(house)
      await house.drop('mixed.csv', mixed)
      await house.idle()
    },
    async act(house) {
      const run = await first(house, 'mixed.csv')
      if (run.state !== 'reverted') await house.importer.revert(run.id, 'operator')
    },
  },
  noticed: {
    async prepare(house) {
      await house.addTenant({ settleSeconds: 0 })
      const staged = await house.files.openWrite('drop/ten_maple/users.xlsx')
      await staged.write(0, Buffer.from('PK'))
      await staged.commit()
      await house.files.touch('drop/ten_maple/users.xlsx', Date.now() - 60_000)
    },
    async act(house) {
      for (let tries = 0; tries < 400; tries += 1) {
        const [run] = await house.runs()
        if (run !== undefined && (await house.state.outbox.forRun(run.id)).length > 0) return
        await new Promise((resolve) => setTimeout(resolve, 25))
      }
      throw new Error('nobody was told of the file')
    },
  },
}
