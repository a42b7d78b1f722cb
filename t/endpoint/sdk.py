"""How AWS's own clients see the endpoint: boto3 and the AWS CLI of Debian.

Their model of the service is some years old and drops members that it does not
know.  They are taught those with botocore's own means, a file of extras merged
over the model (botocore.loaders.ExtrasProcessor), and must then see them all.
"""
import copy
import datetime
import decimal
import functools
import json
import os
import pathlib
import subprocess

import boto3
import botocore
import botocore.loaders

import api
import generate
import projection

AWS = "/usr/bin/aws"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
SERVICE, VERSION = "imagebuilder", "2019-12-02"
data_path = None


def add_members(model, shape, name, value):
    """Let a structure have the members that a value has; by name, recursively."""
    structure = model["shapes"][shape]
    for member, content in value.items():
        if member not in structure["members"]:
            structure["members"][member] = {"shape": new_shape(
                model, f"{name}{member}", member, content)}
        target = structure["members"][member]["shape"]
        kind = model["shapes"][target]["type"]
        if kind == "list" and isinstance(content[0], dict):
            add_members(model, model["shapes"][target]["member"]["shape"],
                        f"{name}{member}", content[0])
        elif kind == "structure":
            add_members(model, target, f"{name}{member}", content)


def new_shape(model, name, member, content):
    if member in generate.MAPS:
        return "TagMap"
    if isinstance(content, dict):
        model["shapes"][name] = {"type": "structure", "members": {}}
    elif isinstance(content, list):
        inner = new_shape(model, name + "Item", "", content[0])
        model["shapes"][name] = {"type": "list", "member": {"shape": inner}}
    elif member in generate.TIMES:
        model["shapes"][name] = {"type": "timestamp"}
    else:
        kind = {bool: "boolean", int: "integer", str: "string"}[type(content)]
        model["shapes"][name] = {"type": kind}
    return name


def add_operation(model, operation):
    """Let the model have an operation that it lacks, with an empty answer."""
    name = operation.name.partition(":")[0]
    model["operations"][name] = {
        "name": name, "http": {"method": "POST" if operation.page_size else "GET",
                               "requestUri": operation.path},
        "input": {"shape": f"Taught{name}Request"}, "output": {"shape": f"Taught{name}Response"}}
    members = {operation.parameter: {"shape": "NonEmptyString"}}
    if operation.page_size:
        members["nextToken"] = {"shape": "NonEmptyString"}
        if operation.place == "filter":
            members = {"filter": {"shape": "Filter"}, "nextToken": {"shape": "NonEmptyString"}}
    else:
        members[operation.parameter] |= {"location": "querystring",
                                         "locationName": operation.parameter}
    model["shapes"][f"Taught{name}Request"] = {"type": "structure", "members": members}
    model["shapes"][f"Taught{name}Response"] = {
        "type": "structure", "members": {"nextToken": {"shape": "NonEmptyString"}}
        if operation.page_size else {}}


def teach(directory, shared):
    """Write the extras: what the fixtures that fill every member have and the model lacks.

    The model is botocore's, or the newer one of "shared"."""
    global data_path
    paths = [str(shared / "api" / "model")] if shared else []
    model = botocore.loaders.Loader(extra_search_paths=paths).load_service_model(
        SERVICE, "service-2", VERSION)
    taught = copy.deepcopy(model)
    for entry, complete in generate.SHAPES.items():
        name = entry.partition(":")[0]
        if name not in taught["operations"]:
            add_operation(taught, api.OPERATIONS[entry])
        if api.OPERATIONS[entry].target == "scope":
            # Without a version's ARN, which older models require.
            taught["shapes"][taught["operations"][name]["input"]["shape"]]["required"] = []
        add_members(taught, taught["operations"][name]["output"]["shape"],
                    f"Taught{name}", complete)
    extras = {part: {name: value for name, value in taught[part].items()
                     if model[part].get(name) != value}
              for part in ("shapes", "operations")}
    target = pathlib.Path(directory) / SERVICE / VERSION
    target.mkdir(parents=True)
    (target / "service-2.sdk-extras.json").write_text(json.dumps({"version": 1.0, "merge": extras}))
    data_path = os.pathsep.join([directory, *paths])


def plain(value):
    """Timestamps as ISO text, floats as exact numbers."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return decimal.Decimal(repr(value)) if isinstance(value, float) else value


def given(operation, arn):
    """The operation's parameters."""
    if operation.place == "filter":
        return {"filter": {"name": operation.parameter, "values": [arn]}}
    if operation.target == "scope":
        owner = operation.constant or api.owner_of(arn)
        return {operation.parameter: owner} if operation.parameter else {}
    return {operation.parameter: arn}


def whole(operation, pages):
    """A list's pages as one answer."""
    return {**pages[0], "nextToken": None,
            operation.member: [item for page in pages for item in page[operation.member]]}


@functools.cache
def boto3_client(endpoint, region):
    os.environ["AWS_DATA_PATH"] = data_path
    session = boto3.Session(aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
                            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"], region_name=region)
    return session.client(SERVICE, endpoint_url=endpoint)


def ask_boto3(endpoint, operation, arn):
    """What boto3 shows of an operation's answer, all pages by its paginator or by their tokens."""
    client = boto3_client(endpoint, api.region_of(arn))
    name = botocore.xform_name(operation.name.partition(":")[0])
    if operation.page_size and client.can_paginate(name):
        return plain(whole(operation,
                           list(client.get_paginator(name).paginate(**given(operation, arn)))))
    pages = [getattr(client, name)(**given(operation, arn))]
    while pages[-1].get("nextToken") and operation.page_size:
        pages.append(getattr(client, name)(**given(operation, arn),
                                           nextToken=pages[-1]["nextToken"]))
    return plain(whole(operation, pages) if operation.page_size else pages[0])


def ask_cli(endpoint, operation, arn):
    """The same of the AWS CLI."""
    environment = {"PATH": os.environ["PATH"], "HOME": data_path.split(os.pathsep)[0],
                   "AWS_DATA_PATH": data_path,
                   "AWS_REGION": api.region_of(arn), "AWS_PAGER": "", **KEYS}
    arguments = [word for name, value in given(operation, arn).items()
                 for word in (f"--{botocore.xform_name(name, '-')}",
                              value if isinstance(value, str) else json.dumps(value))]
    pages, token = [], None
    while not pages or token:
        output = subprocess.run([AWS, "imagebuilder",
                                 botocore.xform_name(operation.name.partition(":")[0], "-"),
                                 *arguments, *(["--next-token", token] if token else []),
                                 "--endpoint-url", endpoint, "--output", "json"],
                                env=environment, capture_output=True, check=True)
        pages.append(projection.parse(output.stdout.decode()))
        token = pages[-1].get("nextToken") if operation.page_size else None
    return whole(operation, pages) if operation.page_size else pages[0]


def differing(whole, seen, path="", name=""):
    """Paths of a body's values that a client does not show or shows otherwise; null ones aside."""
    if whole is None:
        return []
    if isinstance(whole, dict) and isinstance(seen, dict):
        return [lost for key, value in whole.items()
                for lost in differing(value, seen.get(key), f"{path}.{key}", key)]
    if isinstance(whole, list) and isinstance(seen, list) and len(whole) == len(seen):
        return [lost for pair in zip(whole, seen) for lost in differing(*pair, path + "[]", name)]
    if name in generate.TIMES and seen is not None:
        return [] if projection.microseconds(whole) == projection.microseconds(seen) else [path]
    return [] if whole == seen else [path]
