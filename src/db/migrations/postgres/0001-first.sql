-- Texts that are compared byte by byte, as SQLite does it and as ids are made to be sorted.
CREATE TABLE tenants (
  id text COLLATE "C" PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  settings text NOT NULL,
  settings_version bigint NOT NULL,
  user_types text NOT NULL,
  login_sources text NOT NULL,
  created_at bigint NOT NULL
);

CREATE TABLE accounts (
  id text COLLATE "C" PRIMARY KEY,
  tenant_id text COLLATE "C" NOT NULL REFERENCES tenants (id),
  name text COLLATE "C" NOT NULL UNIQUE,
  password_hash text,
  keys text NOT NULL,
  protocols text NOT NULL,
  allowed_networks text NOT NULL,
  expires_at bigint,
  disabled integer NOT NULL,
  created_at bigint NOT NULL,
  last_login_at bigint
);
CREATE INDEX accounts_by_tenant ON accounts (tenant_id, name);

CREATE TABLE tokens (
  id text COLLATE "C" PRIMARY KEY,
  tenant_id text COLLATE "C" REFERENCES tenants (id),
  scope text NOT NULL,
  name text NOT NULL,
  hash text COLLATE "C" NOT NULL UNIQUE,
  created_at bigint NOT NULL,
  expires_at bigint,
  last_used_at bigint,
  revoked_at bigint
);
CREATE INDEX tokens_by_tenant ON tokens (tenant_id);

CREATE TABLE sessions (
  hash text COLLATE "C" PRIMARY KEY,
  kind text NOT NULL,
  scope text NOT NULL,
  tenant_id text COLLATE "C" REFERENCES tenants (id),
  token_hash text,
  name text NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE drops (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  tenant_id text COLLATE "C" NOT NULL REFERENCES tenants (id),
  path text COLLATE "C" NOT NULL,
  folder text NOT NULL,
  filename text COLLATE "C" NOT NULL,
  size_bytes bigint NOT NULL,
  sha256 text,
  source text NOT NULL,
  actor text,
  committed_at bigint NOT NULL,
  ready_at bigint NOT NULL
);
-- A path may be longer than an index entry: its digest stands for it.
CREATE UNIQUE INDEX drops_by_path ON drops (tenant_id, md5(path));
CREATE INDEX drops_by_ready ON drops (ready_at);
CREATE INDEX drops_by_tenant ON drops (tenant_id, seq);

CREATE TABLE runs (
  -- In the order of the claims, whatever the clocks of the processes say.
  seq bigint GENERATED ALWAYS AS IDENTITY,
  id text COLLATE "C" PRIMARY KEY,
  tenant_id text COLLATE "C" NOT NULL REFERENCES tenants (id),
  filename text COLLATE "C" NOT NULL,
  source text NOT NULL,
  state text NOT NULL,
  dry_run integer NOT NULL,
  sha256 text,
  created_at bigint NOT NULL,
  finished_at bigint,
  archived_at bigint,
  version bigint NOT NULL,
  row_count bigint NOT NULL,
  failed bigint NOT NULL,
  -- JSON as text: PostgreSQL's own JSON has no room for the NULs that a client's names and cells may hold.
  body text NOT NULL
);
CREATE INDEX runs_by_tenant ON runs (tenant_id, id);
CREATE INDEX runs_by_state ON runs (state, id);
CREATE INDEX runs_by_time ON runs (tenant_id, created_at);
CREATE INDEX runs_not_archived ON runs (id) WHERE archived_at IS NULL;
CREATE INDEX runs_imported ON runs (tenant_id, finished_at)
  WHERE dry_run = 0 AND state IN ('completed', 'completed_with_failures');

CREATE TABLE outbox (
  id text COLLATE "C" PRIMARY KEY,
  tenant_id text COLLATE "C" NOT NULL REFERENCES tenants (id),
  run_id text COLLATE "C",
  kind text NOT NULL,
  message_id text COLLATE "C" NOT NULL UNIQUE,
  state text NOT NULL,
  attempts integer NOT NULL,
  next_attempt_at bigint NOT NULL,
  created_at bigint NOT NULL,
  sent_at bigint,
  last_answer text,
  path text,
  subject text
);
CREATE UNIQUE INDEX outbox_once ON outbox (run_id, kind) WHERE run_id IS NOT NULL;
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE state = 'queued';
CREATE INDEX outbox_by_tenant ON outbox (tenant_id, id);

CREATE TABLE audit (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  tenant_id text COLLATE "C",
  event text NOT NULL,
  actor text,
  address text,
  protocol text,
  client_version text,
  path text,
  bytes bigint,
  detail text
);
CREATE INDEX audit_by_tenant ON audit (tenant_id, seq);

CREATE TABLE idempotency (
  tenant_id text COLLATE "C" NOT NULL REFERENCES tenants (id),
  key text COLLATE "C" NOT NULL,
  fingerprint text NOT NULL,
  run_id text NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (tenant_id, key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- What every process must have the same of: the SFTP host key.
CREATE TABLE secrets (
  name text COLLATE "C" PRIMARY KEY,
  value text NOT NULL
);

-- When it was last somebody's turn to do what one process does for all.
CREATE TABLE turns (
  what text COLLATE "C" PRIMARY KEY,
  at timestamptz NOT NULL
);

-- What wakes the other processes up: `rosterdrop` with the name of the table as its text.
CREATE FUNCTION rosterdrop_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('rosterdrop', TG_TABLE_NAME);
  RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT ON drops FOR EACH STATEMENT EXECUTE FUNCTION rosterdrop_tell();
CREATE TRIGGER tell AFTER INSERT OR UPDATE OF state ON runs FOR EACH STATEMENT EXECUTE FUNCTION rosterdrop_tell();
CREATE TRIGGER tell AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION rosterdrop_tell();
