import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/support/sequence.ts'

export default defineConfig({
  test: {
    // .ci/run has just passed the whole suite when it calls `npm run check`.
    include: [
      process.env['SUITE_PASSED'] === '1' ? 'test/architecture.test.ts' : 'test/**/*.test.ts',
    ],
    reporters: ['default', './test/support/reporter.ts'],
    // Patience on a busy machine; no test is about speed.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores are the smallest machine that this runs on; the end-to-end files start servers of their own.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
  },
})
