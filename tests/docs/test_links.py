"""Links in README, CONTRIBUTING, CHANGELOG and docs/: each leads to a file and a heading that are there. No network."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
FENCE = re.compile(r"^( *)```.*?^ *```[ \t]*$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(`+)[^`].*?\1")
LINK = re.compile(r"\]\(\s*([^()\s]+)\s*\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
ELSEWHERE = ("https://", "http://", "mailto:")


def links(text: str) -> Iterator[str]:
    """Those of this repository; what stands in code is none."""
    plain = SPAN.sub("code", FENCE.sub("", text))
    return (target for target in LINK.findall(plain) if not target.startswith(ELSEWHERE))


def anchors(text: str) -> set[str]:
    """As GitHub makes them of headings: of equal ones, the second ends in -1."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def broken(text: str, page: Path) -> list[str]:
    """The links of a page's text that lead nowhere."""
    return [target for target in links(text) if not leads(target, text, page)]


def leads(target: str, text: str, page: Path) -> bool:
    name, _, anchor = target.partition("#")
    file = (page.parent / name).resolve() if name else page
    if name and not (file.exists() and file.is_relative_to(ROOT)):
        return False
    return not anchor or anchor in anchors(file.read_text("utf-8") if name else text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken(page.read_text("utf-8"), page) == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in seen and page.suffix == ".md" and page.exists():
            seen.add(page)
            names = (target.partition("#")[0] for target in links(page.read_text("utf-8")))
            waiting += [(page.parent / name).resolve() for name in names if name]
    assert set(PAGES) - seen == set()


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[a](README.md) [b](docs/README.md#learn) ![c](docs/top.png) [d](notebooks) [e](#one)\n# One", []),
        ("[a](READNE.md)", ["READNE.md"]),
        ("[a](docs/README.md#unlearn)", ["docs/README.md#unlearn"]),
        ("[a](#two)\n# One", ["#two"]),
        ("[a\nb](no.md)", ["no.md"]),
        ("[a](../../etc/passwd)", ["../../etc/passwd"]),
        ("`[a](no.md)` and [b](https://example.org/no.md)\n```\n[c](no.md)\n```\n", []),
        ("[a](#one-1)\n# One\n# One", []),
        ("[a](#lambda-kernel-deploy)\n## `lambda-kernel deploy`", []),
    ],
)
def test_what_is_broken_is_found(text: str, wrong: list[str]) -> None:
    assert broken(text, ROOT / "README.md") == wrong


def test_the_readme_stays_short() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= 130
    commands = [line for line in lines if len(line) > 120]
    assert all(line.startswith("[ -x .venv/bin/python ]") for line in commands)


def test_the_readme_has_the_two_commands_that_ci_takes_from_it() -> None:
    """The first starts a console, the second runs the tests (.ci/run)."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert [block.split()[-1] for block in blocks] == ["lambda", ".venv/bin/pytest"]
