import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { defaultSettings } from '../src/domain/tenant.ts'
import { addTenant, withSftp } from '../test/support/client.ts'
import { removeFolder, startServer } from '../test/support/server.ts'
import { machine, median } from './machine.ts'

const rounds = 20
const targetMs = 100

const runsSchema = z.object({
  data: z.array(z.object({ filename: z.string(), startedAt: z.iso.datetime().nullable() })),
})

/** `npm run bench -- commit`: from the answer to the CLOSE of a small file to the start of its run, its settling taken off. */
export async function run(): Promise<void> {
  console.log(machine())
  const server = await startServer()
  const tenant = await addTenant(server)
  const headers = { authorization: `Bearer ${tenant.token}` }

  async function startedAt(filename: string): Promise<number> {
    for (const deadline = Date.now() + 20_000; Date.now() < deadline; await pause(20)) {
      const url = `http://127.0.0.1:${server.httpPort}/imports?limit=5`
      const { data } = runsSchema.parse(await (await fetch(url, { headers })).json())
      const found = data.find((item) => item.filename === filename)?.startedAt ?? null
      if (found !== null) return Date.parse(found)
    }
    throw new Error(`Cannot measure: the run of ${filename} has not started`)
  }

  const waits: number[] = []
  for (let n = 0; n <= rounds; n += 1) {
    const name = `users${n}.csv`
    const rows = Buffer.from(
      `UserUUID,email,username\n0000000${n % 10}-0000-4000-8000-00000000${1000 + n},u${n}@maple.example,u${n}\n`,
    )
    const committed = await withSftp(server, tenant, async (client) => {
      await client.put(rows, `/${name}`)
      return Date.now()
    })
    const wait = (await startedAt(name)) - committed - defaultSettings.settleSeconds * 1_000
    if (n > 0) waits.push(wait)
  }
  const middle = median(waits)
  console.log(
    `commit to run started, after ${defaultSettings.settleSeconds} s of settling: median ${middle} ms, slowest of ${rounds} ${Math.max(...waits)} ms, target under ${targetMs}: ${middle < targetMs ? 'met' : 'MISSED'}`,
  )
  await server.stop()
  removeFolder(server.dataFolder)
}
