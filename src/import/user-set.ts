/** One bit for each user up to `lastId`. */
export function userSet(lastId: number): Uint8Array {
  return new Uint8Array((lastId >> 3) + 1)
}

/** Whether the user is in the set. */
export function has(users: Uint8Array, id: number): boolean {
  return ((users[id >> 3] ?? 0) & (1 << (id & 7))) !== 0
}

/** Puts the user into the set; true when it was there before. */
export function mark(users: Uint8Array, id: number): boolean {
  const before = users[id >> 3] ?? 0
  const after = before | (1 << (id & 7))
  users[id >> 3] = after
  return before === after
}
