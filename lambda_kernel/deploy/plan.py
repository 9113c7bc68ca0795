"""What a command would do, as data: made from what is there and what is wanted, without a call. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ..function_code import function_code
from . import template
from .cloud import LAYER_DESCRIPTION, REVIEW, UNTOUCHED, Function, Layer, Stack, code_zip, sha256
from .problems import DeployError
from .tools import Archive, Executable, pack

PUBLISHED = "the new layer"  # stands for the ARN of the layer that an earlier step publishes
# Stacks of which nothing is left to update (CloudFormation user guide, stack status codes).
DEAD = {
    "ROLLBACK_COMPLETE": "it was never made: its creation failed and was rolled back",
    "CREATE_FAILED": "its creation failed",
    "ROLLBACK_FAILED": "its creation failed, and so did the clean-up",
    "DELETE_FAILED": "its deletion failed",
}
NO_ISOLATION = ("ap-southeast-6", "us-gov-", "cn-")  # regions at the launch of tenant isolation, by their beginnings


@dataclass(frozen=True)
class Wanted:
    """What was said on the command line. parameters: the template's, only those that were named.

    function None: the stack's, or the default.
    """

    stack: str
    region: str
    function: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    tools: tuple[Executable, ...] = ()
    no_tools: bool = False


@dataclass(frozen=True)
class Seen:
    """What is there. settled: when CloudFormation was last done with the stack."""

    stack: Stack | None = None
    body: str = ""
    settled: datetime | None = None
    function: Function | None = None
    log_group: bool = False
    layers: tuple[Layer, ...] = ()


@dataclass(frozen=True)
class Step:
    """One thing to do; its text says what. consent: what the user must agree to first."""

    consent: str = field(default="", kw_only=True, repr=False)


@dataclass(frozen=True)
class Wait(Step):
    """For an operation on the stack that somebody else began, or a deploy that was interrupted."""

    stack: Stack

    def __str__(self) -> str:
        return f"wait for the stack {self.stack.name}, which is {self.stack.status}, and look again"


@dataclass(frozen=True)
class DeleteStack(Step):
    stack: Stack
    why: str = ""

    def __str__(self) -> str:
        return f"delete the stack {self.stack.name}" + (f": {self.why}" if self.why else "")


@dataclass(frozen=True)
class DeleteLayer(Step):
    layer: str
    version: int

    def __str__(self) -> str:
        return f"delete version {self.version} of the layer {self.layer}"


@dataclass(frozen=True)
class PublishTools(Step):
    layer: str
    archive: Archive
    architecture: str

    def __str__(self) -> str:
        return f"publish the layer {self.layer} for {self.architecture}: {self.archive.names}"


@dataclass(frozen=True)
class CreateStack(Step):
    stack: str
    parameters: Mapping[str, str]
    body: str = field(repr=False)

    def __str__(self) -> str:
        return f"create the stack {self.stack}: {described(self.parameters)}"


@dataclass(frozen=True)
class UpdateStack(Step):
    """given: the parameters that change; kept: those that stay as they are."""

    stack: Stack
    given: Mapping[str, str]
    kept: tuple[str, ...]
    body: str = field(repr=False)
    new_code: bool = False

    def __str__(self) -> str:
        changes = [f"{name} becomes {value or 'empty'}" for name, value in self.given.items()]
        told = ["the template of this version"] * self.new_code + changes
        return f"update the stack {self.stack.name}: {', '.join(told)}"


@dataclass(frozen=True)
class Restore(Step):
    """The function was changed outside of its stack, of which CloudFormation knows nothing."""

    function: str
    parameters: Mapping[str, str]
    code: str = field(repr=False)

    def __str__(self) -> str:
        return f"restore the code and settings of {self.function}, which was changed outside of its stack"


@dataclass(frozen=True)
class AwaitActive(Step):
    function: str

    def __str__(self) -> str:
        return f"wait until the function {self.function} is active"


@dataclass(frozen=True)
class TryOut(Step):
    function: str

    def __str__(self) -> str:
        return f"run a test command in the function {self.function}"


def described(parameters: Mapping[str, str]) -> str:
    """A function's settings, for people."""
    isolated = parameters["TenantIsolation"] == "true"
    told = [
        f"function {parameters['Function']}",
        f"{parameters['Memory']} MB",
        f"{parameters['Timeout']} s",
        parameters["Architecture"],
        f"{parameters['Storage']} MB of /tmp",
        f"logs kept {parameters['Retention']} days",
        f"{'with' if isolated else 'without'} tenant isolation",
    ]
    told += [
        f"{name} {parameters[key]}" for name, key in (("policies", "Policies"), ("layers", "Layers")) if parameters[key]
    ]
    return ", ".join(told)


def function_of(wanted: Wanted, stack: Stack | None) -> str:
    default = template.Parameters().function
    return wanted.function or (stack.parameters.get("Function") if stack else None) or default


def is_dead(stack: Stack | None) -> bool:
    return stack is None or stack.status in (*DEAD, REVIEW)


def plan_deploy(wanted: Wanted, seen: Seen) -> list[Step]:
    """The steps. Raises DeployError where there is nothing that may be done."""
    stack = seen.stack
    if stack is not None:
        check_ours(stack)
        if stack.busy:
            return [Wait(stack)]
        if stack.status == "UPDATE_ROLLBACK_FAILED":
            raise DeployError(
                f"the stack {stack.name} is stuck in {stack.status}: run `aws cloudformation continue-update-rollback "
                f"--stack-name {stack.name}`, or `lambda-kernel delete --stack {stack.name}`"
            )
    begin: list[Step] = []
    if stack is not None and stack.status in DEAD:
        begin = [_clear(stack)]
    existing = None if is_dead(stack) else stack
    values = _values(wanted, existing)
    steps, values = _with_tools(wanted, seen, values)
    if existing is None:
        # Until it is deleted, what a creation left behind when it failed is the stack's own.
        _check_new(wanted, Seen() if begin and begin[0].consent else seen, values)
        steps = [*begin, *steps, CreateStack(wanted.stack, values, template.template())]
    else:
        steps += _change(wanted, replace(seen, stack=existing), existing, values)
    return [*steps, AwaitActive(values["Function"]), TryOut(values["Function"])]


def _clear(stack: Stack) -> DeleteStack:
    """After a roll-back there is nothing left that a user could miss."""
    why = DEAD[stack.status]
    consent = f"The stack {stack.name} and what is left of it will be deleted: {why}."
    return DeleteStack(stack, why, consent="" if stack.status == "ROLLBACK_COMPLETE" else consent)


def check_ours(stack: Stack) -> None:
    if not stack.ours:
        raise DeployError(
            f"the stack {stack.name} is not one of lambda-kernel's, so it was left alone: name another with --stack"
        )


def _values(wanted: Wanted, existing: Stack | None) -> dict[str, str]:
    before = dict(existing.parameters) if existing else {}
    values = template.Parameters().values() | before | dict(wanted.parameters)
    known = {name: values[name] for name in template.Parameters().values()}
    return known | {"Function": function_of(wanted, existing)}


def _with_tools(wanted: Wanted, seen: Seen, values: dict[str, str]) -> tuple[list[Step], dict[str, str]]:
    """Publish the tools, unless the same are there, and attach them in place of those before."""
    layer = tools_layer(values["Function"])
    owners = {tools_layer(values["Function"]), tools_layer(function_of(replace(wanted, function=None), seen.stack))}
    ours = {one.arn for one in seen.layers}
    before = [arn for arn in values["Layers"].split(",") if arn]
    others = [arn for arn in before if arn not in ours and layer_name(arn) not in owners]
    if wanted.no_tools:
        return [], values | {"Layers": ",".join(others)}
    if not wanted.tools:
        _check_architecture(seen, values, before != others)
        return [], values
    archive = pack(wanted.tools, values["Architecture"])
    same = [one.arn for one in seen.layers if one.description == LAYER_DESCRIPTION + archive.digest]
    steps: list[Step] = [] if same else [PublishTools(layer, archive, values["Architecture"])]
    return steps, values | {"Layers": ",".join([*others, same[0] if same else PUBLISHED])}


def _check_architecture(seen: Seen, values: Mapping[str, str], attached: bool) -> None:
    before = seen.stack.parameters.get("Architecture") if seen.stack else None
    if attached and before not in (None, values["Architecture"]):
        raise DeployError(
            f"the tools of {values['Function']} are for {before}: name those for {values['Architecture']} with "
            "--tools, or leave them out with --no-tools"
        )


def tools_layer(function: str) -> str:
    return f"{function}-tools"


def attached(stack: Stack | None) -> list[str]:
    """The ARNs of a stack's layers."""
    return [arn for arn in (stack.parameters.get("Layers", "") if stack else "").split(",") if arn]


def layer_name(arn: str) -> str:
    """Of the ARN of a version: arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION."""
    return arn.rpartition(":layer:")[2].partition(":")[0]


def _check_new(wanted: Wanted, seen: Seen, values: Mapping[str, str]) -> None:
    """Say before anything is made what CloudFormation would say after a minute."""
    name, group = values["Function"], f"/aws/lambda/{values['Function']}"
    _check_isolation(wanted, values)
    if seen.function is not None:
        owner = f"belongs to the stack {seen.function.stack}" if seen.function.stack else "was not made by this command"
        raise DeployError(
            f"a function named {name} exists in {wanted.region} and {owner}: choose another name with --function"
            + (", or that stack with --stack" if seen.function.stack else "")
        )
    if seen.log_group:
        raise DeployError(
            f"the log group {group} exists in {wanted.region}, left by an earlier function: delete it with "
            f"`aws logs delete-log-group --log-group-name {group}`, or choose another name with --function"
        )


def _check_isolation(wanted: Wanted, values: Mapping[str, str]) -> None:
    if "TenantIsolation" in wanted.parameters or values["TenantIsolation"] != "true":
        return
    if wanted.region.startswith(NO_ISOLATION):
        raise DeployError(
            f"{wanted.region} had no tenant isolation when this version was made: add --no-tenant-isolation, "
            "or --tenant-isolation to try it"
        )


def _change(wanted: Wanted, seen: Seen, stack: Stack, values: dict[str, str]) -> list[Step]:
    before = template.Parameters().values() | dict(stack.parameters)
    name = before["Function"]
    if values["Function"] != name:
        _check_new(replace(wanted, parameters={"TenantIsolation": ""}), seen, values)
        moved = f"Another name means another function: {name}, its environments and its logs will be deleted."
        return [_update(stack, values, seen, moved), *_let_go(seen, stack, values)]
    if values["TenantIsolation"] != before["TenantIsolation"]:
        _check_isolation(wanted, values)
        return _again(stack, values, "tenant isolation can only be set when a function is created")
    if seen.function is None:
        return _again(stack, values, f"its function {name} is gone")
    steps: list[Step] = []
    update = _update(stack, values, seen)
    if update.given or update.new_code:
        steps += [update, *_let_go(seen, stack, values)]
    if changed_outside(seen.function, seen.settled) or _differs(seen.function, before):
        steps.append(Restore(name, values, function_code()))
    return steps


def _let_go(seen: Seen, stack: Stack, values: Mapping[str, str]) -> list[Step]:
    """The tools that a function had by an earlier name, as far as it has them no longer: `delete` would not find
    them."""
    own, former = tools_layer(values["Function"]), tools_layer(stack.parameters.get("Function", ""))
    had, has = attached(stack), values["Layers"].split(",")
    gone = [one for one in seen.layers if one.arn not in has and layer_name(one.arn) != own]
    return [_delete_layer(one) for one in gone if one.arn in had or layer_name(one.arn) == former]


def _delete_layer(layer: Layer) -> DeleteLayer:
    return DeleteLayer(layer_name(layer.arn), layer.version)


def _again(stack: Stack, values: Mapping[str, str], why: str) -> list[Step]:
    consent = (
        f"The stack {stack.name} will be deleted and created again, since {why}: "
        "its environments, files and logs will be gone."
    )
    return [DeleteStack(stack, why, consent=consent), CreateStack(stack.name, values, template.template())]


def _update(stack: Stack, values: Mapping[str, str], seen: Seen, consent: str = "") -> UpdateStack:
    given = {name: value for name, value in values.items() if stack.parameters.get(name) != value}
    kept = tuple(name for name in values if name not in given)
    body = template.template()
    return UpdateStack(stack, given, kept, body, seen.body != body, consent=consent)


def package() -> bytes:
    return code_zip(function_code())


def changed_outside(function: Function, settled: datetime | None) -> bool:
    """Whether something was changed after CloudFormation was done, other than by Restore."""
    late = settled is not None and function.modified > settled + UNTOUCHED
    return late and function.code_sha256 != sha256(package())


def _differs(function: Function, parameters: Mapping[str, str]) -> bool:
    are = (function.memory_mb, function.timeout_s, function.storage_mb)
    return are != tuple(int(parameters[name]) for name in ("Memory", "Timeout", "Storage"))


def remade(steps: Sequence[Step]) -> CreateStack | None:
    """The creation that puts back what an earlier step deletes, if there is one."""
    if not any(isinstance(step, DeleteStack) and step.stack.status not in DEAD for step in steps):
        return None
    return next((step for step in steps if isinstance(step, CreateStack)), None)


def changes(steps: Sequence[Step]) -> bool:
    """Whether a plan changes anything."""
    return any(not isinstance(step, (AwaitActive, TryOut)) for step in steps)


def plan_delete(stack: Stack, layers: Sequence[Layer], region: str) -> list[Step]:
    """The steps that leave nothing of a stack of ours."""
    check_ours(stack)
    function = stack.parameters.get("Function", "")
    held = f", with the function {function} and its logs," if function else ""
    consent = f"The stack {stack.name} in {region}{held} will be deleted."
    steps: list[Step] = [Wait(stack)] if stack.busy else [DeleteStack(stack, consent=consent)]
    return steps + [_delete_layer(one) for one in layers if not stack.busy]
