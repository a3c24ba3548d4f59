-- What rules show the world, and what they need to be let in there.

-- what calls a webhook of a rule proves itself with; one at a time
CREATE TABLE rule_hook (
  home text COLLATE "C" NOT NULL,
  rule text COLLATE "C" NOT NULL,
  hook text COLLATE "C" NOT NULL,
  hash text COLLATE "C" NOT NULL UNIQUE,
  made_by text NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (home, rule, hook)
);

-- tokens of other services, sealed: rules name them, and only what calls those services sees them
CREATE TABLE home_secret (
  home text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  sealed text NOT NULL,
  set_by text NOT NULL,
  set_at bigint NOT NULL,
  PRIMARY KEY (home, name)
);
