import { defineConfig } from 'vitest/config'

// What under-deno.ts starts vitest with: the files that it names, in one process after the other.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['./test/support/deno-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
  },
})
