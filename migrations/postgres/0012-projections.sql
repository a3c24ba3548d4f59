-- Tables that are computed from the log (ADR 30). One row a generation of a projection: `cursor` is the position
-- up to which all turns are applied.
CREATE TABLE projection (
  name text COLLATE "C" NOT NULL,
  generation integer NOT NULL,
  version integer NOT NULL,
  -- building, active, retired (no definition names it) or ended (its rows are being deleted)
  status text NOT NULL,
  cursor bigint NOT NULL,
  -- of the first turn that it was built from: the position before it, and when it was received
  start bigint,
  since double precision,
  -- when the last applied turn was received
  applied_at double precision,
  begun_at double precision NOT NULL,
  built_at double precision,
  -- turns that were left out, and why the last of them was
  skipped bigint NOT NULL,
  error text,
  PRIMARY KEY (name, generation)
);
CREATE UNIQUE INDEX projection_building ON projection (name) WHERE status = 'building';
CREATE UNIQUE INDEX projection_active ON projection (name) WHERE status IN ('active', 'retired');

-- No index holds the value: a changed one goes onto the same page (HOT).
CREATE TABLE projection_row (
  projection text COLLATE "C" NOT NULL,
  generation integer NOT NULL,
  home text COLLATE "C" NOT NULL,
  -- empty: of the home as a whole
  twin text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  value json NOT NULL,
  PRIMARY KEY (projection, generation, home, twin, key)
) WITH (fillfactor = 70);
-- For deletions
CREATE INDEX projection_row_owner ON projection_row (home, twin);
-- What all twins of a home have of a range of keys. It holds no value either.
CREATE INDEX projection_row_key ON projection_row (projection, generation, home, key, twin);
