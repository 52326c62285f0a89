-- Fingerprint of the record of a row that failed by what stands in it alone; 0: others had a part in it.
ALTER TABLE failures ADD COLUMN hash bigint NOT NULL DEFAULT 0;
-- A row that failed as one of an earlier run did: where that one is kept, whose body it has.
ALTER TABLE failures ADD COLUMN as_run bigint;
ALTER TABLE failures ADD COLUMN as_line integer;
-- What the rows of the run were checked by: with the same number the same record fails in the same way.
ALTER TABLE ledger ADD COLUMN rules integer NOT NULL DEFAULT 0;

-- One by one, for whoever reads a page of a run: a join would have all failures sorted or hashed.
CREATE VIEW failed_rows AS
  SELECT run, line, codes, hash, CASE WHEN as_run IS NULL THEN body ELSE
    (SELECT o.body FROM failures o WHERE o.run = f.as_run AND o.line = f.as_line) END AS body
  FROM failures f;
-- The runs of late of one directory that were checked by the same.
CREATE INDEX ledger_by_rules ON ledger (directory, rules, seq);
-- Few mostly: looked for in each run that has failures.
CREATE INDEX failures_raw ON failures (run) WHERE raw = 1;
