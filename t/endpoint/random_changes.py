"""Random changes of ordinary, partitioned and inherited tables, by rows of foreign tables."""
from statement import Statement

# All of the columns of scratch; see plan_world.py.
TARGETS = ["scratch", "shelves", "elders"]


def updates(rng, target, table, key, condition, count):
    """UPDATE, of the partition's key too, which moves rows."""
    joined = rng.choice(["i.arn", "i.parent", "s.arn", "coalesce(i.parent, s.arn)"])
    return [
        f"UPDATE {target} s SET v = m.name, n = {count} FROM {table} m WHERE m.arn = {key} AND "
        f"{condition}",
        f"UPDATE {target} s SET n = {count}, v = (SELECT m.name FROM {table} m WHERE m.arn = "
        f"{key})",
        f"UPDATE {target} s SET (v, n) = (SELECT max(m.name), count(*) FROM {table} m WHERE m.arn "
        f"= {key}) WHERE s.k < 3",
        f"UPDATE {target} s SET id = s.id + 100, v = m.name FROM {table} m WHERE m.arn = {key} "
        f"AND {condition}",
        f"UPDATE {target} s SET v = m.name FROM inv i {rng.choice(['', 'LEFT '])}JOIN {table} m "
        f"ON m.arn = i.arn WHERE i.id = s.id AND {condition}",
        f"UPDATE {target} s SET v = m.name, n = i.k FROM inv i, {table} m WHERE i.id = s.id AND "
        f"m.arn = {joined} AND {condition}",
        f"UPDATE {target} s SET v = m.name FROM inv i LEFT JOIN LATERAL (SELECT * FROM {table} x "
        f"WHERE x.arn = i.arn ORDER BY x.name LIMIT i.k) m ON true WHERE i.id = s.id AND "
        f"{condition}",
    ]


def deletes(rng, target, table, key, condition):
    negated = rng.choice(["", "NOT "])
    return [
        f"DELETE FROM {target} s USING {table} m WHERE m.arn = {key} AND {condition}",
        f"DELETE FROM {target} s WHERE {negated}EXISTS (SELECT FROM {table} m WHERE m.arn = "
        f"{key})",
        f"DELETE FROM {target} s USING inv i LEFT JOIN {table} m ON m.arn = i.arn WHERE i.id = "
        f"s.id AND {condition}",
        f"DELETE FROM {target} s USING amis b WHERE b.image_arn = {key} AND b.region LIKE 'us%'",
        f"DELETE FROM {target} s WHERE s.id {negated}IN (SELECT i.id FROM inv i JOIN {table} m ON "
        "m.arn = i.arn)",
    ]


def inserts(target, table, key, count):
    return [
        f"INSERT INTO {target} AS s SELECT 1000 + id, k, s.arn, NULL, m.name, {count} FROM "
        f"{target} s LEFT JOIN {table} m ON m.arn = {key} AND s.k > 0",
        f"INSERT INTO {target} AS s SELECT id, 9, arn, NULL, (SELECT m.name FROM {table} m WHERE "
        "m.arn = i.arn) FROM inv i "
        "ON CONFLICT (id) DO UPDATE SET v = excluded.v, n = (SELECT count(*) FROM amis a WHERE "
        "a.image_arn = excluded.arn)",
    ]


def merges(rng, target, table, key):
    left = rng.choice(["", "LEFT "])
    return [
        f"MERGE INTO {target} s USING (SELECT i.id, i.k, i.arn, m.name FROM inv i "
        f"{left}JOIN {table} m ON m.arn = i.arn) q ON q.id = s.id "
        "WHEN MATCHED AND q.k > 2 THEN DELETE WHEN MATCHED THEN UPDATE SET v = q.name WHEN NOT "
        "MATCHED THEN INSERT (id, arn, v) VALUES (q.id, q.arn, q.name)",
        f"MERGE INTO {target} s USING {table} m ON m.arn = {key} WHEN MATCHED AND s.k = 1 THEN "
        "DELETE WHEN MATCHED AND s.k = 2 THEN DO NOTHING WHEN MATCHED THEN UPDATE SET v = m.name, "
        "n = (SELECT count(*) FROM amis a WHERE a.image_arn = m.arn)",
        f"MERGE INTO {target} s USING inv i ON i.id = s.id WHEN MATCHED AND EXISTS (SELECT FROM "
        f"{table} m WHERE m.arn = i.arn) THEN UPDATE SET v = (SELECT m.name FROM {table} m WHERE "
        "m.arn = s.parent), id = s.id + 100 WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN "
        f"INSERT (id, n) VALUES (i.id, (SELECT count(*) FROM {table} m WHERE m.arn = i.arn))",
    ]


def made(generator):
    """CREATE TABLE AS."""
    return Statement(
        "CREATE TABLE AS",
        generator.select(1),
        lambda query: [
            "CREATE TEMP TABLE made "
            f"({', '.join(f'c{i}' for i in range(len(query.select)))}) AS {query.sql()}",
            "SELECT * FROM made",
        ],
    )


def changes(rng, generator):
    """INSERT, UPDATE, DELETE and MERGE; of what is returned, nothing depends on the plan."""
    if rng.random() < 0.1:
        return made(generator)
    target = rng.choice(TARGETS)
    table = rng.choice(["images", "named", "ranged", "images_twice", "deep"])
    key = rng.choice(["s.arn", "s.parent", "coalesce(s.parent, s.arn)", "s.arn::varchar(200)"])
    condition = rng.choice(
        [
            "true",
            "s.k > 1",
            "m.name IS NOT NULL",
            "EXISTS (SELECT FROM amis a WHERE a.image_arn = s.arn)",
            "NOT EXISTS (SELECT FROM amis a WHERE a.image_arn = s.parent)",
            "(SELECT count(*) FROM amis a WHERE a.image_arn = m.arn) > 1",
            "(SELECT count(*) FROM nothing) = 0",
        ]
    )
    count = f"(SELECT count(*) FROM components c WHERE c.image_arn = {key})"
    returning = rng.choice(
        [
            "",
            " RETURNING s.*",
            " RETURNING s.tableoid::regclass, s.*",
            " RETURNING s.id, s.v, (SELECT max(ami_id) FROM amis a WHERE a.image_arn = s.arn)",
        ]
    )
    forms = updates(rng, target, table, key, condition, count)
    forms += deletes(rng, target, table, key, condition)
    forms += inserts(target, table, key, count)
    forms = [form + returning for form in forms] + merges(rng, target, table, key)
    chosen = rng.choice(forms)
    if rng.random() < 0.15:
        chosen = (
            f"WITH w AS (UPDATE {target} s SET v = m.name FROM {table} m WHERE m.arn = {key} "
            "RETURNING s.id, s.arn, s.v) "
            "SELECT w.*, a.ami_id FROM w LEFT JOIN amis a ON a.image_arn = w.arn"
        )
    kind = "a local table" if target == "scratch" else "a table with parts"
    shown = f"SELECT tableoid::regclass, * FROM {target}"
    return Statement(f"{chosen.split()[0]} of {kind}", chosen, lambda query: [query, shown])


def current(rng, _):
    value = rng.choice(
        [
            "(SELECT m.name FROM images m WHERE m.arn = s.arn)",
            "(SELECT count(*)::text FROM amis m WHERE m.image_arn = s.parent)",
            "s.v",
        ]
    )
    source = rng.choice(
        ["scratch s", "scratch s", "scratch s LEFT JOIN images m ON m.arn = s.arn"]
    )
    lock = rng.choice(["", " FOR UPDATE OF s"]) if "JOIN" not in source else " FOR UPDATE OF s"
    order = " ORDER BY s.id" if lock else ""
    change = rng.choice(
        [
            "UPDATE scratch SET v = 'x', k = 99 WHERE CURRENT OF c RETURNING *",
            "DELETE FROM scratch WHERE CURRENT OF c RETURNING id",
        ]
    )
    return Statement(
        "WHERE CURRENT OF",
        None,
        lambda _: [
            f"DECLARE c CURSOR FOR SELECT s.id, {value} FROM {source}{order}{lock}",
            f"FETCH {rng.choice([1, 2])} FROM c",
            change,
            "FETCH ALL FROM c",
            "CLOSE c",
            "SELECT * FROM scratch",
        ],
    )
