#!/usr/bin/python3
"""A stand-in for EC2 Image Builder's endpoint, for tests and the demonstration.

Speaks operations that read one resource by its ARN, or what there is in a Region, over
HTTP/1.1 with kept connections, and TLS if given a certificate; verifies each request's
signature with botocore's own signer and its clock against this machine's; answers from
the fixtures beside this file.
What it says is checked by boto3 and the AWS CLI (see compare.py).

What is named fault-KIND fails in the way that faults.py has for KIND;
fault-KIND-N fails N times and then answers.  Tests steer and count through
paths below /-/ (see Handler.control).
"""
import argparse
import calendar
import collections
import contextlib
import datetime
import json
import math
import os
import pathlib
import re
import signal
import socket
import socketserver
import ssl
import sys
import threading
import time
import urllib.parse
import uuid

import botocore.auth
import botocore.awsrequest
import botocore.credentials

import api
import faults
import stand_in

SERVICE = "imagebuilder"
MAX_CLOCK_SKEW = 300
TOKEN = "FwoGZXIvYXdzEXAMPLETOKEN/+=" + "Ab9/+=" * 40
CREDENTIALS = {
    # access key id: (secret access key, session token)
    "AKIDEXAMPLE": ("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None),
    "ASIATEMPORARYEXAMPLE": ("temporarySecret/EXAMPLE+KEY0000000000000", TOKEN),
    "ASIAEXPIREDEXAMPLE": ("expiredSecret/EXAMPLE+KEY000000000000000", "EXPIRED/+="),
    "AKIAFORBIDDENEXAMPLE": ("forbiddenSecret/EXAMPLE+KEY0000000000000", None),
}
clock_file = None               # says by how many seconds now() is ahead of this machine's clock


def now():
    """The wall clock that all stand-ins and the server under test share."""
    return time.time() + (int(pathlib.Path(clock_file).read_text(encoding="ascii"))
                          if clock_file else 0)


def wait_until(condition, limit=180):
    """Wait until a function returns true, and return that; false once limit s have passed."""
    until = time.monotonic() + limit
    while not (result := condition()) and time.monotonic() < until:
        time.sleep(0.005)
    return result


class ServiceError(Exception):
    """An error as the service reports it."""

    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Resources:
    """The resources there are: bodies by operation and ARN, as they will be sent."""

    def __init__(self):
        self.fixtures = api.fixtures()
        self.put = {}           # by operation, ARN, and token of a page
        self.any = False        # whether there is a resource of any other name, too
        self.tokens = {}        # of pages: the place in the list that they stand for
        self.names = {}         # by scope: as if its lists were those of what has such a name

    def find(self, operation, arn, token=""):
        """A resource by its ARN, else the newest available one that matches."""
        if (operation.name, arn, token) in self.put:
            return self.put[operation.name, arn, token]
        if (operation.name, arn) in self.fixtures:
            return self.fixtures[operation.name, arn]
        if operation.target == "scope":
            return json.dumps({operation.member: []}).encode()
        if operation.page_size or operation.member == "policy":
            return None
        prefix, _, version = arn.rpartition("/")
        pattern = re.compile(re.escape(prefix) + "/"
                             + re.escape(version).replace("x", r"\d+") + r"(/\d+)?")
        matches = [(*map(int, re.findall(r"\d+", found[len(prefix):])), found)
                   for (name, found), body in self.fixtures.items()
                   if name == operation.name and pattern.fullmatch(found)
                   and (json.loads(body)[operation.member].get("state") or {}
                        ).get("status", "ACTIVE")
                   in ("AVAILABLE", "ACTIVE")]
        return self.fixtures[operation.name, max(matches)[-1]] if matches else None

    def name(self, operation, arn):
        """The name that says how a resource answers: its own, or that given to a scope."""
        if operation.target == "arn":
            return api.resource_name(arn)
        return self.names.get(arn) or self.names.get(api.region_of(arn), "")

    def anything(self, operation, name, region=""):
        """What a resource of any name answers with, if there is one; list-N has N items."""
        count = re.search(r"list-(\d+)", name)
        if operation.page_size and count:
            items = json.loads(api.complete()[operation.name][1])[operation.member]
            if operation.target == "scope":
                return self.list_of(operation, items[0], int(count[1]), region)
            key = next(key for key, value in items[0].items() if isinstance(value, str))
            return json.dumps({operation.member: [{**items[0], key: f"{key}-{i}"}
                                                  for i in range(int(count[1]))]}).encode()
        content = {"policy": '{"Version": "2012-10-17"}', "tags": {"Name": name}}.get(
            operation.member, [] if operation.page_size else {"name": name, "version": "1.0.0/1"})
        return json.dumps({operation.member: content}).encode() if self.any else None

    @staticmethod
    def list_of(operation, item, count, region):
        """As many items as that of a list of a Region, named item-0 and so on."""
        resource, _, version = item["arn"].split("/", 2)
        resource = resource.replace(api.region_of(resource), region)
        return json.dumps({operation.member: [
            {**item, "arn": f"{resource}/item-{i}/{version}", "name": f"item-{i}"}
            for i in range(count)]}).encode()

    def page(self, operation, arn, body, token, size):
        """A page of a list, which has a token if it is not the last."""
        answer = json.loads(body)
        items = answer[operation.member]
        start = self.tokens.get((operation.name, arn, token), 0)
        if token and not start:
            raise ServiceError(400, "InvalidPaginationTokenException", "The token is not valid.")
        if start + size < len(items):
            answer["nextToken"] = f"{uuid.uuid4()}/+=\u00e9\""
            self.tokens[operation.name, arn, answer["nextToken"]] = start + size
        answer[operation.member] = items[start:start + size]
        return json.dumps(answer).encode()


class Rate:
    """A token bucket, as AWS's services grant requests by; None: no bound."""

    def __init__(self):
        self.lock = threading.Lock()
        self.set(None, 0)

    def set(self, per_second, burst):
        with self.lock:
            self.per_second, self.burst = per_second, burst
            self.tokens, self.filled_at = burst, time.monotonic()

    def take(self):
        with self.lock:
            if self.per_second is None:
                return True
            now = time.monotonic()
            self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.per_second)
            self.filled_at = now
            granted = self.tokens >= 1
            self.tokens -= granted
            return granted


class Counters:
    def __init__(self):
        self.lock = threading.Lock()
        self.in_flight = 0
        self.busy = 0           # connections that are not idle yet
        self.reset()

    def reset(self):
        with self.lock:
            self.requests = self.connections = self.max_in_flight = 0
            self.by_arn, self.by_status, self.by_key, self.by_request = (
                collections.Counter() for _ in range(4))
            self.user_agents = set()

    def as_json(self):
        with self.lock:
            return json.dumps({"requests": self.requests, "connections": self.connections,
                               "max_in_flight": self.max_in_flight, "by_arn": self.by_arn,
                               "by_status": self.by_status, "by_key": self.by_key,
                               "by_request": self.by_request,
                               "user_agents": sorted(self.user_agents)})


class Keys:
    """The credentials there are: fixed ones, and those that a stand-in of STS
    and its like has written to a file by the time it gave them out (see identity.py)."""

    def __init__(self, file):
        self.lock = threading.Lock()
        self.file, self.read = file, 0
        self.known = dict(CREDENTIALS)
        self.expirations = {}
        self.accounts = {}

    def find(self, key):
        """The secret, the token, and whether they have expired; None."""
        with self.lock:
            if key not in self.known and self.file and os.path.exists(self.file):
                with open(self.file, encoding="utf-8") as file:
                    file.seek(self.read)
                    for line in iter(file.readline, ""):
                        issued = json.loads(line)
                        self.known[issued["access_key_id"]] = (
                            issued["secret_access_key"], issued["session_token"])
                        self.expirations[issued["access_key_id"]] = issued["expiration"]
                        self.accounts[issued["access_key_id"]] = issued["account"]
                    self.read = file.tell()
            if key not in self.known:
                return None
            expired = key == "ASIAEXPIREDEXAMPLE" or (self.expirations.get(key) or math.inf) < now()
            return (*self.known[key], expired)

    def account(self, key):
        """The account of a key; the endpoint's own if there is no such key."""
        self.find(key)
        return self.accounts.get(key, api.ACCOUNT)

    def expire(self):
        """All that was issued until now has expired."""
        with self.lock:
            self.expirations = {key: 1 for key in self.expirations}


def check_clock(date, clock):
    """As AWS does: five minutes either way."""
    try:
        signed = calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise ServiceError(403, "IncompleteSignatureException",
                           "Date must be in ISO-8601 'basic format'.")
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(clock))
    if signed < clock - MAX_CLOCK_SKEW:
        raise ServiceError(403, "InvalidSignatureException",
                           f"Signature expired: {date} is now earlier than {now} (5 min.)")
    if signed > clock + MAX_CLOCK_SKEW:
        raise ServiceError(403, "InvalidSignatureException",
                           f"Signature not yet current: {date} is still later than {now} (5 min.)")


def check_signature(method, url, headers, body, region, clock, keys, operation,
                    expected_service=SERVICE):
    """Sign what was received with botocore, and compare."""
    parts = re.fullmatch(r"AWS4-HMAC-SHA256 "
                         r"Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
                         r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})",
                         headers.get("authorization", ""))
    if not headers.get("authorization"):
        raise ServiceError(403, "MissingAuthenticationTokenException",
                           "Missing Authentication Token")
    if not parts:
        raise ServiceError(403, "IncompleteSignatureException",
                           "Authorization header requires 'Credential', 'Signature' and "
                           "'SignedHeaders'.")
    key, day, signed_region, service, names, signature = parts.groups()
    names = names.split(";")
    date = headers.get("x-amz-date", "")
    token = headers.get("x-amz-security-token")
    secret, known_token, expired = keys.find(key) or (None, None, None)
    if secret is None or known_token != token:
        raise ServiceError(403, "UnrecognizedClientException",
                           "The security token included in the request is invalid.")
    if not {"host", "x-amz-date", *(["x-amz-security-token"] if token else [])} <= set(names):
        raise ServiceError(403, "IncompleteSignatureException", "A required header is not signed.")
    if (day, signed_region, service) != (date[:8], region, expected_service):
        raise ServiceError(403, "InvalidSignatureException",
                           f"Credential should be scoped to a valid Region, not '{signed_region}'.")
    check_clock(date, clock)
    # The query decoded, so that botocore encodes it as AWS does, however it was sent.
    bare, _, query = url.partition("?")
    request = botocore.awsrequest.AWSRequest(method=method, url=bare, data=body,
                                             params=urllib.parse.parse_qsl(query,
                                                                           keep_blank_values=True),
                                             headers={name: headers[name] for name in names
                                                      if name in headers})
    request.context["timestamp"] = date
    signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(key, secret, token),
                                     expected_service, region)
    canonical = signer.canonical_request(request)
    if signer.signature(signer.string_to_sign(request, canonical), request) != signature:
        raise ServiceError(403, "InvalidSignatureException",
                           "The request signature we calculated does not match the signature "
                           "you provided. "
                           f"The Canonical String for this request should have been\n'{canonical}'")
    if expired:
        raise ServiceError(403, "ExpiredTokenException",
                           "The security token included in the request is expired")
    if key == "AKIAFORBIDDENEXAMPLE":
        raise ServiceError(403, "AccessDeniedException",
                           "User: arn:aws:iam::123456789012:user/analyst is not authorized "
                           "to perform: "
                           f"imagebuilder:{operation} because no identity-based policy allows it")
    return key


class Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self):
        if self.server.tls:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()
        with self.server.counters.lock:
            self.server.counters.connections += 1
            self.server.idle.add(self.request)

    def finish(self):
        with self.server.counters.lock:
            self.server.idle.discard(self.request)
            self.server.abandoned.pop(self.request, None)
        try:
            super().finish()
        except OSError:
            pass

    def handle(self):
        try:
            while self.handle_one():
                pass
        except (OSError, ValueError):
            pass                # the client went away

    def handle_one(self):
        line = self.rfile.readline(65536).decode("latin-1")
        if not line.strip():
            return False
        self.method, target, _ = line.split()
        self.headers = {}
        while (header := self.rfile.readline(65536).decode("latin-1").rstrip("\r\n")):
            name, _, value = header.partition(":")
            self.headers[name.lower()] = value.strip()
        self.body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.keep = self.headers.get("connection", "").lower() != "close"
        self.clock_offset, self.day = 0, "%d"
        path, _, query = target.partition("?")
        parameters = urllib.parse.parse_qs(query)
        counters = self.server.counters
        self.counted, self.counted_in = not path.startswith("/-/"), False
        if not self.counted:
            self.control(path[3:], parameters)
            return self.keep
        with counters.lock:
            self.server.idle.discard(self.request)
            counters.requests += 1
            counters.in_flight += 1
            counters.busy += 1
            counters.max_in_flight = max(counters.max_in_flight, counters.in_flight)
            counters.user_agents.add(self.headers.get("user-agent", ""))
        self.counted_in = True
        try:
            how = self.server.abandoned.get(self.request)
            if how == "cut":
                self.keep = False
                self.wfile.write(b"HTTP/1.1 200 O")
            elif how:
                faults.linger(self)
            else:
                self.get(target, path, parameters)
        finally:
            self.count_out()
            with counters.lock:
                counters.busy -= 1
                self.server.idle.add(self.request)
        return self.keep

    def count_out(self):
        """The request is no longer under way, before its client can know and send the next."""
        with self.server.counters.lock:
            self.server.counters.in_flight -= self.counted_in
        self.counted_in = False

    def wait_for_idle(self):
        wait_until(lambda: not self.server.counters.busy, 2)

    def control(self, path, parameters):
        server = self.server
        answer = "{}"
        if path == "counters":
            answer = server.counters.as_json()
        elif path == "reset":
            # What a client has left is not to be counted with what comes next.
            self.wait_for_idle()
            server.counters.reset()
            server.seen.clear()
        elif path == "responses" and self.method == "PUT":
            arn = parameters["arn"][0] if "arn" in parameters else self.scope_of(parameters)
            operation = parameters.get("operation", [""])[0] or api.default_operation(arn).name
            server.resources.put[operation, arn, parameters.get("token", [""])[0]] = self.body
        elif path == "responses":
            server.resources.put.clear()
            server.resources.names.clear()
        elif path == "name":
            # A scope's lists, or those of one account or owner, are as those of what is named so:
            # fault-KIND, list-N, page2-fault-KIND-list-N.
            server.resources.names[self.scope_of(parameters)] = parameters.get("name", [""])[0]
        elif path == "tokens":
            server.resources.tokens.clear()     # none that was given out is valid any longer
        elif path == "operation":
            # One more, for a library that has been built with it.
            operation = api.Operation(
                *(parameters[field][0] for field in api.Operation._fields[:5]), "query", None)
            api.OPERATIONS[operation.name] = operation
        elif path == "latency":
            server.latency = float(parameters["ms"][0]) / 1000
        elif path == "together":
            # Nothing is answered until so many have been under way at once since the latest
            # reset, or for 5 s.
            server.together = int(parameters["n"][0])
        elif path == "expire":
            server.keys.expire()
        elif path == "disabled":
            # Regions that know no key; "*": all of them.
            server.disabled = set(parameters.get("regions", [""])[0].split(","))
        elif path == "rate":
            server.rate.set(float(parameters["per_second"][0]) or None,
                            float(parameters["burst"][0]))
        elif path == "close-idle":
            # An answer may be read before its connection is counted as idle.
            self.wait_for_idle()
            with server.counters.lock:
                for connection in server.idle - {self.request}:
                    with contextlib.suppress(OSError):      # its client has left it already
                        connection.shutdown(socket.SHUT_RDWR)
        elif path == "abandon":
            # Requests on connections that are idle now get nothing ("silent"), or a part
            # of an answer ("cut").
            self.wait_for_idle()
            with server.counters.lock:
                server.abandoned.update(dict.fromkeys(server.idle, parameters["how"][0]))
                answer = json.dumps({"connections": len(server.idle - {self.request})})
        self.send(200, answer.encode())

    def signed_by(self):
        """The key and the Region that a request says it is signed with."""
        found = re.search(r"Credential=([^/]+)/\d+/([^/]+)/",
                          self.headers.get("authorization", ""))
        return found.groups() if found else ("", "")

    @staticmethod
    def scope_of(parameters):
        """The scope that a control names: region=, account= and owner=."""
        return api.of_scope(parameters["region"][0], parameters.get("account", [api.ACCOUNT])[0],
                            parameters.get("owner", [""])[0])

    def get_caller_identity(self, target):
        """STS's answer, so that one endpoint serves for the account, too; identity.py has STS."""
        scheme = "https" if self.server.tls else "http"
        try:
            check_signature(self.method, f"{scheme}://{self.headers.get('host', '')}{target}",
                            self.headers, self.body,
                            self.signed_by()[1], now(), self.server.keys, "", "sts")
            result = {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/analyst",
                      "UserId": "AIDAEXAMPLE"}
            self.send(200, json.dumps(
                {"GetCallerIdentityResponse": {"GetCallerIdentityResult": result}}).encode())
        except ServiceError as error:
            self.send(error.status, json.dumps(
                {"Error": {"Code": error.code, "Message": error.message}}).encode())

    def get(self, target, path, parameters):
        if self.body.startswith(b"Action=GetCallerIdentity&"):
            self.get_caller_identity(target)
            return
        key, region = self.signed_by()
        operation, arn, token, size = api.find(self.method, path, parameters, self.body, region,
                                               self.server.keys.account(key))
        with self.server.counters.lock:
            self.server.counters.by_arn[arn] += 1
            self.server.counters.by_request[f"{operation and operation.name} {arn} "
                                            f"{token}".strip()] += 1
        try:
            if not operation:
                raise ServiceError(404, "UnknownOperationException", "There is no such operation.")
            if not api.takes(operation, arn):
                raise ServiceError(400, "InvalidParameterValueException",
                                   f"The value supplied for parameter '{operation.parameter}' is "
                                   f"not valid.")
            if operation.page_size and size not in range(1, operation.page_size + 1):
                raise ServiceError(400, "InvalidParameterValueException",
                                   "maxResults is out of its range.")
            region, name = api.region_of(arn), self.server.resources.name(operation, arn)
            page = self.server.resources.tokens.get((operation.name, arn, token), 0) // 25 + 1
            subject = arn if operation.target == "arn" else f"{operation.name} {arn} {name}"
            fault, first = faults.find(name, subject, self.server.seen, page)
            if fault in (faults.skew, faults.digit):
                self.clock_offset = faults.SKEW
                self.day = "%d" if fault is faults.skew else "%-d"
            scheme = "https" if self.server.tls else "http"
            if "*" in self.server.disabled or region in self.server.disabled:
                raise ServiceError(403, "UnrecognizedClientException",
                                   "The security token included in the request is invalid.")
            key = check_signature(self.method, f"{scheme}://{self.headers.get('host', '')}{target}",
                                  self.headers, self.body, region, now() + self.clock_offset,
                                  self.server.keys, operation.name)
            with self.server.counters.lock:
                self.server.counters.by_key[key] += 1
            if not self.server.rate.take():
                raise ServiceError(429, "CallRateLimitExceededException", "Rate exceeded")
            if self.server.latency:
                time.sleep(self.server.latency)
            if self.server.together:
                wait_until(lambda: self.server.counters.max_in_flight >= self.server.together, 5)
            if fault and fault(self, arn, first):
                return
            standard = faults.standard(operation) if operation.target == "arn" else arn
            asked = standard if fault or first is False else arn
            resources = self.server.resources
            is_named = operation.target == "scope" and "list-" in name
            body = (not is_named and resources.find(operation, asked, token)
                    or resources.anything(operation, name, region))
            if body is None:
                raise ServiceError(404, "ResourceNotFoundException",
                                   f"The resource with ARN '{arn}' was not found.")
            if fault or first is False:
                body = body.replace(standard.encode(), arn.encode())
            known = (operation.name, arn, token) in self.server.resources.put
            if operation.page_size and not known:
                body = self.server.resources.page(operation, arn, body, token, size)
            self.send(200, body)
        except ServiceError as error:
            self.send_error(error.status, error.code, error.message)

    def send_error(self, status, code, message, **headers):
        self.send(status, json.dumps({"message": message}).encode(),
                  **{"x-amzn-ErrorType": code, **headers})

    def head(self, status, **headers):
        """The status line and headers; _ in a name stands for -."""
        if self.counted:
            with self.server.counters.lock:
                self.server.counters.by_status[str(status)] += 1
        date = datetime.datetime.fromtimestamp(now() + self.clock_offset, datetime.timezone.utc)
        fields = {"Date": date.strftime(f"%a, {self.day} %b %Y %H:%M:%S GMT"),
                  "x-amzn-RequestId": str(uuid.uuid4()),
                  "Content-Type": "application/json",
                  "Connection": "keep-alive" if self.keep else "close",
                  **{name.replace("_", "-"): value for name, value in headers.items()}}
        lines = [f"HTTP/1.1 {status} {faults.REASONS.get(status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def send(self, status, body, **headers):
        self.count_out()
        self.wfile.write(self.head(status, Content_Length=len(body), **headers) + body)
        self.wfile.flush()


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, address, resources, latency, tls, keys):
        super().__init__(address, Handler)
        self.resources, self.latency, self.tls, self.keys = resources, latency, tls, keys
        self.together = 0
        self.counters = Counters()
        self.rate = Rate()
        self.seen = collections.Counter()   # requests of each faulty ARN
        self.idle = set()
        self.disabled = set()   # Regions
        self.abandoned = {}     # connections: "silent" or "cut"

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main(announce=None):
    """Serve until told to end.  announce, if given, is called with the server and
    its URL once requests are taken."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--port-file", metavar="FILE", help="written once requests are taken")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--latency", type=float, default=0, metavar="MS",
                        help="added to each answer")
    parser.add_argument("--certificate", help="PEM; makes it speak TLS")
    parser.add_argument("--key", help="PEM")
    parser.add_argument("--any", action="store_true", help="have a resource of any name")
    parser.add_argument("--issued", metavar="FILE", help="believe the credentials in it too")
    parser.add_argument("--clock", metavar="FILE",
                        help="says by how many seconds the clock is ahead")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input does")
    options = parser.parse_args()
    global clock_file
    clock_file = options.clock
    tls = None
    if options.certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.minimum_version = ssl.TLSVersion.TLSv1_2
        tls.load_cert_chain(options.certificate, options.key)
    resources = Resources()
    resources.any = options.any
    server = Server(("127.0.0.1", options.port), resources, options.latency / 1000, tls,
                    Keys(options.issued))
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    if options.until_eof:
        stand_in.end_with_input()
    port = server.server_address[1]
    if options.port_file:
        stand_in.announce(options.port_file, port)
    if announce:
        announce(server, f"{'https' if tls else 'http'}://127.0.0.1:{port}")
    server.serve_forever()


if __name__ == "__main__":
    main()
