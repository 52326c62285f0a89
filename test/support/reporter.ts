import type { Reporter, TestModule } from 'vitest/node'

/** Prints the closing line `N passed, N failed, N skipped`, and the name of each skipped test. */
class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    const skipped: string[] = []
    for (const module of modules) {
      if (module.state() === 'failed' && module.errors().length > 0) counts.failed += 1
      for (const test of module.children.allTests()) {
        const state = test.result().state
        counts[state] += 1
        if (state === 'skipped') skipped.push(test.fullName)
      }
    }
    // Vitest prints its own summary in the same hook; the last line must be ours.
    setImmediate(() => {
      for (const name of skipped) console.log(`skipped: ${name}`)
      console.log(
        `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped + counts.pending} skipped`,
      )
    })
  }
}

export default ClosingLine
