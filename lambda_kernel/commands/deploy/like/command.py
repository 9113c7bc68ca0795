"""`deploy --like`, and `status` and `delete` for what it makes."""

from __future__ import annotations

import argparse
import datetime
import json
import time
from collections.abc import Callable

from ....errors import KernelError
from .. import like_options, tools
from .. import status as stacks
from ..cloud import make_clients
from ..command import LOOKS, Sleep, TryOut, install_line, listed, trial
from ..console import Console
from ..plan import tools_layer
from ..problems import Busy, DeployError, Missing
from . import image, marks, names, package, plan, policy, status
from .cloud import Functions
from .execute import Executor
from .names import Named
from .settings import Function

Clock = Callable[[], datetime.datetime]


def utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def deploy(
    options: argparse.Namespace,
    console: Console,
    functions: Functions | None = None,
    try_out: TryOut | None = None,
    *,
    sleep: Sleep = time.sleep,
    clock: Clock = utc_now,
) -> None:
    """Read the original, plan, then execute. Raises KernelError."""
    like_options.check(options)
    named = names.parse(options.like, options.region)
    shell = options.function or named.shell
    if options.print == like_options.CODE:
        console.out.write(package.shell_code())
        return
    functions = functions or connect(options, named.region)
    if options.print == like_options.POLICY:
        console.say(json.dumps(_policy(functions, named, shell), indent=2), exactly=True)
        return
    executor = Executor(functions, console, sleep, try_out or trial(options, functions.region))
    desired = _desired(functions, named, shell, options, clock().strftime(marks.TIME))
    for _ in range(LOOKS):
        if _step(functions, executor, console, desired, options):
            return
    raise DeployError(f"other operations keep changing the function {shell}: look with `lambda-kernel status`")


def _step(
    functions: Functions, executor: Executor, console: Console, desired: plan.Desired, options: argparse.Namespace
) -> bool:
    """Plan once, and execute. False: somebody else was first."""
    shell = functions.get(desired.name)
    published = functions.tools.tools(tools_layer(desired.name)) if desired.tools else []
    steps = plan.plan_deploy(desired, shell, published)
    console.say("\n".join(plan.notes(desired, shell)))
    if options.dry_run:
        console.say(listed(steps, functions.region))
        return True
    if not plan.changes(steps):
        console.say(f"There is nothing to change in the function {desired.name} in {functions.region}.")
    try:
        executor.run(steps)
    except (Busy, Missing) as error:
        console.say(f"Somebody else changed the function first ({error}). Looking again.")
        return False
    line = install_line(options, functions.region, desired.name)
    console.say(f"\nRegister a kernel for it:\n  {line}", exactly=True)
    return True


def connect(options: argparse.Namespace, region: str | None) -> Functions:
    return Functions(make_clients(options.region or region, options.profile, options.endpoint_url))


def _desired(functions: Functions, named: Named, shell: str, options: argparse.Namespace, now: str) -> plan.Desired:
    original, like = _original(functions, named), str(named)
    if original.config.get("PackageType") == "Image":
        raise image.refusal(original, like)
    made = package.beside(functions.package(original), like)
    signing = functions.signing(named.name)
    extensions = {layer["Arn"]: functions.extensions(layer["Arn"]) for layer in original.config.get("Layers") or ()}
    return plan.Desired(
        original, like, shell, functions.region, made, now,
        isolated=options.tenant_isolation,
        signing=signing,
        extensions=extensions,
        tools=tuple(tools.read(path) for path in options.tools or ()),
        no_tools=options.no_tools,
    )  # fmt: skip


def _original(functions: Functions, named: Named) -> Function:
    if named.account and named.account != functions.account():
        raise DeployError(
            f"{named} is in another account, whose roles a function here cannot have: use credentials of that account"
        )
    original = functions.get(named.name, named.qualifier)
    if original is None:
        raise DeployError(f"there is no function {named} in {functions.region}: check the name, --region and --profile")
    plan.check_original(original, str(named))
    return original


def _policy(functions: Functions, named: Named, shell: str) -> dict[str, object]:
    """With wildcards for what the caller may not read."""
    import boto3

    try:
        original = functions.get(named.name, named.qualifier)
    except KernelError:
        original = None
    partition = boto3.Session().get_partition_for_region(functions.region)
    return policy.policy(named, shell, functions.region, partition, original)


def find(functions: Functions, name: str) -> Function | None:
    """A shell of ours that is like another function."""
    found = functions.get(name)
    return found if found and marks.read(found.tags) else None


def delete(
    options: argparse.Namespace, console: Console, functions: Functions, shell: Function, sleep: Sleep = time.sleep
) -> None:
    """Plan, then execute. Raises KernelError."""
    made = functions.log_group_made(f"/aws/lambda/{shell.name}")
    published = functions.tools.tools(tools_layer(shell.name))
    steps = plan.plan_delete(shell, functions.region, made, published)
    if options.dry_run:
        console.say(listed(steps, functions.region))
        return
    Executor(functions, console, sleep).run(steps)
    console.say(f"The function {shell.name} is deleted.")


def table(functions: Functions, only: str | None, clock: Clock = utc_now) -> str:
    """Empty if there is no shell."""
    try:
        lines = list(status.rows(functions, only, clock()))
    except DeployError as error:
        return f"What `deploy --like` has made cannot be listed: {error}."
    return stacks.table([status.HEADINGS, *lines]) if lines else ""
