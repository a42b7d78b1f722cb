-- Plans that all major versions show alike (plan_shape.sql has the others), and what fails
-- before any request.  The server has no credentials and an endpoint at which nothing
-- listens: a request would be an error.
\set SHOW_CONTEXT never
CREATE FUNCTION attempt(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; state text; detail text; hint text; result text;
BEGIN
    EXECUTE command INTO result;
    RETURN coalesce('found ' || result, 'nothing');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, state = RETURNED_SQLSTATE,
        detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN state || ': ' || concat_ws(E'\n  ', message, nullif(detail, ''), nullif(hint, ''));
END $$;
CREATE SERVER aws FOREIGN DATA WRAPPER imagebuilder_fdw
    OPTIONS (endpoint_url 'http://127.0.0.1:1', max_attempts '1');
CREATE USER MAPPING FOR CURRENT_USER SERVER aws;
CREATE SCHEMA imagebuilder;
IMPORT FOREIGN SCHEMA imagebuilder FROM SERVER aws INTO imagebuilder;
SET search_path TO imagebuilder, public;
-- The planner guesses rows from widths: these, unlike varchar(200)'s, are those of all encodings.
CREATE TABLE instances (id integer PRIMARY KEY, image text, image_varchar varchar, image_char bpchar, images text[],
                        notes bit(6384), more_notes bit(6384));

-- All forms of key.
EXPLAIN (COSTS OFF) SELECT name FROM images WHERE arn = 'a';
EXPLAIN (COSTS OFF) SELECT name FROM images WHERE 'a' = arn;
EXPLAIN (COSTS OFF) SELECT name FROM images WHERE arn = 'a'::varchar;
EXPLAIN (COSTS OFF) SELECT name FROM images WHERE arn::varchar = 'a'::varchar;
EXPLAIN (COSTS OFF) SELECT name FROM images WHERE arn = 'a'::name;
EXPLAIN (COSTS OFF) SELECT name FROM images WHERE arn IN ('a', 'b') AND version = '1.0.0/1';
EXPLAIN (COSTS OFF) SELECT name FROM images WHERE arn = ANY ('{a,b}');
EXPLAIN (COSTS OFF) SELECT name FROM images WHERE arn = 'a' OR arn = 'b' OR arn IN ('c', 'd');
EXPLAIN (COSTS OFF) SELECT name FROM images WHERE arn = 'a' AND version = '1' OR arn = 'b' AND version = '2';
EXPLAIN (COSTS OFF) SELECT name FROM images WHERE arn IN ('a', 'b') AND arn IN ('b', 'c');
EXPLAIN (COSTS OFF) SELECT name FROM images WHERE arn IS NOT DISTINCT FROM 'a';
EXPLAIN (COSTS OFF) SELECT name FROM images WHERE arn IS NULL;
PREPARE by_arn(text) AS SELECT name FROM images WHERE arn = $1;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE by_arn('a');
RESET plan_cache_mode;
DEALLOCATE by_arn;

-- Joins look up by the other side's column.
EXPLAIN (COSTS OFF) SELECT id, name FROM instances LEFT JOIN images ON arn = image_varchar;
EXPLAIN (COSTS OFF) SELECT id, name FROM instances i JOIN images ON arn = ANY (i.images);
EXPLAIN (COSTS OFF) SELECT id, name FROM instances i JOIN images ON arn = image OR arn = image_varchar;
EXPLAIN (COSTS OFF) SELECT id FROM instances WHERE NOT EXISTS (SELECT FROM images WHERE arn = image);
EXPLAIN (COSTS OFF) SELECT * FROM instances CROSS JOIN LATERAL (SELECT name FROM images WHERE arn = image LIMIT 1) AS i;
EXPLAIN (COSTS OFF) SELECT name FROM images i JOIN amis a USING (name) WHERE i.arn = 'a' AND a.image_arn = i.arn;
EXPLAIN (COSTS OFF) SELECT arn FROM images WHERE arn = 'a' UNION ALL SELECT image_arn FROM amis WHERE image_arn = 'b';

-- No finite set of ARNs: no key.  To explain it is no error, to run it is.
SELECT attempt($$SELECT * FROM images$$);
SELECT attempt($$SELECT * FROM amis WHERE region = 'us-east-1'$$);
SELECT attempt($$SELECT name FROM images WHERE arn LIKE 'arn:%'$$);
SELECT attempt($$SELECT name FROM images WHERE arn <> 'a'$$);
SELECT attempt($$SELECT name FROM images WHERE arn = 'a' OR name = 'b'$$);
SELECT attempt($$SELECT name FROM images WHERE arn = upper(arn)$$);
SELECT attempt($$SELECT name FROM images WHERE arn = random()::text$$);
SELECT attempt($$SELECT name FROM images WHERE arn = 'a' || clock_timestamp()$$);
SELECT attempt($$SELECT name FROM images WHERE NOT arn = 'a'$$);
SELECT attempt($$SELECT name FROM images WHERE upper(arn) = 'a'$$);
SELECT attempt($$SELECT * FROM images FULL JOIN instances ON arn = image$$);

-- Nothing is asked for.
SELECT attempt($$SELECT name FROM images WHERE arn = NULL$$);
SELECT attempt($$SELECT name FROM images WHERE arn IN (NULL, NULL)$$);
SELECT attempt($$SELECT name FROM images WHERE arn = ANY (NULL::text[])$$);
SELECT attempt($$SELECT name FROM images WHERE arn = ANY ('{}')$$);
SELECT attempt($$SELECT name FROM images WHERE arn = (SELECT image FROM instances)$$);
SELECT attempt($$SELECT name FROM images WHERE arn IS NULL$$);
SELECT attempt($$SELECT name FROM images WHERE arn IN ('a', 'b') AND arn IN ('c', 'd')$$);
SELECT attempt($$SELECT name FROM images WHERE arn = 'a' AND arn = 'b'$$);
SELECT attempt($$SELECT id, name FROM instances JOIN images ON arn = image$$);

-- The ARN's shape is checked before any request.
SELECT attempt($$SELECT name FROM images WHERE arn = 'ami-0123456789abcdef0'$$);
SELECT attempt($$SELECT name FROM images WHERE arn IN ('arn:aws:imagebuilder:us-east-1:1:image/a/1.0.0', 'arn:aws:imagebuilder:us-east-1:1:component/a/1.0.0/1')$$);
SELECT attempt($$SELECT name FROM images WHERE arn = 'arn:aws:imagebuilder:example.org/:1:image/a/1.0.0'$$);

-- No credentials.
SELECT replace(attempt($$SELECT name FROM images WHERE arn = 'arn:aws:imagebuilder:us-east-1:123456789012:image/a/1.0.0'$$),
               format('"%s"', current_user), '"ME"') AS attempt;
ALTER USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (ADD access_key_id 'AKIDEXAMPLE');
SELECT attempt($$SELECT name FROM images WHERE arn = 'arn:aws:imagebuilder:us-east-1:123456789012:image/a/1.0.0'$$);
DROP USER MAPPING FOR CURRENT_USER SERVER aws;
SELECT replace(attempt($$SELECT name FROM images WHERE arn = 'arn:aws:imagebuilder:us-east-1:123456789012:image/a/1.0.0'$$),
               format('"%s"', current_user), '"ME"') AS attempt;

-- Nothing listens there.
CREATE USER MAPPING FOR PUBLIC SERVER aws OPTIONS (access_key_id 'AKIDEXAMPLE', secret_access_key 'geheim');
SELECT split_part(attempt($$SELECT name FROM images WHERE arn = 'arn:aws:imagebuilder:us-east-1:123456789012:image/a/1.0.0'$$), E'\n', 1);

-- Foreign tables are read only, as those of other wrappers that are.
INSERT INTO images (arn) VALUES ('a');
UPDATE images SET name = 'b' WHERE arn = 'a';
DELETE FROM images WHERE arn = 'a';
TRUNCATE images;
ANALYZE images;

-- Bound to nothing.
CREATE FOREIGN TABLE nothing (arn text, name text) SERVER aws;
SELECT attempt($$SELECT * FROM nothing WHERE arn = 'a'$$);
CREATE FOREIGN TABLE renamed (arn text, nam text) SERVER aws OPTIONS (table_name 'images');
SELECT attempt($$SELECT nam FROM renamed WHERE arn = (SELECT image FROM instances)$$);
SELECT attempt($$SELECT arn FROM renamed WHERE arn = (SELECT image FROM instances)$$);
CREATE FOREIGN TABLE keyless (name text) SERVER aws OPTIONS (table_name 'images');
SELECT attempt($$SELECT * FROM keyless$$);
\set VERBOSITY terse
SET client_min_messages = warning;
DROP SERVER aws CASCADE;
DROP SCHEMA imagebuilder CASCADE;
DROP FUNCTION attempt;
