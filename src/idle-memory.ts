import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

// After the first requests of whoever waited for the start.
const afterStartMs = 1_000
// What smaller uploads leave is used again by the next.
const largeBytes = 64 * 2 ** 20
// Each costs a pause: one in a hundred requests never meets it.
const leastApartMs = 20_000

interface Collection {
  type: 'major'
  execution: 'async'
  flavor: 'last-resort'
}

const how: Collection = { type: 'major', execution: 'async', flavor: 'last-resort' }
let collected = -Infinity

function collect(): void {
  // Deno's V8 has no such call.
  if ('Deno' in globalThis) return
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('gc')
  if (typeof gc === 'function') gc(how)
}

/**
 * Gives the memory back that only the start has needed: sources and compiling leave 25 MB of garbage, which an idle
 * process would keep for good, since nothing asks V8 for more. Once, at the cost of a pause of some 60 ms.
 */
export function giveStartMemoryBack(): void {
  setTimeout(collect, afterStartMs).unref()
}

/**
 * Gives the memory back that an upload of so many bytes has left, before its import begins: 35 MB after one of 1 GB, for
 * which V8 has made its space for new objects larger, which it keeps. Once in 20 seconds at most.
 */
export function giveUploadMemoryBack(bytes: number): void {
  if (bytes < largeBytes || performance.now() - collected < leastApartMs) return
  collected = performance.now()
  setImmediate(collect)
}
