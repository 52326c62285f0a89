import { fieldNames } from '../src/domain/format.ts'
import type { FieldName } from '../src/domain/format.ts'
import type { NumberedUser, UserReader } from '../src/domain/user-reader.ts'

// Hashes are not shown, and nobody has the passwords.
const written = fieldNames.filter((field) => field !== 'password')
// A page is read while others wait: 500 users take 3 ms.
const pageUsers = 500

const cell = (text: string): string =>
  /[",\r\n]/.test(text) || text.trim() !== text ? `"${text.replaceAll('"', '""')}"` : text

function cellOf(user: NumberedUser, field: Exclude<FieldName, 'password'>): string {
  if (field === 'status') return user.active ? 'active' : 'inactive'
  return cell(user.fields[field] ?? '')
}

/** The users as a file that imports as it is; read page by page, so that no number of users takes memory. */
export function usersCsv(
  open: () => Promise<Pick<UserReader, 'userList'> | undefined>,
  { active }: { active: boolean | undefined },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let after = 0
  return new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode(`\ufeff${written.join(',')}\r\n`))
    },
    async pull(controller) {
      // Opened anew: the roof keeps what is used, and may close what was not for a while.
      const users = await (
        await open()
      )?.userList({
        after,
        limit: pageUsers,
        ...(active === undefined ? {} : { active }),
      })
      const last = users?.at(-1)
      if (users === undefined || last === undefined) return controller.close()
      after = last.id
      const rows = users.map((user) => written.map((field) => cellOf(user, field)).join(','))
      controller.enqueue(encoder.encode(`${rows.join('\r\n')}\r\n`))
    },
  })
}
