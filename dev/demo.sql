-- What dev/demo shows.  Needs the variable endpoint: the URL to ask.
\set QUIET on
\set ON_ERROR_STOP on
\pset pager off
\pset null '-'
\pset format wrapped
\pset columns 120
\pset footer off
\set build 'arn:aws:imagebuilder:us-east-1:123456789012:image/golden-linux/2.0.0/1'
\set container 'arn:aws:imagebuilder:us-east-1:123456789012:image/web-base/1.4.0/1'
\set failed_build 'arn:aws:imagebuilder:us-east-1:123456789012:image/golden-windows/3.2.0/1'
\set failed_copies 'arn:aws:imagebuilder:us-east-1:123456789012:image/golden-debian/1.0.0/3'

\echo
\echo '==== Set-up: the local endpoint stands in for AWS, its keys are made up'
\echo
CREATE EXTENSION imagebuilder_fdw;
CREATE SERVER local FOREIGN DATA WRAPPER imagebuilder_fdw
  OPTIONS (region 'us-east-1', endpoint_url :'endpoint', sts_endpoint_url :'endpoint');
CREATE USER MAPPING FOR CURRENT_USER SERVER local
  OPTIONS (access_key_id 'AKIDEXAMPLE',
           secret_access_key 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY');
CREATE SCHEMA imagebuilder;
IMPORT FOREIGN SCHEMA imagebuilder FROM SERVER local INTO imagebuilder;
SET search_path TO imagebuilder, public;

\echo
\echo '==== What images there are in the Region: no ARN needed'
\echo
SELECT name, type, platform, count(*) AS versions, max(date_created)::date AS newest
FROM image_versions
WHERE platform IS NOT NULL
GROUP BY name, type, platform
ORDER BY name;

\echo '==== The newest available build of each'
\echo
CREATE VIEW public.newest_builds AS
SELECT DISTINCT ON (name) name, version, date_created::date AS built, arn
FROM image_builds
WHERE state_status = 'AVAILABLE'
ORDER BY name, string_to_array(translate(version, '/', '.'), '.')::int[] DESC;

SELECT * FROM public.newest_builds;

\echo '==== Its AMIs, by Region and account'
\echo
SELECT n.name, n.version, a.ami_region, a.ami_account_id, a.ami_id
FROM public.newest_builds n
JOIN image_build_amis a ON a.image_arn = n.arn
ORDER BY n.name, a.ami_region, a.ami_account_id;

\echo '==== Its packages, these three for example'
\echo
SELECT n.name, n.version, p.package_name, p.package_version
FROM public.newest_builds n
JOIN image_packages p ON p.image_arn = n.arn
WHERE p.package_name IN ('bash', 'curl', 'openssl')
ORDER BY n.name, p.package_name;

\echo '==== All that there is to know of one image, by its ARN'
\echo
\pset expanded on
SELECT name, version, type, platform, os_version, state_status, build_type,
       date_created, image_recipe_arn, latest_version_arn, tags
FROM images
WHERE arn = :'build';
\pset expanded off

\echo '==== Its components, with the parameters that they were given'
\echo
SELECT c.ordinal, (imagebuilder_arn(c.component_arn)).name AS component,
       (imagebuilder_arn(c.component_arn)).version, p.name AS parameter, p.value
FROM components c
LEFT JOIN component_parameters p
  ON p.image_arn = c.image_arn AND p.component_ordinal = c.ordinal
WHERE c.image_arn = :'build'
ORDER BY c.ordinal, p.ordinal;

\echo '==== A container image, and where it was pushed'
\echo
SELECT i.name, i.version, c.region, unnest(c.image_uris) AS image_uri
FROM images i JOIN containers c ON c.image_arn = i.arn
WHERE i.arn = :'container';

\echo '==== Distribution targets that have no AMI yet'
\echo
SELECT d.region, t.account_id AS target_account
FROM distributions d CROSS JOIN unnest(d.ami_target_account_ids) AS t (account_id)
WHERE d.image_arn = :'failed_copies'
  AND NOT EXISTS (SELECT FROM amis a
                  WHERE a.image_arn = d.image_arn AND a.region = d.region
                    AND a.account_id = t.account_id)
ORDER BY d.region, target_account;

\echo '==== Why: each copy that failed'
\echo
SELECT f.region, f."targetAccountId" AS account, f."errorMessage" AS message
FROM images i,
     jsonb_to_recordset(i.state_failure_context #> '{distributionFailure,regionFailures}')
       AS f (region text, "targetAccountId" text, "errorMessage" text)
WHERE i.arn = :'failed_copies'
ORDER BY f.region, account;

\echo '==== Why another build failed: the step, its component, the message'
\echo
\pset expanded on
SELECT name, version, state_status, state_reason,
       state_failure_context ->> 'failedStep' AS failed_step,
       state_failure_context #>> '{componentFailure,componentArn}' AS component,
       state_failure_context #>> '{componentFailure,stepName}' AS component_step,
       state_failure_context #>> '{componentFailure,errorMessage}' AS message
FROM images
WHERE arn = :'failed_build';
\pset expanded off

\echo '==== An inventory of one''s own: which instances run a build that has been superseded?'
\echo
CREATE TABLE public.instances (instance_id text PRIMARY KEY, service text, image_arn text);
INSERT INTO public.instances
SELECT instance, service, 'arn:aws:imagebuilder:us-east-1:123456789012:image/' || image
FROM (VALUES ('i-0a11', 'checkout', 'golden-linux/1.0.0/1'),
             ('i-0a12', 'checkout', 'golden-linux/1.0.0/2'),
             ('i-0b21', 'search',   'golden-linux/1.1.0/1'),
             ('i-0b22', 'search',   'golden-linux/2.0.0/1'),
             ('i-0c31', 'mail',     'golden-linux/2.0.0/1')) AS v (instance, service, image);
ANALYZE public.instances;

SELECT s.instance_id, s.service, i.name, i.version AS runs, l.version AS latest,
       i.version <> l.version AS superseded
FROM public.instances s
JOIN images i ON i.arn = s.image_arn
JOIN images l ON l.arn = i.latest_version_arn
ORDER BY s.instance_id;

\echo '==== How: each ARN is looked up once, from the rows of the inventory'
\echo
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)
SELECT s.instance_id, s.service, i.name, i.version AS runs, l.version AS latest
FROM public.instances s
JOIN images i ON i.arn = s.image_arn
JOIN images l ON l.arn = i.latest_version_arn;

\echo '==== What this session has asked for'
\echo
SELECT requests, retries, not_found, errors, bytes_received
FROM imagebuilder_fdw_stats();
