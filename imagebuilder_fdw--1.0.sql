\echo Use "CREATE EXTENSION imagebuilder_fdw" to load this file. \quit

CREATE FUNCTION imagebuilder_fdw_handler() RETURNS fdw_handler
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT;

CREATE FUNCTION imagebuilder_fdw_validator(text[], oid) RETURNS void
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT;

CREATE FOREIGN DATA WRAPPER imagebuilder_fdw
    HANDLER imagebuilder_fdw_handler
    VALIDATOR imagebuilder_fdw_validator;

CREATE FUNCTION imagebuilder_fdw_version() RETURNS text
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE FUNCTION imagebuilder_fdw_columns(
        OUT table_name text, OUT column_name text, OUT data_type text,
        OUT path text, OUT is_key boolean)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE FUNCTION imagebuilder_fdw_stats(
        OUT requests bigint, OUT retries bigint, OUT throttled bigint,
        OUT not_found bigint, OUT errors bigint, OUT cache_hits bigint,
        OUT bytes_received bigint, OUT request_time_ms double precision)
    RETURNS record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

CREATE FUNCTION imagebuilder_fdw_stats_reset() RETURNS void
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

CREATE FUNCTION imagebuilder_fdw_clear_cache() RETURNS void
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

CREATE FUNCTION imagebuilder_arn(
        arn text, OUT partition text, OUT region text, OUT account_id text,
        OUT resource_type text, OUT name text, OUT version text, OUT build text)
    RETURNS record
    AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
