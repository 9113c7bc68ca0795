"""The commands `lambda-kernel template`, `deploy`, `status` and `delete`."""

from __future__ import annotations

import argparse
import functools
import os
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from ...aws import regions
from ...errors import AccessDenied, BadCredentials, BadSettings, KernelError
from . import choices, plan, snippets, status, tools
from .cloud import Clients, Cloud, Layer, Stack, make_clients
from .console import Console
from .execute import Executor
from .problems import Busy, DeployError, Missing
from .stack_options import StackOptions
from .steps import Step, Wait

LOOKS = 5  # attempts, if somebody else changes the stack at the same time
IN_A_VPC = (
    "In its VPC the function reaches what the subnets and security groups allow (%network shows it). The kernel needs "
    "no way out: Lambda's own side brings the requests in."
)

Sleep = Callable[[float], None]
TryOut = Callable[[str], str]


def print_template(options: argparse.Namespace, console: Console) -> None:
    values = choices.DEFAULTS.values() | choices.given(options)
    console.out.write(snippets.text(values, choices.tags(options) or {}, snippets.wanted(options)))


def guarded(
    options: argparse.Namespace, run: Callable[[argparse.Namespace, Console], None], console: Console | None = None
) -> int:
    """Run a command. Errors become one sentence and an exit code."""
    console = console or Console(getattr(options, "verbose", False), getattr(options, "yes", False))
    try:
        choices.check_names(options)
        regions.check(getattr(options, "region", None), getattr(options, "endpoint_url", None))
        run(options, console)
    except KeyboardInterrupt:
        console.fail("interrupted: see what exists with `lambda-kernel status`")
        return 1
    except KernelError as error:
        console.fail(str(error), error.line if isinstance(error, DeployError) else "")
        return 1
    return 0


def deploy(
    options: argparse.Namespace,
    console: Console,
    clients: Clients | None = None,
    sleep: Sleep = time.sleep,
    try_out: TryOut | None = None,
) -> None:
    """Plan, then execute. Repeat if another operation came first. Raises KernelError."""
    if snippets.wanted(options):
        console.out.write(snippets.of_deploy(options))
        return
    executables = tuple(tools.read(path) for path in options.tools or ())
    stack = options.stack or stack_name(options.function or choices.DEFAULTS.function)
    desired = plan.Desired(
        stack,
        options.region or "",
        options.function,
        choices.given(options),
        executables,
        options.no_tools,
        choices.tags(options),
        options.role_arn,
    )
    try:
        cloud = Cloud(clients or make_clients(options.region, options.profile, options.endpoint_url))
        again = functools.partial(deploy_line, options, cloud.region, stack)
        executor = Executor(cloud, console, sleep, try_out or trial(options, cloud.region), again)
        _deploy(options, replace(desired, region=cloud.region), console, executor)
    except BadSettings as error:
        if not options.dry_run or not nobody_asked(error):
            raise
        console.say(imagined(desired, error))


def nobody_asked(error: BadSettings) -> bool:
    """Whether AWS could not be asked, because there are no credentials or no region."""
    from botocore.exceptions import NoRegionError

    without = isinstance(error, BadCredentials) and not isinstance(error, AccessDenied)
    return without or isinstance(error.__cause__, NoRegionError)


def imagined(desired: plan.Desired, error: BadSettings) -> str:
    """The plan for an account in which there is nothing of it."""
    steps = plan.plan_deploy(desired, plan.Current())
    where = desired.region or "the region that you name"
    return f"{listed(steps, where)}\nThis is the plan for a new stack. AWS was not asked what exists: {error}"


def _deploy(
    options: argparse.Namespace,
    desired: plan.Desired,
    console: Console,
    executor: Executor,
) -> None:
    """Look, plan and execute, until it is done."""
    stack, cloud = desired.stack, executor.cloud
    for _ in range(LOOKS):
        current = look(cloud, desired)
        steps = plan.plan_deploy(desired, current)
        if options.dry_run:
            console.say(listed(steps, cloud.region))
            return
        if not plan.changes(steps):
            console.say(f"There is nothing to change in the stack {stack} in {cloud.region}.")
        if _carried_out(executor, steps, console):
            if plan.in_vpc(desired, current.stack):
                console.say(IN_A_VPC)
            console.say(_registered(options, cloud.region, plan.functions_of(desired, current.stack)), exactly=True)
            return
    raise DeployError(f"other operations keep changing the stack {stack}: look with `lambda-kernel status`")


def _registered(options: argparse.Namespace, region: str, functions: Sequence[str]) -> str:
    lines = "".join(f"\n  {install_line(options, region, function)}" for function in functions)
    return f"\nRegister a kernel for {'it' if len(functions) == 1 else 'each'}:{lines}"


def _carried_out(executor: Executor, steps: Sequence[Step], console: Console) -> bool:
    """Run the steps. False: look again and make a new plan."""
    try:
        executor.run(steps)
    except (Busy, Missing) as error:
        console.say(f"Somebody else changed the stack first ({error}). Looking again.")
        return False
    return not isinstance(steps[0], Wait)


def look(cloud: Cloud, desired: plan.Desired) -> plan.Current:
    """The current state. It is read twice, so that it belongs to one moment. Nothing is changed."""
    for _ in range(LOOKS):
        current = _glance(cloud, desired)
        if cloud.stack(desired.stack) == current.stack:
            return current
    raise DeployError(f"the stack {desired.stack} keeps changing: look with `lambda-kernel status`")


def _glance(cloud: Cloud, desired: plan.Desired) -> plan.Current:
    stack = cloud.stack(desired.stack)
    if stack is not None and (stack.busy or not stack.ours):
        return plan.Current(stack)
    name = plan.function_of(desired, stack)
    alive = None if plan.is_dead(stack) else stack
    wanted, there = plan.functions_of(desired, alive), plan.names_in(alive) if alive else []
    return plan.Current(
        stack,
        body=cloud.body(alive.id) if alive else "",
        settled=cloud.settled(alive.id) if alive else None,
        functions=tuple(filter(None, map(cloud.function, dict.fromkeys([*wanted, *there])))),
        log_group=cloud.has_log_group(f"/aws/lambda/{name}"),
        layers=tuple(_tools(cloud, desired, name, alive)),
    )


def _tools(cloud: Cloud, desired: plan.Desired, function: str, stack: Stack | None) -> Iterator[Layer]:
    """The layers of tools of a function and of its stack's, and those attached; only if they matter."""
    former = plan.function_of(replace(desired, function=None), stack)
    if desired.tools or desired.no_tools or function != former:
        names = [plan.tools_layer(function), plan.tools_layer(former)]
        names += [plan.layer_name(arn) for arn in plan.attached(stack)]
        for name in dict.fromkeys(names):
            yield from cloud.tools(name)


def listed(steps: Sequence[Step], region: str) -> str:
    lines = [f"  {number}. {step}" for number, step in enumerate(steps, 1)]
    asked = [f"  This needs your consent: {step.consent}" for step in steps if step.consent]
    return "\n".join([f"These steps would run in {region}:", *lines, *asked])


def show_status(
    options: argparse.Namespace, console: Console, clients: Clients | None = None, others: Callable[[], str] = str
) -> None:
    """Print a line for each of our functions. others: makes the table of those without a stack. Raises KernelError."""
    cloud = Cloud(clients or make_clients(options.region, options.profile, options.endpoint_url))
    stacks = [stack for stack in cloud.our_stacks() if options.stack in (None, stack.name)]
    lines = list(status.rows(cloud, stacks, options.function))
    tables = [status.table([status.HEADINGS, *lines]) if lines else "", others()]
    if any(tables):
        console.say("\n\n".join(filter(None, tables)))
    else:
        console.say(f"There is no function of lambda-kernel in {cloud.region}: create one with `lambda-kernel deploy`.")


def delete(
    options: argparse.Namespace, console: Console, clients: Clients | None = None, sleep: Sleep = time.sleep
) -> None:
    """Plan, then execute. Raises KernelError."""
    cloud = Cloud(clients or make_clients(options.region, options.profile, options.endpoint_url))
    name = options.stack or stack_name(options.function or choices.DEFAULTS.function)
    executor = Executor(cloud, console, sleep)
    for _ in range(LOOKS):
        steps = _plan_delete(cloud, name, options)
        if options.dry_run:
            console.say(listed(steps, cloud.region))
            return
        if _carried_out(executor, steps, console) or cloud.stack(name) is None:
            console.say(f"The stack {name} is deleted.")
            return
    raise DeployError(f"other operations keep changing the stack {name}: look with `lambda-kernel status`")


def _plan_delete(cloud: Cloud, name: str, options: argparse.Namespace) -> list[Step]:
    stack = cloud.stack(name)
    if stack is None:
        raise DeployError(f"there is no stack {name} in {cloud.region}: list yours with `lambda-kernel status`")
    plan.check_ours(stack)
    function = stack.parameters.get("Function", "")
    if options.function not in (None, function):
        raise DeployError(
            f"the stack {name} has the function {function}, not {options.function}: name only one of them"
        )
    return plan.plan_delete(stack, list(_tools_of(cloud, stack, function)) if function else (), cloud.region)


def _tools_of(cloud: Cloud, stack: Stack, function: str) -> Iterator[Layer]:
    """All versions of the function's own tools, and what is attached from an earlier name of it."""
    own, attached = plan.tools_layer(function), plan.attached(stack)
    for name in dict.fromkeys([own, *map(plan.layer_name, attached)]):
        yield from (one for one in cloud.tools(name) if name == own or one.arn in attached)


COMMANDS: dict[str, Callable[[argparse.Namespace, Console], None]] = {
    "template": print_template,
    "deploy": deploy,
    "status": show_status,
    "delete": delete,
}


def trial(options: argparse.Namespace, region: str) -> TryOut:
    """Makes what runs a test command in a function, with the kernel's own code."""

    def run(function: str) -> str:
        from .smoke_test import try_out

        return try_out(function, region, options.profile, options.endpoint_url)

    return run


def stack_name(function: str) -> str:
    """The default name of the stack. It cannot have underscores."""
    return f"lambda-kernel-{function.replace('_', '-')}"


def deploy_line(
    options: argparse.Namespace, region: str, stack: str, values: Mapping[str, str], more: StackOptions
) -> str:
    """The command that creates a function with all these settings."""
    words = ["lambda-kernel", "deploy", "--region", region]
    for option, value in (("--profile", options.profile), ("--endpoint-url", options.endpoint_url)):
        words += [option, value] if value else []
    return shlex.join([*words, "--stack", stack, *choices.spelled(values, more)])


def install_line(options: argparse.Namespace, region: str, function: str) -> str:
    """The command that registers a kernel for the function."""
    words = ["lambda-kernel", "install", "--name", kernel_name(function)]
    words += [f"--function={function}"] if function.startswith("-") else ["--function", function]
    words += ["--region", region]
    profile = options.profile or os.environ.get("AWS_PROFILE")
    for option, value in (("--profile", profile), ("--endpoint-url", options.endpoint_url)):
        words += [option, value] if value else []
    return shlex.join(words)


def kernel_name(function: str) -> str:
    """A name that Jupyter accepts: lower case, with a letter or digit first."""
    return function.lower().lstrip("-_") or "aws"
