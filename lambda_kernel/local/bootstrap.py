"""Started inside an environment: takes Lambda's limits upon itself, then runs AWS's own runtime client.

A script of its own (in /var/runtime, where AWS keeps its bootstrap.py): it imports nothing of the engine.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from typing import Any

MIB = 1024 * 1024
# Recorded on AWS (python3.12, 2025-11-24) as soft and hard limit. Core files are off nevertheless, up to the hard
# limit: on Lambda they stay in the sandbox, here a host's core_pattern may take them elsewhere.
RLIMITS = {
    resource.RLIMIT_NOFILE: (1024, 1024),
    resource.RLIMIT_STACK: (8 * MIB, resource.RLIM_INFINITY),
    resource.RLIMIT_MEMLOCK: (65536, 65536),
    resource.RLIMIT_CORE: (0, 10_737_418_240),
}
# Counted over all processes of a user: Lambda's number is right only where the user is the sandbox's own. Elsewhere
# the function may add as many as its environment may have, and a fork bomb stops there.
SANDBOXED_PROCESSES = 742
ADDED_PROCESSES = 1024


def limit_resources(sandboxed: bool) -> None:
    """Set the limits, none above what the host allows."""
    processes = SANDBOXED_PROCESSES if sandboxed else ADDED_PROCESSES + count_own_tasks()
    for kind, (soft, hard) in {**RLIMITS, resource.RLIMIT_NPROC: (processes, processes)}.items():
        allowed = _smaller(hard, resource.getrlimit(kind)[1])
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (_smaller(soft, allowed), allowed))


def count_own_tasks() -> int:
    """Return how many processes and threads the user has."""
    count = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{pid}").st_uid == os.getuid():
                count += len(os.listdir(f"/proc/{pid}/task"))
    return count


def set_module_path() -> None:
    """Put the function's directory first, then the layers', as Lambda does."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    sys.path[:0] = [os.environ["LAMBDA_TASK_ROOT"], f"/opt/python/lib/{version}/site-packages", "/opt/python"]


def mend_init_errors(address: str) -> None:
    """Let awslambdaric report init errors to an address that has a path.

    Its C part, which polls for events, takes `host:port/secret` as an address. Its Python part, which reports init
    errors, hands the same text to HTTPConnection, which wants a bare `host:port`.
    """
    from awslambdaric.lambda_runtime_client import LambdaRuntimeClient

    host, _, secret = address.partition("/")
    original = LambdaRuntimeClient.call_rapid

    def call_rapid(self: Any, http_method: str, endpoint: str, *args: Any, **kwargs: Any) -> None:
        self.lambda_runtime_address = host
        original(self, http_method, f"/{secret}{endpoint}", *args, **kwargs)

    LambdaRuntimeClient.call_rapid = call_rapid


def main() -> None:
    limit_resources(sandboxed=sys.argv[1] == "sandboxed")
    set_module_path()
    mend_init_errors(os.environ["AWS_LAMBDA_RUNTIME_API"])
    from awslambdaric.__main__ import main as run

    run(["awslambdaric", os.environ["_HANDLER"]])


def _smaller(one: int, other: int) -> int:
    bounded = [limit for limit in (one, other) if limit != resource.RLIM_INFINITY]
    return min(bounded, default=resource.RLIM_INFINITY)


if __name__ == "__main__":
    main()
