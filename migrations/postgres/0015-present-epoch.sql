-- The epoch of the engine that owns the database, in a row of its own: who parks or ends deliveries holds it for the length of the
-- statement, so that an engine which takes over reads what is parked after the last write of the one before, and commits,
-- which hold a row of `writer`, wait for neither.
CREATE TABLE present_epoch (epoch bigint NOT NULL);
INSERT INTO present_epoch SELECT coalesce(max(epoch), 0) FROM writer;
