#!/usr/bin/python3
"""Tests of src/aws/profile.c against botocore, which set the rules.

Every pair of files, written by hand below or at random, is given to both:
botocore, with whatever would reach out replaced by recorders, has to come to
the same outcome by the same calls of STS.  Prints TAP.

Where the two are meant to differ:
 1. mfa_serial and sso_* are refused where botocore would use them (and nowhere
    else), and login_session where newer botocore would;
 2. a profile with only half of its keys, with only sso_session, sso_start_url or
    sso_region, or with a source but no role for it, is an error; botocore goes
    on to the container and the instance, as it does for a profile without any
    word of credentials.  So is a key that names a source of credentials that is
    not known, after the credentials file's keys and before what else there is;
 3. an empty key is an error; botocore signs with it.  So is the empty name of
    a source profile, even if there is a [profile ""];
 4. a value that is used and goes on in indented lines is an error; botocore
    keeps its line breaks;
 5. a duration_seconds above what STS takes is an error here already, while names
    that are too short for it are for STS itself to refuse;
 6. what only odd files have: letters outside ASCII are not folded to lower case
    in keys, nor are its digits digits; a malformed nested setting in [DEFAULT]
    is an error even where no section inherits it; in a nested setting, only
    the line breaks of the file itself separate lines.
"""
import collections
import contextlib
import datetime
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unittest.mock

import botocore.credentials
import botocore.exceptions
import botocore.session
import botocore.validate

# Python reads configuration files in the locale's encoding: make that UTF-8.
if not sys.flags.utf8_mode:
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.argv])

for variable in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[variable]    # whatever the tester has there

HERE = pathlib.Path(__file__).parent
RANDOM_PAIRS = 2500
DAMAGED_PAIRS = 2000
STATIC, MFA, SSO = "static", "mfa_serial", "sso_"

driver = subprocess.Popen([HERE / "profile_driver"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0",
                               "UBSAN_OPTIONS": "halt_on_error=1"})
tests = failures = 0


def check(name, got, expected):
    global tests, failures
    tests += 1
    if got != expected:
        failures += 1
        print(f"not ok {tests} - {name}\n# got      {got!r}\n# expected {expected!r}")
    else:
        print(f"ok {tests} - {name}")


# ---- ours -----------------------------------------------------------------

def call(config, credentials, profile):
    """Texts may hold bytes that are not UTF-8, as lone surrogates."""
    line = json.dumps({"config": config, "credentials": credentials, "profile": profile},
                      ensure_ascii=False)
    driver.stdin.write(line.encode("utf-8", "surrogateescape") + b"\n")
    driver.stdin.flush()
    return json.loads(driver.stdout.readline().decode("utf-8", "surrogateescape"))


def issued(n):
    return f"ASIA{n}", f"issued-secret-{n}", f"issued-token-{n}"


def program(words):
    """What stands for the credentials that a program would print."""
    return "program", json.dumps(words), None


def played(plan):
    """The calls of STS that a plan leads to, and the credentials in the end."""
    calls = []

    def add(operation, credentials, **parameters):
        calls.append([operation, credentials, {k: v for k, v in parameters.items() if v}])
        return issued(len(calls))

    if plan["base"] == "process":
        credentials = program(plan["process"])
    elif plan["base"] == STATIC:
        credentials = plan["access_key_id"], plan["secret_access_key"], plan["session_token"]
    elif plan["base"] == "web_identity":
        credentials = add("assume_role_with_web_identity", None,
                          RoleArn=plan["web_identity_role_arn"],
                          RoleSessionName=plan["web_identity_session_name"],
                          WebIdentityToken="read of " + plan["web_identity_token_file"])
    else:
        credentials = plan["base"], "secret", None
    for role in plan["roles"]:
        credentials = add("assume_role", credentials, RoleArn=role["role_arn"],
                          ExternalId=role["external_id"],
                          RoleSessionName=role["role_session_name"],
                          DurationSeconds=role["duration_seconds"])
    return calls, credentials


def ours(config, credentials, profile):
    plan = call(config, credentials, profile)
    outcome = {"result": plan["result"], "region": plan["region"], "error": plan["error"],
               "hint": plan["hint"]}
    if plan["result"] == "resolved":
        outcome["calls"], outcome["credentials"] = played(plan)
    return outcome


# ---- botocore's -----------------------------------------------------------

STS = botocore.session.Session().get_service_model("sts")
OPERATIONS = {"assume_role": "AssumeRole",
              "assume_role_with_web_identity": "AssumeRoleWithWebIdentity"}


class Recorder:
    """Stands for what botocore would ask: STS, a person, SSO, and the programs it would run."""

    def __init__(self):
        self.calls = []
        self.refused = set()        # what was used that we refuse
        self.programs = []

    def client(self, service, aws_access_key_id=None, aws_secret_access_key=None,
               aws_session_token=None, config=None):
        keys = aws_access_key_id, aws_secret_access_key, aws_session_token or None
        credentials = None if config else keys
        client = unittest.mock.Mock()
        for name in OPERATIONS:
            setattr(client, name, lambda name=name, **parameters: (
                self.sts(name, credentials, parameters)))
        return client

    def sts(self, operation, credentials, parameters):
        shape = STS.operation_model(OPERATIONS[operation]).input_shape
        report = botocore.validate.ParamValidator().validate(parameters, shape)
        if report.has_errors():
            raise botocore.exceptions.ParamValidationError(report=report.generate_report())
        if parameters["RoleSessionName"].startswith("botocore-session-"):
            del parameters["RoleSessionName"]
        self.calls.append([operation, credentials, parameters])
        key, secret, token = issued(len(self.calls))
        expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        return {"Credentials": {"AccessKeyId": key, "SecretAccessKey": secret,
                                "SessionToken": token, "Expiration": expires}}

    def person(self, prompt):
        self.refused.add(MFA)
        return "123456"

    def program(self, command):
        words = botocore.compat.compat_shell_split(command)
        words[0]        # as subprocess has it
        self.programs.append(command)
        return dict(zip(("access_key", "secret_key", "token"), program(words)))

    def sso(self):
        self.refused.add(SSO)
        expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        return {"access_key": "sso", "secret_key": "secret", "token": None,
                "expiry_time": expires.isoformat()}


def source(canonical_name, base):
    return unittest.mock.Mock(CANONICAL_NAME=canonical_name, METHOD=base, load=lambda: (
        botocore.credentials.Credentials(base, "secret")))


SOURCER = botocore.credentials.CanonicalNameCredentialSourcer([
    source("Environment", "environment"), source("EcsContainer", "container"),
    source("Ec2InstanceMetadata", "instance")])
OF_PROFILES = (botocore.credentials.AssumeRoleProvider,
               botocore.credentials.AssumeRoleWithWebIdentityProvider,
               botocore.credentials.SSOProvider, botocore.credentials.SharedCredentialProvider,
               botocore.credentials.ProcessProvider, botocore.credentials.ConfigProvider)


def load(profile, recorder):
    session = botocore.session.Session(profile=profile)
    resolver = botocore.credentials.create_credential_resolver(session)
    resolver.providers = [p for p in resolver.providers if isinstance(p, OF_PROFILES)]
    provider = resolver.get_provider("assume-role")
    provider._credential_sourcer = SOURCER
    provider._prompter = recorder.person
    credentials = resolver.load_credentials()
    if credentials is None:
        return {"result": "empty", "region": session.get_config_variable("region") or None}
    frozen = credentials.get_frozen_credentials()
    return {"result": "resolved", "region": session.get_config_variable("region") or None,
            "calls": recorder.calls,
            "credentials": (frozen.access_key, frozen.secret_key, frozen.token or None)}


def botocores(config, credentials, profile):
    recorder = Recorder()
    module = botocore.credentials
    with contextlib.ExitStack() as stack:
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name, text in ("config", config), ("credentials", credentials):
            if text is not None:
                (directory / name).write_bytes(text.encode("utf-8", "surrogateescape"))
        environment = {"PATH": os.environ["PATH"], "HOME": str(directory),
                       "AWS_CONFIG_FILE": str(directory / "config"),
                       "AWS_SHARED_CREDENTIALS_FILE": str(directory / "credentials")}
        for patch in (
                unittest.mock.patch.dict(os.environ, environment, clear=True),
                unittest.mock.patch.object(module, "_get_client_creator",
                                           lambda *_: recorder.client),
                unittest.mock.patch.object(module, "FileWebIdentityTokenLoader",
                                           lambda path: lambda: "read of " + path),
                unittest.mock.patch.object(module.ProcessProvider, "_retrieve_credentials_using",
                                           lambda _, command: recorder.program(command)),
                unittest.mock.patch.object(module.SSOCredentialFetcher, "fetch_credentials",
                                           lambda _: recorder.sso())):
            stack.enter_context(patch)
        try:
            outcome = load(profile, recorder)
        except botocore.exceptions.ProfileNotFound as error:
            outcome = {"result": "absent", "region": None}
        except Exception as error:      # it lets TypeErrors out, of a nested setting
            outcome = {"result": "invalid", "error": error}
    outcome["refused"], outcome["programs"] = recorder.refused, recorder.programs
    return outcome


# ---- the two compared -------------------------------------------------------

def texts(outcome):
    """All that botocore used; a nested setting counts as several lines."""
    used = [*outcome.get("credentials", []), *outcome["programs"]]
    for _, credentials, parameters in outcome.get("calls", []):
        used += [*(credentials or []), *parameters.values()]
    return ["\n" if isinstance(value, dict) else value for value in used
            if isinstance(value, (str, dict))]


def explained(message, expected, files):
    """A name of the difference on purpose that an error of ours is; None if it is none."""
    used = texts(expected)
    region = expected.get("region")
    longest = max((c[2].get("DurationSeconds", 0) for c in expected.get("calls", [])), default=0)
    resolved = expected["result"] == "resolved"
    for part, condition, name in (
            ("is indented below a key", "[DEFAULT]" in files, "in vain in [DEFAULT]"),
            ('indented lines below its "region"',
             isinstance(region, dict) or "\n" in (region or ""), "indented lines"),
            ('indented lines below its "duration_seconds"', resolved, "indented lines"),
            ("indented lines below its", "\n" in "".join(used), "indented lines"),
            ('an empty "source_profile"', resolved, "empty source"),
            ("has an empty", "" in used, "empty key"),
            ('no "aws_access_key_id" beside', expected["result"] == "empty", "half a profile"),
            ('no "role_arn" beside', expected["result"] == "empty", "half a profile"),
            ('an empty "web_identity_token_file"', expected["result"] == "empty", "half a profile"),
            ('uses "login_session"', True, "login"),
            ("which names a source of credentials that is not known", True, "unknown source"),
            ('uses "sso_session"', expected["result"] == "empty", "half a profile"),
            ('uses "sso_start_url"', expected["result"] == "empty", "half a profile"),
            ('uses "sso_region"', expected["result"] == "empty", "half a profile"),
            ("duration_seconds", longest > 43200, "too long")):
        if part in message and condition:
            return name
    return None


def difference(config, credentials, profile):
    """(what is not as it should be or None, a name of what was the case)."""
    got = ours(config, credentials, profile)
    expected = botocores(config, credentials, profile)
    wrong = {"config": config, "credentials": credentials, "profile": profile, "got": {**got},
             "expected": {**expected}}
    message = got.pop("error") or ""
    refused, programs = expected.pop("refused"), expected.pop("programs")
    got.pop("hint")
    error = expected.pop("error", None)
    if any(text in message for text in ("SECRET", "AKIA", "TOKEN", "\n")):
        return wrong, "a value in the message"
    if (message == "") != (got["result"] == "resolved"):
        return wrong, "a message that does not go with the result"
    if expected["result"] == got["result"] == "invalid":
        return None, "invalid"
    if got["result"] == "invalid":
        if any(f'uses "{key}' in message for key in refused):
            return None, "refused"
        name = explained(message, {**expected, "programs": programs}, f"{config}{credentials}")
        return (None if name else wrong), name
    if isinstance(error, botocore.exceptions.ParamValidationError) and got["result"] == "resolved":
        short = any(len(c[2].get(name, "x" * least)) < least for c in got["calls"]
                    for name, least in (("RoleArn", 20), ("ExternalId", 2), ("RoleSessionName", 2)))
        return (None if short else wrong), "too short"
    kind = expected["result"] if expected["result"] != "resolved" else \
        "a program" if programs else f"{len(expected['calls'])} calls"
    return (None if got == expected and not refused else wrong), kind


# ---- pairs at random --------------------------------------------------------

NAMES = ["default", "a", "b", "c", "d", "e f", "é", "profile", "DEFAULT"]
ROLES = [f"arn:aws:iam::123456789012:role/{name}" for name in "PQRS"]
SOURCES = ["Environment", "Ec2InstanceMetadata", "EcsContainer"]


def settings(rng, sources, last):
    """The settings of a profile of some kind; the last of a chain has keys more often."""
    def keys():
        return {"aws_access_key_id": f"AKIA{rng.randrange(100)}" if rng.random() < .97 else "",
                "aws_secret_access_key": f"SECRET/+{rng.randrange(100)}=="
                if rng.random() < .97 else "",
                **({"aws_session_token": "TOKEN:x=y"} if rng.random() < .3 else {}),
                **({"aws_security_token": "TOKENold"} if rng.random() < .1 else {})}

    durations = ["3600", "900", "+1_800", "899", "-5", "43200", "43201", "1h", "", "1__0",
                 "99999999999999", "3600 # an hour"]

    def role():
        return {"role_arn": rng.choice(ROLES),
                **({"external_id": rng.choice(["ext-1", "ext=2", ""])}
                   if rng.random() < .3 else {}),
                **({"role_session_name": rng.choice(["me", ""])} if rng.random() < .3 else {}),
                **({"duration_seconds": rng.choice(durations)} if rng.random() < .3 else {})}

    kind = rng.choices(["keys", "source", "credential_source", "web", "sso", "process", "none"],
                       [60 if last else 15, 20 if last else 50, 8, 9, 3, 9, 6])[0]
    result = {}
    if kind == "keys":
        result = keys()
    elif kind == "source":
        result = {**role(), "source_profile": rng.choice(sources)}
    elif kind == "credential_source":
        result = {**role(), "credential_source": rng.choice(
            SOURCES + ["environment", ""] * (rng.random() < .3))}
    elif kind == "web":
        result = {**role(),
                  "web_identity_token_file": rng.choice(["/run/token", "/run/other token", ""])}
    elif kind == "sso":
        result = {"sso_account_id": "123456789012", "sso_role_name": "r",
                  "sso_start_url": "https://x", "sso_region": "us-east-1"}
    elif kind == "process":
        result = {"credential_process": rng.choice(["/bin/cat SECRET", "p 'a b' $HOME;x",
                                                    '"a \\" b" \\c', "a 'b", "a \\",
                                                    "", "''", "é\u00a0x"])}
    for extra, chance in ((keys, .08), (role, .05),
                          (lambda: {"region": rng.choice(["eu-west-1", "us-east-1", ""])}, .5),
                          (lambda: {"mfa_serial": "arn:mfa"}, .04),
                          (lambda: {"output": "json"}, .2),
                          (lambda: {"credential_source": "Environment"}, .03),
                          (lambda: {"source_profile": rng.choice(NAMES)}, .05),
                          (lambda: {"web_identity_token_file": "/run/token"}, .02),
                          (lambda: {"credential_process": "/bin/true"}, .02),
                          (lambda: {"sso_session": "s", "sso_start_url": "https://x"}, .02),
                          (lambda: {"login_session": "arn:SECRET"}, .01),
                          (lambda: {"foo_credentials": "SECRET"}, .01),
                          (lambda: {"sso_account_id": "1"}, .01)):
        if rng.random() < chance:
            result = {**extra(), **result} if rng.random() < .5 else {**result, **extra()}
    if result and rng.random() < .08:
        del result[rng.choice(list(result))]
    return result


def header(rng, name, is_config):
    if not is_config:
        return name
    if name == "default" and rng.random() < .8:
        return name
    quoted = [f'"{name}"', f"'{name}'", name.replace(" ", "\\ "), f'{name[:1]}"{name[1:]}"']
    if " " not in name:
        quoted += [name] * 12
    space = rng.choice([" "] * 8 + ["  ", "\t", "s ", "\u00a0"])
    return "profile" + space + rng.choice(quoted) + rng.choice([""] * 9 + [" "])


def written(rng, sections, is_config):
    """A file's text: valid in most cases, in many a manner."""
    newline = rng.choice(["\n"] * 4 + ["\r\n", "\r"])
    out = []

    def noise():
        if rng.random() < .15:
            out.append(rng.choice(["", "", "  ", "# comment = x", "; [comment]",
                                   "  # indented", "\t"]))

    if rng.random() < .05:
        sections = {**sections, "DEFAULT": {"region": "ap-south-1", **settings(rng, NAMES, True)}}
    for name, values in rng.sample(list(sections.items()), len(sections)):
        noise()
        title = name if name == "DEFAULT" else header(rng, name, is_config)
        out.append("[" + title + "]" + rng.choice([""] * 9 + [" # comment", "x"]))
        indent = rng.choice(["", "", "", "  "])
        for key, value in rng.sample(list(values.items()), len(values)):
            noise()
            key = rng.choice([key, key, key, key.upper(), key.title()])
            out.append(indent + key
                       + rng.choice([" = ", "=", ": ", " :", "\t=\t", " =\u00a0"]) + value +
                       rng.choice([""] * 9 + [" ", "\t "]))
            if rng.random() < .01:
                out.append(rng.choice(["    more", "\u2003\u2003\u2003more",
                                       "    more = x", "  [more]"]))
        if rng.random() < .1:
            out.extend([indent + "s3 =", indent + "  max_concurrent_requests = 5", "",
                        indent + "    # comment", indent + "  addressing_style=path"])
        if rng.random() < .02:
            out.append(indent + rng.choice(["no delimiter", "region = x", "REGION = y", "= x", "[]",
                                            "s3 =\n  SECRET",
                                            "  \udcff", "[profile a]", "[a]", "[DEFAULT]",
                                            "\ufeffx = y"]))
    return newline.join(out) + rng.choice([newline, newline, ""])


def pair(rng):
    names = rng.sample(NAMES[:-1], rng.randrange(1, 6)) + ["DEFAULT"] * (rng.random() < .05)
    if rng.random() < .08:
        names.append(rng.choice(NAMES))
    files = {}, {}
    for i, name in enumerate(names):
        # Mostly without a circle, and with keys in the end.
        sources = names[i + 1:] if names[i + 1:] and rng.random() < .85 else names
        last = i == len(names) - 1
        values = settings(rng, sources, last)
        place = rng.choices(["config", "credentials", "both", "either"], [4, 3, 1, 4])[0]
        parts = dict(values), dict(values)
        if place == "either":
            second = {k for k in values if rng.random() < .5}
            if rng.random() < .7:       # keys are most often together
                keys = {k for k in values if k.startswith("aws_")}
                second = second | keys if rng.random() < .7 else second - keys
            parts = tuple({k: v for k, v in values.items() if (k in second) == (f == 1)}
                          for f in range(2))
        elif place == "both":
            parts = values, settings(rng, sources, last)
        for f, kind in enumerate(("config", "credentials")):
            if place in (kind, "both", "either"):
                files[f][name] = parts[f]
    text = [written(rng, files[i], i == 0) if files[i] or rng.random() < .5 else None
            for i in range(2)]
    return text[0], text[1], rng.choice([names[0]] * 50 + names * 10 + NAMES)


def at_random(rng):
    wrong, kinds = [], collections.Counter()
    for _ in range(RANDOM_PAIRS):
        bad, kind = difference(*pair(rng))
        kinds[kind] += 1
        if bad:
            wrong.append(bad)
    check(f"{RANDOM_PAIRS} random pairs of files come to what they come to in botocore",
          wrong[:1], [])
    print("# " + ", ".join(f"{kind}: {n}" for kind, n in kinds.most_common()))
    for kind in ("0 calls", "1 calls", "2 calls", "3 calls", "invalid", "refused", "absent",
                 "empty", "half a profile",
                 "empty key", "indented lines", "too long", "login", "unknown source", "a program"):
        check(f"among them there is: {kind}", kinds[kind] > 0, True)


DAMAGE = ["[", "]", "=", ":", " ", "  ", "\t", "\n", "\r", "\n ", "\n  ", "#", ";", '"', "'", "\\",
          "\u00a0", "\u2003",
          "\x1f", "\ufeff", "\udc80", "\udcc3", "\udced\udca0\udc80", "profile ", "DEFAULT",
          "é", "\U0001f600", "\n[default]\n"]


def damaged(rng):
    wrong, kinds = [], collections.Counter()
    for _ in range(DAMAGED_PAIRS):
        *files, profile = pair(rng)
        for _ in range(rng.randrange(1, 4)):
            i = rng.randrange(2)
            if files[i]:
                start = rng.randrange(len(files[i]))
                end = start + rng.choice([0, 0, 1, 1, 2, 8])
                files[i] = files[i][:start] + rng.choice(DAMAGE + [""] * 8) + files[i][end:]
        bad, kind = difference(*files, profile)
        kinds[kind] += 1
        if bad:
            wrong.append(bad)
    check(f"{DAMAGED_PAIRS} damaged pairs of files come to what they come to in botocore",
          wrong[:1], [])
    print("# " + ", ".join(f"{kind}: {n}" for kind, n in kinds.most_common()))


# ---- pairs by hand ------------------------------------------------------------

KEYS = "aws_access_key_id = AKIA1\naws_secret_access_key = SECRET1\n"
KEYS2 = "aws_access_key_id = AKIA2\naws_secret_access_key = SECRET2\naws_session_token = TOKEN2\n"
ROLE = f"role_arn = {ROLES[0]}\n"
BY_B, B = f"[profile a]\n{ROLE}source_profile = b\n", f"[profile b]\n{KEYS}"
ONE, TWO = ("AKIA1", "SECRET1", None), ("AKIA2", "SECRET2", "TOKEN2")
P = {"RoleArn": ROLES[0]}


def role(credentials, arn=ROLES[0], **parameters):
    return ["assume_role", credentials, {"RoleArn": arn, **parameters}]


def web(**parameters):
    return ["assume_role_with_web_identity", None,
            {**P, "WebIdentityToken": "read of /t", **parameters}]


def of_a(settings, *expected):
    """The case of a config file that begins with profile a, without a credentials file."""
    return f"[profile a]\n{settings}", None, "a", *expected


CASES = [
    # config, credentials, profile, then the credentials and the calls, or a part of the message
    # -- static keys, and where a profile is looked for
    (None, f"[a]\n{KEYS}", "a", ONE, []),
    of_a(KEYS2, TWO, []),
    (f"[default]\n{KEYS}", None, "default", ONE, []),
    (f"[profile default]\n{KEYS}", None, "default", ONE, []),
    (f"[default]\n{KEYS}\n[profile default]\n{KEYS2}", None, "default", TWO, []),
    (f"[profile default]\n{KEYS2}\n[default]\n{KEYS}", None, "default", ONE, []),
    (f"[default]\n{KEYS2}", f"[default]\n{KEYS}", "default", ONE, []),
    (f"[a]\n{KEYS}", None, "a", 'profile "a" does not exist'),
    (None, f"[profile a]\n{KEYS}", "a", 'profile "a" does not exist'),
    (None, f"[profile a]\n{KEYS}", "profile a", ONE, []),
    (None, None, "default", 'profile "default" does not exist'),
    ("", "", "default", 'profile "default" does not exist'),
    (f"[sso-session a]\n{KEYS}", None, "a", 'profile "a" does not exist'),
    (f'[profile "a b"]\n{KEYS}', None, "a b", ONE, []),
    (f"[profile 'a \"b']\n{KEYS}", None, 'a "b', ONE, []),
    (f'[profile "a\\"\\b"]\n{KEYS}', None, 'a"\\b', ONE, []),
    (f'[profile "a\\\\b"]\n{KEYS}', None, "a\\b", ONE, []),
    (f"[profile 'a\\']\n{KEYS}", None, "a\\", ONE, []),
    (f"[profile a\\ b]\n{KEYS}", None, "a b", ONE, []),
    (f"[profile a b]\n{KEYS}", None, "a b", "does not exist"),
    (f'[profile "a]\n{KEYS}', None, "a", "does not exist"),
    (f"[profile a\\]\n{KEYS}", None, "a", "does not exist"),
    (f"[profile]\n{KEYS}", None, "profile", "does not exist"),
    (f"[profiles a]\n{KEYS}", None, "a", ONE, []),
    (f"[ profile a]\n{KEYS}", None, "a", "does not exist"),
    (f"[profile\ta ]\n{KEYS}", None, "a", ONE, []),
    (f"[profile é]\n{KEYS}", None, "é", ONE, []),
    of_a(f"{KEYS2}\n[profile 'a']\n{KEYS}", ONE, []),
    (f"[DEFAULT]\n{KEYS}\n[profile a]\n", None, "a", ONE, []),
    of_a(f"{KEYS2}\n[DEFAULT]\n{KEYS}", TWO, []),
    (f"[profile a]\n{KEYS2}", f"[DEFAULT]\n{KEYS}\n[a]\n", "a", (*ONE[:2], None), []),
    (f"[DEFAULT]\n{KEYS}", None, "DEFAULT", "does not exist"),
    (f"[profile DEFAULT]\n{KEYS}", None, "DEFAULT", ONE, []),
    of_a(f"{KEYS}aws_security_token = TOKENold\naws_session_token = TOKENnew\n",
     (*ONE[:2], "TOKENold"), []),
    of_a(f"{KEYS}aws_session_token =\n", ONE, []),
    # -- half of the keys
    of_a("aws_access_key_id = AKIA1\n", 'profile "a" has no "aws_secret_access_key" beside its'),
    (f"[profile a]\n{KEYS}", "[a]\naws_access_key_id = AKIA2\n", "a",
     'no "aws_secret_access_key" beside its'),
    ("[profile a]\naws_secret_access_key = SECRET1\n", "[a]\naws_access_key_id = AKIA1\n", "a",
     'no "aws_secret_access_key"'),
    (f"[profile a]\n{KEYS}", "[a]\naws_secret_access_key = SECRET2\n", "a", ONE, []),
    of_a("aws_secret_access_key = SECRET1\n", 'has no "aws_access_key_id" beside its'),
    of_a("aws_access_key_id =\naws_secret_access_key = SECRET1\n", 'an empty "aws_access_key_id"'),
    of_a("aws_access_key_id = AKIA1\naws_secret_access_key =\n",
     'an empty "aws_secret_access_key"'),
    # -- no word of credentials
    ("[default]\nregion = x\n", None, "default", 'profile "default" holds no credentials'),
    ("[profile a]\nmfa_serial = b\n[profile b]\n" + KEYS,
     None, "a", 'profile "a" holds no credentials'),
    # -- roles
    (f"{BY_B}{B}", None, "a", issued(1), [role(ONE)]),
    (f"{BY_B}", f"[b]\n{KEYS2}", "a", issued(1), [role(TWO)]),
    (f"[profile a]\n{ROLE}", f"[a]\nsource_profile = b\n[b]\n{KEYS}", "a", issued(1), [role(ONE)]),
    (f"[profile a]\n{ROLE}source_profile = c\n", f"[a]\nsource_profile = b\n[b]\n{KEYS}", "a",
     issued(1), [role(ONE)]),
    (f"{BY_B}external_id = x=y\nrole_session_name = me\nduration_seconds = 3600\n"
     f"{B}", None, "a", issued(1),
     [role(ONE, ExternalId="x=y", RoleSessionName="me", DurationSeconds=3600)]),
    (f"{BY_B}[profile b]\nrole_arn = {ROLES[1]}\nsource_profile = c\n"
     f"external_id = xy\n[profile c]\n{KEYS}", None, "a", issued(2),
     [role(ONE, ROLES[1], ExternalId="xy"), role(issued(1))]),
    (f"{BY_B}{B}role_arn = {ROLES[1]}\nsource_profile = c\n", None,
     "a", issued(1), [role(ONE)]),      # the source's own keys first
    of_a(f"{KEYS}{ROLE}source_profile = b\n[profile b]\n{KEYS2}", issued(1), [role(TWO)]),
    of_a(f"{KEYS}{ROLE}source_profile = a\n", issued(1), [role(ONE)]),
    of_a(f"{ROLE}credential_source = Environment\n", issued(1),
     [role(("environment", "secret", None))]),
    of_a(f"{ROLE}credential_source = Ec2InstanceMetadata\n", issued(1),
     [role(("instance", "secret", None))]),
    (f"{BY_B}[profile b]\nrole_arn = {ROLES[1]}\ncredential_source = EcsContainer\n",
     None, "a", issued(2), [role(("container", "secret", None), ROLES[1]), role(issued(1))]),
    of_a(f"{ROLE}credential_source = environment\n", '"credential_source" that is none of'),
    of_a(f"{ROLE}credential_source =\n", 'an empty "credential_source"'),
    of_a(f"{ROLE}credential_source = Environment\nsource_profile = b\n{B}",
     'profile "a" has both "source_profile" and "credential_source"'),
    of_a(ROLE, 'profile "a" has neither "source_profile" nor "credential_source"'),
    of_a(f"{KEYS}{ROLE}", 'profile "a" has neither "source_profile" nor'),
    (f"{BY_B}", None, "a", 'profile "a" has a "source_profile" that does not exist'),
    of_a(f"{ROLE}source_profile =\n[profile '']\n{KEYS}", 'an empty "source_profile"'),
    (f"{BY_B}[profile b]\nregion = x\n", None, "a",
     'profile "a" has the "source_profile" "b", which holds no credentials'),
    of_a(f"role_arn =\nsource_profile = b\n{B}", 'an empty "role_arn"'),
    of_a(f"{ROLE}external_id =\nsource_profile = b\n{B}", 'an empty "external_id"'),
    # -- circles
    of_a(f"{ROLE}source_profile = a\n",
     'profile "a" has the "source_profile" "a", which leads round'),
    (f"{BY_B}[profile b]\n{ROLE}source_profile = a\n", None, "a",
     'profile "b" has the "source_profile" "a", which leads round'),
    of_a(f"{KEYS}{ROLE}source_profile = b\n[profile b]\n{ROLE}source_profile = a\n", "leads round"),
    (f"{BY_B}[profile b]\n{ROLE}source_profile = b\n", None, "a", "leads round"),
    (f"{BY_B}[profile b]\n{ROLE}source_profile = c\n"
     f"[profile c]\n{ROLE}source_profile = b\n", None, "a",
     'profile "c" has the "source_profile" "b", which leads round'),
    # -- web identities
    of_a(f"{ROLE}web_identity_token_file = /t\n", issued(1), [web()]),
    of_a(f"{ROLE}web_identity_token_file = /t\nrole_session_name = me\nduration_seconds = 900\n"
     f"source_profile = x\nmfa_serial = m\n{KEYS}", issued(1), [web(RoleSessionName="me")]),
    of_a(f"role_arn = {ROLES[1]}\nsource_profile = b\n[profile b]\n{ROLE}web_identity_token_file = "
         f"/t\n{KEYS}", issued(2), [web(), role(issued(1), ROLES[1])]),
    of_a("web_identity_token_file = /t\n",
     'has no "role_arn" beside its "web_identity_token_file"'),
    of_a("role_arn=\nweb_identity_token_file = /t\n", 'an empty "role_arn"'),
    of_a(f"{ROLE}web_identity_token_file =\n{KEYS}", ONE, []),
    # -- refused, where botocore would use it
    (f"{BY_B}mfa_serial = m\n{B}", None, "a",
     'profile "a" uses "mfa_serial", which needs a person: use a role without MFA, or keys'),
    (f"{BY_B}[profile b]\n{ROLE}source_profile = c\nmfa_serial =\n[profile c]\n{KEYS}",
     None, "a", 'profile "b" uses "mfa_serial"'),
    of_a(f"mfa_serial = m\n{KEYS}", ONE, []),
    ("[profile a]\nsso_account_id = 1\nsso_role_name = r\nsso_start_url = u\nsso_region = x\n",
     f"[a]\n{KEYS}", "a", 'profile "a" uses "sso_account_id", which needs a person to log in'),
    of_a(f"sso_role_name = r\n{KEYS}", 'uses "sso_role_name"'),
    of_a("sso_session = s\nsso_account_id = 1\nsso_role_name = r\n[sso-session s]\n"
         "sso_start_url = u\n"
     "sso_region = x\n", 'uses "sso_account_id"'),
    of_a("sso_session = s\n", 'uses "sso_session"'),
    of_a("sso_start_url = u\n", 'uses "sso_start_url"'),
    of_a("sso_region = x\n", 'uses "sso_region"'),
    of_a(f"sso_session = s\n{KEYS}", ONE, []),
    (f"{BY_B}[profile b]\nsso_account_id = 1\nsso_role_name = r\nsso_start_url = u\n"
     "sso_region = x\n", None, "a", 'profile "b" uses "sso_account_id"'),
    of_a("login_session = SECRET\n", 'profile "a" uses "login_session", which needs a person'),
    of_a(f"login_session = SECRET\n{KEYS}", 'profile "a" uses "login_session", which needs'),
    of_a(f"login_session = SECRET\n{ROLE}source_profile = b\n{B}", issued(1),
     [role(ONE)]),
    # -- programs
    of_a("credential_process = /bin/cat 'SECRET 1'\n", program(["/bin/cat", "SECRET 1"]), []),
    (None, "[a]\ncredential_process = p\n", "a", program(["p"]), []),
    ("[profile a]\ncredential_process = p\n", "[a]\ncredential_process = q\n", "a",
     program(["q"]), []),
    of_a(f"credential_process = p\n{KEYS}", program(["p"]), []),
    (f"[profile a]\n{KEYS}", "[a]\ncredential_process = p\n", "a", program(["p"]), []),
    (f"{BY_B}[profile b]\ncredential_process = p\n", None, "a", issued(1),
     [role(program(["p"]))]),
    of_a("credential_process = p\n x\n", 'indented lines below its "credential_process"'),
    of_a("credential_process =\n", 'profile "a" has an empty "credential_process"'),
    *(of_a(f"credential_process = {text}\n", program(words), []) for text, words in (
        ("p $HOME `x` *;| > & # \\$", ["p", "$HOME", "`x`", "*;|", ">", "&", "#", "$"]),
        ("'' p", ["", "p"]),
        ("p a''b\"c d\"'e \\'", ["p", "abc de \\"]), ('p "\\a\\\\\\" \\\'"', ["p", "\\a\\\" \\'"]),
        ("p\u00a0q r", ["p\u00a0q", "r"]))),
    *(of_a(f"credential_process = {text}\n", "a quote that is not closed, or nothing after")
      for text in ("p 'a", 'p "a', 'p "a\\"', "p \\")),
    # -- sources that are not known, or not whole
    of_a("foo_credentials = SECRET\n",
     'profile "a" uses "foo_credentials", which names a source of credentials that is not known'),
    *(of_a(f"{key} = SECRET\n{KEYS}", f'profile "a" uses "{key}", which names a source')
      for key in ("sso_x", "login_x", "source_x", "web_identity_x", "x_process", "x_session",
                  "x_token_file")),
    ("[DEFAULT]\nfoo_credentials = x\n[profile a]\nregion = x\n",
     None, "a", 'uses "foo_credentials", which names'),
    *(of_a(f"{key} = x\n{KEYS}", ONE, [])
      for key in ("sso_registration_scopes", "role_session_name", "services",
                  "granted_sso_start_url", "output",
                  "x_security_token_expires", "source_profile", "aws_account_id", "cli_pager")),
    ("[profile a]\nfoo_credentials = SECRET\n", f"[a]\n{KEYS}", "a", ONE, []),
    of_a(f"foo_credentials = SECRET\n{ROLE}source_profile = b\n{B}", issued(1),
     [role(ONE)]),
    of_a("source_profile = SECRET\n", 'profile "a" has no "role_arn" beside its "source_profile"'),
    of_a("credential_source = SECRET\n", 'has no "role_arn" beside its "credential_source"'),
    of_a("aws_session_token = TOKEN\n", 'no "aws_access_key_id" beside its "aws_session_token"'),
    of_a("web_identity_token_file =\n", 'profile "a" has an empty "web_identity_token_file"'),
    of_a(f"credential_process = p\n{ROLE}source_profile = b\n{B}", issued(1),
     [role(ONE)]),
    # -- durations
    *((f"{BY_B}duration_seconds = {text}\n{B}", None, "a", issued(1),
       [role(ONE, **({"DurationSeconds": seconds} if seconds else {}))])
      for text, seconds in (("900", 900), ("43200", 43200), ("+1_000", 1000), ("000900", 900),
                            ("", 0), ("1h", 0),
                            ("1000_", 0), ("_1000", 0), ("1__000", 0), ("-", 0), ("9e3", 0),
                            ("1000 # x", 0))),
    *((f"{BY_B}duration_seconds = {text}\n{B}", None, "a",
       'profile "a" has a "duration_seconds" that is not from 900 to 43200')
      for text in ("0", "899", "43201", "-900", "9" * 40)),
    # -- syntax that is taken
    (f"# c\n; c\n\n[profile a]\n # c\n{KEYS}", None, "a", ONE, []),
    (f"[profile a]\r\n{KEYS}".replace("\n", "\r\n"), None, "a", ONE, []),
    (f"[profile a]\n{KEYS}".replace("\n", "\r"), None, "a", ONE, []),
    of_a("AWS_Access_Key_ID:AKIA1\naws_secret_access_key\u00a0=\u2003SECRET1\u3000\n", ONE, []),
    of_a("  aws_access_key_id = AKIA1\n  aws_secret_access_key = SECRET1", ONE, []),
    of_a("aws_access_key_id = AKIA1\naws_secret_access_key = SECRET1 # c ; d\n",
     ("AKIA1", "SECRET1 # c ; d", None), []),
    of_a("aws_access_key_id = AKIA1\naws_secret_access_key = SECRET1=:=\n",
     ("AKIA1", "SECRET1=:=", None), []),
    (f"[profile a] # c\ns3 =\n  max = 5\n\n  # c\n  [x] = y\n{KEYS}", None, "a", ONE, []),
    (f"  [profile a]\n {KEYS}", None, "a", ONE, []),
    of_a(f"output = a\n  b\n  c\n{KEYS}", ONE, []),
    (f"[profile a]x]\n{KEYS}", None, "a]x", ONE, []),
    # -- and that is not
    (f"{KEYS}[profile a]\n", None, "a", "line 1 of the config file stands before any [section]"),
    of_a(f"{KEYS}SECRET\n", "line 4 of the config file is neither a [section]"),
    (None, f"[x]\n{KEYS}SECRET\n[a]\n{KEYS}", "a",
     "line 4 of the credentials file is neither a [section]"),
    of_a(f"{KEYS}[]\n", "line 4 of the config file is neither a [section]"),
    (f"[profile a\n{KEYS}", None, "a", "line 1 of the config file stands before any [section]"),
    of_a(f"{KEYS}= SECRET\n", 'line 4 of the config file has no key before its "="'),
    of_a(f"{KEYS}[profile b]\n[profile a]\n", "line 5 of the config file begins a section"),
    of_a(f"{KEYS}AWS_SECRET_ACCESS_KEY = SECRET\n", "line 4 of the config file has a key that"),
    ("[DEFAULT]\nx = y\n[a]\nx = y\n[DEFAULT]\nX : y\n",
     None, "a", "line 6 of the config file has a key that"),
    (f"[profile a]\r\rs3 =\r\n  SECRET\r\n{KEYS}",
     None, "a", "line 4 of the config file is indented below a key"),
    of_a(f"{KEYS}x = \udcff\n", "line 4 of the config file is not in UTF-8"),
    of_a(f"{KEYS}\udced\udca0\udc80", "line 4 of the config file is not in UTF-8"),
    (f"\ufeff[profile a]\n{KEYS}", None, "a",
     "line 1 of the config file begins with a byte order mark"),
    (f"\ufeff# c\n[profile a]\n{KEYS}",
     None, "a", "line 1 of the config file begins with a byte order mark"),
    of_a("aws_access_key_id = AKIA1\n aws_secret_access_key = SECRET1\n",
     'profile "a" has indented lines below its "aws_access_key_id"'),
    of_a(f"region =\n  x = y\n{KEYS}", 'indented lines below its "region"'),
    of_a(f"{ROLE}credential_source = Environment\n x\n",
     'indented lines below its "credential_source"'),
    of_a(f"{ROLE}duration_seconds = 900\n x\nsource_profile = b\n{B}",
     'indented lines below its "duration_seconds"'),
]

REGIONS = [
    # config, credentials, the Region of the profile a
    ("[profile a]\nregion = eu-west-1\n[profile b]\nregion = x\n", None, "eu-west-1"),
    ("[profile a]\nregion = eu-west-1\n", "[a]\nregion = us-east-1\n", "us-east-1"),
    (f"[profile a]\nregion = eu-west-1\n{ROLE}source_profile = b\n[profile b]\nregion = x\n{KEYS}",
     None, "eu-west-1"),
    ("[profile a]\nregion =\n", None, None),
    (f"[profile a]\n{KEYS}", None, None),
]



# ---- large files ---------------------------------------------------------------

LARGE, SMALL = 1_000_000, 8_000
# A file of 1 MB takes a fraction of that, even here; by quadratic means, a minute.
SECONDS = 5


def repeated(line, size):
    """Lines, numbered, of about so many bytes in all."""
    return "".join(line.format(i) for i in range(size // len(line.format(size // 10))))


SHAPES = {
    "sections": lambda size: (repeated("[profile p{}]\n", size) + f"[profile a]\n{KEYS}", None),
    "sections, the last twice": lambda size: (repeated("[profile p{}]\n", size)
                                              + "[profile p0]\n[profile a]\n", None),
    "sections of both files": lambda size: (repeated("[profile p{}]\n", size),
                                            repeated("[p{}]\n", size) + f"[a]\n{KEYS}"),
    "keys": lambda size: ("[profile a]\n" + repeated("k{}=\n", size) + KEYS, None),
    "keys, the last twice": lambda size: ("[profile a]\n" + repeated("k{}=\n", size)
                                          + "k0=\n", None),
    "keys of [DEFAULT]": lambda size: ("[DEFAULT]\n" + repeated("k{}=\n", size)
                                       + f"[profile a]\n{KEYS}", None),
    "keys of sections": lambda size: (repeated("[profile p{0}]\nk{0}=\n", size)
                                      + f"[profile a]\n{KEYS}", None),
    "indented lines": lambda size: ("[profile a]\ns3 =\n" + repeated("  k{}=\n", size)
                                    + KEYS, None),
    "indented lines, empty ones": lambda size: ("[profile a]\ns3 =\n" + repeated("  k{}=\n\n", size)
                                                + KEYS, None),
    "comments": lambda size: ("[profile a]\n" + repeated("#\n", size) + KEYS, None),
    "one line": lambda size: (f"[profile a]\n{KEYS}output = {'x' * size}\n", None),
    "spaces": lambda size: (f"[profile a]\n{KEYS}output =" + " " * size + "x"
                            + "\u3000" * (size // 3) + "\n", None),
    "one header": lambda size: (f"[profile {'x' * size}]\n[profile a]\n{KEYS}", None),
    "words": lambda size: ("[profile a]\ncredential_process = p" + " x" * (size // 2), None),
    "sources": lambda size: (f"[profile a]\n{ROLE}source_profile = p0\n" + "".join(
        f"[profile p{i}]\n{ROLE}source_profile = p{i + 1}\n" for i in range(size // 80)),
        f"[p{size // 80}]\n{KEYS}"),
    "sources in a circle": lambda size: (f"[profile a]\n{ROLE}source_profile = p0\n" + "".join(
        f"[profile p{i}]\n{ROLE}source_profile = p{(i + 1) % (size // 80)}\n" for i
        in range(size // 80)), None),
}


def large():
    for name, shape in SHAPES.items():
        check(f"{name}: as in botocore", difference(*shape(SMALL), "a")[0], None)
        small = ours(*shape(SMALL), "a")["result"]
        started = time.monotonic()
        check(f"{name}: 1 MB comes to the same", ours(*shape(LARGE), "a")["result"], small)
        check(f"{name}: 1 MB in {SECONDS} seconds", time.monotonic() - started < SECONDS, True)
        print(f"# {name}: {time.monotonic() - started:.2f} s")


for config, credentials, profile, expected, *calls in CASES:
    name = f"{config!r} {credentials!r} {profile!r}"
    got = ours(config, credentials, profile)
    if calls:
        check(name, (got.get("credentials"), got.get("calls"), got["error"]),
              (expected, calls[0], None))
    else:
        check(name, expected if expected in (got["error"] or "") else got, expected)
    check(f"{name}, as in botocore", difference(config, credentials, profile)[0], None)
for key in "sso_account_id", "sso_session", "login_session", "foo_credentials":
    check(f"hint of {key}",
          "credential_process = aws configure export-credentials --profile a --format process" in (
        ours(f"[profile a]\n{key} = SECRET\n", None, "a")["hint"] or ""), True)
for config, credentials, region in REGIONS:
    check(f"Region of {config!r} {credentials!r}", ours(config, credentials, "a")["region"], region)
    check("the same, as in botocore", difference(config, credentials, "a")[0], None)
large()
at_random(random.Random(20261125))
damaged(random.Random(20261126))
print(f"1..{tests}")
driver.stdin.close()
sys.exit(1 if failures or driver.wait() else 0)
