"""What to do for a function that is a container image: its code cannot be read, but an image can be made from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..problems import DeployError
from .package import MODULE
from .settings import Function


def refusal(original: Function, like: str) -> DeployError:
    """A sentence, and the lines of a Dockerfile."""
    return DeployError(
        f"{like} is a container image, which cannot be copied: build one from it by this Dockerfile, create a function "
        f"from that with the settings of {like} and tenant isolation, and name it to `lambda-kernel install "
        "--function`; the image needs Python 3.10 or newer, awslambdaric and bash",
        "\n  ".join(dockerfile(original, like)),
    )


def dockerfile(original: Function, like: str) -> list[str]:
    """Its entry point starts the runtime and stays, unless the function has another one."""
    response: Mapping[str, Any] = original.config.get("ImageConfigResponse") or {}
    entry_point = (response.get("ImageConfig") or {}).get("EntryPoint")
    lines = [
        f"# lambda-kernel deploy --like {like} --print code > {MODULE}.py",
        f"FROM {original.image}",
        f"COPY {MODULE}.py ./",
    ]
    if entry_point:
        lines.append(f"# {like} replaces the image's entry point: give the new function the same one.")
    return [*lines, f'CMD ["{MODULE}.handler"]']
