-- Days that gateways have brought are a feature's: they go with their twin.
-- Nothing comes in between, should the former version still run
LOCK TABLE twin, device_day IN SHARE ROW EXCLUSIVE MODE;
DELETE FROM device_day
  WHERE NOT EXISTS (
    SELECT 1 FROM twin WHERE twin.home = device_day.home AND twin.twin = device_day.twin
  );
ALTER TABLE device_day
  ADD CONSTRAINT device_day_twin FOREIGN KEY (home, twin) REFERENCES twin (home, twin) ON DELETE CASCADE;
