import { AppError } from './error.ts'

/** A mailbox as the mail library wants it: never one string, which it would parse. */
export interface Address {
  name: string
  address: string
}

// RFC 5321 section 4.5.3.1: 64 for the local part, 254 for what fits between < and >.
const maxLocal = 64
const maxAddress = 254
const maxName = 100

const addressShape =
  /^[^\s@<>()[\]\\,;:"\p{Cc}\p{Cf}]+@[\p{L}\p{N}](?:[\p{L}\p{N}.-]*[\p{L}\p{N}])?$/u
const withName = /^(.*?)<([^<>]*)>$/

/**
 * Reads `user@example.com` or `Some Name <user@example.com>`.
 *
 * Throws AppError `invalid` for anything else, above all for line breaks and for a second address.
 */
export function parseAddress(text: string): Address {
  const named = withName.exec(text.trim())
  const address = (named?.[2] ?? text).trim()
  const name = (named?.[1] ?? '').trim().replace(/^"(.*)"$/, '$1')
  const local = address.slice(0, address.lastIndexOf('@'))
  if (
    !addressShape.test(address) ||
    address.includes('..') ||
    address.length > maxAddress ||
    local.length > maxLocal ||
    name.length > maxName ||
    /[\p{Cc}\p{Cf}<>]/u.test(name)
  ) {
    const shown = text.replace(/[\p{Cc}\p{Cf}]/gu, ' ').slice(0, maxName)
    throw new AppError(
      'invalid',
      `Cannot use "${shown}" as a mail address: it is not one address, something like user@example.com is needed`,
    )
  }
  return { name, address }
}

/** True when `text` is one mail address, with or without a name. */
export function isMailAddress(text: string): boolean {
  try {
    return parseAddress(text).address !== ''
  } catch {
    return false
  }
}
