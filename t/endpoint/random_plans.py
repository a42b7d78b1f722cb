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
import random
import re
import sys
import time
import urllib.parse

import plan_world
from random_statements import random_statement
from session import Session, SQLError

# Functions look up in statements of their own, which EXPLAIN does not count.
NESTED = re.compile(r"\b(count_amis|name_of|names_of_kind|amis_of|looped|guarded)\(")
EXPLAINED = re.compile(r"(SELECT|WITH|UPDATE|DELETE|INSERT|MERGE|CREATE|DECLARE|EXECUTE)\b")
# Of one command, which looks up by itself.
SINGLE = {"SELECT", "portal", "outer conditions", "FOR UPDATE", "partitionwise"}
FEATURES = {
    "LEFT JOIN": r"LEFT JOIN",
    "RIGHT JOIN": r"RIGHT JOIN",
    "FULL JOIN": r"FULL JOIN",
    "LATERAL": r"LATERAL|amis_of",
    "EXISTS": r"(?<!NOT )EXISTS \(SELECT",
    "NOT EXISTS": r"NOT EXISTS \(SELECT",
    "IN sub-select": r" IN \(SELECT",
    "partitions": r"\b(deep|ranged|ranged_amis|listed|hosts|teams|placed)\b",
    "views": r"\b(named|joined|left_joined|summary|labelled|chained)\b",
    "views with UNION ALL": r"\b(everywhere|either|filtered)\b",
    "lists of a Region": r"\b(image_versions|shared_image_versions|image_builds|image_build_amis|"
    r"image_build_containers|builds_\w+|placed_builds|built_images|rebuilt|all_builds|barred_\w+|"
    r"offered|shared_here)\b",
    "conditions on Region or account": r"(region|account|account_id|place|padded|whose) "
    r"(=|<|>|~|IN|"
    r"NOT|LIKE|IS|BETWEEN|\|\|)",
    "owners": r"\bownership\b",
    "lists by ARN": r"\b(packaged|stocked|pipelined|parent_packages|siblings)\b",
    "set operations": r"\b(UNION|EXCEPT|INTERSECT)\b",
    "WITH": r"\bWITH\b",
    "WITH RECURSIVE": r"RECURSIVE",
    "GROUP BY": r"GROUP BY|\bcounted\b",
    "grouping sets": r"GROUPING SETS|ROLLUP|CUBE",
    "DISTINCT": r"SELECT DISTINCT|\bregions\b",
    "window functions": r" OVER \(|\bnumbered\b",
    "LIMIT": r"LIMIT",
    "CASE": r"CASE",
    "sub-select in an expression": r"\(SELECT (count|min|max|string_agg)",
    "key in an array": r"= ANY \(",
    "OR": r" OR ",
    "functions": NESTED.pattern,
}


def spare_settings(session):
    """The planner's settings, with values for each."""
    choices = {
        name: ["on", "off"]
        for name, in session.rows(
            "SELECT name FROM pg_settings WHERE name ~ '^enable_' AND vartype = 'bool' OR name = "
            "'imagebuilder_fdw.enable_read_ahead'"
        )
    }
    choices |= {
        "geqo_threshold": ["2"],
        "geqo_seed": ["0", "0.3", "0.9"],
        "join_collapse_limit": list("1234568"),
        "from_collapse_limit": list("1234568"),
        "min_parallel_table_scan_size": ["0"],
        "min_parallel_index_scan_size": ["0"],
        "parallel_setup_cost": ["0"],
        "parallel_tuple_cost": ["0"],
        "max_parallel_workers_per_gather": ["0", "2"],
        "work_mem": ["64kB"],
        "hash_mem_multiplier": ["1", "1000"],
        "plan_cache_mode": ["force_generic_plan", "force_custom_plan"],
        "cursor_tuple_fraction": ["0.0", "0.01", "1"],
        "cpu_tuple_cost": ["0", "0.0001", "10", "10000"],
        "cpu_operator_cost": ["0", "0.1", "100"],
        "cpu_index_tuple_cost": ["0", "10"],
        "random_page_cost": ["0", "1000"],
        "seq_page_cost": ["0", "1000"],
        "constraint_exclusion": ["on", "off"],
        "parallel_leader_participation": ["off"],
        "debug_parallel_query": ["on", "regress"],
        "force_parallel_mode": ["on", "regress"],
        "recursive_worktable_factor": ["0.001", "1000"],
        "debug_discard_caches": ["0"],
    }
    # JIT compiles what is expected to be expensive, as much is here by odd costs, which is slow.
    session.run("SET jit = off")
    if session.rows("SELECT pg_jit_available()")[0][0] == "t":
        choices |= {"jit": ["off"] * 9 + ["on"]}
    known = {name for name, in session.rows("SELECT name FROM pg_settings")}
    return {name: values for name, values in choices.items() if name in known}


class Endpoints:
    """What each was asked for since the last question."""

    def __init__(self, urls):
        self.connections = {
            name: http.client.HTTPConnection(urllib.parse.urlparse(url).netloc)
            for name, url in urls.items()
        }

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
        return sorted(
            arn
            for answer in self.ask("GET", "counters")
            for arn, times in answer["by_request"].items()
            if times > 1
        )


def unlike(got, expected):
    """Of two lists of results, what one has more than the other."""
    if len(got) != len(expected):
        return got, expected
    counted = [
        (collections.Counter(one), collections.Counter(other)) for one, other in zip(got, expected)
    ]
    return [sorted((one - other).elements(), key=repr) for one, other in counted], [
        sorted((other - one).elements(), key=repr) for one, other in counted
    ]


def shown_requests(plan):
    return sum(
        int(count)
        for line, in plan
        for count in re.findall(r"Image Builder Requests: (\d+)", line)
    )


def explaining(statement):
    """Commands that EXPLAIN what a statement's commands would run."""
    query = statement.query
    commands = statement.sql()
    if statement.kind == "PL/pgSQL loop":
        commands = [query.sql()]
    explained = []
    for command in commands:
        if command.startswith("PREPARE"):
            explained.append(command)
        elif EXPLAINED.match(command) and command != "SELECT * FROM made":
            explained += [f"EXPLAIN (COSTS OFF{more}) {command}" for more in ("", ", VERBOSE")]
    return explained


class Difference(Exception):
    """What a statement over foreign tables has that one over local tables has not."""

    def __init__(self, signature, got, expected):
        super().__init__(signature)
        self.signature, self.got, self.expected = tuple(signature), got, expected


class Runner:
    def __init__(self, options):
        self.options = options
        self.urls = {"aws": options.aws, "us": options.us, "eu": options.eu}
        self.endpoints = Endpoints(self.urls)
        self.counts, self.features, self.outcomes = (collections.Counter() for _ in range(3))
        self.found = {}
        self.block, self.servers, self.choices, self.tags = None, {}, {}, []
        self.connect()

    def connect(self):
        for attempt in range(100):
            try:
                self.session = Session(
                    self.options.host, self.options.port, self.options.database, self.options.user
                )
                break
            except (OSError, SQLError):
                if attempt == 99:
                    raise
                time.sleep(0.1)
        self.session.run("SET client_min_messages = error; SET TimeZone = 'UTC'")

    def in_transaction(self, schema, settings, commands, portal=0, timeout="20s"):
        """Each command's rows, sorted; what was changed is rolled back."""
        if schema == "local":
            timeout = "500ms"
        begin = (
            f"BEGIN; SET LOCAL search_path = {schema}, shared; SET LOCAL statement_timeout "
            f"= '{timeout}'"
        )
        begin += "".join(f"; SET LOCAL {name} = '{value}'" for name, value in settings)
        self.tags = []
        try:
            self.session.run(begin)
            if portal:
                return [self.session.fetch(commands[0], portal)]
            results = []
            for command in commands:
                results.append(self.session.rows(command))
                self.tags.append(self.session.tags[-1])
            return results
        finally:
            self.session.run("ROLLBACK; DEALLOCATE ALL")

    def requests(self, reset=False):
        if reset:
            self.session.run("SELECT imagebuilder_fdw_stats_reset()")
        return int(self.session.rows("SELECT requests FROM imagebuilder_fdw_stats()")[0][0])

    def compare(self, statement, settings):
        """An outcome, None if there are rows and all is well; raises Difference."""
        if statement.steady:
            return self.compare_with_itself(statement, settings)
        commands = statement.sql()
        # Functions have statements of their own.
        nested = NESTED.search(" ".join(commands))
        portal = 3 if statement.kind == "portal" else 0
        try:
            expected = self.in_transaction("local", [], commands, portal)
        except SQLError as error:
            if error.state is None:
                raise
            return "too slow" if error.state == "57014" else f"invalid {error}"
        changed = self.tags
        try:
            self.check_explain(statement, settings)
            self.requests(reset=True)
            self.endpoints.reset()
            got = self.in_transaction("remote", settings, commands, portal)
            if "cursor" not in statement.kind:
                got, expected = (
                    [sorted(rows, key=repr) for rows in all] for all in (got, expected)
                )
            if got != expected:
                raise Difference(["rows"], *unlike(got, expected))
            if self.tags != changed:
                raise Difference(["counts of rows"], self.tags, changed)
            if statement.kind in SINGLE and not nested:
                self.check_requests(statement, settings)
        except SQLError as error:
            if error.state is None:
                raise
            if error.state == "57014" and (nested or self.ends(settings, commands, portal)):
                return "too slow"
            if error.state == "HV002" and not self.options.keys:
                return "HV002"
            message = re.sub(r"\"[^\"]*\"|\d+", "…", error.message)
            raise Difference(["error", error.state, message], str(error), expected) from error
        self.outcomes["rows"] += sum(map(len, expected))
        return None if any(expected) else "no rows"

    def ends(self, settings, commands, portal):
        """Whether a statement that took long comes to an end, as on a busy machine."""
        try:
            self.in_transaction("remote", settings, commands, portal, "5min")
        except SQLError as error:
            if error.state is None:
                raise
            return False
        return True

    def compare_with_itself(self, statement, settings):
        """As compare(), for what shows which rows were taken: it does so by each plan."""
        settings = [
            *settings,
            *[(name, value) for name, value in statement.steady if name in self.choices],
        ]
        self.check_explain(statement, settings)
        off, on = (
            self.outcome(statement, [*settings, ("imagebuilder_fdw.enable_read_ahead", value)])
            for value in ("off", "on")
        )
        # One that takes long on a busy machine is no difference.
        errors = [result for result in (off, on) if isinstance(result, str)]
        late = [error for error in errors if error.startswith("57014")]
        if off != on and not late:
            raise Difference(["effects"], on, off)
        if errors:
            return late[0] if late else off if off.startswith("HV002") else None
        self.outcomes["rows"] += sum(map(len, off))
        return None

    def outcome(self, statement, settings):
        """The rows of each command, or the error that one raised."""
        try:
            return self.in_transaction("remote", settings, statement.sql())
        except SQLError as error:
            if error.state is None:
                raise
            return str(error)

    def check_explain(self, statement, settings):
        """EXPLAIN neither fails nor asks."""
        commands = explaining(statement)
        self.requests(reset=True)
        self.in_transaction("remote", settings, commands)
        # The planner calls stable functions of constants.
        if self.requests() != 0 and not NESTED.search(" ".join(commands)):
            raise Difference(["EXPLAIN sends requests"], self.requests(), 0)

    def check_requests(self, statement, settings):
        """A statement that has just run asked for each ARN once, and EXPLAIN ANALYZE says so."""
        commands = statement.sql()
        sent = self.requests()
        if statement.most:
            ((most,),) = self.in_transaction("local", [], [statement.most])[0]
            if sent > int(most):
                raise Difference(["more is asked for than is wanted"], sent, most)
        if self.endpoints.asked_again():
            # What the statement before has left under way may have come in late.
            time.sleep(0.3)
            self.endpoints.reset()
            self.in_transaction("remote", settings, commands)
            if self.endpoints.asked_again():
                raise Difference(["an ARN is asked for again"], self.endpoints.asked_again(), [])
        self.requests(reset=True)
        explain = f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {commands[0]}"
        (plan,) = self.in_transaction("remote", settings, [explain])
        shown, sent = shown_requests(plan), self.requests()
        if shown != sent:
            raise Difference(["EXPLAIN ANALYZE counts requests wrongly"], shown, sent)
        self.outcomes["requests"] += sent

    def run_one(self, statement, settings):
        """As compare(), but a difference, a crash of the server too, is returned."""
        try:
            return self.compare(statement, settings)
        except Difference as difference:
            return difference
        except SQLError as error:
            if error.state is not None:
                return Difference(["error", error.state, error.message], error.message, None)
            self.connect()
            return Difference(["the session is gone"], error.message, None)

    def reduce(self, statement, settings, signature):
        """Fewer settings and a smaller query with the same difference."""
        until = time.monotonic() + self.options.reduce

        def same(statement, settings):
            result = self.run_one(statement, settings)
            return isinstance(result, Difference) and result.signature == signature

        changed = True
        while changed and time.monotonic() < until:
            changed = False
            for setting in settings:
                fewer = [other for other in settings if other != setting]
                if same(statement, fewer):
                    settings, changed = fewer, True
            # A query without its key would be one without a key only.
            for smaller in statement.smaller() if "HV002" not in signature else ():
                if time.monotonic() > until:
                    break
                if same(smaller, settings):
                    statement, changed = smaller, True
                    break
        return statement, settings

    def report(self, number, statement, settings, difference):
        signature = difference.signature
        if signature in self.found:
            self.found[signature] += 1
            return
        self.found[signature] = 1
        statement, settings = self.reduce(statement, settings, signature)
        difference = self.run_one(statement, settings)
        if not isinstance(difference, Difference):
            difference = Difference(signature, difference, "the difference, as before")
        lines = [
            f"difference: {' '.join(signature)} (statement {number}, {statement.kind})",
            *[f"SET {name} = '{value}';" for name, value in settings],
            f"servers: {self.servers}",
            *[command + ";" for command in statement.sql()],
            f"     got {difference.got!r:.1500}",
            f"expected {difference.expected!r:.1500}",
        ]
        print("".join(f"# {line}\n" for line in lines), flush=True)

    def settings(self, rng, choices):
        names = rng.sample(list(choices), rng.choice([0, 1, 2, 4, 8, 16]))
        settings = [(name, rng.choice(choices[name])) for name in names]
        if rng.random() < 0.3:
            settings += [
                ("max_parallel_workers_per_gather", "2"),
                ("parallel_setup_cost", "0"),
                ("parallel_tuple_cost", "0"),
                ("min_parallel_table_scan_size", "0"),
            ]
        if rng.random() < 0.4:
            settings += [
                ("enable_partitionwise_join", "on"),
                ("enable_partitionwise_aggregate", "on"),
            ]
        return list(dict(settings).items())

    def run(self):
        options = self.options
        copied = plan_world.set_up(self.session, self.urls, not options.only_arns)
        empty = [table for table, count in copied.items() if count == 0]
        print(
            f"{'not ' * bool(empty)}ok 1 - local copies of tables, without rows: {empty}",
            flush=True,
        )
        self.choices = choices = spare_settings(self.session)
        if options.only is not None:
            self.run_numbered(options.only, choices)
            return self.conclude(1)
        until = time.monotonic() + options.seconds
        number = 0
        try:
            # However slow the machine is, as many as are wanted are compared.
            while (
                time.monotonic() < until
                or self.counts.total() < options.least > number / 10
            ) and (options.keep_going or len(self.found) < 3):
                self.run_numbered(number, choices)
                number += 1
        except KeyboardInterrupt:
            self.connect()
        return self.conclude(number)

    def run_numbered(self, number, choices):
        """Each statement comes of its own number: it can be had again without those before."""
        self.set_servers(number // 25)
        rng = random.Random(f"{self.options.seed} {number}")
        statement = random_statement(rng, rng.random(), self.options.lists)
        settings = self.settings(rng, choices)
        if self.options.only is not None:
            print("".join(f"# {line}\n" for line in [settings, *statement.sql()]))
        began = time.monotonic()
        result = self.run_one(statement, settings)
        if self.options.verbose and time.monotonic() - began > 3:
            print(f"# {number}: {time.monotonic() - began:.1f} s\n#   {statement.sql()}")
        if isinstance(result, Difference):
            self.outcomes["different"] += 1
            self.report(number, statement, settings, result)
            return
        outcome = result.split()[0] if result else "rows compared"
        self.outcomes[outcome] += 1
        if outcome in ("invalid", "HV002") and self.options.verbose:
            print(f"# {number}: {result}\n#   {statement.sql()}")
        if result in (None, "no rows"):
            self.counts[statement.kind] += 1
            sql = " ".join(statement.sql())
            self.features.update(
                name for name, wanted in FEATURES.items() if re.search(wanted, sql)
            )

    def set_servers(self, block):
        """Other options of the servers for each block of statements."""
        if block == self.block:
            return
        self.block = block
        rng = random.Random(f"{self.options.seed} servers {block}")
        for name in self.urls:
            self.servers[name] = {
                "max_concurrency": rng.choice([1, 2, 4, 16]),
                "cache_ttl": rng.choice(["0", "0", "1h"]),
            }
            options = ", ".join(
                f"SET {name} '{value}'" for name, value in self.servers[name].items()
            )
            self.session.run(f"ALTER SERVER {name} OPTIONS ({options})")

    def conclude(self, number):
        options, compared = self.options, self.counts.total()
        print(f"# {number} statements, seed {options.seed}: {dict(self.outcomes)}")
        print(
            "# by kind: "
            + ", ".join(f"{kind} {count}" for kind, count in self.counts.most_common())
        )
        print(
            "# with: "
            + ", ".join(f"{name} {count}" for name, count in self.features.most_common())
        )
        skipped = [
            self.outcomes["HV002"],
            self.outcomes["invalid"] + self.outcomes["too"],
            self.outcomes["no"],
        ]
        checks = [
            (
                not self.found,
                f"{compared} random statements have the rows of local copies, seed {options.seed}"
                + "".join(
                    f"; {count} times: {' '.join(what)}" for what, count in self.found.items()
                ),
            ),
            (compared >= options.least, f"there are at least {options.least} of them"),
            (skipped[0] < 0.1 * number, f"{skipped[0]} have no key for all of their scans"),
            (
                skipped[1] < 0.1 * number,
                f"{skipped[1]} are errors or too slow on ordinary tables too",
            ),
            (skipped[2] < 0.5 * number, f"{skipped[2]} have no rows"),
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
    parser.add_argument(
        "--least", type=int, default=300, help="statements that must have been compared"
    )
    parser.add_argument("--only", type=int, help="run this statement alone")
    parser.add_argument(
        "--only-arns", action="store_true", help="no rows whose keys are no image's ARN"
    )
    parser.add_argument(
        "--lists", type=float, default=0.35, help="the share of statements about lists of a Region"
    )
    parser.add_argument("--keys", action="store_true", help="HV002 is a difference")
    parser.add_argument(
        "--keep-going", action="store_true", help="after three kinds of difference too"
    )
    parser.add_argument(
        "--reduce", type=float, default=20, metavar="SECONDS", help="for each kind of difference"
    )
    parser.add_argument("--verbose", action="store_true")
    sys.exit(not Runner(parser.parse_args()).run())


if __name__ == "__main__":
    main()
