"""What random statements are about: some images, foreign tables of them, and local copies of
  those.

The schemas "remote" and "local" hold tables, views and functions of the same
names and columns; "remote" has foreign tables where "local" has ordinary ones
with the same rows.  The schema "shared" has tables of ARNs, for both.
"""
import json
import random
import re
import urllib.parse
import urllib.request

import api

ACCOUNTS = ["123456789012", "210987654321", "aws"]
# What each server lists.
REGIONS = {"aws": "us-east-1", "us": "us-west-2", "eu": "eu-west-1"}
OWNERS = ["Self", "Amazon", "Shared", "ThirdParty", "AWSMarketplace"]


def arn(region, account, image, resource="image"):
    partition = "aws-cn" if region.startswith("cn-") else "aws"
    return f"arn:{partition}:imagebuilder:{region}:{account}:{resource}/{image}"


# Images that exist; those of a wildcard answer as the service does, with another's ARN inside.
IMAGES = (
    [arn("us-east-1", ACCOUNTS[i % 3], f"g{i}/1.0.0/{i % 3 + 1}") for i in range(8)]
    + [arn("us-west-2", ACCOUNTS[0], f"w{i}/1.0.0/1") for i in range(3)]
    + [arn("eu-west-1", ACCOUNTS[i % 2], f"e{i}/2.0.{i}/1") for i in range(5)]
    + [arn("eu-central-1", ACCOUNTS[1], f"c{i}/1.0.0/1") for i in range(2)]
    + [
        arn("cn-north-1", ACCOUNTS[0], "n/1.0.0/1"),
        arn("us-east-1", ACCOUNTS[0], "g1/1.x.x"),
        arn("eu-west-1", ACCOUNTS[0], "e0/x.x.x"),
    ]
)
MISSING = [arn("us-east-1", ACCOUNTS[0], f"missing{i}/1.0.0/1") for i in range(3)] + [
    arn("eu-west-1", ACCOUNTS[0], "missing/1.0.0/1")
]
ARNS = IMAGES + MISSING
COMPONENTS = [
    arn(["us-east-1", "eu-west-1"][i % 2], ACCOUNTS[i % 3], f"c{i}/1.0.0/1", "component")
    for i in range(5)
]
RECIPES = [arn("us-east-1", ACCOUNTS[0], f"r{i}/1.0.0", "image-recipe") for i in range(3)]
BUILDS = [asked for asked in ARNS if "x.x" not in asked]
VERSIONS = sorted({asked.rpartition("/")[0] for asked in BUILDS})
PIPELINES = [
    arn(["us-east-1", "eu-west-1"][i % 2], ACCOUNTS[0], f"p{i}", "image-pipeline") for i in range(4)
]
MISSING_COMPONENTS = [arn("us-east-1", ACCOUNTS[0], "missing/1.0.0/1", "component")]
# What rows hold besides: equal to no image's ARN.
NO_ARNS = [
    "ami-0123456789abcdef0",
    "",
    " ",
    "garbage",
    "arn:aws:imagebuilder",
    ARNS[0] + " ",
    " " + ARNS[0],
    ARNS[0].upper(),
    arn("us-east-1", ACCOUNTS[0], "g1"),
    arn("us_east_1", ACCOUNTS[0], "g1/1.0.0/1"),
    "arn:aws:ec2:us-east-1:123456789012:image/g1/1.0.0/1",
    *COMPONENTS[:2],
]


def build_of(asked):
    """The build that the service has for a version's ARN, or one with a wildcard."""
    asked = asked.replace("x.x.x", "1.0.0").replace("1.x.x", "1.0.0")
    return asked if asked.count("/") == 3 else f"{asked}/1"


def response(rng, asked, no_arns):
    """An image's response, most members of which may be missing."""

    def maybe(value, chance=0.8):
        return value if rng.random() < chance else None

    linked = rng.choice(ARNS)
    parents = IMAGES + [None] + (NO_ARNS if no_arns else [])
    region = asked.split(":")[3]
    return json.dumps(
        {
            "requestId": "same",
            "image": {
                "arn": build_of(asked),
                "name": maybe(rng.choice("abcd") + str(rng.randrange(3))),
                "platform": maybe(rng.choice(["Linux", "Windows"])),
                "version": "1.0.0",
                "home": region,
                "state": maybe({"status": rng.choice(["AVAILABLE", "FAILED"])}),
                "sourcePipelineArn": maybe(rng.choice(PIPELINES + ARNS[:1])),
                "imageTestsConfiguration": {"timeoutMinutes": maybe(rng.randrange(60, 64))},
                "tags": maybe(
                    {key: rng.choice("xyz") for key in rng.sample("abc", rng.randrange(4))}
                ),
                "imageRecipe": maybe(
                    {
                        "arn": maybe(rng.choice(RECIPES + ARNS[:1])),
                        "name": rng.choice("rst"),
                        "parentImage": rng.choice(parents),
                        "tags": {"recipe": rng.choice("xyz")},
                        "components": [
                            {
                                "componentArn": rng.choice(
                                    COMPONENTS + MISSING_COMPONENTS + ["component"]
                                ),
                                "parameters": [
                                    {
                                        "name": rng.choice("pq"),
                                        "value": list(rng.choice(["", "a", "bc"])),
                                    }
                                    for _ in range(rng.randrange(3))
                                ],
                            }
                            for _ in range(rng.randrange(4))
                        ],
                    }
                ),
                "outputResources": maybe(
                    {
                        "amis": [
                            {
                                "region": rng.choice(["us-east-1", "eu-west-1"]),
                                "image": f"ami-{rng.randrange(9)}",
                                "name": maybe(rng.choice("mno")),
                                "accountId": maybe(rng.choice(ACCOUNTS)),
                            }
                            for _ in range(rng.randrange(5))
                        ]
                    }
                ),
            },
            "latestVersionReferences": maybe({"latestVersionArn": linked}),
        }
    )


def component_response(rng, asked):
    """A component's response."""
    return json.dumps(
        {
            "component": {
                "arn": asked,
                "name": rng.choice("uvw"),
                "version": "1.0.0",
                "platform": rng.choice(["Linux", "Windows", None]),
                "state": {"status": rng.choice(["ACTIVE", "DEPRECATED"])},
            },
            "latestVersionReferences": {"latestVersionArn": rng.choice(COMPONENTS)},
        }
    )


def other_responses(rng):
    """What other operations answer: (operation, ARN, body)."""
    for asked in IMAGES[::2] + COMPONENTS[:1]:
        tags = {key: rng.choice("xyz") for key in rng.sample("abc", rng.randrange(4))}
        yield "ListTagsForResource", asked, json.dumps({"tags": tags})
    for i, asked in enumerate(IMAGES[:8]):
        policy = json.dumps({"Version": rng.choice("12")})
        yield "GetImagePolicy", asked, json.dumps({"policy": policy if i % 3 else None})
    for asked in RECIPES[1:]:
        parts = [{"componentArn": rng.choice(COMPONENTS)} for _ in range(rng.randrange(1, 4))]
        yield "GetImageRecipe", asked, json.dumps({"imageRecipe": {"components": parts}})


def build_summary(rng, asked):
    """What lists of builds have of one."""
    return {
        "arn": asked,
        "name": rng.choice(["a", "b1", "c2", None]),
        "version": "1.0.0",
        "state": {"status": rng.choice(["AVAILABLE", "FAILED"])},
        "tags": {key: rng.choice("xyz") for key in rng.sample("abc", rng.randrange(3))},
    }


def lists(rng):
    """Lists' operations, ARNs, the member that has the items, and these; some have none."""
    for asked in BUILDS[:-2]:
        names = rng.sample(["curl", "bash", "openssl", "telnet", "zlib", "vim", "git"],
                           rng.randrange(8))
        packages = [{"packageName": name, "packageVersion": rng.choice(["1", "2", None])}
                    for name in names]
        yield "ListImagePackages", asked, "imagePackageList", packages
    for asked in PIPELINES[:-1]:
        builds = [build_summary(rng, build) for build in rng.sample(BUILDS, rng.randrange(8))]
        yield "ListImagePipelineImages", asked, "imageSummaryList", builds
    for asked in VERSIONS[1:]:
        builds = [build_summary(rng, build) for build in BUILDS if build.startswith(f"{asked}/")]
        yield "ListImageBuildVersions:version", asked, "imageSummaryList", builds * rng.randrange(3)


def listed(operation):
    """What there is in us-east-1 by the fixtures."""
    return json.loads(api.fixtures()[operation, REGIONS["aws"]])[api.OPERATIONS[operation].member]


LISTED = [item["arn"] for item in listed("ListImageBuildVersions")]
LISTED_VERSIONS = list(dict.fromkeys(build.rpartition("/")[0] for build in LISTED))
# What is listed elsewhere, or is of others.
ELSEWHERE = {
    item["arn"]
    for (operation, asked), body in api.fixtures().items()
    if api.OPERATIONS[operation].target == "scope"
    for item in json.loads(body)[api.OPERATIONS[operation].member]
}.difference(LISTED, LISTED_VERSIONS)
LISTED_BUILDS = LISTED + sorted(asked for asked in ELSEWHERE if asked.count("/") == 3)
LISTED_VERSIONS += sorted(asked for asked in ELSEWHERE if asked.count("/") == 2)
# All by which rows may look up images, builds and versions.
EVERY = ARNS + VERSIONS + LISTED_BUILDS + LISTED_VERSIONS


def lists_of_region(rng):
    """Lists without an ARN: operations, the member that has the items, and these: the
    fixtures' and such as there are in this world."""
    builds = []
    for asked in rng.sample(BUILDS, 16):
        amis = [{"region": rng.choice(list(REGIONS.values())), "image": f"ami-{rng.randrange(9)}",
                 "accountId": rng.choice([*ACCOUNTS, None])} for _ in range(rng.randrange(3))]
        containers = [{"region": rng.choice(["us-east-1", "x"]), "imageUris": rng.sample("abc", 2)}
                      for _ in range(rng.randrange(2))]
        builds.append({**build_summary(rng, asked),
                       "outputResources": {"amis": amis, "containers": containers}})
    versions = [{"arn": asked, "name": rng.choice("abc"), "platform": rng.choice(["Linux", None])}
                for asked in rng.sample(VERSIONS, 12)]
    for operation, items in (("ListImageBuildVersions", builds), ("ListImages", versions)):
        items = listed(operation) + items
        rng.shuffle(items)
        yield operation, api.OPERATIONS[operation].member, items


def pages(rng, member, items, most=3):
    """A list's pages by their tokens, which other lists have too; any page may be empty."""
    token = ""
    for number in range(1, 100):
        count = rng.randrange(most + 1)
        page, items = items[:count], items[count:]
        last = not items and rng.random() < 0.7
        following = None if last else f't/+="\u00e9{number}'
        yield token, json.dumps({member: page, "nextToken": following})
        if last:
            break
        token = following


def put(endpoint, asked, body, operation="", token=""):
    query = {"operation": operation, "token": token, "arn" if ":" in asked else "region": asked}
    request = urllib.request.Request(
        f"{endpoint}/-/responses?{urllib.parse.urlencode(query)}",
        method="PUT",
        data=body.encode(),
    )
    urllib.request.urlopen(request).read()


def literal(value):
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'"


# Bounds of partitions by ARN.
RANGES = {
    "us": "FROM ('arn:aws:imagebuilder:us') TO ('arn:aws:imagebuilder:ut')",
    "eu": "FROM ('arn:aws:imagebuilder:eu') TO ('arn:aws:imagebuilder:ev')",
}
PLACED = {"us": "IN ('us-east-1', 'us-west-2')", "eu": "IN ('eu-west-1', 'eu-central-1')"}

# Tables of lists of a Region on the server "aws".
LIST_TABLES = ["image_versions", "shared_image_versions", "image_builds", "image_build_amis",
               "image_build_containers"]
# And others of builds: name, columns, options, server.
BUILD_COLUMNS = "region text, account_id text, image_version_arn text, arn text, name text, " \
    "state_status text"
OTHER_LISTS = [
    ("builds_us", f"({BUILD_COLUMNS})", "image_builds", "us"),
    ("builds_eu", f"({BUILD_COLUMNS})", "image_builds", "eu"),
    (
        "builds_again",
        "(arn text, place varchar(20) OPTIONS (path '@region'), padded char(12) OPTIONS (path "
        "'@region'), again text OPTIONS (path '@region'), whose text OPTIONS (path '@account'))",
        "image_builds",
        "aws",
    ),
]
# Their partitions by Region; the rest is an ordinary table.
PLACES = {
    "placed_builds_aws": ("IN ('us-east-1')", "aws"),
    "placed_builds_us": ("IN ('us-west-1', 'us-west-2')", "us"),
    # Of another Region than its server lists: without rows.
    "placed_builds_eu": ("IN ('eu-central-1', NULL)", "eu"),
}

DEEP = {
    "deep_us_0": "PARTITION OF deep_us FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
    "deep_us_1": "PARTITION OF deep_us FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
    "deep_eu": f"PARTITION OF deep FOR VALUES {RANGES['eu']}",
    "deep_rest": "PARTITION OF deep DEFAULT",
    "child": "() INHERITS (family)",
}

# Foreign tables besides the schema's own: name, columns, table_name, server.
OTHERS = [
    (
        "images_varchar",
        "arn varchar(200), name varchar(20), latest_version_arn text",
        "images",
        "aws",
    ),
    ("images_char", "arn char(120), name text", "images", "aws"),
    ("images_twice", "name text, arn text, again text OPTIONS (path '@arn')", "images", "aws"),
    ("images_us", "arn text, name text, platform text, latest_version_arn text", "images", "us"),
    ("images_eu", "arn text, name text, platform text, latest_version_arn text", "images", "eu"),
]
SCHEMA_TABLES = ["images", "amis", "components", "component_parameters", "image_recipes", "tags"]
# Of other operations: the key, and ARNs for local copies.
OPERATION_TABLES = {
    "component_details": ("arn", COMPONENTS),
    "resource_tags": ("resource_arn", EVERY + COMPONENTS),
    "image_policies": ("image_arn", BUILDS + LISTED_BUILDS),
    "image_recipe_components": ("image_recipe_arn", RECIPES),
    "image_packages": ("image_arn", BUILDS + LISTED_BUILDS),
    "image_pipeline_images": ("image_pipeline_arn", PIPELINES),
    "image_version_builds": ("image_version_arn", VERSIONS + LISTED_VERSIONS),
}

# In both schemas, over what is in each.
COMMON = """
CREATE VIEW named AS SELECT i.arn, i.name, i.platform, i.latest_version_arn FROM images i;
CREATE VIEW summary AS
  SELECT s.sid, s.arn, (SELECT count(*) FROM amis a WHERE a.image_arn = s.arn)::int AS n,
         EXISTS (SELECT FROM images i WHERE i.arn = s.arn) AS found FROM small s;
CREATE VIEW labelled AS
  SELECT s.sid, coalesce(i.arn, s.arn) AS arn, coalesce(i.name, 'none') AS name, 'label'::text AS
    label
  FROM small s LEFT JOIN images i ON i.arn = s.arn;
CREATE VIEW chained AS
  SELECT s.sid, i.latest_version_arn AS arn, CASE WHEN s.k > 0 THEN (SELECT l.name FROM images l
    WHERE l.arn = i.latest_version_arn) END AS name,
         (SELECT string_agg(c.component_arn, ',' ORDER BY c.ordinal) FROM components c WHERE
           c.image_arn = i.arn) AS label
  FROM small s JOIN images i ON i.arn = s.arn;
-- Of two operations: by a chain, and by the same column.
CREATE VIEW built AS
  SELECT s.sid, c.component_arn AS arn, d.name, d.latest_version_arn AS label
  FROM small s JOIN components c ON c.image_arn = s.arn
    LEFT JOIN component_details d ON d.arn = c.component_arn;
CREATE VIEW ingredients AS
  SELECT c.image_arn AS arn, c.ordinal AS number, d.name, d.state_status AS label
  FROM components c JOIN component_details d ON d.arn = c.component_arn;
CREATE VIEW twofold AS
  SELECT v.id, v.parent AS arn, i.name, d.name AS label
  FROM inv v LEFT JOIN images i ON i.arn = v.parent
    LEFT JOIN component_details d ON d.arn = v.parent;
CREATE VIEW policed AS
  SELECT s.sid, i.build_version_arn AS arn, i.name, p.policy->>'Version' AS label
  FROM small s JOIN images i ON i.arn = s.arn
    LEFT JOIN image_policies p ON p.image_arn = i.build_version_arn;
CREATE VIEW recipe_parts AS
  SELECT r.image_arn AS arn, c.ordinal AS number, c.component_arn AS name, t.value AS label
  FROM image_recipes r JOIN image_recipe_components c ON c.image_recipe_arn = r.arn
    LEFT JOIN resource_tags t ON t.resource_arn = r.image_arn AND t.key = 'a';
-- Of lists: by rows' ARNs, some of a part of the list, and one list by another.
CREATE VIEW packaged AS
  SELECT i.arn, p.package_name AS name, p.package_version AS label
  FROM images i JOIN image_packages p ON p.image_arn = i.build_version_arn;
CREATE VIEW stocked AS
  SELECT i.arn, i.name, CASE WHEN EXISTS (SELECT FROM image_packages p
    WHERE p.image_arn = i.build_version_arn AND p.package_name = 'curl') THEN 'curl' END AS label,
    (SELECT count(*) FROM (SELECT FROM image_packages p WHERE p.image_arn = i.build_version_arn
      LIMIT 3) f)::int AS number FROM images i;
CREATE VIEW pipelined AS
  SELECT i.arn, l.arn AS build, l.state_status AS label, (SELECT count(*) FROM image_packages p
    WHERE p.image_arn = l.arn)::int AS number
  FROM images i JOIN image_pipeline_images l ON l.image_pipeline_arn = i.source_pipeline_arn;
CREATE VIEW parent_packages AS
  SELECT v.id, v.parent AS arn, p.package_name AS name, p.package_version AS label
  FROM inv v LEFT JOIN image_packages p ON p.image_arn = v.parent;
CREATE VIEW siblings AS
  SELECT s.sid, b.arn, b.name, p.package_version AS label
  FROM small s JOIN images i ON i.arn = s.arn
    JOIN image_pipeline_images l ON l.image_pipeline_arn = i.source_pipeline_arn
    JOIN image_version_builds b ON b.image_version_arn = l.image_version_arn
    LEFT JOIN image_packages p ON p.image_arn = b.arn AND p.package_name > 'd';
-- Of lists of a Region: with ARNs, of several Regions, by a barrier, of an owner.
CREATE VIEW built_images AS
  SELECT b.region, b.account_id AS account, b.arn, b.image_version_arn AS version, i.name,
    b.state_status AS label, (SELECT count(*) FROM image_packages p WHERE p.image_arn = b.arn)::int
    AS number
  FROM image_builds b LEFT JOIN images i ON i.arn = b.arn;
CREATE VIEW rebuilt AS
  SELECT v.region, v.account_id AS account, v.arn AS version, b.arn, v.platform AS label,
    b.state_status AS name
  FROM image_versions v LEFT JOIN image_version_builds b ON b.image_version_arn = v.arn;
CREATE VIEW all_builds AS
  SELECT region, account_id, arn, image_version_arn, name, 1 AS number FROM image_builds
  UNION ALL SELECT region, account_id, arn, image_version_arn, name, 2 FROM builds_us
  UNION ALL SELECT region, account_id, arn, image_version_arn, name, 3 FROM builds_eu
  UNION ALL SELECT region, account, NULL, NULL, 'place', id FROM places;
CREATE VIEW barred_builds WITH (security_barrier) AS
  SELECT b.region, b.account_id, b.arn, b.name, a.ami_region, a.ami_id
  FROM image_builds b LEFT JOIN image_build_amis a ON a.image_arn = b.arn AND a.region = b.region
  WHERE is_available(b.state_status);
CREATE VIEW barred_places WITH (security_barrier) AS
  SELECT b.region, b.account_id, b.arn, b.image_version_arn FROM image_builds b
  WHERE b.region LIKE 'us-%' AND NOT is_available(b.account_id);
CREATE VIEW offered AS
  SELECT o.id, o.ownership, o.region AS wanted, s.region, s.account_id, s.arn, s.name
  FROM owners o LEFT JOIN shared_image_versions s ON s.ownership = o.ownership;
CREATE VIEW shared_here AS
  SELECT s.region, s.account_id, s.arn, s.ownership, s.name FROM shared_image_versions s
  WHERE s.ownership IN ('Shared', 'Amazon', 'ThirdParty');
CREATE VIEW builds_by_place AS
  SELECT region, account_id, count(*)::int AS number, max(arn) AS arn FROM image_builds
  GROUP BY region, account_id;
CREATE VIEW everywhere AS
  SELECT 'aws'::text AS place, 1 AS number, arn, name FROM images
  UNION ALL SELECT 'us', 2, arn, name FROM images_us UNION ALL SELECT 'eu', 3, arn, name FROM
    images_eu;
CREATE VIEW either AS
  SELECT image_arn AS arn, ami_id AS name, ordinal AS number FROM amis
  UNION ALL SELECT image_arn, component_arn, ordinal FROM components
  UNION ALL SELECT arn, 'inv', id FROM inv;
CREATE VIEW filtered AS
  SELECT image_arn AS arn, ami_id AS name, ordinal AS number FROM amis WHERE region = 'us-east-1'
  UNION ALL SELECT arn, name, 0 FROM images WHERE name > 'b';
CREATE VIEW joined AS
  SELECT i.arn, i.name, a.ami_id, a.region, a.ordinal AS number FROM images i JOIN amis a ON
    a.image_arn = i.arn;
CREATE VIEW left_joined AS
  SELECT i.arn, i.name, a.ami_id, a.ordinal AS number, coalesce(a.region, i.platform) AS label
  FROM images i LEFT JOIN amis a ON a.image_arn = i.arn AND i.name LIKE 'a%';
CREATE VIEW barred WITH (security_barrier) AS
  SELECT i.arn, i.name, r.parent_image FROM images i JOIN image_recipes r ON r.image_arn = i.arn
    WHERE i.name > 'a';
CREATE VIEW counted AS SELECT image_arn AS arn, count(*)::int AS number, max(ami_id) AS name FROM
  amis GROUP BY image_arn;
CREATE VIEW regions AS SELECT DISTINCT image_arn AS arn, region AS name FROM amis;
CREATE VIEW numbered AS
  SELECT image_arn AS arn, ami_id AS name, (row_number() OVER (PARTITION BY image_arn ORDER BY
    ordinal DESC))::int AS number FROM amis;
CREATE FUNCTION count_amis(asked text) RETURNS int LANGUAGE plpgsql AS
  'BEGIN RETURN (SELECT count(*) FROM amis WHERE image_arn = asked); END';
CREATE FUNCTION name_of(asked text) RETURNS text LANGUAGE sql STABLE AS
  'SELECT i.name FROM images i WHERE i.arn = asked';
CREATE FUNCTION amis_of(asked text) RETURNS TABLE (arn text, name text, number int) LANGUAGE sql
  STABLE AS
  'SELECT a.image_arn, a.ami_id, a.ordinal FROM amis a WHERE a.image_arn = asked';
CREATE FUNCTION names_of_kind(kind int) RETURNS TABLE (id int, name text) LANGUAGE plpgsql AS
  'BEGIN FOR id, name IN SELECT v.id, i.name FROM inv v JOIN images i ON i.arn = v.arn WHERE v.k =
    kind LOOP RETURN NEXT; END LOOP; END';
"""


def rows_of(rng, count, no_arns):
    """Rows of the table inv: ids, kinds, ARNs in columns of all types, documents and arrays."""
    dirty = ARNS + (NO_ARNS + [None]) * 2 if no_arns else ARNS + [None]
    for i in range(1, count + 1):
        clean = rng.choice(ARNS + [None])
        array = (
            "ARRAY["
            + ", ".join(literal(rng.choice(ARNS + [None])) for _ in range(rng.randrange(4)))
            + "]::text[]"
        )
        document = literal(
            json.dumps({"arn": rng.choice(dirty), "list": rng.sample(ARNS, 2), "n": i % 3})
        )
        parts = clean.split(":") if clean else [None] * 6
        yield (
            f"({i}, {i % 4}, {literal(clean)}, {literal(rng.choice(dirty))}, "
            f"{literal(rng.choice(ARNS + [None]))}, "
            f"{literal(rng.choice(IMAGES))}, {document}, {array}, "
            f"{literal(rng.choice('abcd') + str(i % 3))}, "
            f"{literal(parts[3])}, {literal(parts[5] and parts[5][6:])})"
        )


def set_up(session, endpoints, no_arns):
    """Make images, servers, schemas and tables; the same ones each time."""
    rng = random.Random(1)
    for asked in IMAGES + LISTED_BUILDS + LISTED_VERSIONS:
        body = response(rng, asked, no_arns)
        put(endpoints["aws"], asked, body)
        for place in ("us", "eu"):
            if f":imagebuilder:{place}-" in asked:
                put(endpoints[place], asked, body)
            elif asked in LISTED_BUILDS + LISTED_VERSIONS:
                # As each endpoint has its fixtures; at home where the partition "listed" wants it.
                home = re.sub('"home": "[^"]*"', f'"home": "{REGIONS[place]}"', body)
                put(endpoints[place], asked, home)
    for asked in COMPONENTS:
        put(endpoints["aws"], asked, component_response(rng, asked))
    for operation, asked, body in other_responses(rng):
        put(endpoints["aws"], asked, body, operation)
    for operation, member, items in lists_of_region(random.Random(2)):
        for token, body in pages(random.Random(3), member, items, 25):
            put(endpoints["aws"], REGIONS["aws"], body, operation, token)
    for operation, asked, member, items in lists(rng):
        for token, body in pages(rng, member, items):
            put(endpoints["aws"], asked, body, operation, token)
    session.run(
        "CREATE SCHEMA shared; CREATE SCHEMA remote; CREATE SCHEMA local; SET search_path = shared"
    )
    for name, url in endpoints.items():
        session.run(
            f"""CREATE SERVER {name} FOREIGN DATA WRAPPER imagebuilder_fdw OPTIONS (endpoint_url
              '{url}', sts_endpoint_url '{url}', region '{REGIONS[name]}', max_concurrency '16',
                cache_ttl '0');
            CREATE USER MAPPING FOR CURRENT_USER SERVER {name}
              OPTIONS (access_key_id 'AKIDEXAMPLE', secret_access_key
                'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY')"""
        )

    inv = ", ".join(rows_of(rng, 24, no_arns))
    # An equal row in each of them, so that a statistic or an index may serve.
    hosts = ", ".join(
        f"({i}, {literal(rng.choice(ARNS[:18] + MISSING))}, {i % 5})" for i in range(60)
    )
    teams = ", ".join(f"({i}, {literal(asked)}, {i % 3})" for i, asked in enumerate(IMAGES[:18:2]))
    partitions = "".join(
        f"CREATE TABLE {table}_{place} PARTITION OF {table} FOR VALUES {bounds};"
        for table in ("hosts", "teams")
        for place, bounds in RANGES.items()
    )
    session.run(
        f"""
        CREATE TABLE inv (id int, k int, arn text, parent text, long varchar(120), padded
          char(120), doc jsonb,
                          arns text[], name text, region text, path text);
        INSERT INTO inv VALUES {inv};
        CREATE TABLE small AS SELECT id AS sid, k, padded::text AS arn FROM inv WHERE id <= 5;
        CREATE TABLE hosts (id int, arn text, k int, pad text DEFAULT repeat('x', 300)) PARTITION
          BY RANGE (arn);
        CREATE TABLE teams (id int, arn text, k int) PARTITION BY RANGE (arn);
        {partitions}
        CREATE TABLE placed (id int, region text, arn text) PARTITION BY LIST (region);
        CREATE TABLE placed_us PARTITION OF placed FOR VALUES {PLACED["us"]};
        CREATE TABLE placed_eu PARTITION OF placed FOR VALUES {PLACED["eu"]};
        INSERT INTO hosts VALUES {hosts};
        INSERT INTO teams VALUES {teams};
        INSERT INTO placed SELECT id, region, arn FROM inv WHERE region ~ '^(us|eu)';
        CREATE TABLE places (id int, region text, account text, k int);
        INSERT INTO places VALUES (1, 'us-east-1', '123456789012', 1), (2, 'eu-west-1', NULL, 2),
          (3, 'us-west-2', '123456789012', 0), (4, NULL, '123456789012', 1), (5, 'us-east-1',
          '210987654321', 3), (6, '', '', 2), (7, 'US-EAST-1', NULL, 0), (8, 'us-east-1', NULL, 2);
        CREATE TABLE owners (id int, ownership text, region text, k int);
        INSERT INTO owners VALUES (1, 'Amazon', 'us-east-1', 1), (2, 'Shared', NULL, 2), (3, NULL,
          'us-east-1', 0), (4, 'Shared', 'us-east-1', 1), (5, 'ThirdParty', 'eu-west-1', 3),
          (6, 'AWSMarketplace', 'us-east-1', 2), (7, 'Self', 'us-east-1', 1);
        CREATE FUNCTION is_available(text) RETURNS bool IMMUTABLE LANGUAGE plpgsql COST 1 AS
          $$BEGIN RETURN $1 = 'AVAILABLE'; END$$;
        CREATE INDEX ON hosts (arn); CREATE INDEX ON inv (id); CREATE INDEX ON small (arn);
        CREATE TABLE nothing (id int, arn text, k int);
        CREATE TABLE scratch (id int PRIMARY KEY, k int, arn text, parent text, v text, n bigint);
        INSERT INTO scratch SELECT id, k, arn, parent, NULL, 0 FROM inv WHERE id % 2 = 0;
        -- The same rows in partitions, and in tables that inherit.
        CREATE TABLE shelves (LIKE scratch, PRIMARY KEY (id)) PARTITION BY RANGE (id);
        CREATE TABLE shelves_low PARTITION OF shelves FOR VALUES FROM (MINVALUE) TO (13);
        CREATE TABLE shelves_high PARTITION OF shelves DEFAULT PARTITION BY HASH (id);
        CREATE TABLE shelves_0 PARTITION OF shelves_high FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        -- Of other columns' order.
        CREATE TABLE shelves_1 (n bigint, v text, gone int, parent text, arn text, k int,
          id int NOT NULL);
        ALTER TABLE shelves_1 DROP COLUMN gone;
        ALTER TABLE shelves_high ATTACH PARTITION shelves_1 FOR VALUES WITH (MODULUS 2,
          REMAINDER 1);
        INSERT INTO shelves SELECT * FROM scratch;
        CREATE TABLE elders (LIKE scratch, PRIMARY KEY (id));
        CREATE TABLE younger (more text) INHERITS (elders);
        CREATE TABLE youngest () INHERITS (younger);
        INSERT INTO elders SELECT * FROM scratch WHERE id < 9;
        INSERT INTO younger SELECT *, 'more' FROM scratch WHERE id BETWEEN 9 AND 16;
        INSERT INTO youngest SELECT *, 'most' FROM scratch WHERE id > 16;
        -- What shows that a row was taken.
        CREATE TABLE audit (noted int, place bigserial);
        CREATE SEQUENCE counter;
        CREATE FUNCTION noted(id int) RETURNS int LANGUAGE plpgsql AS
          'BEGIN INSERT INTO audit VALUES (id); RETURN id; END';
        CREATE FUNCTION noted_rows(most int) RETURNS TABLE (id int, arn text) LANGUAGE plpgsql AS
          'BEGIN RETURN QUERY SELECT noted(i.id), i.arn FROM inv i WHERE i.id <= most; END';
        -- Rows of a query by a loop in a function, with and without a subtransaction each.
        CREATE FUNCTION looped(query text) RETURNS SETOF text LANGUAGE plpgsql AS
          'DECLARE r record; BEGIN FOR r IN EXECUTE query LOOP RETURN NEXT r::text; END LOOP; END';
        CREATE FUNCTION guarded(query text) RETURNS SETOF text LANGUAGE plpgsql AS
          'DECLARE r record; c refcursor; BEGIN OPEN c FOR EXECUTE query;
           LOOP BEGIN FETCH c INTO r; EXIT WHEN NOT FOUND; RETURN NEXT r::text;
                EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; CLOSE c; END';
        ANALYZE"""
    )

    session.run(
        "SET search_path = remote, shared; IMPORT FOREIGN SCHEMA imagebuilder LIMIT TO "
        f"({', '.join([*SCHEMA_TABLES, *OPERATION_TABLES, *LIST_TABLES])}) "
        "FROM SERVER aws INTO remote; ALTER FOREIGN TABLE images DROP COLUMN request_id"
    )
    for name, columns, table, server in OTHERS:
        session.run(
            f"CREATE FOREIGN TABLE {name} ({columns}) SERVER {server} OPTIONS (table_name "
            f"'{table}')"
        )
    parents = """CREATE TABLE ranged (arn text, name text, platform text, latest_version_arn text)
      PARTITION BY RANGE (arn);
        CREATE TABLE ranged_amis (image_arn text, ordinal int, ami_id text) PARTITION BY RANGE
          (image_arn);
        CREATE TABLE listed (region text, arn text, name text) PARTITION BY LIST (region);
        CREATE TABLE deep (arn text, name text, latest_version_arn text) PARTITION BY RANGE (arn);
        CREATE TABLE deep_us PARTITION OF deep {us} PARTITION BY HASH (arn);
        CREATE TABLE family (arn text, name text);
        INSERT INTO family VALUES ('none', 'parent'), (NULL, 'parent');
        CREATE TABLE ranged_rest PARTITION OF ranged DEFAULT;
        INSERT INTO ranged VALUES ('zzz', 'rest', NULL, NULL), (NULL, 'null', NULL,
          NULL);""".replace(
        "{us}", f"FOR VALUES {RANGES['us']}"
    )
    session.run(parents)
    for place in RANGES:
        session.run(
            f"""
            CREATE FOREIGN TABLE ranged_{place} PARTITION OF ranged FOR VALUES {RANGES[place]}
              SERVER {place} OPTIONS (table_name 'images');
            CREATE FOREIGN TABLE ranged_amis_{place} PARTITION OF ranged_amis FOR VALUES
              {RANGES[place]} SERVER {place} OPTIONS (table_name 'amis');
            CREATE FOREIGN TABLE listed_{place} PARTITION OF listed FOR VALUES {PLACED[place]}
              SERVER {place} OPTIONS (table_name 'images');
            ALTER FOREIGN TABLE listed_{place} ALTER region OPTIONS (ADD path 'image.home')"""
        )
    for name, columns, table, server in OTHER_LISTS:
        session.run(
            f"CREATE FOREIGN TABLE {name} {columns} SERVER {server} OPTIONS (table_name '{table}')"
        )
    placed = f"""CREATE TABLE placed_builds ({BUILD_COLUMNS}) PARTITION BY LIST (region);
        CREATE TABLE placed_builds_rest PARTITION OF placed_builds DEFAULT;
        INSERT INTO placed_builds VALUES ('', 'none', NULL, NULL, 'rest', NULL), ('eu-west-1',
          '123456789012', NULL, NULL, 'rest', 'AVAILABLE')"""
    session.run(placed)
    for name, (values, server) in PLACES.items():
        session.run(
            f"CREATE FOREIGN TABLE {name} PARTITION OF placed_builds FOR VALUES {values} SERVER "
            f"{server} OPTIONS (table_name 'image_builds')"
        )
    # Partitions by ARN of one server know what to ask it for.
    for name, clauses in DEEP.items():
        session.run(
            f"CREATE FOREIGN TABLE {name} {clauses} SERVER aws OPTIONS (table_name 'images')"
        )
    session.run(COMMON)

    def array(arns):
        return "ARRAY[" + ", ".join(map(literal, arns)) + "]"

    session.run("SET search_path = local, shared;" + parents)
    for place in RANGES:
        session.run(
            f"""CREATE TABLE ranged_{place} PARTITION OF ranged FOR VALUES {RANGES[place]};
            CREATE TABLE ranged_amis_{place} PARTITION OF ranged_amis FOR VALUES {RANGES[place]};
            CREATE TABLE listed_{place} PARTITION OF listed FOR VALUES {PLACED[place]};"""
        )
    for name, clauses in DEEP.items():
        session.run(f"CREATE TABLE {name} {clauses}")
    copied = {table: ("arn" if table == "images" else "image_arn") for table in SCHEMA_TABLES}
    copied |= {name: "arn" for name, *_ in OTHERS}
    copied |= {name: key for name, (key, _) in OPERATION_TABLES.items()}
    for table, key in copied.items():
        session.run(f"CREATE TABLE {table} (LIKE remote.{table})")
    for place in RANGES:
        copied |= {
            f"ranged_{place}": "arn",
            f"ranged_amis_{place}": "image_arn",
            f"listed_{place}": "arn",
        }
    copied |= {name: "arn" for name in DEEP}
    for table, key in copied.items():
        cast = "::char(120)[]" if table == "images_char" else ""
        every = array(OPERATION_TABLES.get(table, (key, EVERY))[1])
        session.run(
            f"INSERT INTO {table} SELECT * FROM remote.{table} WHERE {key} = ANY "
            f"({every}{cast}); ANALYZE {table}"
        )
    for table in LIST_TABLES + [name for name, *_ in OTHER_LISTS]:
        where = f"WHERE ownership = ANY ({array(OWNERS)})" if table.startswith("shared") else ""
        session.run(
            f"CREATE TABLE {table} AS SELECT * FROM remote.{table} {where}; ANALYZE {table}"
        )
        copied[table] = ""
    session.run(placed)
    for name, (values, _) in PLACES.items():
        session.run(
            f"CREATE TABLE {name} PARTITION OF placed_builds FOR VALUES {values}; "
            f"INSERT INTO {name} SELECT * FROM remote.{name}; ANALYZE {name}"
        )
    copied["placed_builds_us"] = ""
    session.run(COMMON + "; RESET search_path")
    return {
        table: int(session.rows(f"SELECT count(*) FROM local.{table}")[0][0]) for table in copied
    }
