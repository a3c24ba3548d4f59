-- The highest position that there was when a twin of the home was last removed, with its turns: a stream that
-- goes on from before it is told that something is missing.
ALTER TABLE home ADD COLUMN removed_at_seq bigint;
