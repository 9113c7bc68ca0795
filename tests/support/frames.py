"""The frames that a program's pages are shown in."""

from __future__ import annotations

from html.parser import HTMLParser


class Tags(HTMLParser):
    """What a browser would make of HTML: every tag, with its attributes."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def frame(source: str) -> dict[str, str]:
    """The attributes of the frame that is all there is."""
    [attributes] = [attributes for tag, attributes in Tags(source).found if tag == "iframe"]
    return {name: value or "" for name, value in attributes.items()}


def program(source: str) -> str:
    """What a program has given, in the frame within our frame."""
    outer, inner = frame(source), frame(frame(source)["srcdoc"])
    assert outer["sandbox"] == inner["sandbox"] == "allow-scripts"
    return inner["srcdoc"]
