"""The operations of Image Builder's API that the stand-in speaks, and SQL has tables of.

Written from the service's model, not from the C code.
"""
import collections
import functools
import json
import pathlib
import re
import urllib.parse

# name: as in operations.tsv; path: as in the model; parameter: the member that takes the
# ARN; kind: which ARNs it takes, TYPE or TYPE:any, TYPE:build, TYPE:version, "*": any, or
# several of these; member: the answer's, which has what was asked for; place: the
# parameter's; page_size: the most items of a page, None: one answer; target: "arn", or
# "scope" for what a Region has; constant: the only value of the parameter
Operation = collections.namedtuple(
    "Operation", "name path parameter kind member place page_size target constant",
    defaults=["arn", ""])
# A request is of the first one that it fits.
OPERATIONS = {operation[0]: Operation(*operation) for operation in [
    ("GetImage", "/GetImage", "imageBuildVersionArn", "image:any", "image", "query", None),
    ("ListImageBuildVersions:version", "/ListImageBuildVersions", "imageVersionArn",
     "image:version", "imageSummaryList", "body", 25),
    ("ListImageBuildVersions", "/ListImageBuildVersions", "", "", "imageSummaryList", "body", 25,
     "scope"),
    ("ListImages", "/ListImages", "owner", "text", "imageVersionList", "body", 25, "scope",
     "Self"),
    ("ListImages:shared", "/ListImages", "owner", "text", "imageVersionList", "body", 25, "scope"),
    ("GetImagePipeline", "/GetImagePipeline", "imagePipelineArn", "image-pipeline", "imagePipeline",
     "query", None),
    ("ListImagePipelineImages", "/ListImagePipelineImages", "imagePipelineArn", "image-pipeline",
     "imageSummaryList", "body", 25),
    ("ListImagePackages", "/ListImagePackages", "imageBuildVersionArn", "image:build",
     "imagePackageList", "body", 25),
    ("GetImagePolicy", "/GetImagePolicy", "imageArn", "image:build", "policy", "query", None),
    ("GetComponentPolicy", "/GetComponentPolicy", "componentArn", "component:build", "policy",
     "query", None),
    ("GetImageRecipePolicy", "/GetImageRecipePolicy", "imageRecipeArn", "image-recipe", "policy",
     "query", None),
    ("GetContainerRecipePolicy", "/GetContainerRecipePolicy", "containerRecipeArn",
     "container-recipe", "policy", "query", None),
    ("ListImageScanFindingAggregations:image", "/ListImageScanFindingAggregations",
     "imageBuildVersionArn", "image:build", "responses", "filter", 25),
    ("ListImageScanFindingAggregations:image_pipeline", "/ListImageScanFindingAggregations",
     "imagePipelineArn", "image-pipeline", "responses", "filter", 25),
    ("ListWorkflowExecutions", "/ListWorkflowExecutions", "imageBuildVersionArn", "image:build",
     "workflowExecutions", "body", 25),
    ("ListComponentBuildVersions:version", "/ListComponentBuildVersions", "componentVersionArn",
     "component:version", "componentSummaryList", "body", 25),
    ("GetComponent", "/GetComponent", "componentBuildVersionArn", "component:any", "component",
     "query", None),
    ("ListWorkflowBuildVersions:version", "/ListWorkflowBuildVersions", "workflowVersionArn",
     "workflow:version", "workflowSummaryList", "body", 25),
    ("GetWorkflow", "/GetWorkflow", "workflowBuildVersionArn", "workflow:any", "workflow",
     "query", None),
    ("GetImageRecipe", "/GetImageRecipe", "imageRecipeArn", "image-recipe", "imageRecipe",
     "query", None),
    ("GetContainerRecipe", "/GetContainerRecipe", "containerRecipeArn", "container-recipe",
     "containerRecipe", "query", None),
    ("GetInfrastructureConfiguration", "/GetInfrastructureConfiguration",
     "infrastructureConfigurationArn",
     "infrastructure-configuration", "infrastructureConfiguration", "query", None),
    ("GetDistributionConfiguration", "/GetDistributionConfiguration",
     "distributionConfigurationArn",
     "distribution-configuration", "distributionConfiguration", "query", None),
    ("GetLifecyclePolicy", "/GetLifecyclePolicy", "lifecyclePolicyArn", "lifecycle-policy",
     "lifecyclePolicy", "query", None),
    ("ListLifecycleExecutions", "/ListLifecycleExecutions", "resourceArn",
     "lifecycle-policy image:build", "lifecycleExecutions", "body", 25),
    ("ListTagsForResource", "/tags/{resourceArn}", "resourceArn", "*", "tags", "path", None),
]}
# An ARN: Region, account, resource type and what follows it.
ARN = re.compile(r"arn:aws[^:]*:imagebuilder:([^:/]+):([^:/]+):([^:/]+)/([^:]+)")
FIXTURES = pathlib.Path(__file__).parent / "fixtures"
OWNERS = ("Self", "Shared", "Amazon", "ThirdParty", "AWSMarketplace")
# The account of the keys that the endpoint knows without their having been issued.
ACCOUNT = "123456789012"


def of_scope(region, account=ACCOUNT, owner=""):
    """What stands for an ARN in an operation of a scope: REGION[.ACCOUNT][.OWNER]."""
    return ".".join(filter(None, [region, account if account != ACCOUNT else "", owner]))


def as_control(asked):
    """How a control of the endpoint names what is asked for."""
    if ":" in asked:
        return {"arn": asked}
    return {"region": region_of(asked), "owner": owner_of(asked)}


def region_of(asked):
    """The Region that is asked: an ARN's, or that of a scope."""
    return asked.split(":")[3] if ":" in asked else asked.partition(".")[0]


def owner_of(asked):
    """The owner that a list of a scope is asked for, "" if none that there is."""
    last = asked.rpartition(".")[2]
    return last if last in OWNERS else ""


def fits(operation, given):
    """Whether a request that gives these members is the operation's."""
    if operation.constant:      # which is what the service takes for granted, too
        return given.get(operation.parameter, operation.constant) == operation.constant
    return not operation.parameter or operation.parameter in given


def find(method, path, query, body, region="", account=ACCOUNT):
    """The operation that a request asks for, the ARN, the token and the page's size.

    (None, "", "", 0) if there is none.  Region and account are those of the request's signature:
    of them is made what stands for the ARN in an operation of a scope."""
    name, _, last = path.rpartition("/")
    asked = json.loads(body) if body else {}
    filters = {asked["filter"]["name"]: asked["filter"]["values"][0]} if "filter" in asked else {}
    given = {"query": {member: values[0] for member, values in query.items()}, "body": asked,
             "filter": filters,
             "path": {"resourceArn": urllib.parse.unquote(last)} if name.endswith("/tags") else {}}
    for operation in OPERATIONS.values():
        is_path = (last == operation.path[1:]
                   or operation.place == "path" and name.endswith("/tags"))
        is_method = (method == "POST") == bool(operation.page_size)
        if is_path and is_method and fits(operation, given[operation.place]):
            value = given[operation.place].get(operation.parameter, "")
            if operation.target == "scope":
                value = of_scope(region, account, "" if operation.constant else str(value))
            return (operation, value, asked.get("nextToken", ""),
                    asked.get("maxResults", operation.page_size))
    return None, "", "", 0


def takes(operation, arn):
    """Whether an operation takes an ARN, or that owner."""
    if operation.target == "scope":
        return bool(owner_of(arn) or operation.constant or not operation.parameter)
    return any(is_of_kind(arn, kind) for kind in operation.kind.split())


def is_of_kind(arn, kind):
    """Whether an ARN is of one kind."""
    kind, _, which = kind.partition(":")
    parts = ARN.fullmatch(arn)
    if not parts or kind not in ("*", parts[3]):
        return False
    segments = len(parts[4].split("/")) - (parts[3] == "workflow")
    return kind == "*" or segments in {"any": (2, 3), "version": (2,), "build": (3,)}.get(
        which, (2,) if kind.endswith("-recipe") else (1,))


def resource_name(arn):
    """The resource's own name: image/NAME/…, workflow/TYPE/NAME/…"""
    words = arn.split(":")[-1].split("/")
    return words[min(2 if words[0] == "workflow" else 1, len(words) - 1)]


def default_operation(arn):
    """The operation whose answer is the ARN's resource itself."""
    resource = arn.split(":")[5].partition("/")[0]
    return next(o for o in OPERATIONS.values()
                if o.kind.partition(":")[0] == resource and o.member != "policy"
                and not o.page_size)


@functools.cache
def fixtures():
    """{(operation, ARN): body}: a folder an operation, with a full stop for a colon.

    A file's name is the ARN where the answer has none; a scope's is REGION or REGION.OWNER."""
    found = {}
    for path in sorted(FIXTURES.glob("*/*.json")):
        operation = OPERATIONS[path.parent.name.replace(".", ":")]
        body = path.read_bytes()
        content = json.loads(body).get(operation.member)
        arn = (content["arn"] if isinstance(content, dict) and "arn" in content
               else urllib.parse.unquote(path.stem))
        assert (operation.name, arn) not in found, f"two fixtures are the answer of {arn}"
        found[operation.name, arn] = body
    return found


@functools.cache
def complete():
    """{operation: (ARN, body)}: the fixtures that fill every member, a list in each item."""
    return {operation: (arn, body) for (operation, arn), body in fixtures().items()
            if resource_name(arn) == "complete" or is_complete_list(OPERATIONS[operation], body)}


def is_complete_list(operation, body):
    """Whether all that a scope's list has is named "complete"."""
    items = json.loads(body)[operation.member] if operation.target == "scope" else []
    return bool(items) and all(resource_name(item["arn"]).startswith("complete") for item in items)
