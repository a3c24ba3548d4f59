-- Homes have an incarnation: rights and audit belong to it, and not to whoever takes the id later.

CREATE TABLE home_incarnation (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  home TEXT NOT NULL,
  -- grows with every change of rights in the home, and so holds it until the transaction ends
  revision INTEGER NOT NULL,
  began_at INTEGER NOT NULL,
  -- null: the engine has not made it yet
  made_at INTEGER,
  -- null: nobody deletes it; otherwise no rights are granted any more
  closing_at INTEGER,
  ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX home_incarnation_present ON home_incarnation (home) WHERE ended_at IS NULL;
CREATE INDEX home_incarnation_home ON home_incarnation (home, number);

-- a twin that is being deleted: nobody is granted anything about it meanwhile
CREATE TABLE closing_twin (
  home TEXT NOT NULL,
  twin TEXT NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (home, twin)
) STRICT;

-- letters and other things that are few a day: each bucket counts one limit
CREATE TABLE daily_count (
  bucket TEXT NOT NULL,
  day INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (bucket, day)
) STRICT;

ALTER TABLE audit ADD COLUMN incarnation INTEGER;
-- a secret from the factory that was revoked or replaced never counts again
ALTER TABLE enrolment ADD COLUMN secret_ended_at INTEGER;
-- 0: a broker that checks passwords itself does not know it yet, and must not know the one before either
ALTER TABLE device_credential ADD COLUMN is_told INTEGER NOT NULL DEFAULT 1;
-- a device is coming in with it: whoever fails gives it back, if it is still there
ALTER TABLE claim_code ADD COLUMN taken_at INTEGER;

-- the address as it is compared
ALTER TABLE invitation ADD COLUMN email_key TEXT;
UPDATE invitation SET email_key = lower(trim(email));
CREATE INDEX invitation_email ON invitation (email_key);
-- when whoever holds it has last proved who they are
ALTER TABLE session ADD COLUMN proven_at INTEGER;

-- a second factor: one for a person
CREATE TABLE second_factor (
  person TEXT PRIMARY KEY NOT NULL REFERENCES person ON DELETE CASCADE,
  -- sealed
  secret TEXT NOT NULL,
  -- null: it has not been shown yet that the app has it
  confirmed_at INTEGER,
  -- the step of the last code that was taken: none counts twice
  last_step INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- in place of a code, once each
CREATE TABLE recovery_code (
  person TEXT NOT NULL REFERENCES person ON DELETE CASCADE,
  hash TEXT NOT NULL,
  PRIMARY KEY (person, hash)
) STRICT;

-- what belongs to homes that are not there was left behind
DELETE FROM ownership WHERE home NOT IN (SELECT id FROM home);
DELETE FROM membership WHERE home NOT IN (SELECT id FROM home);
DELETE FROM invitation WHERE home NOT IN (SELECT id FROM home);
DELETE FROM api_key WHERE home IS NOT NULL AND home NOT IN (SELECT id FROM home);
DELETE FROM device_credential WHERE NOT EXISTS (
  SELECT 1 FROM twin WHERE twin.home = device_credential.home AND twin.twin = device_credential.twin
);
DELETE FROM gateway_device WHERE home NOT IN (SELECT id FROM home);
DELETE FROM gateway WHERE home NOT IN (SELECT id FROM home);
DELETE FROM claim_code WHERE home NOT IN (SELECT id FROM home);
DELETE FROM rule_hook WHERE home NOT IN (SELECT id FROM home);
DELETE FROM home_secret WHERE home NOT IN (SELECT id FROM home);
DELETE FROM device_day WHERE home NOT IN (SELECT id FROM home);
DELETE FROM home_policy WHERE home NOT IN (SELECT id FROM home);

INSERT INTO home_incarnation (home, revision, began_at, made_at)
  SELECT id, 0, created_at, created_at FROM home;
UPDATE audit SET incarnation = (
  SELECT number FROM home_incarnation
  WHERE home_incarnation.home = audit.home AND home_incarnation.began_at <= audit.at
);

-- a factory secret counts only while it is the one that its twin has
UPDATE enrolment SET secret_ended_at = claimed_at
  WHERE home IS NOT NULL AND EXISTS (
    SELECT 1 FROM device_credential
    WHERE device_credential.home = enrolment.home AND device_credential.twin = enrolment.twin
      AND device_credential.hash <> enrolment.secret_hash
  );
-- claims that broke off half-way
UPDATE enrolment SET home = NULL, twin = NULL, claimed_at = NULL
  WHERE home IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM device_credential
    WHERE device_credential.home = enrolment.home AND device_credential.twin = enrolment.twin
  );
