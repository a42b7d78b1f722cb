"""The operations of Image Builder's API that the stand-in speaks, and SQL has tables of.

Written from the service's model, not from the C code.
"""
import collections
import functools
import json
import pathlib
import re
import urllib.parse

# name: as in operations.tsv; path: as in the model; parameter: the member that takes the ARN; kind: which
# ARNs it takes, TYPE or TYPE:any, TYPE:build, TYPE:version, "*": any, or several of these; member: the answer's, which has what
# was asked for; place: the parameter's; page_size: the most items of a page, None: one answer
Operation = collections.namedtuple("Operation", "name path parameter kind member place page_size")
OPERATIONS = {operation[0]: Operation(*operation) for operation in [
    ("GetImage", "/GetImage", "imageBuildVersionArn", "image:any", "image", "query", None),
    ("ListImageBuildVersions:version", "/ListImageBuildVersions", "imageVersionArn", "image:version",
     "imageSummaryList", "body", 25),
    ("GetImagePipeline", "/GetImagePipeline", "imagePipelineArn", "image-pipeline", "imagePipeline", "query", None),
    ("ListImagePipelineImages", "/ListImagePipelineImages", "imagePipelineArn", "image-pipeline",
     "imageSummaryList", "body", 25),
    ("ListImagePackages", "/ListImagePackages", "imageBuildVersionArn", "image:build", "imagePackageList", "body", 25),
    ("GetImagePolicy", "/GetImagePolicy", "imageArn", "image:build", "policy", "query", None),
    ("GetComponentPolicy", "/GetComponentPolicy", "componentArn", "component:build", "policy", "query", None),
    ("GetImageRecipePolicy", "/GetImageRecipePolicy", "imageRecipeArn", "image-recipe", "policy", "query", None),
    ("GetContainerRecipePolicy", "/GetContainerRecipePolicy", "containerRecipeArn", "container-recipe", "policy",
     "query", None),
    ("ListImageScanFindingAggregations:image", "/ListImageScanFindingAggregations", "imageBuildVersionArn",
     "image:build", "responses", "filter", 25),
    ("ListImageScanFindingAggregations:image_pipeline", "/ListImageScanFindingAggregations", "imagePipelineArn",
     "image-pipeline", "responses", "filter", 25),
    ("ListWorkflowExecutions", "/ListWorkflowExecutions", "imageBuildVersionArn", "image:build", "workflowExecutions",
     "body", 25),
    ("ListComponentBuildVersions:version", "/ListComponentBuildVersions", "componentVersionArn",
     "component:version", "componentSummaryList", "body", 25),
    ("GetComponent", "/GetComponent", "componentBuildVersionArn", "component:any", "component", "query", None),
    ("ListWorkflowBuildVersions:version", "/ListWorkflowBuildVersions", "workflowVersionArn", "workflow:version",
     "workflowSummaryList", "body", 25),
    ("GetWorkflow", "/GetWorkflow", "workflowBuildVersionArn", "workflow:any", "workflow", "query", None),
    ("GetImageRecipe", "/GetImageRecipe", "imageRecipeArn", "image-recipe", "imageRecipe", "query", None),
    ("GetContainerRecipe", "/GetContainerRecipe", "containerRecipeArn", "container-recipe", "containerRecipe",
     "query", None),
    ("GetInfrastructureConfiguration", "/GetInfrastructureConfiguration", "infrastructureConfigurationArn",
     "infrastructure-configuration", "infrastructureConfiguration", "query", None),
    ("GetDistributionConfiguration", "/GetDistributionConfiguration", "distributionConfigurationArn",
     "distribution-configuration", "distributionConfiguration", "query", None),
    ("GetLifecyclePolicy", "/GetLifecyclePolicy", "lifecyclePolicyArn", "lifecycle-policy", "lifecyclePolicy",
     "query", None),
    ("ListLifecycleExecutions", "/ListLifecycleExecutions", "resourceArn", "lifecycle-policy image:build",
     "lifecycleExecutions", "body", 25),
    ("ListTagsForResource", "/tags/{resourceArn}", "resourceArn", "*", "tags", "path", None),
]}
# An ARN: Region, account, resource type and what follows it.
ARN = re.compile(r"arn:aws[^:]*:imagebuilder:([^:/]+):([^:/]+):([^:/]+)/([^:]+)")
FIXTURES = pathlib.Path(__file__).parent / "fixtures"


def find(method, path, query, body):
    """The operation that a request asks for, the ARN, the token and the page's size; (None, "", "", 0)."""
    name, _, last = path.rpartition("/")
    asked = json.loads(body) if body else {}
    filters = {asked["filter"]["name"]: asked["filter"]["values"][0]} if "filter" in asked else {}
    given = {"query": {member: values[0] for member, values in query.items()}, "body": asked, "filter": filters,
             "path": {"resourceArn": urllib.parse.unquote(last)} if name.endswith("/tags") else {}}
    for operation in OPERATIONS.values():
        is_path = last == operation.path[1:] or (operation.place == "path" and name.endswith("/tags"))
        if is_path and operation.parameter in given[operation.place] and (method == "POST") == bool(operation.page_size):
            return (operation, given[operation.place][operation.parameter], asked.get("nextToken", ""),
                    asked.get("maxResults", operation.page_size))
    return None, "", "", 0


def takes(operation, arn):
    """Whether an operation takes an ARN."""
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
                if o.kind.partition(":")[0] == resource and o.member != "policy" and not o.page_size)


@functools.cache
def fixtures():
    """{(operation, ARN): body}: a folder an operation, with a full stop for a colon; a file's name is the ARN where the answer has none."""
    found = {}
    for path in sorted(FIXTURES.glob("*/*.json")):
        operation = OPERATIONS[path.parent.name.replace(".", ":")]
        body = path.read_bytes()
        content = json.loads(body).get(operation.member)
        arn = content["arn"] if isinstance(content, dict) and "arn" in content else urllib.parse.unquote(path.stem)
        assert (operation.name, arn) not in found, f"two fixtures are the answer of {arn}"
        found[operation.name, arn] = body
    return found


@functools.cache
def complete():
    """{operation: (ARN, body)}: the fixtures that fill every member."""
    return {operation: (arn, body) for (operation, arn), body in fixtures().items() if resource_name(arn) == "complete"}
