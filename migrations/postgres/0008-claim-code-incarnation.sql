-- A claim code for a twin's device names the life of the twin: whoever holds it does not come into a later one.
ALTER TABLE claim_code ADD COLUMN incarnation text;
UPDATE claim_code SET incarnation = (
  SELECT incarnation FROM twin WHERE twin.home = claim_code.home AND twin.twin = claim_code.twin
) WHERE twin IS NOT NULL;
