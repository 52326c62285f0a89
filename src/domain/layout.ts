import { compactTime } from './clock.ts'
import { shortId } from './id.ts'
import type { Run } from './run.ts'

/** Folders of a drop folder that a client may make: dry runs, and full files. */
export const clientFolders = ['test', 'full'] as const
/** Folders of a drop folder that only the service writes. */
export const serviceFolders = ['bak', 'failed'] as const

/** Where a tenant's drop folder is in the file store. */
export function dropRoot(tenantId: string): string {
  return `drop/${tenantId}`
}

/** A file of a drop folder; `folder` is '' or one of the folders above. */
export function dropPath(tenantId: string, folder: string, name: string): string {
  return folder === '' ? `${dropRoot(tenantId)}/${name}` : `${dropRoot(tenantId)}/${folder}/${name}`
}

/** Where the generations of a tenant wait. */
export function generationsRoot(tenantId: string): string {
  return `generations/${tenantId}`
}

/** Where a generation waits whose name has been taken by a newer one. */
export function generationPath(tenantId: string, dropId: string): string {
  return `${generationsRoot(tenantId)}/${dropId}`
}

/** Where the files of a tenant are while they are imported. */
export function workRoot(tenantId: string): string {
  return `work/${tenantId}`
}

/** The private copy that a run reads. */
export function workPath(tenantId: string, runId: string): string {
  return `${workRoot(tenantId)}/${runId}`
}

/** A composed mail. */
export function mailPath(tenantId: string, mailId: string): string {
  return `mail/${tenantId}/${mailId}.eml`
}

function stem(filename: string): string {
  return filename.replace(/\.(csv|txt|tsv)$/i, '')
}

// A name of 255 bytes has no room for a time stamp: the stem is cut at a character, to this many bytes.
const maxStemBytes = 200

function shortened(text: string): string {
  const encoder = new TextEncoder()
  let result = ''
  let bytes = 0
  for (const character of text) {
    bytes += encoder.encode(character).length
    if (bytes > maxStemBytes) return result
    result += character
  }
  return result
}

type Named = Pick<Run, 'id' | 'tenantId' | 'filename' | 'createdAt'>

/** `bak/<stem>.<yyyymmddThhmmssZ>-<id8>.csv`; a rejected file ends in `.rejected.csv` (file-format.md section 7). */
export function archivePath(run: Named, rejected: boolean): string {
  const name = `${shortened(stem(run.filename))}.${compactTime(run.createdAt)}-${shortId(run.id)}`
  return dropPath(run.tenantId, 'bak', `${name}${rejected ? '.rejected' : ''}.csv`)
}

/** `failed/<stem>.failed-<yyyymmddThhmmssZ>-<id8>.csv` (file-format.md section 6). */
export function reportPath(run: Named): string {
  const name = `${shortened(stem(run.filename))}.failed-${compactTime(run.createdAt)}-${shortId(run.id)}.csv`
  return dropPath(run.tenantId, 'failed', name)
}

/** The last segment of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

const takenNames = /\.(csv|txt|tsv)$/i
const ignoredNames = /^\.|^~\$|\.(tmp|part|filepart|partial|incomplete)$/i

/** Whether a name is imported, left alone, or told about once (file-format.md section 1). */
export function nameKind(name: string): 'taken' | 'ignored' | 'other' {
  if (ignoredNames.test(name)) return 'ignored'
  return takenNames.test(name) ? 'taken' : 'other'
}

/** The name that a cut upload of `name` is kept under. */
export function incompleteName(name: string): string {
  return `${name}.incomplete`
}
