-- The journal is the log (ADR 26). Rows from before have no position: theirs is the ms in which they were
-- received, and the positions to come begin above all of these. No row is rewritten.
ALTER TABLE journal ADD COLUMN writer integer;
ALTER TABLE journal ADD COLUMN seq bigint;
-- What is desired after the turn, where the turn changed it.
ALTER TABLE journal ADD COLUMN desired json;
-- Rows arrive in about the order of their positions.
CREATE INDEX journal_log ON journal
  USING brin (coalesce(seq, ceil(received_at)::bigint)) WITH (pages_per_range = 32);

ALTER TABLE writer ADD COLUMN cursors json;
UPDATE writer SET seq = (SELECT coalesce(ceil(max(received_at)), 0)::bigint FROM journal);

-- What is undelivered is parked; everything else that waits stands in the journal.
ALTER TABLE outbox RENAME TO parked;
ALTER TABLE parked RENAME CONSTRAINT outbox_pkey TO parked_pkey;
ALTER TABLE parked RENAME CONSTRAINT outbox_id_key TO parked_id_key;
ALTER SEQUENCE outbox_position_seq RENAME TO parked_position_seq;

-- An open intent stands in its twin's state.
DELETE FROM intent WHERE ended_at IS NULL;
ALTER TABLE intent ALTER COLUMN ended_at SET NOT NULL;
