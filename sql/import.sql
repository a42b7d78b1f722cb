-- IMPORT FOREIGN SCHEMA
CREATE SERVER "my aws" FOREIGN DATA WRAPPER imagebuilder_fdw;
CREATE SCHEMA everything;
IMPORT FOREIGN SCHEMA imagebuilder FROM SERVER "my aws" INTO everything;
-- It makes exactly the columns that the schema has.
SELECT * FROM (
    (SELECT table_name, column_name, data_type FROM imagebuilder_fdw_columns()
     EXCEPT
     SELECT relname, attname, replace(format_type(atttypid, atttypmod), 'timestamp with time zone', 'timestamptz')
     FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid
     WHERE relnamespace = 'everything'::regnamespace AND attnum > 0)
    UNION ALL
    (SELECT relname, attname, replace(format_type(atttypid, atttypmod), 'timestamp with time zone', 'timestamptz')
     FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid
     WHERE relnamespace = 'everything'::regnamespace AND attnum > 0
     EXCEPT
     SELECT table_name, column_name, data_type FROM imagebuilder_fdw_columns())) AS difference;
\d everything.amis
SET client_min_messages = warning;
DROP SCHEMA everything CASCADE;
RESET client_min_messages;

CREATE SCHEMA few;
IMPORT FOREIGN SCHEMA imagebuilder LIMIT TO (images, amis, no_such_table) FROM SERVER "my aws" INTO few;
SELECT relname FROM pg_class WHERE relnamespace = 'few'::regnamespace ORDER BY 1;
\set VERBOSITY terse
DROP SCHEMA few CASCADE;
\set VERBOSITY default
CREATE SCHEMA others;
IMPORT FOREIGN SCHEMA imagebuilder EXCEPT (images, amis) FROM SERVER "my aws" INTO others;
SELECT DISTINCT table_name FROM imagebuilder_fdw_columns() EXCEPT
SELECT relname FROM pg_class WHERE relnamespace = 'others'::regnamespace ORDER BY 1;
IMPORT FOREIGN SCHEMA public FROM SERVER "my aws" INTO others;
IMPORT FOREIGN SCHEMA imagebuilder FROM SERVER "my aws" INTO others OPTIONS (import_default 'true');
-- Once is enough.
IMPORT FOREIGN SCHEMA imagebuilder LIMIT TO (tags) FROM SERVER "my aws" INTO others;
SET client_min_messages = warning;
DROP SERVER "my aws" CASCADE;
DROP SCHEMA others;
