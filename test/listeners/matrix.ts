import { test } from 'vitest'

/**
 * The cells of one matrix, clients by operations: each is a test, or says why there is none, and each is a line of
 * what `print` prints.
 */
export function createMatrix(title: string, beforeEach: () => void) {
  const lines: string[] = []
  const line = (client: string, operation: string, outcome: string): void => {
    lines.push(`${title} | ${client} | ${operation} | ${outcome}`)
  }
  return {
    /** The cell of a client that may be missing on this machine. */
    cell(
      client: { name: string; path: string | undefined },
      operation: string,
      work: () => Promise<void>,
      timeout = 30_000,
    ): void {
      const index = lines.length
      line(client.name, operation, 'not run')
      test.skipIf(client.path === undefined)(
        operation,
        async () => {
          beforeEach()
          await work()
          lines[index] = `${title} | ${client.name} | ${operation} | ok`
        },
        timeout,
      )
    },
    /** An operation that the client does not have, or that another cell stands for. */
    none: line,
    print(): void {
      console.log(lines.join('\n'))
    },
  }
}
