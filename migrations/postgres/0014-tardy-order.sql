-- With the revision, turns that happened at one moment have an order in the index too: a device whose clock stands
-- still sends all of its turns at one, and samples are read a bounded number of turns at a time.
DROP INDEX journal_tardy;
CREATE INDEX journal_tardy ON journal (home, twin, at, revision) WHERE received_at > at + 300000;
