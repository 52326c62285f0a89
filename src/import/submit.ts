import { createHash } from 'node:crypto'
import type { Claim } from '../domain/drop.ts'
import { AppError, isAppError } from '../domain/error.ts'
import type { Submission } from '../domain/importer.ts'
import { workPath, workRoot } from '../domain/layout.ts'
import { newId } from '../domain/id.ts'
import type { Run } from '../domain/run.ts'
import type { FileStore } from '../domain/storage.ts'
import { crashPoint } from './crash-point.ts'
import { newRun } from './queue.ts'
import type { QueueOptions } from './queue.ts'

export interface SubmitOptions extends QueueOptions {
  /** What a file may take of its client's share. Throws `too_many` or `out_of_space`; default: anything. */
  share?: Share
}

/** The shares of clients, as the drop folders keep them. */
export interface Share {
  claim(tenantId: string): Promise<Claim>
  /** So many files and bytes have come. */
  changed(tenantId: string, fileCount: number, bytes: number): void
}

// Longer than any body takes between its last byte and its run.
const orphanMs = 3_600_000

/** Takes files that come by no drop folder. */
export function createSubmit({ state, files, clock, log, share }: SubmitOptions) {
  return {
    /** Stores the body, then queues its run; an error of the body leaves nothing. */
    async take(submission: Submission): Promise<Run> {
      const { tenantId, filename, source, actor, dryRun = false, mode } = submission
      const tenant = await state.tenants.get(tenantId)
      if (tenant === undefined) {
        throw new AppError('not_found', 'Cannot import the file: its client is not there any more')
      }
      const id = submission.runId ?? newId('run', clock)
      const path = workPath(tenantId, id)
      const claim = await share?.claim(tenantId).catch((error: unknown) => {
        // Too many files: over HTTP a full share is one answer, whatever it is full of.
        if (!isAppError(error, 'too_many')) throw error
        throw new AppError('out_of_space', error.message, { cause: error })
      })
      const { size, sha256 } = await store(files, path, submission, claim)
        .then((stored) => {
          share?.changed(tenantId, 1, stored.size)
          return stored
        })
        .finally(() => claim?.release())
      crashPoint('after-body')
      const run = newRun(clock, {
        id,
        tenantId,
        filename,
        source,
        actor,
        dryRun,
        mode: mode ?? tenant.settings.mode,
        sourcePath: path,
        sizeBytes: size,
        sha256,
      })
      await state.runs.create(run)
      log.info('import queued', { run_id: run.id, tenant: tenantId, source })
      return run
    },

    /** Whether `body` has the length and the SHA-256 of the file of `run`; no more is read than that needs. */
    async isFileOf(run: Run, body: AsyncIterable<Uint8Array>): Promise<boolean> {
      const digest = createHash('sha256')
      let size = 0
      for await (const chunk of body) {
        size += chunk.length
        if (size > run.sizeBytes) return false
        digest.update(chunk)
      }
      return size === run.sizeBytes && digest.digest('hex') === run.sha256
    },

    /** Drops bodies whose run was never made: nobody was told that they are here. */
    async recover(): Promise<void> {
      for (const tenant of await state.tenants.list()) {
        const folder = workRoot(tenant.id)
        for (const { path, modifiedAt } of await files.list(folder)) {
          // Another process may be about to make its run.
          if (state.shared && modifiedAt > clock.now() - orphanMs) continue
          const id = path.slice(folder.length + 1).replace(/\.utf8$/, '')
          if ((await state.runs.get(id)) === undefined) await files.remove(path)
        }
      }
    },
  }
}

async function store(
  files: FileStore,
  path: string,
  { body, maxBytes }: Submission,
  claim: Claim | undefined,
) {
  const digest = createHash('sha256')
  const staged = await files.openWrite(path)
  try {
    for await (const chunk of body) {
      if (staged.size + chunk.length > maxBytes) {
        throw new AppError(
          'too_large',
          `Cannot import the file: it is larger than ${maxBytes} bytes, split it`,
        )
      }
      await claim?.grow(staged.size + chunk.length)
      digest.update(chunk)
      await staged.write(staged.size, chunk)
    }
    const { size } = staged
    await staged.commit()
    return { size, sha256: digest.digest('hex') }
  } catch (error) {
    await staged.abort()
    throw error
  }
}
