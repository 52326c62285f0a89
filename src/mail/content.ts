import { archivePath, baseName } from '../domain/layout.ts'
import { isReasonCode, reasons } from '../domain/reason.ts'
import type { Run, RunSource } from '../domain/run.ts'
import type { MailKind } from '../domain/state.ts'
import type { Tenant } from '../domain/tenant.ts'
import { counted, figure, moment, oneLine, size } from '../domain/figures.ts'
import type { Block } from './letter.ts'
import type { RunStory, Sample } from './story.ts'

const maxLine = 200
const maxNotices = 10

const sources: Readonly<Record<RunSource, string>> = {
  sftp: 'SFTP',
  ftps: 'FTPS',
  http: 'HTTP',
  console: 'the console',
  folder: 'the drop folder',
}

const delimiters: Readonly<Record<string, string>> = {
  ',': 'comma',
  ';': 'semicolon',
  '\t': 'tab',
  '|': 'vertical bar',
}

function fileFacts(tenant: Tenant, run: Run): [string, string][] {
  const zone = tenant.settings.timeZone
  const by = run.actor === null ? '' : ` from ${oneLine(run.actor, maxLine)}`
  const facts: [string, string][] = [
    ['Client', oneLine(tenant.name, maxLine)],
    ['File', oneLine(run.filename, maxLine)],
    ['Size', size(run.sizeBytes)],
    ['Received', `${moment(run.createdAt, zone)} by ${sources[run.source]}${by}`],
  ]
  if (run.finishedAt !== null) facts.push(['Finished', moment(run.finishedAt, zone)])
  return facts
}

function countFacts({ counts, dryRun }: Run): [string, string][] {
  const would = dryRun ? 'Would be ' : ''
  const label = (word: string): string => (would === '' ? word : `${would}${word.toLowerCase()}`)
  const facts: [string, string][] = [
    ['Rows', figure(counts.rows)],
    [label('Created'), figure(counts.created)],
    [label('Updated'), figure(counts.updated)],
    ['Unchanged', figure(counts.unchanged)],
    ['Skipped', figure(counts.skipped)],
    ['Failed', figure(counts.failed)],
  ]
  if (counts.deactivated > 0) facts.push([label('Deactivated'), figure(counts.deactivated)])
  return facts
}

function sampleLine(run: Run, { code, count, failure }: Sample): string {
  const meaning = isReasonCode(code) ? ` ${reasons[code].meaning}` : ''
  const head = `${code}${meaning}, ${counted(count, 'row')}`
  if (failure === undefined) return head
  const reason = failure.reasons.find((one) => one.code === code)
  const record = failure.raw ?? failure.cells.join(run.delimiter ?? ',')
  const sentence = reason === undefined ? '' : ` ${oneLine(reason.sentence, 2 * maxLine)}`
  return `${head}, such as line ${figure(failure.line)}:${sentence} [${oneLine(record, maxLine)}]`
}

function reasonBlocks({ run, samples }: RunStory): Block[] {
  if (samples.length === 0) return []
  const others = run.reasons.length - samples.length
  const items = samples.map((sample) => sampleLine(run, sample))
  if (others > 0) items.push(`and ${counted(others, 'other reason')}, in the report`)
  return [
    { kind: 'paragraph', text: 'The commonest reasons:' },
    { kind: 'list', items },
  ]
}

function assumptions(run: Run): Block[] {
  const items: string[] = []
  if (run.encoding !== null) items.push(`Encoding: ${run.encoding}`)
  if (run.delimiter !== null) {
    items.push(`Delimiter: ${delimiters[run.delimiter] ?? oneLine(run.delimiter, maxLine)}`)
  }
  if (run.ignoredColumns.length > 0) {
    const names = run.ignoredColumns.map((name) => `"${name}"`).join(', ')
    items.push(`Ignored columns: ${oneLine(names, 2 * maxLine)}`)
  }
  for (const { code, sentence } of run.notices.slice(0, maxNotices)) {
    items.push(`${code}: ${oneLine(sentence, 2 * maxLine)}`)
  }
  if (items.length === 0) return []
  return [
    { kind: 'paragraph', text: 'What was assumed:' },
    { kind: 'list', items },
  ]
}

function reportBlocks({ run, report }: RunStory): Block[] {
  if (report === null) return []
  const { filename, part } = report
  const where = `in the folder failed/ of the drop folder, as ${oneLine(filename, 255)}`
  if (part?.whole === true) {
    return [{ kind: 'paragraph', text: `The failed rows are attached, and lie ${where}.` }]
  }
  const attached =
    part === null
      ? 'The failed rows are too many for a mail.'
      : `Only the first ${figure(part.rows)} of ${counted(run.counts.failed, 'failed row')} are attached.`
  return [{ kind: 'paragraph', text: `${attached} The whole report lies ${where}.` }]
}

const correct =
  'What to do next: open the report, correct the cells (the import_error_ columns say what is wrong and may ' +
  'stay), save it as CSV and drop it in the drop folder as it is.'

const again = 'What to do next: upload the file again, or resume the upload.'

const silent =
  'No file has come for as long as the settings allow. What to do next: see whether the export still runs, and ' +
  'whether its login still works.'

const next: Readonly<Record<MailKind, (run: Run) => string>> = {
  failures: ({ counts }) =>
    `${correct} The other ${counted(counts.rows - counts.failed, 'row')} need nothing more.`,
  'dry-run': ({ counts }) => {
    const first = counts.failed === 0 ? '' : 'correct the rows, then '
    return `Nothing was changed. What to do next: ${first}drop the file in the drop folder itself, outside test/.`
  },
  rejected: (run) =>
    `No user was changed; the file is kept as bak/${baseName(archivePath(run, true))}. ` +
    'What to do next: put the file right and drop it again.',
  held: () =>
    'No user was changed. What to do next: approve or reject the file in the console within 72 hours; ' +
    'after that it is rejected. If the file is wrong, reject it and drop the right one.',
  incomplete: () => `No user was changed. ${again}`,
  completed: ({ counts }) => (counts.failed === 0 ? 'Nothing is left to do.' : correct),
  silence: () => `${silent} This was the last file.`,
  test: () => '',
}

function aboutRun(kind: MailKind, tenant: Tenant, story: RunStory): Block[] {
  const { run } = story
  const counts = kind === 'rejected' || kind === 'incomplete' ? [] : countFacts(run)
  const why: Block[] =
    run.fileReason === null
      ? []
      : [{ kind: 'paragraph', text: `${run.fileReason.code}: ${run.fileReason.sentence}` }]
  return [
    ...why,
    { kind: 'facts', facts: [...fileFacts(tenant, run), ...counts] },
    ...reasonBlocks(story),
    ...reportBlocks(story),
    { kind: 'paragraph', text: next[kind](run) },
    ...assumptions(run),
  ]
}

const aboutNoRun: Readonly<Record<MailKind, string>> = {
  failures: 'Rows failed; the reports lie in the folder failed/ of the drop folder.',
  rejected: 'A file was not imported; it lies in bak/.',
  held: 'A file is held; approve or reject it in the console.',
  completed: 'Files were imported.',
  silence: silent,
  'dry-run': 'A dry run is done; nothing was changed.',
  incomplete:
    'An upload ended before its file was complete; it was not imported. What to do next: upload the file again, or resume the upload.',
  test: 'Reply-to Admin Email Address and Failed Import Email work: failure reports will come like this mail.',
}

/** What a mail of `kind` says about `stories`; none for a mail that is about no run. */
export function contentOf(
  kind: MailKind,
  heading: string,
  tenant: Tenant,
  stories: readonly RunStory[],
): Block[] {
  const top: Block = { kind: 'heading', text: heading }
  const [first] = stories
  if (first === undefined) {
    const client: Block = { kind: 'facts', facts: [['Client', oneLine(tenant.name, maxLine)]] }
    return [top, client, { kind: 'paragraph', text: aboutNoRun[kind] }]
  }
  if (stories.length === 1) return [top, ...aboutRun(kind, tenant, first)]
  return [
    top,
    ...stories.flatMap((story): Block[] => [
      { kind: 'heading', text: oneLine(story.run.filename, maxLine) },
      ...aboutRun(kind, tenant, story),
    ]),
  ]
}
