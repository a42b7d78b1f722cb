#!/usr/bin/python3
"""Run random statements over foreign tables and over local copies of them; prints TAP.

Whatever the plan, by random settings of the planner, a statement over the
foreign tables has the rows that it has over ordinary tables with their rows;
it asks an endpoint for an ARN at most once; EXPLAIN says of each request where
it was sent, and sends none without ANALYZE.
See plan_world.py for the tables and random_statements.py for the statements.
"""
import argparse
import collections
import http.client
import json
import pathlib
import random
import re
import sys
import time
import urllib.parse

import plan_world
from plan_world import ARNS, IMAGES, literal
from random_statements import Generator, Query
from session import Session, SQLError

# Functions look up in statements of their own, which EXPLAIN does not count.
NESTED = re.compile(r"\b(count_amis|name_of|names_of_kind|amis_of|looped|guarded)\(")
FEATURES = {
    "LEFT JOIN": r"LEFT JOIN", "RIGHT JOIN": r"RIGHT JOIN", "FULL JOIN": r"FULL JOIN", "LATERAL": r"LATERAL|amis_of",
    "EXISTS": r"(?<!NOT )EXISTS \(SELECT", "NOT EXISTS": r"NOT EXISTS \(SELECT", "IN sub-select": r" IN \(SELECT",
    "partitions": r"\b(deep|ranged|ranged_amis|listed|hosts|teams|placed)\b", "views": r"\b(named|joined|left_joined|summary|labelled|chained)\b",
    "views with UNION ALL": r"\b(everywhere|either|filtered)\b", "set operations": r"\b(UNION|EXCEPT|INTERSECT)\b", "WITH": r"\bWITH\b",
    "WITH RECURSIVE": r"RECURSIVE", "GROUP BY": r"GROUP BY|\bcounted\b", "grouping sets": r"GROUPING SETS|ROLLUP|CUBE",
    "DISTINCT": r"SELECT DISTINCT|\bregions\b", "window functions": r" OVER \(|\bnumbered\b", "LIMIT": r"LIMIT", "CASE": r"CASE",
    "sub-select in an expression": r"\(SELECT (count|min|max|string_agg)", "key in an array": r"= ANY \(", "OR": r" OR ", "functions": NESTED.pattern,
}


def spare_settings(session):
    """The planner's settings, with values for each."""
    choices = {name: ["on", "off"] for name, in session.rows(
        "SELECT name FROM pg_settings WHERE name ~ '^enable_' AND vartype = 'bool' OR name = 'imagebuilder_fdw.enable_read_ahead'")}
    choices |= {
        "geqo_threshold": ["2"], "geqo_seed": ["0", "0.3", "0.9"], "join_collapse_limit": list("1234568"), "from_collapse_limit": list("1234568"),
        "min_parallel_table_scan_size": ["0"], "min_parallel_index_scan_size": ["0"], "parallel_setup_cost": ["0"], "parallel_tuple_cost": ["0"],
        "max_parallel_workers_per_gather": ["0", "2"], "work_mem": ["64kB"], "hash_mem_multiplier": ["1", "1000"],
        "plan_cache_mode": ["force_generic_plan", "force_custom_plan"], "cursor_tuple_fraction": ["0.0", "0.01", "1"],
        "cpu_tuple_cost": ["0", "0.0001", "10", "10000"], "cpu_operator_cost": ["0", "0.1", "100"], "cpu_index_tuple_cost": ["0", "10"],
        "random_page_cost": ["0", "1000"], "seq_page_cost": ["0", "1000"], "constraint_exclusion": ["on", "off"],
        "parallel_leader_participation": ["off"], "debug_parallel_query": ["on", "regress"], "force_parallel_mode": ["on", "regress"],
        "recursive_worktable_factor": ["0.001", "1000"], "debug_discard_caches": ["0"]}
    # JIT compiles what is expected to be expensive, as much of this is by odd costs, and takes long for it.
    session.run("SET jit = off")
    if session.rows("SELECT pg_jit_available()")[0][0] == "t":
        choices |= {"jit": ["off"] * 9 + ["on"]}
    known = {name for name, in session.rows("SELECT name FROM pg_settings")}
    return {name: values for name, values in choices.items() if name in known}


class Statement:
    """Commands of some kind about a query, which may be reduced."""

    def __init__(self, kind, query, commands, most=0):
        self.kind, self.query, self.commands, self.most = kind, query, commands, most

    def sql(self):
        return self.commands(self.query)

    def smaller(self):
        if isinstance(self.query, Query):
            for query in self.query.smaller():
                yield Statement(self.kind, query, self.commands, self.most)


def sorted_query(query):
    places = ", ".join(str(i + 1) for i in range(len(query.select)))
    return f"SELECT * FROM ({query.sql()}) q ORDER BY {places}"


def cursor(rng, query):
    scroll = rng.choice(["", "NO SCROLL ", "SCROLL "])
    moves = ["FETCH", "FETCH 2", "MOVE 1", "FETCH 5", "FETCH FORWARD 3"]
    if scroll == "SCROLL ":
        moves += ["FETCH BACKWARD 2", "FETCH FIRST", "MOVE BACKWARD ALL", "FETCH ABSOLUTE 3", "FETCH LAST", "FETCH RELATIVE -2", "FETCH PRIOR"]
    chosen = [f"{rng.choice(moves)} {rng.choice(['FROM', 'IN'])} c" for _ in range(rng.randrange(1, 7))]
    return Statement("cursor", query, lambda query: [
        f"DECLARE c {scroll}CURSOR FOR {sorted_query(query)}", *chosen, "FETCH ALL FROM c", "CLOSE c"])


def cursors(rng, generator):
    """Two cursors by turns, with what may happen between."""
    one, other = generator.select(1), Generator(rng.random()).select(1)
    between = ["FETCH 2 FROM c", "FETCH 1 FROM d", "FETCH 5 FROM c", "MOVE 2 IN d", "SAVEPOINT s", "ROLLBACK TO s", "CLOSE d",
               "ALTER SERVER aws OPTIONS (SET max_concurrency '3')", "SELECT FROM (SELECT public.imagebuilder_fdw_clear_cache()) q",
               "SELECT i.name FROM small s JOIN images i USING (arn) ORDER BY 1"]
    chosen = ["SAVEPOINT s"] + [rng.choice(between) for _ in range(rng.randrange(2, 9))]
    if "CLOSE d" in chosen:
        chosen = chosen[:chosen.index("CLOSE d") + 1]
    else:
        chosen.append("FETCH ALL FROM d")
    return Statement("two cursors", one, lambda query: [
        f"DECLARE c CURSOR FOR {sorted_query(query)}", f"DECLARE d CURSOR FOR {sorted_query(other)}", *chosen, "FETCH ALL FROM c"])


def prepared(rng, generator, query):
    alias = generator.name()
    ints = [column.sql for column in query.scope if column.kind == "int"]
    if query.head == "SELECT" and not query.rest:
        query.joins = query.joins + [rng.choice([
            f"LEFT JOIN images {alias} ON {alias}.arn = $2 AND {alias}.name IS NOT NULL", f"JOIN images {alias} ON {alias}.arn IN ($2, $3)",
            f"LEFT JOIN ranged {alias} ON {alias}.arn = $3", f"LEFT JOIN amis {alias} ON {alias}.image_arn = ANY (ARRAY[$2, $3]) AND $1 > 1"])]
        query.select = query.select + [f"({alias}).name"]
    if ints:
        query.where = query.where + [f"{rng.choice(ints)} % 4 <> $1"]
    runs = [f"EXECUTE p ({rng.randrange(4)}, {literal(rng.choice(ARNS))}, {literal(rng.choice(ARNS + [None]))})" for _ in range(rng.choice([1, 2, 7]))]
    return Statement("prepared", query, lambda query: [f"PREPARE p (int, text, text) AS {query.sql()}", *runs, "DEALLOCATE p"])


def changes(rng, generator):
    """INSERT, UPDATE, DELETE and MERGE of the table scratch."""
    table = rng.choice(["images", "named", "ranged", "images_twice"])
    key = rng.choice(["s.arn", "s.parent", "coalesce(s.parent, s.arn)", "s.arn::varchar(200)"])
    condition = rng.choice(["true", "s.k > 1", "m.name IS NOT NULL", "EXISTS (SELECT FROM amis a WHERE a.image_arn = s.arn)",
                            "NOT EXISTS (SELECT FROM amis a WHERE a.image_arn = s.parent)", "(SELECT count(*) FROM amis a WHERE a.image_arn = m.arn) > 1"])
    count = f"(SELECT count(*) FROM components c WHERE c.image_arn = {key})"
    returning = rng.choice(["", " RETURNING s.*", f" RETURNING s.id, s.v, (SELECT max(ami_id) FROM amis a WHERE a.image_arn = s.arn)"])
    query, shown = generator.select(1), "SELECT * FROM scratch"
    forms = [
        f"UPDATE scratch s SET v = m.name, n = {count} FROM {table} m WHERE m.arn = {key} AND {condition}{returning}",
        f"UPDATE scratch s SET n = {count}, v = (SELECT m.name FROM {table} m WHERE m.arn = {key}){returning}",
        f"UPDATE scratch s SET (v, n) = (SELECT max(m.name), count(*) FROM {table} m WHERE m.arn = {key}) WHERE s.k < 3{returning}",
        f"DELETE FROM scratch s USING {table} m WHERE m.arn = {key} AND {condition}{returning}",
        f"DELETE FROM scratch s WHERE {rng.choice(['', 'NOT '])}EXISTS (SELECT FROM {table} m WHERE m.arn = {key}){returning}",
        f"INSERT INTO scratch AS s SELECT 1000 + id, k, s.arn, NULL, m.name, {count} FROM scratch s LEFT JOIN {table} m ON m.arn = {key} "
        f"AND s.k > 0{returning.replace('RETURNING s.', 'RETURNING s.')}",
        f"INSERT INTO scratch AS s SELECT id, 9, arn, NULL, (SELECT m.name FROM {table} m WHERE m.arn = i.arn) FROM inv i "
        f"ON CONFLICT (id) DO UPDATE SET v = excluded.v, n = (SELECT count(*) FROM amis a WHERE a.image_arn = excluded.arn){returning}",
        f"MERGE INTO scratch s USING (SELECT i.id, i.k, i.arn, m.name FROM inv i {rng.choice(['', 'LEFT '])}JOIN {table} m ON m.arn = i.arn) q ON q.id = s.id "
        "WHEN MATCHED AND q.k > 2 THEN DELETE WHEN MATCHED THEN UPDATE SET v = q.name WHEN NOT MATCHED THEN INSERT (id, arn, v) VALUES (q.id, q.arn, q.name)",
    ]
    chosen = rng.choice(forms)
    if rng.random() < .15:
        return Statement("CREATE TABLE AS", query, lambda query: [
            f"CREATE TEMP TABLE made ({', '.join(f'c{i}' for i in range(len(query.select)))}) AS {query.sql()}", "SELECT * FROM made"])
    if rng.random() < .15:
        chosen = (f"WITH w AS (UPDATE scratch s SET v = m.name FROM {table} m WHERE m.arn = {key} RETURNING s.id, s.arn, s.v) "
                  f"SELECT w.*, a.ami_id FROM w LEFT JOIN amis a ON a.image_arn = w.arn")
    return Statement(chosen.split()[0] + " of a local table", chosen, lambda query: [query, shown])


def current(rng, _):
    value = rng.choice(["(SELECT m.name FROM images m WHERE m.arn = s.arn)", "(SELECT count(*)::text FROM amis m WHERE m.image_arn = s.parent)", "s.v"])
    source = rng.choice(["scratch s", "scratch s", "scratch s LEFT JOIN images m ON m.arn = s.arn"])
    lock = rng.choice(["", " FOR UPDATE OF s"]) if "JOIN" not in source else " FOR UPDATE OF s"
    order = " ORDER BY s.id" if lock else ""
    change = rng.choice(["UPDATE scratch SET v = 'x', k = 99 WHERE CURRENT OF c RETURNING *", "DELETE FROM scratch WHERE CURRENT OF c RETURNING id"])
    return Statement("WHERE CURRENT OF", None, lambda _: [
        f"DECLARE c CURSOR FOR SELECT s.id, {value} FROM {source}{order}{lock}", f"FETCH {rng.choice([1, 2])} FROM c", change,
        "FETCH ALL FROM c", "CLOSE c", "SELECT * FROM scratch"])


def outer_conditions(rng, _):
    """What is asked for is what rows within the conditions name, and no more."""
    condition = rng.choice(["l.k = 1", "l.k > 1 AND l.name LIKE 'a%'", "l.parent LIKE 'arn:%'", "false", "l.region = 'eu-west-1'", "l.arn IS NOT NULL"])
    key = rng.choice(["l.arn", "l.parent", "l.long", "l.doc ->> 'arn'", "coalesce(l.parent, l.arn)"])
    where = rng.choice(["", "", " WHERE l.id > 7"])
    if rng.random() < .3:
        place = rng.choice(["aws", "us", "eu"])
        sql = f"SELECT l.id, m.place, m.name FROM inv l {rng.choice(['', 'LEFT '])}JOIN everywhere m ON m.arn = {key} AND m.place = '{place}' AND {condition}{where}"
    else:
        sql = rng.choice([
            f"SELECT l.id, m.name FROM inv l LEFT JOIN images m ON m.arn = {key} AND {condition}{where}",
            f"SELECT l.id, a.ami_id FROM inv l LEFT JOIN (images m JOIN amis a ON a.image_arn = m.arn) ON m.arn = {key} AND {condition}{where}",
            f"SELECT l.id, (SELECT count(*) FROM amis m WHERE m.image_arn = {key} AND {condition}) FROM inv l{where}",
            f"SELECT l.id FROM inv l WHERE NOT EXISTS (SELECT FROM images m WHERE m.arn = {key} AND {condition})" + where.replace("WHERE", "AND"),
            f"SELECT l.id, m.name FROM inv l LEFT JOIN LATERAL (SELECT * FROM images m WHERE m.arn = {key} AND {condition} OFFSET 0) m ON true{where}",
            f"SELECT l.id, m.name FROM inv l LEFT JOIN ranged m ON m.arn = {key} AND {condition}{where}",
            f"SELECT l.id, CASE WHEN {condition} THEN (SELECT name FROM images m WHERE m.arn = {key}) END FROM inv l{where}"])
    counted = f"SELECT count(DISTINCT {key}) FROM inv l WHERE {condition}" + where.replace("WHERE", "AND")
    return Statement("outer conditions", sql, lambda query: [query], most=counted)


def locked(rng, generator):
    query = generator.select(1)
    query.joins = ["scratch l"] + [f"JOIN images {generator.name()}x ON true" for _ in range(0)]
    key = rng.choice(["l.arn", "l.parent"])
    query = Query(["l.id", "m.name"], ["scratch l", f"{rng.choice(['', 'LEFT '])}JOIN {rng.choice(['images', 'named', 'ranged'])} m ON m.arn = {key}"],
                  [rng.choice(["l.k > 0", "EXISTS (SELECT FROM amis a WHERE a.image_arn = l.arn)", "true"])], f" FOR {rng.choice(['UPDATE', 'SHARE', 'NO KEY UPDATE'])} OF l")
    return Statement("FOR UPDATE", query, lambda query: [query.sql()])


def partitionwise(rng, generator):
    """Joins of partitions of both kinds, by the same bounds."""
    first, second = rng.sample(["hosts h", "teams h", "teams u", "hosts u"], 2)
    first, second = first[:-1] + "a", second[:-1] + "b"
    other, key, column = rng.choice([("ranged", "arn", "name"), ("ranged_amis", "image_arn", "ami_id"), ("images", "arn", "name")])
    left = rng.choice(["", "LEFT ", "RIGHT ", "FULL "])
    inner = rng.choice(["", "LEFT "])
    joins = rng.choice([
        f"{first} {left}JOIN ({second} {inner}JOIN {other} m ON m.{key} = b.arn) ON b.arn = a.arn",
        f"{first} {left}JOIN {second} ON b.arn = a.arn {inner}JOIN {other} m ON m.{key} = {rng.choice(['a.arn', 'b.arn', 'coalesce(a.arn, b.arn)'])}",
        f"{first} {inner}JOIN {other} m ON m.{key} = a.arn {left}JOIN {second} ON b.arn = {rng.choice(['a.arn', 'm.' + key])}",
        f"{first} JOIN {other} m ON m.{key} = a.arn {inner}JOIN ranged_amis n ON n.image_arn = m.{key} {left}JOIN {second} ON b.arn = n.image_arn",
        f"{first} LEFT JOIN LATERAL (SELECT * FROM {other} m WHERE m.{key} = a.arn OFFSET 0) m ON true {left}JOIN {second} ON b.arn = a.arn",
    ])
    where = rng.choice([[], [], ["a.k = 1"], ["a.arn LIKE '%eu%'"], [f"a.arn IN ({literal(rng.choice(IMAGES))}, {literal(rng.choice(IMAGES))})"],
                        ["EXISTS (SELECT FROM ranged_amis x WHERE x.image_arn = a.arn)"], ["a.arn IN (SELECT x.arn FROM ranged x)"]])
    if rng.random() < .3:
        query = Query(["a.arn", "count(*)", f"max(m.{column})"], [joins], where, " GROUP BY a.arn")
    else:
        query = Query(["a.id", "b.id", f"m.{column}", f"m.{key}"], [joins], where)
        if rng.random() < .3:
            query.select.append("(SELECT count(*) FROM ranged_amis s WHERE s.image_arn = a.arn)")
        if rng.random() < .2:
            query.rest = " ORDER BY 1, 2, 3, 4 LIMIT 7"
    return Statement("partitionwise", query, lambda query: [query.sql()])


def random_statement(rng, seed):
    generator = Generator(seed)
    form = rng.random()
    if form < .5:
        return Statement("SELECT", generator.select(rng.choice([1, 2, 2, 3])), lambda query: [query.sql()])
    if form < .58:
        return partitionwise(rng, generator)
    if form < .64:
        return outer_conditions(rng, generator)
    if form < .67:
        return cursors(rng, generator)
    if form < .70:
        return cursor(rng, generator.select(1))
    if form < .77:
        return prepared(rng, generator, generator.query([], 2, rng.randrange(4)))
    if form < .88:
        return changes(rng, generator)
    if form < .90:
        return current(rng, generator)
    if form < .92:
        return locked(rng, generator)
    if form < .96:
        function = rng.choice(["looped", "guarded"])
        return Statement("PL/pgSQL loop", generator.select(1), lambda query: [f"SELECT * FROM {function}($query${query.sql()}$query$)"])
    return Statement("portal", generator.select(2), lambda query: [query.sql()])


class Endpoints:
    """What each was asked for since the last question."""

    def __init__(self, urls):
        self.connections = {name: http.client.HTTPConnection(urllib.parse.urlparse(url).netloc) for name, url in urls.items()}

    def ask(self, method, path):
        answers = []
        for connection in self.connections.values():
            connection.request(method, f"/-/{path}")
            answers.append(json.loads(connection.getresponse().read()))
        return answers

    def reset(self):
        self.ask("POST", "reset")

    def asked_again(self):
        """ARNs that one of them was asked for more than once."""
        return sorted(arn for answer in self.ask("GET", "counters") for arn, times in answer["by_arn"].items() if times > 1)


def unlike(got, expected):
    """Of two lists of results, what one has more than the other."""
    if len(got) != len(expected):
        return got, expected
    counted = [(collections.Counter(one), collections.Counter(other)) for one, other in zip(got, expected)]
    return [sorted((one - other).elements(), key=repr) for one, other in counted], [
        sorted((other - one).elements(), key=repr) for one, other in counted]


def shown_requests(plan):
    return sum(int(count) for line, in plan for count in re.findall(r"Image Builder Requests: (\d+)", line))


class Runner:
    def __init__(self, options):
        self.options = options
        self.urls = {"aws": options.aws, "us": options.us, "eu": options.eu}
        self.endpoints = Endpoints(self.urls)
        self.counts, self.features, self.outcomes = (collections.Counter() for _ in range(3))
        self.found = {}
        self.concurrency = {}
        self.connect()

    def connect(self):
        for attempt in range(100):
            try:
                self.session = Session(self.options.host, self.options.port, self.options.database, self.options.user)
                break
            except (OSError, SQLError):
                if attempt == 99:
                    raise
                time.sleep(.1)
        self.session.run("SET client_min_messages = error; SET TimeZone = 'UTC'")

    def in_transaction(self, schema, settings, commands, portal=0):
        """Each command's rows, sorted; what was changed is rolled back."""
        timeout = "20s" if schema == "remote" else "500ms"
        begin = f"BEGIN; SET LOCAL search_path = {schema}, shared; SET LOCAL statement_timeout = '{timeout}'"
        begin += "".join(f"; SET LOCAL {name} = '{value}'" for name, value in settings)
        try:
            self.session.run(begin)
            if portal:
                return [self.session.fetch(commands[0], portal)]
            return [self.session.rows(command) for command in commands]
        finally:
            self.session.run("ROLLBACK; DEALLOCATE ALL")

    def requests(self, reset=False):
        if reset:
            self.session.run("SELECT imagebuilder_fdw_stats_reset()")
        return int(self.session.rows("SELECT requests FROM imagebuilder_fdw_stats()")[0][0])

    def compare(self, statement, settings):
        """What is different: a short name of it, and what was seen; None if nothing, or an outcome as a string."""
        commands = statement.sql()
        portal = 3 if statement.kind == "portal" else 0
        ordered = "cursor" in statement.kind
        rows = (lambda results: results) if ordered else (lambda results: [sorted(result, key=repr) for result in results])
        try:
            expected = rows(self.in_transaction("local", [], commands, portal))
        except SQLError as error:
            if error.state is None:
                raise
            return "too slow" if error.state == "57014" else f"invalid {error.state} {error.message}"
        try:
            # EXPLAIN neither fails nor asks.
            nested = NESTED.search(" ".join(commands))
            sent = self.requests(True)
            # The planner calls stable functions of constants.
            if re.match(r"(SELECT|WITH|UPDATE|DELETE|INSERT|MERGE|CREATE)\b", commands[0]) and not nested:
                verbose = ", VERBOSE" * (len(commands[0]) % 2)
                self.in_transaction("remote", settings, [f"EXPLAIN (COSTS OFF{verbose}) {commands[0]}"])
            if self.requests() != sent:
                return ("EXPLAIN sends requests",), None, None
            single = statement.kind in ("SELECT", "portal", "outer conditions", "FOR UPDATE", "partitionwise") and not nested
            if single:
                self.endpoints.reset()
            got = rows(self.in_transaction("remote", settings, commands, portal))
            if got != expected:
                return ("rows",), *unlike(got, expected)
            if single:
                again = self.endpoints.asked_again()
                if again:
                    time.sleep(.3)
                    self.endpoints.reset()
                    self.in_transaction("remote", settings, commands, portal)
                    again = self.endpoints.asked_again()
                    if again:
                        return ("an ARN is asked for more than once",), again, []
                if statement.most:
                    most = int(self.in_transaction("local", [], [statement.most])[0][0][0])
                    sent = self.requests()
                    if sent > most:
                        return ("more is asked for than is wanted",), sent, most
                sent = self.requests(True)
                plan, = self.in_transaction("remote", settings, [f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {commands[0]}"])
                sent = self.requests()
                if shown_requests(plan) != sent:
                    return ("EXPLAIN ANALYZE counts requests wrongly",), shown_requests(plan), sent
                self.outcomes["requests"] += sent
        except SQLError as error:
            if error.state is None:
                raise
            if error.state == "57014" and nested:
                return "too slow"
            if error.state == "HV002" and not self.options.keys:
                return "HV002"
            if error.state == "HV002":
                return ("error", error.state, statement.kind, error.message), error.message, expected
            return ("error", error.state, re.sub(r"\"[^\"]*\"|\d+", "…", error.message)), f"{error.state} {error.message}", expected
        self.outcomes["rows"] += sum(map(len, expected))
        return None if any(expected) else "no rows"

    def difference(self, statement, settings):
        """As compare(), across a crash of the server."""
        try:
            return self.compare(statement, settings)
        except SQLError as error:
            self.connect()
            return ("the session is gone",), error.message, None

    def reduce(self, statement, settings, signature):
        """Fewer settings and a smaller query with the same difference."""
        until = time.monotonic() + self.options.reduce

        def same(statement, settings):
            result = self.difference(statement, settings)
            return isinstance(result, tuple) and result[0] == signature

        if signature == ("the session is gone",) and not self.options.reduce_crashes:
            return statement, settings
        changed = True
        while changed and time.monotonic() < until:
            changed = False
            for setting in settings:
                fewer = [other for other in settings if other != setting]
                if same(statement, fewer):
                    settings, changed = fewer, True
            for smaller in statement.smaller() if signature[1:2] != ("HV002",) else ():
                if time.monotonic() > until:
                    break
                if same(smaller, settings):
                    statement, changed = smaller, True
                    break
        return statement, settings

    def report(self, number, statement, settings, result):
        signature = result[0]
        if signature in self.found:
            self.found[signature] += 1
            return
        self.found[signature] = 1
        statement, settings = self.reduce(statement, settings, signature)
        result = self.difference(statement, settings)
        got, expected = result[1:] if isinstance(result, tuple) else (result, "not any more")
        lines = [f"difference: {' '.join(map(str, signature))} (statement {number}, {statement.kind})",
                 *[f"SET {name} = '{value}';" for name, value in settings], f"max_concurrency: {self.concurrency}",
                 *[command + ";" for command in statement.sql()], f"     got {got!r:.1500}", f"expected {expected!r:.1500}"]
        print("".join(f"# {line}\n" for line in lines), flush=True)

    def settings(self, rng, choices):
        names = rng.sample(list(choices), rng.choice([0, 1, 2, 4, 8, 16]))
        settings = [(name, rng.choice(choices[name])) for name in names]
        if rng.random() < .3:
            settings += [("max_parallel_workers_per_gather", "2"), ("parallel_setup_cost", "0"), ("parallel_tuple_cost", "0"), ("min_parallel_table_scan_size", "0")]
        if rng.random() < .4:
            settings += [("enable_partitionwise_join", "on"), ("enable_partitionwise_aggregate", "on")]
        return list(dict(settings).items())

    def run(self):
        options = self.options
        copied = plan_world.set_up(self.session, self.urls, not options.only_arns)
        empty = sorted(table for table, count in copied.items() if count == 0)
        print(f"{'not ' * bool(empty)}ok 1 - local copies of {len(copied)} tables{' without rows: ' + ' '.join(empty) if empty else ''}", flush=True)
        choices = spare_settings(self.session)
        until = time.monotonic() + options.seconds
        number = 0
        while time.monotonic() < until:
            # Each statement comes of its own number: it can be had again without those before.
            rng = random.Random(f"{options.seed} {number}")
            if options.only is not None:
                number, until = options.only, 0
                rng = random.Random(f"{options.seed} {number}")
            if number % 25 == 0:
                for name in self.urls:
                    self.concurrency[name] = rng.choice([1, 2, 4, 16])
                    ttl = rng.choice(["0", "0", "1h"])
                    self.session.run(f"ALTER SERVER {name} OPTIONS (SET max_concurrency '{self.concurrency[name]}', SET cache_ttl '{ttl}')")
            statement = random_statement(rng, rng.random())
            settings = self.settings(rng, choices)
            if options.only is not None:
                print(f"# {settings}\n# " + "\n# ".join(statement.sql()))
            began = time.monotonic()
            result = self.difference(statement, settings)
            if options.verbose and time.monotonic() - began > 3:
                print(f"# {number}: {time.monotonic() - began:.1f} s {str(result)[:80]} {str(statement.sql())[:300]}")
            if isinstance(result, tuple):
                self.outcomes["different"] += 1
                self.report(number, statement, settings, result)
                if not options.keep_going and len(self.found) > 2:
                    break
            else:
                outcome = result.split()[0] if result else "rows compared"
                self.outcomes[outcome] += 1
                if outcome == "invalid" and options.verbose:
                    print(f"# {result}\n#   {str(statement.sql())[:500]}")
                if outcome == "HV002" and options.verbose:
                    print(f"# {result} {number}\n#   {statement.sql()}")
                if result in (None, "no rows"):
                    self.counts[statement.kind] += 1
                    sql = " ".join(statement.sql())
                    self.features.update(name for name, pattern in FEATURES.items() if re.search(pattern, sql))
            number += 1
        return self.conclude(number)

    def conclude(self, number):
        options, compared = self.options, self.counts.total()
        print(f"# {number} statements, seed {options.seed}: {dict(self.outcomes)}")
        print("# by kind: " + ", ".join(f"{kind} {count}" for kind, count in self.counts.most_common()))
        print("# with: " + ", ".join(f"{name} {count}" for name, count in self.features.most_common()))
        skipped = [self.outcomes["HV002"], self.outcomes["invalid"] + self.outcomes["too"], self.outcomes["no"]]
        checks = [
            (not self.found, f"{compared} random statements have the rows of local copies, seed {options.seed}"
             + "".join(f"; {count} times: {' '.join(map(str, what))}" for what, count in self.found.items())),
            (compared >= options.least, f"there are at least {options.least} of them"),
            (skipped[0] < .1 * number, f"{skipped[0]} have no key for all of their scans"),
            (skipped[1] < .1 * number, f"{skipped[1]} are errors or too slow on ordinary tables too"),
            (skipped[2] < .5 * number, f"{skipped[2]} have no rows"),
        ]
        for place, (good, what) in enumerate(checks, 2):
            print(f"{'not ' * (not good)}ok {place} - {what}")
        print(f"1..{len(checks) + 1}", flush=True)
        return all(good for good, _ in checks)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", required=True)
    parser.add_argument("--database", default="postgres")
    parser.add_argument("--user", required=True)
    for name in ("aws", "us", "eu"):
        parser.add_argument(f"--{name}", required=True, metavar="URL")
    parser.add_argument("--seconds", type=float, default=55)
    parser.add_argument("--seed", default="20261126")
    parser.add_argument("--least", type=int, default=300, help="statements that must have been compared")
    parser.add_argument("--only", type=int, help="run this statement alone")
    parser.add_argument("--only-arns", action="store_true", help="no rows whose keys are no image's ARN")
    parser.add_argument("--keys", action="store_true", help="HV002 is a difference")
    parser.add_argument("--keep-going", action="store_true", help="after three kinds of difference too")
    parser.add_argument("--reduce", type=float, default=20, metavar="SECONDS", help="for each kind of difference")
    parser.add_argument("--reduce-crashes", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    sys.exit(not Runner(parser.parse_args()).run())


if __name__ == "__main__":
    main()
