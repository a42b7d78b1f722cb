#!/usr/bin/python3
"""The endpoint itself: what it must refuse, find, and break.

A client is only as well tested as the endpoint is strict, so most of this
signs requests wrongly, each in one way, and expects the refusal.
"""
import contextlib
import datetime
import http.client
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials

import endpoint
import faults

HERE = pathlib.Path(__file__).parent
ARN = faults.STANDARD
KEY = "AKIDEXAMPLE"
FORMAT = "%Y%m%dT%H%M%SZ"


def image(name):
    return f"arn:aws:imagebuilder:us-east-1:123456789012:image/{name}"


def quoted(arn):
    return urllib.parse.quote(arn, safe="-_.~")


class EndpointCase(unittest.TestCase):
    """An endpoint, and exchanges with it."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        port_file = pathlib.Path(cls.directory.name) / "port"
        cls.process = subprocess.Popen(
            [sys.executable, HERE / "endpoint.py", "--until-eof", "--port-file", port_file],
            stdin=subprocess.PIPE)
        endpoint.wait_until(port_file.exists)
        cls.port = int(port_file.read_text())
        cls.host = f"127.0.0.1:{cls.port}"

    @classmethod
    def tearDownClass(cls):
        cls.process.stdin.close()
        status = cls.process.wait(timeout=60)
        cls.directory.cleanup()
        assert status == 0, "the endpoint must end with its standard input"

    def setUp(self):
        self.control("POST", "reset")
        self.control("DELETE", "responses")

    def control(self, method, path, body=None):
        return json.loads(self.send(method, f"/-/{path}", {"Host": self.host}, body)[2])

    def send(self, method, target, headers, body=None, timeout=5):
        """Status, headers and body of one exchange on a connection of its own."""
        with contextlib.closing(
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)) as connection:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            with connection.getresponse() as response:
                return response.status, response.headers, response.read()


class EndpointTest(EndpointCase):
    def sign(self, arn=ARN, *, key=KEY, secret=None, token="as known", region=None,
             service="imagebuilder", when=None, base="/", query=None):
        """A target and the headers that botocore signs it with."""
        known_secret, known_token = endpoint.CREDENTIALS.get(key, ("unknown", None))
        token = known_token if token == "as known" else token
        target = f"{base}GetImage?{query or 'imageBuildVersionArn=' + quoted(arn)}"
        request = botocore.awsrequest.AWSRequest("GET", f"http://{self.host}{target}",
                                                 headers={"Host": self.host})
        date = (when or datetime.datetime.now(datetime.timezone.utc)).strftime(FORMAT)
        request.context["timestamp"] = date
        request.headers["X-Amz-Date"] = date
        if token:
            request.headers["X-Amz-Security-Token"] = token
        signer = botocore.auth.SigV4Auth(
            botocore.credentials.Credentials(key, secret or known_secret, token), service,
            region or arn.split(":")[3])
        signature = signer.signature(signer.string_to_sign(
            request, signer.canonical_request(request)), request)
        signer._inject_signature_to_request(request, signature)
        return target, dict(request.headers.items())

    def get(self, arn=ARN, timeout=5, **how):
        return self.send("GET", *self.sign(arn, **how), timeout=timeout)

    def refused(self, answer, code, status=403):
        self.assertEqual((answer[0], answer[1]["x-amzn-ErrorType"]), (status, code), answer[2])
        return json.loads(answer[2])["message"]

    # What it accepts

    def test_accepts_what_botocore_signs(self):
        expected = (HERE / "fixtures" / "GetImage" / "golden-linux-1.0.0-1.json").read_bytes()
        for how in ({}, {"key": "ASIATEMPORARYEXAMPLE"}, {"base": "/a/base/path/"},
                    {"base": "/a%20b/"}):
            with self.subTest(how):
                status, headers, body = self.get(**how)
                self.assertEqual((status, body), (200, expected))
                self.assertTrue(headers["Date"] and headers["x-amzn-RequestId"])

    def test_accepts_a_clock_less_than_five_minutes_off(self):
        for minutes in (-4, 4):
            when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(
                minutes=minutes)
            self.assertEqual(self.get(when=when)[0], 200)

    # What it refuses

    def test_refuses_each_tampering(self):
        target, headers = self.sign()
        other = self.sign(image("golden-linux/1.0.0/2"))[0]
        signature = headers["Authorization"]
        last = "0" if signature[-1] != "0" else "1"
        for name, answer in {
            "signature": self.send("GET", target,
                                   {**headers, "Authorization": signature[:-1] + last}),
            "query": self.send("GET", other, headers),
            "path": self.send("GET", "/elsewhere" + target, headers),
            "host": self.send("GET", target, {**headers, "Host": "example.org"}),
            "another parameter": self.send("GET", target + "&x=y", headers),
            "secret": self.get(secret="wrong"),
        }.items():
            with self.subTest(name):
                self.assertIn("\n'GET\n", self.refused(answer, "InvalidSignatureException"))

    def test_refuses_a_query_signed_as_it_was_sent_rather_than_encoded(self):
        self.refused(self.get(query=f"imageBuildVersionArn={ARN}"), "InvalidSignatureException")

    def test_accepts_a_query_signed_encoded_however_it_is_sent(self):
        _, headers = self.sign()
        self.assertEqual(self.send("GET", f"/GetImage?imageBuildVersionArn={ARN}", headers)[0], 200)

    def test_refuses_a_scope_of_another_day_region_or_service(self):
        self.refused(self.get(region="eu-west-1"), "InvalidSignatureException")
        self.refused(self.get(service="s3"), "InvalidSignatureException")
        target, headers = self.sign()
        headers["Authorization"] = headers["Authorization"].replace(
            headers["X-Amz-Date"][:8], "20200101")
        self.refused(self.send("GET", target, headers), "InvalidSignatureException")

    def test_refuses_a_clock_that_is_off(self):
        for minutes, words in ((-6, "Signature expired: "), (6, "Signature not yet current: ")):
            when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(
                minutes=minutes)
            self.assertIn(words, self.refused(self.get(when=when), "InvalidSignatureException"))

    def test_refuses_credentials(self):
        self.refused(self.get(key="AKIAUNKNOWN"), "UnrecognizedClientException")
        self.refused(self.get(key="ASIATEMPORARYEXAMPLE", token=None),
                     "UnrecognizedClientException")
        self.refused(self.get(key="ASIATEMPORARYEXAMPLE", token="another"),
                     "UnrecognizedClientException")
        self.refused(self.get(key="ASIAEXPIREDEXAMPLE"), "ExpiredTokenException")
        self.refused(self.get(key="AKIAFORBIDDENEXAMPLE"), "AccessDeniedException")

    def test_refuses_without_a_whole_authorization(self):
        target, headers = self.sign(key="ASIATEMPORARYEXAMPLE")
        whole = headers.pop("Authorization")
        self.refused(self.send("GET", target, headers), "MissingAuthenticationTokenException")
        for broken in ("AWS4-HMAC-SHA256", whole.partition(", Signature")[0],
                       whole.replace("host;", ""),
                       whole.replace("x-amz-date;", ""),
                       whole.replace(";x-amz-security-token", "")):
            with self.subTest(broken):
                self.refused(self.send("GET", target, {**headers, "Authorization": broken}),
                             "IncompleteSignatureException")

    # What it finds

    def test_finds_the_newest_available_build(self):
        for asked, found in (("1.0.0", "1.0.0/2"), ("1.0.x", "1.0.0/2"), ("1.x.x", "1.1.0/1"),
                             ("x.x.x", "2.0.0/1"), ("2.1.0/1", "2.1.0/1")):
            with self.subTest(asked):
                body = json.loads(self.get(image(f"golden-linux/{asked}"))[2])
                self.assertEqual(body["image"]["arn"], image(f"golden-linux/{found}"))

    def test_does_not_find(self):
        for name in ("golden-linux/9.9.9/1", "golden-linux/1.0.0/7", "golden-linux/2.1.0",
                     "none/x.x.x"):
            self.refused(self.get(image(name)), "ResourceNotFoundException", 404)
        for name in ("golden-linux", "golden-linux/1.0.0/1/1", ""):
            self.refused(self.get(image(name)), "InvalidParameterValueException", 400)

    def test_answers_with_what_was_put_byte_for_byte(self):
        arn, body = image("put/1.0.0/1"), b' {"image" :\r\n {}, "\xff": 1e400}'
        self.control("PUT", f"responses?arn={quoted(arn)}", body)
        self.assertEqual(self.get(arn)[2], body)

    def test_boto3_finds_and_fails(self):
        client = boto3.client("imagebuilder", endpoint_url=f"http://{self.host}",
                              region_name="us-east-1",
                              aws_access_key_id=KEY,
                              aws_secret_access_key=endpoint.CREDENTIALS[KEY][0],
                              config=botocore.config.Config(retries={"total_max_attempts": 1}))
        with contextlib.closing(client):
            self.assertEqual(client.get_image(imageBuildVersionArn=ARN)["image"]["arn"], ARN)
            with self.assertRaises(client.exceptions.CallRateLimitExceededException):
                client.get_image(imageBuildVersionArn=image("fault-throttle/1.0.0/1"))

    # How it fails

    def test_each_fault_answers_as_its_table_says(self):
        """Those that answer at all do with a status; the rest break off or are silent."""
        silent = {"hang": TimeoutError, "stall": TimeoutError, "reset": ConnectionResetError,
                  "close": http.client.RemoteDisconnected, "truncate": http.client.IncompleteRead,
                  "badchunk": http.client.IncompleteRead, "nothttp": http.client.BadStatusLine,
                  "headerflood": http.client.HTTPException, "skew": None}
        for kind in faults.FAULTS:
            with self.subTest(kind):
                arn = image(f"fault-{kind}/1.0.0/1")
                if silent.get(kind):
                    with self.assertRaises(silent[kind]):
                        self.get(arn, timeout=0.5)
                elif kind not in silent:
                    status, _, body = self.get(arn)
                    self.assertIn(status, faults.REASONS.keys() | {204, 402, 501})
                    if kind == "huge":
                        self.assertGreater(len(body), 100_000_000)
                        self.assertEqual(json.loads(body), {"image": {}})

    def test_a_fault_with_a_number_passes(self):
        arn = image("fault-throttle-2/1.0.0/1")
        self.assertEqual([self.get(arn)[0] for _ in range(4)], [429, 429, 200, 200])
        self.assertEqual(json.loads(self.get(arn)[2])["image"]["arn"], arn)
        self.assertEqual(self.control("GET", "counters")["by_status"], {"429": 2, "200": 3})

    def test_a_clock_ahead_is_satisfied_by_a_corrected_one(self):
        arn = image("fault-skew/1.0.0/1")
        answer = self.get(arn)
        self.assertIn("Signature expired: ", self.refused(answer, "InvalidSignatureException"))
        pretended = datetime.datetime.strptime(answer[1]["Date"], "%a, %d %b %Y %H:%M:%S GMT")
        self.assertEqual(self.get(arn, when=pretended)[0], 200)

    def test_badsignature_repeats_the_authorization(self):
        self.assertIn("AWS4-HMAC-SHA256 Credential=", self.refused(
            self.get(image("fault-badsignature/1.0.0/1")), "SignatureDoesNotMatch"))

    # Connections

    def test_close_idle_ends_kept_connections_even_beside_dead_ones(self):
        kept = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        gone = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(20)]
        target, headers = self.sign()
        kept.request("GET", target, headers=headers)
        kept.getresponse().read()
        for other in gone:
            other.close()
        self.assertEqual(self.control("POST", "close-idle"), {})
        self.assertEqual(kept.sock.recv(1), b"")
        kept.close()


if __name__ == "__main__":
    unittest.main()
