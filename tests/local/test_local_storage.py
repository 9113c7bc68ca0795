"""An environment's /tmp, and the table of its mounts."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from lambda_kernel.local.bwrap import find_bwrap
from lambda_kernel.local.host import Host
from lambda_kernel.local.storage import find_storage
from tests.support.engine_client import Rig
from tests.support.unprivileged_engine import unprivileged

# On Lambda: /, /dev, /proc, /tmp, /var/task. These are more, as docs/explanation/local-emulator.md says.
MOUNTS = {
    *("/", "/dev", "/proc", "/tmp", "/var/task"),
    *("/usr", "/etc", "/var/lang", "/var/runtime"),
    *(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom")),
}
# Of hosts whose /bin is not a link to /usr/bin, and of other kinds.
OTHER_SYSTEM = {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/gnu"}
FILL = (
    "tried = subprocess.run(['head', '-c', event['bytes'], '/dev/zero'], stdout=open('/tmp/big', 'w'), "
    "stderr=subprocess.PIPE, text=True)\n"
    "space = os.statvfs('/tmp')\n"
    "result = [tried.stderr, os.path.getsize('/tmp/big'), space.f_blocks * space.f_frsize, sorted(os.listdir('/tmp'))]"
)
MIB = 1 << 20


def held(own: Rig) -> Rig:
    if own.engine.isolation != "bwrap" or any("/tmp is as large" in notice for notice in own.engine.notices):
        pytest.skip("no file system can be held on this machine")
    return own


def fill(own: Rig, size: int, **parameters: Any) -> Any:
    return own.invoke({"py": FILL, "bytes": str(size)}, **parameters)


def max_memory(report: str) -> int:
    return int(report.partition("Max Memory Used: ")[2].split()[0])


def test_tmp_is_a_file_system_of_the_functions_size(rig: Callable[..., Rig]) -> None:
    own = held(rig(tenancy=True))
    before = max_memory(own.invoke({}, TenantId="a").report)
    reply = fill(own, 400 * MIB, TenantId="a")
    assert reply.value == ["", 400 * MIB, 512 * MIB, ["big"]]
    # Also what a process has mapped.
    code = (
        "import mmap\nwith open('/tmp/big') as file:\n"
        "    state['map'] = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)\n"
        "sum(state['map'][::4096]); time.sleep(0.2)"
    )
    mapped = own.py(code, TenantId="a")
    assert not mapped.failed
    assert max_memory(mapped.report) <= before + 10
    # It outlives the runtime, and what does not fit is refused as on a full disk.
    assert own.py("os._exit(1)", TenantId="a").failed
    error, size, _, names = fill(own, 600 * MIB, TenantId="a").value
    assert (error, names) == ("head: error writing 'standard output': No space left on device\n", ["big"])
    assert size == 512 * MIB
    assert own.py("result = os.listdir('/tmp')", TenantId="b").value == []


def test_its_size_can_be_chosen(rig: Callable[..., Rig]) -> None:
    own = held(rig(storage_mb=600))
    assert fill(own, 513 * MIB).value == ["", 513 * MIB, 600 * MIB, ["big"]]
    assert own.client.get_function_configuration(FunctionName="shell")["EphemeralStorage"] == {"Size": 600}


def test_no_file_of_the_host_is_listed_as_a_mount(rig: Callable[..., Rig]) -> None:
    own = held(rig())
    found = set(own.sh("cut -d' ' -f2 /proc/mounts").split())
    kernel = {path for path in found if path.startswith("/proc/")}
    assert found - kernel - OTHER_SYSTEM == MOUNTS
    # These may be written to by who is root to the host.
    assert bool(kernel) == (os.geteuid() == 0)
    assert own.sh("ls -A /sys") == ""


def test_without_nsenter_tmp_is_a_directory_and_a_notice_says_so(rig: Callable[..., Rig]) -> None:
    host = Host(which=lambda name: None if name == "nsenter" else shutil.which(name))
    own = rig(engine={"host": host})
    if own.engine.isolation != "bwrap":
        pytest.skip("bubblewrap does not work on this machine")
    notice = "/tmp is as large as this machine's disk instead of 512 MB, because that needs nsenter and mount: install "
    assert f"{notice}util-linux" in own.engine.notices
    assert own.sh("touch /tmp/x; stat -c %a /tmp; cat /etc/shadow 2>/dev/null; id -un; ls -A /sys") == (
        "1777\nsbx_user1051\n"
    )
    assert own.py("import boto3; result = boto3.__file__").value == "/var/runtime/boto3/__init__.py"
    assert own.py("os._exit(1)").failed
    assert own.sh("ls /tmp") == "x\n"


def test_a_tmp_that_memory_cannot_hold_is_a_directory() -> None:
    found = find_storage(str(find_bwrap()), shutil.which, 1 << 30, lambda *_: True)
    assert not found.in_memory
    assert "more than half of this machine's memory: choose a smaller --storage" in str(found.notice)


AS_NOBODY = f"""
import boto3, json, os, tempfile
from pathlib import Path
from lambda_kernel.local import EngineError, LocalEngine, Settings
from tests.support.engine_client import HANDLER, Rig
code = Path(tempfile.mkdtemp())
code.chmod(0o755)
(code / "index.py").write_text(HANDLER)
with LocalEngine(Settings(code, tenancy=True)) as engine:
    own = Rig(engine, boto3.Session())
    fill = lambda size: own.invoke({{"py": {FILL!r}, "bytes": str(size)}}, TenantId="a")
    full = fill({400 * MIB})
    own.py("os._exit(1)", TenantId="a")
    print(json.dumps({{
        "isolation": engine.isolation, "notices": engine.notices, "full": full.value, "report": full.report,
        "again": fill({600 * MIB}).value,
        "other": own.py("result = os.listdir('/tmp')", TenantId="b").value,
        "mounts": own.py("result = [line.split()[1] for line in open('/proc/mounts')]", TenantId="b").value,
        "user": own.py("result = [os.getuid(), open('/etc/passwd').read().count(chr(10))]", TenantId="b").value,
    }}))
try:
    LocalEngine(Settings(code, cpu="lambda")).start()
except EngineError as error:
    print(error)
"""


def test_an_ordinary_user_has_the_same(rig: Callable[..., Rig]) -> None:
    held(rig())
    found, refusal = unprivileged(AS_NOBODY)
    told = json.loads(found)
    assert told["isolation"] == "bwrap"
    assert told["notices"] == ["the memory limit of 128 MB is enforced by polling, so it is approximate"]
    assert told["full"] == ["", 400 * MIB, 512 * MIB, ["big"]]
    assert 5 < max_memory(told["report"]) < 60
    assert told["again"][:2] == ["head: error writing 'standard output': No space left on device\n", 512 * MIB]
    assert told["other"] == []
    assert set(told["mounts"]) - OTHER_SYSTEM == MOUNTS
    assert told["user"] == [993, 2]
    assert refusal.startswith("--cpu lambda needs a cgroup that limits CPU time, and none is delegated to you: ")
