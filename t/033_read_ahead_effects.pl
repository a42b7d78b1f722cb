# Read-ahead does what the statement does, and asks for what it needs: inputs that once
# crashed, had effects of their own, or sent requests that nobody wanted.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Run;
use List::Util qw(max);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;

my $endpoint = TestEndpoint->new('--any');
my $node = new_cluster('main');
set_up($node, $endpoint->url);
my $prefix = arn('');

$node->safe_psql('postgres', qq{
	CREATE TABLE public.parted (id int, k int, arn text) PARTITION BY LIST (k);
	CREATE TABLE public.p0 PARTITION OF parted FOR VALUES IN (0, 1, 2, 3);
	CREATE TABLE public.p1 PARTITION OF parted FOR VALUES IN (4, 5, 6);
	INSERT INTO parted
		SELECT i, i % 7, '${prefix}d' || i % 9 || '/1.0.0/1' FROM generate_series(1, 28) i;
	CREATE TABLE public.parent (id int, arn text);
	CREATE TABLE public.child () INHERITS (parent);
	INSERT INTO child SELECT i, '${prefix}d' || i || '/1.0.0/1' FROM generate_series(1, 5) i;
	CREATE TABLE public.t AS
		SELECT i AS id, '${prefix}q' || i || '/1.0.0/1' AS arn FROM generate_series(1, 12) i;
	CREATE TABLE public.many AS
		SELECT g AS id, CASE WHEN g % 10 = 0 THEN 2 ELSE 1 END AS k,
			'${prefix}q' || g || '/1.0.0/1' AS arn, '${prefix}r' || g || '/1.0.0/1' AS arn2
		FROM generate_series(1, 1000) g;
	CREATE TABLE public.few AS SELECT id FROM many WHERE k = 2;
	CREATE INDEX ON few (id);
	CREATE VIEW public.counted AS SELECT image_arn, count(*) n FROM amis GROUP BY image_arn;
	CREATE TABLE public.locked AS SELECT * FROM t;
	CREATE SEQUENCE public.s;
	CREATE TABLE public.audit (id int);
	CREATE FUNCTION public.noted(i int) RETURNS int LANGUAGE plpgsql VOLATILE AS
		'BEGIN INSERT INTO audit VALUES (i); RETURN i; END';
	CREATE FUNCTION public.noted_rows() RETURNS SETOF t LANGUAGE plpgsql VOLATILE AS
		'BEGIN INSERT INTO audit SELECT id FROM t; RETURN QUERY SELECT * FROM t; END';
	CREATE FUNCTION public.refuse(sqlstate text, arn text) RETURNS text LANGUAGE plpgsql STABLE AS
		'BEGIN RAISE EXCEPTION USING errcode = sqlstate, message = ''refused''; END';
	ANALYZE});

# ---- tables whose rows are identified by more than a ctid --------------------------

for my $case ([ 'UPDATE of a partitioned table', 'UPDATE parted t SET id = t.id FROM images f
		WHERE f.arn = t.arn AND t.k < 4', 16 ],
	[ 'DELETE of a partitioned table',
		'DELETE FROM parted t USING images f WHERE f.arn = t.arn', 28 ],
	[ 'MERGE into a partitioned table', 'MERGE INTO parted t USING (SELECT p.id, f.name
		FROM parted p JOIN images f USING (arn)) x ON x.id = t.id
		WHEN MATCHED THEN UPDATE SET id = x.id', 28 ],
	[ 'UPDATE of a parent',
		'UPDATE parent t SET id = t.id FROM images f WHERE f.arn = t.arn', 5 ],
	[ 'UPDATE of a plain table', 'UPDATE t SET id = t.id FROM images f WHERE f.arn = t.arn', 12 ])
{
	my ($name, $query, $rows) = @$case;
	my $plan = $node->safe_psql('postgres', "EXPLAIN (VERBOSE, COSTS OFF) $query");
	like($plan, qr/Foreign Scan on imagebuilder\.images/, "$name: EXPLAIN VERBOSE");
	like($plan, qr/Read Ahead/, "$name: read ahead") if $name =~ /plain/;
	is($node->safe_psql('postgres', "BEGIN; WITH x AS ($query RETURNING 1)
			SELECT count(*) FROM x; ROLLBACK"), $rows, "$name: rows")
	  unless $name =~ /MERGE/;
	is($node->safe_psql('postgres', "BEGIN; $query; ROLLBACK"), '', "$name: runs");
}

# ---- what is evaluated ahead --------------------------------------------------------

my $none = "${prefix}no-such-image";
is($node->safe_psql('postgres', "SELECT t.id, a.ami_id FROM t LEFT JOIN (images i CROSS JOIN amis a)
		ON i.arn = t.arn || '/x' AND a.image_arn = t.arn ||
			(SELECT '' || 1 / (count(*) - count(*)) FROM pg_class) WHERE t.id = 9"),
	'9|', 'an init plan that the statement does not run is not run ahead');
is($node->safe_psql('postgres', "SELECT t.id, a.ami_id FROM t LEFT JOIN (images i CROSS JOIN amis a)
		ON i.arn = t.arn || '/x' AND a.image_arn = t.arn || (SELECT nextval('s')) WHERE t.id = 9;
		SELECT is_called FROM s"), "9|\nf", 'nor one with an effect');
my $ordered = '(SELECT * FROM t ORDER BY id OFFSET 0) t';
for my $sqlstate ('22012', 'P0001', 'HV000')
{
	my $key = "CASE WHEN id < 3 THEN t.arn ELSE refuse('$sqlstate', t.arn) END";
	is($node->safe_psql('postgres', "SELECT name FROM $ordered JOIN images i ON i.arn = $key LIMIT 2"),
		"q1\nq2", "$sqlstate of a row that is not reached is not raised");
}
for my $sqlstate ('40001', '53200', '57014', '58030', '22012')
{
	like(attempt($node, "SELECT count(name) FROM t
			JOIN images i ON i.arn = CASE WHEN id < 3 THEN t.arn ELSE refuse('$sqlstate', t.arn) END"),
		qr/^$sqlstate .*refused/, "$sqlstate of a row that is reached is");
}
for my $sqlstate ('40001', '53200', '57014', '58030')
{
	my $key = "CASE WHEN id < 3 THEN t.arn ELSE refuse('$sqlstate', t.arn) END";
	like(attempt($node, "SELECT name FROM $ordered JOIN images i ON i.arn = $key LIMIT 2"),
		qr/^$sqlstate .*refused/, "$sqlstate ends the statement at once");
}

# Taking a row is not undone: what doc/queries.md says of a row that is not needed.
my $taken = 'SELECT t.id, m.name FROM t LEFT JOIN images m USING (arn)
	WHERE 1 / (t.id - 3) IS NOT NULL LIMIT 1';
like(attempt($node, $taken), qr/^22012 /, 'a row that raises an error when it is taken');
is($node->safe_psql('postgres', "SET imagebuilder_fdw.enable_read_ahead = off; $taken"), '1|q1',
	'a row that raises an error when it is taken, read-ahead off: it is not taken');

# Each row: what it is, the outer rows, how many rows' effects the first row has.
for my $case ([ 'a sequence', "SELECT arn, nextval('s') FROM t ORDER BY id OFFSET 0", 1 ],
	[ 'a function', 'SELECT arn, noted(id) FROM t ORDER BY id OFFSET 0', 1 ],
	[ 'a condition', 'SELECT arn FROM t WHERE noted(id) > 0 OFFSET 0', 1 ],
	[ 'a sub-select', 'SELECT arn, (SELECT noted(t.id) OFFSET 0) FROM t OFFSET 0', 1 ],
	[ 'a CTE', 'WITH w AS MATERIALIZED (SELECT arn, noted(id) FROM t) SELECT * FROM w', 1 ],
	[ 'a function of each row',
		'SELECT arn FROM t, LATERAL (SELECT noted(t.id) OFFSET 0) n OFFSET 0', 1 ],
	[ 'a function in FROM', 'SELECT arn FROM noted_rows() OFFSET 0', 12 ])
{
	my ($name, $outer, $effects) = @$case;
	for my $read_ahead ('on', 'off')
	{
		is($node->safe_psql('postgres', "SET imagebuilder_fdw.enable_read_ahead = $read_ahead; BEGIN;
				SELECT i.name FROM ($outer) o JOIN images i ON i.arn = o.arn LIMIT 1;
				SELECT (SELECT count(*) FROM audit) + CASE WHEN is_called THEN last_value ELSE 0 END FROM s;
				ROLLBACK; ALTER SEQUENCE s RESTART"), "q1\n$effects", "$name, read-ahead $read_ahead: effects");
	}
}
is($node->safe_psql('postgres', "BEGIN; DO \$\$ DECLARE n text; BEGIN SELECT i.name INTO n FROM
		(SELECT * FROM locked ORDER BY id FOR UPDATE) o JOIN images i USING (arn); END \$\$;
		SELECT count(*) FROM locked WHERE xmax <> 0; ROLLBACK"), '1',
	'rows are locked as they are taken');
$endpoint->control('POST', 'together?n=10');
$endpoint->reset_counters;
is($node->safe_psql('postgres', "SELECT count(i.name) FROM (SELECT arn, noted(id) FROM t OFFSET 0) o
		JOIN images i ON i.arn = o.arn"), '12', 'where all rows are taken');
cmp_ok($endpoint->counters->{max_in_flight}, '>=', 10, 'they are looked up together');
$endpoint->reset_counters;
is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT FROM noted_rows() o
		JOIN images i ON i.arn = o.arn LIMIT 11) q'), '11', 'of a function in FROM');
cmp_ok($endpoint->counters->{max_in_flight}, '>=', 10, 'they are, under LIMIT too');
$endpoint->control('POST', 'together?n=0');

# ---- look-ups that nobody takes ------------------------------------------------------

# Each row: what it is, a query, the requests that it needs, whether more may be made.
my @wasted = (
	[ 'a filter of a sub-select', 'SELECT m.id, (SELECT c.n FROM counted c
		WHERE c.image_arn = m.arn AND m.k = 2) FROM many m', 100 ],
	[ 'a filter of LATERAL', 'SELECT m.id, x.n FROM many m LEFT JOIN LATERAL (SELECT c.n
		FROM counted c WHERE c.image_arn = m.arn AND m.k = 2 OFFSET 0) x ON true', 100 ],
	[ 'a join within LATERAL', 'SELECT x.name FROM many m LEFT JOIN LATERAL (SELECT i.name
		FROM few f JOIN images i ON i.arn = m.arn WHERE f.id = m.id LIMIT 1) x ON true', 100, 1 ],
	[ 'the same in a select list', 'SELECT (SELECT i.name FROM few f JOIN images i
		ON i.arn = m.arn WHERE f.id = m.id LIMIT 1) FROM many m', 100, 1 ],
	[ 'a join of two of ours', "SELECT x.name FROM many m LEFT JOIN LATERAL (SELECT i.name
		FROM images j JOIN images i ON i.arn = m.arn2 WHERE j.arn = m.arn AND j.name LIKE 'q%0') x
		ON true", 1100, 1 ],
	[ 'LIMIT 0', 'SELECT m.id, x.name FROM many m LEFT JOIN LATERAL (SELECT i.name FROM images i
		WHERE i.arn = m.arn LIMIT 0) x ON true', 0 ],
	[ 'LIMIT of the row', 'SELECT m.id, x.name FROM many m LEFT JOIN LATERAL (SELECT i.name
		FROM images i WHERE i.arn = m.arn LIMIT m.k - 1) x ON true', 100, 1 ],
	[ 'rows that are taken anew', 'SELECT count(*) FROM few f, LATERAL (SELECT i.name FROM
		(SELECT * FROM many m WHERE m.id >= f.id ORDER BY m.id OFFSET 0) m
		JOIN images i ON i.arn = m.arn LIMIT 1) x', 100, 1 ],
);
for my $case (@wasted)
{
	my ($name, $query, $needed, $more) = @$case;
	for my $read_ahead ('on', 'off')
	{
		$endpoint->reset_counters;
		my $out = $node->safe_psql('postgres', "SET imagebuilder_fdw.enable_read_ahead = $read_ahead;
			EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) $query;
			SELECT 'sent: ' || requests FROM imagebuilder_fdw_stats()");
		my $sent = $endpoint->requests;
		# A window of rows may be asked for before the first is known to be in vain.
		my $most = $more && $read_ahead eq 'on' ? max(64, 16 + $needed / 4) : 0;
		my $explained = 0;
		$explained += $_ for $out =~ /Image Builder Requests: (\d+)/g;
		cmp_ok($sent, '>=', $needed, "$name, read-ahead $read_ahead: what is needed is asked for");
		cmp_ok($sent, '<=', $needed + $most, "$name, read-ahead $read_ahead: not much more");
		is($explained, $sent, "$name, read-ahead $read_ahead: EXPLAIN says so");
		like($out, qr/^sent: $sent$/m, "$name, read-ahead $read_ahead: so do the statistics");
	}
}

# A key that is needed again after many were in vain is looked up ahead again.
my $session = session_of($node);
in_session($session, 'BEGIN; DECLARE c CURSOR FOR SELECT x.name FROM many m
		LEFT JOIN LATERAL (SELECT i.name FROM images i WHERE i.arn = m.arn
			LIMIT CASE WHEN m.id < 50 THEN 0 ELSE 1 END) x ON true
		WHERE m.id < 400; MOVE 60 FROM c');
$endpoint->control('POST', 'together?n=10');
$endpoint->reset_counters;
is(scalar(() = in_session($session, 'FETCH ALL FROM c') =~ /^./gm), 339,
	'needed from the 50th row on');
cmp_ok($endpoint->counters->{max_in_flight}, '>=', 10, 'looked up ahead again');
$session->quit;
$endpoint->control('POST', 'together?n=0');

# ---- values that are no ARN ----------------------------------------------------------

my $open = arn('open/1.0.0/1');
$node->safe_psql('postgres', qq{
	CREATE TABLE public.range (arn text COLLATE "C", name text) PARTITION BY RANGE (arn);
	CREATE FOREIGN TABLE public.range_foreign PARTITION OF range
		FOR VALUES FROM ('arn:aws:imagebuilder:us-east-1:') TO ('arn:aws:imagebuilder:us-east-1;')
		SERVER aws OPTIONS (table_name 'images');
	CREATE TABLE public.range_local PARTITION OF range DEFAULT;
	INSERT INTO range VALUES ('ami-0123', 'local');
	CREATE TABLE public.list (arn text, name text) PARTITION BY LIST (split_part(arn, ':', 4));
	CREATE FOREIGN TABLE public.list_foreign PARTITION OF list FOR VALUES IN ('us-east-1')
		SERVER aws OPTIONS (table_name 'images');
	CREATE TABLE public.list_local PARTITION OF list DEFAULT;
	INSERT INTO list VALUES ('ami-0123', 'local');
	CREATE TABLE public.one (arn text, name text) PARTITION BY LIST (arn);
	CREATE FOREIGN TABLE public.one_foreign PARTITION OF one FOR VALUES IN ('$open')
		SERVER aws OPTIONS (table_name 'images');
	CREATE TABLE public.one_local PARTITION OF one DEFAULT;
	INSERT INTO one VALUES ('ami-0123', 'local');
	CREATE VIEW public.both_view AS
		SELECT arn, name FROM images UNION ALL SELECT arn, name FROM range_local;
	CREATE VIEW public.range_view AS
		SELECT arn, name FROM range UNION ALL SELECT arn, name FROM range WHERE false;
	CREATE VIEW public.where_view AS SELECT arn, name FROM images WHERE name <> 'x'
		UNION ALL SELECT arn, name FROM range_local;
	CREATE VIEW public.nested_view AS SELECT DISTINCT arn, name FROM where_view;
	CREATE VIEW public.union_view AS
		SELECT arn, name FROM images UNION SELECT arn, name FROM range_local});
my $rows = "ami-0123|local\n$open|open";
for my $table (qw(range list one both_view range_view where_view nested_view union_view))
{
	for my $pruning ('on', 'off')
	{
		for my $case ([ 'IN', "arn IN ('ami-0123', '$open')" ],
			[ 'OR', "arn = 'ami-0123' OR arn = '$open'" ],
			[ 'rows', "arn = ANY (ARRAY(SELECT a FROM (VALUES ('ami-0123'), ('$open')) v (a)))" ])
		{
			my ($name, $condition) = @$case;
			is($node->safe_psql('postgres', "SET enable_partition_pruning = $pruning;
					SELECT arn, name FROM $table WHERE $condition ORDER BY arn"),
				$rows, "$table, $name, pruning $pruning: a local row and an image");
		}
		is($node->safe_psql('postgres', "SET enable_partition_pruning = $pruning;
				SET plan_cache_mode = force_generic_plan; PREPARE p(text[]) AS
				SELECT arn, name FROM $table WHERE arn = ANY (\$1) ORDER BY arn;
				EXECUTE p(ARRAY['ami-0123', '$open'])"), $rows, "$table, \$1, pruning $pruning");
	}
}
for my $case ([ 'a sub-select', '(SELECT min(name) FROM range_local)' ],
	[ 'a sub-select\'s array', "ANY (ARRAY(SELECT name FROM range_local))" ],
	[ 'a sub-select in a sub-query',
		'(SELECT min(x) FROM (SELECT (SELECT min(name) FROM range_local) x) q)' ])
{
	my ($name, $operand) = @$case;
	is($node->safe_psql('postgres', "SELECT name FROM images WHERE arn = $operand"), '',
		"$name: a row's value that is no ARN equals none");
}
for my $table ('images', '(SELECT DISTINCT arn, name FROM images)', 'where_view', 'union_view')
{
	is($node->safe_psql('postgres', "SELECT count(*) FROM range_local l JOIN $table i USING (arn)
			WHERE l.arn = 'ami-0123'"), $table =~ /view/ ? 1 : 0,
		"$table: the key of the other table's row is no image");
}
for my $case ([ 'a parameter', "PREPARE p(text) AS SELECT name FROM images WHERE arn = \$1;
		SET plan_cache_mode = force_generic_plan; EXECUTE p('ami-1')" ],
	[ 'a parameter\'s array', "PREPARE p(text[]) AS SELECT name FROM images WHERE arn = ANY (\$1);
		SET plan_cache_mode = force_generic_plan; EXECUTE p('{ami-1}')" ],
	[ 'a variable of PL/pgSQL', "DO \$\$ DECLARE v text := 'ami-1'; n text;
		BEGIN SELECT name INTO n FROM images WHERE arn = v; END \$\$" ],
	[ 'a sub-query with DISTINCT', "SELECT * FROM (SELECT DISTINCT name, arn FROM images) q
		WHERE arn = 'ami-1'" ],
	[ 'an arm of UNION ALL', "SELECT name FROM (SELECT arn, name FROM images WHERE arn = 'ami-1'
		UNION ALL SELECT arn, name FROM range_local) q WHERE arn <> 'ami-2'" ],
	[ 'a partition that may have it', "SELECT name FROM range
		WHERE arn = 'arn:aws:imagebuilder:us-east-1:123456789012:no-image'" ])
{
	my ($name, $query) = @$case;
	like(attempt($node, $query), qr/^22023 /, "$name is the statement's own: 22023");
}

# ---- rows that another session has changed meanwhile -----------------------------------

my $other = session_of($node);
my $blocked = session_of($node);
$other->query("BEGIN; UPDATE t SET arn = '${prefix}q2/1.0.0/1' WHERE id = 1");
$blocked->query_until(qr/started/, "\\echo started\n
	UPDATE t SET id = t.id FROM images i WHERE i.arn = t.arn AND t.id = 1 RETURNING i.name;\n");
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity
	WHERE wait_event_type = 'Lock'") or die 'the UPDATE does not wait for the other session';
$other->query('COMMIT');
is($blocked->query('SELECT 1'), '1',
	'a row that no longer has the ARN that was looked up is not updated');
$_->quit for $other, $blocked;

# ---- WITH queries that are read twice -------------------------------------------------

# 18 of them, each of which reads the one before twice: whether a plan has effects is found
# out at each execution, so not for each of the 262,144 ways down to the first.
my $with = join ', ', 'c0 AS MATERIALIZED (SELECT id, arn FROM t)', map {
	"c$_ AS MATERIALIZED (SELECT a.id, a.arn FROM c@{[$_ - 1]} a JOIN c@{[$_ - 1]} b USING (id))" } 1 .. 18;
my $peak = q{SELECT (regexp_match(pg_read_file('/proc/self/status'), 'VmHWM:\s*(\d+)'))[1]};
my ($before, $count, $after) = split /\n/, $node->safe_psql('postgres',
	"$peak; WITH $with SELECT count(f.name) FROM c18 c JOIN images f USING (arn); $peak");
is($count, 12, 'WITH queries that are read twice');
cmp_ok($after - $before, '<', 100_000, '... take little memory');

# ---- many operands --------------------------------------------------------------------

# An OR of many is planned without comparing each operand with all others, which would
# take longer than the limit, several minutes for 60,000.
for my $case ([ 'OR', "string_agg(format('arn = %L', 'a' || i), ' OR ')" ],
	[ 'rows', "string_agg(format('(arn, name) = (%L, %L)', 'a' || i, i), ' OR ')" ],
	[ 'computed', "string_agg(format('arn = \$1 || %L', 'a' || i), ' OR ')" ])
{
	my ($name, $condition) = @$case;
	is($node->safe_psql('postgres', "SET statement_timeout = '150s'; SET jit = off;
			DO \$\$ BEGIN EXECUTE 'EXPLAIN SELECT 1 FROM images WHERE ' ||
			(SELECT $condition FROM generate_series(1, 60000) i) USING 'x'::text; END \$\$"),
		'', "planning 60,000 operands: $name");
}

$endpoint->stop;
done_testing();
