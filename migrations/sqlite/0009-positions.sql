-- The journal is the log (ADR 26). Rows from before have no position: theirs is the ms in which they were
-- received, and the positions to come begin above all of these. No row is rewritten.
ALTER TABLE journal ADD COLUMN writer INTEGER;
ALTER TABLE journal ADD COLUMN seq INTEGER;
-- What is desired after the turn, where the turn changed it.
ALTER TABLE journal ADD COLUMN desired TEXT;
CREATE INDEX journal_log ON journal (coalesce(seq, ceil(received_at)));

ALTER TABLE writer ADD COLUMN cursors TEXT;
UPDATE writer SET seq = (SELECT coalesce(CAST(ceil(max(received_at)) AS INTEGER), 0) FROM journal);

-- What is undelivered is parked; everything else that waits stands in the journal.
ALTER TABLE outbox RENAME TO parked;

-- An open intent stands in its twin's state.
DELETE FROM intent WHERE ended_at IS NULL;
