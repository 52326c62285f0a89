/** A mail's body before it is text or HTML. */
export type Block =
  | { kind: 'heading'; text: string }
  | { kind: 'paragraph'; text: string }
  | { kind: 'facts'; facts: readonly (readonly [label: string, value: string])[] }
  | { kind: 'list'; items: readonly string[] }

const closing = [
  'This mail was sent by a machine. Answers reach the person named as its sender.',
] as const

function blockText(block: Block): string {
  if (block.kind === 'heading') {
    return `${block.text}\n${'='.repeat(Math.min(block.text.length, 76))}`
  }
  if (block.kind === 'paragraph') return block.text
  if (block.kind === 'list') return block.items.map((item) => `- ${item}`).join('\n')
  const width = Math.max(0, ...block.facts.map(([label]) => label.length)) + 2
  return block.facts.map(([label, value]) => `${`${label}:`.padEnd(width)}${value}`).join('\n')
}

/** The letter as plain text. */
export function asText(blocks: readonly Block[]): string {
  return `${blocks.map(blockText).join('\n\n')}\n\n-- \n${closing.join('\n')}\n`
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** `text` as HTML shows it, in elements and in attributes. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

const cell = 'style="padding:2px 12px 2px 0;text-align:left;vertical-align:top"'

function blockHtml(block: Block): string {
  if (block.kind === 'heading') return `<h2 style="font-size:18px">${escapeHtml(block.text)}</h2>`
  if (block.kind === 'paragraph') return `<p>${escapeHtml(block.text)}</p>`
  if (block.kind === 'list') {
    return `<ul>${block.items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</ul>`
  }
  const rows = block.facts.map(
    ([label, value]) =>
      `<tr><th ${cell}>${escapeHtml(label)}</th><td ${cell}>${escapeHtml(value)}</td></tr>`,
  )
  return `<table style="border-collapse:collapse">${rows.join('')}</table>`
}

/** The letter as one HTML document that loads nothing. */
export function asHtml(blocks: readonly Block[]): string {
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"></head>',
    '<body style="font-family:sans-serif;font-size:14px;line-height:1.5">',
    ...blocks.map(blockHtml),
    `<p style="color:#555">${closing.map(escapeHtml).join('<br>')}</p>`,
    '</body></html>',
  ].join('\n')
}
