-- Every option: its place, type, range, and who may set it.
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE FUNCTION attempt(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; state text; hint text;
BEGIN
    EXECUTE command;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, state = RETURNED_SQLSTATE, hint = PG_EXCEPTION_HINT;
    RETURN state || ': ' || message || CASE WHEN hint <> '' THEN E'\n  ' || hint ELSE '' END;
END $$;
CREATE FUNCTION server_option(option text, value text) RETURNS text LANGUAGE sql AS $$
    SELECT attempt(format('CREATE SERVER s FOREIGN DATA WRAPPER imagebuilder_fdw OPTIONS (%I %L); DROP SERVER s',
                          option, value));
$$;
CREATE SERVER aws FOREIGN DATA WRAPPER imagebuilder_fdw;
CREATE FUNCTION mapping_option(option text, value text) RETURNS text LANGUAGE sql AS $$
    SELECT attempt(format('CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (%I %L);'
                          'DROP USER MAPPING FOR CURRENT_USER SERVER aws', option, value));
$$;
CREATE FUNCTION table_option(option text, value text) RETURNS text LANGUAGE sql AS $$
    SELECT attempt(format('CREATE FOREIGN TABLE t (image_arn text) SERVER aws OPTIONS (%I %L); DROP FOREIGN TABLE t',
                          option, value));
$$;
CREATE FUNCTION column_option(option text, value text) RETURNS text LANGUAGE sql AS $$
    SELECT attempt(format('CREATE FOREIGN TABLE t (image_arn text, c text OPTIONS (%I %L)) SERVER aws;'
                          'DROP FOREIGN TABLE t', option, value));
$$;

SELECT o.*, server_option(option, value) FROM (VALUES
    ('region', 'us-east-1'),
    ('region', 'us east 1'),
    ('region', 'example.org/'),
    ('region', ''),
    ('endpoint_url', 'http://127.0.0.1:8080/base'),
    ('endpoint_url', 'https://example.org'),
    ('endpoint_url', 'gopher://example.org'),
    ('endpoint_url', '127.0.0.1'),
    ('endpoint_url', 'https://example.org/?a=b'),
    ('sts_endpoint_url', 'x'),
    ('sts_endpoint_url', 'https://example.org'),
    ('use_fips_endpoint', 'true'),
    ('use_fips_endpoint', 'perhaps'),
    ('use_dualstack_endpoint', 'on'),
    ('ca_bundle', '/etc/ssl/certs/ca-certificates.crt'),
    ('ca_bundle', 'ca.pem'),
    ('proxy', 'http://127.0.0.1:3128'),
    ('proxy', 'https://user@proxy.example.org'),
    ('proxy', 'socks5://127.0.0.1:1080'),
    ('proxy', '127.0.0.1:3128'),
    ('proxy', 'http://127.0.0.1:3128/path'),
    ('connect_timeout', '500ms'),
    ('connect_timeout', '250'),
    ('connect_timeout', ' 0x10 '),
    ('connect_timeout', '0'),
    ('connect_timeout', '2h'),
    ('request_timeout', '1min'),
    ('request_timeout', '5 parsecs'),
    ('request_timeout', '5m'),
    ('request_timeout', 'long'),
    ('max_attempts', '1'),
    ('max_attempts', '20'),
    ('max_attempts', '0'),
    ('max_attempts', '21'),
    ('max_attempts', 'three'),
    ('max_concurrency', '1'),
    ('max_concurrency', '16'),
    ('max_concurrency', '65'),
    ('max_response_size', '64MB'),
    ('max_response_size', '1GB'),
    ('max_response_size', '2GB'),
    ('max_response_size', '0'),
    ('cache_ttl', '0'),
    ('cache_ttl', '5min'),
    ('cache_ttl', '-1'),
    ('cache_size', '64MB'),
    ('cache_size', '0'),
    ('cache_size', '1.5'),
    ('on_error', 'error'),
    ('on_error', 'warning'),
    ('on_error', 'ignore'),
    ('credential_provider', 'static'),
    ('credential_provider', 'instance'),
    ('credential_provider', 'oracle'),
    ('access_key_id', 'AKIDEXAMPLE'),
    ('no_such_option', '1')) AS o(option, value);
SELECT attempt($$CREATE SERVER s FOREIGN DATA WRAPPER imagebuilder_fdw
    OPTIONS (endpoint_url 'https://example.org', use_fips_endpoint 'true')$$);
SELECT attempt($$CREATE SERVER s FOREIGN DATA WRAPPER imagebuilder_fdw
    OPTIONS (endpoint_url 'https://example.org', use_dualstack_endpoint 'true')$$);
-- A URL's password is not repeated.
SELECT server_option('proxy', 'http://user:geheim@example.org/path') LIKE '%geheim%' AS shown;
SELECT server_option('endpoint_url', 'https://user:geheim@example.org') LIKE '%geheim%' AS shown;

SELECT o.*, mapping_option(option, value) FROM (VALUES
    ('access_key_id', 'AKIDEXAMPLE'),
    ('access_key_id', ''),
    ('secret_access_key', E'geheim\nX-Header: x'),
    ('session_token', 'geheim geheim'),
    ('credential_provider', 'static'),
    ('credential_provider', 'default'),
    ('profile', 'default'),
    ('role_arn', 'arn:aws:iam::123456789012:role/ImageReader'),
    ('role_arn', 'arn:aws-cn:iam::{account}:role/path/{account}-reader'),
    ('role_arn', 'arn:aws:iam::{Account}:role/ImageReader'),
    ('role_arn', 'arn:aws:iam::12345:role/ImageReader'),
    ('role_arn', 'arn:aws:iam::123456789012:user/ImageReader'),
    ('role_arn', 'arn:aws:iam::123456789012:role/'),
    ('role_arn', 'ImageReader'),
    ('external_id', 'customer-42'),
    ('external_id', 'x'),
    ('role_session_name', 'reports@example'),
    ('role_session_name', 'x'),
    ('role_session_name', 'a b'),
    ('role_duration', '900s'),
    ('role_duration', '899s'),
    ('role_duration', '3600'),
    ('role_duration', '43201s'),
    ('endpoint_url', 'https://example.org')) AS o(option, value);

SELECT o.*, table_option(option, value) FROM (VALUES
    ('table_name', 'amis'),
    ('table_name', 'ami'),
    ('rows', ''),
    ('rows', 'image.outputResources.amis[]'),
    ('rows', 'image.tags{}'),
    ('rows', 'a[].b{}.c[][]'),
    ('rows', '[]'),
    ('rows', 'a..b'),
    ('rows', 'a.'),
    ('rows', 'a[]b'),
    ('rows', 'a[0]'),
    ('rows', 'a{'),
    ('rows', '@arn'),
    ('rows', '"x"'),
    ('rows', 'x."a.b"[]."c""[]"{}'),
    ('rows', 'x[]"a"'),
    ('rows', 'x."a"b[]'),
    ('rows', 'x."a[]'),
    ('rows', 'x.""[]'),
    ('rows', 'a@b[]'),
    ('rows', '/a'),
    ('operation', 'ListImageBuildVersions'),
    ('operation', 'ListImages:shared'),
    ('operation', 'DeleteImage'),
    ('column_name', 'x')) AS o(option, value);
SELECT o.*, column_option(option, value) FROM (VALUES
    ('column_name', 'ami_id'),
    ('column_name', ''),
    ('path', 'a.b'),
    ('path', '.'),
    ('path', '#'),
    ('path', '^#'),
    ('path', '^a.b'),
    ('path', '@arn'),
    ('path', '@key'),
    ('path', '@source'),
    ('path', '@response'),
    ('path', ''),
    ('path', '@other'),
    ('path', 'a[]'),
    ('path', '^^a'),
    ('path', 'a.'),
    ('path', '.a'),
    ('path', 'a."b.c"'),
    ('path', '^"x"'),
    ('path', '"@arn"."/a"."#"'),
    ('path', '"a""b"."{}"'),
    ('path', 'a/b:c^d#e'),
    ('path', '"a'),
    ('path', 'a."b""'),
    ('path', '"a"b'),
    ('path', '"a"[]'),
    ('path', 'a"b"'),
    ('path', '""'),
    ('path', 'a."".b'),
    ('path', 'a@b'),
    ('path', 'a.@arn'),
    ('path', '^@key'),
    ('path', '/a'),
    ('path', '/"a.b".c'),
    ('path', '/'),
    ('path', '//a'),
    ('path', '/@arn'),
    ('path', '/a[]'),
    ('path', 'a./b'),
    ('rows', 'a')) AS o(option, value);
SELECT attempt($$CREATE FOREIGN TABLE t (c text OPTIONS (path 'a', column_name 'b')) SERVER aws$$);
SELECT attempt($$ALTER FOREIGN DATA WRAPPER imagebuilder_fdw OPTIONS (ADD region 'us-east-1')$$);

SELECT attempt($$CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (access_key_id 'AKIDEXAMPLE', credential_provider 'instance')$$);
SELECT attempt($$CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (session_token 'x', credential_provider 'default')$$);
SELECT attempt($$CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (access_key_id 'AKIDEXAMPLE', credential_provider 'static');
    DROP USER MAPPING FOR CURRENT_USER SERVER aws$$);

-- Only a superuser sets what reaches the server's host, network or identity.
CREATE ROLE regress_analyst;
GRANT USAGE ON FOREIGN DATA WRAPPER imagebuilder_fdw TO regress_analyst;
GRANT USAGE ON FOREIGN SERVER aws TO regress_analyst;
GRANT CREATE ON SCHEMA public TO regress_analyst;
SET ROLE regress_analyst;
SELECT o.*, server_option(option, value) FROM (VALUES
    ('region', 'us-east-1'),
    ('max_attempts', '3'),
    ('endpoint_url', 'https://example.org'),
    ('sts_endpoint_url', 'https://example.org'),
    ('ca_bundle', '/etc/shadow'),
    ('proxy', 'http://127.0.0.1:3128'),
    ('credential_provider', 'static')) AS o(option, value);
SELECT o.*, mapping_option(option, value) FROM (VALUES
    ('access_key_id', 'AKIDEXAMPLE'),
    ('credential_provider', 'instance'),
    ('profile', 'default')) AS o(option, value);
SELECT table_option('rows', 'image.tags{}'), column_option('path', 'a');
RESET ROLE;
-- What an older version has stored without a unit keeps its meaning, until something is set.
UPDATE pg_foreign_server SET srvoptions = '{cache_ttl=300}' WHERE srvname = 'aws';
CREATE FOREIGN TABLE images (arn text) SERVER aws;
SELECT attempt($$SELECT * FROM images WHERE arn = NULL$$);
SELECT attempt($$ALTER SERVER aws OPTIONS (ADD max_attempts '3')$$);
SELECT attempt($$ALTER SERVER aws OPTIONS (ADD max_attempts '3', SET cache_ttl '300ms')$$);
DROP OWNED BY regress_analyst;
DROP ROLE regress_analyst;
DROP FOREIGN TABLE images;
DROP SERVER aws CASCADE;
DROP FUNCTION server_option, mapping_option, table_option, column_option, attempt;
