"""The CloudFormation template of the function: text, with the function's code in it. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from ..function_code import function_code
from ..place import LONGEST_TIMEOUT_S

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


@dataclass(frozen=True)
class Parameters:
    """The template's parameters. arm64 costs a fifth less a second than x86_64."""

    function: str = "shell"
    memory_mb: int = 128
    timeout_s: int = 60
    architecture: str = "arm64"
    storage_mb: int = 512
    retention_days: int = 14
    policies: tuple[str, ...] = ()
    tenant_isolation: bool = True
    layers: tuple[str, ...] = ()

    def values(self) -> dict[str, str]:
        """As CloudFormation takes them."""
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
        }


@dataclass(frozen=True)
class Mark:
    """What a description says of a stack of ours: which version made it, and the hash of its function's code."""

    version: str
    code: str


def code_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_mark(description: str) -> Mark | None:
    """None: the stack is not ours."""
    match = MARK.fullmatch(description)
    return Mark(**match.groupdict()) if match else None


def code_in(body: str) -> str | None:
    """The function's code in a template that this module wrote; None where it was written otherwise since."""
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


def render(defaults: Mapping[str, str]) -> str:
    """The template with these as its parameters' defaults.

    The code is a block scalar, so that it stays readable, and a level of YAML is one blank: each blank costs a byte for
    every line of it.
    """
    text = function_code()
    quoted = {name: value if name in NUMBERS else json.dumps(value) for name, value in defaults.items()}
    retention = ", ".join(map(str, RETENTION_DAYS))
    body = (Path(__file__).parent / "template.yaml").read_text("utf-8")
    marks = {"version": __version__, "hash": code_hash(text), "retention": retention, "longest": str(LONGEST_TIMEOUT_S)}
    for name, value in (marks | quoted).items():
        body = body.replace(f"@{name}@", value)
    return body + "".join(f"{CODE_INDENT}{line}" if line.strip() else line for line in text.splitlines(keepends=True))
