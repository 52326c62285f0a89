CREATE TABLE users (
  id INTEGER PRIMARY KEY,
  UserUUID TEXT,
  email TEXT,
  username TEXT,
  firstName TEXT,
  middleName TEXT,
  lastName TEXT,
  userType TEXT,
  loginSource TEXT,
  street TEXT,
  street2 TEXT,
  city TEXT,
  city2 TEXT,
  prov TEXT,
  prov2 TEXT,
  postalCode TEXT,
  postalCode2 TEXT,
  phoneCell TEXT,
  employeeNo TEXT,
  employeePhone TEXT,
  studentNo TEXT,
  studentPhone TEXT,
  dateOfBirth TEXT,
  licenceNo TEXT,
  licenceProv TEXT,
  lockerUserType TEXT,
  active INTEGER NOT NULL,
  password_hash TEXT,
  -- Lower case, NFC: what email and username are compared by.
  email_key TEXT,
  username_key TEXT,
  created_run INTEGER NOT NULL,
  changed_run INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  -- Number of the commit that last changed the user: grows, and is the same for all users of one commit.
  change INTEGER NOT NULL
) STRICT;
CREATE INDEX users_by_change ON users (change);
-- Few mostly: searched for among many.
CREATE INDEX users_inactive ON users (active) WHERE active = 0;
CREATE UNIQUE INDEX users_by_uuid ON users (UserUUID) WHERE UserUUID IS NOT NULL;
CREATE UNIQUE INDEX users_by_email ON users (email_key) WHERE email_key IS NOT NULL;
CREATE UNIQUE INDEX users_by_username ON users (username_key) WHERE username_key IS NOT NULL;

-- Commits that changed users, and when.
CREATE TABLE changes (
  change INTEGER PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT;

-- Users that are gone because the import that made them was reverted: what they were, for those who follow changes.
CREATE TABLE removed_users (
  change INTEGER NOT NULL,
  id INTEGER NOT NULL,
  UserUUID TEXT,
  email TEXT,
  username TEXT,
  PRIMARY KEY (change, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger (
  seq INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL
) STRICT;

CREATE TABLE failures (
  run INTEGER NOT NULL,
  line INTEGER NOT NULL,
  -- `;9019;9030;`
  codes TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (run, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE before_images (
  run INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (run, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE deferred (
  run INTEGER NOT NULL,
  line INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (run, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE verdicts (
  run INTEGER NOT NULL,
  line INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (run, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE presence (
  run INTEGER PRIMARY KEY,
  users BLOB NOT NULL
) STRICT;

-- Fingerprints of the records that users were last imported from: 8,192 floats a row, by user id; 0: none, or
-- edited since. Packed, because reading them user by user takes three times as long.
CREATE TABLE fingerprints (
  chunk INTEGER PRIMARY KEY,
  entries BLOB NOT NULL
) STRICT;

CREATE TABLE facts (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
