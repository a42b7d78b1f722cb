"""What can go wrong with an answer: one function a fault.

Each takes the endpoint's handler, the ARN, and whether it is that ARN's first
request; it returns True if it has dealt with the request, False if the normal
answer is to follow.  The name of an image picks it: fault-KIND, or
fault-KIND-N for the first N requests of an ARN only.
"""
import json
import re
import socket
import struct
import time

import api

# The fixtures that a faulty image, and a faulty component, answer with once they do.
STANDARD = "arn:aws:imagebuilder:us-east-1:123456789012:image/golden-linux/1.0.0/1"
STANDARDS = {"GetImage": STANDARD,
             "GetComponent": "arn:aws:imagebuilder:us-east-1:123456789012:component/cis-hardening/2.4.0/1"}
SKEW = 3600
PATIENCE = 600                  # s for which a hanging answer hangs
REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
           429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
           503: "Service Unavailable", 504: "Gateway Timeout"}
FAULTS = {}


def standard(operation):
    """The ARN whose fixture a faulty resource answers with once it does."""
    return STANDARDS.get(operation.name) or api.complete().get(operation.name, ("",))[0]


def fault(function):
    FAULTS[function.__name__.rstrip("_")] = function
    return function


def find(name, arn, seen, page=1):
    """The fault that an image's name asks for, if any, and whether it is new.

    pageP-fault-KIND… fails on the list's page P alone.

    (None, None): no faulty image; (None, False): one that is so no longer.
    """
    place = re.match(r"page(\d+)-(?=fault-)", name)
    if place:
        name = re.sub(r"-list-\d+$", "", name[place.end():])
    match = re.fullmatch(r"fault-([a-z0-9]+)(?:-(\d+))?", name)
    if not match or match[1] not in FAULTS or (place and page != int(place[1])):
        return None, None
    seen[arn] += 1
    if match[2] and seen[arn] > int(match[2]):
        return None, False
    return FAULTS[match[1]], seen[arn] == 1


def error(kind, status, code, message="", headers=None):
    def answer(handler, arn, first):
        handler.send_error(status, code, message or f"This is a {code}.", **(headers or {}))
        return True
    FAULTS[kind] = answer


def raw(kind, body, status=200, **headers):
    def answer(handler, arn, first):
        handler.send(status, body, **headers)
        return True
    FAULTS[kind] = answer


error("throttle", 429, "CallRateLimitExceededException",
      "You have exceeded the permitted request rate.")
error("throttling", 400, "ThrottlingException", "Rate exceeded")
error("retryafter", 429, "TooManyRequestsException", headers={"x-amz-retry-after": "700"})
error("e500", 500, "ServiceException")
error("e501", 501, "NotImplementedException")
error("e503", 503, "ServiceUnavailableException")
error("e504", 504, "GatewayTimeoutException")
error("requesttimeout", 400, "RequestTimeoutException")
error("forbidden", 403, "ForbiddenException")
error("accessdenied", 403, "AccessDeniedException")
error("expired", 403, "ExpiredTokenException",
      "The security token included in the request is expired")
error("date10000", 403, "SignatureDoesNotMatch", headers={"Date": "Fri, 01 Jan 10000 00:00:00 GMT"})
error("date2000", 403, "SignatureDoesNotMatch", headers={"Date": "Sat, 01 Jan 2000 00:00:00 GMT"})
error("datenone", 403, "SignatureDoesNotMatch", headers={"Date": "in an hour"})
error("unrecognized", 403, "UnrecognizedClientException")
error("invalidparam", 400, "InvalidParameterValueException",
      "The value supplied for parameter 'imageBuildVersionArn' is not valid.")
error("building", 400, "InvalidRequestException", "The image is not in a valid state.")
error("notfound", 404, "ResourceNotFoundException")
error("notfound400", 400, "ResourceNotFoundException")
error("otherstatus", 402, "ServiceQuotaExceededException")
error("hugemessage", 400, "InvalidRequestException", "zeile\n\x07\x1b[31m" + "ü" * 100000)
raw("hugecode", json.dumps({"code": "c" * 5000000, "message": "m" * 5000000}).encode(), 400)
raw("hugetext", b"t" * 5000000, 404, Content_Type="text/plain")
raw("hugetype", b"not json", Content_Type="t" * 50000)
raw("hugelocation", b"", 302, Location="http://127.0.0.1:1/" + "l" * 50000)
raw("hugeid", b"{}", 400, x_amzn_RequestId="i" * 50000)
raw("e502", b"<html><body>502 Bad Gateway</body></html>", 502, Content_Type="text/html")
raw("bare404", b"nothing here", 404, Content_Type="text/plain")
raw("errorinbody", json.dumps({"__type": "com.amazonaws#InvalidRequestException:http://x/",
                               "Message": "from the body"}).encode(), 400)
raw("nulmessage", b'{"message": "before\\u0000after"}', 400)
raw("html", b"<html><body>Sign in to the network</body></html>", Content_Type="text/html")
raw("notjson", b"not json")
raw("halfjson", b'{"requestId": "1", "image": {"arn": "a')
raw("trailing", b'{"image": {}} {"image": {}}')
raw("empty", b"")
raw("nocontent", b"", 204)
raw("array", b"[]")
raw("scalar", b'"x"')
raw("null", b"null")
raw("emptyobject", b"{}")
raw("otherobject", b'{"message": "hello"}')
raw("nan", b'{"image": {"name": NaN}}')
raw("comment", b'/* a */ {"image": {}}')
raw("redirect", b"", 302, Location="http://127.0.0.1:1/elsewhere")
raw("badutf8", b'{"image": {"name": "a\xffb", "version": "1.0.0"}, "requestId": "r"}')
raw("nul", b'{"image": {"name": "a\\u0000b", "version": "1.0.0", "tags": {"k\\u0000": "v"}}}')
raw("surrogate", b'{"image": {"name": "a\\ud800b", "version": "1.0.0"}}')
raw("wrongtype", b'{"image": {"name": {"a": 1}, "version": 5, "enhancedImageMetadataEnabled": 5, '
    b'"tags": [],'
    b' "imageTestsConfiguration": {"timeoutMinutes": "many"}, "state": "AVAILABLE", "dateCreated": '
    b'"yesterday",'
    b' "workflows": {}, "imageRecipe": "none", "osVersion": "fits"}}')
raw("bignumber", b'{"image": {"imageTestsConfiguration": {"timeoutMinutes": '
    b'123456789012345678901234567890},'
    b' "extra": {"big": 123456789012345678901234567890, "fraction": '
    b'0.1000000000000000055511151231257827,'
    b' "exponent": 1e400, "int64": -9223372036854775809, "negativeZero": -0.0}}}')
raw("dates", b'{"image": {"dateCreated": "2023-05-17T21:17:21.283456+02:00", "deprecationTime": '
    b'1700000000.123456}}')
raw("deep", b'{"image": {"name": "deep", "extra": ' + b"[" * 200000 + b"]" * 200000 + b"}}")


@fault
def badsignature(handler, arn, first):
    """Repeats what was sent, secrets included, as AWS does."""
    sent = "\n".join(f"{name}:{value}" for name, value in handler.headers.items())
    handler.send_error(403, "SignatureDoesNotMatch",
                       f"The Canonical String should have been '{sent}'")
    return True


@fault
def reset(handler, arn, first):
    handler.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.keep = False
    handler.request.close()
    return True


@fault
def close(handler, arn, first):
    handler.keep = False
    return True


@fault
def truncate(handler, arn, first):
    body = handler.server.resources.find(api.OPERATIONS["GetImage"], STANDARD)
    handler.keep = False
    handler.wfile.write(handler.head(200, Content_Length=len(body)) + body[:len(body) // 2])
    return True


@fault
def badchunk(handler, arn, first):
    handler.keep = False
    handler.wfile.write(handler.head(200, Transfer_Encoding="chunked") + b'10\r\n{"image": {"arn')
    return True


def linger(handler):
    """Silence, until the client leaves."""
    handler.wfile.flush()
    handler.keep = False
    handler.request.settimeout(PATIENCE)
    handler.rfile.read(1)
    return True


@fault
def stall(handler, arn, first):
    handler.wfile.write(handler.head(200, Content_Length=100) + b'{"image": ')
    return linger(handler)


@fault
def hang(handler, arn, first):
    return linger(handler)


@fault
def slow(handler, arn, first):
    time.sleep(0.3)
    return False


@fault
def huge(handler, arn, first):
    """100 MB of valid JSON."""
    handler.wfile.write(handler.head(200, Transfer_Encoding="chunked"))
    handler.wfile.write(b'd\r\n{"image": {} \r\n')
    for _ in range(1600):
        handler.wfile.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
    handler.wfile.write(b"1\r\n}\r\n0\r\n\r\n")
    handler.wfile.flush()
    return True


@fault
def skew(handler, arn, first):
    """The service's clock is an hour ahead: the endpoint has checked it so."""
    return False


@fault
def digit(handler, arn, first):
    """As skew, and a day of the month below 10 is written with one digit."""
    return False


@fault
def continue100(handler, arn, first):
    handler.wfile.write(b"HTTP/1.1 100 Continue\r\nx-amzn-RequestId: interim\r\n\r\n")
    return False


@fault
def nokeepalive(handler, arn, first):
    handler.keep = False
    return False


@fault
def onemore(handler, arn, first):
    """The answer, and later another one, of another image."""
    body = handler.server.resources.find(api.OPERATIONS["GetImage"], STANDARD)
    handler.send(200, body)
    time.sleep(0.2)
    handler.send(200, body.replace(b"golden-linux", b"unasked-for"))
    return True


@fault
def farewell(handler, arn, first):
    """The answer, and later what some balancers say before they close."""
    handler.send(200, handler.server.resources.find(api.OPERATIONS["GetImage"], STANDARD))
    time.sleep(0.2)
    handler.keep = False
    handler.send(408, b"Request Time-out")
    return True


@fault
def settled(handler, arn, first):
    """Answers once all others have been dealt with."""
    while handler.server.counters.busy > 1:
        time.sleep(0.005)
    return False


@fault
def nothttp(handler, arn, first):
    handler.keep = False
    handler.wfile.write(b"220 mail.example.org ESMTP\r\n")
    return True


@fault
def headerflood(handler, arn, first):
    filler = {f"X-Filler-{i}": "f" * 1000 for i in range(200)}
    handler.send(200, handler.server.resources.find(api.OPERATIONS["GetImage"], STANDARD), **filler)
    return True
