"""Plans what a command does: steps, made from the current state and the desired one. Pure: it calls nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from ...function.source import function_code
from . import checks, family, template
from .cloud import LAYER_DESCRIPTION, REVIEW, UNTOUCHED, Function, Layer, Stack, code_zip, sha256
from .family import Member
from .problems import DeployError
from .stack_options import StackOptions
from .steps import (
    AwaitActive,
    CreateStack,
    DeleteLayer,
    DeleteStack,
    PublishTools,
    Restore,
    Step,
    TryOut,
    UpdateStack,
    UploadCode,
    Wait,
)
from .tools import Executable, pack

PUBLISHED = "the new layer"  # a placeholder for the ARN of the layer that an earlier step publishes
OUR_KEY = re.compile(r"|lambda-kernel/[0-9a-f]{16}\.zip")
FEWER = "name fewer with --memory, deploy two families, or name a bucket with --s3-bucket"
# Stacks that cannot be updated (CloudFormation user guide, stack status codes).
DEAD = {
    "ROLLBACK_COMPLETE": "it was never complete: its creation failed and was rolled back",
    "CREATE_FAILED": "its creation failed",
    "ROLLBACK_FAILED": "its creation failed, and so did the clean-up",
    "DELETE_FAILED": "its deletion failed",
}
# Beginnings of regions that had none when tenant isolation was launched, or of which AWS has not said that they do.
NO_ISOLATION = ("ap-southeast-6", "us-gov-", "cn-", "us-iso", "eu-iso", "eusc-")


@dataclass(frozen=True)
class Desired:
    """What the command line says. parameters: of the template, only those that were named.

    function None: the stack's function, or the default. tags, service_role: None if they were not named.
    """

    stack: str
    region: str
    function: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    tools: tuple[Executable, ...] = ()
    no_tools: bool = False
    tags: Mapping[str, str] | None = None
    service_role: str | None = None


@dataclass(frozen=True)
class Current:
    """The current state. settled: when CloudFormation last finished an operation on the stack.

    functions: those that exist, of the names that the stack has and that it is to have.
    """

    stack: Stack | None = None
    body: str = ""
    settled: datetime | None = None
    functions: tuple[Function, ...] = ()
    log_group: bool = False
    layers: tuple[Layer, ...] = ()

    def function(self, name: str) -> Function | None:
        return next((one for one in self.functions if one.name == name), None)


def functions_of(desired: Desired, stack: Stack | None) -> list[str]:
    """The functions that there are to be."""
    return family.names(_values(desired, stack))


def in_vpc(desired: Desired, stack: Stack | None) -> bool:
    return bool(_values(desired, stack)["Subnets"])


def function_of(desired: Desired, stack: Stack | None) -> str:
    default = template.Parameters().function
    return desired.function or (stack.parameters.get("Function") if stack else None) or default


def is_dead(stack: Stack | None) -> bool:
    return stack is None or stack.status in (*DEAD, REVIEW)


def plan_deploy(desired: Desired, current: Current) -> list[Step]:
    """The steps. Raises DeployError if nothing can be done."""
    stack = current.stack
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
    values = _values(desired, existing)
    checks.check(values, desired.region)
    template.limited(template.for_stack(values), FEWER)
    steps, values = _with_tools(desired, current, values)
    options = _options(desired, existing)
    if existing is None:
        # What a failed creation left behind belongs to the stack until that is deleted.
        _check_new(desired, Current() if begin and begin[0].consent else current, values)
        steps = [
            *begin,
            *steps,
            *_upload(values),
            CreateStack(desired.stack, values, template.for_stack(values), options),
        ]
    else:
        steps += _change(desired, replace(current, stack=existing), existing, values, options)
    names = family.names(values)
    return [*steps, *map(AwaitActive, names), *map(TryOut, names)]


def _clear(stack: Stack) -> DeleteStack:
    """Delete a dead stack. After a rollback nothing is left, so the user need not agree."""
    why = DEAD[stack.status]
    consent = f"The stack {stack.name} and what is left of it will be deleted: {why}."
    return DeleteStack(stack, why, consent="" if stack.status == "ROLLBACK_COMPLETE" else consent)


def check_ours(stack: Stack) -> None:
    if not stack.ours:
        raise DeployError(
            f"the stack {stack.name} is not lambda-kernel's, so it was not changed: name another one with --stack"
        )


def _values(desired: Desired, existing: Stack | None) -> dict[str, str]:
    before = dict(existing.parameters) if existing else {}
    values = template.Parameters().values() | before | dict(desired.parameters)
    known = {name: values[name] for name in template.Parameters().values()}
    return known | _in_s3(values) | {"Function": function_of(desired, existing)}


def _in_s3(values: Mapping[str, str]) -> dict[str, str]:
    """Where the code is, if it is in S3. A package that is not of our making stays the one."""
    bucket, key = (values.get(name, "") for name in template.IN_S3)
    if not bucket and key and not OUR_KEY.fullmatch(key):
        raise DeployError(f"the package {key} needs its bucket: add --s3-bucket, or --s3-key none")
    return {"CodeBucket": bucket, "CodeKey": code_key() if OUR_KEY.fullmatch(key) else key} if bucket else {}


def code_key() -> str:
    """Where the code is in a bucket. Other code has another key, from which CloudFormation learns of the change."""
    return f"lambda-kernel/{template.code_hash(function_code())}.zip"


def _upload(values: Mapping[str, str], before: Mapping[str, str] = MappingProxyType({})) -> list[Step]:
    bucket, key = (values.get(name, "") for name in template.IN_S3)
    there = (bucket, key) == (before.get("CodeBucket"), before.get("CodeKey"))
    return [UploadCode(bucket, key)] if key == code_key() and not there else []


def _options(desired: Desired, existing: Stack | None) -> StackOptions:
    before = existing.options if existing else StackOptions()
    tags = before.tags if desired.tags is None else desired.tags
    return StackOptions(tags, desired.service_role or before.service_role)


def _with_tools(desired: Desired, current: Current, values: dict[str, str]) -> tuple[list[Step], dict[str, str]]:
    """Publish the tools, unless the same are there, and attach them instead of the previous ones."""
    layer = tools_layer(values["Function"])
    owners = {tools_layer(values["Function"]), tools_layer(function_of(replace(desired, function=None), current.stack))}
    ours = {one.arn for one in current.layers}
    before = template.several(values["Layers"])
    others = [arn for arn in before if arn not in ours and layer_name(arn) not in owners]
    if desired.no_tools:
        return [], values | {"Layers": ",".join(others)}
    if not desired.tools:
        _check_architecture(current, values, before != others)
        return [], values
    archive = pack(desired.tools, values["Architecture"].split(","))
    same = [one.arn for one in current.layers if one.description == LAYER_DESCRIPTION + archive.digest]
    steps: list[Step] = [] if same else [PublishTools(layer, archive, values["Architecture"])]
    return steps, values | {"Layers": ",".join([*others, same[0] if same else PUBLISHED])}


def _check_architecture(current: Current, values: Mapping[str, str], attached: bool) -> None:
    before = current.stack.parameters.get("Architecture") if current.stack else None
    if attached and before and not set(values["Architecture"].split(",")) <= set(before.split(",")):
        raise DeployError(
            f"the tools of {values['Function']} are for {before}: name tools for {values['Architecture']} with "
            "--tools, or remove them with --no-tools"
        )


def tools_layer(function: str) -> str:
    return f"{function}-tools"


def attached(stack: Stack | None) -> list[str]:
    """The ARNs of a stack's layers."""
    return template.several(stack.parameters.get("Layers", "")) if stack else []


def layer_name(arn: str) -> str:
    """The name in the ARN of a version: arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION."""
    return arn.rpartition(":layer:")[2].partition(":")[0]


def _check_new(desired: Desired, current: Current, values: Mapping[str, str]) -> None:
    """Find errors first that CloudFormation would report after a minute."""
    group = f"/aws/lambda/{values['Function']}"
    _check_isolation(desired, values)
    _check_free(desired, current, family.names(values))
    if current.log_group:
        raise DeployError(
            f"the log group {group} exists in {desired.region}, left by an earlier function: delete it with "
            f"`aws logs delete-log-group --log-group-name {group}`, or choose another name with --function"
        )


def _check_free(desired: Desired, current: Current, names: Sequence[str]) -> None:
    for function in filter(None, map(current.function, names)):
        owner = f"belongs to the stack {function.stack}" if function.stack else "was not made by this command"
        raise DeployError(
            f"a function named {function.name} exists in {desired.region} and {owner}: choose another name with "
            "--function" + (", or name that stack with --stack" if function.stack else "")
        )


def _check_isolation(desired: Desired, values: Mapping[str, str]) -> None:
    if "TenantIsolation" in desired.parameters or values["TenantIsolation"] != "true":
        return
    if desired.region.startswith(NO_ISOLATION):
        raise DeployError(
            f"{desired.region} had no tenant isolation when this version was made: add --no-tenant-isolation, "
            "or --tenant-isolation to try it"
        )


def _change(
    desired: Desired, current: Current, stack: Stack, values: dict[str, str], options: StackOptions
) -> list[Step]:
    before = template.Parameters().values() | dict(stack.parameters)
    had, has = family.names(before), family.names(values)
    if values["Function"] != before["Function"]:
        _check_new(replace(desired, parameters={"TenantIsolation": ""}), current, values)
        update = _update(stack, values, current, options, _moved(had))
        return [*_upload(values, stack.parameters), update, *_let_go(current, stack, values)]
    _check_free(desired, current, [name for name in has if name not in had])
    if values["TenantIsolation"] != before["TenantIsolation"]:
        _check_isolation(desired, values)
        return _again(stack, values, options, "tenant isolation can only be set when a function is created")
    gone = [name for name in had if name in has and current.function(name) is None]
    if gone:
        return _again(stack, values, options, f"its {family.described(gone)} {'is' if len(gone) == 1 else 'are'} gone")
    updated = _updated(current, stack, values, options)
    return [*_upload(values, stack.parameters), *updated, *_restored(current, values, before)]


def _moved(names: list[str]) -> str:
    if len(names) == 1:
        return f"A new name makes a new function: {names[0]}, its environments and its logs will be deleted."
    return f"A new name makes new functions: {', '.join(names)}, their environments and logs will be deleted."


def _updated(current: Current, stack: Stack, values: Mapping[str, str], options: StackOptions) -> list[Step]:
    update = _update(stack, values, current, options)
    if update.leaving:
        leaving = family.described(update.leaving)
        update = replace(update, consent=f"The {leaving} will be deleted, and the environments with their files.")
    changed = update.given or update.new_code or update.moved or options != stack.options
    return [update, *_let_go(current, stack, values)] if changed else []


def _restored(current: Current, values: Mapping[str, str], before: Mapping[str, str]) -> Iterator[Step]:
    """For the functions that stay."""
    staying = {one.function: one for one in family.members(values)}
    for member in family.members(before):
        function, after = current.function(member.function), staying.get(member.function)
        if function and after and (changed_outside(function, current.settled) or _differs(function, member, before)):
            yield Restore(member.function, {**values, **after.parameters}, function_code())


def _let_go(current: Current, stack: Stack, values: Mapping[str, str]) -> list[Step]:
    """Delete the tools of a function's earlier name that it no longer uses. `delete` would not find them."""
    own, former = tools_layer(values["Function"]), tools_layer(stack.parameters.get("Function", ""))
    had, has = attached(stack), values["Layers"].split(",")
    gone = [one for one in current.layers if one.arn not in has and layer_name(one.arn) != own]
    return [_delete_layer(one) for one in gone if one.arn in had or layer_name(one.arn) == former]


def _delete_layer(layer: Layer) -> DeleteLayer:
    return DeleteLayer(layer_name(layer.arn), layer.version)


def _again(stack: Stack, values: Mapping[str, str], options: StackOptions, why: str) -> list[Step]:
    consent = (
        f"The stack {stack.name} will be deleted and created again, because {why}. "
        "Its environments, files and logs will be gone."
    )
    create = CreateStack(stack.name, values, template.for_stack(values), options)
    return [*_upload(values), DeleteStack(stack, why, consent=consent), create]


def _update(
    stack: Stack, values: Mapping[str, str], current: Current, options: StackOptions, consent: str = ""
) -> UpdateStack:
    given = {name: value for name, value in values.items() if stack.parameters.get(name) != value}
    kept = tuple(name for name in values if name not in given)
    before = template.Parameters().values() | dict(stack.parameters)
    had, has = family.names(before), family.names(values)
    return UpdateStack(
        stack,
        given,
        kept,
        body=template.for_stack(values),
        new_code=current.body != template.for_stack(before),
        joining=tuple(name for name in has if name not in had),
        leaving=tuple(name for name in had if name not in has),
        options=options,
        moved="CodeBucket" in stack.parameters and "CodeBucket" not in values,
        consent=consent,
    )


def package() -> bytes:
    return code_zip(function_code())


def changed_outside(function: Function, settled: datetime | None) -> bool:
    """Whether something other than Restore changed it after CloudFormation finished."""
    late = settled is not None and function.modified > settled + UNTOUCHED
    return late and function.code_sha256 != sha256(package())


def _differs(function: Function, member: Member, parameters: Mapping[str, str]) -> bool:
    sizes = tuple(map(int, (member.memory_mb, parameters["Timeout"], parameters["Storage"])))
    if (function.memory_mb, function.timeout_s, function.storage_mb) != sizes:
        return True
    variables = None if function.variables is None else dict(function.variables)
    return function.runtime != parameters["Runtime"] or variables not in (None, template.variables_in(parameters))


def remade(steps: Sequence[Step]) -> CreateStack | None:
    """The step that creates again what an earlier step deletes, if there is one."""
    if not any(isinstance(step, DeleteStack) and step.stack.status not in DEAD for step in steps):
        return None
    return next((step for step in steps if isinstance(step, CreateStack)), None)


def changes(steps: Sequence[Step]) -> bool:
    """Whether a plan changes anything."""
    return any(not isinstance(step, (AwaitActive, TryOut)) for step in steps)


def plan_delete(stack: Stack, layers: Sequence[Layer], region: str) -> list[Step]:
    """The steps that delete all of our stack."""
    check_ours(stack)
    names = names_in(stack)
    held = f", with the {family.described(names)} and {'its' if len(names) == 1 else 'their'} logs," if names else ""
    consent = f"The stack {stack.name} in {region}{held} will be deleted."
    steps: list[Step] = [Wait(stack)] if stack.busy else [DeleteStack(stack, consent=consent)]
    return steps + [_delete_layer(one) for one in layers if not stack.busy]


def names_in(stack: Stack) -> list[str]:
    """A stack's functions. None if it is not yet known which."""
    known = dict(stack.parameters)
    return family.names(template.Parameters().values() | known) if known.get("Function") else []
