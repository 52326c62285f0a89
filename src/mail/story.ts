import type { RowFailure } from '../domain/importer.ts'
import type { Run } from '../domain/run.ts'
import type { ReportPart } from './attachment.ts'

/** One of the commonest reasons of a run, with the first row that has it. */
export interface Sample {
  code: number
  count: number
  failure: RowFailure | undefined
}

/** What a mail says about one run. */
export interface RunStory {
  run: Run
  samples: Sample[]
  /** The failure report; `part` is null when nothing of it is attached. */
  report: { filename: string; part: ReportPart | null } | null
}

/** Reasons that a mail explains; the report has them all. */
export const maxSamples = 5
