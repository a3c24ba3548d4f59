-- Ids that cannot come twice: homes and twins have an incarnation, and a turn the epoch under which it was folded.
-- Rows from before have none: their ids stay as they are.
ALTER TABLE home ADD COLUMN incarnation TEXT NOT NULL DEFAULT '';
ALTER TABLE twin ADD COLUMN incarnation TEXT NOT NULL DEFAULT '';
ALTER TABLE journal ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
