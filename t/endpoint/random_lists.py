"""Random queries over lists of a Region, and over ARNs that they have.

Lists need no key; conditions on their Region and account are of every form,
as are those on ownership, which shared_image_versions wants.
"""
from plan_world import ARNS, literal
from random_expressions import LISTS, Column, key_of
from random_queries import Generator, Query
from random_targets import ACCOUNTS, PLACES, of_owner
from statement import Statement

# What is looked up by rows alone: builds and versions are different kinds of ARN.
BY_ROWS = {
    "image_packages": "image_arn:key package_name:text package_version:text",
    "image_version_builds": "image_version_arn:key arn:key name:text state_status:text",
    "image_policies": "image_arn:key",
}
SHARED = "region:place account_id:account ownership:owner arn:key name:text platform:text"

OWNED = "id:int ownership:owner region:place k:int"
PLACED = "id:int region:place account:account k:int"


class Lists(Generator):
    """As Generator's, but most tables are lists."""

    def driver(self, depth):
        form = self.rng.random()
        alias = self.name()
        if form < 0.5:
            table = self.rng.choice(list(LISTS))
            return f"{table} {alias}", self.columns(alias, LISTS[table])
        if form < 0.6:
            condition = of_owner(self.rng, "s.ownership", [])
            more = f" AND {self.condition(self.columns('s', SHARED))}" if self.chance(0.5) else ""
            return (
                f"(SELECT * FROM shared_image_versions s WHERE {condition}{more}) {alias}",
                self.columns(alias, SHARED),
            )
        if form < 0.7:
            return f"owners {alias}", self.columns(alias, OWNED)
        if form < 0.8:
            return f"places {alias}", self.columns(alias, PLACED)
        return super().driver(depth)

    def join(self, scope, outer, depth):
        form = self.rng.random()
        visible = scope + outer
        owners, keys = self.of_kind(visible, "owner"), self.of_kind(scope, "key")
        kind = self.any_of("JOIN", "LEFT JOIN")
        alias = self.name()
        if owners and form < 0.4:
            columns = self.columns(alias, SHARED)
            condition = of_owner(self.rng, f"{alias}.ownership", owners)
            on = self.on(condition, scope, columns, 0)
            return f"{kind} shared_image_versions {alias} ON {on}", columns
        if keys and form < 0.25:
            table = self.rng.choice(list(BY_ROWS))
            columns = self.columns(alias, BY_ROWS[table])
            on = self.on(f"{key_of(columns).sql} = {self.rng.choice(keys)}", scope, columns, 0)
            return f"{kind} {table} {alias} ON {on}", columns
        places = self.of_kind(visible, "place")
        if places and form < 0.5:
            table = self.rng.choice(list(LISTS))
            columns = self.columns(alias, LISTS[table])
            equal = f"{self.rng.choice(self.of_kind(columns, 'place'))} = {self.rng.choice(places)}"
            own = self.of_kind(columns, "key")
            if keys and own and self.chance(0.8):
                equal += f" AND {self.rng.choice(own)} = {self.rng.choice(keys)}"
            return f"{kind} {table} {alias} ON {self.on(equal, scope, columns, 0)}", columns
        return super().join(scope, outer, depth)

    def query(self, outer, depth, most=None):
        query = super().query(outer, depth, most)
        for _ in range(self.any_of(0, 0, 1, 1, 2)):
            condition = self.target_condition(query.scope + list(outer))
            if condition:
                query.where.append(condition)
        return query

    def counted(self):
        """How many rows there are of a query, some of whose rows may be left."""
        query = self.query([], 1, 2)
        most = self.any_of("", f" LIMIT {self.rng.randrange(40)}", " OFFSET 2 LIMIT 30")
        query.select, query.rest = ["1"], most
        return Query(["count(*)"], [f"({query.sql()}) q"], [])

    def parted(self):
        """Rows that two queries of the same columns have, not, or both."""
        table = self.any_of("image_builds", "builds_eu", "placed_builds", "all_builds")
        arms = []
        for _ in "12":
            scope = [Column("b.region", "place"), Column("b.account_id", "account")]
            arms.append(
                f"SELECT b.arn, b.region FROM {table} b WHERE {self.target_condition(scope)}"
            )
        kind = self.any_of("UNION", "UNION ALL", "EXCEPT", "EXCEPT ALL", "INTERSECT")
        return Query(["q.arn", "q.region"], [f"({arms[0]} {kind} {arms[1]}) q"], [])

    def small(self):
        """One list, and rows that say which of it is wanted: many plans of one condition."""
        table = self.rng.choice(list(LISTS))
        columns = self.columns("b", LISTS[table])
        own = [column for column in columns if not column.sql.startswith("(")]
        rows, outer = self.any_of(
            ("places o", self.columns("o", PLACED)),
            ("owners o", self.columns("o", OWNED)),
            ("inv o", self.columns("o", "id:int arn:key k:int region:place")),
            ("image_versions o", self.columns("o", LISTS["image_versions"])),
        )
        select = [column.sql for column in self.rng.sample(own, min(len(own), 3))]
        alone, both = self.target_condition(columns), self.target_condition(columns + outer)
        form = self.rng.random()
        if form < 0.2:
            return Query(select, [f"{table} b"], [alone])
        if form < 0.4:
            kind = self.any_of("JOIN", "LEFT JOIN", "RIGHT JOIN", "JOIN")
            return Query(
                select + ["o.region"], [f"{rows} {kind} {table} b ON {both}"], [alone][: form < 0.3]
            )
        if form < 0.5:
            places = self.of_kind(columns, "place")
            equal = f"{self.rng.choice(places)} = o.region"
            return Query(
                select + ["o.region"],
                [f"{rows} FULL JOIN (SELECT * FROM {table} b WHERE {alone}) b ON {equal}"],
                [],
            )
        if form < 0.65:
            found = f"EXISTS (SELECT FROM {table} b WHERE {both})"
            shown = [column.sql for column in outer if column.sql != "(o)::text"]
            return Query(shown, [rows], [f"{self.any_of('', 'NOT ')}{found}"])
        if form < 0.75:
            found = f"(SELECT count(*) FROM {table} b WHERE {both})"
            return Query(["o.region", found], [rows], [])
        if form < 0.88:
            most = self.any_of("", " OFFSET 0", " ORDER BY 1, 2, 3 LIMIT 2", " ORDER BY 3, 1, 2")
            names = ", ".join(f"{column} AS c{i}" for i, column in enumerate(select))
            lateral = f"LATERAL (SELECT {names} FROM {table} b WHERE {both}{most}) l"
            return Query(
                ["o.region", "l.c0", "l.c1", "l.c2"], [f"{rows} LEFT JOIN {lateral} ON true"], []
            )
        how = self.any_of("", "MATERIALIZED", "NOT MATERIALIZED")
        head = f"WITH w AS {how} (SELECT * FROM {table}) SELECT"
        rest = f" UNION ALL SELECT count(*)::text FROM w b WHERE {alone}"
        return Query(
            [f"({select[0]})::text"], [f"{rows} LEFT JOIN w b ON {both}"], [], rest, head
        )

    def select(self, depth=2):
        form = self.rng.random()
        if form < 0.3:
            return self.small()
        if form < 0.4:
            return self.counted()
        return self.parted() if form < 0.45 else super().select(depth)


def prepared_list(rng, generator, query):
    """A statement whose parameters are Regions, accounts and ARNs."""
    places = generator.of_kind(query.scope, "place") or ["'us-east-1'"]
    accounts = generator.of_kind(query.scope, "account") or places
    if query.head == "SELECT" and not query.rest:
        query.where = query.where + [
            rng.choice(
                [
                    f"{rng.choice(places)} = $1",
                    f"{rng.choice(places)} IN ($1, $2)",
                    f"{rng.choice(places)} <> $1",
                    f"{rng.choice(places)} = coalesce($2, 'us-east-1')",
                    f"({rng.choice(places)}, {rng.choice(accounts)}) IN (($1, $3), ($2, $3))",
                    f"({rng.choice(places)} = $1 OR {rng.choice(accounts)} = $3)",
                    f"$1 IS NULL OR {rng.choice(places)} = $1",
                    f"CASE WHEN $2 IS NULL THEN true ELSE {rng.choice(places)} LIKE $2 END",
                ]
            ).join("()")
        ]
    query.where = query.where + ["($4 IS NULL OR $3 IS NULL OR $2 IS NULL OR $1 <> '-')"]
    runs = [
        "EXECUTE p ("
        + ", ".join(literal(rng.choice(values)) for values in (PLACES, PLACES, ACCOUNTS, ARNS))
        + ")"
        for _ in range(rng.choice([1, 2, 7]))
    ]
    return Statement(
        "prepared list",
        query,
        lambda query: [
            f"PREPARE p (text, text, text, text) AS {query.sql()}",
            *runs,
            "DEALLOCATE p",
        ],
    )
