-- The storage of the engine. Two rules hold for all tables:
--
-- * Moments are epoch milliseconds in `double precision`, which is exactly a JavaScript number:
--   no value that the engine can compute is refused by a column, so that one fractional deadline
--   cannot make a whole batch fail for ever.
-- * Names and ids collate "C": one order in both dialects, whatever the locale of the cluster.

CREATE TABLE home (
  id text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  timezone text NOT NULL,
  created_at double precision NOT NULL
);

-- Every event rewrites a row here. With half of each page left free, and no index on a column that
-- an event changes, the new version goes onto the same page and touches no index (HOT). `wake_at`
-- is the exception: it is a lower bound, so that re-arming a timer later leaves it alone.
CREATE TABLE twin (
  home text COLLATE "C" NOT NULL,
  twin text COLLATE "C" NOT NULL,
  kind text NOT NULL,
  version integer NOT NULL,
  name text NOT NULL,
  room text,
  via text,
  revision bigint NOT NULL,
  state jsonb NOT NULL,
  wake_at double precision,
  created_at double precision NOT NULL,
  updated_at double precision NOT NULL,
  last_event_at double precision,
  PRIMARY KEY (home, twin)
) WITH (
  fillfactor = 50,
  -- the rows' own pages are tidied by HOT pruning; the vacuum keeps the map of free space and the
  -- wake index honest, and must keep up with a table that changes whole every few minutes
  autovacuum_vacuum_scale_factor = 0.1,
  autovacuum_vacuum_cost_delay = 1,
  autovacuum_analyze_scale_factor = 0.2,
  toast.autovacuum_vacuum_scale_factor = 0.1
);
CREATE INDEX twin_wake ON twin (wake_at, home, twin) WHERE wake_at IS NOT NULL;

-- Append-only. One partition per week of `received_at`, made ahead by upkeep or on demand by the
-- commit that needs it; there is no default partition, since one with rows in it would block the
-- making of theirs. `json`, not `jsonb`: written once, read seldom, and cheaper to write.
CREATE TABLE journal (
  home text COLLATE "C" NOT NULL,
  twin text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  at double precision NOT NULL,
  received_at double precision NOT NULL,
  event json NOT NULL,
  event_id text NOT NULL,
  source text NOT NULL,
  cause text,
  correlation text NOT NULL,
  principal text NOT NULL,
  dedupe boolean NOT NULL,
  late boolean NOT NULL,
  state json,
  effects json NOT NULL,
  PRIMARY KEY (home, twin, revision, received_at)
) PARTITION BY RANGE (received_at);
-- Rows arrive in the order of time, so a block-range index costs next to nothing; together with the
-- primary key it narrows a twin's raw history to the span that was asked for.
CREATE INDEX journal_time ON journal USING brin (received_at) WITH (pages_per_range = 32);

CREATE TABLE checkpoint (
  home text COLLATE "C" NOT NULL,
  twin text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  kind text NOT NULL,
  version integer NOT NULL,
  state jsonb NOT NULL,
  at double precision NOT NULL,
  PRIMARY KEY (home, twin, revision)
);

-- A queue: rows live for milliseconds, so that dead ones outnumber the living soon.
CREATE TABLE outbox (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  home text COLLATE "C" NOT NULL,
  twin text COLLATE "C" NOT NULL,
  destination text NOT NULL,
  delivery json NOT NULL,
  created_at double precision NOT NULL,
  expires_at double precision,
  attempts integer NOT NULL,
  not_before double precision NOT NULL
) WITH (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_insert_scale_factor = 0,
  autovacuum_vacuum_insert_threshold = 10000,
  autovacuum_vacuum_cost_delay = 0
);

CREATE TABLE intent (
  id text COLLATE "C" PRIMARY KEY,
  home text COLLATE "C" NOT NULL,
  twin text COLLATE "C" NOT NULL,
  name text NOT NULL,
  args json NOT NULL,
  status text NOT NULL,
  created_at double precision NOT NULL,
  expires_at double precision NOT NULL,
  sent_at double precision,
  attempts integer NOT NULL DEFAULT 0,
  acked_at double precision,
  confirmed_at double precision,
  ended_at double precision,
  error text,
  cause text NOT NULL,
  correlation text NOT NULL,
  principal text NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX intent_newest ON intent (home, created_at, id);

CREATE TABLE alert (
  id text COLLATE "C" PRIMARY KEY,
  home text COLLATE "C" NOT NULL,
  twin text COLLATE "C" NOT NULL,
  key text NOT NULL,
  severity text NOT NULL,
  status text NOT NULL,
  message text NOT NULL,
  data json,
  raised_at double precision NOT NULL,
  acknowledged_at double precision,
  acknowledged_by text,
  cleared_at double precision,
  cause text NOT NULL,
  correlation text NOT NULL
);
CREATE INDEX alert_newest ON alert (home, raised_at, id);

CREATE TABLE dead_letter (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  home text COLLATE "C",
  twin text COLLATE "C",
  source text NOT NULL,
  code text NOT NULL,
  error text NOT NULL,
  hint text,
  at double precision NOT NULL,
  attempts integer NOT NULL,
  content json NOT NULL
);
-- letters of no home are a bounded set of their own
CREATE INDEX dead_letter_of_home ON dead_letter (coalesce(home, ''), position);

CREATE TABLE relation (
  home text COLLATE "C" NOT NULL,
  twin text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  target text COLLATE "C" NOT NULL,
  PRIMARY KEY (home, twin, name, target)
);
CREATE INDEX relation_inverse ON relation (home, target, name);

CREATE TABLE rollup (
  home text COLLATE "C" NOT NULL,
  twin text COLLATE "C" NOT NULL,
  measurement text COLLATE "C" NOT NULL,
  resolution text COLLATE "C" NOT NULL,
  start double precision NOT NULL,
  count bigint NOT NULL,
  sum double precision NOT NULL,
  min double precision NOT NULL,
  max double precision NOT NULL,
  last double precision NOT NULL,
  last_at double precision NOT NULL,
  PRIMARY KEY (home, twin, measurement, resolution, start)
) WITH (fillfactor = 90);
CREATE INDEX rollup_fine ON rollup (start) WHERE resolution = '5m';

CREATE TABLE candidate (
  home text COLLATE "C" NOT NULL,
  twin text COLLATE "C" NOT NULL,
  kind text NOT NULL,
  via text,
  first_seen_at double precision NOT NULL,
  last_seen_at double precision NOT NULL,
  messages bigint NOT NULL,
  last_event json NOT NULL,
  PRIMARY KEY (home, twin)
);

-- The fence. A commit applies only if it finds its epoch here and its seq is the next one.
CREATE TABLE writer (
  shard integer PRIMARY KEY,
  epoch bigint NOT NULL,
  seq bigint NOT NULL,
  owner text NOT NULL
) WITH (fillfactor = 10);

-- States above 2 KB are compressed on every write; lz4 does it several times faster than the
-- default, on servers that were built with it.
DO $$
BEGIN
  IF EXISTS (
    SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)
  ) THEN
    ALTER TABLE twin ALTER COLUMN state SET COMPRESSION lz4;
    ALTER TABLE checkpoint ALTER COLUMN state SET COMPRESSION lz4;
    ALTER TABLE journal ALTER COLUMN event SET COMPRESSION lz4;
    ALTER TABLE journal ALTER COLUMN effects SET COMPRESSION lz4;
  END IF;
END
$$;
