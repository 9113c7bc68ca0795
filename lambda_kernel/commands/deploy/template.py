"""Makes the CloudFormation template of the function, as text with the function's code in it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ... import __version__
from ...aws.error_text import LONGEST_TIMEOUT_S
from ...function.source import function_code
from .family import Member, members
from .problems import DeployError

LIMIT_BYTES = 51_200  # of a template body in a request (CloudFormation quotas)
# What CloudWatch Logs accepts (API reference, PutRetentionPolicy).
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
ARCHITECTURES = ("arm64", "x86_64")
FUNCTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")  # API reference, CreateFunction
MARK = re.compile(r"lambda-kernel (?P<version>\S+): a shell in AWS Lambda \(code (?P<code>[0-9a-f]{16})\)")
NUMBERS = {"Memory", "Timeout", "Storage", "Retention"}
CODE_KEY = "    ZipFile: |\n"
CODE_INDENT = "     "
# Parameters of a template whose code is in S3. A template that holds the code does not have them.
IN_S3 = ("CodeBucket", "CodeKey")
FROM_S3 = "   Code: {S3Bucket: !Ref CodeBucket, S3Key: !Ref CodeKey}\n"
# What Lambda needs of a function's role in a VPC (Lambda developer guide, configuration-vpc). The function's own code,
# and so who uses the kernel, is denied it.
NETWORK = (
    *("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"),
    *("ec2:DescribeSubnets", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"),
)


@dataclass(frozen=True)
class Parameters:
    """The template's parameters. arm64 costs a fifth less per second than x86_64."""

    function: str = "shell"
    memory_mb: int = 128
    timeout_s: int = 60
    architecture: str = "arm64"
    storage_mb: int = 512
    retention_days: int = 14
    policies: tuple[str, ...] = ()
    tenant_isolation: bool = True
    layers: tuple[str, ...] = ()
    role: str = ""
    boundary: str = ""
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    variables: str = ""  # as variables_text has them
    kms_key: str = ""
    log_format: str = "Text"
    runtime: str = "python3.14"

    def values(self) -> dict[str, str]:
        """The values in CloudFormation's form."""
        return {
            "Function": self.function,
            "Memory": str(self.memory_mb),
            "Timeout": str(self.timeout_s),
            "Architecture": self.architecture,
            "Storage": str(self.storage_mb),
            "Retention": str(self.retention_days),
            "Policies": ",".join(self.policies),
            "TenantIsolation": str(self.tenant_isolation).lower(),
            "Layers": ",".join(self.layers),
            "RoleArn": self.role,
            "Boundary": self.boundary,
            "Subnets": ",".join(self.subnets),
            "SecurityGroups": ",".join(self.security_groups),
            "Environment": self.variables,
            "KmsKey": self.kms_key,
            "LogFormat": self.log_format,
            "Runtime": self.runtime,
        }


@dataclass(frozen=True)
class Mark:
    """What the description of our stack says: the version that made it, and the hash of its function's code."""

    version: str
    code: str


@dataclass(frozen=True)
class Form:
    """A kind of template. code: the lines between the other properties and the function's text."""

    transform: str = ""
    type: str = "AWS::Lambda::Function"
    code: str = f"   Code:\n{CODE_KEY}"
    mapped: str = "   Code:\n    ZipFile: !FindInMap [Code, Shell, ZipFile]\n"


CLOUDFORMATION = Form()
SAM = Form(
    "Transform: AWS::Serverless-2016-10-31\n",
    "AWS::Serverless::Function",
    "   InlineCode: |\n",
    "   InlineCode: !FindInMap [Code, Shell, ZipFile]\n",
)


def variables_text(variables: Mapping[str, str]) -> str:
    """Environment variables as the template's parameter has them. Equal ones are the same text."""
    return json.dumps(dict(sorted(variables.items())), ensure_ascii=False) if variables else ""


def variables_in(values: Mapping[str, str]) -> dict[str, str]:
    """The environment variables among a template's parameters."""
    return dict(json.loads(values.get("Environment") or "{}"))


def several(value: str) -> list[str]:
    """The members of a parameter that is a list."""
    return [one for one in value.split(",") if one]


def code_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_mark(description: str) -> Mark | None:
    """Read a description. None: the stack is not ours."""
    match = MARK.fullmatch(description)
    return Mark(**match.groupdict()) if match else None


def code_in(body: str) -> str | None:
    """The function's code in a template. None if the template was rewritten."""
    _, key, rest = body.partition(CODE_KEY)
    if not key:
        return None
    lines = []
    for line in rest.splitlines(keepends=True):
        if line.strip() and not line.startswith(CODE_INDENT):
            break
        lines.append(line.removeprefix(CODE_INDENT))
    return "".join(lines).rstrip("\n") + "\n"


def template() -> str:
    """The template with our defaults."""
    return render(Parameters().values())


def for_stack(values: Mapping[str, str]) -> str:
    """The template of a stack with these parameters. Of them, it holds only those on which its form depends."""
    kept = ["Environment", *(name for name in IN_S3 if name in values)]
    kept += ["Memory", "Architecture"] if len(members(values)) > 1 else []
    return render(Parameters().values() | {name: values[name] for name in kept})


def limited(body: str, advice: str) -> str:
    """Return the template if a request can have it. Raises DeployError."""
    size = len(body.encode())
    if size > LIMIT_BYTES:
        raise DeployError(
            f"the template would have {size:,} bytes, and CloudFormation takes at most {LIMIT_BYTES:,}: {advice}"
        )
    return body


def render(defaults: Mapping[str, str], form: Form = CLOUDFORMATION) -> str:
    """The template with these defaults for its parameters, and with a function for each member of their family.

    The code is a block scalar, so that it stays readable. A level of YAML is one blank, because each blank costs a byte
    per line. Raises DeployError.
    """
    code, found = function_code(), members(defaults)
    quoted = {name: value if name in NUMBERS else _quoted(value) for name, value in defaults.items()}
    fixed = {"type": form.type, "variables": json.dumps(variables_in(defaults), ensure_ascii=False)}
    marks = {
        "version": __version__,
        "hash": code_hash(code),
        "retention": ", ".join(map(str, RETENTION_DAYS)),
        "longest": str(LONGEST_TIMEOUT_S),
        "network": ", ".join(NETWORK),
        "transform": form.transform,
        "s3": "".join(f"\n {name}: {{Type: String, Default: {quoted[name]}}}" for name in IN_S3 if name in quoted),
        **(_one(quoted, fixed, form) if len(found) == 1 else _family(defaults, found, fixed, form)),
    }
    body = _filled("template.yaml", quoted | marks)
    if "CodeBucket" in defaults:
        return body
    indented = (f"{CODE_INDENT}{line}" if line.strip() else line for line in code.splitlines(keepends=True))
    return body + "".join(indented)


def _quoted(text: str) -> str:
    """In YAML. JSON's escapes of characters beyond the BMP are none of YAML's."""
    return json.dumps(text, ensure_ascii=False)


def _one(quoted: Mapping[str, str], fixed: Mapping[str, str], form: Form) -> dict[str, str]:
    """The marks of a template with one function, whose parameters can be overridden as long as it lives."""
    names = {"resource": "Shell", "name": "!Ref Function", "memory": "!Ref Memory", "architecture": "!Ref Architecture"}
    processor, allowed = quoted["Architecture"], ", ".join(ARCHITECTURES)
    return {
        "memory": f"{{Type: Number, Default: {quoted['Memory']}, MinValue: 128, MaxValue: 10240, Description: MB}}",
        "architecture": f"{{Type: String, Default: {processor}, AllowedValues: [{allowed}]}}",
        "outputs": " Function: {Value: !Ref Shell, Description: Name of the function}\n"
        " Arn: {Value: !GetAtt Shell.Arn}",
        "functions": _filled("function.yaml", {**names, **fixed}) + (FROM_S3 if "CodeBucket" in quoted else form.code),
    }


def _family(values: Mapping[str, str], found: Sequence[Member], fixed: Mapping[str, str], form: Form) -> dict[str, str]:
    """The marks of a template with several functions.

    Their code stands once, in a mapping: CloudFormation takes no aliases of YAML, and 4,096 bytes of a parameter; of a
    mapping it limits the names only (CloudFormation quotas).
    """
    sizes, processors = json.dumps(values["Memory"]), json.dumps(values["Architecture"])
    references = ", ".join(f"!Ref {member.resource}" for member in found)
    code, last = (FROM_S3, "") if "CodeBucket" in values else (form.mapped, f"Mappings:\n Code:\n  Shell:\n{CODE_KEY}")
    return {
        "memory": f"{{Type: String, Default: {sizes}, AllowedValues: [{sizes}], Description: MB of the functions}}",
        "architecture": f"{{Type: String, Default: {processors}, AllowedValues: [{processors}]}}",
        "outputs": f' Functions: {{Value: !Join [",", [{references}]]}}\n'
        " Memory: {Value: !Ref Memory}\n Architecture: {Value: !Ref Architecture}",
        "functions": "".join(_member(member, fixed) + code for member in found) + last,
    }


def _member(member: Member, fixed: Mapping[str, str]) -> str:
    marks = {
        "resource": member.resource,
        "name": f"!Sub ${{Function}}-{member.memory_mb}-{member.architecture}",
        "memory": member.memory_mb,
        "architecture": member.architecture,
    }
    return _filled("function.yaml", {**marks, **fixed})


def _filled(file: str, marks: Mapping[str, str]) -> str:
    """All at once: a value may hold what looks like a mark."""
    body = (Path(__file__).parent / file).read_text("utf-8")
    return re.sub(r"@(\w+)@", lambda mark: marks[mark[1]], body)
