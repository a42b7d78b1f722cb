"""The operations of Image Builder's API that the stand-in speaks, and SQL has tables of.

Written from the service's model, not from the C code.
"""
import collections
import functools
import json
import pathlib
import re
import urllib.parse

# path: as in the model; parameter: the member that takes the ARN; kind: which ARNs it takes,
# TYPE or TYPE:any, TYPE:build, "*": any; member: the answer's, which has what was asked for
Operation = collections.namedtuple("Operation", "name path parameter kind member")
OPERATIONS = {operation[0]: Operation(*operation) for operation in [
    ("GetImage", "/GetImage", "imageBuildVersionArn", "image:any", "image"),
    ("GetImagePipeline", "/GetImagePipeline", "imagePipelineArn", "image-pipeline", "imagePipeline"),
    ("GetImagePolicy", "/GetImagePolicy", "imageArn", "image:build", "policy"),
    ("GetComponentPolicy", "/GetComponentPolicy", "componentArn", "component:build", "policy"),
    ("GetImageRecipePolicy", "/GetImageRecipePolicy", "imageRecipeArn", "image-recipe", "policy"),
    ("GetContainerRecipePolicy", "/GetContainerRecipePolicy", "containerRecipeArn", "container-recipe", "policy"),
    ("GetComponent", "/GetComponent", "componentBuildVersionArn", "component:any", "component"),
    ("GetWorkflow", "/GetWorkflow", "workflowBuildVersionArn", "workflow:any", "workflow"),
    ("GetImageRecipe", "/GetImageRecipe", "imageRecipeArn", "image-recipe", "imageRecipe"),
    ("GetContainerRecipe", "/GetContainerRecipe", "containerRecipeArn", "container-recipe", "containerRecipe"),
    ("GetInfrastructureConfiguration", "/GetInfrastructureConfiguration", "infrastructureConfigurationArn",
     "infrastructure-configuration", "infrastructureConfiguration"),
    ("GetDistributionConfiguration", "/GetDistributionConfiguration", "distributionConfigurationArn",
     "distribution-configuration", "distributionConfiguration"),
    ("GetLifecyclePolicy", "/GetLifecyclePolicy", "lifecyclePolicyArn", "lifecycle-policy", "lifecyclePolicy"),
    ("ListTagsForResource", "/tags/{resourceArn}", "resourceArn", "*", "tags"),
]}
# An ARN: Region, account, resource type and what follows it.
ARN = re.compile(r"arn:aws[^:]*:imagebuilder:([^:/]+):([^:/]+):([^:/]+)/([^:]+)")
FIXTURES = pathlib.Path(__file__).parent / "fixtures"


def find(path, query):
    """The operation that a request's path and query ask for, and the ARN; (None, "")."""
    name, _, last = path.rpartition("/")
    if name.endswith("/tags"):
        return OPERATIONS["ListTagsForResource"], urllib.parse.unquote(last)
    operation = OPERATIONS.get(last)
    return operation, query.get(operation.parameter, [""])[0] if operation else ""


def takes(operation, arn):
    """Whether an operation takes an ARN."""
    kind, _, which = operation.kind.partition(":")
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
    return next(o for o in OPERATIONS.values() if o.kind.partition(":")[0] == resource and o.member != "policy")


@functools.cache
def fixtures():
    """{(operation, ARN): body}: a folder an operation; a file's name is the ARN where the answer has none."""
    found = {}
    for path in sorted(FIXTURES.glob("*/*.json")):
        operation = OPERATIONS[path.parent.name]
        body = path.read_bytes()
        content = json.loads(body)[operation.member]
        arn = content["arn"] if isinstance(content, dict) and "arn" in content else urllib.parse.unquote(path.stem)
        assert (operation.name, arn) not in found, f"two fixtures are the answer of {arn}"
        found[operation.name, arn] = body
    return found


@functools.cache
def complete():
    """{operation: (ARN, body)}: the fixtures that fill every member."""
    return {operation: (arn, body) for (operation, arn), body in fixtures().items() if resource_name(arn) == "complete"}
