import { openHouse } from './house.ts'
import { scenarios } from './crash-scenarios.ts'

/** `node crash-child.ts FOLDER SCENARIO [DATABASE_URL]`, or the same by Deno: goes on with a scenario until nothing is left to do. */
const [folder = '', name = '', databaseUrl] = process.argv.slice(2)
const scenario = scenarios[name]
if (scenario === undefined) throw new Error(`there is no scenario ${name}`)
const house = await openHouse(folder, databaseUrl === undefined ? {} : { databaseUrl })
await house.start()
await scenario.act?.(house)
await house.idle()
await house.close()
