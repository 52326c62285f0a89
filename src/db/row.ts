/** A row as the database gives it; the readers below turn its columns into the types that the schema promises. */
export type Row = Readonly<Record<string, unknown>>

export function text(row: Row, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw new TypeError(`Column ${column} is not text`)
  return value
}

export function optionalText(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column)
}

export function number(row: Row, column: string): number {
  const value = row[column]
  if (typeof value !== 'number') throw new TypeError(`Column ${column} is not a number`)
  return value
}

export function optionalNumber(row: Row, column: string): number | null {
  return row[column] === null ? null : number(row, column)
}

/** One of a closed set of words. */
export function word<const T extends string>(row: Row, column: string, words: readonly T[]): T {
  const value = text(row, column)
  const found = words.find((candidate) => candidate === value)
  if (found === undefined) throw new TypeError(`Column ${column} holds the unknown word ${value}`)
  return found
}

/** JSON that this program wrote itself into `column`, in the type that it was written from. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the schema, not the caller, gives the type
export function json<T>(row: Row, column: string): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this program alone
  return JSON.parse(text(row, column)) as T
}
