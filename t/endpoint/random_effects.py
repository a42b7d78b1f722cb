"""Random statements that show which rows were taken: by functions with effects, by
expressions that raise an error for some rows.

Which rows are taken is the plan's affair, so these are compared with
themselves without read-ahead, and their plans must be the same.
"""
from random_queries import Query
from statement import Statement

# Whatever else may be, in these settings a plan takes the same rows each time.
STEADY = [
    ("enable_async_append", "off"),
    ("max_parallel_workers_per_gather", "0"),
    ("debug_parallel_query", "off"),
    ("force_parallel_mode", "off"),
]


def limit(rng):
    return rng.choice(["", " LIMIT 0", " LIMIT 1", " LIMIT 2", " LIMIT 3", " LIMIT 1 OFFSET 1"])


def noting_source(rng):
    """Rows named o, of an id and an ARN, each of which leaves a note when it is taken."""
    note = rng.choice(["noted(i.id)", "nextval('counter')"])
    key = rng.choice(["i.arn", "i.parent", "coalesce(i.parent, i.arn)"])
    table = rng.choice(["inv i", "small p JOIN inv i ON i.k = p.k", "scratch i", "elders i"])
    return rng.choice(
        [
            f"(SELECT i.id, {key} AS arn, {note} AS e FROM {table} OFFSET 0) o",
            f"(SELECT i.id, {key} AS arn FROM {table} WHERE {note} > 1 OFFSET 0) o",
            f"(SELECT i.id, {key} AS arn FROM {table} WHERE {note} > 1) o",
            f"(SELECT i.id, {key} AS arn, {note} AS e FROM {table} ORDER BY i.id LIMIT 9) o",
            f"(SELECT i.id, b.arn, {note} AS e FROM inv i JOIN image_builds b ON b.region = "
            "i.region OFFSET 0) o",
            "(SELECT i.id, b.arn FROM image_builds b JOIN places i ON i.region = b.region AND "
            f"{note} > 1) o",
            f"(SELECT DISTINCT i.id, {key} AS arn FROM {table} WHERE {note} > 1) o",
            f"(SELECT id, arn FROM teams UNION ALL SELECT i.id, {key} FROM {table} "
            f"WHERE {note} > 0) o",
            "(SELECT noted(i.id) AS id, i.arn FROM inv i UNION ALL SELECT sid, arn FROM "
            "small) o",
            "noted_rows(8) o",
            "small p CROSS JOIN LATERAL noted_rows(p.k + 1) o",
            "(SELECT i.id, m.latest_version_arn AS arn FROM inv i JOIN images m ON m.arn = i.arn "
            f"AND {note} > 1 OFFSET 0) o",
            "(SELECT i.id, i.arn, (SELECT noted(j.id) FROM inv j WHERE j.id = i.id) AS e FROM inv "
            "i OFFSET 0) o",
            f"(WITH w AS MATERIALIZED (SELECT i.id, {key} AS arn, {note} AS e FROM {table}) "
            "SELECT * FROM w) o",
        ]
    )


def raising_source(rng):
    """The same, where the ARN is an expression that raises an error for some rows.

    Not rows that raise one when they are taken, as they may be ahead of the first error.
    """
    number = rng.choice(["o.id - 5", "o.id % 7", "o.k - 3", "o.id - 24"])
    return rng.choice(
        [
            f"(SELECT o.id, left(o.arn, 1000 / ({number})) AS arn FROM inv o) o",
            f"(SELECT o.id, o.parent || repeat('', 1 / ({number})) AS arn FROM inv o) o",
            f"(SELECT o.id, (SELECT left(s.arn, 1000 / ({number})) FROM scratch s WHERE s.id = "
            "o.id) AS arn FROM inv o) o",
            f"(SELECT o.id, (o.arns)[1000 / ({number})] AS arn FROM inv o) o",
            "(SELECT o.id, (SELECT s.arn FROM inv s WHERE s.k < 1 OR s.id = o.id AND o.id < 4) AS "
            "arn FROM inv o) o",
        ]
    )


def query_of(rng, source):
    """A query that looks up by such rows, and may leave before it has taken all."""
    table, key = rng.choice(
        [
            ("images", "arn"),
            ("amis", "image_arn"),
            ("ranged", "arn"),
            ("deep", "arn"),
            ("image_builds", "arn"),
            ("placed_builds", "arn"),
        ]
    )
    guards = ["", "", " AND o.id > 3", " AND (SELECT count(*) FROM nothing) = 0"]
    if "builds" in table:
        guards += [" AND m.region LIKE 'us%'", " AND (m.region < 'f' OR o.id > 3)"]
    guard = rng.choice(guards)
    asked = f"FROM {table} m WHERE m.{key} = o.arn{guard}"
    left = rng.choice(["", "LEFT "])
    joined = f"{left}JOIN {table} m ON m.{key} = o.arn{guard}"
    return rng.choice(
        [
            Query(["o.id", f"m.{key}"], [source, joined], [], limit(rng)),
            Query(["o.id", f"m.{key}"], [source, joined], [], " ORDER BY o.id" + limit(rng)),
            Query(["o.id", f"(SELECT count(*) {asked})"], [source], [], limit(rng)),
            Query(["o.id"], [source], [f"EXISTS (SELECT {asked})"], limit(rng)),
            Query(["o.id"], [source], [f"NOT EXISTS (SELECT {asked})"], limit(rng)),
            Query(
                ["o.id", "l.*"],
                [source, f"LEFT JOIN LATERAL (SELECT m.* {asked} OFFSET 0) l ON true"],
                [],
                limit(rng),
            ),
            Query([f"EXISTS (SELECT FROM {source} {joined})", "s.sid"], ["small s"], []),
            Query([f"(SELECT o.id FROM {source} {joined} LIMIT 1)", "s.sid"], ["small s"], []),
            Query(
                ["s.sid", "l.*"],
                [f"small s CROSS JOIN LATERAL (SELECT o.id FROM {source} {joined} LIMIT s.k) l"],
                [],
                limit(rng),
            ),
            Query(
                ["x.id", "l.id"],
                [
                    f"teams x LEFT JOIN (SELECT o.id, m.{key} AS arn FROM {source} {joined}) l "
                    "ON l.arn = x.arn"
                ],
                [],
                limit(rng),
            ),
            Query(["max(o.id)"], [source, joined], [], rng.choice(["", " GROUP BY o.arn"])),
        ]
    )


def effects(rng, _):
    """What a statement leaves behind, whether it is run to its end or not."""
    raises = rng.random() < 0.4
    query = query_of(rng, raising_source(rng) if raises else noting_source(rng))
    left = ["SELECT noted FROM audit ORDER BY place", "SELECT last_value, is_called FROM counter"]
    before = "SELECT setval('counter', 1, false)"
    form = rng.random()
    most = rng.randrange(1, 4)
    if form < 0.6:
        commands = lambda query: [before, query.sql(), *left]
    elif form < 0.8:
        commands = lambda query: [
            before,
            f"DECLARE c CURSOR FOR {query.sql()}",
            f"FETCH {most} FROM c",
            *left,
            f"FETCH {most} FROM c",
            *left,
        ]
    else:
        commands = lambda query: [
            before,
            f"DECLARE c CURSOR FOR {query.sql()}",
            f"FETCH {most} FROM c",
            "FETCH ALL FROM c",
            *left,
        ]
    kind = "expressions that raise" if raises else "effects"
    return Statement(kind, query, commands, steady=STEADY)
