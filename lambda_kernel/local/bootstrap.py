"""Started inside an environment: sets Lambda's limits, then runs AWS's own runtime client.

A script of its own (in /var/runtime, where AWS keeps its bootstrap.py): it imports nothing of the engine.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import site
import struct
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
# As runtime_files.py says.
UID, GID = 993, 990
# linux/capability.h: the version of what capset takes, for this process; CAP_SETGID, CAP_SETUID, CAP_SETPCAP.
NO_CAPABILITIES = struct.pack("=Ii", 0x20080522, 0)
CAPABILITIES = (6, 7, 8)
PR_SET_DUMPABLE, PR_CAPBSET_DROP = 4, 24

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


def become_user() -> None:
    """Leave the sandbox's root, to whom its files belong, and all that root may do."""
    import ctypes

    libc = ctypes.CDLL(None)
    for capability in CAPABILITIES:
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setgid(GID)
    os.setuid(UID)
    libc.capset(NO_CAPABILITIES, bytes(24))
    # What becomes another user belongs to root in /proc: its descriptors, say, which its commands open by path.
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


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


def do_without_site() -> None:
    """Do what Python's module site does, without which it was started (WITHOUT_SITE in runtime_files.py).

    But for what .pth files say. The interpreter's own packages come last.
    """
    sys.path += [path for path in site.getsitepackages() if os.path.isdir(path)]
    for make_builtins in (site.setquit, site.setcopyright, site.sethelper):
        make_builtins()


def set_module_path_of_image() -> None:
    """Put our function first, and our runtime client last: an image's own client comes before it."""
    ours = sys.path.pop(0)
    set_module_path()
    sys.path.insert(0, os.path.join(os.path.dirname(ours), "function"))
    sys.path += [os.environ["LAMBDA_RUNTIME_DIR"], ours]


def mend_init_errors(address: str) -> None:
    """Let awslambdaric report init errors to an address that has a path.

    Its C part, which polls for events, takes `host:port/secret` as an address. Its Python part, which reports init
    errors, hands the same text to HTTPConnection, which wants a bare `host:port`.
    """
    from awslambdaric.lambda_runtime_client import LambdaRuntimeClient

    host, _, secret = address.partition("/")
    original = getattr(LambdaRuntimeClient, "call_rapid", None)
    if original is None:  # a version before 3, in an older image: its init errors are not told
        return

    def call_rapid(self: Any, http_method: str, endpoint: str, *args: Any, **kwargs: Any) -> None:
        self.lambda_runtime_address = host
        original(self, http_method, f"/{secret}{endpoint}", *args, **kwargs)

    LambdaRuntimeClient.call_rapid = call_rapid


def listen_inside(address: str, descriptor: int) -> None:
    """Listen for the Runtime API in this network, and pass the socket to the engine, which is in another network.

    A socket stays in the network that it was opened in: network_namespaces(7).
    """
    import socket  # most functions do without

    host, _, port = address.partition("/")[0].partition(":")
    with socket.create_server((host, int(port))) as listening, socket.socket(fileno=descriptor) as engine:
        socket.send_fds(engine, [b"\0"], [listening.fileno()])


def close_inherited(kept: int) -> None:
    """Close what bubblewrap leaves open: the pipe by which a sandbox waits for its users."""
    os.closerange(3, kept)
    os.closerange(kept + 1, RLIMITS[resource.RLIMIT_NOFILE][1])


def main() -> None:
    close_inherited(int(sys.argv[2]) if len(sys.argv) > 2 else 3)
    if sys.argv[1] == "sandboxed" and os.getuid() == 0:
        become_user()
    if len(sys.argv) > 2:
        listen_inside(os.environ["AWS_LAMBDA_RUNTIME_API"], int(sys.argv[2]))
    in_image = sys.argv[1] == "image"
    limit_resources(sandboxed=in_image or sys.argv[1] == "sandboxed")
    if in_image:
        set_module_path_of_image()
    else:
        set_module_path()
        do_without_site()
    gc.disable()  # what is loaded here stays
    mend_init_errors(os.environ["AWS_LAMBDA_RUNTIME_API"])
    from awslambdaric.__main__ import main as run

    gc.enable()
    run(["awslambdaric", os.environ["_HANDLER"]])


def _smaller(one: int, other: int) -> int:
    bounded = [limit for limit in (one, other) if limit != resource.RLIM_INFINITY]
    return min(bounded, default=resource.RLIM_INFINITY)


if __name__ == "__main__":
    main()
