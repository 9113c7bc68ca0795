"""%use: run the cells that follow on another function, or in a shell of the fleet."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from typing import TypeVar

from ..aws import regions
from ..aws.function_state import SECONDS
from ..aws.target import CPUS, NETWORKS, Target, named
from ..aws.target_words import reference, split
from ..errors import Abandoned, Interrupted, KernelError, UsageError
from ..experiments.folding import ranges
from . import fleet_shells
from .arguments import Argument, same, whole_number
from .base import Call, Magic

T = TypeVar("T", str, int)
# Options for the local emulator only, with an example.
LOCAL_ONLY = {"network": "none", "memory": "512", "storage": "1024", "cpu": "lambda", "image": "IMAGE"}


OF_FLEET = re.compile(r"fleet:(?:(?P<slot>\d{1,4})|off)")


def run(call: Call) -> str:
    if found := OF_FLEET.fullmatch(call.options.function):
        return in_fleet(call, found["slot"])
    chosen, workspace = call.options, call.workspace
    word = split(chosen.function)
    if word.pattern:
        raise UsageError(f"{chosen.function!r} is a pattern: %use takes one function, %%compare takes them all")
    image = None if chosen.image is None else reference(chosen.image)
    given = {
        "network": chosen.network,
        "memory_mb": either("memory", word.memory_mb, chosen.memory),
        "storage_mb": chosen.storage,
        "cpu": chosen.cpu,
        "image": either("image", word.image, image),
    }
    emulator = replace(workspace.emulator, **{name: value for name, value in given.items() if value is not None})
    where = (either("region", word.region, chosen.region), chosen.profile, chosen.endpoint_url)
    target = named(word.function, *where, emulator=emulator)
    for name, example in LOCAL_ONLY.items():
        if getattr(chosen, name) is not None and not target.local:
            raise UsageError(
                f"--{name} works with the local emulator only: use it as in `%use local --{name} {example}`"
            )
    regions.check(target.region, target.endpoint_url)
    known = target.local or target in workspace.sessions
    warning = "" if known else warned(call, target)
    workspace.use(target)
    next_cell = "its session continues" if workspace.target in workspace.sessions else "the next cell starts a session"
    return f"Cells now run on {workspace.target}: {next_cell}.\n" + (f"{warning}\n" if warning else "")


def warned(call: Call, target: Target) -> str:
    """What the user should know of the function. Empty if nobody knows soon. Raises UsageError if there is none."""
    workspace = call.workspace
    try:
        return workspace.caller(functools.partial(workspace.connector.warning, target), call.control, 0.0, SECONDS)
    except Abandoned as error:
        if call.control.interrupts:
            raise Interrupted(f"interrupted: cells still run on {workspace.target}") from error
        return ""
    except UsageError:
        raise
    except KernelError:
        return ""


def in_fleet(call: Call, slot: str | None) -> str:
    """slot None: back to the shell that is in no fleet."""
    workspace = call.workspace
    if any(value is not None for name, value in vars(call.options).items() if name != "function"):
        raise UsageError("`%use fleet:N` takes no options: the shell is one of the current function's")
    shells = fleet_shells.shells(workspace)
    if slot is not None and int(slot) not in shells:
        known = f"its shells are {ranges(shells)}" if shells else "%%fleet N makes one"
        if fleet_shells.has_tenants(workspace) is False:
            known = "it has no tenant isolation, so %%fleet leaves no shells there"
        raise UsageError(f"there is no shell {int(slot)} in a fleet of {workspace.target.whole}: {known}")
    workspace.use(replace(workspace.target, slot=None if slot is None else int(slot)))
    return f"Cells now run on {workspace.target}.\n"


def either(option: str, in_word: T | None, given: T | None) -> T | None:
    """What the word says, or the option. Both may say the same."""
    if None not in (in_word, given) and in_word != given:
        raise UsageError(f"the target says {in_word}, and --{option} says {given}: leave one of them out")
    return given if in_word is None else in_word


MAGIC = Magic(
    "use",
    "run cells on another function; `%use local` is the local emulator",
    run,
    (
        Argument(
            "function",
            "a name or an ARN, perhaps with a version or an alias (`shell:live`) or a region (`shell@eu-north-1`); or "
            "`local`, `local:512`, `local:IMAGE`; or `fleet:3`, a shell of %%fleet, which `fleet:off` leaves",
            "NAME",
            kinds=("target",),
        ),
        Argument("--region", "the function's region", "R"),
        Argument("--profile", "a profile of your AWS configuration; with `--image`, one that may pull from ECR", "P"),
        Argument("--endpoint-url", "the address of another Lambda endpoint", "U"),
        Argument(
            "--network",
            "of the local emulator: `none` gives cells no network, `nat` only connections to the outside",
            choices=same(*NETWORKS),
        ),
        Argument("--memory", "of the local emulator: the function's memory in MB", "MB", read=whole_number),
        Argument("--storage", "of the local emulator: the size of /tmp in MB", "MB", read=whole_number),
        Argument(
            "--cpu",
            "of the local emulator: `host` gives cells all of this machine's CPUs, `lambda` what Lambda gives for the "
            "memory",
            choices=same(*CPUS),
        ),
        Argument("--image", "of the local emulator: the container image that is its root", "I"),
    ),
    more=(
        "Each function keeps its session: if you go back, you find the same shell. A function that does not exist, or "
        "that cannot run yet, is told at once if you have the permission lambda:GetFunctionConfiguration. Without it, "
        "the next cell tells. Nothing is invoked for that."
    ),
    examples=(
        ("%use shell --region eu-west-1", "run cells on AWS"),
        ("%use local --network none", "run cells on the local emulator, without a network"),
        ("%use local --memory 1769 --cpu lambda", "run cells with one CPU, as on Lambda"),
        ("%use fleet:3", "run cells in one of the shells that %%fleet has made"),
        ("%use local --image ./app.tar", "run cells in a container image that `docker save` wrote"),
    ),
)
