-- Who may come in, and what they may do. Times are epoch milliseconds; secrets are stored as hashes;
-- lists are JSON in texts, and yes and no are 1 and 0, as SQLite has no other.

CREATE TABLE person (
  id TEXT PRIMARY KEY NOT NULL,
  -- as it is written to; `email_key` is how it is compared
  email TEXT NOT NULL,
  email_key TEXT NOT NULL UNIQUE,
  verified_at INTEGER,
  -- null: signs in with a provider only
  password_hash TEXT,
  name TEXT NOT NULL,
  language TEXT NOT NULL,
  is_admin INTEGER NOT NULL,
  locked_at INTEGER,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX person_created ON person (created_at DESC, id DESC);

-- somebody says that an address is theirs: becomes a person when the code has come back. Each attempt has a
-- password of its own, so that nobody's is let in by a code that another has asked for
CREATE TABLE registration (
  id TEXT PRIMARY KEY NOT NULL,
  email TEXT NOT NULL,
  email_key TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  name TEXT NOT NULL,
  language TEXT NOT NULL,
  code_hash TEXT NOT NULL,
  tries INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX registration_expiry ON registration (expires_at);

-- one of a purpose at a time: a new code ends the former
CREATE TABLE one_time_code (
  purpose TEXT NOT NULL,
  person TEXT NOT NULL REFERENCES person ON DELETE CASCADE,
  code_hash TEXT NOT NULL,
  tries INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (purpose, person)
) STRICT;

-- a family of refresh tokens: one login on one device
CREATE TABLE session (
  id TEXT PRIMARY KEY NOT NULL,
  person TEXT REFERENCES person ON DELETE CASCADE,
  gateway TEXT,
  device_name TEXT,
  address TEXT,
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER,
  revoked_because TEXT
) STRICT;
CREATE INDEX session_person ON session (person, created_at DESC);
CREATE INDEX session_gateway ON session (gateway);
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE refresh_token (
  -- the order in which they were given out
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  hash TEXT NOT NULL UNIQUE,
  session TEXT NOT NULL REFERENCES session ON DELETE CASCADE,
  -- the one that it was traded for; several only when an answer was lost, or one was stolen
  parent TEXT,
  issued_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT;
CREATE INDEX refresh_token_session ON refresh_token (session);
CREATE INDEX refresh_token_parent ON refresh_token (parent);

CREATE TABLE provider_identity (
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  person TEXT NOT NULL REFERENCES person ON DELETE CASCADE,
  email TEXT,
  linked_at INTEGER NOT NULL,
  PRIMARY KEY (issuer, subject)
) STRICT;
CREATE INDEX provider_identity_person ON provider_identity (person);

-- a home has one owner at every moment, so that is a row of its own. No reference to the home: whoever owns
-- it is stored before it is made
CREATE TABLE ownership (
  home TEXT PRIMARY KEY NOT NULL,
  person TEXT NOT NULL REFERENCES person ON DELETE CASCADE,
  since INTEGER NOT NULL
) STRICT;
CREATE INDEX ownership_person ON ownership (person);

-- everyone else who belongs to it
CREATE TABLE membership (
  home TEXT NOT NULL,
  person TEXT NOT NULL REFERENCES person ON DELETE CASCADE,
  role TEXT NOT NULL,
  -- a guest's twins, as JSON
  twins TEXT,
  until INTEGER,
  added_by TEXT,
  added_at INTEGER NOT NULL,
  PRIMARY KEY (home, person)
) STRICT;
CREATE INDEX membership_person ON membership (person, home);

CREATE TABLE invitation (
  id TEXT PRIMARY KEY NOT NULL,
  home TEXT NOT NULL,
  code_hash TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL,
  twins TEXT,
  until INTEGER,
  email TEXT,
  made_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX invitation_home ON invitation (home, created_at DESC);

CREATE TABLE api_key (
  id TEXT PRIMARY KEY NOT NULL,
  -- null: of the platform
  home TEXT,
  name TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  made_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  used_at INTEGER,
  revoked_at INTEGER
) STRICT;
CREATE INDEX api_key_home ON api_key (home, created_at DESC);

CREATE TABLE device_credential (
  home TEXT NOT NULL,
  twin TEXT NOT NULL,
  -- the device may come with nothing but its secret
  hash TEXT NOT NULL UNIQUE,
  made_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (home, twin)
) STRICT;

CREATE TABLE gateway (
  id TEXT PRIMARY KEY NOT NULL,
  home TEXT NOT NULL,
  name TEXT NOT NULL,
  hash TEXT NOT NULL,
  -- 1: it fetches commands over HTTP; 0: it hears them over MQTT
  fetches INTEGER NOT NULL,
  made_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT;
CREATE INDEX gateway_home ON gateway (home, created_at DESC);

-- one gateway speaks for a device
CREATE TABLE gateway_device (
  home TEXT NOT NULL,
  twin TEXT NOT NULL,
  gateway TEXT NOT NULL REFERENCES gateway ON DELETE CASCADE,
  PRIMARY KEY (home, twin)
) STRICT;
CREATE INDEX gateway_device_gateway ON gateway_device (gateway);

-- a day of a device, as gateways bring it: how much of it has been taken, so that it can go on after a fall
CREATE TABLE device_day (
  home TEXT NOT NULL,
  twin TEXT NOT NULL,
  day TEXT NOT NULL,
  taken INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  is_done INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (home, twin, day)
) STRICT;

-- lets one device into a home, for some minutes
CREATE TABLE claim_code (
  code_hash TEXT PRIMARY KEY NOT NULL,
  home TEXT NOT NULL,
  room TEXT,
  -- the twin whose device comes back with it; null: a new one
  twin TEXT,
  made_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX claim_code_home ON claim_code (home);

CREATE TABLE factory_token (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  uses_left INTEGER NOT NULL,
  made_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;

-- a device that has left the factory: whose it is, once somebody has claimed it with the code on its box
CREATE TABLE enrolment (
  serial TEXT PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL,
  factory_token TEXT NOT NULL,
  secret_hash TEXT NOT NULL UNIQUE,
  code_hash TEXT NOT NULL UNIQUE,
  enrolled_at INTEGER NOT NULL,
  home TEXT,
  twin TEXT,
  claimed_at INTEGER
) STRICT;
CREATE INDEX enrolment_home ON enrolment (home, twin);

-- what happens to devices that a home does not know yet; a home without a row follows the configuration
CREATE TABLE home_policy (
  home TEXT PRIMARY KEY NOT NULL,
  provisioning TEXT NOT NULL,
  set_at INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  -- null: of the platform
  home TEXT,
  who TEXT NOT NULL,
  address TEXT,
  action TEXT NOT NULL,
  target TEXT,
  outcome TEXT NOT NULL,
  detail TEXT,
  correlation TEXT NOT NULL
) STRICT;
CREATE INDEX audit_home ON audit (home, position DESC);
CREATE INDEX audit_at ON audit (at);
