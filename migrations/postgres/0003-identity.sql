-- Who may come in, and what they may do. Times are epoch milliseconds; secrets are stored as hashes;
-- lists are JSON in texts, and yes and no are 1 and 0, as SQLite has no other.

CREATE TABLE person (
  id text COLLATE "C" PRIMARY KEY,
  -- as it is written to; `email_key` is how it is compared
  email text NOT NULL,
  email_key text COLLATE "C" NOT NULL UNIQUE,
  verified_at bigint,
  -- null: signs in with a provider only
  password_hash text,
  name text NOT NULL,
  language text NOT NULL,
  is_admin integer NOT NULL,
  locked_at bigint,
  created_at bigint NOT NULL
);
CREATE INDEX person_created ON person (created_at DESC, id DESC);

-- somebody says that an address is theirs: becomes a person when the code has come back. Each attempt has a
-- password of its own, so that nobody's is let in by a code that another has asked for
CREATE TABLE registration (
  id text COLLATE "C" PRIMARY KEY,
  email text NOT NULL,
  email_key text COLLATE "C" NOT NULL,
  password_hash text NOT NULL,
  name text NOT NULL,
  language text NOT NULL,
  code_hash text NOT NULL,
  tries integer NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX registration_expiry ON registration (expires_at);

-- one of a purpose at a time: a new code ends the former
CREATE TABLE one_time_code (
  purpose text COLLATE "C" NOT NULL,
  person text COLLATE "C" NOT NULL REFERENCES person ON DELETE CASCADE,
  code_hash text NOT NULL,
  tries integer NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  PRIMARY KEY (purpose, person)
);

-- a family of refresh tokens: one login on one device
CREATE TABLE session (
  id text COLLATE "C" PRIMARY KEY,
  person text COLLATE "C" REFERENCES person ON DELETE CASCADE,
  gateway text COLLATE "C",
  device_name text,
  address text,
  created_at bigint NOT NULL,
  used_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  revoked_at bigint,
  revoked_because text
);
CREATE INDEX session_person ON session (person, created_at DESC);
CREATE INDEX session_gateway ON session (gateway);
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE refresh_token (
  -- the order in which they were given out
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hash text COLLATE "C" NOT NULL UNIQUE,
  session text COLLATE "C" NOT NULL REFERENCES session ON DELETE CASCADE,
  -- the one that it was traded for; several only when an answer was lost, or one was stolen
  parent text COLLATE "C",
  issued_at bigint NOT NULL,
  used_at bigint
);
CREATE INDEX refresh_token_session ON refresh_token (session);
CREATE INDEX refresh_token_parent ON refresh_token (parent);

CREATE TABLE provider_identity (
  issuer text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  person text COLLATE "C" NOT NULL REFERENCES person ON DELETE CASCADE,
  email text,
  linked_at bigint NOT NULL,
  PRIMARY KEY (issuer, subject)
);
CREATE INDEX provider_identity_person ON provider_identity (person);

-- a home has one owner at every moment, so that is a row of its own. No reference to the home: whoever owns
-- it is stored before it is made
CREATE TABLE ownership (
  home text COLLATE "C" PRIMARY KEY,
  person text COLLATE "C" NOT NULL REFERENCES person ON DELETE CASCADE,
  since bigint NOT NULL
);
CREATE INDEX ownership_person ON ownership (person);

-- everyone else who belongs to it
CREATE TABLE membership (
  home text COLLATE "C" NOT NULL,
  person text COLLATE "C" NOT NULL REFERENCES person ON DELETE CASCADE,
  role text COLLATE "C" NOT NULL,
  -- a guest's twins, as JSON
  twins text,
  until bigint,
  added_by text,
  added_at bigint NOT NULL,
  PRIMARY KEY (home, person)
);
CREATE INDEX membership_person ON membership (person, home);

CREATE TABLE invitation (
  id text COLLATE "C" PRIMARY KEY,
  home text COLLATE "C" NOT NULL,
  code_hash text COLLATE "C" NOT NULL UNIQUE,
  role text COLLATE "C" NOT NULL,
  twins text,
  until bigint,
  email text,
  made_by text NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX invitation_home ON invitation (home, created_at DESC);

CREATE TABLE api_key (
  id text COLLATE "C" PRIMARY KEY,
  -- null: of the platform
  home text COLLATE "C",
  name text NOT NULL,
  hash text COLLATE "C" NOT NULL UNIQUE,
  scopes text NOT NULL,
  made_by text NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint,
  used_at bigint,
  revoked_at bigint
);
CREATE INDEX api_key_home ON api_key (home, created_at DESC);

CREATE TABLE device_credential (
  home text COLLATE "C" NOT NULL,
  twin text COLLATE "C" NOT NULL,
  -- the device may come with nothing but its secret
  hash text COLLATE "C" NOT NULL UNIQUE,
  made_by text NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (home, twin)
);

CREATE TABLE gateway (
  id text COLLATE "C" PRIMARY KEY,
  home text COLLATE "C" NOT NULL,
  name text NOT NULL,
  hash text NOT NULL,
  -- 1: it fetches commands over HTTP; 0: it hears them over MQTT
  fetches integer NOT NULL,
  made_by text NOT NULL,
  created_at bigint NOT NULL,
  used_at bigint
);
CREATE INDEX gateway_home ON gateway (home, created_at DESC);

-- one gateway speaks for a device
CREATE TABLE gateway_device (
  home text COLLATE "C" NOT NULL,
  twin text COLLATE "C" NOT NULL,
  gateway text COLLATE "C" NOT NULL REFERENCES gateway ON DELETE CASCADE,
  PRIMARY KEY (home, twin)
);
CREATE INDEX gateway_device_gateway ON gateway_device (gateway);

-- a day of a device, as gateways bring it: how much of it has been taken, so that it can go on after a fall
CREATE TABLE device_day (
  home text COLLATE "C" NOT NULL,
  twin text COLLATE "C" NOT NULL,
  day text COLLATE "C" NOT NULL,
  taken integer NOT NULL,
  refused integer NOT NULL,
  is_done integer NOT NULL,
  updated_at bigint NOT NULL,
  PRIMARY KEY (home, twin, day)
);

-- lets one device into a home, for some minutes
CREATE TABLE claim_code (
  code_hash text COLLATE "C" PRIMARY KEY,
  home text COLLATE "C" NOT NULL,
  room text,
  -- the twin whose device comes back with it; null: a new one
  twin text,
  made_by text NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX claim_code_home ON claim_code (home);

CREATE TABLE factory_token (
  id text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  hash text COLLATE "C" NOT NULL UNIQUE,
  kind text NOT NULL,
  uses_left integer NOT NULL,
  made_by text NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL
);

-- a device that has left the factory: whose it is, once somebody has claimed it with the code on its box
CREATE TABLE enrolment (
  serial text COLLATE "C" PRIMARY KEY,
  kind text NOT NULL,
  factory_token text COLLATE "C" NOT NULL,
  secret_hash text COLLATE "C" NOT NULL UNIQUE,
  code_hash text COLLATE "C" NOT NULL UNIQUE,
  enrolled_at bigint NOT NULL,
  home text COLLATE "C",
  twin text COLLATE "C",
  claimed_at bigint
);
CREATE INDEX enrolment_home ON enrolment (home, twin);

-- what happens to devices that a home does not know yet; a home without a row follows the configuration
CREATE TABLE home_policy (
  home text COLLATE "C" PRIMARY KEY,
  provisioning text NOT NULL,
  set_at bigint NOT NULL
);

CREATE TABLE audit (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  -- null: of the platform
  home text COLLATE "C",
  who text COLLATE "C" NOT NULL,
  address text,
  action text COLLATE "C" NOT NULL,
  target text,
  outcome text COLLATE "C" NOT NULL,
  detail text,
  correlation text COLLATE "C" NOT NULL
);
CREATE INDEX audit_home ON audit (home, position DESC);
CREATE INDEX audit_at ON audit (at);
