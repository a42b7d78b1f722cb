#!/usr/bin/python3
"""A stand-in for where AWS's SDKs take credentials from: STS, IMDS, a container.

One process, a port for each.  STS verifies signatures, bodies included, with
botocore's own signer and believes the base keys of endpoint.py and whatever was
issued here; each issued credential is appended to a file, one JSON object a
line, before it is answered, so that the GetImage endpoint can believe it too.

A role's name may pick what happens (see Sts.allow).  Everything else is steered
and counted through paths below /-/ (see Handler.control and SETTINGS); the modes
that a service may be in are those of mode().
"""
import argparse
import base64
import collections
import datetime
import hashlib
import http.server
import json
import math
import os
import pathlib
import re
import secrets
import select
import signal
import socket
import socketserver
import ssl
import sys
import threading
import time
import urllib.parse
import uuid
import xml.sax.saxutils

import botocore.auth
import botocore.awsrequest
import botocore.credentials

import endpoint
import faults
import stand_in
from endpoint import ServiceError

ACCOUNT = "123456789012"
EXTERNAL_ID = "secret-external-id"
WEB_IDENTITY_TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJleGFtcGxlIn0.webIdentitySignature-_EXAMPLE"
EXPIRED_WEB_IDENTITY_TOKEN = WEB_IDENTITY_TOKEN.replace("webIdentity", "expiredIdentity")
SHORT = 1                       # s for which the credentials of a role named Short are valid
NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/(?:[\w+=,.@/-]*/)?([\w+=,.@-]{1,64})",
                  re.ASCII)
SESSION = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
REGIONAL_HOST = re.compile(r"sts(?:-fips)?\.(?:([a-z]{2,}(?:-[a-z]+)+-\d)\.)?[a-z].*")
ROLES = "/latest/meta-data/iam/security-credentials/"
ERRORS = {"AccessDenied": 403, "ExpiredToken": 403, "ExpiredTokenException": 400,
          "IDPCommunicationError": 400,
          "IDPRejectedClaim": 403, "IncompleteSignature": 400, "InternalFailure": 500,
          "InvalidClientTokenId": 403,
          "InvalidIdentityToken": 400, "PackedPolicyTooLarge": 400, "RegionDisabledException": 403,
          "RequestExpired": 400, "ServiceUnavailable": 503, "SignatureDoesNotMatch": 403,
          "Throttling": 400, "ValidationError": 400}
COUNTS = ("requests", "connections", "actions", "roles", "sessions", "callers", "status", "errors",
          "accept", "regions", "paths", "authorization", "user_agents", "max_in_flight")


def iso(seconds):
    when = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def xml_of(value):
    if isinstance(value, dict):
        return "".join(f"<{name}>{xml_of(item)}</{name}>" for name, item in value.items())
    return "" if value is None else xml.sax.saxutils.escape(str(value))


class State:
    """What is issued, set and counted; shared by the services."""

    def __init__(self, latency, region, file):
        self.lock = threading.Lock()
        self.latency, self.region, self.file = latency, region, file
        # access key id: (secret access key, session token, role, expiration)
        self.credentials = {key: (*known, None, None)
                            for key, known in endpoint.CREDENTIALS.items()}
        self.secrets = {secret for known in endpoint.CREDENTIALS.values()
                        for secret in known if secret}
        self.secrets |= {EXTERNAL_ID, WEB_IDENTITY_TOKEN, EXPIRED_WEB_IDENTITY_TOKEN}
        self.imds_tokens = {}           # token: when it expires
        self.in_flight = collections.Counter()
        self.reset()

    def reset(self):
        """Counters and settings as at the start.  What was issued stays valid, and secret."""
        self.counts = {name: collections.Counter() for name in COUNTS}
        self.v1 = self.issued = 0
        self.seen = collections.Counter()       # requests met by each mode, and of each role
        self.settings = {name: make(default) for name, (default, make) in SETTINGS.items()}

    def set(self, name, text):
        self.settings[name] = SETTINGS[name][1](text)
        self.seen[name] = 0
        if name in ("web_identity_tokens", "container_authorization"):
            self.secrets |= {secret for secret in text.split(",") if secret}

    def count(self, name, what):
        with self.lock:
            self.counts[name][what] += 1

    def enter(self, service):
        with self.lock:
            self.in_flight[service] += 1
            self.counts["requests"][service] += 1
            self.counts["max_in_flight"][service] = max(
                self.counts["max_in_flight"][service], self.in_flight[service])

    def take_mode(self, service, action):
        """The mode that this request is to meet, if any."""
        name, only, times = self.settings[service]
        if (not name or only not in (None, action)
                or name in CHANGED and action in WITHOUT_CREDENTIALS):
            return None
        with self.lock:
            self.seen[service] += 1
            return name if times is None or self.seen[service] <= int(times) else None

    def wait(self):
        """As long as roles named Slow take: less if that is set to less meanwhile."""
        begun = time.monotonic()
        while time.monotonic() < begun + (self.settings["latency"] or self.latency):
            time.sleep(0.01)

    def now(self):
        return endpoint.now() + self.settings["clock"]

    def issue(self, role, lifetime):
        """New credentials, the token long and full of what URLs encode."""
        def random(size, end):
            return base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") + end
        key = "ASIA" + base64.b32encode(secrets.token_bytes(10)).decode()
        secret, token = random(28, "/+"), "IQoJb3JpZ2luX2Vj/" + random(400, "+/==")
        expiration = math.ceil(self.now() + lifetime)
        line = {"access_key_id": key, "secret_access_key": secret, "session_token": token,
                "expiration": expiration, "role_arn": role, "account": role.split(":")[4]}
        with self.lock:
            self.credentials[key] = (secret, token, role, expiration)
            self.secrets |= {secret, token}
            self.issued += 1
            if self.file:
                with open(self.file, "a", encoding="ascii") as file:
                    file.write(json.dumps(line) + "\n")
        return {"AccessKeyId": key, "SecretAccessKey": secret, "SessionToken": token,
                "Expiration": expiration}

    def issue_imds_token(self, lifetime):
        token = base64.b64encode(secrets.token_bytes(40)).decode()
        with self.lock:
            self.imds_tokens[token] = self.now() + lifetime
            self.secrets.add(token)
        return token


class Handler(http.server.BaseHTTPRequestHandler):
    """A request to any of the services, and what its mode makes of the answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self):
        if self.server.tls:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()
        self.state = self.server.state
        self.state.count("connections", self.service)

    def finish(self):
        try:
            super().finish()
        except OSError:
            pass

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass                # the client went away

    def log_message(self, *arguments):
        pass

    def date_time_string(self, timestamp=None):
        return super().date_time_string(timestamp or self.state.now())

    def respond(self):
        path, _, query = self.path.partition("?")
        if "transfer-encoding" in self.headers:
            return self.send_error(411)
        self.body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.entered, self.change = False, {}
        if path.startswith("/-/"):
            return self.control(path[3:], urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.state.enter(self.service)
        self.entered = True
        try:
            self.state.count("user_agents", self.headers.get("user-agent", ""))
            self.state.count("paths", f"{self.service} {self.command} {self.path}")
            action = self.action(path)
            self.state.count("actions", action)
            taken = self.state.take_mode(self.service, action)
            try:
                self.fail(taken)
                self.change = CHANGED.get(taken, {})
                answer = self.answer(action)
            except ServiceError as error:
                self.state.count("errors", error.code)
                taken, answer = None, (error.status,
                                       *self.error(error.status, error.code, error.message))
            SPOILED.get(taken, Handler.send)(self, *answer)
        finally:
            self.leave()

    do_GET = do_PUT = do_POST = respond

    def control(self, path, parameters):
        """GET counters, secrets; POST reset, forget (IMDS tokens), set?NAME=VALUE; not counted."""
        state, status, answer = self.state, 200, {}
        with state.lock:
            try:
                if path == "counters":
                    answer = {**state.counts, "in_flight": +state.in_flight, "v1": state.v1,
                              "issued": state.issued}
                elif path == "secrets":     # as they are, and as a query or form has them
                    answer = sorted(state.secrets | {urllib.parse.quote(known, safe="-_.~")
                                                     for known in state.secrets})
                elif path == "reset":
                    state.reset()
                elif path == "forget":
                    state.imds_tokens.clear()
                elif path == "set" and parameters:
                    for name, value in parameters:
                        state.set(name, value)
                else:
                    raise KeyError(path)
            except (KeyError, ValueError) as error:
                status, answer = 400, {"unknown": str(error)}
            answer = json.dumps(answer)
        self.send(status, "application/json", answer)

    def fail(self, name):
        """Report the error that a mode is, if it is one."""
        if name == "echo":      # repeats what was sent, secrets included, as AWS does at times
            raise ServiceError(400, "ValidationError",
                               f"Was sent:\n{self.headers}\n{self.body.decode('latin-1')}")
        if name in ERRORS:
            raise ServiceError(ERRORS[name], name,
                               "Rate exceeded" if name == "Throttling" else f"This is a {name}.")
        if re.fullmatch(r"e\d{3}", name or ""):
            status = int(name[1:])
            raise ServiceError(status, faults.REASONS.get(status, "Status").replace(" ", ""),
                               f"This is a {status}.")

    def issue(self, role, lifetime, token_name="Token", write=iso):
        """Credentials as a service calls their members, spoilt if its mode says so."""
        asked = self.state.settings[f"{self.service}_lifetime"]
        asked = self.state.settings["lifetime"] if asked is None else asked
        issued = self.state.issue(role, lifetime if asked is None or lifetime == SHORT else asked)
        issued["Expiration"] = write(issued["Expiration"])
        issued = {name: value for name, value in {**issued, **self.change}.items()
                  if value is not DROPPED}
        return {token_name if name == "SessionToken" else name: value
                for name, value in issued.items()}

    def leave(self):
        """Before an answer is sent, lest its reader be back before it is counted out."""
        with self.state.lock:
            self.state.in_flight[self.service] -= self.entered
        self.entered = False

    def send(self, status, content_type, body, headers=None, part=1, padding=0):
        """An answer, but only that part of what it announces; padding leaves JSON and XML valid."""
        if self.entered:
            self.state.count("status", f"{self.service} {status}")
        self.leave()
        body = body.encode()
        self.send_response_only(status, faults.REASONS.get(status))
        for name, value in {"Date": self.date_time_string(), "Content-Type": content_type,
                            "Content-Length": len(body) + padding, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:int(len(body) * part)])
        for _ in range(padding >> 16):
            self.wfile.write(b" " * (1 << 16))
        self.wfile.flush()
        self.close_connection |= part < 1

    def send_badchunk(self, body):
        """One good chunk, and one whose size is none."""
        self.leave()
        self.close_connection = True
        half = len(body) // 2
        self.wfile.write(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{half:x}\r\n"
                         f"{body[:half]}\r\n"
                         f"x\r\n{body[half:]}".encode())

    def linger(self):
        """Silence, until the client leaves."""
        self.close_connection = True
        select.select([self.connection], [], [], faults.PATIENCE)


# Modes that send something else than the answer, once the request is found good.
SPOILED = {
    "hang": lambda handler, *answer: handler.linger(),
    "close": lambda handler, *answer: setattr(handler, "close_connection", True),
    "stall": lambda handler, *answer: (handler.send(*answer, part=0.5), handler.linger()),
    "truncate": lambda handler, *answer: handler.send(*answer, part=0.5),
    "huge": lambda handler, *answer: handler.send(*answer, padding=64 << 20),
    "nul": lambda handler, status, kind, body, *rest: handler.send(
        status, kind, body + "\0" + "A" * 60000, *rest),
    "nulend": lambda handler, status, kind, body, *rest: handler.send(
        status, kind, body + "\0", *rest),
    "newline": lambda handler, status, kind, body, *rest: handler.send(
        status, kind, body + "\n", *rest),
    "badjson": lambda handler, status, kind, body, *rest: handler.send(
        status, kind, body[:len(body) // 2], *rest),
    "bare": lambda handler, status, kind, body, *rest: handler.send(
        status, kind, body.replace('"', ""), *rest),
    "apostrophes": lambda handler, status, kind, body, *rest: handler.send(
        status, kind, body.replace('"', "'"), *rest),
    "comment": lambda handler, status, kind, body, *rest: handler.send(
        status, kind, f"/* {body} */ {{}}", *rest),
    "inheader": lambda handler, status, kind, body, *rest: handler.send(
        status, kind, "{}", {"X-Copy": body}),
    "inerror": lambda handler, status, kind, body, *rest: handler.send(500, kind, body, *rest),
    "excess": lambda handler, status, kind, body, *rest: handler.send(
        status, kind, body, {"Content-Length": 2}),
    "badchunk": lambda handler, status, kind, body, *rest: handler.send_badchunk(body),
    "empty": lambda handler, status, kind, body, *rest: handler.send(status, kind, "", *rest),
    "html": lambda handler, *answer: handler.send(
        200, "text/html", "<html><body>Sign in to the network</body></html>"),
    "array": lambda handler, *answer: handler.send(200, "application/json", "[]"),
    "repeats": lambda handler, *answer: handler.send(200, "application/json", json.dumps({
        "Code": "Failed", "Message": "x" * 280
        + handler.headers.get("x-aws-ec2-metadata-token", "")})),
    "redirect": lambda handler, *answer: handler.send(
        302, "text/plain", "", {"Location": "/elsewhere"}),
}
# Modes that change members of the credentials in an answer, and the actions whose
# answers have none.
WITHOUT_CREDENTIALS = ("token", "role", "other", "GetCallerIdentity")
DROPPED = object()
CHANGED = {
    "nokey": {"AccessKeyId": DROPPED}, "emptykey": {"AccessKeyId": ""},
    "nosecret": {"SecretAccessKey": DROPPED},
    "null": {"SecretAccessKey": None}, "wrongtype": {"SecretAccessKey": {"a": [1]}},
    "notoken": {"SessionToken": DROPPED}, "crlf": {"SessionToken": "token\r\nX-Injected: 1"},
    "noexpiration": {"Expiration": DROPPED}, "badexpiration": {"Expiration": "tomorrow"},
    "nanexpiration": {"Expiration": math.nan}, "baddate": {"Expiration": "2099-02-30T12:00:00Z"},
    "badyear": {"Expiration": "10000-01-01T00:00:00Z"}, "nultoken": {"SessionToken": "token\0more"},
    "nulkey": {"AccessKeyId": "ASIA\0"},
    "unauthorized": {"Code": "AssumeRoleUnauthorizedAccess",
                     "Message": "EC2 cannot assume the role instance-role.",
                     "AccessKeyId": DROPPED, "SecretAccessKey": DROPPED,
                     "SessionToken": DROPPED, "Expiration": DROPPED},
}


def mode(text):
    """MODE[@ACTION][-N]: for that action only, for the first N requests only."""
    match = re.fullmatch(r"(\w*)(?:@(\w+))?(?:-(\d+))?", text)
    known = match and (re.fullmatch(r"|echo|e[345]\d\d", match[1])
                       or match[1] in {*SPOILED, *CHANGED, *ERRORS})
    if not known:
        raise ValueError(f"mode {text}")
    return match.groups()


def seconds(text):
    return int(text) if text else None


def one_of(*names):
    return {name: name for name in names}.__getitem__


# What the settings start as, and what makes a value of text.
SETTINGS = {
    "sts": ("", mode), "imds": ("", mode), "container": ("", mode),
    "format": ("auto", one_of("auto", "xml", "json")),                      # of STS's answers
    "expiration": ("number", one_of("number", "scientific", "text")),       # in STS's JSON
    "lifetime": ("", seconds),          # of all credentials but Short's
    "sts_lifetime": ("", seconds), "imds_lifetime": ("", seconds),
    "container_lifetime": ("", seconds),     # of theirs
    "clock": ("0", int),                # s by which the services' is ahead
    "latency": ("", seconds),           # of roles named Slow, else --latency
    "web_identity_tokens": (WEB_IDENTITY_TOKEN, str),                       # a comma between
    # Gets the token once another was rejected, as if it was just replaced.
    "token_file": ("", str),
    "instance_role": ("instance-role", str),                                # none: 404
    "token_lifetime": ("", seconds),    # of IMDS's tokens, else as asked for
    "container_path": ("/credentials,/v1/credentials,/v2/credentials/task", str),
    "container_role": ("container-role", str),
    "container_authorization": ("", str),       # none: none is asked for
}


class Sts(Handler):
    service = "sts"

    def action(self, path):
        try:
            form = urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True,
                                          strict_parsing=True)
        except ValueError:
            form = []
        self.form = dict(form) if len(dict(form)) == len(form) else {}
        self.state.count("accept", self.headers.get("accept", ""))
        return self.form.get("Action", "none")

    def error(self, status, code, message):
        kind = "Sender" if status < 500 else "Receiver"
        document = {"Error": {"Type": kind, "Code": code, "Message": message},
                    "RequestId": str(uuid.uuid4())}
        return self.render(document if self.speaks_json() else {"ErrorResponse": document})

    def speaks_json(self):
        how = self.state.settings["format"]
        return (how == "json"
                or how == "auto" and "application/json" in self.headers.get("accept", ""))

    def render(self, document):
        if self.speaks_json():
            text = json.dumps(document)
            if self.state.settings["expiration"] == "scientific":       # as STS does: 1.436476217E9
                text = re.sub(r'("Expiration": )(\d)(\d{9})\b', r"\1\2.\3E9", text)
            return "application/json", text
        return "text/xml", xml_of(document).replace(">", f' xmlns="{NAMESPACE}">', 1)

    def answer(self, action):
        answers = {"AssumeRole": self.assume_role,
                   "AssumeRoleWithWebIdentity": self.assume_role_with_web_identity,
                   "GetCallerIdentity": self.get_caller_identity}
        if (self.command, self.path) != ("POST", "/"):
            raise ServiceError(404, "InvalidAction", "Actions are POSTed to /.")
        if action not in answers or self.form.get("Version") != "2011-06-15":
            raise ServiceError(400, "InvalidAction",
                               f"Could not find operation {action} for version "
                               f"{self.form.get('Version', 'NO_VERSION_SPECIFIED')}")
        if not self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            raise ServiceError(400, "MalformedInput", "The body is not declared to be a form.")
        result = answers[action]()
        response = {f"{action}Result": result, "ResponseMetadata": {"RequestId": str(uuid.uuid4())}}
        return (200, *self.render({f"{action}Response": response}))

    def caller(self):
        """The access key id that the request is signed with, if it is so rightly."""
        parts = re.fullmatch(r"AWS4-HMAC-SHA256 "
                             r"Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
                             r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})",
                             self.headers.get("authorization", ""))
        if "authorization" not in self.headers:
            raise ServiceError(403, "MissingAuthenticationToken",
                               "Request is missing Authentication Token")
        names = parts[5].split(";") if parts else []
        date, token = self.headers.get("x-amz-date", ""), self.headers.get("x-amz-security-token")
        if not {"host", "x-amz-date", *(["x-amz-security-token"] if token else [])} <= set(names):
            raise ServiceError(400, "IncompleteSignature",
                               "Authorization header requires 'Credential' parameter, "
                               "'Signature' and all 'SignedHeaders'.")
        key, day, region, service, _, signature = parts.groups()
        self.state.count("regions", region)
        self.state.count("callers", key)
        secret, known_token, _, expiration = self.state.credentials.get(key, (None,) * 4)
        if secret is None or token != known_token:
            raise ServiceError(403, "InvalidClientTokenId",
                               "The security token included in the request is invalid.")
        regional = REGIONAL_HOST.fullmatch(self.headers.get("host", ""))
        expected = (regional[1] or "us-east-1") if regional else self.state.region or region
        if (day, region, service) != (date[:8], expected, "sts"):
            raise ServiceError(403, "SignatureDoesNotMatch",
                               "Credential should be scoped to a valid region.")
        try:
            endpoint.check_clock(date, self.state.now())
        except ServiceError as error:
            raise ServiceError(403, "SignatureDoesNotMatch", error.message)
        request = botocore.awsrequest.AWSRequest(
            self.command, f"http://{self.headers['host']}{self.path}", data=self.body,
            headers={name: ",".join(self.headers.get_all(name)) for name in names
                     if name in self.headers})
        if "x-amz-content-sha256" in request.headers:   # whatever it said: the body's own
            request.headers.replace_header("x-amz-content-sha256",
                                           hashlib.sha256(self.body).hexdigest())
        request.context["timestamp"] = date
        signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(key, secret, token),
                                         "sts", region)
        canonical = signer.canonical_request(request)
        if signer.signature(signer.string_to_sign(request, canonical), request) != signature:
            raise ServiceError(403, "SignatureDoesNotMatch",
                               "The request signature we calculated does not match the signature "
                               "you provided. "
                               f"The Canonical String for this request should have been\n"
                               f"'{canonical}'")
        if key == "ASIAEXPIREDEXAMPLE" or expiration is not None and expiration <= self.state.now():
            raise ServiceError(403, "ExpiredToken",
                               "The security token included in the request is expired")
        return key

    def assume_role(self):
        key = self.caller()
        return self.assume(f"User: {self.identity(key)} is not authorized to perform: "
                           f"sts:AssumeRole",
                           key == "AKIAFORBIDDENEXAMPLE", self.state.credentials[key][2])

    def assume_role_with_web_identity(self):
        if {"authorization", "x-amz-security-token"} & {name.lower() for name in self.headers}:
            raise ServiceError(400, "ValidationError",
                               "AssumeRoleWithWebIdentity is not to be signed.")
        token = self.form.get("WebIdentityToken")
        if token == EXPIRED_WEB_IDENTITY_TOKEN:
            raise ServiceError(400, "ExpiredTokenException",
                               "Token expired: current date/time must be before the "
                               "expiration date/time")
        if token not in self.state.settings["web_identity_tokens"].split(","):
            if file := self.state.settings["token_file"]:
                pathlib.Path(file).write_text(WEB_IDENTITY_TOKEN, encoding="ascii")
            raise ServiceError(400, "InvalidIdentityToken",
                               "The ID Token provided is not a valid JWT.")
        return {**self.assume("Not authorized to perform sts:AssumeRoleWithWebIdentity"),
                "SubjectFromWebIdentityToken": "example", "Audience": "sts.amazonaws.com"}

    def get_caller_identity(self):
        arn = self.identity(self.caller())
        return {"Arn": arn, "UserId": "AIDAEXAMPLE", "Account": arn.split(":")[4]}

    def identity(self, key):
        role = self.state.credentials[key][2]
        return (f"arn:aws:sts::{role.split(':')[4]}:assumed-role/{role.rpartition('/')[2]}/session"
                if role else
                f"arn:aws:iam::{ACCOUNT}:user/analyst")

    def assume(self, denial, forbidden=False, caller_role=None):
        """Credentials of a role; Denied…, External…, Throttled-N…, Slow…, Short… do as named."""
        role, session = self.form.get("RoleArn", ""), self.form.get("RoleSessionName", "")
        match, duration = ROLE.fullmatch(role), self.form.get("DurationSeconds", "3600")
        valid_duration = re.fullmatch(r"[0-9]{1,9}", duration) and 900 <= int(duration) <= 43200
        constraint = ("1 validation error detected: Value '%s' at '%s' failed to satisfy "
                      "constraint: Member must %s")
        for wrong, message in (
                (not match, f"{role} is invalid"),
                (not SESSION.fullmatch(session), constraint % (
                    session, "roleSessionName",
                    r"satisfy regular expression pattern: [\w+=,.@-]*")),
                (not valid_duration,
                 constraint % (duration, "durationSeconds", "be from 900 to 43200")),
                (valid_duration and caller_role and int(duration) > 3600,
                 "The requested DurationSeconds exceeds the "
                 "1 hour session limit for roles assumed by role chaining")):
            if wrong:
                raise ServiceError(400, "ValidationError", message)
        with self.state.lock:
            self.state.counts["roles"][role] += 1
            self.state.counts["sessions"][session] += 1
            self.state.seen[role] += 1
            seen = self.state.seen[role]
        account, name = match.groups()
        throttled = re.match(r"Throttled-(\d+)", name)
        if throttled and seen <= int(throttled[1]):
            raise ServiceError(400, "Throttling", "Rate exceeded")
        wants_id = name.startswith("External") and self.form.get("ExternalId") != EXTERNAL_ID
        if forbidden or name.startswith("Denied") or wants_id:
            raise ServiceError(403, "AccessDenied", f"{denial} on resource: {role}")
        if name.startswith("Slow"):
            self.state.wait()
        number = self.speaks_json() and self.state.settings["expiration"] != "text"
        return {"Credentials": self.issue(role, SHORT if name.startswith("Short")
                                          else int(duration), "SessionToken",
                                          int if number else iso),
                "AssumedRoleUser": {"AssumedRoleId": f"AROAEXAMPLE:{session}",
                                    "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}"},
                "PackedPolicySize": 0}


class Imds(Handler):
    service = "imds"

    def action(self, path):
        self.role = self.state.settings["instance_role"]
        return {("PUT", "/latest/api/token"): "token", ("GET", ROLES): "role",
                ("GET", ROLES + self.role): "credentials"}.get(
                    (self.command, urllib.parse.unquote(path)), "other")

    def error(self, status, code, message):
        return "text/html", (f"<html><head><title>{status} - {code}</title></head>"
                             f"<body>{message}</body></html>")

    def answer(self, action):
        if "x-forwarded-for" in self.headers:
            raise ServiceError(403, "Forbidden", "The request came through a proxy.")
        if action == "token":
            return self.give_token(self.headers.get("x-aws-ec2-metadata-token-ttl-seconds", ""))
        token = self.headers.get("x-aws-ec2-metadata-token")
        with self.state.lock:
            self.state.v1 += token is None
        if self.state.imds_tokens.get(token, 0) <= self.state.now():
            raise ServiceError(401, "Unauthorized", "A valid token is required.")
        if action == "other" or not self.role:
            raise ServiceError(404, "Not Found", "There is nothing here.")
        if action == "role":
            return 200, "text/plain", self.role
        credentials = self.issue(f"arn:aws:iam::{ACCOUNT}:role/{self.role}", 21600)
        return 200, "text/plain", json.dumps(
            {"Code": "Success", "LastUpdated": iso(self.state.now()),
             "Type": "AWS-HMAC", **credentials}, indent=2)

    def give_token(self, ttl):
        if not re.fullmatch(r"\d{1,5}", ttl, re.ASCII) or not 1 <= int(ttl) <= 21600:
            raise ServiceError(400, "Bad Request", "The TTL is to be from 1 to 21600 seconds.")
        asked = self.state.settings["token_lifetime"]
        lifetime = int(ttl) if asked is None else asked
        return (200, "text/plain", self.state.issue_imds_token(lifetime),
                {"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": lifetime})


class Container(Handler):
    service = "container"

    def action(self, path):
        paths = self.state.settings["container_path"].split(",")
        self.found = self.command == "GET" and path in paths
        return "container"

    def error(self, status, code, message):
        return "application/json", json.dumps({"code": code, "message": message})

    def answer(self, action):
        given = self.headers.get("authorization")
        asked = self.state.settings["container_authorization"]
        self.state.count("authorization", "none" if given is None
                         else "right" if given == asked else "wrong")
        if asked and given != asked:
            raise ServiceError(401, "Unauthorized", "The Authorization is not valid.")
        if not self.found:
            raise ServiceError(404, "NotFound", "There are no credentials here.")
        role = f"arn:aws:iam::{ACCOUNT}:role/{self.state.settings['container_role']}"
        return 200, "application/json", json.dumps({**self.issue(role, 21600), "RoleArn": role})


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, address, handler, state, tls=None):
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)
        self.state, self.tls = state, tls

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--port-file", required=True,
                        help="written once all listen: JSON, a port for each service")
    parser.add_argument("--issued", metavar="FILE", help="where issued credentials are appended")
    parser.add_argument("--latency", type=float, default=1000, metavar="MS",
                        help="of roles named Slow")
    parser.add_argument("--region",
                        help="the only one that STS takes; else any, or the one in its Host")
    parser.add_argument("--certificate", help="PEM; makes STS speak TLS")
    parser.add_argument("--key", help="PEM")
    parser.add_argument("--clock", metavar="FILE",
                        help="says by how many seconds the clock is ahead")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input does")
    services = {handler.service: handler for handler in (Sts, Imds, Container)}
    for name in services:
        parser.add_argument(f"--{name}-address", default="127.0.0.1")
        parser.add_argument(f"--{name}-port", type=int, default=0, help="0: any free one")
    options = parser.parse_args()
    endpoint.clock_file = options.clock
    tls = None
    if options.certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.minimum_version = ssl.TLSVersion.TLSv1_2
        tls.load_cert_chain(options.certificate, options.key)
    state = State(options.latency / 1000, options.region, options.issued)
    servers = {name: Server((getattr(options, f"{name}_address"), getattr(options, f"{name}_port")),
                            handler, state,
                            tls if name == "sts" else None) for name, handler in services.items()}
    for server in servers.values():
        threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    ports = {name: server.server_address[1] for name, server in servers.items()}
    stand_in.announce(options.port_file, json.dumps(ports))
    if options.until_eof:
        sys.stdin.read()
        os._exit(0)
    threading.Event().wait()


if __name__ == "__main__":
    main()
