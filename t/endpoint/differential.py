#!/usr/bin/python3
"""boto3, the AWS CLI and the wrapper ask as the same identity; prints TAP.

For files at random, in one environment that has everything: each asks the same
GetImage endpoint with credentials from the same stand-ins (identity.py), which
tell who asked.  The server must have been started in ENVIRONMENT, with its files
in DIRECTORY, and ask as "profile".
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import urllib.request

import boto3
import botocore.exceptions
import botocore.session

import test_identity

ACCOUNT = "123456789012"
SOURCES = ("Environment", "Ec2InstanceMetadata", "EcsContainer")
BASE = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}


def settings(rng, names, token_file):
    """A profile's: keys, a role over another profile or a source, a web identity, or something wrong."""
    role = {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/{rng.choice(['Reader', 'Denied', 'External', 'Other'])}{rng.randrange(9)}"}
    if rng.random() < .5:
        role["external_id"] = rng.choice(["secret-external-id", "another"])
    if rng.random() < .5:
        role["role_session_name"] = f"session-{rng.randrange(9)}"
    kind = rng.random()
    if kind < .25:
        return BASE if rng.random() < .8 else {**BASE, "aws_secret_access_key": "wrong"}
    if kind < .65:
        return {**role, "source_profile": rng.choice(names)}
    if kind < .85:
        return {**role, "credential_source": rng.choice(SOURCES)}
    if kind < .95:
        return {**role, "web_identity_token_file": token_file}
    # Not one without any credentials: botocore would go on to the container's.
    return rng.choice([{**role}, {"aws_access_key_id": "AKIDEXAMPLE"},
                       {**role, "source_profile": "missing"}])


def write_files(rng, directory):
    names = ["default", "a", "b", "c", "d"]
    config, credentials = "", ""
    for name in names:
        values = settings(rng, names, str(directory / "token"))
        lines = "".join(f"{key} = {value}\n" for key, value in values.items())
        if values.keys() <= BASE.keys() and rng.random() < .7:
            credentials += f"[{name}]\n{lines}"
        else:
            config += f"[{name}]\n{lines}" if name == "default" else f"[profile {name}]\n{lines}"
    (directory / "config").write_text(config)
    (directory / "credentials").write_text(credentials)
    return rng.choice(names)


class Peers:
    def __init__(self, options):
        self.options = options
        self.arn = f"arn:aws:imagebuilder:us-east-1:{ACCOUNT}:image/golden-linux/1.0.0/1"

    def control(self, path, method="GET"):
        request = urllib.request.Request(f"{self.options.endpoint}/-/{path}", method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def roles(self):
        with open(self.options.issued, encoding="utf-8") as file:
            return {line["access_key_id"]: line["role_arn"] or "without a role" for line in map(json.loads, file)}

    def who_asks(self, ask):
        """The role or key that the endpoint was asked with; None if it was not, or refused."""
        self.control("reset", "POST")
        found = ask()
        keys = self.control("counters")["by_key"]
        if not found or len(keys) != 1:
            return None
        key, = keys
        return self.roles().get(key, key)

    def boto3(self, profile):
        try:
            session = boto3.Session(botocore_session=botocore.session.Session(profile=profile))
            client = session.client("imagebuilder", region_name="us-east-1", endpoint_url=self.options.endpoint)
            return client.get_image(imageBuildVersionArn=self.arn)["image"]["name"] == "golden-linux"
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            return False

    def cli(self, profile):
        return subprocess.run(["/usr/bin/aws", "--profile", profile, "--endpoint-url", self.options.endpoint, "--region",
                               "us-east-1", "imagebuilder", "get-image", "--image-build-version-arn", self.arn],
                              capture_output=True, check=False).returncode == 0

    def wrapper(self, profile):
        script = f"""ALTER USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (SET profile '{profile}');
                     SELECT name FROM imagebuilder.images WHERE arn = '{self.arn}'"""
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.options.psql], input=script,
                              capture_output=True, text=True, check=False)
        return done.stdout == "golden-linux\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--psql", required=True, metavar="CONNECTION")
    parser.add_argument("--endpoint", required=True, metavar="URL")
    parser.add_argument("--sts", required=True, metavar="URL")
    parser.add_argument("--issued", required=True, metavar="FILE")
    parser.add_argument("--directory", required=True, type=pathlib.Path)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20261125)
    options = parser.parse_args()
    model = options.directory / "models" / "sts" / "2011-06-15"
    model.mkdir(parents=True)
    (model / "endpoint-rule-set-1.json").write_text(json.dumps(test_identity.rules_for(options.sts)))
    os.environ["AWS_DATA_PATH"] = str(options.directory / "models")
    peers = Peers(options)
    rng = random.Random(options.seed)
    wrong, outcomes = [], set()
    for number in range(options.cases):
        profile = write_files(rng, options.directory)
        expected = peers.who_asks(lambda profile=profile: peers.boto3(profile))
        clients = [peers.wrapper] + [peers.cli] * (number % 25 == 0)
        for client in clients:
            got = peers.who_asks(lambda profile=profile, client=client: client(profile))
            if got != expected:
                wrong.append((client.__name__, profile, expected, got, (options.directory / "config").read_text(),
                              (options.directory / "credentials").read_text()))
        outcomes.add(expected)
    print(f"{'not ' * bool(wrong)}ok 1 - {options.cases} pairs of files at random: each asks as the same identity")
    for case in wrong[:2]:
        print("# " + "\n# ".join(map(repr, case)))
    print(f"{'not ' * (len(outcomes) < 10)}ok 2 - of whom there are {len(outcomes)}\n1..2")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
