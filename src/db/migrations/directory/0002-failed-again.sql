-- Fingerprint of the record of a row that failed by what stands in it alone; 0: others had a part in it.
ALTER TABLE failures ADD COLUMN hash INTEGER NOT NULL DEFAULT 0;
-- A row that failed as one of an earlier run did: where that one is kept, whose body it has.
ALTER TABLE failures ADD COLUMN as_run INTEGER;
ALTER TABLE failures ADD COLUMN as_line INTEGER;
-- What the rows of the run were checked by: with the same number the same record fails in the same way.
ALTER TABLE ledger ADD COLUMN rules INTEGER NOT NULL DEFAULT 0;

CREATE VIEW failed_rows AS
  SELECT f.run, f.line, f.codes, f.hash, coalesce(o.body, f.body) AS body
  FROM failures f LEFT JOIN failures o ON o.run = f.as_run AND o.line = f.as_line;
