-- State is text here from the beginning; what changes is PostgreSQL's. The numbers stay in step.
SELECT 1;
