"""An independent projection of responses into the foreign tables.

Written from the interface's notation, not from the C code: rows and cells as
they must come out, in a canonical form.  Text is str, booleans and integers
are themselves, text[] is a list, jsonb is parsed JSON with exact numbers, a
timestamptz is the integer number of microseconds since the Unix epoch.
"""
import csv
import datetime
import decimal
import json
import pathlib
import re

import api

# table: its sources, (label, rows)
TABLES = {
    "images": [(None, "")],
    "image_recipes": [(None, "image.imageRecipe")],
    "container_recipes": [(None, "image.containerRecipe")],
    "components": [("image", "image.imageRecipe.components[]"),
                   ("container", "image.containerRecipe.components[]")],
    "component_parameters": [("image", "image.imageRecipe.components[].parameters[]"),
                             ("container", "image.containerRecipe.components[].parameters[]")],
    "block_device_mappings": [("image", "image.imageRecipe.blockDeviceMappings[]"),
                              ("container",
                               "image.containerRecipe.instanceConfiguration.blockDeviceMappings[]")],
    "infrastructure_configurations": [(None, "image.infrastructureConfiguration")],
    "distribution_configurations": [(None, "image.distributionConfiguration")],
    "distributions": [(None, "image.distributionConfiguration.distributions[]")],
    "launch_template_configurations":
        [(None, "image.distributionConfiguration.distributions[].launchTemplateConfigurations[]")],
    "fast_launch_configurations":
        [(None, "image.distributionConfiguration.distributions[].fastLaunchConfigurations[]")],
    "ssm_parameter_configurations":
        [(None, "image.distributionConfiguration.distributions[].ssmParameterConfigurations[]")],
    "amis": [(None, "image.outputResources.amis[]")],
    "containers": [(None, "image.outputResources.containers[]")],
    "workflows": [(None, "image.workflows[]")],
    "workflow_parameters": [(None, "image.workflows[].parameters[]")],
    "tags": [("image", "image.tags{}"),
             ("image_recipe", "image.imageRecipe.tags{}"),
             ("image_recipe_ami", "image.imageRecipe.amiTags{}"),
             ("container_recipe", "image.containerRecipe.tags{}"),
             ("infrastructure_configuration", "image.infrastructureConfiguration.tags{}"),
             ("infrastructure_resource", "image.infrastructureConfiguration.resourceTags{}"),
             ("distribution_configuration", "image.distributionConfiguration.tags{}"),
             ("distribution_ami",
              "image.distributionConfiguration.distributions[].amiDistributionConfiguration.amiTags{}")],
}
# The other tables: operation, and rows.
API_TABLES = {
    "image_versions": ("ListImages", "imageVersionList[]"),
    "shared_image_versions": ("ListImages:shared", "imageVersionList[]"),
    "image_builds": ("ListImageBuildVersions", "imageSummaryList[]"),
    "image_build_amis": ("ListImageBuildVersions", "imageSummaryList[].outputResources.amis[]"),
    "image_build_containers":
        ("ListImageBuildVersions", "imageSummaryList[].outputResources.containers[]"),
    "image_version_builds": ("ListImageBuildVersions:version", "imageSummaryList[]"),
    "image_pipeline_details": ("GetImagePipeline", "imagePipeline"),
    "image_pipeline_images": ("ListImagePipelineImages", "imageSummaryList[]"),
    "image_packages": ("ListImagePackages", "imagePackageList[]"),
    "image_policies": ("GetImagePolicy", "policy"),
    "component_policies": ("GetComponentPolicy", "policy"),
    "image_recipe_policies": ("GetImageRecipePolicy", "policy"),
    "container_recipe_policies": ("GetContainerRecipePolicy", "policy"),
    "image_scan_finding_counts": ("ListImageScanFindingAggregations:image", "responses[]"),
    "image_pipeline_scan_finding_counts": ("ListImageScanFindingAggregations:image_pipeline",
                                           "responses[]"),
    "workflow_executions": ("ListWorkflowExecutions", "workflowExecutions[]"),
    "component_version_builds": ("ListComponentBuildVersions:version", "componentSummaryList[]"),
    "component_details": ("GetComponent", "component"),
    "workflow_version_builds": ("ListWorkflowBuildVersions:version", "workflowSummaryList[]"),
    "workflow_details": ("GetWorkflow", "workflow"),
    "image_recipe_details": ("GetImageRecipe", "imageRecipe"),
    "image_recipe_components": ("GetImageRecipe", "imageRecipe.components[]"),
    "container_recipe_details": ("GetContainerRecipe", "containerRecipe"),
    "container_recipe_components": ("GetContainerRecipe", "containerRecipe.components[]"),
    "infrastructure_configuration_details": ("GetInfrastructureConfiguration",
                                             "infrastructureConfiguration"),
    "distribution_configuration_details": ("GetDistributionConfiguration",
                                           "distributionConfiguration"),
    "distribution_configuration_distributions":
        ("GetDistributionConfiguration", "distributionConfiguration.distributions[]"),
    "lifecycle_policy_details": ("GetLifecyclePolicy", "lifecyclePolicy"),
    "lifecycle_executions": ("ListLifecycleExecutions", "lifecycleExecutions[]"),
    "resource_tags": ("ListTagsForResource", "tags{}"),
}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
ISO = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(?::(\d\d)(\.\d+)?)?(Z|z|[+-]\d\d(?::?\d\d)?)?")


def parse(text):
    """JSON without loss: numbers are int or Decimal."""
    return json.loads(text, parse_float=decimal.Decimal)


def read_tsv(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return [tuple(row) for row in rows]


def read_interface(directory):
    """The .tsv files.

    ({table: sources}, {table: (operation, rows)}, [(table, column, type, path)], [parameter]).
    The first are of GetImage, the second of the other operations; columns are of all."""
    directory = pathlib.Path(directory)
    tables = {}
    for table, label, rows in read_tsv(directory / "tables.tsv"):
        tables.setdefault(table, []).append((label or None, rows))
    others = {table: rest for table, *rest in read_tsv(directory / "api" / "tables.tsv")}
    return (tables, {table: tuple(rest) for table, rest in others.items()},
            [row for place in (directory, directory / "api")
             for row in read_tsv(place / "columns.tsv")],
            read_tsv(directory / "api" / "parameters.tsv"))


def tables_of(operation):
    """The tables of an operation, and their sources."""
    return TABLES if operation == "GetImage" else {
        table: [(None, rows)] for table, (of, rows) in API_TABLES.items() if of == operation}


def member(value, path):
    """a.b, None where it or one on the way is absent or null."""
    for name in path.split("."):
        if value is None:
            return None
        value = value.get(name)
    return value


def items(value, levels):
    """Rows below a value: [(kind, place or key, item), ...], outermost first."""
    if not levels:
        yield []
        return
    path, kind = levels[0]
    found = member(value, path) if path else value
    if found is None:
        return
    if kind == "":
        steps = [("", None, found)]
    elif kind == "[]":
        steps = [("[]", place, item) for place, item in enumerate(found, 1)]
    else:
        steps = [("{}", key, item) for key, item in found.items()]
    for step in steps:
        for rest in items(step[2], levels[1:]):
            yield [step, *rest]


def parse_rows(rows):
    """"a.b[].c{}" is [("a.b", "[]"), ("c", "{}")]."""
    return re.findall(r"([^\[\]{}]+?)(\[\]|\{\}|$)\.?", rows) or [("", "")]


def microseconds(value):
    if isinstance(value, str):
        day, minutes, seconds, fraction, zone = ISO.fullmatch(value).groups()
        zone = re.sub(r"^([+-]\d\d):?(\d\d)?$", lambda m: m[1] + (m[2] or "00"),
                      zone or "Z").upper()
        whole = datetime.datetime.strptime(f"{day} {minutes}:{seconds or '00'} {zone}",
                                           "%Y-%m-%d %H:%M:%S %z")
        value = int((whole - EPOCH).total_seconds()) + decimal.Decimal("0" + (fraction or ""))
    with decimal.localcontext() as context:
        context.prec = 60
        return int((decimal.Decimal(value) * 1000000).to_integral_value(decimal.ROUND_HALF_UP))


def cell(root, arn, label, steps, kind, path):
    """A column's value in a row."""
    lists = [step for step in steps[:-1] if step[0] == "[]"]
    if path == "@source":
        return label
    if path == "@region":
        return api.region_of(arn)
    if path == "@account":
        return api.ACCOUNT      # of the keys that all requests of a comparison are signed with
    if path == "@ownership":
        return api.owner_of(arn)
    if path == "@response":
        return root
    if path == "@key":
        return steps[-1][1]
    if path.startswith("@"):
        return arn
    if path == "#":
        return steps[-1][1] if steps[-1][0] == "[]" else None
    if path == "^#":
        return lists[-1][1] if lists else None
    path, _, suffix = path.partition("@") if path[0] != "@" else (path, "", "")
    if path == ".":
        value = steps[-1][2]
    elif path.startswith("/"):
        value = member(root, path[1:])
    elif path.startswith("^"):
        value = member(lists[-1][2], path[1:]) if lists else None
    else:
        value = member(steps[-1][2], path)
    if value is not None and suffix == "json":
        value = parse(value)
    if (value is not None and suffix == "version"
            and value.split(":")[:3] == ["arn", "aws", "imagebuilder"]):
        resource = value.split("/")
        if len(resource) == (5 if ":workflow/" in value else 4):
            value = value.rpartition("/")[0]
    if value is not None and kind == "timestamptz":
        return microseconds(value)
    if isinstance(value, decimal.Decimal) and kind in ("integer", "bigint"):
        return int(value)
    return value


def project(pages, operation, arn, columns):
    """All rows that an operation's answers make: {table: [{column: value}]}, in order.

    The tables are those that have columns; "arn" is what was asked for, of a scope too."""
    result = {}
    there = {column[0] for column in columns}
    for table, sources in tables_of(operation).items():
        if table not in there:
            continue
        wanted = [column[1:] for column in columns if column[0] == table]
        result[table] = [
            {name: cell(root, arn, label, steps, kind, path) for name, kind, path in wanted}
            for root in pages for label, rows in sources for steps in items(root, parse_rows(rows))]
    return result
