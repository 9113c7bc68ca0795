"""A program in the environment that plays the function: it stops the runtime, and answers in its place."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kernel_client import Notebook, notebook

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does"),
    pytest.mark.timeout(180),
]

# What is asked for decides what it answers: see WISHES.
IMPOSTOR = r"""
import base64, ctypes, hashlib, http.client, json, os, signal, socket, sys, time, urllib.error, urllib.request

PIDFD_GETFD = 438  # on both of Lambda's architectures
api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
me = {"protocol": 2, "environment": "a" * 12, "shell": "b" * 12, "seq": 0, "ended": None}
EVIL = b"echo evil\n"


def pack(data):
    return base64.b64encode(data).decode()


def post(request, kind, body):
    data = json.dumps(body).encode()
    urllib.request.urlopen(urllib.request.Request(f"{api}/{request}/{kind}", data)).read()


def entry(top, *names, kind="file", size=len(EVIL), points=b""):
    return [0, pack(top), [pack(name) for name in names], kind, 0o4777, 1, size, pack(points)]


WISHES = {
    b"honest.txt": [entry(b"/tmp/honest.txt")],
    b"results.txt": [
        entry(b"/tmp/results.txt"), entry(b"/tmp/.bash_login"),
        entry(b"/tmp/.jupyter", kind="directory"), entry(b"/tmp/.jupyter", b"jupyter_lab_config.py"),
    ],
    b"*": [entry(b"/tmp/.bash_login"), entry(b"/tmp/a")],
    b"*.csv": [entry(b"/tmp/a.csv"), entry(b"/tmp/autostart.desktop")],
    b"up.txt": [entry(b"/tmp/../up.txt/..")],
    b"tree": [
        entry(b"/tmp/tree", kind="directory"), entry(b"/tmp/tree", b"link", kind="link", points=b"../.ssh"),
        entry(b"/tmp/tree", b"link", b"authorized_keys"),
    ],
    b"more.txt": [entry(b"/tmp/more.txt", size=3)],
    b"odd\x1b[2J.txt": [entry(b"/tmp/odd\x1b[2J.txt")],
}


def call(name, arguments):
    if name == "find":
        return {"entries": WISHES[base64.b64decode(arguments["patterns"][0])], "more": False}
    if name != "read":
        return {"os": "\x1b[2J"}
    piece = {"data": pack(EVIL), "bytes": len(EVIL), "sha256": hashlib.sha256(EVIL).hexdigest()}
    rest = {"at": 0, "end": True, "size": len(EVIL), "mtime_ns": 1, "secrets": []}
    return {"pieces": [piece | rest for _ in arguments["pieces"]]}


def take_over(runtime):
    # While an invocation goes on, which a cell has named in a file.
    while True:
        while not os.path.exists("/tmp/go"):
            time.sleep(0.002)
        request = open("/tmp/go").read().strip()
        os.unlink("/tmp/go")
        os.kill(runtime, signal.SIGSTOP)
        try:
            return post(request, "error", {"errorType": "Odd", "errorMessage": "\x1b]0;title\x07" + "x" * 9000})
        except urllib.error.HTTPError:  # it was too late
            os.kill(runtime, signal.SIGCONT)


def connection_of(runtime):
    # Nobody is given the next event but who asks on the connection that the runtime has asked on.
    host, port, *_ = api.removeprefix("http://").replace("/", ":").split(":")
    pidfd = os.pidfd_open(runtime)
    for name in os.listdir(f"/proc/{runtime}/fd"):
        fd = ctypes.CDLL(None).syscall(PIDFD_GETFD, pidfd, int(name), 0)
        try:
            taken = socket.socket(fileno=fd)
            if taken.getpeername() == (host, int(port)):
                taken.settimeout(None)
                connection = http.client.HTTPConnection(host, int(port))
                connection.sock = taken
                return connection
        except OSError:
            continue


runtime = int(sys.argv[1])
open("/tmp/ready", "w").close()
take_over(runtime)
connection = connection_of(runtime)
while True:
    connection.request("GET", f"/{api.removeprefix('http://').partition('/')[2]}/next")
    with connection.getresponse() as response:
        request, event = response.headers["Lambda-Runtime-Aws-Request-Id"], json.load(response)
    if event["op"] == "call":
        me |= {name: event[name] for name in ("environment", "shell")}
        post(request, "response", me | {"state": "called", "value": call(event["name"], event["arguments"])})
    else:
        post(request, "response", me | {"state": "idle" if event["op"] == "hello" else "elsewhere"})
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def book(home: Path) -> Iterator[Notebook]:
    with notebook(cwd=home, env={**os.environ, "HOME": str(home)}) as made:
        made.run(f"%%writefile /tmp/impostor.py\n{IMPOSTOR}")
        start = '"$(readlink /proc/$PPID/exe)" /tmp/impostor.py $PPID'
        made.run(f"{start} &\nuntil [ -e /tmp/ready ]; do sleep 0.1; done", timeout=60)
        go = "echo $LAMBDA_REQUEST_ID >/tmp/gone; mv /tmp/gone /tmp/go; sleep 2"
        tries = (made.run(go, timeout=60) for _ in range(20))
        shown = next(shown for shown in tries if shown.error)
        assert shown.error
        assert shown.error[0] == "CommandLost"
        assert len(shown.error[1]) < 1_000
        assert "\x1b]" not in shown.error[1]
        yield made


def below(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.rglob("*")}


def test_what_was_asked_for_comes(book: Notebook, home: Path) -> None:
    """It is the impostor that answers; and a mode's special bits are nobody's wish."""
    before = below(home)
    shown = book.run("%get honest.txt ~", timeout=60)
    assert shown.error is None
    assert below(home) == before | {"honest.txt"}
    assert (home / "honest.txt").read_text() == "echo evil\n"
    assert (home / "honest.txt").stat().st_mode & 0o7000 == 0
    assert "to honest.txt on this machine" in shown.out


@pytest.mark.parametrize("force", ["", "-f "])
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("results.txt", "/tmp/.bash_login was not asked for"),
        ("'*'", "/tmp/.bash_login was not asked for"),
        ("*.csv", "/tmp/autostart.desktop was not asked for"),
        ("up.txt", "was not asked for"),
        ("tree", "is listed in something that is not a directory"),
        ("more.txt", "more.txt came in the wrong pieces"),
    ],
)
def test_what_was_not_asked_for_does_not(book: Notebook, home: Path, asked: str, message: str, force: str) -> None:
    before = below(home)
    shown = book.run(f"%get {force}{asked} ~", timeout=60)
    assert shown.error
    assert shown.error[0] == "TransferFailed"
    assert message in shown.error[1]
    assert below(home) == before


def test_a_name_moves_no_cursor(book: Notebook) -> None:
    shown = book.run("%get 'odd\x1b[2J.txt' .", timeout=60)
    assert shown.error is None
    assert "odd\\x1b[2J.txt" in shown.out
    assert "\x1b[2J" not in shown.out


def test_another_answer_ends_the_cell_as_well(book: Notebook) -> None:
    for text, error in (("echo hi", "Refused"), ("%environment", "NotOurs"), ("%top -n 1", "NotOurs")):
        shown = book.run(text, timeout=90)
        assert shown.error
        assert shown.error[0] == error
