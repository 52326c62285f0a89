/** Every limit of a drop session and of the door, each with its reason (spec/promises.md). */
export const defaultLimits = {
  /** Milliseconds from connecting to a login: an honest client needs one or two seconds. */
  loginDeadlineMs: 30_000,
  /** Wrong passwords of one connection: a person mistypes twice, a guesser has to come again. */
  wrongPasswords: 3,
  /** Milliseconds before each refusal, so that guessing is slow whatever the hash costs. */
  refusalDelayMs: 1_000,
  /** Penalty that a failed login adds to its address, in milliseconds. */
  penaltyStepMs: 5_000,
  /** A penalty below this is not enforced: three mistakes are forgiven. */
  penaltyEnforcedMs: 15_000,
  /** No penalty is longer: a client behind a shared address gets in again after a coffee. */
  penaltyMostMs: 600_000,
  /** Addresses with a penalty; the oldest is forgotten beyond that: a flood costs bounded memory. */
  penaltySources: 65_536,
  /** Failed logins of one name, from wherever, that nobody is slowed down for. */
  nameForgiven: 10,
  /** Each further one makes the next password for that name wait so much longer, in milliseconds … */
  nameStepMs: 1_000,
  /** … up to this: a lock instead would let anyone keep a client out. */
  nameMostMs: 30_000,
  /** One failed login of a name is forgotten in this time. */
  nameForgetMs: 10_000,
  /** Milliseconds of the login deadline that no delay takes: the honest answer must still get through. */
  nameLeavesMs: 3_000,
  /** Not yet logged in: from here on a growing share is refused … */
  startupsBegin: 10,
  /** … of this many in a hundred at first … */
  startupsRate: 30,
  /** … and all from here on (sshd's MaxStartups). */
  startupsFull: 100,
  /** Connections of one address: an office behind one address has a few clients. */
  connectionsPerAddress: 20,
  /** Sessions of one account: the most that a parallel client opens. */
  sessionsPerAccount: 8,
  /** Open files of one session: what a client reads ahead and writes behind. */
  handles: 64,
  /** Bytes of one file: the importer takes no larger one (file-format.md section 1). */
  fileBytes: 2 ** 30,
  /** Files of one client, `bak/` and `failed/` aside: a listing stays quick. */
  files: 10_000,
  /** Bytes of one client, `bak/` and `failed/` aside: one client cannot fill the disk. */
  clientBytes: 10 * 2 ** 30,
  /** Free bytes of the disk below which no upload begins: databases and logs need room (P10). */
  freeBytes: 256 * 2 ** 20,
  /** Milliseconds between two looks at the accounts of open sessions: one that is disabled is out as soon. */
  rollCallMs: 1_000,
  /** Password hashes at once: each takes a thread of the pool for 25 ms that file writes need too. */
  hashes: 2,
  /** Milliseconds for which a verified password is not hashed again: pollers log in every minute. */
  rememberMs: 60_000,
  /** Milliseconds for which an address that a name has logged in from counts as known: a day of pollers. */
  knownMs: 86_400_000,
  /** Verified logins, and known addresses, that are remembered. */
  remembered: 10_000,
  /** Bytes of a password that are looked at: hashing a megabyte is work that a guesser would give us. */
  passwordBytes: 1_024,
  /** Hours that a cut upload is kept for resuming. */
  incompleteHours: 24,
} as const

export type DropLimits = { readonly [K in keyof typeof defaultLimits]: number }
