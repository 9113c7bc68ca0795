"""From one side to the other: what there is, where it goes to, and then its bytes, piece by piece."""

from __future__ import annotations

import os
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import errors
from ..cell import Emit, Notice
from ..function import files as far
from .meter import Meter, number, size
from .overwriting import Overwriting
from .sides import Answer, Side, packed, plain, shown

PIECES = 1000  # in one request; each has some hundred bytes beside its data
ENTRIES = 400  # in one request: paths have up to 4,096 bytes (limits.h, PATH_MAX)
NAMELESS = {b"", b".", b".."}


@dataclass
class Entry:
    """Something at the source: what is named, or below that. at: how much of it has been sent."""

    top: bytes
    names: list[bytes]
    kind: str
    mode: int
    mtime_ns: int
    size: int
    points: str
    to: bytes = b""
    mark: str = ""
    at: int = 0
    secrets: set[str] = field(default_factory=set)

    @property
    def through(self) -> bool:
        """Whether a link that stands where it goes to is followed: not below a directory, where it may be anybody's,
        and where files come that the link may lead to."""
        return self.kind == far.FILE and not self.names

    @property
    def path(self) -> bytes:
        return os.path.join(self.top, *self.names)

    @property
    def name(self) -> bytes:
        last = os.path.basename(self.top.rstrip(b"/"))
        return b"" if last in NAMELESS else last

    def ask(self) -> tuple[str, int, int]:
        """Files of /proc have no size: they are read to their end."""
        length = min(self.size - self.at, far.PIECES_BYTES) if self.size else far.PIECES_BYTES
        return far.pack(self.path), self.at, length

    def weight(self) -> int:
        return min(self.size - self.at, far.PIECES_BYTES) + 4 * len(self.path) + 4 * len(self.to) + 500


class Transfer:
    """Files, directories and links with their modes and times, as `cp -a` has them; what is named may be a link."""

    def __init__(
        self,
        source: Side,
        sink: Side,
        emit: Emit,
        clock: Callable[[], float],
        overwriting: Overwriting | None = None,
    ) -> None:
        self.source, self.sink, self.emit, self.overwriting = source, sink, emit, overwriting
        self.mark = f".lambda-kernel-{uuid.uuid4().hex[:12]}"
        self.meter = Meter(emit, clock, self.mark)
        self.unfinished: Entry | None = None

    def run(self, names: Sequence[str], to: str) -> str:
        """What to tell the user at the end. Raises errors.KernelError, with nothing half-written left."""
        entries = self._entries(names)
        path = self._place(entries, to)
        if self.overwriting and (kept := self.overwriting.refused([(e.kind, e.to, e.through) for e in entries])):
            return f"nothing was copied: {kept}\n"
        of_kind = {kind: [e for e in entries if e.kind == kind] for kind in (far.DIRECTORY, far.FILE, far.LINK)}
        self.meter.start(sum(entry.size for entry in of_kind[far.FILE]))
        directories = of_kind[far.DIRECTORY]
        self._make(directories)
        try:
            self._send(of_kind[far.FILE])
            # Last: nothing is written through a link that came along.
            self._make(of_kind[far.LINK])
        except BaseException:
            self._make(reversed(directories), "done", self.sink.quietly)  # or their owner alone could look into them
            raise
        self._make(reversed(directories), "done")
        self.meter.finish()
        return self._line(of_kind, path)

    def _line(self, of_kind: dict[str, list[Entry]], path: bytes) -> str:
        counts = [number(len(of_kind[far.FILE]), "file", "files")]
        words = ((far.DIRECTORY, "directory", "directories"), (far.LINK, "link", "links"))
        counts += [number(len(of_kind[kind]), one, many) for kind, one, many in words if of_kind[kind]]
        figures = f"{size(self.meter.done)} in {self.meter.seconds:.2f} s, {self.meter.rate()}"
        return f"{', '.join(counts)}: {figures}, to {self.sink.name(path)} {self.sink.where}\n"

    def _entries(self, names: Sequence[str]) -> list[Entry]:
        found: dict[tuple[bytes, ...], Entry] = {}  # two patterns may match the same
        after: list[Any] | None = None
        more = True
        while more:
            self.sink.go_on()
            page = self.source.do("find", patterns=[packed(name) for name in names], after=after)
            for row in page["entries"]:
                entry = entry_of(row)
                entry.mark = f"{self.mark}-{len(found)}"
                check_parent(entry, found)
                found.setdefault((entry.top, *entry.names), entry)
            after, more = page["entries"][-1][:3] if page["more"] else None, page["more"]
        for entry in found.values():
            if entry.kind == far.SPECIAL:
                raise errors.TransferFailed(
                    f"{self.source.name(entry.path)} {self.source.where} is no file, directory or link: "
                    "nothing was copied"
                )
        return list(found.values())

    def _place(self, entries: list[Entry], to: str) -> bytes:
        """Say of each where it goes to, as cp does."""
        tops = [entry for entry in entries if not entry.names]
        there = self.sink.do("target", path=packed(to))
        path = far.unpack(there["path"])
        into = there["kind"] == far.DIRECTORY
        if not into:
            self._check_target(tops, to, there["kind"])
            path = path.rstrip(b"/")
        places = {top.top: os.path.join(path, top.name) if into and top.name else path for top in tops}
        taken: set[bytes] = set()
        for entry in entries:
            entry.to = os.path.join(places[entry.top], *entry.names)
            if entry.to in taken:
                raise errors.TransferFailed(
                    f"two of the files would both be {self.sink.name(entry.to)} {self.sink.where}"
                )
            taken.add(entry.to)
        return places[tops[0].top] if len(tops) == 1 else path

    def _check_target(self, tops: list[Entry], to: str, kind: str) -> None:
        what = f"{shown(plain(to))} is no directory {self.sink.where}"
        if len(tops) > 1:
            raise errors.TransferFailed(f"{what}: the last word says where files go to")
        directory = tops[0].kind == far.DIRECTORY
        if (directory and kind != far.NOTHING) or (not directory and to.endswith("/")):
            raise errors.TransferFailed(what)

    def _make(self, entries: Iterable[Entry], kind: str = "", do: Callable[..., object] | None = None) -> None:
        rows = [(kind or e.kind, far.pack(e.to), e.mode, e.mtime_ns, e.points) for e in entries]
        for at in range(0, len(rows), ENTRIES):
            (do or self.sink.do)("make", entries=rows[at : at + ENTRIES], mark=self.mark)

    def _send(self, files: list[Entry]) -> None:
        queue = deque(files)
        try:
            while queue:
                asked = batch(queue)
                got = self.source.do("read", pieces=[entry.ask() for entry in asked])["pieces"]
                pieces = [self._piece(entry, piece) for entry, piece in zip(asked, got, strict=False)]
                self.unfinished = None if pieces[-1]["last"] else asked[len(pieces) - 1]
                self.sink.do("write", pieces=pieces)
                for piece, written in zip(got, pieces, strict=True):
                    self._sent(queue, piece, bool(written["last"]))
        except BaseException:
            if self.unfinished:
                entry = self.unfinished
                self.sink.quietly("drop", path=far.pack(entry.to), through=entry.through, mark=entry.mark)
            raise

    def _piece(self, entry: Entry, piece: Answer) -> Answer:
        after = entry.at + piece["bytes"]
        # Files of /sys say that they have 4,096 bytes, and end before.
        if piece["end"] and after < entry.size and piece["size"] < entry.size:
            raise errors.TransferFailed(
                f"{self.source.name(entry.path)} {self.source.where} became shorter while it was read; try again"
            )
        last = piece["end"] or after == entry.size > 0
        return {
            "path": far.pack(entry.to),
            "mark": entry.mark,
            "through": entry.through,
            "at": entry.at,
            "data": piece["data"],
            "sha256": piece["sha256"],
            "size": entry.size,
            "last": [entry.mode, entry.mtime_ns] if last else None,
        }

    def _sent(self, queue: deque[Entry], piece: Answer, last: bool) -> None:
        entry = queue[0]
        entry.at += piece["bytes"]
        entry.secrets.update(piece["secrets"])
        self.meter.add(piece["bytes"], self.source.name(entry.path))
        if last:
            queue.popleft()
            self._tell(entry, changed=bool(entry.size) and piece["mtime_ns"] != entry.mtime_ns)

    def _tell(self, entry: Entry, changed: bool) -> None:
        if changed:
            text = f"{self.source.name(entry.path)} {self.source.where} was changed while it was read"
            self.emit(Notice(text, "file"))
        if entry.secrets:
            names = ", ".join(word.removeprefix("[").removesuffix(" redacted]") for word in sorted(entry.secrets))
            text = f"{self.sink.name(entry.to)} holds credentials of the environment ({names}): do not pass it on"
            self.emit(Notice(text, "credentials"))


def batch(queue: Iterable[Entry]) -> list[Entry]:
    """Those of the next files that one request has room for."""
    taken: list[Entry] = []
    room = far.PIECES_BYTES
    for entry in queue:
        room -= entry.weight()
        if taken and (room < 0 or len(taken) == PIECES):
            break
        taken.append(entry)
    return taken


def entry_of(row: Sequence[Any]) -> Entry:
    _, top, names, *rest = row
    entry = Entry(far.unpack(top), [far.unpack(name) for name in names], *rest)
    if any(name in NAMELESS or b"/" in name for name in entry.names):
        raise errors.TransferFailed(f"{shown(entry.path)} cannot be the name of a file below {shown(entry.top)}")
    # Special bits are for the owner that it has there: without it, cp drops them as well.
    entry.mode &= 0o777
    return entry


def check_parent(entry: Entry, found: Mapping[tuple[bytes, ...], Entry]) -> None:
    """What comes along is below directories that come along: never behind a link, wherever that leads."""
    parent = found.get((entry.top, *entry.names[:-1]))
    if entry.names and (parent is None or parent.kind != far.DIRECTORY):
        raise errors.TransferFailed(f"{shown(entry.path)} is said to be in what is no directory: nothing was copied")
