import { iconFile } from './icon.ts'
import { page } from './page.ts'
import type { ConsolePage } from './page.ts'
import { AppError } from '../../src/domain/error.ts'
import { script } from './script.ts'
import { styleBase } from './style-base.ts'
import { styleParts } from './style-parts.ts'
import { styleData } from './style-data.ts'
import { styleTokens } from './style-tokens.ts'

interface Asset {
  type: string
  text: string
  version: string
}

function asset(type: string, text: string): Asset {
  return { type, text, version: versionOf(text) }
}

// Any change of the text gives another address, so that browsers keep each for good.
function versionOf(text: string): string {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  }
  return (hash >>> 0).toString(36)
}

const files = {
  'console.css': asset(
    'text/css; charset=utf-8',
    `${styleTokens}${styleBase}${styleParts}${styleData}`,
  ),
  'console.js': asset('text/javascript; charset=utf-8', script),
  'icon.svg': asset('image/svg+xml', iconFile),
} as const

type AssetName = keyof typeof files

/** Where a page finds `name`, with its version. */
export function assetPath(name: AssetName): string {
  return `/console/assets/${name}?v=${files[name].version}`
}

/** The style sheet, the script and the icon of the console. */
export function assets(): ConsolePage[] {
  return [
    page('GET /console/assets/:name', ({ context, param }) => {
      const name = Object.keys(files).find((known): known is AssetName => known === param('name'))
      if (name === undefined) throw new AppError('not_found', 'There is no such file')
      const { type, text } = files[name]
      return context.body(text, 200, {
        'content-type': type,
        'cache-control': 'public, max-age=31536000, immutable',
      })
    }),
  ]
}
