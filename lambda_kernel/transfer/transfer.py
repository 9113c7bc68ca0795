"""Copies from one side to the other: list the source, choose the destinations, send the bytes in pieces."""

from __future__ import annotations

import os
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from .. import errors
from ..function.sent import files as file_ops
from ..session.cell import Emit, Notice
from .listing import Entry, listing
from .local_side import Answer, Side, fold, packed, plain, shown
from .overwriting import Overwriting, some
from .progress import ProgressDisplay, number, size

PIECES = 1000  # in one request; each has about a hundred bytes besides its data
ENTRIES = 400  # in one request: paths have up to 4,096 bytes (limits.h, PATH_MAX)
UNSIZED_BYTES = 100_000_000  # of a file whose size is given as 0, as in /proc
NAMED = 20  # in the last line


class Transfer:
    """Copies files, directories and links with their modes and times, as `cp -a` does. A named path may be a link."""

    def __init__(
        self,
        source: Side,
        sink: Side,
        emit: Emit,
        clock: Callable[[], float],
        overwriting: Overwriting | None = None,
        *,
        piece_bytes: int = file_ops.PIECES_BYTES,
    ) -> None:
        self.source, self.sink, self.emit, self.overwriting = source, sink, emit, overwriting
        self.piece_bytes = piece_bytes
        self.temp_name = f".lambda-kernel-{uuid.uuid4().hex[:12]}"
        self.progress = ProgressDisplay(emit, clock, self.temp_name)
        self.unfinished: Entry | None = None
        self.into = b""  # the existing directory that it goes into, if there is one

    def run(self, names: Sequence[str], to: str) -> str:
        """Copy, and return the message for the user. Raises errors.KernelError, and leaves nothing half-written."""
        entries = listing(self.source, names, self.temp_name, self.sink.go_on)
        path = self._choose_destinations(entries, to)
        if self.overwriting and (kept := self.overwriting.refused(entries)):
            return f"nothing was copied: {kept}\n"
        of_kind = {
            kind: [e for e in entries if e.kind == kind] for kind in (file_ops.DIRECTORY, file_ops.FILE, file_ops.LINK)
        }
        self.progress.start(sum(entry.size for entry in of_kind[file_ops.FILE]))
        # A source without a name (such as `.`) is the destination itself, which stays unchanged.
        directories = [entry for entry in of_kind[file_ops.DIRECTORY] if entry.to != self.into]
        self._make(directories)
        try:
            self._send(of_kind[file_ops.FILE])
            # Last, so that nothing is written through a copied link.
            self._make(of_kind[file_ops.LINK])
        except BaseException:
            self._make(reversed(directories), "done", self.sink.quietly)  # else only their owner could read them
            raise
        self._make(reversed(directories), "done")
        self.progress.finish()
        self._notify_of_links(of_kind[file_ops.LINK])
        return self._line(of_kind, path)

    def _notify_of_links(self, links: list[Entry]) -> None:
        if names := [self.sink.name(entry.to) for entry in links if entry.leads_out]:
            what = "is a link that leads" if len(names) == 1 else "are links that lead"
            self.emit(Notice(f"{some(names)} {self.sink.where} {what} elsewhere, as in the source", "file"))

    def _line(self, of_kind: dict[str, list[Entry]], path: bytes) -> str:
        counts = [number(len(of_kind[file_ops.FILE]), "file", "files")]
        words = ((file_ops.DIRECTORY, "directory", "directories"), (file_ops.LINK, "link", "links"))
        counts += [number(len(of_kind[kind]), one, many) for kind, one, many in words if of_kind[kind]]
        figures = f"{size(self.progress.done)} in {self.progress.seconds:.2f} s, {self.progress.rate()}"
        came = (entry for entries in of_kind.values() for entry in entries if not entry.names and entry.name)
        tops = sorted(shown(entry.name) for entry in came)
        names = f": {some(tops, NAMED)}" if path == self.into and tops else ""
        return f"{', '.join(counts)}: {figures}, to {self.sink.name(path)} {self.sink.where}{names}\n"

    def _choose_destinations(self, entries: list[Entry], to: str) -> bytes:
        """Choose each entry's destination, as cp does."""
        tops = [entry for entry in entries if not entry.names]
        there = self.sink.do("target", path=packed(to))
        path = file_ops.unpack(there["path"])
        into = there["kind"] == file_ops.DIRECTORY
        if not into:
            self._check_target(tops, to, there["kind"])
            path = path.rstrip(b"/")
            if self.sink.ours and there["kind"] == file_ops.FILE:
                path = os.path.realpath(path)  # the user named the link
        self.into = path if into else b""
        destinations = {top.top: os.path.join(path, top.name) if into and top.name else path for top in tops}
        for entry in entries:
            entry.to = os.path.join(destinations[entry.top], *entry.names)
            # Links below a directory are not followed: anybody may have made them, and they may lead to other copied
            # files. On this machine no link is followed, since it may lead out of what the user named.
            entry.through = not self.sink.ours and entry.kind == file_ops.FILE and not entry.names
        self._check_destinations(entries, path if into else os.path.dirname(path))
        return destinations[tops[0].top] if len(tops) == 1 else path

    def _check_destinations(self, entries: list[Entry], directory: bytes) -> None:
        """Raises errors.TransferFailed if two files have the same destination."""
        folded = len({fold(entry.to) for entry in entries}) < len(entries) and self.sink.folds(directory)
        taken: set[bytes | str] = set()
        for entry in entries:
            destination = fold(entry.to) if folded else entry.to
            if destination in taken:
                raise errors.TransferFailed(
                    f"two files would both become {self.sink.name(entry.to)} {self.sink.where}: rename one of them"
                )
            taken.add(destination)

    def _check_target(self, tops: list[Entry], to: str, kind: str) -> None:
        what = f"{shown(plain(to))} is not a directory {self.sink.where}"
        if len(tops) > 1:
            raise errors.TransferFailed(f"{what}: the last word is the destination")
        directory = tops[0].kind == file_ops.DIRECTORY
        if (directory and kind != file_ops.NOTHING) or (not directory and to.endswith("/")):
            raise errors.TransferFailed(what)

    def _make(self, entries: Iterable[Entry], kind: str = "", do: Callable[..., object] | None = None) -> None:
        rows = [(kind or e.kind, file_ops.pack(e.to), e.mode, e.mtime_ns, e.points) for e in entries]
        for at in range(0, len(rows), ENTRIES):
            (do or self.sink.do)("make", entries=rows[at : at + ENTRIES], temp_name=self.temp_name)

    def _send(self, files: list[Entry]) -> None:
        queue = deque(files)
        try:
            while queue:
                asked = batch(queue, self.piece_bytes)
                got = self.source.do("read", pieces=[entry.ask(self.piece_bytes) for entry in asked])["pieces"]
                check_pieces(asked, got, self.piece_bytes)
                pieces = [self._piece(entry, piece) for entry, piece in zip(asked, got, strict=False)]
                self.unfinished = None if pieces[-1]["last"] else asked[len(pieces) - 1]
                self.sink.do("write", pieces=pieces)
                for piece, written in zip(got, pieces, strict=True):
                    self._sent(queue, piece, bool(written["last"]))
        except BaseException:
            if self.unfinished:
                entry = self.unfinished
                self.sink.quietly(
                    "drop", path=file_ops.pack(entry.to), through=entry.through, temp_name=entry.temp_name
                )
            raise

    def _piece(self, entry: Entry, piece: Answer) -> Answer:
        after = entry.at + piece["bytes"]
        # Files of /sys claim to have 4,096 bytes and end earlier.
        if piece["end"] and after < entry.size and piece["size"] < entry.size:
            raise errors.TransferFailed(
                f"{self.source.name(entry.path)} {self.source.where} became shorter while it was read; try again"
            )
        last = piece["end"] or after == entry.size > 0
        return {
            "path": file_ops.pack(entry.to),
            "temp_name": entry.temp_name,
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
        self.progress.add(piece["bytes"], self.source.name(entry.path))
        if last:
            queue.popleft()
            self._notify(entry, changed=bool(entry.size) and piece["mtime_ns"] != entry.mtime_ns)

    def _notify(self, entry: Entry, changed: bool) -> None:
        if changed:
            text = f"{self.source.name(entry.path)} {self.source.where} changed while it was read"
            self.emit(Notice(text, "file"))
        if entry.secrets:
            names = ", ".join(word.removeprefix("[").removesuffix(" redacted]") for word in sorted(entry.secrets))
            text = f"{self.sink.name(entry.to)} contains credentials of the environment ({names}): do not share it"
            self.emit(Notice(text, "credentials"))


def batch(queue: Iterable[Entry], most: int) -> list[Entry]:
    """The next files, as many as fit into one request."""
    taken: list[Entry] = []
    room = most
    for entry in queue:
        room -= entry.weight(most)
        if taken and (room < 0 or len(taken) == PIECES):
            break
        taken.append(entry)
    return taken


def check_pieces(asked: list[Entry], got: list[Answer], most: int) -> None:
    """Check that each piece is the requested one, and only the last is incomplete. Raises errors.TransferFailed."""
    whole = len(got) <= len(asked)
    for entry, piece in zip(asked, got, strict=False):
        count = piece["bytes"]
        after = piece["at"] + count
        same = piece["at"] == entry.at and count <= entry.length(most) and file_ops.packs(piece["data"], count)
        over = piece["end"] or after == entry.size > 0
        whole = whole and same and (over or (count > 0 and piece is got[-1]))
        if not whole or (not entry.size and after > UNSIZED_BYTES):
            raise errors.TransferFailed(f"{shown(entry.path)} came in the wrong pieces; try again")
    if not whole:
        raise errors.TransferFailed("more data came than was asked for; try again")
