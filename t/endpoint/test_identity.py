#!/usr/bin/python3
"""The stand-ins for STS, IMDS and a container: what they refuse, give, and break.

They are right if AWS's own clients take credentials from them: boto3 and the
AWS CLI do so through their own chains of providers, and prove that they have
by asking who they are.  Prints TAP.
"""
import collections
import concurrent.futures
import contextlib
import datetime
import hashlib
import http.client
import json
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock
import urllib.parse
import xml.etree.ElementTree

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import botocore.parsers
import botocore.utils

import endpoint
import identity

HERE = pathlib.Path(__file__).parent
AWS = "/usr/bin/aws"
NEWER_CLI = r"aws: \[ERROR\]: (An error occurred \(NoCredentials\): )?"      # before an error
KEY = "AKIDEXAMPLE"
NAMESPACE = f"{{{identity.NAMESPACE}}}"
FORM = {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": "",
        "RoleSessionName": "session"}
FORM_TYPE = "application/x-www-form-urlencoded; charset=utf-8"
# boto3 of Debian knows no variable for STS's address: give it, and the CLI, rules by
# which that is STS's.
RULES = {"version": "1.0",
         "parameters": {"Region": {"builtIn": "AWS::Region", "type": "String", "required": False}}}
Keys = collections.namedtuple("Keys", "key secret token")


def role(name, account=identity.ACCOUNT):
    return f"arn:aws:iam::{account}:role/{name}"


def assumed(name, account=identity.ACCOUNT):
    return f"arn:aws:sts::{account}:assumed-role/{name}/session"


class StandIn:
    """A process of identity.py, and how to speak to it."""

    def __init__(self, directory, *options):
        self.directory = pathlib.Path(tempfile.mkdtemp(dir=directory))
        self.issued = self.directory / "issued"
        port_file = self.directory / "ports"
        self.process = subprocess.Popen(
            [sys.executable, HERE / "identity.py", "--until-eof", "--port-file", port_file,
             "--issued", self.issued, *options], stdin=subprocess.PIPE)
        endpoint.wait_until(port_file.exists)
        self.ports = json.loads(port_file.read_text())
        self.scheme = "https" if "--certificate" in options else "http"

    def stop(self):
        self.process.stdin.close()
        return self.process.wait(timeout=60)

    def url(self, service):
        return f"{self.scheme if service == 'sts' else 'http'}://127.0.0.1:{self.ports[service]}"

    def send(self, service, method, target, headers=None, body=None, timeout=30):
        """Status, headers and body of one exchange on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[service], timeout=timeout)
        if service == "sts" and self.scheme == "https":
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self.ports[service], timeout=timeout,
                context=ssl._create_unverified_context())
        with contextlib.closing(connection):
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in {"Host": f"127.0.0.1:{self.ports[service]}",
                                **(headers or {})}.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            with connection.getresponse() as response:
                return response.status, response.headers, response.read()

    def control(self, method, path):
        status, _, body = self.send("sts", method, f"/-/{path}")
        assert status == 200, body
        return json.loads(body)

    def set(self, **settings):
        return self.control("POST", f"set?{urllib.parse.urlencode(settings)}")

    def sign(self, form, keys, *, region="us-east-1", service="sts", when=None, headers=None):
        """The headers and the body of a form that botocore signs."""
        body = urllib.parse.urlencode(form).encode()
        request = botocore.awsrequest.AWSRequest("POST", self.url("sts") + "/", data=body, headers={
            "Host": f"127.0.0.1:{self.ports['sts']}", "Content-Type": FORM_TYPE, **(headers or {})})
        date = (when or datetime.datetime.now(datetime.timezone.utc)).strftime("%Y%m%dT%H%M%SZ")
        request.context["timestamp"] = date
        request.headers["X-Amz-Date"] = date
        if keys.token:
            request.headers["X-Amz-Security-Token"] = keys.token
        signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(*keys), service, region)
        signature = signer.signature(signer.string_to_sign(
            request, signer.canonical_request(request)), request)
        signer._inject_signature_to_request(request, signature)
        return dict(request.headers.items()), body

    def assume(self, name, keys=None, how=None, account=identity.ACCOUNT, **form):
        """What STS answers if asked for a role."""
        keys = keys or Keys(KEY, *endpoint.CREDENTIALS[KEY])
        headers, body = self.sign({**FORM, "RoleArn": role(name, account), **form}, keys,
                                  **(how or {}))
        return self.send("sts", "POST", "/", headers, body)

    def assumed(self, name, keys=None, **form):
        """The keys of a role."""
        status, _, body = self.assume(name, keys,
                                      how={"headers": {"Accept": "application/json"}}, **form)
        assert status == 200, body
        found = json.loads(body)["AssumeRoleResponse"]["AssumeRoleResult"]["Credentials"]
        return Keys(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])

    def web_identity(self, token=identity.WEB_IDENTITY_TOKEN, headers=None, **form):
        form = {**FORM, "Action": "AssumeRoleWithWebIdentity", "RoleArn": role("web"),
                "WebIdentityToken": token, **form}
        return self.send("sts", "POST", "/", {"Content-Type": FORM_TYPE, **(headers or {})},
                         urllib.parse.urlencode(form).encode())

    def imds_token(self):
        return self.send("imds", "PUT", "/latest/api/token",
                         {"X-aws-ec2-metadata-token-ttl-seconds": "21600"})

    def imds(self, path, **headers):
        """What IMDS answers to one who has fetched a token."""
        token = self.imds_token()[2].decode()
        return self.send("imds", "GET", identity.ROLES + path,
                         {"X-aws-ec2-metadata-token": token, **headers})


def rules_for(url):
    """Endpoint rules by which botocore finds STS there, whatever else it would go by."""
    return {**RULES, "rules": [{"type": "endpoint", "conditions": [], "endpoint": {
        "url": url, "headers": {},
        "properties": {"authSchemes": [{"name": "sigv4", "signingName": "sts",
                                        "signingRegion": "us-east-1"}]}}}]}


class IdentityTest(unittest.TestCase):
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.identity = StandIn(cls.directory.name, "--latency", "1500", *cls.options)

    @classmethod
    def tearDownClass(cls):
        status = cls.identity.stop()
        cls.directory.cleanup()
        assert status == 0, "it must end with its standard input"

    def setUp(self):
        self.identity.control("POST", "reset")

    def refused(self, answer, code, status):
        """The message of an error of STS."""
        root = xml.etree.ElementTree.fromstring(answer[2])
        self.assertEqual((answer[0], root.tag, root.findtext(f"{NAMESPACE}Error/{NAMESPACE}Code")),
                         (status, f"{NAMESPACE}ErrorResponse", code), answer[2])
        self.assertEqual(root.findtext(f"{NAMESPACE}Error/{NAMESPACE}Type"), "Sender"
                         if status < 500 else "Receiver")
        self.assertTrue(root.findtext(f"{NAMESPACE}RequestId"))
        return root.findtext(f"{NAMESPACE}Error/{NAMESPACE}Message")

    def counters(self):
        return self.identity.control("GET", "counters")


class StsTest(IdentityTest):
    def test_answers_xml_as_documented(self):
        status, headers, body = self.identity.assume("reader")
        root = xml.etree.ElementTree.fromstring(body)
        result = root.find(f"{NAMESPACE}AssumeRoleResult")
        self.assertEqual((status, headers["Content-Type"], root.tag),
                         (200, "text/xml", f"{NAMESPACE}AssumeRoleResponse"))
        self.assertRegex(result.findtext(f"{NAMESPACE}Credentials/{NAMESPACE}AccessKeyId"),
                         "^ASIA[A-Z2-7]{16}$")
        expiration = datetime.datetime.strptime(
            result.findtext(f"{NAMESPACE}Credentials/{NAMESPACE}Expiration"), "%Y-%m-%dT%H:%M:%S%z")
        self.assertAlmostEqual(
            (expiration - datetime.datetime.now(datetime.timezone.utc)).total_seconds(),
            3600, delta=10)
        self.assertEqual(result.findtext(f"{NAMESPACE}AssumedRoleUser/{NAMESPACE}Arn"),
                         assumed("reader"))

    def test_answers_json_to_those_who_accept_it(self):
        json_too = {"headers": {"Accept": "application/json"}}
        status, headers, body = self.identity.assume("reader", how=json_too, DurationSeconds="900")
        answer = json.loads(body)["AssumeRoleResponse"]
        self.assertEqual((status, headers["Content-Type"]), (200, "application/json"))
        self.assertTrue(answer["ResponseMetadata"]["RequestId"])
        self.assertAlmostEqual(
            answer["AssumeRoleResult"]["Credentials"]["Expiration"] - time.time(), 900, delta=10)
        error = json.loads(self.identity.assume("Denied", how=json_too)[2])
        self.assertEqual((error["Error"]["Code"], error["Error"]["Type"]),
                         ("AccessDenied", "Sender"))
        for how, pattern in (("scientific", rb'"Expiration": \d\.\d{9}E9'),
                             ("text", rb'"Expiration": "20\d\d-[-\dT:]+Z"'),
                             ("number", rb'"Expiration": \d{10}\b')):
            self.identity.set(expiration=how)
            self.assertRegex(self.identity.assume("reader", how=json_too)[2], pattern)
        self.identity.set(format="xml")
        self.assertTrue(self.identity.assume("reader", how=json_too)[
            2].startswith(b"<AssumeRoleResponse "))
        self.identity.set(format="json")
        self.assertTrue(self.identity.assume("reader")[2].startswith(b"{"))

    def test_refuses_each_tampering(self):
        keys = self.identity.assumed("reader")
        headers, body = self.identity.sign({**FORM, "RoleArn": role("reader")}, keys)
        signature = headers["Authorization"]
        last = "0" if signature[-1] != "0" else "1"
        digest = hashlib.sha256(body).hexdigest()
        lying = self.identity.sign({**FORM, "RoleArn": role("reader")}, keys,
                                   headers={"X-Amz-Content-SHA256": digest})[0]
        for name, changed, sent in (
                ("signature", {**headers, "Authorization": signature[:-1] + last}, body),
                ("body", headers, body.replace(b"reader", b"writer")),
                ("body, with its digest signed", lying, body.replace(b"reader", b"writer")),
                ("type", {**headers, "Content-Type": "application/x-www-form-urlencoded"}, body),
                ("host", {**headers, "Host": "example.org"}, body)):
            with self.subTest(name):
                self.assertIn("\n'POST\n",
                              self.refused(self.identity.send("sts", "POST", "/", changed, sent),
                                                       "SignatureDoesNotMatch", 403))
        self.assertEqual(self.identity.send("sts", "POST", "/", lying, body)[0], 200)
        self.refused(self.identity.assume("reader", keys._replace(secret="wrong")),
                     "SignatureDoesNotMatch", 403)

    def test_refuses_without_a_whole_authorization(self):
        headers, body = self.identity.sign({**FORM, "RoleArn": role("reader")},
                                           self.identity.assumed("reader"))
        whole = headers.pop("Authorization")
        self.refused(self.identity.send("sts", "POST", "/", headers, body),
                     "MissingAuthenticationToken", 403)
        for broken in ("AWS4-HMAC-SHA256", whole.replace("host;", ""),
                       whole.replace(";x-amz-security-token", "")):
            self.refused(self.identity.send("sts", "POST", "/",
                                            {**headers, "Authorization": broken}, body),
                         "IncompleteSignature", 400)

    def test_refuses_another_scope_and_clock(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        for how in ({"service": "imagebuilder"}, {"when": now + datetime.timedelta(minutes=6)},
                    {"when": now - datetime.timedelta(minutes=6)},
                    {"headers": {"Host": "sts.eu-west-1.amazonaws.com"}},
                    {"headers": {"Host": "sts.amazonaws.com"}, "region": "eu-west-1"}):
            with self.subTest(how):
                self.refused(self.identity.assume("reader", how=how), "SignatureDoesNotMatch", 403)
        for how in ({"region": "eu-west-1"},
                    {"headers": {"Host": "sts.eu-west-1.amazonaws.com"}, "region": "eu-west-1"},
                    {"headers": {"Host": "sts.cn-north-1.amazonaws.com.cn:443"},
                     "region": "cn-north-1"},
                    {"headers": {"Host": "sts.amazonaws.com"}}):
            with self.subTest(how):
                self.assertEqual(self.identity.assume("reader", how=how)[0], 200)
        self.assertEqual(self.counters()["regions"]["cn-north-1"], 1)

    def test_a_clock_ahead_is_satisfied_by_a_corrected_one(self):
        self.identity.set(clock=3600)
        answer = self.identity.assume("reader")
        self.assertIn("Signature expired: ", self.refused(answer, "SignatureDoesNotMatch", 403))
        told = datetime.datetime.strptime(answer[1]["Date"], "%a, %d %b %Y %H:%M:%S GMT")
        self.assertEqual(self.identity.assume("reader", how={"when": told})[0], 200)

    def test_refuses_callers(self):
        known = {key: Keys(key, *rest) for key, rest in endpoint.CREDENTIALS.items()}
        issued, temporary = self.identity.assumed("reader"), known["ASIATEMPORARYEXAMPLE"]
        for keys, code in ((Keys("AKIAUNKNOWN", "secret", None), "InvalidClientTokenId"),
                           (issued._replace(token=None), "InvalidClientTokenId"),
                           (issued._replace(token=temporary.token), "InvalidClientTokenId"),
                           (known["ASIAEXPIREDEXAMPLE"], "ExpiredToken"),
                           (known["AKIAFORBIDDENEXAMPLE"], "AccessDenied")):
            with self.subTest(code):
                self.refused(self.identity.assume("reader", keys), code, 403)
        self.assertEqual(self.identity.assume("reader", temporary)[0], 200)

    def test_refuses_what_is_not_valid(self):
        for form in ({"RoleArn": "reader"}, {"RoleArn": role("reader", "12")},
                     {"RoleArn": role("")},
                     {"RoleArn": "arn:aws:iam::123456789012:user/reader"},
                     {"DurationSeconds": "899"},
                     {"DurationSeconds": "43201"}, {"DurationSeconds": "1e3"},
                     {"DurationSeconds": ""},
                     {"RoleSessionName": "a"}, {"RoleSessionName": "a b"},
                     {"RoleSessionName": "a" * 65}, {"RoleSessionName": "name\n"}):
            with self.subTest(form):
                self.refused(self.identity.assume("reader", **form), "ValidationError", 400)
        for form in ({"Action": "GetSessionToken"}, {"Version": ""}, {"Version": "2012-01-01"}):
            self.refused(self.identity.assume("reader", **form), "InvalidAction", 400)
        self.refused(self.identity.send("sts", "GET", "/"), "InvalidAction", 404)
        for name in ("path/to/reader", "A+=,.@-_z", "a" * 64):
            self.assertEqual(self.identity.assume(
                name, DurationSeconds="43200", RoleSessionName="A+=,.@-_z")[0], 200)

    def test_roles_do_as_they_are_named(self):
        self.assertIn(f"not authorized to perform: sts:AssumeRole on resource: {role('Denied')}",
                      self.refused(self.identity.assume("Denied"), "AccessDenied", 403))
        for form in ({}, {"ExternalId": "wrong"}):
            self.refused(self.identity.assume("ExternalOne", **form), "AccessDenied", 403)
        self.assertEqual(self.identity.assume("ExternalOne",
                                              ExternalId=identity.EXTERNAL_ID)[0], 200)
        self.assertEqual([self.identity.assume("Throttled-2")[0] for _ in range(4)],
                         [400, 400, 200, 200])
        self.refused(self.identity.assume("Throttled-1-other"), "Throttling", 400)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            start = time.monotonic()
            self.assertEqual({answer[0] for answer in pool.map(self.identity.assume, ["Slow"] * 4)},
                             {200})
            self.assertGreaterEqual(time.monotonic() - start, 1.5)
        counters = self.counters()
        self.assertEqual(counters["max_in_flight"], {"sts": 4})
        self.assertEqual((counters["roles"][role("Slow")],
                          counters["roles"][role("Throttled-2")]), (4, 4))
        self.assertEqual((counters["errors"]["Throttling"], counters["status"]["sts 400"]), (3, 3))

    def test_short_credentials_expire(self):
        keys = self.identity.assumed("Short")
        self.identity.set(clock=5)
        self.refused(self.identity.assume("reader", keys), "ExpiredToken", 403)
        self.identity.set(clock=0)
        self.identity.set(lifetime=-5)
        self.refused(self.identity.assume("reader", self.identity.assumed("reader")),
                     "ExpiredToken", 403)

    def test_what_is_issued_is_written_down_and_believed(self):
        keys = [self.identity.assumed("reader", account="210987654321") for _ in range(3)]
        lines = [json.loads(line) for line in self.identity.issued.read_text().splitlines()][-3:]
        self.assertEqual(keys, [Keys(line["access_key_id"], line["secret_access_key"],
                                     line["session_token"])
                                for line in lines])
        self.assertEqual({(line["role_arn"], line["account"]) for line in lines},
                         {(role("reader", "210987654321"), "210987654321")})
        self.assertAlmostEqual(lines[0]["expiration"] - time.time(), 3600, delta=10)
        self.assertEqual(len({part for one in keys for part in one}), 9)
        for one in keys:
            self.assertTrue(len(one.token) >= 300 and set("/+=") <= set(one.token)
                            and set("/+") <= set(one.secret))
        self.assertEqual(self.identity.assume("other", keys[0])[0], 200)
        self.assertIn("role chaining",
                      self.refused(self.identity.assume("other", keys[0], DurationSeconds="7200"),
                                                    "ValidationError", 400))
        self.assertEqual(self.counters()["callers"], {KEY: 3, keys[0].key: 2})

    def test_web_identity(self):
        status, _, body = self.identity.web_identity(headers={"Accept": "application/json"})
        answer = json.loads(
            body)["AssumeRoleWithWebIdentityResponse"]["AssumeRoleWithWebIdentityResult"]
        self.assertEqual((status, answer["AssumedRoleUser"]["Arn"]), (200, assumed("web")))
        self.refused(self.identity.web_identity("unknown"), "InvalidIdentityToken", 400)
        self.refused(self.identity.web_identity(identity.EXPIRED_WEB_IDENTITY_TOKEN),
                     "ExpiredTokenException", 400)
        self.refused(self.identity.web_identity(RoleArn=role("Denied")), "AccessDenied", 403)
        self.refused(self.identity.web_identity(headers={"Authorization": "AWS4-HMAC-SHA256"}),
                     "ValidationError", 400)
        self.refused(self.identity.web_identity(headers={"X-Amz-Security-Token": "token"}),
                     "ValidationError", 400)
        self.identity.set(web_identity_tokens="one,two")
        self.refused(self.identity.web_identity(), "InvalidIdentityToken", 400)
        self.assertEqual(self.identity.web_identity("two")[0], 200)
        self.assertEqual(self.counters()["actions"], {"AssumeRoleWithWebIdentity": 8})


class MetadataTest(IdentityTest):
    def test_imds_gives_a_role_and_its_credentials(self):
        self.assertEqual(self.identity.imds("")[::2], (200, b"instance-role"))
        status, _, body = self.identity.imds("instance-role")
        answer = json.loads(body)
        self.assertEqual((status, answer["Code"], answer["Type"]), (200, "Success", "AWS-HMAC"))
        self.assertEqual(set(answer),
                         {"Code", "LastUpdated", "Type", "AccessKeyId", "SecretAccessKey", "Token",
                                       "Expiration"})
        keys = Keys(answer["AccessKeyId"], answer["SecretAccessKey"], answer["Token"])
        self.assertEqual(self.identity.assume("reader", keys)[0], 200)
        self.assertEqual(self.counters()["actions"],
                         {"token": 2, "role": 1, "credentials": 1, "AssumeRole": 1})

    def test_imds_refuses(self):
        for ttl in ("0", "21601", "", "x", "-1"):
            self.assertEqual(self.identity.send("imds", "PUT", "/latest/api/token",
                                                {"X-aws-ec2-metadata-token-ttl-seconds": ttl})[0],
                             400)
        self.assertEqual(self.identity.send("imds", "PUT", "/latest/api/token")[0], 400)
        self.assertEqual(self.identity.send("imds", "PUT", "/latest/api/token", {
            "X-aws-ec2-metadata-token-ttl-seconds": "60", "X-Forwarded-For": "10.0.0.1"})[0], 403)
        wrong = {"X-aws-ec2-metadata-token": "wrong"}
        self.assertEqual(self.identity.send("imds", "GET", identity.ROLES, wrong)[0], 401)
        self.assertEqual(self.counters()["v1"], 0)
        self.assertEqual(self.identity.send("imds", "GET", identity.ROLES)[0], 401)
        self.assertEqual(self.counters()["v1"], 1)
        self.assertEqual(self.identity.imds("other-role")[0], 404)

    def test_imds_tokens_end(self):
        token = {"X-aws-ec2-metadata-token": self.identity.imds_token()[2].decode()}
        self.assertEqual(self.identity.send("imds", "GET", identity.ROLES, token)[0], 200)
        self.identity.control("POST", "forget")
        self.assertEqual(self.identity.send("imds", "GET", identity.ROLES, token)[0], 401)
        self.identity.set(token_lifetime=0)
        self.assertEqual(self.identity.imds("")[0], 401)

    def test_imds_modes(self):
        self.identity.set(imds="newline@role")
        self.assertEqual(self.identity.imds("")[2], b"instance-role\n")
        self.identity.set(imds="unauthorized-1")
        answer = json.loads(self.identity.imds("instance-role")[2])
        self.assertEqual((answer["Code"], "AccessKeyId" in answer),
                         ("AssumeRoleUnauthorizedAccess", False))
        self.assertEqual(json.loads(self.identity.imds("instance-role")[2])["Code"], "Success")
        self.identity.set(imds="e403@token")
        self.assertEqual(self.identity.imds_token()[0], 403)
        self.identity.set(imds="", instance_role="")
        self.assertEqual(self.identity.imds("")[0], 404)

    def test_container(self):
        status, _, body = self.identity.send("container", "GET", "/v2/credentials/task?id=1")
        self.assertEqual((status, json.loads(body)["RoleArn"]), (200, role("container-role")))
        self.assertEqual(self.identity.send("container", "GET", "/elsewhere")[0], 404)
        self.assertEqual(self.identity.send("container", "POST", "/credentials", body=b"")[0], 404)
        self.identity.set(container_authorization="Bearer a/+=", container_path="/here")
        for given, status in (({}, 401), ({"Authorization": "Bearer"}, 401),
                              ({"Authorization": "Bearer a/+="}, 200)):
            answer = self.identity.send("container", "GET", "/here", given)
            self.assertEqual(answer[0], status)
        self.assertEqual(self.counters()["authorization"], {"none": 4, "wrong": 1, "right": 1})

    def test_each_mode_of_each_service(self):
        ask = {"sts": lambda **how: self.identity.send("sts", "POST", "/", *self.identity.sign(
                   {**FORM, "RoleArn": role("reader")},
                   Keys(KEY, *endpoint.CREDENTIALS[KEY])), **how),
               "imds": lambda **how: self.identity.send(
                   "imds", "GET", identity.ROLES + "instance-role",
                   {"X-aws-ec2-metadata-token": token}, **how),
               "container": lambda **how: self.identity.send(
                   "container", "GET", "/credentials", **how)}
        raised = {"hang": TimeoutError, "stall": TimeoutError,
                  "close": http.client.RemoteDisconnected,
                  "truncate": http.client.IncompleteRead, "badchunk": http.client.IncompleteRead}
        long = {"huge": 64 << 20, "nul": 60000}
        token = self.identity.imds_token()[2].decode()
        for service, function in ask.items():
            self.identity.set(**{service: "e500-2"})
            self.assertEqual([function()[0] for _ in range(3)], [500, 500, 200])
            whole = len(function()[2])
            for name in (*identity.SPOILED, *identity.CHANGED, *identity.ERRORS, "echo"):
                with self.subTest(service=service, mode=name):
                    self.identity.set(**{service: name})
                    if name in raised:
                        with self.assertRaises(raised[name]):
                            function(timeout=0.5)
                        continue
                    status, _, body = function()
                    self.assertEqual(status, {"redirect": 302, "echo": 400, "inerror": 500}.get(
                        name, identity.ERRORS.get(name, 200)))
                    if name in long:
                        self.assertGreater(len(body), long[name])
                    else:
                        self.assertLess(len(body), 3 * whole)
            self.identity.set(**{service: "echo"})
            self.assertRegex(function()[2].decode().lower(), "host: 127.0.0.1")
            self.identity.set(**{service: ""})

    def test_control(self):
        keys, token = self.identity.assumed("reader"), self.identity.imds_token()[2].decode()
        self.identity.set(container_authorization="Bearer a/+=", web_identity_tokens="one,two")
        for wrong in ("set?sts=none", "set?sts=e500-x", "set?other=1", "set?format=yaml",
                      "set?clock=x", "set", "other"):
            self.assertEqual(self.identity.send("sts", "POST", f"/-/{wrong}")[0], 400)
        secret = {keys.secret, keys.token, token, "Bearer a/+=", "Bearer%20a%2F%2B%3D", "two",
                  endpoint.TOKEN,
                  identity.WEB_IDENTITY_TOKEN, identity.EXTERNAL_ID,
                  urllib.parse.quote(keys.token, safe="")}
        self.identity.control("POST", "reset")
        self.assertEqual(secret - set(self.identity.control("GET", "secrets")), set())
        self.assertNotIn(keys.key, self.identity.control("GET", "secrets"))
        self.assertEqual([name for name, value in self.counters().items() if value
                          and name != "connections"], [])
        self.assertEqual(self.identity.assume("reader", keys)[0], 200)


class Clients(IdentityTest):
    """boto3 and the AWS CLI, each in an environment of its own."""

    clients = ("boto3", "cli")

    def environment(self, config="", **variables):
        """Where a client finds itself, its files included."""
        home = pathlib.Path(tempfile.mkdtemp(dir=self.directory.name))
        rules = rules_for(self.identity.url("sts"))
        model = home / "models" / "sts" / "2011-06-15"
        model.mkdir(parents=True)
        (model / "endpoint-rule-set-1.json").write_text(json.dumps(rules))
        (home / "config").write_text(config)
        return {"PATH": os.environ["PATH"], "HOME": str(home),
                "AWS_CONFIG_FILE": str(home / "config"),
                "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
                "AWS_DATA_PATH": str(home / "models"),
                "AWS_DEFAULT_REGION": "us-east-1", "AWS_STS_REGIONAL_ENDPOINTS": "regional",
                "AWS_PAGER": "", "AWS_EC2_METADATA_DISABLED": "true", **variables}

    def who(self, client, environment, profile=None):
        """Who the client then is, or why it is nobody."""
        if client == "cli":
            done = subprocess.run([AWS, "sts", "get-caller-identity", "--output", "json",
                                   *(["--profile", profile] if profile else [])],
                                  env=environment, capture_output=True, text=True)
            return json.loads(done.stdout)["Arn"] if done.returncode == 0 else done.stderr
        with unittest.mock.patch.dict(os.environ, environment, clear=True), \
                unittest.mock.patch.object(botocore.utils.ContainerMetadataFetcher,
                                           "SLEEP_TIME", 0):
            try:
                with contextlib.closing(boto3.Session(profile_name=profile).client("sts")) as sts:
                    return sts.get_caller_identity()["Arn"]
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError,
                    botocore.parsers.ResponseParserError) as error:
                return str(error)

    def told(self, words, *arguments, clients=clients, **settings):
        """Each client says so: who it is, or of an error, which newer AWS CLIs mark as one."""
        for client in clients:
            with self.subTest(client, **settings):
                self.identity.control("POST", "reset")
                if settings:
                    self.identity.set(**settings)
                self.assertRegex(self.who(client, *arguments).strip(), rf"^({NEWER_CLI})?{words}")


class ClientTest(Clients):
    roles = {
        "base": {"aws_access_key_id": KEY, "aws_secret_access_key": endpoint.CREDENTIALS[KEY][0]},
        "reader": {"role_arn": role("reader"), "source_profile": "base",
                   "role_session_name": "session", "duration_seconds": "900"},
        "chained": {"role_arn": role("chained", "210987654321"), "source_profile": "reader"},
        "external": {"role_arn": role("External"), "source_profile": "base",
                     "external_id": identity.EXTERNAL_ID},
        "noexternal": {"role_arn": role("External"), "source_profile": "base"},
        "denied": {"role_arn": role("Denied"), "source_profile": "base"},
        "throttled": {"role_arn": role("Throttled-1"), "source_profile": "base"},
        "invalid": {"role_arn": "arn:aws:iam::12:role/x-is-too-short", "source_profile": "base"},
        "environment": {"role_arn": role("reader"), "credential_source": "Environment"},
        "instance": {"role_arn": role("reader"), "credential_source": "Ec2InstanceMetadata"},
        "container": {"role_arn": role("reader"), "credential_source": "EcsContainer"}}
    profiles = "".join(f"[profile {name}]\n"
                       + "".join(f"{key} = {value}\n" for key, value in settings.items())
                       for name, settings in roles.items())

    def test_assume_role(self):
        environment = self.environment(self.profiles)
        for client in self.clients:
            with self.subTest(client):
                self.identity.control("POST", "reset")
                self.assertEqual(self.who(client, environment, "reader"), assumed("reader"))
                counters = self.counters()
                self.assertEqual((counters["roles"], counters["sessions"]),
                                 ({role("reader"): 1}, {"session": 1}))
                self.assertEqual((counters["callers"][KEY], len(counters["callers"]),
                                  counters["issued"]), (1, 2, 1))
                self.assertEqual(self.who(client, self.environment(self.profiles), "chained"),
                                 assumed("chained", "210987654321"))
        self.told(assumed("External"), environment, "external")
        self.told(assumed("Throttled-1"), environment, "throttled")
        self.assertEqual(self.counters()["errors"], {"Throttling": 1})

    def test_assume_role_from_each_source(self):
        sources = {"environment": {"AWS_ACCESS_KEY_ID": KEY,
                                   "AWS_SECRET_ACCESS_KEY": endpoint.CREDENTIALS[KEY][0]},
                   "instance": self.instance(), "container": self.container()}
        for profile, variables in sources.items():
            self.told(assumed("reader"), self.environment(self.profiles, **variables), profile)

    def test_assume_role_fails(self):
        environment = self.environment(self.profiles, AWS_MAX_ATTEMPTS="1")
        reported = (r"An error occurred \(%s\) when calling the AssumeRole operation"
                    r"( \(reached max retries: 0\))?: ")
        self.told(reported % "AccessDenied"
                  + "User: arn:aws:iam::123456789012:user/analyst is not authorized to "
                  "perform: sts:AssumeRole on resource: ", environment, "denied")
        for profile, words in (("noexternal", "AccessDenied"), ("invalid", "ValidationError"),
                               ("throttled", "Throttling")):
            self.told(reported % words, environment, profile, clients=("boto3",))
        for name in identity.ERRORS:
            self.told(reported % name, environment, "denied", clients=("boto3",), sts=name)
        self.told("Unable to parse response", environment, "reader", clients=("boto3",),
                  sts="badjson@AssumeRole")
        self.told("Connection was closed before", environment, "reader",
                  clients=("boto3",), sts="close")

    def web(self, token, **variables):
        path = pathlib.Path(self.directory.name) / "token"
        path.write_text(token)
        return self.environment(AWS_WEB_IDENTITY_TOKEN_FILE=str(path), AWS_ROLE_ARN=role("web"),
                                AWS_ROLE_SESSION_NAME="session", AWS_MAX_ATTEMPTS="1", **variables)

    def test_web_identity(self):
        self.told(assumed("web"), self.web(identity.WEB_IDENTITY_TOKEN))
        counters = self.counters()
        self.assertEqual((counters["actions"], counters["sessions"]),
                         ({"AssumeRoleWithWebIdentity": 1, "GetCallerIdentity": 1}, {"session": 1}))
        profile = self.environment(f"[profile web]\nrole_arn = {role('web')}\n"
                                   f"web_identity_token_file = "
                                   f"{self.directory.name}/token\n")
        self.told(assumed("web"), profile, "web")
        reported = r"An error occurred \(%s\) when calling the AssumeRoleWithWebIdentity operation"
        self.told(reported % "InvalidIdentityToken", self.web("other"))
        self.told(reported % "ExpiredTokenException", self.web(identity.EXPIRED_WEB_IDENTITY_TOKEN),
                  clients=("boto3",))
        for name in ("AccessDenied", "IDPRejectedClaim", "IDPCommunicationError",
                     "ServiceUnavailable"):
            self.told(reported % name, self.web(identity.WEB_IDENTITY_TOKEN),
                      clients=("boto3",), sts=name)

    def container(self, **variables):
        url = f"{self.identity.url('container')}/credentials"
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": url, **variables}

    def test_container(self):
        self.told(assumed("container-role"), self.environment(**self.container()))
        authorized = self.environment(
            **self.container(AWS_CONTAINER_AUTHORIZATION_TOKEN="Bearer a/+="))
        self.told(assumed("container-role"), authorized, container_authorization="Bearer a/+=")
        self.assertEqual(self.counters()["authorization"], {"right": 1})
        reported = ("Error when retrieving credentials from container-role: "
                    "Error retrieving metadata: ")
        refused = r"Received non 200 response \(?%d\)?"        # older versions have the parentheses
        self.told(reported + refused % 401 + " from (ECS|container) metadata: "
                  '{"code": "Unauthorized", "message": ', authorized,
                  container_authorization="Bearer other")
        self.assertEqual(self.counters()["authorization"], {"wrong": 3})
        for settings, words in (({"container": "e500"}, refused % 500),
                                ({"container": "badjson"}, "Unable to parse JSON returned"),
                                ({"container": "hang"}, ".*Read timeout on endpoint URL"),
                                ({"container_path": "/"}, refused % 404)):
            self.told(reported + words, authorized, clients=("boto3",), **settings)
        self.told(assumed("container-role"), authorized, clients=("boto3",), container="e500-2")

    def test_container_with_a_token_file(self):
        source = pathlib.Path(botocore.credentials.__file__).read_text()
        if "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" not in source:
            self.skipTest(f"botocore {botocore.__version__} does not know it")
        path = pathlib.Path(self.directory.name) / "authorization"
        path.write_text("Bearer a/+=")
        self.told(assumed("container-role"), self.environment(**self.container(
            AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(path))),
            container_authorization="Bearer a/+=",
                  clients=("boto3",))

    def instance(self):
        return {"AWS_EC2_METADATA_DISABLED": "false", "AWS_METADATA_SERVICE_TIMEOUT": "10",
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.identity.url("imds") + "/"}

    def test_instance(self):
        environment = self.environment(**self.instance())
        self.told(assumed("instance-role"), environment)
        counters = self.counters()
        self.assertEqual((counters["actions"], counters["v1"]),
                         ({"token": 1, "role": 1, "credentials": 1, "GetCallerIdentity": 1}, 0))
        self.told("Unable to locate credentials", environment, clients=("boto3",), instance_role="")
        self.told("Unable to locate credentials", environment, imds="unauthorized")
        for name in ("e403@token", "e500", "hang", "badjson@credentials", "empty@role",
                     "e401@credentials"):
            self.told("Unable to locate credentials",
                      {**environment, "AWS_METADATA_SERVICE_TIMEOUT": "1"},
                      clients=("boto3",), imds=name)
            if name == "e403@token":
                self.assertEqual(self.counters()["v1"], 1)      # as old SDKs fall back
        retrying = {**environment, "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "3"}
        self.told(assumed("instance-role"), retrying, clients=("boto3",), imds="e500-2")
        self.told(assumed("instance-role"), environment, imds="huge@credentials",
                  clients=("boto3",))


class TlsTest(Clients):
    """STS with a certificate, and for a Region of its own."""

    @classmethod
    def setUpClass(cls):
        files = tempfile.TemporaryDirectory()
        cls.addClassCleanup(files.cleanup)
        cls.certificate, key = f"{files.name}/certificate.pem", f"{files.name}/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
                        "-subj", "/CN=sts",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out",
                        cls.certificate],
                       check=True, capture_output=True)
        cls.options = ("--certificate", cls.certificate, "--key", key, "--region", "us-east-1")
        super().setUpClass()

    def test_clients_trust_the_certificate_and_use_the_region(self):
        keys = dict(zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
                        (KEY, endpoint.CREDENTIALS[KEY][0])))
        trusting = self.environment(AWS_CA_BUNDLE=self.certificate, **keys)
        self.told("arn:aws:iam::123456789012:user/analyst", trusting)
        self.told("SSL validation failed", self.environment(AWS_MAX_ATTEMPTS="1", **keys),
                  clients=("boto3",))
        self.refused(self.identity.assume("reader", how={"region": "eu-west-1"}),
                     "SignatureDoesNotMatch", 403)
        self.assertEqual(self.identity.assume("reader")[0], 200)


class TapResult(unittest.TextTestResult):
    """A line of TAP for each test, besides what unittest says of it."""

    def startTest(self, test):
        super().startTest(test)
        self.verdict = ("ok", "")

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.verdict = ("not ok", "")

    def addError(self, test, error):
        super().addError(test, error)
        self.verdict = ("not ok", "")

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            self.verdict = ("not ok", "")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.verdict = ("ok", f" # SKIP {reason}")

    def stopTest(self, test):
        super().stopTest(test)
        print(f"{self.verdict[0]} {self.testsRun} - {test.id().partition('.')[2]}{self.verdict[1]}",
              flush=True)

    def stopTestRun(self):
        super().stopTestRun()
        print(f"1..{self.testsRun}", flush=True)


if __name__ == "__main__":
    unittest.main(testRunner=unittest.TextTestRunner(resultclass=TapResult, verbosity=0))
