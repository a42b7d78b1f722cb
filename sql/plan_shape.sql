-- Plans that look different by major version: plan_shape.out is for PostgreSQL 15,
-- plan_shape_1.out for 16, and so on.
CREATE SERVER aws FOREIGN DATA WRAPPER imagebuilder_fdw
    OPTIONS (endpoint_url 'http://127.0.0.1:1', max_attempts '1');
CREATE SCHEMA imagebuilder;
IMPORT FOREIGN SCHEMA imagebuilder FROM SERVER aws INTO imagebuilder;
SET search_path TO imagebuilder, public;
-- The planner guesses rows from widths: these, unlike varchar(200)'s, are those of all encodings.
CREATE TABLE instances (id integer PRIMARY KEY, image text, image_varchar varchar, image_char bpchar, images text[],
                        notes bit(6384), more_notes bit(6384));

-- All forms of key.
EXPLAIN (COSTS OFF) SELECT name FROM images WHERE arn = ANY (ARRAY(SELECT image FROM instances));
EXPLAIN (COSTS OFF) SELECT name FROM images WHERE arn = (SELECT image FROM instances WHERE id = 1);
EXPLAIN (COSTS OFF) SELECT name FROM images WHERE arn = 'a' AND arn = 'b';

-- Joins look up by the other side's column.
EXPLAIN (COSTS OFF) SELECT id, name FROM instances JOIN images ON arn = image;
EXPLAIN (COSTS OFF) SELECT id, name FROM instances JOIN images ON arn = image_char;
EXPLAIN (COSTS OFF) SELECT name FROM images WHERE arn IN (SELECT image FROM instances WHERE id < 3);
EXPLAIN (COSTS OFF) SELECT id, (SELECT name FROM images WHERE arn = image) FROM instances;
EXPLAIN (COSTS OFF)
SELECT id, ami_id, component_arn
FROM instances JOIN images ON arn = image JOIN amis a ON a.image_arn = arn JOIN components c ON c.image_arn = arn;

-- No finite set of ARNs: no key, which is no error to explain.
EXPLAIN (COSTS OFF) SELECT * FROM images;

-- Bound to nothing.
CREATE FOREIGN TABLE nothing (arn text, name text) SERVER aws;
EXPLAIN (COSTS OFF) SELECT * FROM nothing WHERE arn = 'a';
SET client_min_messages = warning;
DROP SERVER aws CASCADE;
DROP SCHEMA imagebuilder CASCADE;
