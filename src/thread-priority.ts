import { readlinkSync } from 'node:fs'
import { constants, setPriority } from 'node:os'

/**
 * Lets all others go first where the processor is short: the doors' thread of this process, their clients, a database
 * beside it. For the thread that asks and those that it starts; Linux alone has priorities of threads.
 */
export function stepBack(): void {
  if (process.platform !== 'linux' || 'Deno' in globalThis) return
  try {
    // `<process>/task/<thread>`, of whoever reads it.
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1))
    setPriority(thread, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // A sandbox may forbid it or have no /proc: then all threads share alike.
  }
}
