CREATE TABLE tenants (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  settings TEXT NOT NULL,
  settings_version INTEGER NOT NULL,
  user_types TEXT NOT NULL,
  login_sources TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  name TEXT NOT NULL UNIQUE,
  password_hash TEXT,
  keys TEXT NOT NULL,
  protocols TEXT NOT NULL,
  allowed_networks TEXT NOT NULL,
  expires_at INTEGER,
  disabled INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  last_login_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_by_tenant ON accounts (tenant_id, name);

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  tenant_id TEXT REFERENCES tenants (id),
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  last_used_at INTEGER,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_tenant ON tokens (tenant_id);

CREATE TABLE drops (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  path TEXT NOT NULL,
  folder TEXT NOT NULL,
  filename TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  sha256 TEXT,
  source TEXT NOT NULL,
  actor TEXT,
  committed_at INTEGER NOT NULL,
  ready_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX drops_by_path ON drops (tenant_id, path);
CREATE INDEX drops_by_ready ON drops (ready_at);

CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  filename TEXT NOT NULL,
  source TEXT NOT NULL,
  state TEXT NOT NULL,
  dry_run INTEGER NOT NULL,
  sha256 TEXT,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  archived_at INTEGER,
  version INTEGER NOT NULL,
  -- Everything else of the run: only what is looked up or filtered by has a column of its own.
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_tenant ON runs (tenant_id, id);
CREATE INDEX runs_by_state ON runs (state, id);
CREATE INDEX runs_not_archived ON runs (id) WHERE archived_at IS NULL;
CREATE INDEX runs_imported ON runs (tenant_id, finished_at)
  WHERE dry_run = 0 AND state IN ('completed', 'completed_with_failures');

CREATE TABLE outbox (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  run_id TEXT,
  kind TEXT NOT NULL,
  message_id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  sent_at INTEGER,
  last_answer TEXT,
  path TEXT,
  subject TEXT
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX outbox_once ON outbox (run_id, kind) WHERE run_id IS NOT NULL;
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE state = 'queued';
CREATE INDEX outbox_by_tenant ON outbox (tenant_id, id);

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  tenant_id TEXT,
  event TEXT NOT NULL,
  actor TEXT,
  address TEXT,
  protocol TEXT,
  client_version TEXT,
  path TEXT,
  bytes INTEGER,
  detail TEXT
) STRICT;
CREATE INDEX audit_by_tenant ON audit (tenant_id, seq);
