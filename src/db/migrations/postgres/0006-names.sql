-- What users are found by beside their keys: `last first`, ASCII in lower case. Filled after an import, never in it;
-- who has another name meanwhile keeps the old entry too, and a search passes over it.
CREATE TABLE names (
  directory integer NOT NULL,
  key text COLLATE "C" NOT NULL,
  id integer NOT NULL,
  PRIMARY KEY (directory, key, id)
);
-- The last change of users whose names are in it.
ALTER TABLE directories ADD COLUMN named integer NOT NULL DEFAULT 0;
