"""A function whose answers are anybody's: real ones, recorded, of which anything may be changed."""

from __future__ import annotations

import base64
import copy
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from lambda_kernel.aws.transport import Event, Reply, read_answer
from lambda_kernel.function import index
from lambda_kernel.function.sent import files as far_files
from lambda_kernel.function.sent import introspect, joined, processes, programs, source, system
from lambda_kernel.session.cell import InputRequest, never
from lambda_kernel.transfer import local_side as file_sides
from tests.support.in_process_session import InProcess

MOST_INVOCATIONS = 2_000
Told = list[tuple[str, dict[str, Any]]]
# What json.dumps cannot write.
DEEP, LARGE, TWICE = "@@deep", "@@1e400", "\x00twice"
RAW = {f'"{DEEP}"': "[" * 100_000 + "]" * 100_000, f'"{LARGE}"': "1e400", json.dumps(TWICE)[1:-1]: ""}
REPORT = (
    "REPORT RequestId: r\tDuration: 2.50 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t\n"
)


def key(event: Event) -> str:
    return f"call {event['name']}" if event["op"] == "call" else str(event["op"])


def record(root: Path) -> dict[str, Told]:
    """What the real function says, by what is done: each begins with a hello."""
    (root / "d" / "sub").mkdir(parents=True)
    (root / "d" / "sub" / "g").write_text("g" * 100)
    (root / "d" / "link").symlink_to("sub/g")
    (root / "f").write_text("f" * 10_000)
    (root / "f2").write_text("")
    found: dict[str, Told] = {}
    cells = {
        "slow": "x=1; echo out; echo err >&2; sleep 0.5 & sleep 0.3; echo end",
        "asks": "read -p 'name? ' x; echo $x",
        "reads": "cat",
        "ends": "echo bye; exit 3",
        "long": "seq 100000",
    }
    for name, code in cells.items():
        found[name] = _recorded(lambda remote, code=code: remote.run(code, stdin="read -p" in code, lines=["me\n"]))
    found["restored"] = _recorded(_replaced)
    found["call"] = _recorded(lambda remote: _calls(remote, root))
    return found


def _recorded(work: Any) -> Told:
    remote, told = InProcess(), []
    invoke = remote.transport.fake.invoke

    def noting(event: Event) -> Reply:
        reply = invoke(event)
        told.append((key(event), copy.deepcopy(reply.payload)))
        return reply

    remote.transport.fake.invoke = noting  # type: ignore[method-assign]
    try:
        work(remote)
    finally:
        remote.close()
    return told


def _replaced(remote: InProcess) -> None:
    remote.run("x=1; f() { :; }; sleep 100 &")
    remote.replace()
    remote.run("echo $x")


def _calls(remote: InProcess, root: Path) -> None:
    remote.run(f"cd {root}; f() {{ echo; }}; alias g=ls")
    pack = far_files.pack
    of_files: list[tuple[str, dict[str, Any]]] = [
        ("find", {"patterns": [pack(b"f*"), pack(b"d")], "after": None}),
        ("read", {"pieces": [(pack(os.fsencode(root / name)), 0, 100_000) for name in ("f", "f2", "d/sub/g")]}),
        ("target", {"path": pack(b"f")}),
        ("make", {"entries": [], "temp_name": "m"}),
        ("write", {"pieces": []}),
        ("find", {"patterns": [pack(b"missing")], "after": None}),
    ]
    asked: list[tuple[str, str, dict[str, Any]]] = [(file_sides.code(), *one) for one in of_files]
    of_names = Path(introspect.__file__).read_text(encoding="utf-8")
    word = {"title": "f", "word": [["text", "f"]], "order": ["function", "path"], "more": True}
    path = {"head": [], "tail": "f", "only": "any"}
    asked.append((of_names, "look", {"have": "", "path": path, "redact": True}))
    asked.append((of_names, "explain", {**word, "redact": True}))
    of_look = joined([source(system), source(processes)])
    asked += [(source(system), "report", {}), (of_look, "top", {"seconds": 0, "rows": 20})]
    asked.append((str(Path(str(programs.__file__)).read_text()), "look", {"directory": "/tmp", "program": "ps"}))
    for code, name, arguments in asked:
        event = remote.session.remote.event("call") | remote.session.remote.here()
        remote.transport.invoke(event | {"code": code, "name": name, "arguments": arguments})


# --- what is changed

NUMBERS = st.sampled_from([-1, 0, 1, 2, 255, 256, 10**6, 2**31, 2**53, 2**63, 2**64, 10**30, 0.5, -1.5, 1e300])
TEXTS = st.sampled_from(
    ["", "x", "\x00", "\n", "\x1b]0;title\x07\x1b[2J", "../../x", "/etc/passwd", "\ud800", "\u202egnp.exe", "é"]
    + ["x" * 100_000, "job 99999999999999999999", "elsewhere", "unseen", "done", "running", "called", "idle"]
    + [base64.b64encode(text).decode() for text in (b"..", b"/", b"a/b", b"\0", b".bash_login", b"", b"x" * 300)]
)
LEAVES = st.one_of(
    st.none(), st.booleans(), NUMBERS, TEXTS, st.sampled_from([float("nan"), float("-inf"), DEEP, LARGE])
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)


@dataclass(frozen=True)
class Change:
    """Of the answer with this number, and of all that come after it if it is for ever: at the place with this number,
    counted around."""

    answer: int
    place: int
    how: str
    value: Any
    for_ever: bool


CHANGES = st.lists(
    st.builds(
        Change,
        st.integers(0, 4),
        st.integers(0, 400),
        st.sampled_from(["put", "put", "drop", "twice", "again", "add"]),
        VALUES,
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every item of every object and list: the container, and its key or index."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for one in keys:
        yield value, one
        yield from places(value[one])


def changed(payload: Any, change: Change) -> Any:
    whole = [copy.deepcopy(payload)]
    found = list(places(whole))
    inside, one = found[change.place % len(found)]
    if change.how == "drop":
        del inside[one]
    elif change.how == "add" and isinstance(inside, list):
        inside.insert(one, change.value)
    elif change.how == "again" and isinstance(inside, list):
        inside[one:one] = [inside[one]] * 5
    elif change.how == "twice" and isinstance(inside, dict):
        inside[f"{one}{TWICE}"] = change.value
    else:
        inside[one] = change.value
    return whole[0] if whole else None


def written(payload: Any) -> bytes:
    text = json.dumps(payload)
    for instead, raw in RAW.items():
        text = text.replace(instead, raw)
    return text.encode()


@dataclass
class Player:
    """A Transport that plays what was recorded. Time goes on with each invocation, and when somebody waits; the user
    interrupts now and then after a while."""

    told: Told
    changes: list[Change]
    log: str = REPORT
    function: str = "fake"
    region: str = "local"
    now: float = 0.0
    events: list[Event] = field(default_factory=list)
    states: list[Any] = field(default_factory=list)
    closed: bool = False

    def invoke(self, event: Event) -> Reply:
        self.events.append(event)
        assert len(self.events) < MOST_INVOCATIONS, "it never ends"
        self.now += 0.02
        payload = self._answer(event)
        for change in self.changes:
            number = len(self.events) - 1
            if change.answer == number or (change.for_ever and change.answer < number):
                payload = changed(payload, change)
        self.states.append(payload.get("state") if isinstance(payload, dict) else None)
        log = base64.b64encode(self.log.encode("utf-8", "surrogatepass")).decode()
        answer = {"LogResult": log, "ResponseMetadata": {"RequestId": "request"}}
        return read_answer(answer, written(payload), 0.02)

    def _answer(self, event: Event) -> Any:
        wanted = key(event)
        at = next((at for at, (name, _) in enumerate(self.told) if name == wanted), None)
        if at is None:
            return {"protocol": index.PROTOCOL, "environment": "other", "state": "elsewhere"}
        payload = copy.deepcopy(self.told[at][1])
        if any(name == wanted for name, _ in self.told[at + 1 :]):
            self.told = self.told[:at] + self.told[at + 1 :]
        for name in ("environment", "shell", "seq"):
            if name in event and name in payload:
                payload[name] = event[name]
        return payload

    def renew(self) -> bool:
        return False

    def close(self) -> None: ...

    # A Control as well.

    @property
    def interrupts(self) -> int:
        return sum(self.now > seconds for seconds in (60, 65, 70, 75))

    def wait(self, seconds: float, until: Any = never) -> None:
        self.now += max(seconds, 0.0)

    def wake(self) -> None: ...

    def take(self) -> None: ...

    def request_input(self, question: InputRequest, seconds: float) -> str | None:
        return "y\n"
