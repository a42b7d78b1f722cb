#!/usr/bin/python3
"""Tests of src/aws against what the project did not write.

AWS's published signing vectors (in $IMAGEBUILDER_SHARED, when it is there),
botocore's signer, botocore's endpoint data and botocore's parser of errors.
Prints TAP.
"""
import datetime
import json
import os
import pathlib
import random
import subprocess
import sys
import unittest.mock
import urllib.parse

import botocore.endpoint_provider
import botocore.exceptions
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.loaders
import botocore.parsers
import botocore.regions

HERE = pathlib.Path(__file__).parent
SHARED = os.environ.get("IMAGEBUILDER_SHARED")
RANDOM_REQUESTS = 4000

driver = subprocess.Popen([HERE / "aws_driver"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
tests = failures = 0


def call(name, **arguments):
    driver.stdin.write(json.dumps({"call": name, **arguments}) + "\n")
    driver.stdin.flush()
    return json.loads(driver.stdout.readline())


def check(name, got, expected):
    global tests, failures
    tests += 1
    if got != expected:
        failures += 1
        print(f"not ok {tests} - {name}\n# got      {got!r}\n# expected {expected!r}")
    else:
        print(f"ok {tests} - {name}")


# ---- AWS's vectors --------------------------------------------------------

def parse_request(text):
    """A vector's request: the line is split at its last " HTTP/1.1"."""
    head, _, body = text.partition("\n\n")
    lines = head.split("\n")
    method, _, rest = lines[0].partition(" ")
    target = rest[:rest.rindex(" HTTP/1.1")]
    headers = []
    for line in filter(None, lines[1:]):
        if line[0] in " \t":
            headers[-1][1] += " " + line.strip()
        else:
            headers.append(list(line.split(":", 1)))
    path, _, query = target.partition("?")
    pairs = [list(map(urllib.parse.unquote, (p.partition("=")[::2])))
             for p in query.split("&") if p]
    return method, path, pairs, headers, body


def vectors(directory):
    for case in sorted(pathlib.Path(directory).iterdir()):
        context = json.loads((case / "context.json").read_text())
        method, path, query, headers, body = parse_request((case / "request.txt").read_text())
        time = datetime.datetime.strptime(context["timestamp"], "%Y-%m-%dT%H:%M:%SZ")
        time = time.replace(tzinfo=datetime.timezone.utc)
        headers.append(["X-Amz-Date", time.strftime("%Y%m%dT%H%M%SZ")])
        token = context["credentials"].get("token")
        if token and not context.get("omit_session_token"):
            headers.append(["X-Amz-Security-Token", token])
        expected = {name: (case / f"header-{name}.txt").read_text()
                    for name in ("canonical-request", "string-to-sign", "signature")}
        if context["sign_body"] and "x-amz-content-sha256" in expected["canonical-request"]:
            headers.append(["x-amz-content-sha256", expected["canonical-request"].split("\n")[-1]])
        got = call("sign", method=method, path=path, normalize=context["normalize"], query=query,
                   headers=headers, body=body, time=int(time.timestamp()),
                   region=context["region"], service=context["service"],
                   access_key_id=context["credentials"]["access_key_id"],
                   secret_access_key=context["credentials"]["secret_access_key"])
        for name, value in expected.items():
            check(f"vector {case.name}: {name}", got[name.replace("-", "_")], value)


# ---- botocore's signer ----------------------------------------------------

ALPHABET = "abcXYZ019-_.~ /:=&+%*@!'(),;?#[]|é日\U0001f600"


def random_text(rng, most, alphabet=ALPHABET):
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(most + 1)))


def botocore_signer(rng):
    """Random requests, each of them signed by botocore at a frozen clock."""
    wrong = []
    for _ in range(RANDOM_REQUESTS):
        time = datetime.datetime.fromtimestamp(rng.randrange(2**31), datetime.timezone.utc)
        query = [[random_text(rng, 6) or "q", random_text(rng, 12)]
                 for _ in range(rng.randrange(4))]
        query = [[n, v] for i, (n, v) in enumerate(query) if n not in [q[0] for q in query[:i]]]
        path = urllib.parse.quote(
            "/" + "/".join(random_text(rng, 6) for _ in range(rng.randrange(4))), safe="/-_.~")
        token = random_text(rng, 40, "abcXYZ019+/=") or None
        host = rng.choice(["imagebuilder.us-east-1.amazonaws.com", "127.0.0.1:8080", "example.org"])
        extra = [[f"X-Test-{i}", "a" + random_text(rng, 12, "abc XYZ  ,;")]
                 for i in range(rng.randrange(3))]
        body = rng.choice(["", random_text(rng, 30, "abc=&%")])
        keys = random_text(rng, 20, "ABC123") or "A", random_text(rng, 40, "abcXYZ019+/") or "s"
        region = rng.choice(["us-east-1", "eu-isoe-west-1", "cn-north-1"])

        clock = unittest.mock.Mock()
        clock.datetime.utcnow.return_value = clock.datetime.now.return_value = time
        clock.return_value = time       # newer versions call get_current_datetime()
        for name in ("datetime", "get_current_datetime"):
            if hasattr(botocore.auth, name):
                setattr(botocore.auth, name, clock)
        encoded = "&".join("=".join(urllib.parse.quote(text, safe="-_.~") for text in (n, v))
                           for n, v in query)
        request = botocore.awsrequest.AWSRequest(
            method="POST" if body else "GET", data=body,
            url=f"https://{host}{path}" + (f"?{encoded}" if encoded else ""),
            headers={n: v for n, v in extra})
        if path.startswith("//") or path.endswith(("/.", "/..")):
            continue            # urlsplit takes the one for a host; botocore and
                                # RFC 3986 differ over a slash in the other
        signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(*keys, token),
                                         "imagebuilder", region)
        signer.add_auth(request)
        expected = request.headers["Authorization"]
        headers = extra + [["Host", host], ["X-Amz-Date", time.strftime("%Y%m%dT%H%M%SZ")]]
        if token:
            headers.append(["X-Amz-Security-Token", token])
        got = call("sign", method=request.method, path=path, normalize=True, query=query,
                   headers=headers, body=body, region=region, service="imagebuilder",
                   time=int(time.replace(tzinfo=datetime.timezone.utc).timestamp()),
                   access_key_id=keys[0], secret_access_key=keys[1])["authorization"]
        if got != expected:
            wrong.append((request.url, got, expected))
    check(f"{RANDOM_REQUESTS} random requests are signed as botocore signs them", wrong[:1], [])


# ---- endpoints ------------------------------------------------------------

def botocore_endpoints():
    resolver = botocore.regions.EndpointResolver(botocore.loaders.Loader().load_data("endpoints"))
    suffixes = {
        "aws": ("amazonaws.com", "api.aws"),
        "aws-cn": ("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        "aws-us-gov": ("amazonaws.com", "api.aws"),
    }
    for partition in resolver.get_available_partitions():
        regions = resolver.get_available_endpoints("ec2", partition)
        for region in regions:
            if "-" not in region or region.startswith("fips"):
                continue
            plain = resolver.construct_endpoint("imagebuilder", region, partition_name=partition)
            got = call("endpoint", service="imagebuilder", partition=partition, region=region)
            check(f"endpoint of {region}, as in botocore", got["host"], plain["hostname"])
            got = call("endpoint", service="imagebuilder", partition="new", region=region)
            check(f"endpoint of {region} by the Region alone", got["host"], plain["hostname"])
            if partition in suffixes:
                got = call("endpoint", service="imagebuilder", partition=partition, region=region,
                           dualstack=True)
                check(f"dual-stack endpoint of {region}", got["host"],
                      f"imagebuilder.{region}.{suffixes[partition][1]}")


# What the documentation says: partition: a Region, the suffix, the dual-stack suffix.
PARTITIONS = {
    "aws": ("eu-west-1", "amazonaws.com", "api.aws"),
    "aws-cn": ("cn-northwest-1", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    "aws-us-gov": ("us-gov-east-1", "amazonaws.com", "api.aws"),
    "aws-iso": ("us-iso-west-1", "c2s.ic.gov", "api.aws.ic.gov"),
    "aws-iso-b": ("us-isob-east-1", "sc2s.sgov.gov", "api.aws.scloud"),
    "aws-iso-e": ("eu-isoe-west-1", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    "aws-iso-f": ("us-isof-east-1", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    "aws-eusc": ("eusc-de-east-1", "amazonaws.eu", "api.amazonwebservices.eu"),
}


def all_endpoints():
    """Each service in each partition in each way, by the documentation and botocore's rules."""
    loader = botocore.loaders.Loader()
    for service in ("imagebuilder", "sts"):
        rules = botocore.endpoint_provider.EndpointProvider(
            loader.load_service_model(service, "endpoint-rule-set-1"),
            loader.load_data("partitions"))
        agreed = 0
        for partition, (region, suffix, dualstack_suffix) in PARTITIONS.items():
            for fips in (False, True):
                for dualstack in (False, True):
                    got = call("endpoint", service=service, partition=partition,
                               region=region, fips=fips, dualstack=dualstack)
                    name = (f"{service}-fips"
                            if fips and (dualstack or partition != "aws-us-gov") else service)
                    check(f"endpoint of {service} in {partition}, fips={fips} "
                          f"dualstack={dualstack}", got["host"],
                          f"{name}.{region}.{dualstack_suffix if dualstack else suffix}")
                    try:
                        url = rules.resolve_endpoint(
                            Region=region, UseFIPS=fips, UseDualStack=dualstack,
                            **({"UseGlobalEndpoint": False} if service == "sts" else {})).url
                    except botocore.exceptions.EndpointProviderError:
                        continue        # not offered there, as this botocore has it
                    # It is older than some partitions, which it takes for the first.
                    if partition in {each["id"]
                                     for each in loader.load_data("partitions")["partitions"]}:
                        agreed += 1
                        # Nor does it know yet that Image Builder's in GovCloud are plain.
                        if ((service, partition, fips, dualstack)
                                != ("imagebuilder", "aws-us-gov", True, False)):
                            check(f"as botocore's rules have it: {url}",
                                  f"https://{got['host']}", url)
        check(f"botocore's rules were asked for {service}", agreed > 15, True)


ENDPOINTS = [
    # partition, region, fips, dualstack, host
    ("aws", "us-east-1", True, False, "imagebuilder-fips.us-east-1.amazonaws.com"),
    ("aws", "us-east-1", True, True, "imagebuilder-fips.us-east-1.api.aws"),
    ("aws-us-gov", "us-gov-west-1", True, False, "imagebuilder.us-gov-west-1.amazonaws.com"),
    ("aws-us-gov", "us-gov-west-1", True, True, "imagebuilder-fips.us-gov-west-1.api.aws"),
    ("aws-us-gov", "us-gov-east-1", False, True, "imagebuilder.us-gov-east-1.api.aws"),
    ("aws-cn", "cn-north-1", True, False, "imagebuilder-fips.cn-north-1.amazonaws.com.cn"),
    ("aws-iso", "us-iso-east-1", False, False, "imagebuilder.us-iso-east-1.c2s.ic.gov"),
    ("aws-iso", "us-iso-east-1", False, True, "imagebuilder.us-iso-east-1.api.aws.ic.gov"),
    ("aws-iso-b", "us-isob-east-1", False, False, "imagebuilder.us-isob-east-1.sc2s.sgov.gov"),
    ("aws-iso-b", "us-isob-east-1", False, True, "imagebuilder.us-isob-east-1.api.aws.scloud"),
    ("aws-iso-e", "eu-isoe-west-1", False, False, "imagebuilder.eu-isoe-west-1.cloud.adc-e.uk"),
    ("aws-iso-e", "eu-isoe-west-1", False,
     True, "imagebuilder.eu-isoe-west-1.api.cloud-aws.adc-e.uk"),
    ("aws-iso-f", "us-isof-south-1", False, False, "imagebuilder.us-isof-south-1.csp.hci.ic.gov"),
    ("aws-iso-f", "us-isof-south-1", False,
     True, "imagebuilder.us-isof-south-1.api.aws.hci.ic.gov"),
    ("aws-eusc", "eusc-de-east-1", False, False, "imagebuilder.eusc-de-east-1.amazonaws.eu"),
    ("aws-eusc", "eusc-de-east-1", False,
     True, "imagebuilder.eusc-de-east-1.api.amazonwebservices.eu"),
    ("aws-new", "xx-new-1", False, False, "imagebuilder.xx-new-1.amazonaws.com"),
    ("aws", "US-EAST-1", False, False, "imagebuilder.us-east-1.amazonaws.com"),
]

URLS = [
    # url, what is asked for below it (None: refused)
    ("https://example.org", "https://example.org/Path?query"),
    ("https://Example.ORG:443/", "https://example.org/Path?query"),
    ("http://127.0.0.1:80", "http://127.0.0.1/Path?query"),
    ("http://127.0.0.1:8080/base", "http://127.0.0.1:8080/base/Path?query"),
    ("http://[::1]:8080/a/b/", "http://[::1]:8080/a/b/Path?query"),
    ("https://example.org/a%20b", "https://example.org/a%20b/Path?query"),
    ("ftp://example.org", None),
    ("file:///etc/passwd", None),
    ("example.org", None),
    ("", None),
    ("https://", None),
    ("https://user:secret@example.org", None),
    ("https://example.org/?a=b", None),
    ("https://example.org/#f", None),
    ("https://exämple.org", None),
    ("https://example.org/ä", None),
    ("https://example.org/\x7f", None),
    ("https://example.org/%C3%A4", "https://example.org/%C3%A4/Path?query"),
    ("https://example.org:99999", None),
]

ARNS = [
    # arn, valid, an image's
    ("arn:aws:imagebuilder:us-east-1:123456789012:image/a/1.0.0/1", True, True),
    ("arn:aws:imagebuilder:us-east-1:123456789012:image/a/1.0.0", True, True),
    ("arn:aws-cn:imagebuilder:cn-north-1:aws:image/a/x.x.x", True, True),
    ("arn:p:imagebuilder:r:third-party:image/A_b.c/v/b", True, True),
    ("arn:aws:imagebuilder:us-east-1:1:component/a/1.0.0/1", True, False),
    ("arn:aws:imagebuilder:us-east-1:1:workflow/build/a/1.0.0/1", True, False),
    ("arn:aws:imagebuilder:us-east-1:1:image-pipeline/a", True, False),
    ("arn:aws:imagebuilder:us-east-1:1:new-thing/a/b", True, False),
    ("arn:aws:imagebuilder:us-east-1:1:image/a", False, False),
    ("arn:aws:imagebuilder:us-east-1:1:image/a/1.0.0/1/2", False, False),
    ("arn:aws:imagebuilder:us-east-1:1:image/a/1.0.0/", False, False),
    ("arn:aws:imagebuilder:us-east-1:1:image//1.0.0", False, False),
    ("arn:aws:imagebuilder:us-east-1:1:image", False, False),
    ("arn:aws:imagebuilder:us-east-1::image/a/1.0.0", False, False),
    ("arn:aws:imagebuilder::1:image/a/1.0.0", False, False),
    ("arn:aws:imagebuilder:evil.example.org/:1:image/a/1.0.0", False, False),
    ("arn:aws:imagebuilder:a@b:1:image/a/1.0.0", False, False),
    ("arn:aws:imagebuilder:-a:1:image/a/1.0.0", False, False),
    ("arn:aws:imagebuilder:a-:1:image/a/1.0.0", False, False),
    ("arn:aws:imagebuilder:" + "a" * 63 + ":1:image/a/1.0.0", True, True),
    ("arn:aws:imagebuilder:" + "a" * 64 + ":1:image/a/1.0.0", False, False),
    ("arn:aws:ec2:us-east-1:1:image/ami-1/1.0.0", False, False),
    ("arn::imagebuilder:us-east-1:1:image/a/1.0.0", False, False),
    ("ARN:aws:imagebuilder:us-east-1:1:image/a/1.0.0", False, False),
    (" arn:aws:imagebuilder:us-east-1:1:image/a/1.0.0", False, False),
    ("arn:aws:imagebuilder:us-east-1:1:image/a/1.0.0\n", False, False),
    ("", False, False),
    ("arn", False, False),
]
# resource: the kinds that it is of
KINDS = {
    "image/a/1.0.0/1": ["image", "image:any", "image:build", "*"],
    "image/a/1.0.0": ["image", "image:any", "image:version", "*"],
    "component/a/1.0.0/1": ["component:any", "component:build", "*"],
    "component/a/x.x.x": ["component:any", "component:version", "*"],
    "image-pipeline/a": ["image-pipeline", "*"],
}


# ---- errors ---------------------------------------------------------------

def botocore_errors():
    """What botocore's parser makes of an answer is what ours makes of it."""
    parser = botocore.parsers.RestJSONParser()
    cases = [
        (400, "InvalidRequestException", '{"message": "m"}'),
        (400, "InvalidRequestException:http://internal.amazon.com/x/", '{"message": "m"}'),
        (400, "com.amazonaws#InvalidRequestException", '{"Message": "m"}'),
        (404, None, '{"code": "ResourceNotFoundException", "message": "m"}'),
        (404, None, '{"__type": "com.amazonaws.imagebuilder#ResourceNotFoundException", '
         '"message": "m"}'),
        (403, None, '{"Code": "X", "message": "zwölf \\u00e9"}'),
    ]
    for status, header, body in cases:
        headers = {"x-amzn-errortype": header} if header else {}
        expected = parser.parse({"status_code": status, "headers": headers, "body": body.encode()},
                                None)
        got = call("error", status=status, header=header, body=body)
        if body.startswith('{"Code"'):
            expected["Error"]["Code"] = "X"   # newer SDKs read it, this botocore does not
        if "#" in (header or ""):
            expected["Error"]["Code"] = header.split("#")[1]    # likewise
        check(f"error {status} {header} {body}", [got["code"], got["message"]],
              [expected["Error"]["Code"], expected["Error"]["Message"]])


ERRORS = [
    # status, header, body, code, message, class (an AwsErrorClass)
    (502, None, "<html>bad gateway</html>", None, "<html>bad gateway</html>", 2),
    (500, None, "", None, None, 2),
    (501, None, "", None, None, 3),
    (429, None, "", None, None, 4),
    (429, "AnythingAtAll", "", "AnythingAtAll", None, 4),
    (400, "ThrottlingException", "", "ThrottlingException", None, 4),
    (429, "CallRateLimitExceededException", "{}", "CallRateLimitExceededException", None, 4),
    (404, "ResourceNotFoundException", "{}", "ResourceNotFoundException", None, 1),
    (400, "ResourceNotFoundException", "{}", "ResourceNotFoundException", None, 1),
    (404, None, "gone", None, "gone", 0),
    (403, None, "", None, None, 8),
    (401, None, "", None, None, 5),
    (403, "UnrecognizedClientException", "", "UnrecognizedClientException", None, 9),
    (403, "ExpiredTokenException", "", "ExpiredTokenException", None, 6),
    (403, "SignatureDoesNotMatch", "", "SignatureDoesNotMatch", None, 7),
    (400, ":", "[1]", None, "[1]", 0),
    (400, None, '{"message": 5}', None, None, 0),
    (400, None, '{"message": "cut', None, '{"message": "cut', 0),
    (404, None, '{"code": "ResourceNotFoundException\\u0000", "message": "m"}', None, "m", 0),
    (408, "RequestTimeout", "", "RequestTimeout", None, 2),
]

# Where endpoints.json has each partition's global services sign.
FIRST_REGIONS = {
    "aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1", "aws-iso-e": "eu-isoe-west-1", "aws-iso-f": "us-isof-south-1",
    "aws-eusc": "eusc-de-east-1", "aws-new": "us-east-1",
}
DATES = [
    # text, Unix time (None: no time)
    ("1970-01-01T00:00:00Z", 0),
    ("2026-11-25 12:00:00", 1795608000),
    ("2026-11-25t12:00:00.5z", 1795608000),
    ("2026-11-25T12:00:00-00:30", 1795609800),
    ("9999-12-31T23:59:59Z", 253402300799),
    ("2000-02-29T00:00:00Z", 951782400),
    ("2016-12-31T23:59:60Z", 1483228800),
    ("2026-02-29T00:00:00Z", None),
    ("1900-02-29T00:00:00Z", None),
    ("2026-02-30T00:00:00Z", None),
    ("2026-04-31T00:00:00Z", None),
    ("2026-00-10T00:00:00Z", None),
    ("2026-13-10T00:00:00Z", None),
    ("2026-11-00T00:00:00Z", None),
    ("2026-11-25T24:00:00Z", None),
    ("2026-11-25T25:00:00Z", None),
    ("2026-11-25T12:60:00Z", None),
    ("2026-11-25T12:00:61Z", None),
    ("2026-11-25T12:00:00.Z", None),
    ("2026-11-25T12:00:00+24:00", None),
    ("2026-11-25T12:00:00+02:60", None),
    ("2026-11-25T12:00:00+02", None),
    ("2026-11-25T12:00Z", None),
    ("1969-12-31T23:59:59Z", None),
    ("0000-01-01T00:00:00Z", None),
    ("9999-12-31T23:59:59-01:00", None),
    ("10000-01-01T00:00:00Z", None),
    ("+2026-11-25T12:00:00Z", None),
    ("2026-1-25T12:00:00Z", None),
    ("2026-+1-25T12:00:00Z", None),
    ("2026- 1-25T12:00:00Z", None),
    (" 2026-11-25T12:00:00Z", None),
    ("2026-11-25T12:00:00Z ", None),
    ("Infinity", None),
]

KEYS = '"AccessKeyId": "ASIA", "SecretAccessKey": "s/+", "{token}": "t=="'
ISSUED = [
    # what IMDS or a container answers with, when it expires (None: refused)
    ('{"Code": "Success", %s, "Expiration": "2026-11-25T12:00:00Z"}', 1795608000),
    ('{%s, "Expiration": "2026-11-25T12:00:00.999Z"}', 1795608000),
    ('{%s, "Expiration": "2026-11-25T12:00:00+02:00"}', 1795600800),
    ('{%s, "Expiration": "2028-02-29T23:59:59Z"}', 1835481599),
    ('{%s, "Expiration": 1795608000}', 1795608000),
    ('{%s, "Expiration": 1795608000.75}', 1795608000),
    ('{%s, "Expiration": 1.795608E9}', 1795608000),
    ('{%s}', 2 ** 63 - 1),
    ('{%s, "Expiration": null}', 2 ** 63 - 1),
    ('{%s, "Expiration": "soon"}', None),
    ('{%s, "Expiration": "2026-11-25"}', None),
    ('{%s, "Expiration": "2026-11-25T12:00:00Zulu"}', None),
    ('{%s, "Expiration": 1e300}', None),
    ('{%s, "Expiration": NaN}', None),
    ('{%s, "Expiration": Infinity}', None),
    ('{%s, "Expiration": -Infinity}', None),
    ('{%s, "Expiration": -1}', None),
    ('{%s, "Expiration": 253402300799}', 253402300799),
    ('{%s, "Expiration": 253402300800}', None),
    ('{%s, "Expiration": 99999999999999999999}', None),
    ('{%s, "Expiration": "NaN"}', None),
    ('{%s, "Expiration": ""}', None),
    ('{%s, "Expiration": "2026-11-25T12:00:00Z\\u0000"}', None),
    ('{%s, "Expiration": "2026-02-30T12:00:00Z"}', None),
    ('{%s, "Expiration": true}', None),
    ('{"Code": "AssumeRoleUnauthorizedAccess", %s}', None),
    ('[{%s}]', None),
    ('{%s', None),
    ('', None),
    ('<html>', None),
]
BROKEN = ['"AccessKeyId": "ASIA", "SecretAccessKey": "s"',
          '"AccessKeyId": "", "SecretAccessKey": "s", "{token}": "t"',
          '"AccessKeyId": "A", "SecretAccessKey": null, "{token}": "t"',
          '"AccessKeyId": 1, "SecretAccessKey": "s", "{token}": "t"',
          '"AccessKeyId": "A\\u0000", "SecretAccessKey": "s", "{token}": "t"',
          '"AccessKeyId": "A", "SecretAccessKey": "s\\u0000b", "{token}": "t"',
          '"AccessKeyId": "A", "SecretAccessKey": "s", "{token}": "\\u0000"',
          '"AccessKeyId": "A", "SecretAccessKey": "s", "{token}": "t\\r\\nX: y"',
          '"AccessKeyId": "A", "SecretAccessKey": "s\\u0000", "{token}": "é"']
XML = ('<AssumeRoleResponse '
       'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
       "<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s/+</SecretAccessKey>"
       "<SessionToken>{token}</SessionToken>"
       "<Expiration>{expiration}</Expiration></Credentials></AssumeRoleResult>"
       "</AssumeRoleResponse>")


def issued():
    for body, expires in ISSUED:
        body = body.replace("%s", KEYS)
        got = call("issued", body=body.replace("{token}", "Token"))
        check(f"issued: {body}", got.get("expires"), expires)
        check(f"issued, the keys: {body}", got.get("keys"),
              ["ASIA", "s/+", "t=="] if expires else None)
        for action in ("AssumeRole", "AssumeRoleWithWebIdentity"):
            if "Code" not in body:
                got = call("sts", body=body and '{"%sResponse": {"%sResult": {"Credentials": %s}}}'
                           % (action, action, body.replace("{token}", "SessionToken")))
                check(f"issued by {action}: {body}", got.get("expires"),
                      None if expires == 2 ** 63 - 1 else expires)
    for keys in BROKEN:
        check(f"broken: {keys}",
              "problem" in call("issued", body="{%s}" % keys.replace("{token}", "Token")), True)
    for token, expected in (("t==", "t=="), ("a&amp;b&lt;&gt;&quot;&apos;", "a&b<>\"'"),
                            ("&#65;&#x42;", "AB"), ("", None),
                            ("&bad;", None), ("a b", None), ("&#200;", None), ("<x/>", None)):
        got = call("sts", body=XML.format(token=token, expiration="2026-11-25T12:00:00Z"))
        check(f"XML, token {token!r}", got.get("keys"),
              ["ASIA", "s/+", expected] if expected else None)
    check("XML, expiration", call("sts", body="\n" + XML.format(
        token="t", expiration="2026-11-25T12:00:00Z"))["expires"], 1795608000)
    check("XML, without expiration",
          "problem" in call("sts", body=XML.format(token="t", expiration="")), True)
    check("XML, no time", "problem" in call("sts",
                                            body=XML.format(token="t", expiration="x")), True)
    for body in ('{"Error": {"Code": "Throttling", "Message": "m"}}',
                 "<ErrorResponse><Error><Code>Throttling</Code><Message>m</Message></Error>"
                 "</ErrorResponse>"):
        got = call("sts_error", status=400, body=body)
        check(f"STS error {body}", [got["code"], got["message"], got["class"]],
              ["Throttling", "m", 4])
    for body, account in (
            ('{"GetCallerIdentityResponse": {"GetCallerIdentityResult": {"Account": '
             '"123456789012", "Arn": "a"}}}', "123456789012"),
            ('{"GetCallerIdentityResponse": {"GetCallerIdentityResult": {"Account": '
             '123456789012}}}', None),
            ('{"GetCallerIdentityResult": {"Account": "123456789012"}}', None), ("[]", None),
            ("", None), ("oops", None),
            ('<GetCallerIdentityResponse '
             'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
             "<Arn>a</Arn><Account>123456789012</Account></GetCallerIdentityResult>"
             "</GetCallerIdentityResponse>", "123456789012"),
            ("<GetCallerIdentityResponse><Account/></GetCallerIdentityResponse>", None)):
        check(f"account of {body}", call("account", body=body).get("account"), account)
    check("STS error, none", call("sts_error", status=500, body="oops")["class"], 2)


if SHARED:
    vectors(pathlib.Path(SHARED) / "aws-signing-test-suite" / "v4")
botocore_signer(random.Random(20261125))
botocore_endpoints()
all_endpoints()
for partition, region, fips, dualstack, host in ENDPOINTS:
    got = call("endpoint", service="imagebuilder", partition=partition, region=region, fips=fips,
               dualstack=dualstack)
    check(f"endpoint {partition} {region} fips={fips} dualstack={dualstack}", got["host"], host)
for url, expected in URLS:
    check(f"endpoint_url {url}", call("endpoint", url=url).get("url"), expected)
for arn, valid, image in ARNS:
    check(f"arn {arn!r}", call("arn", arn=arn), {"valid": valid, "image": image})
for resource, kinds in KINDS.items():
    for kind in sorted({kind for others in KINDS.values()
                        for kind in others} | {"imag", "image-pipeline:build"}):
        got = call("arn", arn=f"arn:aws:imagebuilder:us-east-1:1:{resource}", kind=kind)["fits"]
        check(f"{resource} is of kind {kind}", got, kind in kinds)
for partition, expected in FIRST_REGIONS.items():
    got = call("endpoint", service="sts", partition=partition, region="x")
    check(f"first Region of {partition}", got["first_region"], expected)
for text, expected in DATES:
    check(f"date {text!r}", call("date", text=text).get("time"), expected)
issued()
botocore_errors()
for status, header, body, code, message, kind in ERRORS:
    check(f"error {status} {header} {body!r}",
          call("error", status=status, header=header, body=body),
          {"code": code, "message": message, "class": kind})
print(f"1..{tests}")
driver.stdin.close()
sys.exit(1 if failures or driver.wait() else 0)
