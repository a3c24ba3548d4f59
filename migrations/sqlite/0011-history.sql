-- What a turn has changed of the reported values that are no numbers, beside `state`: the history of both is read
-- from the rows that have one of them, which few turns have (ADR 28).
ALTER TABLE journal ADD COLUMN reported TEXT;
CREATE INDEX journal_change ON journal (home, twin, revision)
  WHERE state IS NOT NULL OR reported IS NOT NULL;

-- Turns up to this moment are from before that column was written: what they changed is not known.
CREATE TABLE history_start (at REAL NOT NULL) STRICT;
INSERT INTO history_start SELECT coalesce(max(updated_at), 0) FROM twin;
