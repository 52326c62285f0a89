-- Fingerprint of the record of a row that failed by what stands in it alone; 0: others had a part in it.
ALTER TABLE failures ADD COLUMN hash INTEGER NOT NULL DEFAULT 0;
-- What the rows of the run were checked by: with the same number the same record fails in the same way.
ALTER TABLE ledger ADD COLUMN rules INTEGER NOT NULL DEFAULT 0;
