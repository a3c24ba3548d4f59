-- Days that gateways have brought are a feature's: they go with their twin.
CREATE TABLE device_day_of_twin (
  home TEXT NOT NULL,
  twin TEXT NOT NULL,
  day TEXT NOT NULL,
  taken INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  is_done INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (home, twin, day),
  FOREIGN KEY (home, twin) REFERENCES twin (home, twin) ON DELETE CASCADE
) STRICT;
INSERT INTO device_day_of_twin (home, twin, day, taken, refused, is_done, updated_at)
  SELECT home, twin, day, taken, refused, is_done, updated_at FROM device_day
  WHERE EXISTS (
    SELECT 1 FROM twin WHERE twin.home = device_day.home AND twin.twin = device_day.twin
  );
DROP TABLE device_day;
ALTER TABLE device_day_of_twin RENAME TO device_day;
