#!/usr/bin/python3
"""boto3, the AWS CLI and the wrapper ask as the same identity; prints TAP.

Each asks the same GetImage endpoint with credentials from the same stand-ins
(identity.py), which tell who asked: in environments at random, by the default
chain of providers; and for a profile of files at random, where all else is set
up too.  The PostgreSQL server is started anew in each environment.
"""
import argparse
import collections
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
import botocore.utils

import test_identity

ACCOUNT = "123456789012"
DEAD = "http://127.0.0.1:1"           # where nobody listens
SOURCES = ("Environment", "Ec2InstanceMetadata", "EcsContainer")
BASE = {"aws_access_key_id": "AKIDEXAMPLE",
        "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}


def program(rng, directory):
    """A command that prints credentials, or not; without a shell its last words say nothing."""
    how = rng.choice(["good", "good", "'good'", "expiring", "wrong", "fails", "version", "nothing",
                      '"un closed', "absent"])
    rest = rng.choice(["", "; exit 1", "| false", "$X"])
    return f"{directory}/{'none' if how == 'absent' else 'program'} {how} {rest}"


def write_program(directory):
    good = {"Version": 1, "AccessKeyId": BASE["aws_access_key_id"],
            "SecretAccessKey": BASE["aws_secret_access_key"]}
    outputs = {"good": good, "expiring": {**good, "Expiration": "2999-01-01T00:00:00+00:00"},
               "wrong": {**good, "SecretAccessKey": "wrong"}, "fails": good,
               "version": {**good, "Version": 2}}
    (directory / "program").write_text("#!/bin/sh\ncase $1 in\n" + "".join(
        f"{how}) echo '{json.dumps(output)}' ;;\n" for how, output in outputs.items())
        + "esac\n[ $1 != fails ]\n")
    (directory / "program").chmod(0o755)


def settings(rng, names, directory):
    """A profile's: keys, a role over a profile or a source, a web identity, a program, or wrong."""
    token_file = str(directory / "token")
    name = rng.choice(["Reader", "Denied", "External", "Other"])
    role = {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/{name}{rng.randrange(9)}"}
    if rng.random() < .5:
        role["external_id"] = rng.choice(["secret-external-id", "another"])
    if rng.random() < .5:
        role["role_session_name"] = f"session-{rng.randrange(9)}"
    kind = rng.random()
    if kind < .25:
        return BASE if rng.random() < .8 else {**BASE, "aws_secret_access_key": "wrong"}
    if kind < .6:
        return {**role, "source_profile": rng.choice(names)}
    if kind < .72:
        return {**rng.choice([{}, {}, BASE]), "credential_process": program(rng, directory)}
    if kind < .87:
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
        values = settings(rng, names, directory)
        lines = "".join(f"{key} = {value}\n" for key, value in values.items())
        if values.keys() <= {*BASE, "credential_process"} and rng.random() < .7:
            credentials += f"[{name}]\n{lines}"
        else:
            config += f"[{name}]\n{lines}" if name == "default" else f"[profile {name}]\n{lines}"
    (directory / "config").write_text(config)
    (directory / "credentials").write_text(credentials)
    return rng.choice(names)


def environment(rng, options):
    """Variables at random, and what the metadata service is to be like."""
    directory, settings = options.directory, {}
    variables = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": options.imds + "/"}
    kind = rng.random()
    if kind < .1:
        variables["AWS_EC2_METADATA_DISABLED"] = rng.choice(["true", "True"])
    elif kind < .2:
        variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = DEAD
    elif kind < .3:
        settings["instance_role"] = ""
    if rng.random() < .4:
        settings["container_authorization"] = rng.choice(["", "token", "another"])
        uri = rng.choice([f"{options.container}/credentials"] * 5
                         + [DEAD, "http://example.org/credentials"])
        variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = uri
        if rng.random() < .5:
            variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = rng.choice(["token", "another"])
    files = rng.random() < .6
    # Where it comes before a profile's keys, botocore's order is another.
    if not files and rng.random() < .5:
        variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = str(
            directory / rng.choice(["token", "token", "token", "none"]))
        if rng.random() < .9:
            name = rng.choice(["Pod", "Denied"])
            variables["AWS_ROLE_ARN"] = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        if rng.random() < .5:
            variables["AWS_ROLE_SESSION_NAME"] = "pod"
    variables["AWS_CONFIG_FILE"] = str(directory / "config" if files else directory / "none")
    variables["AWS_SHARED_CREDENTIALS_FILE"] = str(
        directory / "credentials" if files else directory / "none")
    if rng.random() < .3:
        variables["AWS_ACCESS_KEY_ID"] = BASE["aws_access_key_id"]
        if rng.random() < .8:
            variables["AWS_SECRET_ACCESS_KEY"] = rng.choice(
                [BASE["aws_secret_access_key"]] * 3 + ["wrong"])
        if rng.random() < .2:
            variables["AWS_SESSION_TOKEN"] = "unknown"
    elif rng.random() < .4 and files:
        variables[rng.choice(["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])] = rng.choice(
            ["a", "b", "c", "missing"])
    return variables, settings


def everything(options):
    directory = options.directory
    return {"AWS_CONFIG_FILE": str(directory / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(directory / "credentials"),
            "AWS_ACCESS_KEY_ID": BASE["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": BASE["aws_secret_access_key"],
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{options.container}/credentials",
            # Without the slash the CLI puts none.
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": options.imds + "/"}


class Peers:
    def __init__(self, options):
        self.options = options
        # With STS's address (see test_identity.py), and keeping what it has read.
        os.environ["AWS_DATA_PATH"] = str(options.directory / "models")
        self.loader = botocore.session.Session().get_component("data_loader")
        self.wrong, self.outcomes = [], collections.Counter()
        self.provider = "default"
        self.arn = f"arn:aws:imagebuilder:us-east-1:{ACCOUNT}:image/golden-linux/1.0.0/1"

    def control(self, path, method="GET", of=None):
        request = urllib.request.Request(f"{of or self.options.endpoint}/-/{path}", method=method)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or "null")

    def enter(self, variables, settings=()):
        """All of them are in that environment from now on."""
        for name in [name for name in os.environ if name.startswith("AWS_")
                     and name != "AWS_DATA_PATH"]:
            del os.environ[name]
        os.environ.update(variables, AWS_DEFAULT_REGION="us-east-1", AWS_PAGER="")
        subprocess.run(["pg_ctl", "restart", "-s", "-w", "-m", "fast", "-D", self.options.data,
                        "-l", self.options.data + "/../restarted.log"], check=True)
        self.control("reset", "POST", of=self.options.imds)
        for name, value in dict(settings).items():
            self.control(f"set?{name}={value}", "POST", of=self.options.imds)

    def roles(self):
        with open(self.options.issued, encoding="utf-8") as file:
            return {line["access_key_id"]: line["role_arn"] or "without a role"
                    for line in map(json.loads, file)}

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
            session = botocore.session.Session(profile=profile)
            session.register_component("data_loader", self.loader)
            client = boto3.Session(botocore_session=session).client(
                "imagebuilder", region_name="us-east-1", endpoint_url=self.options.endpoint)
            image = client.get_image(imageBuildVersionArn=self.arn)["image"]
            return image["name"] == "golden-linux"
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, ValueError,
                FileNotFoundError):
            return False

    def cli(self, profile):
        named = ["--profile", profile] if profile else []
        return subprocess.run(["/usr/bin/aws", *named, "--endpoint-url", self.options.endpoint,
                               "--region", "us-east-1", "imagebuilder", "get-image",
                               "--image-build-version-arn", self.arn],
                              capture_output=True, check=False).returncode == 0

    def wrapper(self, profile):
        options = f"credential_provider '{self.provider}'"
        options += f", profile '{profile}'" * bool(profile)
        script = f"""DROP USER MAPPING FOR CURRENT_USER SERVER aws;
                     CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS ({options});
                     SELECT name FROM imagebuilder.images WHERE arn = '{self.arn}'"""
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1",
                               "-d", self.options.psql], input=script,
                              capture_output=True, text=True, check=False)
        return done.stdout == "golden-linux\n"

    def compare(self, profile, *more):
        """Whether they agree on who asks, by a profile or without one."""
        expected = self.who_asks(lambda: self.boto3(profile))
        for client in (self.wrapper, *more):
            got = self.who_asks(lambda client=client: client(profile))
            if got != expected:
                files = [(self.options.directory / name).read_text()
                         for name in ("config", "credentials")]
                aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
                self.wrong.append((client.__name__, profile, expected, got, *files, aws))
        self.outcomes[expected] += 1

    def report(self, number, what, least):
        print(f"{'not ' * bool(self.wrong)}ok {number} - {what}: each asks as the same identity")
        for case in self.wrong[:2]:
            print("# " + "\n# ".join(map(repr, case)))
        few = len(self.outcomes) < least or self.outcomes[None] == self.outcomes.total()
        print(f"{'not ' * few}ok {number + 1} - of whom there are {len(self.outcomes)}, none in "
              f"{self.outcomes[None]} cases")
        bad = few or bool(self.wrong)
        self.wrong, self.outcomes = [], collections.Counter()
        return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--psql", required=True, metavar="CONNECTION")
    parser.add_argument("--endpoint", required=True, metavar="URL")
    parser.add_argument("--sts", required=True, metavar="URL")
    parser.add_argument("--imds", required=True, metavar="URL")
    parser.add_argument("--container", required=True, metavar="URL")
    parser.add_argument("--data", required=True, metavar="DIRECTORY", help="the cluster's")
    parser.add_argument("--issued", required=True, metavar="FILE")
    parser.add_argument("--directory", required=True, type=pathlib.Path)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--environments", type=int, default=60)
    parser.add_argument("--seed", type=int, default=20261125)
    options = parser.parse_args()
    model = options.directory / "models" / "sts" / "2011-06-15"
    model.mkdir(parents=True)
    (model / "endpoint-rule-set-1.json").write_text(
        json.dumps(test_identity.rules_for(options.sts)))
    write_program(options.directory)
    botocore.utils.ContainerMetadataFetcher.SLEEP_TIME = 0
    peers = Peers(options)
    rng = random.Random(options.seed)

    for number in range(options.environments):
        peers.enter(*environment(rng, options))
        for _ in range(3 if os.environ["AWS_CONFIG_FILE"].endswith("config") else 1):
            write_files(rng, options.directory)
            has_files = os.environ["AWS_CONFIG_FILE"].endswith("config")
            named = rng.choice([None, None, *"abc"]) if has_files else None
            peers.compare(named, *[peers.cli] * (number % 10 == 0))
    bad = peers.report(1, f"{options.environments} environments at random", 8)

    peers.enter(everything(options))
    peers.provider = "profile"
    for number in range(options.cases):
        peers.compare(write_files(rng, options.directory), *[peers.cli] * (number % 50 == 0))
    bad |= peers.report(3, f"{options.cases} pairs of files at random", 10)
    print("1..4")
    sys.exit(bad)


if __name__ == "__main__":
    main()
