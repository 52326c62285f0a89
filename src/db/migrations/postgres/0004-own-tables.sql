-- A directory whose first load was a large one has its users in a table of its own, `users_` and its number, that
-- inherits from `users`: what is altered there is altered in all, and what is read there without ONLY is read of all.
ALTER TABLE directories ADD COLUMN own integer NOT NULL DEFAULT 0;
-- The run that stores its rows in that table without indexes, for now.
ALTER TABLE directories ADD COLUMN loading bigint;
