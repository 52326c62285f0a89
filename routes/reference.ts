import { html, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import { openApiDocument } from './openapi.ts'
import type { Json } from './openapi.ts'

type Html = HtmlEscapedString | Promise<HtmlEscapedString>

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0 auto; max-width: 60rem; padding: 1rem }
h1, h2, h3 { line-height: 1.2; overflow-wrap: anywhere }
h3 { margin: 2.5rem 0 0 }
code, pre { font-family: ui-monospace, monospace; font-size: .875em }
pre { border: 1px solid #8884; border-radius: .375rem; max-height: 30rem; overflow: auto; padding: .75rem }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #8884; overflow-wrap: anywhere; padding: .25rem .5rem; text-align: left; vertical-align: top }
nav ul { columns: 18rem; list-style: none; padding: 0 }
a { color: inherit }
`

const object = (value: unknown): Json => Object(value)
const list = (value: unknown): Json[] => (Array.isArray(value) ? value.map(object) : [])
const text = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
const pretty = (value: unknown): string => JSON.stringify(value, null, 2)

function schemaText(schema: unknown): Html {
  const { $ref, type, enum: words } = object(schema)
  const name = text($ref).split('/').at(-1) ?? ''
  if (name !== '') return html`<a href="#${name}">${name}</a>`
  return Array.isArray(words)
    ? html`${words.map(text).join(', ')}`
    : html`${Array.isArray(type) ? type.join(' or ') : text(type)}`
}

function parametersTable(parameters: Json[]): Html {
  if (parameters.length === 0) return html``
  return html`<table>
    <thead>
      <tr>
        <th scope="col">parameter</th>
        <th scope="col">in</th>
        <th scope="col">value</th>
        <th scope="col">meaning</th>
      </tr>
    </thead>
    <tbody>
      ${parameters.map(
        (one) =>
          html`<tr>
            <td><code>${text(one['name'])}</code>${one['required'] === true ? ' (needed)' : ''}</td>
            <td>${text(one['in'])}</td>
            <td>${schemaText(one['schema'])}</td>
            <td>${text(one['description'])}</td>
          </tr>`,
      )}
    </tbody>
  </table>`
}

function contentTypes(content: unknown): Html[] {
  return Object.entries(object(content)).map(
    ([type, body]) => html`<code>${type}</code> ${schemaText(object(body)['schema'])} `,
  )
}

function bodyBlock(body: unknown): Html {
  if (body === undefined) return html``
  const { content } = object(body)
  const [example] = Object.values(object(content)).map((one) => object(one)['example'])
  return html`<p>Body: ${contentTypes(content)}</p>
    ${
      example === undefined
        ? ''
        : html`<pre tabindex="0">${typeof example === 'string' ? example : pretty(example)}</pre>`
    }`
}

function operationBlock(path: string, method: string, operation: Json): Html {
  return html`<h3 id="${text(operation['operationId'])}">
      <code>${method.toUpperCase()} ${path}</code>
    </h3>
    <p>${text(operation['summary'])}. ${text(operation['description'])}</p>
    ${parametersTable(list(operation['parameters']))} ${bodyBlock(operation['requestBody'])}
    <table>
      <thead>
        <tr>
          <th scope="col">status</th>
          <th scope="col">meaning</th>
          <th scope="col">body</th>
        </tr>
      </thead>
      <tbody>
        ${Object.entries(object(operation['responses'])).map(
          ([status, answer]) =>
            html`<tr>
              <td>${status}</td>
              <td>${text(object(answer)['description'])}</td>
              <td>${contentTypes(object(answer)['content'])}</td>
            </tr>`,
        )}
      </tbody>
    </table>`
}

/** The document as one page that loads nothing. */
function referencePage(document: Json): Html {
  const operations = Object.entries(object(document['paths'])).flatMap(([path, methods]) =>
    Object.entries(object(methods)).map(([method, one]) => ({ path, method, one: object(one) })),
  )
  const { schemas } = object(document['components'])
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>HTTP interface of Rosterdrop</title>
        <style>
          ${raw(style)}
        </style>
      </head>
      <body>
        <main>
          <h1>HTTP interface</h1>
          <p>${text(object(document['info'])['description'])}</p>
          <p>
            Send <code>Authorization: Bearer rd_…</code>. For programs:
            <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).
          </p>
          <nav aria-label="Routes">
            <ul>
              ${operations.map(
                ({ path, method, one }) =>
                  html`<li>
                    <a href="#${text(one['operationId'])}"
                      ><code>${method.toUpperCase()} ${path}</code></a
                    >
                  </li>`,
              )}
            </ul>
          </nav>
          <h2>Routes</h2>
          ${operations.map(({ path, method, one }) => operationBlock(path, method, one))}
          <h2>Schemas</h2>
          ${Object.entries(object(schemas)).map(
            ([name, schema]) =>
              html`<h3 id="${name}">${name}</h3>
                <pre tabindex="0">${pretty(schema)}</pre>`,
          )}
        </main>
      </body>
    </html>`
}

/** The source of the page's one style element, as a CSP names it. */
async function styleHash(page: string): Promise<string> {
  const source = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? ''
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(source))
  return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`
}

/** `/openapi.json` and `/docs`, of `others` and of themselves. */
export function reference(others: readonly Endpoint[]): Endpoint[] {
  const endpoints: Endpoint[] = [...others]
  let document: Json | undefined
  let page: Promise<{ text: string; policy: string }> | undefined
  const made = (): Json => (document ??= openApiDocument(endpoints))

  async function pageOf(): Promise<{ text: string; policy: string }> {
    const shown = (await referencePage(made())).toString()
    const policy = `default-src 'none'; style-src ${await styleHash(shown)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
    return { text: shown, policy }
  }

  const own = [
    endpoint(
      'GET /openapi.json',
      {
        summary: 'This interface as OpenAPI 3.1',
        answers: {
          200: {
            description: 'The document',
            schema: z.looseObject({ openapi: z.string() }).meta({ id: 'OpenApi' }),
          },
        },
        example: { status: 200 },
      },
      ({ context }) => context.json(made()),
    ),
    endpoint(
      'GET /docs',
      {
        summary: 'The same as a page; it loads nothing',
        answers: { 200: { description: 'The page', type: 'text/html' } },
        example: { status: 200 },
      },
      async ({ context }) => {
        page ??= pageOf()
        const { text: shown, policy } = await page
        return context.html(shown, 200, { 'content-security-policy': policy })
      },
    ),
  ]
  endpoints.push(...own)
  return own
}
