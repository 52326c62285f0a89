-- What users are found by beside their keys: `last first`, ASCII in lower case. Filled after an import, never in it;
-- who has another name meanwhile keeps the old entry too, and a search passes over it.
CREATE TABLE names (
  key TEXT NOT NULL,
  id INTEGER NOT NULL,
  PRIMARY KEY (key, id)
) STRICT, WITHOUT ROWID;
