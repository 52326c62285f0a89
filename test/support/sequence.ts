import { BaseSequencer } from 'vitest/node'
import type { TestSpecification } from 'vitest/node'

/** The files that take longest, by what they took in `.ci/run`: one that begins last would run on alone. */
export const longest: readonly string[] = [
  'test/listeners/ftps/clients.test.ts',
  'test/listeners/sftp/clients.test.ts',
  'test/db/deno.test.ts',
  'test/storage/deno.test.ts',
  'test/e2e/console.test.ts',
  'test/e2e/processes.test.ts',
  'test/storage/s3-memory.test.ts',
  'test/db/postgres-directory.test.ts',
]

const placeOf = ({ moduleId }: TestSpecification): number => {
  const place = longest.findIndex((path) => moduleId.endsWith(`/${path}`))
  return place === -1 ? longest.length : place
}

/** Begins with the longest files. Vitest knows them from an earlier run only, and a fresh clone has none. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => placeOf(a) - placeOf(b))
  }
}
