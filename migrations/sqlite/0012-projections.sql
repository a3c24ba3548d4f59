-- Tables that are computed from the log (ADR 30). One row a generation of a projection: `cursor` is the position
-- up to which all turns are applied.
CREATE TABLE projection (
  name TEXT NOT NULL,
  generation INTEGER NOT NULL,
  version INTEGER NOT NULL,
  -- building, active, retired (no definition names it) or ended (its rows are being deleted)
  status TEXT NOT NULL,
  cursor INTEGER NOT NULL,
  -- of the first turn that it was built from: the position before it, and when it was received
  start INTEGER,
  since REAL,
  -- when the last applied turn was received
  applied_at REAL,
  begun_at REAL NOT NULL,
  built_at REAL,
  -- turns that were left out, and why the last of them was
  skipped INTEGER NOT NULL,
  error TEXT,
  PRIMARY KEY (name, generation)
);
CREATE UNIQUE INDEX projection_building ON projection (name) WHERE status = 'building';
CREATE UNIQUE INDEX projection_active ON projection (name) WHERE status IN ('active', 'retired');

CREATE TABLE projection_row (
  projection TEXT NOT NULL,
  generation INTEGER NOT NULL,
  home TEXT NOT NULL,
  -- empty: of the home as a whole
  twin TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (projection, generation, home, twin, key)
) WITHOUT ROWID;
-- For deletions
CREATE INDEX projection_row_owner ON projection_row (home, twin);
-- What all twins of a home have of a range of keys. It holds no value either.
CREATE INDEX projection_row_key ON projection_row (projection, generation, home, key, twin);
