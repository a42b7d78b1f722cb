"""Random conditions on what a list is asked of, its Region and account, of every form."""
from plan_world import OWNERS, REGIONS, literal

PLACES = [*REGIONS.values(), "eu-central-1", "us-east-1", "", "US-EAST-1", None]
ACCOUNTS = ["123456789012", "123456789012", "210987654321", "aws", None]
PATTERNS = ["us-%", "eu-%", "%east%", "us_east_1", "%-1", "%", "", "123%"]


def comparison(rng, column, values, others, table, name):
    """Of one column: with constants, with what is in scope, with a table's column."""
    one, two = literal(rng.choice(values)), literal(rng.choice(values))
    other = rng.choice([*others, column])
    where = rng.choice(["", f" WHERE k = {rng.randrange(4)}", f" WHERE {name} IS NOT NULL"])
    rows = f"(SELECT {name} FROM {table}{where})"
    operator = rng.choice(["<>", "<", ">", "<=", ">="])
    return rng.choice(
        [
            f"{column} = {one}",
            f"{column} = {one}",
            f"{one} = {column}",
            f"{column} {operator} {one}",
            f"{column} LIKE {literal(rng.choice(PATTERNS))}",
            f"{column} NOT LIKE {literal(rng.choice(PATTERNS))}",
            f"{column} ~ '^(us|1)'",
            f"{column} IN ({one}, {two})",
            f"{column} NOT IN ({one}, {two})",
            f"{column} = ANY (ARRAY[{one}, {two}]::text[])",
            f"{column} <> ALL (ARRAY[{one}, {two}]::text[])",
            f"{column} = ANY (ARRAY{rows})",
            f"{column} BETWEEN {one} AND {two}",
            f"{column} IS NULL",
            f"{column} IS NOT NULL",
            f"{column} IS DISTINCT FROM {one}",
            f"{column} IS NOT DISTINCT FROM {other}",
            f"({column} = {one}) IS NOT TRUE",
            f"({column} LIKE {one}) IS UNKNOWN",
            f"coalesce({column}, 'x') IN ({one}, {two}, 'x')",
            f"nullif({column}, {one}) IS NULL",
            f"CASE WHEN {column} = {one} THEN {other} = {two} ELSE {column} <> {two} END",
            f"CASE {column} WHEN {one} THEN true WHEN {two} THEN NULL ELSE false END",
            f"left({column}, 2) = left({one}, 2)",
            f"length({column}) = {rng.choice([9, 12])}",
            f"upper({column}) = {one}",
            f"({column})::varchar(4) = ({one})::varchar(4)",
            f"({column})::char(20) = {one}",
            f'{column} COLLATE "C" {operator} {one}',
            f"{column} = CASE WHEN random() < 2 THEN {one} ELSE {two} END",
            f"(random() < 2 AND {column} = {one})",
            f"is_available({column})",
            f"{column} = {other}",
            f"{column} {operator} {other}",
            f"{column} = coalesce({other}, {one})",
            f"{column} = (SELECT max({name}) FROM {table}{where})",
            f"{column} IN {rows}",
            f"{column} NOT IN {rows}",
            f"{column} >= ALL {rows}",
            f"EXISTS (SELECT FROM {table} x WHERE x.{name} = {column})",
            f"NOT EXISTS (SELECT FROM {table} x WHERE x.{name} = {column} AND x.k > 1)",
        ]
    )


def of_target(rng, places, accounts, texts, depth=2):
    """A condition on columns that are Regions and account numbers, and on others beside them."""
    form = rng.random()
    if depth and form < 0.3:
        one, other = (of_target(rng, places, accounts, texts, depth - 1) for _ in range(2))
        return rng.choice(
            [
                f"({one} OR {other})",
                f"({one} AND {other})",
                f"NOT ({one})",
                f"({one}) IS NOT FALSE",
                f"({one}) = ({other})",
                f"CASE WHEN {one} THEN {other} END",
            ]
        )
    if places and accounts and form < 0.5:
        place, account = rng.choice(places), rng.choice(accounts)
        pairs = [f"({literal(rng.choice(PLACES))}, {literal(rng.choice(ACCOUNTS))})" for _ in "12"]
        return rng.choice(
            [
                f"({place}, {account}) = {pairs[0]}",
                f"({place}, {account}) IN ({', '.join(pairs)})",
                f"({place}, {account}) {rng.choice(['<', '>=', '<>'])} {pairs[0]}",
                f"ROW({place}, {account}) IS DISTINCT FROM ROW{pairs[0]}",
                f"({place}, {account}) IN (SELECT region, account FROM places)",
                f"({place}, {account}) NOT IN (SELECT region, account FROM places WHERE k < 2)",
                f"{place} || {account} = 'us-east-1123456789012'",
                f"{place} < {account}",
                f"coalesce({account}, {place}) > 'a'",
            ]
        )
    if accounts and (not places or form < 0.6):
        return comparison(
            rng, rng.choice(accounts), ACCOUNTS, accounts + texts, "places", "account"
        )
    return comparison(rng, rng.choice(places), PLACES, places + texts, "places", "region")


def of_owner(rng, column, others):
    """A condition that says which owners' images are listed."""
    one, two = literal(rng.choice(OWNERS)), literal(rng.choice(OWNERS + [None]))
    forms = [
        f"{column} = {one}",
        f"{column} IN ({one}, {two})",
        f"({column} = {one} OR {column} = {two})",
        f"{column} = ANY (ARRAY[{one}, {two}]::text[])",
        f"{column} = ANY (ARRAY(SELECT ownership FROM owners WHERE k > 0))",
        f"{column} = (SELECT min(ownership) FROM owners WHERE k = {rng.randrange(5)})",
        f"({column} IN ({one}, {two}) AND {column} <> {one})",
        f"({column}, 1) = ({one}, 1)",
        f"NOT ({column} IS DISTINCT FROM {one})",
    ]
    if others:
        other = rng.choice(others)
        forms += [
            f"{column} = {other}",
            f"{column} = {other}",
            f"{other} = {column}",
            f"{column} IN ({other}, {one})",
            f"({column} = {other} OR {column} = {one})",
            f"{column} = coalesce({other}, {one})",
            f"NOT ({column} IS DISTINCT FROM {other})",
            f"({column} = {other} AND {column} = {one})",
        ]
    return rng.choice(forms)
