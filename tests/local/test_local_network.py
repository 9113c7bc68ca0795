"""What an environment reaches in each of the three networks, and what is said where one cannot be had."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from lambda_kernel.local import Endpoint, EngineError, LocalEngine, Settings
from lambda_kernel.local.host import Host
from lambda_kernel.local.network import Network
from tests.support.engine_client import Rig, commands_with, connect
from tests.support.waiting import wait_until

TRY = """
import socket
def reach(family, address):
    with socket.socket(family) as connection:
        connection.settimeout(2)
        try:
            connection.connect(address)
            return connection.recv(5).decode()
        except OSError as error:
            return type(error).__name__
"""
HELPERS = pytest.mark.parametrize("helper", ["pasta", "slirp4netns"])


class Neighbour:
    """A service of this machine, as an IOPub port is one: it talks to whoever comes."""

    def __init__(self, family: socket.AddressFamily, address: Any) -> None:
        self._listening = socket.socket(family)
        self._listening.bind(address)
        self._listening.listen()
        self.family, self.address = int(family), self._listening.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                connection.sendall(b"hello")

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def seen_by(self, own: Rig) -> str:
        address = tuple(self.address) if isinstance(self.address, tuple | list) else self.address
        return str(own.py(f"{TRY}\nresult = reach({self.family}, {address!r})").value)


@pytest.fixture
def neighbours() -> Iterator[dict[str, Neighbour]]:
    found = {
        "loopback": Neighbour(socket.AF_INET, ("127.0.0.1", 0)),
        "abstract": Neighbour(socket.AF_UNIX, f"\0lambda-kernel-test-{os.getpid()}"),
    }
    yield found
    for neighbour in found.values():
        neighbour.close()


def only(helper: str) -> Host:
    return Host(which=lambda name: None if name in {"pasta", "slirp4netns"} - {helper} else shutil.which(name))


@pytest.fixture
def networked(lab_code: Path, session: boto3.Session) -> Iterator[Callable[..., Rig]]:
    engines: list[LocalEngine] = []

    def make(network: Network, helper: str = "pasta", **settings: Any) -> Rig:
        engines.append(LocalEngine(Settings(lab_code, network=network, **settings), host=only(helper)))
        try:
            return Rig(engines[-1], session)
        except EngineError as error:
            if "choose the network" not in str(error):
                raise
            pytest.skip(str(error))

    yield make
    for engine in engines:
        engine.close()


def test_the_hosts_network_is_the_hosts(networked: Callable[..., Rig], neighbours: dict[str, Neighbour]) -> None:
    own = networked("host")
    assert {name: neighbour.seen_by(own) for name, neighbour in neighbours.items()} == {
        "loopback": "hello",
        "abstract": "hello",
    }


def test_no_network_hides_everything(networked: Callable[..., Rig], neighbours: dict[str, Neighbour]) -> None:
    own = networked("none")
    assert {name: neighbour.seen_by(own) for name, neighbour in neighbours.items()} == {
        "loopback": "ConnectionRefusedError",
        "abstract": "ConnectionRefusedError",
    }
    assert own.sh("tail -n +3 /proc/net/dev | cut -d: -f1").split() == ["lo"]
    assert own.py(f"{TRY}\nresult = reach(2, ('198.51.100.1', 80))").value == "OSError"
    host, port = own.endpoint.endpoint_url.removeprefix("http://").split(":")
    assert own.py(f"{TRY}\nresult = reach(2, ({host!r}, {port}))").value == "ConnectionRefusedError"


@HELPERS
def test_a_way_out_hides_what_is_only_the_hosts(
    networked: Callable[..., Rig], neighbours: dict[str, Neighbour], helper: str
) -> None:
    own = networked("nat", helper)
    assert {name: neighbour.seen_by(own) for name, neighbour in neighbours.items()} == {
        "loopback": "ConnectionRefusedError",
        "abstract": "ConnectionRefusedError",
    }
    # Nor by the addresses that such a program may give the host: its gateway, as its own manual names it.
    port = neighbours["loopback"].address[1]
    gateway = own.sh("awk '$2 == \"00000000\" {print $3}' /proc/net/route").split()[0]
    address = socket.inet_ntoa(bytes.fromhex(gateway)[::-1])
    assert own.py(f"{TRY}\nresult = reach(2, ({address!r}, {port}))").value != "hello"
    assert "nameserver" in own.sh("cat /etc/resolv.conf")


def test_a_way_out_leads_out(networked: Callable[..., Rig]) -> None:
    """To an address of this machine that is not loopback's: slirp4netns lets that through, as another machine's."""
    address = own_address()
    neighbour = Neighbour(socket.AF_INET, (address, 0))
    try:
        assert neighbour.seen_by(networked("nat", "slirp4netns")) == "hello"
    finally:
        neighbour.close()


def own_address() -> str:
    """The address that this machine has towards others; nothing is sent for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect(("127.0.0.1", 9))
    names = [line.split()[1] for line in Path("/proc/net/fib_trie").read_text().splitlines() if "|-- " in line]
    locals_ = Path("/proc/net/fib_trie").read_text().split("Local:")[-1]
    found = [name for name in names if name in locals_ and not name.startswith(("127.", "0."))]
    for name in found:
        with socket.socket() as trial:
            try:
                trial.bind((name, 0))
            except OSError:
                continue
            return name
    pytest.skip("this machine has loopback addresses only")


@pytest.mark.parametrize("network", ["none", "nat"])
def test_an_environment_lives_as_in_the_hosts_network(networked: Callable[..., Rig], network: Network) -> None:
    own = networked(network, timeout_s=3, tenancy=True)
    address = own.py("result = os.environ['AWS_LAMBDA_RUNTIME_API']", TenantId="a").value
    assert address.startswith("127.0.0.1:9001/")
    big = "x" * 3_000_000
    assert own.invoke(big, TenantId="a").value == big
    assert own.py("time.sleep(30)", TenantId="a").value["errorType"] == "Sandbox.Timedout"
    assert own.py("os._exit(3)", TenantId="a").value["errorMessage"].endswith("exit status 3")
    assert own.invoke("again", TenantId="a").value == "again"
    # Others have the same port, each in its own network.
    assert own.invoke("b", TenantId="b").value == "b"
    assert own.invoke("a", TenantId="a").value == "a"


def test_an_init_error_is_told_from_inside(session: boto3.Session, tmp_path: Path) -> None:
    (tmp_path / "index.py").write_text("import nowhere\n")
    with LocalEngine(Settings(tmp_path, network="none")) as engine:
        assert Rig(engine, session).invoke({}).value["errorType"] == "Runtime.ImportModuleError"


def test_what_listens_inside_is_not_reached_from_outside(networked: Callable[..., Rig]) -> None:
    own = networked("none")
    with pytest.raises(ConnectionRefusedError):
        connect("127.0.0.1:9001")
    code = "import socket; held = socket.create_server(('127.0.0.1', 18765)); time.sleep(0.5)"
    own.py(f"state['job'] = subprocess.Popen([sys.executable, '-c', {'import time; ' + code!r}])")
    with pytest.raises(ConnectionRefusedError):
        connect("127.0.0.1:18765")


def test_the_program_that_leads_out_ends_with_the_environment(networked: Callable[..., Rig]) -> None:
    own = networked("nat", "slirp4netns")
    before = set(commands_with("slirp4netns"))
    own.invoke(1)
    mine = set(commands_with("slirp4netns")) - before
    assert mine
    own.engine.close()
    wait_until(lambda: not mine & set(commands_with("slirp4netns")))


def test_it_ends_with_an_engine_that_is_killed(networked: Callable[..., Rig], lab_code: Path) -> None:
    networked("nat", "slirp4netns").engine.close()
    code = (
        "import json, sys; from pathlib import Path; from dataclasses import asdict\n"
        "from lambda_kernel.local import LocalEngine, Settings\n"
        "engine = LocalEngine(Settings(Path(sys.argv[1]), network='nat'))\n"
        "print(json.dumps(asdict(engine.start())), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(lab_code)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    ) as process:  # fmt: skip
        assert process.stdout is not None
        import json

        from tests.support.engine_client import make_client

        endpoint = Endpoint(**json.loads(process.stdout.readline()))
        make_client(boto3.Session(), endpoint).invoke(FunctionName="shell", Payload="1")
        helpers = {
            pid
            for name in ("pasta", "slirp4netns")
            for pid in commands_with(name)
            if f"PPid:\t{process.pid}\n" in Path(f"/proc/{parent_of(pid)}/status").read_text()
        }
        assert helpers
        process.kill()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in helpers))


def parent_of(pid: int) -> int:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("PPid:")]
    return int(line.split()[1])


def refusal(code: Path, host: Host, **settings: Any) -> str:
    with pytest.raises(EngineError) as caught:
        LocalEngine(Settings(code, **settings), host=host).start()
    return str(caught.value)


def test_what_cannot_be_had_is_said_in_a_sentence(lab_code: Path, tmp_path: Path) -> None:
    assert refusal(lab_code, Host(find_bwrap=lambda: None), network="none") == (
        "the network `none` needs bubblewrap, which is not installed: install bubblewrap, allow user namespaces, or "
        "choose the network `host`"
    )
    assert "which does not work here" in refusal(lab_code, Host(find_bwrap=lambda: "/bin/false"), network="nat")
    assert "which is off" in refusal(lab_code, Host(), network="none", isolation="none")
    assert refusal(lab_code, only("neither"), network="nat") == (
        "the network `nat` needs pasta or slirp4netns on PATH: install the package passt or slirp4netns, or choose the "
        "network `none` or `host`"
    )
    broken = tmp_path / "slirp4netns"
    broken.write_text("#!/bin/sh\necho it is Sunday >&2; exit 1\n")
    broken.chmod(0o755)
    host = Host(which=lambda name: {"pasta": None, "slirp4netns": str(broken)}.get(name, shutil.which(name)))
    assert refusal(lab_code, host, network="nat") == (
        f"the network `nat` does not work here ({broken} says: it is Sunday): install pasta (the package passt), let "
        "yourself open /dev/net/tun, or choose the network `none` or `host`"
    )


def test_there_are_three(lab_code: Path) -> None:
    assert refusal(lab_code, Host(), network="bridge") == "'bridge' is not a network: choose host, none or nat"
