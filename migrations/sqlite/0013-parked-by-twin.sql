-- What is parked of a twin is read when the queue's memory has come to its end, and deleted with the twin.
CREATE INDEX parked_twin ON parked (home, twin, position);
