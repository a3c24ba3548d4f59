-- What rules show the world, and what they need to be let in there.

-- what calls a webhook of a rule proves itself with; one at a time
CREATE TABLE rule_hook (
  home TEXT NOT NULL,
  rule TEXT NOT NULL,
  hook TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  made_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (home, rule, hook)
) STRICT;

-- tokens of other services, sealed: rules name them, and only what calls those services sees them
CREATE TABLE home_secret (
  home TEXT NOT NULL,
  name TEXT NOT NULL,
  sealed TEXT NOT NULL,
  set_by TEXT NOT NULL,
  set_at INTEGER NOT NULL,
  PRIMARY KEY (home, name)
) STRICT;
