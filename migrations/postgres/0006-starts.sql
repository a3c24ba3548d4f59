-- The newest starts of the program, so that one that keeps crashing is noticed at the next. A start that ended
-- as it should says so.
CREATE TABLE engine_start (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  at double precision NOT NULL,
  ended boolean NOT NULL DEFAULT false
);
