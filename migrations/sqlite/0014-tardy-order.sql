-- The index of what came in late ends with the position here, which is an order already; what changes is PostgreSQL's.
-- The numbers stay in step.
SELECT 1;
