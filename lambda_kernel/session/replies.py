"""Checks the function's answers.

Nothing in them is trusted: the function may not be ours, and a program in the environment may answer in its place.
`read` checks types, sizes and names. `AnswerHistory` checks each answer against the earlier ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypedDict, TypeGuard

from ..aws.transport import Event, Reply
from ..function import index as wire
from ..report import Report
from ..untrusted import Reader, Unfit, array, coloured, flag, maybe, number, packed, record, row, shown, text, whole
from .cell import Bound

MOST = 2**53  # the largest offset or sequence number
NAMES = 100_000  # the longest list: a shell's state has 256 KB
FAR_BEYOND = 4  # times the bound: redaction makes output longer, and jobs write as well
ROOM_BYTES = 1_000_000
UNSEEN_ANSWERS = 20  # for a command whose request is lost each time
KILLED_ANSWERS = 2  # after a SIGKILL the function answers with the end of the command
NO_BASH = "there is no bash in the execution environment, nor in its layers"


class Ended(TypedDict):
    """Why a shell has ended. said: bash's last complaint."""

    cause: str
    exit: int
    said: str


class Reads(TypedDict):
    """How a program asks the user."""

    prompt: str
    secret: bool


class Restored(TypedDict):
    items: list[str]
    failed: list[str]


class Snapshot(TypedDict):
    """The state of a shell after a cell. packed: in the function's own form, which the kernel does not unpack; left:
    what is not in it; jobs: those that ran then."""

    digest: str
    packed: str
    left: list[str]
    jobs: list[str]


class Answer(TypedDict, total=False):
    """The fields that its state needs (index.ANSWERS) are there. Others may be."""

    environment: str
    state: str
    shell: str
    seq: int
    ended: Ended | None
    at: int
    total: int
    exit: int
    chunks: list[tuple[str, bytes]]
    cwd: str
    duration_ms: float
    memory_mb: int
    memory_size_mb: int
    reads: Reads
    restored: Restored | None
    state_after: Snapshot
    why: str
    machine: str
    tenant: bool
    blind: bool
    dumped: int
    unstarted: bool
    debugged: bool
    value: Any


def _reads(value: Any) -> Reads:
    asked = record({}, {"prompt": text(MOST), "secret": flag})(value)
    return {"prompt": coloured(asked.get("prompt", ""), 2_000), "secret": asked.get("secret", False)}


def _chunk(value: Any) -> tuple[str, bytes]:
    kind, data = row(KIND, packed(8_000_000))(value)
    if not data:
        raise Unfit("a chunk is empty")
    return kind, data


ID = text(64, r"[\w-]+")
KIND = text(24, rf"{wire.OUT}|{wire.ERR}|{wire.GAP}|{wire.EOF}|{wire.NOTE}|{wire.JOB}\d{{1,16}}")
SIZE = whole(0, MOST)
ENDED = maybe(record({"cause": text(20, "[a-z]+"), "exit": whole(0, 255)}, {"said": shown(500)}))
ITEMS = array(shown(300), NAMES)
FIELDS: Mapping[str, Reader[Any]] = {
    "environment": ID,
    "state": text(20),
    "shell": ID,
    "seq": SIZE,
    "ended": ENDED,
    "at": SIZE,
    "total": SIZE,
    "exit": whole(0, 255),
    "chunks": array(_chunk, wire.ANSWER_BYTES // wire.CHUNK_BYTES + 2),
    "cwd": shown(20_000),
    "duration_ms": number(0, 1e9),
    "memory_mb": whole(0, 10**9),
    "memory_size_mb": whole(0, 10**9),
    "reads": _reads,
    "restored": maybe(record({"items": ITEMS, "failed": ITEMS})),
    "state_after": record(
        {
            "digest": text(1_000_000),
            "packed": text(1_000_000, "[A-Za-z0-9+/=]*"),
            "left": ITEMS,
            "jobs": array(shown(2_000), NAMES),
        }
    ),
    "why": shown(400),
    "machine": text(64, r"[\w.-]*"),
    "tenant": flag,
    "blind": flag,
    "dumped": whole(-1, MOST),
    "unstarted": flag,
    "debugged": flag,
    "value": lambda value: value,
}


def ours(payload: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether an answer is in this version of the protocol."""
    return isinstance(payload, dict) and payload.get("protocol") == wire.PROTOCOL


def read(payload: Mapping[str, Any], event: Event) -> Answer:
    """The answer to a request. Raises Unfit if the function cannot give that answer."""
    states = wire.ANSWERS[event["op"]]
    state = payload.get("state")
    if not isinstance(state, str) or state not in states:
        raise Unfit("no such state")
    answer: Answer = _reader(states[state])(payload)
    here = event["op"] != wire.Op.HELLO and state not in (wire.State.ELSEWHERE, wire.State.STALE)
    if here and any(answer.get(name, event[name]) != event[name] for name in ("environment", "shell")):
        raise Unfit("it comes from elsewhere")
    if here and state in (wire.State.RUNNING, wire.State.DONE) and answer["seq"] != event["seq"]:
        raise Unfit("it is about another command")
    if "memory_mb" in answer and not {"duration_ms", "memory_size_mb"} <= answer.keys():
        raise Unfit("figures are missing")
    return answer


@cache
def _reader(needed: tuple[str, ...]) -> Reader[Answer]:
    """Of an answer with these fields at least."""
    return record({name: FIELDS[name] for name in ("environment", "state", *needed)}, FIELDS)


class AnswerHistory:
    """Compares the answers to one command. bound: how much of its output is fetched."""

    def __init__(self, bound: Bound | None) -> None:
        self._most = None if bound is None else FAR_BEYOND * bound.bytes + ROOM_BYTES
        self._total: int | None = None
        self._exit: int | None = None
        self._killed = self._unseen = 0
        self._begun = False

    def may_begin(self) -> bool:
        """Whether it is possible that the function has not seen the command."""
        self._unseen += 1
        return not self._begun and self._unseen <= UNSEEN_ANSWERS

    def contradiction(self, answer: Answer, had: int, killed: bool) -> str:
        """What is wrong with an answer; empty: nothing. had: bytes of output, with this answer; killed: SIGKILL was
        sent."""
        self._begun = True
        if answer["state"] == wire.State.RUNNING:
            self._killed += killed
            if self._total is not None or self._killed > KILLED_ANSWERS:
                return "the function says that it still runs, which is impossible"
        else:
            same = self._total in (None, answer["total"]) and self._exit in (None, answer["exit"])
            self._total, self._exit = answer["total"], answer["exit"]
            if not same or had > answer["total"] or (had < answer["total"] and not answer["chunks"]):
                return "the function contradicts itself about the output"
        if self._most is not None and had > self._most:
            return "the function sends more output than the kernel asked for"
        return ""


def nothing_run(reply: Answer) -> str:
    return f"nothing was run: {reply['why']}. `%reset --cold` takes a new environment"


def restless(reply: Answer) -> str:
    """The message about an environment whose shells end before they run anything."""
    ended = reply.get("ended")
    said = ended.get("said") if ended else ""
    words = f" bash says: `{said}`." if said else ""
    return f"nothing was run: bash ends as soon as it is started in its environment.{words} Try `%reset --cold`"


def measured(reply: Reply, answer: Answer) -> Report | None:
    """The figures that the function has measured itself, for a Lambda that gives no log."""
    if "memory_mb" not in answer:
        return None
    return Report(
        reply.request_id,
        answer["duration_ms"],
        memory_size_mb=answer["memory_size_mb"] or None,
        max_memory_used_mb=answer["memory_mb"],
        measured=True,
    )
