import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { apiDocument } from './api-document.ts'
import { clientSource } from './client-source.ts'
import { commands } from './cli.ts'
import { formatPages } from './commands/docs-generate.ts'
import { options } from './config.ts'
import { metricRows } from './observe/metrics.ts'

// The processors of the machine that writes the page must not stand in it.
const shownDefaults: Readonly<Record<string, string>> = {
  IMPORT_WORKERS: 'processors less one',
}

/** docs/configuration.md, from the table of options. */
function configurationPage(): string {
  const rows = Object.values(options).map(({ name, fallback, sentence }) => {
    const shown = shownDefaults[name] ?? (fallback === '' ? '' : `\`${fallback}\``)
    return `| \`${name}\` | ${shown} | ${sentence} |`
  })
  return `# Configuration

Rosterdrop reads environment variables and nothing else; an empty one means its default. A variable that cannot be used stops the start with
one message that names all of them. [examples/server.env](../examples/server.env) has each at its default.

| variable | default | meaning |
| --- | --- | --- |
${rows.join('\n')}

What belongs to one client (mail settings, mode, required fields, columns) is not configuration but a setting:
\`rosterdrop tenant add\` and \`PATCH /settings\` change it while the server runs.

*Made from the table in src/config.ts by \`npm run docs\`.*
`
}

/** examples/server.env: every option, commented, at its default. */
function serverEnv(): string {
  const entries = Object.values(options).map(
    ({ name, fallback, sentence }) =>
      `# ${sentence}\n#${name}=${shownDefaults[name] === undefined ? fallback : ''}\n`,
  )
  return `# Every option at its default. Take the # away from those that you change.\n\n${entries.join('\n')}`
}

/** docs/cli.md, from the table of commands. */
function cliPage(): string {
  const sections = commands.map(({ name, usage, sentence }) =>
    `## ${name}\n\n\`\`\`\nrosterdrop ${name} ${usage}`
      .trimEnd()
      .concat(`\n\`\`\`\n\n${sentence}.\n`),
  )
  return `# Commands

In a clone: \`npm run rosterdrop -- COMMAND\`. In the container: \`rosterdrop COMMAND\`. Each reads the same
[configuration](configuration.md) as the server and may run beside it. Exit code 0: done; 1: refused, and why;
2: the words were off, and the usage.

${sections.join('\n')}
*Made from the table in src/cli.ts by \`npm run docs\`.*
`
}

/** docs/operations.md with its table of metrics; the rest of the page is written by hand. */
function operationsPage(): string {
  const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'operations.md'), 'utf8')
  const table = [
    '| metric | kind | labels | meaning |',
    '| --- | --- | --- | --- |',
    ...metricRows(),
  ]
  return page.replace(
    /(<!-- metrics -->\n)[\s\S]*(<!-- \/metrics -->)/,
    (_, start: string, end: string) => `${start}${table.join('\n')}\n${end}`,
  )
}

/** Every page that is made from a table of the code, by its path in the repository. */
export function generatedPages(): Record<string, string> {
  return {
    'docs/configuration.md': configurationPage(),
    'docs/cli.md': cliPage(),
    'examples/client.ts': clientSource(apiDocument()),
    'docs/operations.md': operationsPage(),
    'examples/server.env': serverEnv(),
    ...formatPages(),
  }
}
