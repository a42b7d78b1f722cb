#!/usr/bin/python3
"""Compare SQL with what must come out, cell by cell; prints TAP.

fixtures: every fixture, every table that SQL has, against projection.py.
fuzz:     the same for random responses.
complete: the fixture that fills every member leaves no column NULL.
schema:   imagebuilder_fdw_columns() against the interface's .tsv files.
sdk:      boto3 and the AWS CLI ask the same endpoint and must see the same.
"""
import argparse
import itertools
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

import api
import generate
import projection
import sdk

tests = failures = 0


def check(name, got, expected):
    global tests, failures
    tests += 1
    if got == expected:
        print(f"ok {tests} - {name}")
        return
    failures += 1
    print(f"not ok {tests} - {name}\n#      got {got!r:.2000}\n"
          f"# expected {expected!r:.2000}".replace("\n#", "\n# "))


class Database:
    def __init__(self, connection, schema):
        self.command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", connection]
        self.schema = schema
        self.columns = [tuple(row) for row in self.run(
            "SELECT jsonb_build_array(table_name, column_name, data_type, path) FROM "
            "imagebuilder_fdw_columns()")[0]]
        self.there = {column[0] for column in self.columns}
        self.keys = dict(self.run("SELECT jsonb_build_array(table_name, column_name) "
                                  "FROM imagebuilder_fdw_columns() WHERE is_key")[0])

    def run(self, *queries):
        """Each query's rows, each row one JSON value; all in one session."""
        script = "SET TimeZone = 'UTC';\n" + "".join(f"{query};\n\\echo ---\n" for query in queries)
        output = subprocess.run(self.command, input=script, capture_output=True,
                                text=True, check=False,
                                env={**os.environ, "PGCLIENTENCODING": "UTF8"})
        if output.returncode != 0:
            raise RuntimeError(output.stderr)
        results = output.stdout.split("---\n")[:-1]
        return [[projection.parse(line) for line in result.split("\n")[:-1]] for result in results]

    def table_query(self, table, arn):
        cells = ", ".join(
            f"(extract(epoch FROM {name}) * 1000000)::numeric(40)"
            if kind == "timestamptz" else name
            for t, name, kind, _ in self.columns if t == table)
        return f"SELECT to_jsonb(ARRAY[]::text[]) || jsonb_build_array({cells})" \
            f" FROM {self.schema}.{table} " \
               f"WHERE {self.condition(table, arn)}"

    def condition(self, table, arn):
        """What a query says to see just an ARN's rows, or those of a scope's Region and owner."""
        if ":" in arn:
            return f"{self.keys[table]} = '{arn}'"
        owner = f" AND {self.keys[table]} = '{api.owner_of(arn)}'" if api.owner_of(arn) else ""
        return f"region = '{api.region_of(arn)}'{owner}"

    def has(self, operation):
        """Whether SQL has tables of an operation."""
        return not self.there.isdisjoint(projection.tables_of(operation))

    def set_region(self, region):
        """Have the server ask for what that Region has."""
        has_region, = self.run("SELECT to_jsonb(srvoptions::text ~ '[{,\"]region=') "
                               "FROM pg_foreign_server WHERE srvname = 'aws'")[0]
        action = "SET" if has_region else "ADD"
        self.run(f"ALTER SERVER aws OPTIONS ({action} region '{region}')")

    def tables(self, asked):
        """{(operation, arn): {table: rows}} as SQL has them."""
        wanted = [(operation, arn, table) for operation, arn in asked
                  for table in projection.tables_of(operation) if table in self.there]
        wanted.sort(key=lambda each: "" if ":" in each[1] else api.region_of(each[1]))
        results = []
        for region, group in itertools.groupby(
                wanted, lambda each: "" if ":" in each[1] else api.region_of(each[1])):
            if region:
                self.set_region(region)
            results += self.run(*(self.table_query(table, arn) for _, arn, table in group))
        found = {(operation, arn): {} for operation, arn in asked}
        for (operation, arn, table), rows in zip(wanted, results):
            names = [name for t, name, _, _ in self.columns if t == table]
            found[operation, arn][table] = [dict(zip(names, row)) for row in rows]
        return found


def same(a, b):
    """Equal, and not merely as Python has True equal 1."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def differences(got, expected):
    """The first cell that differs, or an empty list."""
    for table, rows in expected.items():
        if len(rows) != len(got[table]):
            return [table, "rows", len(got[table]), len(rows)]
        for place, (g, e) in enumerate(zip(got[table], rows)):
            for column, value in e.items():
                if not same(g[column], value):
                    return [table, place, column, g[column], value]
    return []


def mode_fixtures(database, options):
    found = database.tables(api.fixtures())
    for (operation, arn), body in api.fixtures().items():
        if not database.has(operation):
            continue
        expected = projection.project([projection.parse(body)], operation, arn, database.columns)
        check(f"{operation} of {arn}: {sum(map(len, expected.values()))} rows",
              differences(found[operation, arn], expected), [])


def mode_fuzz(database, options):
    wrong = []
    cells = 0
    operations = [operation for operation in api.OPERATIONS if database.has(operation)]
    for start in range(0, options.count, 20):
        responses = {}
        for seed in range(options.seed + start, options.seed + min(start + 20, options.count)):
            operation = operations[seed % len(operations)]
            arn = generate.random_arn(operation, seed)
            pages = responses[operation, arn] = generate.random_pages(
                random.Random(seed), operation)
            for token, body in zip(["", *generate.tokens(pages)], pages):
                request = urllib.request.Request(
                    f"{options.endpoint}/-/responses?" + urllib.parse.urlencode(
                        {"operation": operation, **api.as_control(arn), "token": token}),
                    method="PUT", data=body.encode())
                urllib.request.urlopen(request).read()
        found = database.tables(responses)
        for (operation, arn), pages in responses.items():
            expected = projection.project([projection.parse(body) for body in pages], operation,
                                          arn, database.columns)
            cells += sum(len(row) for rows in expected.values() for row in rows)
            difference = differences(found[operation, arn], expected)
            if difference:
                wrong.append([operation, arn, *difference])
    check(f"{options.count} random responses, {cells} cells", wrong[:3], [])


def mode_complete(database, options):
    complete = [(operation, arn) for operation, (arn, _) in api.complete().items()]
    found = {table: rows for tables in database.tables(complete).values()
             for table, rows in tables.items()}
    check("all tables have a complete answer", sorted(found), sorted(database.there))
    for table, rows in found.items():
        names = [name for t, name, _, _ in database.columns if t == table]
        nulls = [name for name in names if any(row[name] is None for row in rows)]
        # Only a distribution's tags have a distribution.
        if table == "tags":
            nulls = [name for name in nulls if all(row[name] is None for row in rows)
                     or any(row[name] is None for row in rows
                            if row["resource"] == "distribution_ami")]
        check(f"{table}: {len(rows)} rows, all columns filled", [bool(rows), nulls], [True, []])


def mode_schema(database, options):
    there = database.there
    copies = {**projection.TABLES, **projection.API_TABLES}
    check("the independent copy has all tables", sorted(copies), sorted(there))
    if not options.shared:
        return
    shared = pathlib.Path(options.shared)
    tables, others, columns, parameters = projection.read_interface(shared / "interface")
    check("imagebuilder_fdw_columns() is columns.tsv", database.columns,
          [column for column in columns if column[0] in there])
    check("the independent copy of tables.tsv", projection.TABLES, tables)
    check("and of the other operations' tables", projection.API_TABLES,
          {table: others[table] for table in others if table in copies})
    operations = {name: of for name, of in api.OPERATIONS.items() if name != "GetImage"}
    check("the independent copy of parameters.tsv",
          {name: (of.parameter, of.kind, of.place, of.constant)
           for name, of in operations.items() if of.parameter},
          {name: (member, kind, place, constant)
           for name, _, member, place, kind, _, constant in parameters if name in operations})
    rows = projection.read_tsv(shared / "interface" / "api" / "operations.tsv")
    check("the independent copy of operations.tsv",
          {name: (of.path, of.target) for name, of in operations.items()},
          {name: (path, target) for name, _, _, path, target, _, _ in rows if name in operations})
    reached = set()
    for table, _, _, path in columns:
        for _, rows in tables.get(table, []):
            base = rows + ("." if rows else "")
            reached.add(rows)
            reached.add(rows if path == "." else base + path)
            reached.add(base + path + "[]")
    leaves = [line.split("\t")
              for line in (shared / "api" / "get_image.tsv").read_text().splitlines()[1:]]
    check("every leaf of GetImage is reached",
          [path for path, kind, *_ in leaves if path not in reached], [])


def mode_sdk(database, options):
    with tempfile.TemporaryDirectory() as directory:
        sdk.teach(directory, options.shared and pathlib.Path(options.shared))
        found = database.tables(api.fixtures())
        for (operation, arn), body in api.fixtures().items():
            of = api.OPERATIONS[operation]
            clients = [("boto3", sdk.ask_boto3)]
            # The AWS CLI takes seconds to start.
            if operation in ("GetImage", "GetComponent") or "complete" in arn or of.page_size:
                clients.append(("aws", sdk.ask_cli))
            for name, get in clients:
                seen = get(options.endpoint, of, arn)
                there = projection.parse(body)
                # The CLI shows nothing but the items of a list's pages.
                if name == "aws" and of.page_size:
                    there = {of.member: there[of.member]}
                check(f"{name} sees every value of {operation} of {arn}",
                      sdk.differing(there, seen), [])
                expected = projection.project([seen], operation, arn, database.columns)
                for row in expected.get("images", []):
                    row.pop("response")
                # Nor what the CLI does not show.
                for row in expected.get("workflow_executions", []) if name == "aws" else []:
                    row.pop("list_message")
                if not database.has(operation):
                    continue
                check(f"SQL has what {name} sees of {operation} of {arn}",
                      differences(found[operation, arn], expected), [])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--psql", required=True, help="connection string")
    parser.add_argument("--endpoint", required=True, help="URL")
    parser.add_argument("--schema", default="imagebuilder")
    parser.add_argument("--shared", help="directory of the interface's .tsv files")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("mode", choices=["fixtures", "fuzz", "complete", "schema", "sdk"])
    options = parser.parse_args()
    globals()[f"mode_{options.mode}"](Database(options.psql, options.schema), options)
    print(f"1..{tests}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
