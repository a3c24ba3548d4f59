-- The newest starts of the program, so that one that keeps crashing is noticed at the next. A start that ended
-- as it should says so.
CREATE TABLE engine_start (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  at REAL NOT NULL,
  ended INTEGER NOT NULL DEFAULT 0
) STRICT;
