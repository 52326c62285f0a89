import type { DirectoryUser } from './directory.ts'
import type { StoredField } from './user.ts'

/** A user with its number in its directory. */
export interface NumberedUser extends DirectoryUser {
  id: number
}

export interface UserFilter {
  /** Users with a higher number; they come in the order of their numbers. */
  after?: number
  limit: number
  active?: boolean
  /** As `comparisonKey` makes it. */
  emailKey?: string
}

/** Where one has come to in the changes: numbers of the commit and of the user. */
export interface ChangePlace {
  change: number
  id: number
}

/** The last change of a user: the user as it is now, or what is known of one that is gone. */
export type UserChange = ChangePlace &
  (
    | { kind: 'stored'; user: NumberedUser }
    | {
        kind: 'removed'
        /** When. */
        at: number
        UserUUID: string | null
        email: string | null
        username: string | null
      }
  )

/** A run that changed a user, and what the user had before; null: the run created it. */
export interface UserVersion {
  runId: string
  before: (Record<StoredField, string | null> & { active: boolean }) | null
}

/**
 * The users of one tenant as others read them, beside the import that writes them; `src/db/` fills it.
 *
 * What a call reads is what is committed: each commit of an import shows as a whole.
 */
export interface UserReader {
  userList(filter: UserFilter): Promise<NumberedUser[]>
  userByUuid(uuid: string): Promise<NumberedUser | undefined>
  /**
   * Users whose email, username, UserUUID, last name, or both names in any order begin with `text`; the first ones
   * only, by email first. Names are known from the end of an import on (`Directory.enterNames`).
   */
  searchUsers(text: string, options: { limit: number; active?: boolean }): Promise<NumberedUser[]>
  /**
   * The last change of each user, after a place, in the order of the commits. A user that changes again moves
   * behind the place, so that who goes on from the last place sees each change once.
   */
  userChanges(after: ChangePlace, limit: number): Promise<UserChange[]>
  /** Number of the last commit before `time`; 0 when there was none. */
  changeBefore(time: number): Promise<number>
  /** The first active users that the full file of a run lacks, as far as they were not set inactive yet. */
  absentUsers(runId: string, limit: number): Promise<NumberedUser[]>
  /** Runs that changed the user, newest first. */
  userHistory(id: number, limit: number): Promise<UserVersion[]>
  close(): Promise<void>
}
