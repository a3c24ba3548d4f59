-- Homes have an incarnation: rights and audit belong to it, and not to whoever takes the id later.

CREATE TABLE home_incarnation (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  home text COLLATE "C" NOT NULL,
  -- grows with every change of rights in the home, and so holds it until the transaction ends
  revision bigint NOT NULL,
  began_at bigint NOT NULL,
  -- null: the engine has not made it yet
  made_at bigint,
  -- null: nobody deletes it; otherwise no rights are granted any more
  closing_at bigint,
  ended_at bigint
);
CREATE UNIQUE INDEX home_incarnation_present ON home_incarnation (home) WHERE ended_at IS NULL;
CREATE INDEX home_incarnation_home ON home_incarnation (home, number);

-- a twin that is being deleted: nobody is granted anything about it meanwhile
CREATE TABLE closing_twin (
  home text COLLATE "C" NOT NULL,
  twin text COLLATE "C" NOT NULL,
  since bigint NOT NULL,
  PRIMARY KEY (home, twin)
);

-- letters and other things that are few a day: each bucket counts one limit
CREATE TABLE daily_count (
  bucket text COLLATE "C" NOT NULL,
  day bigint NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (bucket, day)
);

ALTER TABLE audit ADD COLUMN incarnation bigint;
-- a secret from the factory that was revoked or replaced never counts again
ALTER TABLE enrolment ADD COLUMN secret_ended_at bigint;
-- 0: a broker that checks passwords itself does not know it yet, and must not know the one before either
ALTER TABLE device_credential ADD COLUMN is_told bigint NOT NULL DEFAULT 1;
-- a device is coming in with it: whoever fails gives it back, if it is still there
ALTER TABLE claim_code ADD COLUMN taken_at bigint;

-- the address as it is compared
ALTER TABLE invitation ADD COLUMN email_key text COLLATE "C";
UPDATE invitation SET email_key = lower(trim(email));
CREATE INDEX invitation_email ON invitation (email_key);
-- when whoever holds it has last proved who they are
ALTER TABLE session ADD COLUMN proven_at bigint;

-- a second factor: one for a person
CREATE TABLE second_factor (
  person text COLLATE "C" PRIMARY KEY REFERENCES person ON DELETE CASCADE,
  -- sealed
  secret text NOT NULL,
  -- null: it has not been shown yet that the app has it
  confirmed_at bigint,
  -- the step of the last code that was taken: none counts twice
  last_step bigint NOT NULL,
  created_at bigint NOT NULL
);

-- in place of a code, once each
CREATE TABLE recovery_code (
  person text COLLATE "C" NOT NULL REFERENCES person ON DELETE CASCADE,
  hash text COLLATE "C" NOT NULL,
  PRIMARY KEY (person, hash)
);

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
