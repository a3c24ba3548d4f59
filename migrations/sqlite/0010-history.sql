-- What a turn has changed of the reported values that are no numbers, beside `state`: the history of both is read
-- from the rows that have one of them, which few turns have (ADR 28).
ALTER TABLE journal ADD COLUMN reported TEXT;
CREATE INDEX journal_change ON journal (home, twin, revision)
  WHERE state IS NOT NULL OR reported IS NOT NULL;

-- The journal of a home, newest first. It costs each turn 1.6 µs, and is what bounds the work of a page: a block
-- range index costs nothing, but leads to the turns of all homes in a span of time, however many they are.
CREATE INDEX journal_home ON journal (home, received_at);

-- What came in long after it happened: of samples of a span, only these have to be looked for outside of it.
CREATE INDEX journal_tardy ON journal (home, twin, at) WHERE received_at > at + 300000;

-- Turns up to this moment are from before that column was written: what they changed is not known.
CREATE TABLE history_start (at REAL NOT NULL) STRICT;
INSERT INTO history_start SELECT coalesce(max(updated_at), 0) FROM twin;
