"""Random statements: a random query as it is, in a cursor, a prepared statement,
a loop of PL/pgSQL and so on, or one of a form of its own."""
from plan_world import ARNS, IMAGES, literal
from random_changes import changes, current
from random_effects import effects
from random_expressions import Column
from random_lists import Lists, prepared_list
from random_queries import Generator, Query
from statement import Statement, sorted_query


def cursor(rng, query):
    scroll = rng.choice(["", "NO SCROLL ", "SCROLL "])
    moves = ["FETCH", "FETCH 2", "MOVE 1", "FETCH 5", "FETCH FORWARD 3"]
    if scroll == "SCROLL ":
        moves += [
            "FETCH BACKWARD 2",
            "FETCH FIRST",
            "MOVE BACKWARD ALL",
            "FETCH ABSOLUTE 3",
            "FETCH LAST",
            "FETCH RELATIVE -2",
            "FETCH PRIOR",
        ]
    chosen = [
        f"{rng.choice(moves)} {rng.choice(['FROM', 'IN'])} c" for _ in range(rng.randrange(1, 7))
    ]
    return Statement(
        "cursor",
        query,
        lambda query: [
            f"DECLARE c {scroll}CURSOR FOR {sorted_query(query)}",
            *chosen,
            "FETCH ALL FROM c",
            "CLOSE c",
        ],
    )


def cursors(rng, generator):
    """Two cursors by turns, with what may happen between."""
    one, other = generator.select(1), Generator(rng.random()).select(1)
    between = [
        "FETCH 2 FROM c",
        "FETCH 1 FROM d",
        "FETCH 5 FROM c",
        "MOVE 2 IN d",
        "SAVEPOINT s",
        "ROLLBACK TO s",
        "CLOSE d",
        "ALTER SERVER aws OPTIONS (SET max_concurrency '3')",
        "SELECT FROM (SELECT public.imagebuilder_fdw_clear_cache()) q",
        "SELECT i.name FROM small s JOIN images i USING (arn) ORDER BY 1",
    ]
    chosen = ["SAVEPOINT s"] + [rng.choice(between) for _ in range(rng.randrange(2, 9))]
    if "CLOSE d" in chosen:
        chosen = chosen[: chosen.index("CLOSE d") + 1]
    else:
        chosen.append("FETCH ALL FROM d")
    return Statement(
        "two cursors",
        one,
        lambda query: [
            f"DECLARE c CURSOR FOR {sorted_query(query)}",
            f"DECLARE d CURSOR FOR {sorted_query(other)}",
            *chosen,
            "FETCH ALL FROM c",
        ],
    )


def prepared(rng, generator, query):
    alias = generator.name()
    ints = [column.sql for column in query.scope if column.kind == "int"]
    if query.head == "SELECT" and not query.rest:
        query.joins = query.joins + [
            rng.choice(
                [
                    f"LEFT JOIN images {alias} ON {alias}.arn = $2 AND {alias}.name IS NOT NULL",
                    f"JOIN images {alias} ON {alias}.arn IN ($2, $3)",
                    f"LEFT JOIN ranged {alias} ON {alias}.arn = $3",
                    f"LEFT JOIN amis {alias} ON {alias}.image_arn = ANY (ARRAY[$2, $3]) AND $1 > "
                    "1",
                ]
            )
        ]
        query.select = query.select + [f"({alias}).name"]
    if ints:
        query.where = query.where + [f"{rng.choice(ints)} % 4 <> $1"]
    runs = [
        f"EXECUTE p ({rng.randrange(4)}, {literal(rng.choice(ARNS))}, "
        f"{literal(rng.choice(ARNS + [None]))})"
        for _ in range(rng.choice([1, 2, 7]))
    ]
    return Statement(
        "prepared",
        query,
        lambda query: [f"PREPARE p (int, text, text) AS {query.sql()}", *runs, "DEALLOCATE p"],
    )


def outer_conditions(rng, _):
    """What is asked for is what rows within the conditions name, and no more."""
    condition = rng.choice(
        [
            "l.k = 1",
            "l.k > 1 AND l.name LIKE 'a%'",
            "l.parent LIKE 'arn:%'",
            "false",
            "l.region = 'eu-west-1'",
            "l.arn IS NOT NULL",
        ]
    )
    key = rng.choice(
        ["l.arn", "l.parent", "l.long", "l.doc ->> 'arn'", "coalesce(l.parent, l.arn)"]
    )
    where = rng.choice(["", "", " WHERE l.id > 7"])
    if rng.random() < 0.3:
        place = rng.choice(["aws", "us", "eu"])
        sql = (
            f"SELECT l.id, m.place, m.name FROM inv l {rng.choice(['', 'LEFT '])}JOIN "
            f"everywhere m ON m.arn = {key} AND m.place = '{place}' AND {condition}{where}"
        )
    else:
        sql = rng.choice(
            [
                f"SELECT l.id, m.name FROM inv l LEFT JOIN images m ON m.arn = {key} AND "
                f"{condition}{where}",
                "SELECT l.id, a.ami_id FROM inv l LEFT JOIN (images m JOIN amis a ON "
                f"a.image_arn = m.arn) ON m.arn = {key} AND {condition}{where}",
                f"SELECT l.id, (SELECT count(*) FROM amis m WHERE m.image_arn = {key} AND "
                f"{condition}) FROM inv l{where}",
                "SELECT l.id FROM inv l WHERE NOT EXISTS (SELECT FROM images m WHERE m.arn = "
                f"{key} AND {condition})" + where.replace("WHERE", "AND"),
                "SELECT l.id, m.name FROM inv l LEFT JOIN LATERAL (SELECT * FROM images m WHERE "
                f"m.arn = {key} AND {condition} OFFSET 0) m ON true{where}",
                f"SELECT l.id, m.name FROM inv l LEFT JOIN ranged m ON m.arn = {key} AND "
                f"{condition}{where}",
                f"SELECT l.id, CASE WHEN {condition} THEN (SELECT name FROM images m WHERE m.arn "
                f"= {key}) END FROM inv l{where}",
            ]
        )
    counted = f"SELECT count(DISTINCT {key}) FROM inv l WHERE {condition}" + where.replace(
        "WHERE", "AND"
    )
    return Statement("outer conditions", sql, lambda query: [query], most=counted)


def locked(rng, _):
    key = rng.choice(["l.arn", "l.parent"])
    query = Query(
        ["l.id", "m.name"],
        [
            "scratch l",
            f"{rng.choice(['', 'LEFT '])}JOIN {rng.choice(['images', 'named', 'ranged'])} m ON "
            f"m.arn = {key}",
        ],
        [rng.choice(["l.k > 0", "EXISTS (SELECT FROM amis a WHERE a.image_arn = l.arn)", "true"])],
        f" FOR {rng.choice(['UPDATE', 'SHARE', 'NO KEY UPDATE'])} OF l",
    )
    return Statement("FOR UPDATE", query, lambda query: [query.sql()])


def partitionwise(rng, generator):
    """Joins of partitions of both kinds, by the same bounds."""
    first, second = rng.sample(["hosts h", "teams h", "teams u", "hosts u"], 2)
    first, second = first[:-1] + "a", second[:-1] + "b"
    other, key, column = rng.choice(
        [
            ("ranged", "arn", "name"),
            ("ranged_amis", "image_arn", "ami_id"),
            ("images", "arn", "name"),
        ]
    )
    left = rng.choice(["", "LEFT ", "RIGHT ", "FULL "])
    inner = rng.choice(["", "LEFT "])
    joins = rng.choice(
        [
            f"{first} {left}JOIN ({second} {inner}JOIN {other} m ON m.{key} = b.arn) ON b.arn = "
            "a.arn",
            f"{first} {left}JOIN {second} ON b.arn = a.arn {inner}JOIN {other} m ON m.{key} = "
            f"{rng.choice(['a.arn', 'b.arn', 'coalesce(a.arn, b.arn)'])}",
            f"{first} {inner}JOIN {other} m ON m.{key} = a.arn {left}JOIN {second} ON b.arn = "
            f"{rng.choice(['a.arn', 'm.' + key])}",
            f"{first} JOIN {other} m ON m.{key} = a.arn {inner}JOIN ranged_amis n ON n.image_arn "
            f"= m.{key} {left}JOIN {second} ON b.arn = n.image_arn",
            f"{first} LEFT JOIN LATERAL (SELECT * FROM {other} m WHERE m.{key} = a.arn OFFSET 0) "
            f"m ON true {left}JOIN {second} ON b.arn = a.arn",
        ]
    )
    where = rng.choice(
        [
            [],
            [],
            ["a.k = 1"],
            ["a.arn LIKE '%eu%'"],
            [f"a.arn IN ({literal(rng.choice(IMAGES))}, {literal(rng.choice(IMAGES))})"],
            ["EXISTS (SELECT FROM ranged_amis x WHERE x.image_arn = a.arn)"],
            ["a.arn IN (SELECT x.arn FROM ranged x)"],
        ]
    )
    if rng.random() < 0.3:
        query = Query(["a.arn", "count(*)", f"max(m.{column})"], [joins], where, " GROUP BY a.arn")
    else:
        query = Query(["a.id", "b.id", f"m.{column}", f"m.{key}"], [joins], where)
        if rng.random() < 0.3:
            query.select.append("(SELECT count(*) FROM ranged_amis s WHERE s.image_arn = a.arn)")
        if rng.random() < 0.2:
            query.rest = " ORDER BY 1, 2, 3, 4 LIMIT 7"
    return Statement("partitionwise", query, lambda query: [query.sql()])


def changes_by_lists(rng, generator):
    """INSERT, UPDATE and DELETE by rows of lists."""
    region = generator.target_condition(
        [Column("m.region", "place"), Column("m.account_id", "account"), Column("s.v", "text")]
    )
    table = rng.choice(["image_builds", "placed_builds", "barred_builds", "all_builds"])
    found = f"FROM {table} m WHERE m.arn = s.arn AND {region}"
    query = rng.choice(
        [
            f"UPDATE scratch s SET n = (SELECT count(*) {found}) RETURNING *",
            f"UPDATE shelves s SET v = q.name FROM (SELECT m.arn, min(m.name) AS name FROM {table} "
            f"m WHERE {region.replace('s.v', 'm.name')} GROUP BY m.arn) q WHERE q.arn = s.arn",
            f"DELETE FROM shelves s WHERE {rng.choice(['', 'NOT '])}EXISTS (SELECT {found})",
            f"DELETE FROM elders s USING {table} m WHERE m.arn = s.arn AND {region}",
            f"INSERT INTO scratch SELECT 1000 + s.id, count(*) FROM scratch s LEFT JOIN {table} m "
            f"ON m.arn = s.parent AND {region} GROUP BY s.id",
        ]
    )
    shown = [f"SELECT * FROM {target}" for target in ("scratch", "shelves", "elders")]
    return Statement("changes by lists", query, lambda query: [query, *shown])


def of_lists(rng, seed):
    """The same kinds, over lists of a Region and the ARNs that they have."""
    generator = Lists(seed)
    form = rng.random()
    if form < 0.65:
        return Statement(
            "SELECT", generator.select(rng.choice([0, 1, 1, 2])), lambda query: [query.sql()]
        )
    if form < 0.72:
        return cursor(rng, generator.select(1))
    if form < 0.77:
        return changes_by_lists(rng, generator)
    if form < 0.89:
        return prepared_list(rng, generator, generator.query([], 1, rng.randrange(3)))
    if form < 0.95:
        return Statement("portal", generator.select(1), lambda query: [query.sql()])
    return Statement(
        "PL/pgSQL loop",
        generator.select(1),
        lambda query: [f"SELECT * FROM looped($query${query.sql()}$query$)"],
    )


def random_statement(rng, seed, lists=0.35):
    if rng.random() < lists:
        return of_lists(rng, seed)
    generator = Generator(seed)
    form = rng.random()
    if form < 0.46:
        return Statement(
            "SELECT", generator.select(rng.choice([1, 2, 2, 3])), lambda query: [query.sql()]
        )
    if form < 0.53:
        return effects(rng, generator)
    if form < 0.58:
        return partitionwise(rng, generator)
    if form < 0.64:
        return outer_conditions(rng, generator)
    if form < 0.67:
        return cursors(rng, generator)
    if form < 0.70:
        return cursor(rng, generator.select(1))
    if form < 0.77:
        return prepared(rng, generator, generator.query([], 2, rng.randrange(4)))
    if form < 0.88:
        return changes(rng, generator)
    if form < 0.90:
        return current(rng, generator)
    if form < 0.92:
        return locked(rng, generator)
    if form < 0.96:
        function = rng.choice(["looped", "guarded"])
        return Statement(
            "PL/pgSQL loop",
            generator.select(1),
            lambda query: [f"SELECT * FROM {function}($query${query.sql()}$query$)"],
        )
    return Statement("portal", generator.select(2), lambda query: [query.sql()])
