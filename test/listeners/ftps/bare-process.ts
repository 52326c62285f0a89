// ftp-srv as it comes, in a process of its own: the promises that it uses are shared with nobody.
import { startBare } from './bare.ts'

const { port } = await startBare()
console.log(`port ${port}`)
