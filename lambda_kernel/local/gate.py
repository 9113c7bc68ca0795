"""Limits the number of connections: any local user can connect to a loopback port and send nothing."""

from __future__ import annotations

from tornado.iostream import IOStream

_STRANGERS = 64  # and two for each event that may run: a client may open all its connections at once


class Gate:
    """Connections that have shown a key stay, up to a number per key. Of the others, the oldest is closed first.

    So a client with a key can always connect, however many others keep their connections open.
    """

    def __init__(self, strangers: int = _STRANGERS, concurrency: int = 0) -> None:
        self._most = strangers + 2 * concurrency
        self._strangers: dict[IOStream, None] = {}
        self._known: dict[str, set[IOStream]] = {}

    def enter(self, stream: IOStream) -> None:
        self._strangers = {other: None for other in self._strangers if not other.closed()}
        while len(self._strangers) >= self._most:
            oldest = next(iter(self._strangers))
            del self._strangers[oldest]
            oldest.close()
        self._strangers[stream] = None

    def trust(self, stream: IOStream, who: str, most: int) -> bool:
        """Return whether this connection is one of so many of theirs."""
        theirs = self._known.setdefault(who, set())
        if stream not in theirs:
            theirs.difference_update([other for other in theirs if other.closed()])
            if len(theirs) >= most:
                return False
            theirs.add(stream)
            self._strangers.pop(stream, None)
        return True

    def forget(self, who: str) -> None:
        self._known.pop(who, None)
