-- What CREATE EXTENSION brings, and that DROP EXTENSION leaves nothing.
CREATE VIEW objects AS
    SELECT 'pg_proc'::regclass AS catalog, oid FROM pg_proc UNION ALL
    SELECT 'pg_type'::regclass, oid FROM pg_type UNION ALL
    SELECT 'pg_class'::regclass, oid FROM pg_class UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper UNION ALL
    SELECT classid, objid FROM pg_depend;
CREATE TABLE before (catalog regclass, oid oid);
INSERT INTO before TABLE objects;
CREATE EXTENSION imagebuilder_fdw;
SELECT pg_describe_object(classid, objid, 0) COLLATE "C" AS object
FROM pg_depend
WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'imagebuilder_fdw')
ORDER BY 1;
SELECT imagebuilder_fdw_version() = extversion AS same_version
FROM pg_extension WHERE extname = 'imagebuilder_fdw';
-- Nobody but a superuser uses the wrapper, until granted.
SELECT fdwacl IS NULL AS not_granted FROM pg_foreign_data_wrapper WHERE fdwname = 'imagebuilder_fdw';
DROP EXTENSION imagebuilder_fdw;
SELECT catalog, count(*) FROM (TABLE objects EXCEPT TABLE before) AS left_over GROUP BY catalog;
DROP VIEW objects;
DROP TABLE before;

-- The schema as rows.
CREATE EXTENSION imagebuilder_fdw;
-- t/001_values.pl compares all of it with the interface.
SELECT DISTINCT count(*) FILTER (WHERE is_key) AS keys_of_each_table,
       (array_agg(is_key ORDER BY ordinality))[1] AS key_first
FROM imagebuilder_fdw_columns() WITH ORDINALITY AS c
GROUP BY table_name;
SELECT * FROM imagebuilder_fdw_columns() WHERE table_name = 'image_recipes';

-- This session has asked for nothing yet.
SELECT * FROM imagebuilder_fdw_stats();
SELECT imagebuilder_fdw_stats_reset();
