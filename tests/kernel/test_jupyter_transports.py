"""The ways by which Jupyter can talk to a kernel, and who can listen in."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from tests.support.kernel_client import Notebook, notebook

# Those of all other tests have ipc.
TRAITS: dict[str, dict[str, Any]] = {
    "curve": {"transport_encryption": "required"},
    "both": {"transport": "ipc", "transport_encryption": "required"},
}


@pytest.fixture(scope="module", params=list(TRAITS))
def book(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    traits = TRAITS[request.param]
    if "transport" in traits:  # Jupyter's default is `kernel-ipc` in the working directory, which other workers share
        traits = {**traits, "ip": str(tmp_path_factory.mktemp("ipc") / "kernel")}
    with notebook(**traits) as started:
        yield started


def test_cells_run_and_output_comes(book: Notebook) -> None:
    assert book.run("x=5; echo out; echo err >&2").out == "out\n"
    shown = book.run("echo $x; false")
    assert (shown.out, shown.error) == ("5\n", ("ExitCode", "1"))


def test_an_interrupt_arrives(book: Notebook) -> None:
    shown = book.collect(book.start("echo on; sleep 100"), interrupt_at="stream")
    assert shown.error is not None
    assert shown.error[0] == "KeyboardInterrupt"


def test_input_is_asked_for(book: Notebook) -> None:
    request = book.start("read -r line; echo got $line", allow_stdin=True)
    asked = book.client.get_stdin_msg(timeout=30)
    assert asked["msg_type"] == "input_request"
    book.client.input("a line")
    assert book.collect(request).out == "got a line\n"


def test_the_heart_beats(book: Notebook) -> None:
    book.client.hb_channel.unpause()
    assert book.client.is_alive()
    assert book.client.hb_channel.is_beating()


def overheard(book: Notebook) -> bool:
    """Whether a program without a key, on this machine, hears what a cell prints."""
    info = book.manager.get_connection_info()
    context = zmq.Context()
    with context.socket(zmq.SUB) as listener:
        listener.setsockopt(zmq.LINGER, 0)
        listener.subscribe(b"")
        listener.connect(f"tcp://{info['ip']}:{info['iopub_port']}")
        heard = False
        for _ in range(3):  # the first may be over before the connection is made
            book.run("echo secret")
            while listener.poll(500):
                heard = b"secret" in b"".join(listener.recv_multipart()) or heard
    context.term()
    return heard


@pytest.mark.parametrize("book", ["curve"], indirect=True)
def test_curve_keeps_others_from_listening(book: Notebook) -> None:
    with notebook(transport="tcp") as plain:
        assert overheard(plain)
    assert not overheard(book)


CONNECT = """
import json, socket, sys
for path in json.loads(sys.argv[1]):
    with socket.socket(socket.AF_UNIX) as one:
        try:
            one.connect(path)
            print("reached", path)
        except OSError as error:
            print(type(error).__name__)
"""


def test_a_cell_reaches_no_socket_that_has_a_path(tmp_path: Path) -> None:
    """Not this kernel's, and none where programs put theirs."""
    common = ("/tmp", "/var/tmp", "/dev/shm", "/run", f"/run/user/{os.getuid()}")
    places = [tmp_path, Path.home(), *map(Path, common)]
    held, paths = [], []
    for place in places:
        path = place / f"s{os.getpid()}"
        listening = socket.socket(socket.AF_UNIX)
        try:
            listening.bind(str(path))
        except OSError:
            listening.close()
            continue
        listening.listen()
        held.append(listening)
        paths.append(path)
    try:
        with notebook(transport="ipc", ip=str(tmp_path / "kernel")) as book:
            info: dict[str, Any] = dict(book.manager.get_connection_info())
            ports = (info[f"{name}_port"] for name in ("shell", "iopub", "stdin", "control", "hb"))
            own = [Path(f"{info['ip']}-{port}") for port in ports]
            assert all(path.is_socket() for path in own)
            if "bubblewrap" in book.run("%status").out:
                pytest.skip("there is no sandbox on this machine")
            everything = json.dumps([str(path) for path in (*own, *paths)])
            assert len(paths) >= 3
            shown = book.run(f"python3 - '{everything}' <<'END'\n{CONNECT}\nEND")
            assert set(shown.out.split()) == {"FileNotFoundError"}
            assert len(shown.out.split()) == len(own) + len(paths)
            look = "find / -path /proc -prune -o -path /usr -prune -o -type s -print 2>/dev/null; true"
            assert book.run(look).out == ""
    finally:
        for listening, path in zip(held, paths, strict=True):
            listening.close()
            path.unlink()
