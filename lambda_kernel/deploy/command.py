"""`lambda-kernel template`, `deploy`, `status` and `delete`: how their parts are put together."""

from __future__ import annotations

import argparse
import functools
import os
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..errors import KernelError
from . import choices, plan, status, template, tools
from .cloud import Clients, Cloud, Layer, Stack, make_clients
from .console import Console
from .execute import Executor
from .problems import Busy, DeployError, Missing

LOOKS = 5  # how often a deploy may find that somebody else came first

Sleep = Callable[[float], None]
TryOut = Callable[[str], str]


def print_template(options: argparse.Namespace, console: Console) -> None:
    body = template.render(choices.DEFAULTS.values() | choices.given(options))
    size = len(body.encode())
    if size > template.LIMIT_BYTES:
        raise DeployError(
            f"with these defaults the template would have {size:,} bytes, and CloudFormation takes "
            f"{template.LIMIT_BYTES:,}: leave --policy and --layer out, and name them with `--parameter-overrides "
            "Policies=ARN,ARN Layers=ARN,ARN` of `aws cloudformation deploy`"
        )
    console.out.write(body)


def run(options: argparse.Namespace) -> int:
    """The command that was named; its exit code."""
    return guarded(options, COMMANDS[options.command])


def guarded(
    options: argparse.Namespace, run: Callable[[argparse.Namespace, Console], None], console: Console | None = None
) -> int:
    """Errors as one sentence and exit codes."""
    console = console or Console(getattr(options, "verbose", False), getattr(options, "yes", False))
    try:
        choices.check_names(options)
        run(options, console)
    except KeyboardInterrupt:
        console.fail("interrupted: `lambda-kernel status` shows what is there")
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
    """Plan, then execute; again, where another operation was waited for or came first. Raises KernelError."""
    executables = tuple(tools.read(path) for path in options.tools or ())
    cloud = Cloud(clients or make_clients(options.region, options.profile, options.endpoint_url))
    stack = options.stack or stack_name(options.function or choices.DEFAULTS.function)
    wanted = plan.Wanted(stack, cloud.region, options.function, choices.given(options), executables, options.no_tools)
    again = functools.partial(deploy_line, options, cloud.region, stack)
    executor = Executor(cloud, console, sleep, try_out or trial(options, cloud.region), again)
    for _ in range(LOOKS):
        seen = look(cloud, wanted)
        steps = plan.plan_deploy(wanted, seen)
        if options.dry_run:
            console.say(listed(steps, cloud.region))
            return
        if not plan.changes(steps):
            console.say(f"There is nothing to change in the stack {stack} in {cloud.region}.")
        if _carried_out(executor, steps, console):
            line = install_line(options, cloud.region, plan.function_of(wanted, seen.stack))
            console.say(f"\nMake a kernel of it:\n  {line}", exactly=True)
            return
    raise DeployError(f"other operations on the stack {stack} do not end: look with `lambda-kernel status`")


def _carried_out(executor: Executor, steps: Sequence[plan.Step], console: Console) -> bool:
    """Whether that was all; else it is time to look again."""
    try:
        executor.run(steps)
    except (Busy, Missing) as error:
        console.say(f"Somebody else was first ({error}): looking again.")
        return False
    return not isinstance(steps[0], plan.Wait)


def look(cloud: Cloud, wanted: plan.Wanted) -> plan.Seen:
    """What is there at one time, by calls that change nothing."""
    for _ in range(LOOKS):
        seen = _glance(cloud, wanted)
        if cloud.stack(wanted.stack) == seen.stack:
            return seen
    raise DeployError(f"the stack {wanted.stack} changes all the time: look with `lambda-kernel status`")


def _glance(cloud: Cloud, wanted: plan.Wanted) -> plan.Seen:
    stack = cloud.stack(wanted.stack)
    if stack is not None and (stack.busy or not stack.ours):
        return plan.Seen(stack)
    name = plan.function_of(wanted, stack)
    alive = None if plan.is_dead(stack) else stack
    return plan.Seen(
        stack,
        body=cloud.body(alive.id) if alive else "",
        settled=cloud.settled(alive.id) if alive else None,
        function=cloud.function(name),
        log_group=cloud.has_log_group(f"/aws/lambda/{name}"),
        layers=tuple(_tools(cloud, wanted, name, alive)),
    )


def _tools(cloud: Cloud, wanted: plan.Wanted, function: str, stack: Stack | None) -> Iterator[Layer]:
    """Only where they matter: what --tools has published for a function and for its stack's, and what is attached."""
    former = plan.function_of(replace(wanted, function=None), stack)
    if wanted.tools or wanted.no_tools or function != former:
        names = [plan.tools_layer(function), plan.tools_layer(former)]
        names += [plan.layer_name(arn) for arn in plan.attached(stack)]
        for name in dict.fromkeys(names):
            yield from cloud.tools(name)


def listed(steps: Sequence[plan.Step], region: str) -> str:
    lines = [f"  {number}. {step}" for number, step in enumerate(steps, 1)]
    asked = [f"  This is asked first: {step.consent}" for step in steps if step.consent]
    return "\n".join([f"What would be done in {region}:", *lines, *asked])


def show_status(options: argparse.Namespace, console: Console, clients: Clients | None = None) -> None:
    """A line for each function of ours. Raises KernelError."""
    cloud = Cloud(clients or make_clients(options.region, options.profile, options.endpoint_url))
    stacks = [stack for stack in cloud.our_stacks() if _chosen(stack, options)]
    lines = list(status.rows(cloud, stacks))
    if lines:
        console.say(status.table([status.HEADINGS, *lines]))
    else:
        console.say(f"There is no function of lambda-kernel in {cloud.region}: `lambda-kernel deploy` makes one.")


def _chosen(stack: Stack, options: argparse.Namespace) -> bool:
    return options.stack in (None, stack.name) and options.function in (None, stack.parameters.get("Function"))


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
    raise DeployError(f"other operations on the stack {name} do not end: look with `lambda-kernel status`")


def _plan_delete(cloud: Cloud, name: str, options: argparse.Namespace) -> list[plan.Step]:
    stack = cloud.stack(name)
    if stack is None:
        raise DeployError(
            f"there is no stack {name} in {cloud.region}: `lambda-kernel status` lists those of lambda-kernel"
        )
    plan.check_ours(stack)
    function = stack.parameters.get("Function", "")
    if options.function not in (None, function):
        raise DeployError(
            f"the stack {name} holds the function {function}, not {options.function}: name one of them only"
        )
    return plan.plan_delete(stack, list(_tools_of(cloud, stack, function)) if function else (), cloud.region)


def _tools_of(cloud: Cloud, stack: Stack, function: str) -> Iterator[Layer]:
    """All versions of a function's own; of another's, which it had by an earlier name, the one that is attached."""
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
    """Runs a command in a function, through the same parts as the kernel."""

    def run(function: str) -> str:
        from .trial import try_out

        return try_out(function, region, options.profile, options.endpoint_url)

    return run


def stack_name(function: str) -> str:
    """A stack's name has no underscores, and begins and ends as it likes after our prefix."""
    return f"lambda-kernel-{function.replace('_', '-')}"


def deploy_line(options: argparse.Namespace, region: str, stack: str, values: Mapping[str, str]) -> str:
    """The command that makes a function with all these settings, whatever is there."""
    words = ["lambda-kernel", "deploy", "--region", region]
    for option, value in (("--profile", options.profile), ("--endpoint-url", options.endpoint_url)):
        words += [option, value] if value else []
    return shlex.join([*words, "--stack", stack, *choices.spelled(values)])


def install_line(options: argparse.Namespace, region: str, function: str) -> str:
    """The command that makes a kernel of the function."""
    words = ["lambda-kernel", "install", "--name", kernel_name(function)]
    words += [f"--function={function}"] if function.startswith("-") else ["--function", function]
    words += ["--region", region]
    profile = options.profile or os.environ.get("AWS_PROFILE")
    for option, value in (("--profile", profile), ("--endpoint-url", options.endpoint_url)):
        words += [option, value] if value else []
    return shlex.join(words)


def kernel_name(function: str) -> str:
    """A name that Jupyter takes: lower case, and beginning with a letter or digit."""
    return function.lower().lstrip("-_") or "aws"
