"""Random queries over the tables of plan_world.py.

Each has a key for nearly all of its scans of foreign tables: an ARN in the
statement, or one from rows of ordinary tables, or of other images, beside
which it stands.  Rows are those of SQL whatever the plan: what LIMIT leaves
is in full order, and nothing volatile shows.
"""
from plan_world import ARNS, literal
from random_expressions import DRIVERS, GROUPED, KEYED, Column, Expressions, key_of


class Query:
    """A SELECT in parts, some of which may be dropped from it to reduce it."""

    def __init__(self, select, joins, where, rest="", head="SELECT"):
        self.select, self.joins, self.where, self.rest, self.head = (
            select,
            joins,
            where,
            rest,
            head,
        )

    def sql(self):
        where = f" WHERE {' AND '.join(self.where)}" if self.where else ""
        return (
            f"{self.head} {', '.join(self.select)} FROM {' '.join(self.joins)}{where}{self.rest}"
        )

    def smaller(self):
        """Queries with a part less, some of which may not be valid."""
        for name, least in (("joins", 1), ("where", 0), ("select", 1)):
            parts = getattr(self, name)
            for i in range(len(parts) - 1, least - 1 if name == "joins" else -1, -1):
                if len(parts) > least:
                    smaller = Query(self.select, self.joins, self.where, self.rest, self.head)
                    setattr(smaller, name, parts[:i] + parts[i + 1 :])
                    yield smaller
        if self.rest:
            yield Query(self.select, self.joins, self.where, "", self.head)


class Generator(Expressions):
    """Queries; ctes are the names of WITH that the next may read."""

    def __init__(self, seed):
        super().__init__(seed)
        self.ctes = []

    # ---- FROM ----

    def keyed(self, grouped):
        tables = GROUPED if self.chance(grouped) else KEYED
        table = self.rng.choice(list(tables))
        if tables is KEYED and self.chance(0.4):
            table = self.any_of("images", "amis")
        return table, tables[table]

    def driver(self, depth):
        """An ordinary table, a view or a sub-select that needs nothing from outside."""
        alias = self.name()
        if self.ctes and self.chance(0.4):
            name, columns = self.rng.choice(self.ctes)
            return f"{name} {alias}", [
                Column(f"{alias}.{column.sql}", column.kind) for column in columns
            ]
        if depth and self.chance(0.2):
            sql, columns = self.shaped([], depth - 1)
            names = [f"c{i}" for i in range(len(columns))]
            return (
                f"({sql}) {alias}({', '.join(names)})",
                [Column(f"{alias}.{name}", kind) for name, (_, kind) in zip(names, columns)],
            )
        if self.chance(0.05):
            rows = ", ".join(
                f"({i}, {literal(self.rng.choice(ARNS))})" for i in range(self.rng.randrange(2, 5))
            )
            return f"(VALUES {rows}) {alias}(n, arn)", self.columns(alias, "n:int arn:key")
        if self.chance(0.05):
            rows = ", ".join(literal(self.rng.choice(ARNS)) for _ in range(3))
            return f"unnest(ARRAY[{rows}]) {alias}(arn)", self.columns(alias, "arn:key")
        table = self.any_of("inv", "inv", "small", self.rng.choice(list(DRIVERS)))
        declared = DRIVERS[table]
        if table == "generate_series(1, 4)":
            return f"{table} {alias}(n)", self.columns(alias, declared)
        return f"{table} {alias}", self.columns(alias, declared)

    def lateral(self, scope, depth):
        alias = self.name()
        if self.chance(0.1):
            return f"amis_of({self.key(scope, clean=True)}) {alias}", self.columns(
                alias, "arn:key name:any number:int"
            )
        sql, columns = self.shaped(scope, depth)
        names = [f"c{i}" for i in range(len(columns))]
        return (
            f"LATERAL ({sql}) {alias}({', '.join(names)})",
            [Column(f"{alias}.{name}", kind) for name, (_, kind) in zip(names, columns)],
        )

    def on(self, condition, outer, inner, depth):
        """A join condition with more beside it: of the outer rows, of constants, of the inner."""
        more = []
        if self.chance(0.25):
            more.append(self.condition(outer, depth))
        if self.chance(0.15):
            more.append(self.condition(inner))
        if self.chance(0.1):
            more.append(self.condition(outer + inner))
        if self.chance(0.03):
            more.append(self.any_of("false", "random() < 2", "now() IS NOT NULL", "NULL::bool"))
        conditions = [condition] * bool(condition) + more
        self.rng.shuffle(conditions)
        return " AND ".join(conditions) or "true"

    def join(self, scope, outer, depth):
        """A join to what is in scope; the text, and the columns it adds."""
        visible = outer + scope
        kind = self.any_of("JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN")
        form = self.rng.random()
        if form < 0.55:
            alias = self.name()
            table, declared = self.keyed(0)
            columns = self.columns(alias, declared)
            if (
                sum(column.sql.endswith(".arn") for column in scope) == 1
                and declared.startswith("arn:key")
                and self.chance(0.2)
            ):
                return f"{kind} {table} {alias} USING (arn)", columns
            condition = self.on(
                self.key_condition(
                    key_of(columns), scope if self.of_kind(scope, "key", "any") else visible
                ),
                scope,
                columns,
                0,
            )
            return f"{kind} {table} {alias} ON {condition}", columns
        if form < 0.75 and depth:
            lateral, columns = self.lateral(visible, depth - 1)
            if kind == "JOIN" and self.chance(0.5):
                return f"CROSS JOIN {lateral}", columns
            return f"{kind} {lateral} ON {self.on('', scope, columns, 0)}", columns
        arrays = self.of_kind(visible, "array")
        if form < 0.8 and arrays:
            alias = self.name()
            unnest = f"unnest({self.rng.choice(arrays)}) {alias}(arn)"
            return (
                f"CROSS JOIN {unnest}"
                if kind == "JOIN"
                else f"LEFT JOIN {unnest} ON {self.on('', scope, [], 0)}",
                self.columns(alias, "arn:key"),
            )
        relation, columns = self.driver(depth)
        ints, own = self.of_kind(scope, "int"), self.of_kind(columns, "int")
        keys, own_keys = self.of_kind(scope, "key"), self.of_kind(columns, "key")
        equal = []
        if ints and own:
            equal.append(f"{self.rng.choice(own)} = {self.rng.choice(ints)}")
        if keys and own_keys:
            equal.append(f"{self.rng.choice(own_keys)} = {self.rng.choice(keys)}")
        if not equal:
            return f"LEFT JOIN {relation} ON false", columns
        if self.chance(0.2):
            return (
                f"{self.any_of('FULL JOIN', 'RIGHT JOIN')} {relation} ON {self.rng.choice(equal)}",
                columns,
            )
        if depth and self.chance(0.4):
            inner, more = self.join(columns, [], depth - 1)
            return f"{kind} ({relation} {inner}) ON {self.rng.choice(equal)}", columns + more
        return (
            f"{kind} {relation} ON {self.on(self.rng.choice(equal), scope, columns, 0)}",
            columns,
        )

    def source(self, outer, depth, most):
        """FROM: joins, what they have in scope, and conditions that they need in WHERE."""
        where = []
        start = self.rng.random()
        if outer and start < 0.6 or start < 0.15:
            alias = self.name()
            table, declared = self.keyed(0 if outer else 0.3)
            scope = self.columns(alias, declared)
            joins = [f"{table} {alias}"]
            where.append(
                self.key_condition(key_of(scope), outer)
                if self.of_kind(outer, "key", "any")
                else self.constant_condition(key_of(scope), table in GROUPED)
            )
        else:
            relation, scope = self.driver(depth)
            joins = [relation]
            if self.chance(0.07):
                alias = self.name()
                table, declared = self.keyed(0)
                columns = self.columns(alias, declared)
                joins = [
                    f"{table} {alias} RIGHT JOIN {relation} ON "
                    f"{self.on(self.key_condition(key_of(columns), scope), scope, columns, 0)}"
                ]
                scope += columns
        for _ in range(self.rng.randrange(most + 1)):
            join, columns = self.join(scope, outer, depth)
            joins.append(join)
            scope = scope + columns
        return joins, scope, where

    # ---- queries ----

    def scalar(self, scope, depth):
        """A sub-select as an expression, and its kind."""
        if self.chance(0.1):
            alias = self.name()
            table, declared = self.keyed(1)
            inner = self.columns(alias, declared)
            joins, where = [f"{table} {alias}"], [f"{key_of(inner).sql} = {self.key(scope)}"]
        else:
            joins, inner, where = self.source(scope, depth, 1 if depth else 0)
        if self.chance(0.3):
            where.append(self.condition(inner + scope))
        column = self.rng.choice(inner)
        value, kind = column
        if kind == "array":
            value, kind = f"{value}[1]", "key"
        elif kind == "bool":
            value, kind = f"({value})::text", "text"
        elif kind == "key":
            # char(n) has blanks that format() and the like would keep.
            value = f"({value})::text"
        source = f"FROM {' '.join(joins)}" + (f" WHERE {' AND '.join(where)}" if where else "")
        form = self.rng.random()
        if form < 0.35:
            return f"(SELECT count(*) {source})", "int"
        if form < 0.6:
            return f"(SELECT {self.any_of('min', 'max')}({value}) {source})", kind
        if form < 0.75:
            return (
                f"(SELECT string_agg(({value})::text, ',' ORDER BY ({value})::text) {source})",
                "text",
            )
        if form < 0.85:
            return f"(SELECT count(*) FROM (SELECT DISTINCT {value} {source}) s)", "int"
        return f"(SELECT {value} {source} ORDER BY 1 LIMIT 1)", kind

    def expression(self, scope, depth):
        """For a select list."""
        column = self.rng.choice(scope)
        form = self.rng.random()
        if depth and form < 0.25:
            return Column(*self.scalar(scope, depth - 1))
        if depth and form < 0.32:
            value, kind = self.scalar(scope, depth - 1)
            return Column(f"CASE WHEN {self.condition(scope)} THEN {value} END", kind)
        if depth and form < 0.37:
            return Column(f"({self.exists(scope, depth - 1)})", "bool")
        if depth and form < 0.41:
            value, kind = self.scalar(scope, depth - 1)
            return Column(f"coalesce({value}::text, {literal('none')})", "text")
        if form < 0.415:
            function = self.any_of("name_of", "count_amis")
            return Column(f"{function}(({self.key(scope, clean=True)})::text)::text", "text")
        if form < 0.5:
            return Column(f"coalesce({column.sql}::text, 'x')", "text")
        return column

    def query(self, outer, depth, most=None):
        """SELECT ... FROM ... WHERE ..., whose columns are in its attribute columns."""
        joins, scope, where = self.source(outer, depth, 2 if most is None else most)
        if self.chance(0.35):
            where.append(self.condition(scope + outer, 0))
        if outer and self.chance(0.2):
            where.append(self.guard(outer))
        if depth and self.chance(0.3):
            where.append(self.exists(scope + outer, depth - 1, scope))
        columns = [
            self.expression(scope + (outer if self.chance(0.1) else []), depth)
            for _ in range(self.rng.randrange(1, 5))
        ]
        if self.chance(0.5):
            keys = [column for column in scope if column.kind == "key"]
            columns += [self.rng.choice(keys)] if keys else []
        query = Query([column.sql for column in columns], joins, where)
        query.columns = columns
        query.scope = scope
        return query

    def limit(self, outer):
        """How many rows of a query; perhaps as many as a row around it says, or another query."""
        ints = self.of_kind(outer, "int")
        if ints and self.chance(0.4):
            # Not NULL: PostgreSQL 15's incremental sort asserts that LIMIT bounds it always
            # or never.
            return f"coalesce(abs({self.rng.choice(ints)}) % 4, 3)"
        if self.chance(0.1):
            return self.any_of("(SELECT count(*) FROM small)", "(SELECT max(k) FROM inv)", "NULL")
        return str(self.rng.randrange(9))

    def shape(self, query, outer=()):
        """Make something more of a query's rows; the result's columns."""
        places = ", ".join(map(str, range(1, len(query.select) + 1)))
        columns = query.columns
        form = self.rng.random()
        if form < 0.4:
            return columns
        if form < 0.5:
            query.head = "SELECT DISTINCT"
        elif form < 0.6:
            query.rest = f" ORDER BY {places} LIMIT {self.limit(outer)}" + self.any_of(
                "", " OFFSET 1"
            )
        elif form < 0.63:
            query.rest = f" ORDER BY 1 FETCH FIRST {self.rng.randrange(1, 5)} ROWS WITH TIES"
        elif form < 0.65:
            query.rest = " OFFSET 0"
        elif form < 0.7:
            query.head = f"SELECT DISTINCT ON ({query.select[0]})"
            query.rest = f" ORDER BY {places}"
        elif form < 0.78:
            first = query.select[0]
            query.select = query.select + [
                f"count(*) OVER (PARTITION BY {first})",
                f"rank() OVER (ORDER BY {first})",
            ]
            return columns + [Column("", "int"), Column("", "int")]
        else:
            return self.group(query)
        return columns

    def group(self, query):
        scope = query.scope
        by = self.rng.sample(scope, min(len(scope), self.rng.randrange(1, 3)))
        value = self.rng.choice(scope)
        exprs = ", ".join(column.sql for column in by)
        kinds = [Column(f"{column.sql}", column.kind) for column in by]
        query.select = [column.sql for column in by] + [
            self.any_of("count(*)", f"count(*) FILTER (WHERE {self.condition(scope)})"),
            f"count(DISTINCT {value.sql})",
            self.any_of(f"max(({value.sql})::text)", f"max(({self.scalar(scope, 0)[0]})::text)"),
        ]
        query.rest = " GROUP BY " + self.any_of(
            exprs,
            exprs,
            exprs,
            f"GROUPING SETS (({exprs}), ())",
            f"ROLLUP ({exprs})",
            f"CUBE ({exprs})",
        )
        if self.chance(0.3):
            havings = ["count(*) > 1", f"max(({value.sql})::text) IS NOT NULL"] + [
                f"(SELECT count(*) FROM images h WHERE h.arn = max({key})) > 0"
                for key in self.of_kind(scope, "key", "any")
            ]
            query.rest += f" HAVING {self.rng.choice(havings)}"
        elif self.chance(0.2) and not any(
            word in query.rest for word in ("SETS", "ROLLUP", "CUBE")
        ):
            keys = [
                column.sql
                for column in by
                if column.kind in ("key", "any") and column.sql[0] != "("
            ]
            if keys:
                query.select.append(f"(SELECT count(*) FROM amis h WHERE h.image_arn = {keys[0]})")
                kinds = kinds + [Column("", "int")] * 2 + [Column("", "text"), Column("", "int")]
                return kinds
        return kinds + [Column("", "int"), Column("", "int"), Column("", "text")]

    def shaped(self, outer, depth):
        """A query with DISTINCT, GROUP BY, LIMIT and so on, or a union; its text and columns."""
        if self.chance(0.2):
            return self.union(outer, depth)
        query = self.query(outer, depth, 1)
        columns = self.shape(query, outer)
        return query.sql(), columns

    def union(self, outer, depth):
        """Arms of a key, a constant and a text each."""
        arms = []
        for number in range(self.rng.randrange(2, 4)):
            joins, scope, where = self.source(outer, max(depth - 1, 0), 1)
            if self.chance(0.3):
                where.append(self.condition(scope + outer))
            arms.append(
                f"SELECT ({self.key(scope, clean=True)})::text, {number}, "
                f"({self.rng.choice(scope).sql})::text "
                f"FROM {' '.join(joins)}" + (f" WHERE {' AND '.join(where)}" if where else "")
            )
        kind = self.any_of("UNION ALL", "UNION ALL", "UNION ALL", "UNION", "EXCEPT", "INTERSECT")
        return f" {kind} ".join(arms), [Column("", "key"), Column("", "int"), Column("", "text")]

    def with_ctes(self, depth):
        """WITH …, whose names the drivers of this statement may be."""
        parts = []
        recursive = ""
        for _ in range(self.rng.choice([0, 0, 0, 1, 1, 2])):
            name = f"w{len(self.ctes)}"
            if self.chance(0.3):
                recursive = "RECURSIVE "
                parts.append(
                    f"{name}(c0, c1) AS (SELECT arn, 0 FROM "
                    f"{self.any_of('small', 'inv', 'teams')} "
                    f"{self.any_of('UNION', 'UNION ALL')} SELECT i.latest_version_arn, c1 + 1 "
                    f"FROM {name} JOIN {self.any_of('images', 'named', 'ranged')} i ON i.arn = c0 "
                    f"{self.any_of('', 'AND i.name IS NOT NULL ')}WHERE c1 < 3)"
                )
                columns = [Column("c0", "key"), Column("c1", "int")]
            else:
                sql, columns = self.shaped([], depth)
                columns = [Column(f"c{i}", column.kind) for i, column in enumerate(columns)]
                parts.append(
                    f"{name}({', '.join(column.sql for column in columns)}) AS "
                    f"{self.any_of('', 'MATERIALIZED ', 'NOT MATERIALIZED ')}({sql})"
                )
            self.ctes.append((name, columns))
        return f"WITH {recursive}{', '.join(parts)} " if parts else ""

    def select(self, depth=2):
        head = self.with_ctes(1)
        query = self.query([], depth, self.rng.randrange(1, 5))
        self.shape(query)
        query.head = head + query.head
        return query
