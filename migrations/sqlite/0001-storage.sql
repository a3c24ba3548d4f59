-- The storage of the engine. Moments are epoch milliseconds in REAL columns, which hold any number
-- that JavaScript has; JSON is text.

CREATE TABLE home (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  timezone TEXT NOT NULL,
  created_at REAL NOT NULL
) STRICT;

CREATE TABLE twin (
  home TEXT NOT NULL,
  twin TEXT NOT NULL,
  kind TEXT NOT NULL,
  version INTEGER NOT NULL,
  name TEXT NOT NULL,
  room TEXT,
  via TEXT,
  revision INTEGER NOT NULL,
  state TEXT NOT NULL,
  wake_at REAL,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  last_event_at REAL,
  PRIMARY KEY (home, twin)
) STRICT;
-- `wake_at` is a lower bound: re-arming a timer later leaves it, and this index, alone.
CREATE INDEX twin_wake ON twin (wake_at, home, twin) WHERE wake_at IS NOT NULL;

-- Append-only; `position` is the order of arrival, by which retention takes the oldest first.
CREATE TABLE journal (
  position INTEGER PRIMARY KEY,
  home TEXT NOT NULL,
  twin TEXT NOT NULL,
  revision INTEGER NOT NULL,
  at REAL NOT NULL,
  received_at REAL NOT NULL,
  event TEXT NOT NULL,
  event_id TEXT NOT NULL,
  source TEXT NOT NULL,
  cause TEXT,
  correlation TEXT NOT NULL,
  principal TEXT NOT NULL,
  dedupe INTEGER NOT NULL,
  late INTEGER NOT NULL,
  state TEXT,
  effects TEXT NOT NULL,
  UNIQUE (home, twin, revision)
) STRICT;

CREATE TABLE checkpoint (
  home TEXT NOT NULL,
  twin TEXT NOT NULL,
  revision INTEGER NOT NULL,
  kind TEXT NOT NULL,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  at REAL NOT NULL,
  PRIMARY KEY (home, twin, revision)
) STRICT;

-- A queue. AUTOINCREMENT: a position is never given twice, even when the queue has run empty.
CREATE TABLE outbox (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  home TEXT NOT NULL,
  twin TEXT NOT NULL,
  destination TEXT NOT NULL,
  delivery TEXT NOT NULL,
  created_at REAL NOT NULL,
  expires_at REAL,
  attempts INTEGER NOT NULL,
  not_before REAL NOT NULL
) STRICT;

CREATE TABLE intent (
  id TEXT PRIMARY KEY NOT NULL,
  home TEXT NOT NULL,
  twin TEXT NOT NULL,
  name TEXT NOT NULL,
  args TEXT NOT NULL,
  status TEXT NOT NULL,
  created_at REAL NOT NULL,
  expires_at REAL NOT NULL,
  sent_at REAL,
  attempts INTEGER NOT NULL DEFAULT 0,
  acked_at REAL,
  confirmed_at REAL,
  ended_at REAL,
  error TEXT,
  cause TEXT NOT NULL,
  correlation TEXT NOT NULL,
  principal TEXT NOT NULL
) STRICT;
CREATE INDEX intent_newest ON intent (home, created_at, id);

CREATE TABLE alert (
  id TEXT PRIMARY KEY NOT NULL,
  home TEXT NOT NULL,
  twin TEXT NOT NULL,
  key TEXT NOT NULL,
  severity TEXT NOT NULL,
  status TEXT NOT NULL,
  message TEXT NOT NULL,
  data TEXT,
  raised_at REAL NOT NULL,
  acknowledged_at REAL,
  acknowledged_by TEXT,
  cleared_at REAL,
  cause TEXT NOT NULL,
  correlation TEXT NOT NULL
) STRICT;
CREATE INDEX alert_newest ON alert (home, raised_at, id);

CREATE TABLE dead_letter (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  home TEXT,
  twin TEXT,
  source TEXT NOT NULL,
  code TEXT NOT NULL,
  error TEXT NOT NULL,
  hint TEXT,
  at REAL NOT NULL,
  attempts INTEGER NOT NULL,
  content TEXT NOT NULL
) STRICT;
-- letters of no home are a bounded set of their own
CREATE INDEX dead_letter_of_home ON dead_letter (coalesce(home, ''), position);

CREATE TABLE relation (
  home TEXT NOT NULL,
  twin TEXT NOT NULL,
  name TEXT NOT NULL,
  target TEXT NOT NULL,
  PRIMARY KEY (home, twin, name, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX relation_inverse ON relation (home, target, name);

CREATE TABLE rollup (
  home TEXT NOT NULL,
  twin TEXT NOT NULL,
  measurement TEXT NOT NULL,
  resolution TEXT NOT NULL,
  start REAL NOT NULL,
  count INTEGER NOT NULL,
  sum REAL NOT NULL,
  min REAL NOT NULL,
  max REAL NOT NULL,
  last REAL NOT NULL,
  last_at REAL NOT NULL,
  PRIMARY KEY (home, twin, measurement, resolution, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX rollup_fine ON rollup (start) WHERE resolution = '5m';

CREATE TABLE candidate (
  home TEXT NOT NULL,
  twin TEXT NOT NULL,
  kind TEXT NOT NULL,
  via TEXT,
  first_seen_at REAL NOT NULL,
  last_seen_at REAL NOT NULL,
  messages INTEGER NOT NULL,
  last_event TEXT NOT NULL,
  PRIMARY KEY (home, twin)
) STRICT;

-- The fence. A commit applies only if it finds its epoch here and its seq is the next one.
CREATE TABLE writer (
  shard INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  owner TEXT NOT NULL
) STRICT;
