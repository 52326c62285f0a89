-- Which users a commit has changed, as ranges of their numbers; some may have been changed again since. Not an index
-- of users: with `change` in one, a changed user is entered in each of their indexes anew, wherever its pages lie.
CREATE TABLE changed_users (
  directory integer NOT NULL,
  change integer NOT NULL,
  first_id integer NOT NULL,
  last_id integer NOT NULL,
  PRIMARY KEY (directory, change, first_id)
);

CREATE FUNCTION rosterdrop_changed_users(of_directory integer) RETURNS void LANGUAGE sql AS $$
  INSERT INTO changed_users
  SELECT directory, change, min(id), max(id) FROM (
    SELECT directory, change, id, id - row_number() OVER (PARTITION BY directory, change ORDER BY id) AS island
    FROM users WHERE directory = of_directory
  ) AS found GROUP BY directory, change, island
$$;
SELECT rosterdrop_changed_users(id) FROM directories;

DO $$
DECLARE
  name text;
BEGIN
  FOR name IN SELECT indexname FROM pg_indexes
    WHERE schemaname = current_schema() AND indexname ~ '^users(_[0-9]+)?_by_change$'
  LOOP
    EXECUTE format('DROP INDEX %I', name);
  END LOOP;
END $$;
