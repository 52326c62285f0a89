/** Runs work, at most `atOnce` of it at a time; the rest waits in the order in which it came. */
export function createTurns(atOnce: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0
  const waiting: (() => void)[] = []

  return async (work) => {
    if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      // The place goes on to the next: nobody who comes now can take it.
      if (next === undefined) running -= 1
      else next()
    }
  }
}
