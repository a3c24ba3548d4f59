-- One writes at a time here, so the epochs in `writer` say it. The numbers stay in step with PostgreSQL's.
SELECT 1;
