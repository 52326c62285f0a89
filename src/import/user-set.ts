/** One bit for each user up to `lastId`. */
export function userSet(lastId: number): Uint8Array {
  return new Uint8Array((lastId >> 3) + 1)
}

/** Whether the user is in the set. */
export function has(users: Uint8Array, id: number): boolean {
  return ((users[id >> 3] ?? 0) & (1 << (id & 7))) !== 0
}

/** Users who are in `one` and in `other` or `another`; the sets are of one size. */
export function bothOf(one: Uint8Array, other: Uint8Array, another: Uint8Array): Uint8Array {
  return one.map((byte, index) => byte & ((other[index] ?? 0) | (another[index] ?? 0)))
}

/** How many users are in the set. */
export function sizeOf(users: Uint8Array): number {
  let size = 0
  for (const byte of users) {
    for (let bits = byte; bits !== 0; bits &= bits - 1) size += 1
  }
  return size
}

/** Puts the user into the set; true when it was there before. */
export function mark(users: Uint8Array, id: number): boolean {
  const before = users[id >> 3] ?? 0
  const after = before | (1 << (id & 7))
  users[id >> 3] = after
  return before === after
}
