"""Plans what `deploy --like` and `delete` do with a shell. Pure: it calls nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from ..cloud import LAYER_DESCRIPTION, Layer, sha256
from ..plan import NO_ISOLATION, PUBLISHED, layer_name, tools_layer
from ..problems import DeployError
from ..steps import AwaitActive, DeleteLayer, PublishTools, Step, TryOut
from ..tools import Executable, pack
from . import marks
from .marks import Mark
from .package import Package
from .settings import POWERS, Function, Settings, differing, left_out, own_tools, settings_of, taken_over
from .steps import CreateFunction, DeleteFunction, DeleteLogs, UpdateCode, UpdateSettings, UpdateTags, access

# The code goes along in the request, and AWS Signer signs objects in S3 (Lambda, Using code signing).
SIGNING = (
    "The code-signing configuration of {like} is not taken over, because the shell's code cannot be signed: if a "
    "policy of your organization refuses a function without one, ask for an exception, or use another account "
    "({configuration})."
)
LAYERS = 5  # of a function (Lambda quotas)
CLOCKS = timedelta(minutes=5)  # AWS refuses a caller whose clock is farther off (Signature Version 4)


@dataclass(frozen=True)
class Desired:
    """name: of the shell; like: the original, as the user named it; isolated None: as it is, or with tenant isolation.

    signing: the ARN of the original's code-signing configuration; extensions: of each layer, None: it cannot be looked
    into; now: what a new shell's tag is to say; tools: executables for a layer of its own; no_tools: take them away.
    """

    original: Function
    like: str
    name: str
    region: str
    package: Package
    now: str
    isolated: bool | None = None
    signing: str = ""
    extensions: Mapping[str, list[str] | None] = field(default_factory=dict)
    tools: tuple[Executable, ...] = ()
    no_tools: bool = False

    def settings(self, tools: Sequence[str] = ()) -> Settings:
        """tools: layers of its own."""
        return taken_over(self.original, self.name, self.package.handler, marks.description(self.like), tools)

    def tags(self, made: str) -> dict[str, str]:
        return marks.tags_for(self.like, self.original.tags or {}, made, self.original.code_sha256)

    def isolation(self, shell: Function | None) -> bool:
        return (shell.isolated if shell else True) if self.isolated is None else self.isolated


def check_original(original: Function, like: str) -> None:
    """Raises DeployError."""
    if mark := marks.read(original.tags):
        raise DeployError(f"{like} is itself a shell of lambda-kernel, with what {mark.like} has: name {mark.like}")
    problem = (original.config.get("Environment") or {}).get("Error")
    if problem:
        raise DeployError(
            f"the variables of {like} cannot be read, so nothing was made: the caller needs kms:Decrypt on its KMS key "
            f"({problem.get('Message', problem.get('ErrorCode', ''))})"
        )
    if original.config.get("PackageType") != "Image" and not original.location:
        raise DeployError(f"Lambda does not say where the package of {like} can be read, so nothing was made")


def check_ours(shell: Function, like: str | None, region: str) -> Mark:
    """like: what it must be like. Raises DeployError."""
    mark = marks.read(shell.tags)
    if shell.tags is None:
        raise DeployError(
            f"a function named {shell.name} exists in {region}, and its tags cannot be read: the caller needs "
            "lambda:ListTags, or choose another name with --function"
        )
    if mark is None:
        raise DeployError(
            f"a function named {shell.name} exists in {region} and was not made by this command: choose another name "
            "with --function"
        )
    if like not in (None, mark.like):
        raise DeployError(
            f"the function {shell.name} in {region} is a shell like {mark.like}, not {like}: choose another name with "
            f"--function, or run `lambda-kernel delete --function {shell.name}` first"
        )
    return mark


def plan_deploy(desired: Desired, shell: Function | None, published: Sequence[Layer] = ()) -> list[Step]:
    """The steps. shell: what has the shell's name; published: versions of its layer of tools.

    Raises DeployError if nothing can be done.
    """
    last: list[Step] = [AwaitActive(desired.name), TryOut(desired.name)]
    _check_isolation(desired, shell)
    mark = check_ours(shell, desired.like, desired.region) if shell else None
    first, tools = _with_tools(desired, shell, published)
    settings = desired.settings(tools)
    if len(settings["Layers"]) > LAYERS:
        raise DeployError(f"{desired.like} has {LAYERS} layers, which is all that Lambda allows: leave --tools out")
    if shell is None or mark is None:
        return [*first, _create(desired, settings), *last]
    if why := _why_again(desired, shell):
        consent = f"The function {shell.name} will be deleted and created again, because {why}."
        return [*first, DeleteFunction(shell.name, why, consent=consent), _create(desired, settings), *last]
    wait: list[Step] = [AwaitActive(desired.name)] if shell.busy else []
    return [*first, *wait, *_updates(desired, shell, mark, settings), *last]


def _with_tools(desired: Desired, shell: Function | None, published: Sequence[Layer]) -> tuple[list[Step], list[str]]:
    """Publish the tools, unless the same are there. And the layers of tools that the shell is to have."""
    if desired.no_tools:
        return [], []
    if not desired.tools:
        return [], own_tools(shell) if shell else []
    architecture = desired.original.architecture
    archive = pack(desired.tools, [architecture])
    if same := [one.arn for one in published if one.description == LAYER_DESCRIPTION + archive.digest]:
        return [], same[:1]
    return [PublishTools(tools_layer(desired.name), archive, architecture)], [PUBLISHED]


def _why_again(desired: Desired, shell: Function) -> str:
    if shell.config.get("State") == "Failed":
        return f"it failed: {shell.config.get('StateReason') or 'Lambda gives no reason'}"
    if desired.isolation(shell) != shell.isolated:
        return "tenant isolation can only be set when a function is created"
    return ""


def _check_isolation(desired: Desired, shell: Function | None) -> None:
    if shell is None and desired.isolated is None and desired.region.startswith(NO_ISOLATION):
        raise DeployError(
            f"{desired.region} had no tenant isolation when this version was made: add --no-tenant-isolation, "
            "or --tenant-isolation to try it"
        )


def _create(desired: Desired, settings: Settings) -> CreateFunction:
    return CreateFunction(
        desired.name,
        desired.like,
        settings,
        desired.original.architecture,
        desired.package,
        desired.tags(desired.now),
        desired.isolation(None),
        desired.original.source_key,
        consent=_consent(desired, settings),
    )


def _consent(desired: Desired, settings: Settings) -> str:
    return f"Whoever may invoke {desired.name} in {desired.region} gets a shell with {', '.join(access(settings))}."


def _updates(desired: Desired, shell: Function, mark: Mark, settings: Settings) -> Iterator[Step]:
    original = desired.original
    if shell.code_sha256 != sha256(desired.package.data) or shell.architecture != original.architecture:
        yield UpdateCode(desired.name, desired.package, original.architecture, original.source_key)
    if changed := differing(settings_of(shell), settings):
        asked = any(name in POWERS for name in changed)
        yield UpdateSettings(desired.name, settings, changed, consent=_consent(desired, settings) if asked else "")
    have, want = dict(shell.tags or {}), desired.tags(mark.made)
    gone = [key for key in have if key not in want and not key.startswith("aws:")]
    if gone or want.items() - have.items():
        yield UpdateTags(desired.name, str(shell.config["FunctionArn"]), want, gone)


def notes(desired: Desired, shell: Function | None) -> list[str]:
    """What the user should know about the shell, besides its settings."""
    original, settings = desired.original, desired.settings()
    lines = [f"The code of {desired.like} is in /var/task, and is not run. Its handler is {_handler(original)}."]
    lines += left_out(original, marks.ROOM, desired.isolation(shell))
    if desired.signing:
        lines.append(SIGNING.format(like=desired.like, configuration=desired.signing))
    for layer, found in desired.extensions.items():
        if found is None:
            lines.append(
                f"The layer {layer} cannot be looked into: it may have extensions, which run in the shell, too."
            )
        elif found:
            lines.append(f"The layer {layer} has extensions, which run in the shell, too: {', '.join(found)}.")
    if "PYTHONPATH" in original.variables:
        lines.append("The variable PYTHONPATH stays: Python loads a sitecustomize module there before the shell.")
    if settings["VpcConfig"]["SubnetIds"]:
        lines.append("It is in the VPC. The kernel reaches it by Lambda's API, even if the VPC has no way out.")
    return lines


def _handler(original: Function) -> str:
    return str(original.config.get("Handler") or "not set")


def changes(steps: Sequence[Step]) -> bool:
    return any(not isinstance(step, (AwaitActive, TryOut)) for step in steps)


def plan_delete(
    shell: Function, region: str, group_made: datetime | None, published: Sequence[Layer] = ()
) -> list[Step]:
    """group_made: when the log group of its own name was made. An older one is another function's.

    published: versions of its layer of tools.
    """
    mark = check_ours(shell, None, region)
    group = str(settings_of(shell)["LoggingConfig"]["LogGroup"])
    own = group == f"/aws/lambda/{shell.name}" and group_made is not None and group_made > _made(mark) - CLOCKS
    what = f"The function {shell.name} in {region}, a shell like {mark.like}, will be deleted"
    consent = f"{what} with its logs." if own else f"{what}."
    steps: list[Step] = [DeleteLogs(group)] if own else []
    steps += [DeleteLayer(layer_name(one.arn), one.version) for one in published]
    return [*steps, DeleteFunction(shell.name, consent=consent)]


def _made(mark: Mark) -> datetime:
    """If it is unknown, no log group is its own."""
    try:
        return datetime.strptime(mark.made, marks.TIME).replace(tzinfo=timezone.utc)
    except ValueError:
        return datetime.max.replace(tzinfo=timezone.utc)
