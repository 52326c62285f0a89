-- The directories of all tenants: each tenant has a number here, and every key begins with it.
CREATE TABLE directories (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id text COLLATE "C" NOT NULL UNIQUE,
  -- The run that last changed a user.
  changed_by text
);

CREATE TABLE users (
  directory integer NOT NULL,
  id integer NOT NULL,
  active integer NOT NULL,
  created_run bigint NOT NULL,
  changed_run bigint NOT NULL,
  created_at bigint NOT NULL,
  changed_at bigint NOT NULL,
  -- Number of the commit that last changed the user: grows, and is the same for all users of one commit.
  change integer NOT NULL,
  "UserUUID" text COLLATE "C",
  "email" text COLLATE "C",
  "username" text COLLATE "C",
  "firstName" text COLLATE "C",
  "middleName" text COLLATE "C",
  "lastName" text COLLATE "C",
  "userType" text COLLATE "C",
  "loginSource" text COLLATE "C",
  "street" text COLLATE "C",
  "street2" text COLLATE "C",
  "city" text COLLATE "C",
  "city2" text COLLATE "C",
  "prov" text COLLATE "C",
  "prov2" text COLLATE "C",
  "postalCode" text COLLATE "C",
  "postalCode2" text COLLATE "C",
  "phoneCell" text COLLATE "C",
  "employeeNo" text COLLATE "C",
  "employeePhone" text COLLATE "C",
  "studentNo" text COLLATE "C",
  "studentPhone" text COLLATE "C",
  "dateOfBirth" text COLLATE "C",
  "licenceNo" text COLLATE "C",
  "licenceProv" text COLLATE "C",
  "lockerUserType" text COLLATE "C",
  password_hash text,
  -- Lower case, NFC: what email and username are compared by.
  email_key text COLLATE "C",
  username_key text COLLATE "C",
  PRIMARY KEY (directory, id)
) WITH (fillfactor = 90);
CREATE INDEX users_by_change ON users (directory, change, id);
-- Few mostly: searched for among many.
CREATE INDEX users_inactive ON users (directory, id) WHERE active = 0;
CREATE UNIQUE INDEX users_by_uuid ON users (directory, "UserUUID");
CREATE UNIQUE INDEX users_by_email ON users (directory, email_key);
CREATE UNIQUE INDEX users_by_username ON users (directory, username_key);

-- Commits that changed users, and when.
CREATE TABLE changes (
  directory integer NOT NULL,
  change integer NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (directory, change)
);

-- Users that are gone because the import that made them was reverted: what they were, for those who follow changes.
CREATE TABLE removed_users (
  directory integer NOT NULL,
  change integer NOT NULL,
  id integer NOT NULL,
  "UserUUID" text COLLATE "C",
  email text COLLATE "C",
  username text COLLATE "C",
  PRIMARY KEY (directory, change, id)
);

CREATE TABLE ledger (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  directory integer NOT NULL REFERENCES directories (id),
  run_id text COLLATE "C" NOT NULL,
  state text NOT NULL,
  UNIQUE (directory, run_id)
);

CREATE TABLE failures (
  run bigint NOT NULL,
  line integer NOT NULL,
  -- `;9019;9030;`
  codes text NOT NULL,
  -- 1: the record could not be split.
  raw integer NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (run, line)
);

-- What users had before a run changed them. In columns: as JSON it takes as long as the change itself.
CREATE TABLE before_images (
  run bigint NOT NULL,
  user_id integer NOT NULL,
  active integer NOT NULL,
  changed_run bigint NOT NULL,
  changed_at bigint NOT NULL,
  "UserUUID" text COLLATE "C",
  "email" text COLLATE "C",
  "username" text COLLATE "C",
  "firstName" text COLLATE "C",
  "middleName" text COLLATE "C",
  "lastName" text COLLATE "C",
  "userType" text COLLATE "C",
  "loginSource" text COLLATE "C",
  "street" text COLLATE "C",
  "street2" text COLLATE "C",
  "city" text COLLATE "C",
  "city2" text COLLATE "C",
  "prov" text COLLATE "C",
  "prov2" text COLLATE "C",
  "postalCode" text COLLATE "C",
  "postalCode2" text COLLATE "C",
  "phoneCell" text COLLATE "C",
  "employeeNo" text COLLATE "C",
  "employeePhone" text COLLATE "C",
  "studentNo" text COLLATE "C",
  "studentPhone" text COLLATE "C",
  "dateOfBirth" text COLLATE "C",
  "licenceNo" text COLLATE "C",
  "licenceProv" text COLLATE "C",
  "lockerUserType" text COLLATE "C",
  email_key text COLLATE "C",
  username_key text COLLATE "C",
  PRIMARY KEY (run, user_id)
);

CREATE TABLE deferred (
  run bigint NOT NULL,
  line integer NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (run, line)
);

CREATE TABLE verdicts (
  run bigint NOT NULL,
  line integer NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (run, line)
);

CREATE TABLE presence (
  run bigint PRIMARY KEY,
  users bytea NOT NULL
);

-- Fingerprints of the records that users were last imported from: 8,192 floats a row, by user id; 0: none, or
-- edited since. Not compressed: hashes are noise.
CREATE TABLE fingerprints (
  directory integer NOT NULL,
  chunk integer NOT NULL,
  entries bytea NOT NULL,
  PRIMARY KEY (directory, chunk)
);
ALTER TABLE fingerprints ALTER COLUMN entries SET STORAGE EXTERNAL;
