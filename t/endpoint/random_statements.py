"""Random statements over the tables of plan_world.py.

Each has a key for nearly all of its scans of foreign tables: an ARN in the
statement, or one from rows of ordinary tables, or of other images, beside
which it stands.  Rows are those of SQL whatever the plan: what LIMIT leaves
is in full order, and nothing volatile shows.
"""
import collections
import random

from plan_world import ARNS, IMAGES, literal

# An expression in scope, and what it is: an ARN or NULL ("key"), an ARN or anything ("any"), "int", "text", "array".
Column = collections.namedtuple("Column", "sql kind")

# Ordinary tables, and views that have their ARNs from those.
DRIVERS = {
    "inv": "id:int k:int arn:key parent:any long:key padded:key doc:doc arns:array name:text region:text path:path",
    "small": "sid:int k:int arn:key",
    "hosts": "id:int arn:key k:int",
    "teams": "id:int arn:key k:int",
    "placed": "id:int region:text arn:key",
    "nothing": "id:int arn:key k:int",
    "scratch": "id:int k:int arn:key parent:any n:int",
    "summary": "sid:int arn:key n:int",
    "labelled": "sid:int arn:key name:text label:text",
    "chained": "sid:int arn:key name:text label:text",
    "names_of_kind(1)": "id:int name:text",
    "generate_series(1, 4)": "n:int",
}
# Tables that want a key, the first column.
KEYED = {
    "images": "arn:key name:text platform:text latest_version_arn:key image_tests_timeout_minutes:int",
    "amis": "image_arn:key ordinal:int ami_id:any region:text account_id:text",
    "components": "image_arn:key ordinal:int component_arn:any recipe_type:text",
    "component_parameters": "image_arn:key component_ordinal:int ordinal:int name:text",
    "image_recipes": "image_arn:key name:text parent_image:any",
    "tags": "image_arn:key resource:text key:text value:text",
    "images_varchar": "arn:key name:text latest_version_arn:key",
    "images_char": "arn:padded name:text",
    "images_twice": "arn:key name:text again:key",
    "images_us": "arn:key name:text latest_version_arn:key",
    "images_eu": "arn:key name:text platform:text",
    "ranged": "arn:key name:text platform:text latest_version_arn:key",
    "ranged_amis": "image_arn:key ordinal:int ami_id:any",
    "listed": "arn:key name:text region:text",
    "deep": "arn:key name:text latest_version_arn:key",
    "family": "arn:any name:text",
    "named": "arn:key platform:text name:text latest_version_arn:key",
    "everywhere": "arn:key name:text place:text number:int",
    "either": "arn:key name:any number:int",
    "joined": "arn:key name:text ami_id:any region:text number:int",
    "left_joined": "arn:key name:text ami_id:any number:int label:text",
}
TABLES = ("images", "amis", "ranged", "listed", "deep", "family", "images_us", "tags")
# These can be looked up by one row's key only where they stand below that row.
GROUPED = {
    "counted": "arn:key number:int name:text",
    "regions": "arn:key name:text",
    "barred": "arn:key name:text parent_image:any",
    "filtered": "arn:key name:any number:int",
    "numbered": "arn:key name:text number:int",
}


def key_of(columns):
    """A table's key column: the first that has been declared."""
    return next(column for column in columns if column.kind in ("key", "any", "padded"))


class Query:
    """A SELECT in parts, some of which may be dropped from it to reduce it."""

    def __init__(self, select, joins, where, rest="", head="SELECT"):
        self.select, self.joins, self.where, self.rest, self.head = select, joins, where, rest, head

    def sql(self):
        where = f" WHERE {' AND '.join(self.where)}" if self.where else ""
        return f"{self.head} {', '.join(self.select)} FROM {' '.join(self.joins)}{where}{self.rest}"

    def smaller(self):
        """Queries with a part less, some of which may not be valid."""
        for name, least in (("joins", 1), ("where", 0), ("select", 1)):
            parts = getattr(self, name)
            for i in range(len(parts) - 1, least - 1 if name == "joins" else -1, -1):
                if len(parts) > least:
                    smaller = Query(self.select, self.joins, self.where, self.rest, self.head)
                    setattr(smaller, name, parts[:i] + parts[i + 1:])
                    yield smaller
        if self.rest:
            yield Query(self.select, self.joins, self.where, "", self.head)


class Generator:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.names = 0
        self.ctes = []

    # ---- small things ----

    def any_of(self, *choices):
        return self.rng.choice(choices)

    def chance(self, share):
        return self.rng.random() < share

    def name(self):
        self.names += 1
        return f"t{self.names}"

    def columns(self, alias, declared):
        columns = []
        if declared in map(KEYED.get, TABLES) and self.chance(.1):
            columns += [Column(f"{alias}.tableoid::regclass::text", "text")]
        if self.chance(.03):
            columns += [Column(f"({alias})::text", "text")]
        for column in declared.split():
            name, kind = column.split(":")
            sql = f"{alias}.{name}"
            if kind == "doc":
                columns += [Column(f"({sql} ->> 'arn')", "any"), Column(f"({sql} #>> '{{list,0}}')", "key"),
                            Column(f"({sql} ->> 'n')::int", "int")]
            elif kind == "path":
                columns.append(Column(
                    f"('arn:aws:imagebuilder:' || {alias}.region || ':123456789012:image/' || {sql})", "key"))
            else:
                columns.append(Column(sql, kind))
        return columns

    def of_kind(self, scope, *kinds):
        return [column.sql for column in scope if column.kind in kinds]

    def constant(self):
        return literal(self.rng.choice(ARNS))

    # ---- keys ----

    def computed(self, keys, scope, clean):
        """An expression of keys; an ARN or NULL where they are, if it is to be clean."""
        key, other = self.rng.choice(keys), self.rng.choice(keys)
        forms = [
            f"coalesce({key}, {other})", f"coalesce(NULL, {key})", f"{key} || ''", f"trim({key})",
            f"substr({key}, 1)", f"({key})::varchar(150)", f"({key})::char(130)", f"({key})::char(130)::text",
            f"nullif({key}, '')", f"CASE WHEN {key} LIKE '%:us-%' THEN {key} ELSE {other} END",
            f"replace({key}, 'nothing', '')", f"(ARRAY[{key}, {other}]::text[])[1]",
            f"greatest({key}, {other})", f"least({key}, {self.constant()})", f"(SELECT ({key})::text)",
            f"CASE {key} WHEN {self.constant()} THEN {self.constant()} ELSE {key} END"]
        ints = self.of_kind(scope, "int")
        if ints:
            number = self.rng.choice(ints)
            forms += [f"{key} || repeat('', 1 / (abs({number}) + 1)::int)", f"substr({key}, 1, 10000 / (abs({number}) + 1)::int)",
                      f"CASE WHEN {number} <> 2 THEN {key} || left('', (1 / ({number} - 2))::int) END"]
        if not clean:
            forms += [f"concat({key})", f"format('%s', {key})", f"({key})::varchar(40)", f"lower({key})"]
        return self.rng.choice(forms)

    def key(self, scope, clean=False):
        """An expression that an ARN may be had from; a constant if the scope has none."""
        keys = self.of_kind(scope, "key") if clean else self.of_kind(scope, "key", "key", "any", "padded")
        if not keys or self.chance(.03):
            return self.constant()
        return self.computed(keys, scope, clean) if self.chance(.25) else self.rng.choice(keys)

    def key_condition(self, column, scope):
        """A condition that gives a scan the ARNs in a column."""
        if column.kind == "padded":
            return f"{column.sql} = ({self.key(scope)})::char(120)"
        key, arrays, ints = column.sql, self.of_kind(scope, "array"), self.of_kind(scope, "int")
        one, two = self.key(scope), self.key(scope)
        if self.chance(.6):
            return self.any_of(f"{key} = {one}", f"{key} = {one}", f"{one} = {key}")
        forms = [f"{key} IN ({one}, {two})", f"({key} = {one} OR {key} = {two})", f"NOT ({key} IS DISTINCT FROM {one})",
                 f"{key} = ANY (ARRAY[{one}, {two}]::text[])", f"({key} = {one} AND {key} = {two})",
                 f"{key} IN ({one}, {self.constant()}) AND {key} <> {self.constant()}",
                 f"({key} = {one} OR {key} = {two} AND {key} = {one})"]
        if arrays:
            array = self.rng.choice(arrays)
            forms += [f"{key} = ANY ({array})", f"{key} = ANY ({array} || {self.constant()}::text)", f"({key} = ANY ({array}) AND {key} = {one})",
                      f"({key} = ANY ({array}) OR {key} = {one})", f"{key} = {array}[1]"]
        if ints:
            number = self.rng.choice(ints)
            forms += [f"({key}, 1) = ({one}, {number})", f"({key} = {one} AND ({number} > 1 OR {key} = {two}))",
                      f"{key} = CASE WHEN {number} > 1 THEN {one} ELSE {two} END",
                      f"({key} = {one} AND {number} > 0 OR {key} = {two} AND {number} < 0)"]
        return self.rng.choice(forms)

    def constant_condition(self, column, grouped=False):
        """The statement itself says which images it is about."""
        constants = [self.constant() for _ in range(self.rng.randrange(1, 4))]
        if column.kind == "padded":
            return f"{column.sql} = {constants[0]}::char(120)"
        return self.any_of(
            f"{column.sql} = {constants[0]}", f"{column.sql} IN ({', '.join(constants)})",
            f"{column.sql} = ANY (ARRAY(SELECT arn FROM {self.any_of('small', 'inv WHERE k = 1', 'teams')}))",
            f"{column.sql} = (SELECT max(arn) FROM {self.any_of('small', 'hosts', 'nothing')})",
            f"{column.sql} IN (SELECT arn FROM {self.any_of('small', 'inv', 'teams', 'placed')})" if not grouped else f"{column.sql} = {constants[0]}")

    # ---- conditions ----

    def condition(self, scope, depth=0):
        """Of what is in scope; no key."""
        ints, texts = self.of_kind(scope, "int"), self.of_kind(scope, "text", "key", "any")
        forms = ["true", "1 = 1"] if self.chance(.1) else []
        if ints:
            number, other = self.rng.choice(ints), self.rng.choice(ints)
            forms += [f"{number} > 1", f"{number} % 3 < 2", f"{number} = {self.rng.randrange(4)}", f"{number} <= {other}",
                      f"{number} IS NOT NULL", f"({number} < 3 OR {other} > 5)"]
        if texts:
            value, other = self.rng.choice(texts), self.rng.choice(texts)
            forms += [f"{value} LIKE '%1%'", f"{value} IS NULL", f"{value} <> {literal('a1')}", f"{value} >= {other}",
                      f"NOT ({value} LIKE 'arn:%')", f"coalesce({value}, 'x') < 'b'"]
        if depth and self.chance(.3):
            forms.append(self.exists(scope, depth - 1))
        return self.rng.choice(forms) if forms else "true"

    def exists(self, scope, depth, joined=None):
        """A sub-select as a condition; joined: what the planner can join to a sub-select of IN."""
        key = self.key(joined or scope)
        kind = self.rng.random()
        negated = self.any_of("", "NOT ")
        if kind < .5:
            return f"{negated}EXISTS ({self.query(scope, depth).sql()})"
        alias = self.name()
        table, declared = self.keyed(0)
        columns = self.columns(alias, declared)
        if kind < .65 and joined and key_of(columns).kind != "padded" and not key.startswith("'"):
            return f"{key} IN (SELECT {key_of(columns).sql} FROM {table} {alias} WHERE {self.condition(columns)})"
        if kind < .75 and key_of(columns).kind != "padded":
            return f"{key} {negated}IN (SELECT {key_of(columns).sql} FROM {table} {alias} WHERE {self.constant_condition(key_of(columns))})"
        if kind < .85:
            return f"{self.scalar(scope, depth)[0]} {self.any_of('IS NOT NULL', 'IS NULL')}"
        if kind < .95:
            return f"({self.condition(scope)} OR {negated}EXISTS ({self.query(scope, depth).sql()}))"
        return f"CASE WHEN {self.condition(scope)} THEN {negated}EXISTS ({self.query(scope, depth).sql()}) ELSE {self.condition(scope)} END"

    # ---- FROM ----

    def keyed(self, grouped):
        tables = GROUPED if self.chance(grouped) else KEYED
        table = self.rng.choice(list(tables))
        if tables is KEYED and self.chance(.4):
            table = self.any_of("images", "amis")
        return table, tables[table]

    def driver(self, depth):
        """An ordinary table, a view or a sub-select that needs nothing from outside."""
        alias = self.name()
        if self.ctes and self.chance(.4):
            name, columns = self.rng.choice(self.ctes)
            return f"{name} {alias}", [Column(f"{alias}.{column.sql}", column.kind) for column in columns]
        if depth and self.chance(.2):
            sql, columns = self.shaped([], depth - 1)
            names = [f"c{i}" for i in range(len(columns))]
            return (f"({sql}) {alias}({', '.join(names)})",
                    [Column(f"{alias}.{name}", kind) for name, (_, kind) in zip(names, columns)])
        if self.chance(.05):
            rows = ", ".join(f"({i}, {literal(self.rng.choice(ARNS))})" for i in range(self.rng.randrange(2, 5)))
            return f"(VALUES {rows}) {alias}(n, arn)", self.columns(alias, "n:int arn:key")
        if self.chance(.05):
            rows = ", ".join(literal(self.rng.choice(ARNS)) for _ in range(3))
            return f"unnest(ARRAY[{rows}]) {alias}(arn)", self.columns(alias, "arn:key")
        table = self.any_of("inv", "inv", "small", self.rng.choice(list(DRIVERS)))
        declared = DRIVERS[table]
        if table == "generate_series(1, 4)":
            return f"{table} {alias}(n)", self.columns(alias, declared)
        return f"{table} {alias}", self.columns(alias, declared)

    def lateral(self, scope, depth):
        alias = self.name()
        if self.chance(.1):
            return f"amis_of({self.key(scope, clean=True)}) {alias}", self.columns(alias, "arn:key name:any number:int")
        sql, columns = self.shaped(scope, depth)
        names = [f"c{i}" for i in range(len(columns))]
        return (f"LATERAL ({sql}) {alias}({', '.join(names)})",
                [Column(f"{alias}.{name}", kind) for name, (_, kind) in zip(names, columns)])

    def on(self, condition, outer, inner, depth):
        """A join condition with more beside it: of the outer rows alone, of constants, of the inner."""
        more = []
        if self.chance(.25):
            more.append(self.condition(outer, depth))
        if self.chance(.15):
            more.append(self.condition(inner))
        if self.chance(.1):
            more.append(self.condition(outer + inner))
        if self.chance(.03):
            more.append(self.any_of("false", "random() < 2", "now() IS NOT NULL", "NULL::bool"))
        conditions = [condition] * bool(condition) + more
        self.rng.shuffle(conditions)
        return " AND ".join(conditions) or "true"

    def join(self, scope, outer, depth):
        """A join to what is in scope; the text, and the columns it adds."""
        visible = outer + scope
        kind = self.any_of("JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN")
        form = self.rng.random()
        if form < .55:
            alias = self.name()
            table, declared = self.keyed(0)
            columns = self.columns(alias, declared)
            if sum(column.sql.endswith(".arn") for column in scope) == 1 and declared.startswith("arn:key") and self.chance(.2):
                return f"{kind} {table} {alias} USING (arn)", columns
            condition = self.on(self.key_condition(key_of(columns), scope if self.of_kind(scope, "key", "any") else visible),
                                scope, columns, 0)
            return f"{kind} {table} {alias} ON {condition}", columns
        if form < .75 and depth:
            lateral, columns = self.lateral(visible, depth - 1)
            if kind == "JOIN" and self.chance(.5):
                return f"CROSS JOIN {lateral}", columns
            return f"{kind} {lateral} ON {self.on('', scope, columns, 0)}", columns
        arrays = self.of_kind(visible, "array")
        if form < .8 and arrays:
            alias = self.name()
            unnest = f"unnest({self.rng.choice(arrays)}) {alias}(arn)"
            return (f"CROSS JOIN {unnest}" if kind == "JOIN" else f"LEFT JOIN {unnest} ON {self.on('', scope, [], 0)}",
                    self.columns(alias, "arn:key"))
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
        if self.chance(.2):
            return f"{self.any_of('FULL JOIN', 'RIGHT JOIN')} {relation} ON {self.rng.choice(equal)}", columns
        if depth and self.chance(.4):
            inner, more = self.join(columns, [], depth - 1)
            return f"{kind} ({relation} {inner}) ON {self.rng.choice(equal)}", columns + more
        return f"{kind} {relation} ON {self.on(self.rng.choice(equal), scope, columns, 0)}", columns

    def source(self, outer, depth, most):
        """FROM: joins, what they have in scope, and conditions that they need in WHERE."""
        where = []
        start = self.rng.random()
        if outer and start < .6 or start < .15:
            alias = self.name()
            table, declared = self.keyed(0 if outer else .3)
            scope = self.columns(alias, declared)
            joins = [f"{table} {alias}"]
            where.append(self.key_condition(key_of(scope), outer) if self.of_kind(outer, "key", "any")
                         else self.constant_condition(key_of(scope), table in GROUPED))
        else:
            relation, scope = self.driver(depth)
            joins = [relation]
            if self.chance(.07):
                alias = self.name()
                table, declared = self.keyed(0)
                columns = self.columns(alias, declared)
                joins = [f"{table} {alias} RIGHT JOIN {relation} ON {self.on(self.key_condition(key_of(columns), scope), scope, columns, 0)}"]
                scope += columns
        for _ in range(self.rng.randrange(most + 1)):
            join, columns = self.join(scope, outer, depth)
            joins.append(join)
            scope = scope + columns
        return joins, scope, where

    # ---- queries ----

    def scalar(self, scope, depth):
        """A sub-select as an expression, and its kind."""
        if self.chance(.1):
            alias = self.name()
            table, declared = self.keyed(1)
            inner = self.columns(alias, declared)
            joins, where = [f"{table} {alias}"], [f"{key_of(inner).sql} = {self.key(scope)}"]
        else:
            joins, inner, where = self.source(scope, depth, 1 if depth else 0)
        if self.chance(.3):
            where.append(self.condition(inner + scope))
        column = self.rng.choice(inner)
        value, kind = column
        if kind == "array":
            value, kind = f"{value}[1]", "key"
        elif kind == "bool":
            value, kind = f"({value})::text", "text"
        elif kind == "any":
            # Uncorrelated, the statement itself would say what is no image's ARN.
            kind = "text"
        source = f"FROM {' '.join(joins)}" + (f" WHERE {' AND '.join(where)}" if where else "")
        form = self.rng.random()
        if form < .35:
            return f"(SELECT count(*) {source})", "int"
        if form < .6:
            return f"(SELECT {self.any_of('min', 'max')}({value}) {source})", kind
        if form < .75:
            return f"(SELECT string_agg(({value})::text, ',' ORDER BY ({value})::text) {source})", "text"
        if form < .85:
            return f"(SELECT count(*) FROM (SELECT DISTINCT {value} {source}) s)", "int"
        return f"(SELECT {value} {source} ORDER BY 1 LIMIT 1)", kind

    def expression(self, scope, depth):
        """For a select list."""
        column = self.rng.choice(scope)
        form = self.rng.random()
        if depth and form < .25:
            return Column(*self.scalar(scope, depth - 1))
        if depth and form < .32:
            value, kind = self.scalar(scope, depth - 1)
            return Column(f"CASE WHEN {self.condition(scope)} THEN {value} END", kind)
        if depth and form < .37:
            return Column(f"({self.exists(scope, depth - 1)})", "bool")
        if depth and form < .41:
            value, kind = self.scalar(scope, depth - 1)
            return Column(f"coalesce({value}::text, {literal('none')})", "text")
        if form < .415:
            return Column(f"{self.any_of('name_of', 'count_amis')}(({self.key(scope, clean=True)})::text)::text", "text")
        if form < .5:
            return Column(f"coalesce({column.sql}::text, 'x')", "text")
        return column

    def query(self, outer, depth, most=None):
        """SELECT ... FROM ... WHERE ..., whose columns are in its attribute columns."""
        joins, scope, where = self.source(outer, depth, 2 if most is None else most)
        if self.chance(.35):
            where.append(self.condition(scope + outer, 0))
        if depth and self.chance(.3):
            where.append(self.exists(scope + outer, depth - 1, scope))
        columns = [self.expression(scope + (outer if self.chance(.1) else []), depth)
                   for _ in range(self.rng.randrange(1, 5))]
        if self.chance(.5):
            keys = [column for column in scope if column.kind == "key"]
            columns += [self.rng.choice(keys)] if keys else []
        query = Query([column.sql for column in columns], joins, where)
        query.columns = columns
        query.scope = scope
        return query

    def shape(self, query):
        """Make something more of a query's rows; the result's columns."""
        places = ", ".join(map(str, range(1, len(query.select) + 1)))
        columns = query.columns
        form = self.rng.random()
        if form < .4:
            return columns
        if form < .5:
            query.head = "SELECT DISTINCT"
        elif form < .6:
            query.rest = f" ORDER BY {places} LIMIT {self.rng.randrange(1, 9)}" + self.any_of("", " OFFSET 1")
        elif form < .63:
            query.rest = f" ORDER BY 1 FETCH FIRST {self.rng.randrange(1, 5)} ROWS WITH TIES"
        elif form < .65:
            query.rest = " OFFSET 0"
        elif form < .7:
            query.head = f"SELECT DISTINCT ON ({query.select[0]})"
            query.rest = f" ORDER BY {places}"
        elif form < .78:
            first = query.select[0]
            query.select = query.select + [f"count(*) OVER (PARTITION BY {first})", f"rank() OVER (ORDER BY {first})"]
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
            self.any_of(f"max(({value.sql})::text)", f"max(({self.scalar(scope, 0)[0]})::text)")]
        query.rest = " GROUP BY " + self.any_of(exprs, exprs, exprs, f"GROUPING SETS (({exprs}), ())", f"ROLLUP ({exprs})", f"CUBE ({exprs})")
        if self.chance(.3):
            havings = ["count(*) > 1", f"max(({value.sql})::text) IS NOT NULL"] + [
                f"(SELECT count(*) FROM images h WHERE h.arn = max({key})) > 0" for key in self.of_kind(scope, "key", "any")]
            query.rest += f" HAVING {self.rng.choice(havings)}"
        elif self.chance(.2) and not any(word in query.rest for word in ("SETS", "ROLLUP", "CUBE")):
            keys = [column.sql for column in by if column.kind in ("key", "any") and column.sql[0] != "("]
            if keys:
                query.select.append(f"(SELECT count(*) FROM amis h WHERE h.image_arn = {keys[0]})")
                kinds = kinds + [Column("", "int")] * 2 + [Column("", "text"), Column("", "int")]
                return kinds
        return kinds + [Column("", "int"), Column("", "int"), Column("", "text")]

    def shaped(self, outer, depth):
        """A query with DISTINCT, GROUP BY, LIMIT and so on, or several in UNION ALL; its text and columns."""
        if self.chance(.2):
            return self.union(outer, depth)
        query = self.query(outer, depth, 1)
        columns = self.shape(query)
        return query.sql(), columns

    def union(self, outer, depth):
        """Arms of a key, a constant and a text each."""
        arms = []
        for number in range(self.rng.randrange(2, 4)):
            joins, scope, where = self.source(outer, max(depth - 1, 0), 1)
            if self.chance(.3):
                where.append(self.condition(scope + outer))
            arms.append(f"SELECT ({self.key(scope, clean=True)})::text, {number}, ({self.rng.choice(scope).sql})::text "
                        f"FROM {' '.join(joins)}" + (f" WHERE {' AND '.join(where)}" if where else ""))
        kind = self.any_of("UNION ALL", "UNION ALL", "UNION ALL", "UNION", "EXCEPT", "INTERSECT")
        return f" {kind} ".join(arms), [Column("", "key"), Column("", "int"), Column("", "text")]

    def with_ctes(self, depth):
        """WITH …, whose names the drivers of this statement may be."""
        parts = []
        recursive = ""
        for _ in range(self.rng.choice([0, 0, 0, 1, 1, 2])):
            name = f"w{len(self.ctes)}"
            if self.chance(.3):
                recursive = "RECURSIVE "
                parts.append(f"{name}(c0, c1) AS (SELECT arn, 0 FROM {self.any_of('small', 'inv', 'teams')} "
                             f"{self.any_of('UNION', 'UNION ALL')} SELECT i.latest_version_arn, c1 + 1 "
                             f"FROM {name} JOIN {self.any_of('images', 'named', 'ranged')} i ON i.arn = c0 "
                             f"{self.any_of('', 'AND i.name IS NOT NULL ')}WHERE c1 < 3)")
                columns = [Column("c0", "key"), Column("c1", "int")]
            else:
                sql, columns = self.shaped([], depth)
                columns = [Column(f"c{i}", column.kind) for i, column in enumerate(columns)]
                parts.append(f"{name}({', '.join(column.sql for column in columns)}) AS "
                             f"{self.any_of('', 'MATERIALIZED ', 'NOT MATERIALIZED ')}({sql})")
            self.ctes.append((name, columns))
        return f"WITH {recursive}{', '.join(parts)} " if parts else ""

    def select(self, depth=2):
        head = self.with_ctes(1)
        query = self.query([], depth, self.rng.randrange(1, 5))
        self.shape(query)
        query.head = head + query.head
        return query
