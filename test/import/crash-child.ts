import { openHouse } from './house.ts'
import { scenarios } from './crash-scenarios.ts'

/** `node crash-child.ts FOLDER SCENARIO`: goes on with a scenario until nothing is left to do. */
const [folder = '', name = ''] = process.argv.slice(2)
const scenario = scenarios[name]
if (scenario === undefined) throw new Error(`there is no scenario ${name}`)
const house = await openHouse(folder)
await house.start()
await scenario.act?.(house)
await house.idle()
await house.close()
