-- What processes have told each other that those are to know too that start later: penalties of addresses.
CREATE TABLE kept_words (
  topic text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  text text NOT NULL,
  until bigint NOT NULL,
  PRIMARY KEY (topic, key)
);

-- Of many waiting runs the first are looked at.
CREATE INDEX runs_active ON runs (seq) WHERE state IN ('queued', 'parsing', 'applying', 'archiving');
