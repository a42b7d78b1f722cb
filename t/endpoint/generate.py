"""Random responses that keep to an operation's shape, to compare SQL with projection.py.

The shape is that of the fixture that fills every member; what is dropped,
null, empty, unknown, escaped or spaced is up to chance.
"""
import datetime
import json

import api

SHAPES = {operation: json.loads(body) for operation, (_, body) in api.complete().items()}
MAPS = {"tags", "amiTags", "resourceTags", "imageTags", "tagMap"}
TIMES = {"dateCreated", "dateUpdated", "deprecationTime", "dateLastRun", "dateNextRun",
         "startTime", "endTime"}
COUNTS = {"all", "critical", "high", "medium"}
WORDS = ["", "a", "golden-linux", "Größe", "日本語", "\U0001f600", "quote\"d", "back\\slash", "tab\t",
         "line\n", "\x01\x1f",
         "\u007f", "\ufffd", "' OR 1=1 --", "{}", "null", "1e5", " spaced ", "\u2028", "e\u0301"]


class Number(float):
    """A number written just so."""

    def __new__(cls, text):
        self = super().__new__(cls, 0)
        self.text = text
        return self


def text(rng):
    return "".join(rng.choice(WORDS) for _ in
                   range(rng.choice([0, 1, 1, 1, 2, 5, 200 if rng.random() < .05 else 3])))


def moment(rng, iso_only):
    if iso_only or rng.random() < .4:
        when = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=rng.randrange(2**32))
        fraction = "" if rng.random() < .3 else "." + "".join(
            rng.choice("0123456789") for _ in range(rng.randrange(1, 10)))
        if len(fraction) > 7:
            fraction = fraction[:-1] + "1"      # no ties: PostgreSQL's rounding of those is its own
        zone = rng.choice(["Z", "Z", "z", "", "+00:00", "+05:30", "-0800", "+14"])
        return (when.strftime(rng.choice(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]))
                + fraction + zone)
    whole = rng.randrange(2**32)
    return Number(rng.choice([f"{whole}", f"{whole}.{rng.randrange(10**9):09d}",
                              f"{whole / 10**9:.9f}E9", f"{whole}.5",
                              f"-{whole}.25", "0", "-0.0000005", f"{whole}e0"]))


def unknown(rng, depth=0):
    kind = rng.randrange(5 if depth > 4 else 7)
    if kind == 5:
        return [unknown(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind == 6:
        return {text(rng): unknown(rng, depth + 1) for _ in range(rng.randrange(4))}
    return [None, True, Number("1" * rng.randrange(1, 60)), text(rng), Number("-0.1e-300")][kind]


def vary(rng, name, shape):
    if name in TIMES:
        return moment(rng, name != "deprecationTime" and rng.random() < .5)
    if name == "policy":
        return write(rng, unknown(rng))
    if name in MAPS:
        return {text(rng): text(rng) for _ in range(rng.choice([0, 1, 2, 5]))}
    if isinstance(shape, dict):
        result = {key: None if rng.random() < .08 else vary(rng, key, value)
                  for key, value in shape.items() if rng.random() > .2}
        for _ in range(rng.randrange(3) if rng.random() < .2 else 0):
            result["unknown" + text(rng)] = unknown(rng)
        keys = list(result)
        rng.shuffle(keys)
        return {key: result[key] for key in keys}
    if isinstance(shape, list):
        return [None if rng.random() < .03 else vary(rng, "", shape[0])
                for _ in range(rng.choice([0, 1, 2, 3, 40 if rng.random() < .05 else 1]))]
    if isinstance(shape, bool):
        return rng.random() < .5
    if isinstance(shape, int):
        most = 2**63 if name in COUNTS else 2**31
        value = rng.choice([0, 1, 100, most - 1, -most, rng.randrange(most)])
        return Number(
            rng.choice([f"{value}", f"{value}", f"{value}.0", f"{value}e0", f"{value * 10}e-1"]))
    return text(rng)


def escape(rng, value):
    out = []
    for c in value:
        code = ord(c)
        short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}.get(c)
        if short and rng.random() < .7:
            out.append(short)
        elif code < 32 or c in '"\\' or rng.random() < .03:
            units = [code] if code < 0x10000 else [0xd800 + (code - 0x10000 >> 10),
                                                   0xdc00 + (code - 0x10000 & 0x3ff)]
            out.extend(rng.choice(["\\u%04x", "\\u%04X"]) % unit for unit in units)
        else:
            out.append(c)
    return '"' + "".join(out) + '"'


def write(rng, value):
    space = lambda: rng.choice(["", "", "", " ", "\n  ", "\t", "\r\n"]) if rng.random() < .3 else ""
    if isinstance(value, dict):
        return "{" + space() + ",".join(space() + escape(rng, k) + space() + ":" + space()
                                        + write(rng, v) + space()
                                        for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + space() + ",".join(space() + write(rng, v) + space() for v in value) + "]"
    if isinstance(value, str):
        return escape(rng, value)
    return value.text if isinstance(value, Number) else json.dumps(value)


def random_arn(operation, seed):
    """An ARN, or Region and owner, that an operation takes, another one for each seed."""
    if api.OPERATIONS[operation].target == "scope":
        of = api.OPERATIONS[operation]
        owner = api.OWNERS[1 + seed % 4] if of.parameter and not of.constant else ""
        return api.of_scope(f"us-random-{seed}", owner=owner)
    resource = (api.OPERATIONS[operation].kind.split()[0].partition(":")[0]
                .replace("*", "image-pipeline"))
    for end in (f"random-{seed}", f"random-{seed}/1.0.0", f"random/1.0.0/{seed}",
                f"build/random/1.0.0/{seed}"):
        arn = f"arn:aws:imagebuilder:us-east-1:123456789012:{resource}/{end}"
        if api.takes(api.OPERATIONS[operation], arn):
            return arn


def random_pages(rng, operation):
    """The texts of an answer, whose top level is always there; of a list, its pages."""
    of = api.OPERATIONS[operation]
    pages = [vary(rng, "", SHAPES[operation])
             for _ in range(rng.choice([1, 1, 2, 3, 7]) if of.page_size else 1)]
    for i, page in enumerate(pages, 1):
        if of.member not in page:
            page[of.member] = None if of.member == "policy" else [] if of.page_size else {}
        if of.page_size:
            page["nextToken"] = f"{i}{text(rng)}" if i < len(pages) else rng.choice([None, ""])
    return [write(rng, page) for page in pages]


def tokens(pages):
    """The tokens of all pages but the first."""
    return [json.loads(page)["nextToken"] for page in pages[:-1]]
