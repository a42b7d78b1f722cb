"""Random expressions and conditions over the tables of plan_world.py.

Keys are of all kinds that a scan can look up: columns, constants, and what is
computed of them.
"""
import collections
import random

from plan_world import ARNS, literal
from random_targets import of_target

# An expression in scope, and what it is: an ARN or NULL ("key"), an ARN or anything ("any"),
# an ARN in char(n) ("padded"), "array" of ARNs, "int", "text" or "bool"; a Region ("place"),
# an account, and an "owner" that has lists.
Column = collections.namedtuple("Column", "sql kind")

# Ordinary tables, and views that have their ARNs from those.
DRIVERS = {
    "inv": "id:int k:int arn:key parent:any long:key padded:key doc:doc arns:array "
    "name:text region:text path:path",
    "small": "sid:int k:int arn:key",
    "hosts": "id:int arn:key k:int",
    "teams": "id:int arn:key k:int",
    "placed": "id:int region:text arn:key",
    "nothing": "id:int arn:key k:int",
    "scratch": "id:int k:int arn:key parent:any n:int",
    "summary": "sid:int arn:key n:int",
    "labelled": "sid:int arn:key name:text label:text",
    "chained": "sid:int arn:key name:text label:text",
    "built": "sid:int arn:any name:text label:any",
    "twofold": "id:int arn:any name:text label:text",
    "policed": "sid:int arn:any name:text label:text",
    "parent_packages": "id:int arn:any name:text label:text",
    "siblings": "sid:int arn:key name:text label:text",
    "names_of_kind(1)": "id:int name:text",
    "generate_series(1, 4)": "n:int",
}
# Lists of a Region, which want no key.
LISTS = {
    "image_versions": "region:place account_id:account arn:key name:text platform:text owner:text",
    "image_builds": "region:place account_id:account image_version_arn:key arn:key name:text "
    "state_status:text",
    "image_build_amis": "region:place account_id:account image_version_arn:key image_arn:key "
    "ordinal:int ami_region:place ami_id:any ami_account_id:account",
    "image_build_containers": "region:place account_id:account image_arn:key ordinal:int "
    "container_region:place",
    "builds_us": "region:place account_id:account image_version_arn:key arn:key name:text",
    "builds_eu": "region:place account_id:account image_version_arn:key arn:key name:text",
    "builds_again": "arn:key place:place padded:place again:place whose:account",
    "placed_builds": "region:place account_id:account arn:key name:text state_status:text",
    "built_images": "region:place account:account arn:key version:key name:text label:text "
    "number:int",
    "rebuilt": "region:place account:account arn:key version:key name:text label:text",
    "all_builds": "region:place account_id:account arn:key image_version_arn:key name:text "
    "number:int",
    "barred_builds": "region:place account_id:account arn:key name:text ami_region:place "
    "ami_id:any",
    "barred_places": "region:place account_id:account arn:key image_version_arn:key",
    "offered": "id:int ownership:owner wanted:place region:place account_id:account arn:key "
    "name:text",
    "shared_here": "region:place account_id:account arn:key ownership:owner name:text",
    "builds_by_place": "region:place account_id:account number:int arn:key",
}
DRIVERS |= LISTS
# Tables that want a key, the first column.
KEYED = {
    "images": "arn:key name:text platform:text latest_version_arn:key "
    "image_tests_timeout_minutes:int",
    "amis": "image_arn:key ordinal:int ami_id:any region:text account_id:text",
    "components": "image_arn:key ordinal:int component_arn:any recipe_type:text",
    "component_parameters": "image_arn:key component_ordinal:int ordinal:int name:text",
    "image_recipes": "image_arn:key name:text parent_image:any",
    "tags": "image_arn:key resource:text key:text value:text",
    "resource_tags": "resource_arn:key key:text value:text",
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
    "ingredients": "arn:key name:text number:int label:text",
    "recipe_parts": "arn:key name:any number:int label:text",
    "packaged": "arn:key name:text label:text",
    "stocked": "arn:key name:text number:int label:text",
    "pipelined": "arn:key build:key number:int label:text",
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


class Expressions:
    """By a seed of its own; what queries are in them is Generator's (random_queries.py)."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.names = 0

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
        if declared in map(KEYED.get, TABLES) and self.chance(0.1):
            columns += [Column(f"{alias}.tableoid::regclass::text", "text")]
        if self.chance(0.03):
            columns += [Column(f"({alias})::text", "text")]
        for column in declared.split():
            name, kind = column.split(":")
            sql = f"{alias}.{name}"
            if kind == "doc":
                columns += [
                    Column(f"({sql} ->> 'arn')", "any"),
                    Column(f"({sql} #>> '{{list,0}}')", "key"),
                    Column(f"({sql} ->> 'n')::int", "int"),
                ]
            elif kind == "path":
                columns.append(
                    Column(
                        f"('arn:aws:imagebuilder:' || {alias}.region || ':123456789012:image/' "
                        f"|| {sql})",
                        "key",
                    )
                )
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
            f"coalesce({key}, {other})",
            f"coalesce(NULL, {key})",
            f"{key} || ''",
            f"trim({key})",
            f"substr({key}, 1)",
            f"({key})::varchar(150)",
            f"({key})::char(130)",
            f"({key})::char(130)::text",
            f"nullif({key}, '')",
            f"CASE WHEN {key} LIKE '%:us-%' THEN {key} ELSE {other} END",
            f"replace({key}, 'nothing', '')",
            f"(ARRAY[{key}, {other}]::text[])[1]",
            f"greatest({key}, {other})",
            f"least({key}, {self.constant()})",
            f"(SELECT ({key})::text)",
            f"CASE {key} WHEN {self.constant()} THEN {self.constant()} ELSE {key} END",
        ]
        ints = self.of_kind(scope, "int")
        if ints:
            number = self.rng.choice(ints)
            forms += [
                f"{key} || repeat('', 1 / (abs({number}) + 1)::int)",
                f"substr({key}, 1, 10000 / (abs({number}) + 1)::int)",
                f"CASE WHEN {number} <> 2 THEN {key} || left('', (1 / ({number} - 2))::int) END",
            ]
        if self.chance(0.2):
            value = self.initplan(clean)
            forms = [
                value,
                f"coalesce({key}, {value})",
                f"CASE WHEN {key} > {value} THEN {key} ELSE {value} END",
                f"CASE WHEN (SELECT count(*) FROM nothing) = 0 THEN {key} ELSE {value} END",
            ]
        anything = self.of_kind(scope, "any")
        if anything and not clean:
            # What is none after all: of rows, since the statement itself may not say so.
            key = self.rng.choice(anything)
            forms += [
                f"concat({key})",
                f"format('%s', {key})",
                f"({key})::varchar(40)",
                f"lower({key})",
            ]
        return self.rng.choice(forms)

    def initplan(self, clean):
        """A sub-select that needs no row around it; its value is an ARN or NULL, if clean."""
        clean_ones = [
            "(SELECT max(arn) FROM hosts)",
            "(SELECT arn FROM nothing)",
            "(SELECT min(i.arn) FROM small s JOIN images i ON i.arn = s.arn)",
        ]
        return self.rng.choice(
            clean_ones
            + [
                "(SELECT max(parent) FROM inv)",
                "(SELECT min(parent) FROM inv WHERE k = 2)",
                "(SELECT doc ->> 'arn' FROM inv WHERE id = 7)",
            ]
            * (not clean)
        )

    def key(self, scope, clean=False):
        """An expression that an ARN may be had from; a constant if the scope has none."""
        keys = (
            self.of_kind(scope, "key")
            if clean
            else self.of_kind(scope, "key", "key", "any", "padded")
        )
        if not keys or self.chance(0.03):
            return self.constant()
        return self.computed(keys, scope, clean) if self.chance(0.25) else self.rng.choice(keys)

    def key_condition(self, column, scope):
        """A condition that gives a scan the ARNs in a column."""
        if column.kind == "padded":
            return f"{column.sql} = ({self.key(scope)})::char(120)"
        key, arrays, ints = column.sql, self.of_kind(scope, "array"), self.of_kind(scope, "int")
        one, two = self.key(scope), self.key(scope)
        if self.chance(0.6):
            return self.any_of(f"{key} = {one}", f"{key} = {one}", f"{one} = {key}")
        forms = [
            f"{key} IN ({one}, {two})",
            f"({key} = {one} OR {key} = {two})",
            f"NOT ({key} IS DISTINCT FROM {one})",
            f"{key} = ANY (ARRAY[{one}, {two}]::text[])",
            f"({key} = {one} AND {key} = {two})",
            f"{key} IN ({one}, {self.constant()}) AND {key} <> {self.constant()}",
            f"({key} = {one} OR {key} = {two} AND {key} = {one})",
        ]
        if arrays:
            array = self.rng.choice(arrays)
            forms += [
                f"{key} = ANY ({array})",
                f"{key} = ANY ({array} || {self.constant()}::text)",
                f"({key} = ANY ({array}) AND {key} = {one})",
                f"({key} = ANY ({array}) OR {key} = {one})",
                f"{key} = {array}[1]",
            ]
        if ints:
            number = self.rng.choice(ints)
            forms += [
                f"({key}, 1) = ({one}, {number})",
                f"({key} = {one} AND ({number} > 1 OR {key} = {two}))",
                f"{key} = CASE WHEN {number} > 1 THEN {one} ELSE {two} END",
                f"({key} = {one} AND {number} > 0 OR {key} = {two} AND {number} < 0)",
            ]
        return self.rng.choice(forms)

    def constant_condition(self, column, grouped=False):
        """The statement itself says which images it is about."""
        constants = [self.constant() for _ in range(self.rng.randrange(1, 4))]
        if column.kind == "padded":
            return f"{column.sql} = {constants[0]}::char(120)"
        return self.any_of(
            f"{column.sql} = {constants[0]}",
            f"{column.sql} IN ({', '.join(constants)})",
            f"{column.sql} = ANY (ARRAY(SELECT arn FROM "
            f"{self.any_of('small', 'inv WHERE k = 1', 'teams')}))",
            f"{column.sql} = (SELECT max(arn) FROM {self.any_of('small', 'hosts', 'nothing')})",
            f"{column.sql} = {self.initplan(clean=False)}",
            f"{column.sql} = ANY (ARRAY(SELECT parent FROM {self.any_of('inv', 'scratch')}))",
            f"{column.sql} IN (SELECT arn FROM {self.any_of('small', 'inv', 'teams', 'placed')})"
            if not grouped
            else f"{column.sql} = {constants[0]}",
        )

    # ---- conditions ----

    def target_condition(self, scope):
        """Of Regions and accounts in scope, if there are any."""
        places, accounts = self.of_kind(scope, "place"), self.of_kind(scope, "account")
        texts = self.of_kind(scope, "text", "any")
        if not places and not accounts:
            return None
        condition = of_target(self.rng, places, accounts, texts)
        # Else most leave no row.
        if places and self.chance(0.4):
            return f"({condition} OR {self.rng.choice(places)} = 'us-east-1')"
        return condition

    def condition(self, scope, depth=0):
        """Of what is in scope; no key."""
        targets = self.target_condition(scope) if self.chance(0.2) else None
        if targets:
            return targets
        ints, texts = self.of_kind(scope, "int"), self.of_kind(scope, "text", "key", "any")
        forms = ["true", "1 = 1"] if self.chance(0.1) else []
        if ints:
            number, other = self.rng.choice(ints), self.rng.choice(ints)
            forms += [
                f"{number} > 1",
                f"{number} % 3 < 2",
                f"{number} = {self.rng.randrange(4)}",
                f"{number} <= {other}",
                f"{number} IS NOT NULL",
                f"({number} < 3 OR {other} > 5)",
            ]
        if texts:
            value, other = self.rng.choice(texts), self.rng.choice(texts)
            forms += [
                f"{value} LIKE '%1%'",
                f"{value} IS NULL",
                f"{value} <> {literal('a1')}",
                f"{value} >= {other}",
                f"NOT ({value} LIKE 'arn:%')",
                f"coalesce({value}, 'x') < 'b'",
            ]
        if depth and self.chance(0.3):
            forms.append(self.exists(scope, depth - 1))
        return self.rng.choice(forms) if forms else "true"

    def guard(self, outer):
        """A condition that needs no row of the query that it is in."""
        return self.any_of(
            self.condition(outer),
            self.condition(outer),
            "(SELECT count(*) FROM nothing) = 0",
            "EXISTS (SELECT FROM nothing)",
            "false",
        )

    def exists(self, scope, depth, joined=None):
        """A sub-select as a condition; joined: what the planner can join to a sub-select of IN."""
        key = self.key(joined or scope)
        kind = self.rng.random()
        negated = self.any_of("", "NOT ")
        if kind < 0.5:
            return f"{negated}EXISTS ({self.query(scope, depth).sql()})"
        alias = self.name()
        table, declared = self.keyed(0)
        columns = self.columns(alias, declared)
        if kind < 0.65 and joined and key_of(columns).kind != "padded" and not key.startswith("'"):
            return (
                f"{key} IN (SELECT {key_of(columns).sql} FROM {table} {alias} WHERE "
                f"{self.condition(columns)})"
            )
        if kind < 0.75 and key_of(columns).kind != "padded":
            return (
                f"{key} {negated}IN (SELECT {key_of(columns).sql} FROM {table} {alias} WHERE "
                f"{self.constant_condition(key_of(columns))})"
            )
        if kind < 0.85:
            return f"{self.scalar(scope, depth)[0]} {self.any_of('IS NOT NULL', 'IS NULL')}"
        if kind < 0.95:
            return (
                f"({self.condition(scope)} OR {negated}EXISTS ({self.query(scope, depth).sql()}))"
            )
        return (
            f"CASE WHEN {self.condition(scope)} THEN {negated}EXISTS "
            f"({self.query(scope, depth).sql()}) ELSE {self.condition(scope)} END"
        )
