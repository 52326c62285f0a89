/**
 * A text of a peer as it can be stored: PostgreSQL has no room for a NUL, and Deno's node:sqlite reads no further than one.
 */
export const withoutNul = (text: string): string => text.replaceAll('\0', '\uFFFD')
