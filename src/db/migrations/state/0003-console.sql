CREATE TABLE sessions (
  hash TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  scope TEXT NOT NULL,
  tenant_id TEXT REFERENCES tenants (id),
  -- SHA-256 of the token that signed in; null for a one-time link.
  token_hash TEXT,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE INDEX runs_by_time ON runs (tenant_id, created_at);
