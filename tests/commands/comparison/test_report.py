"""The report's forms, with outputs and names that try to be something else."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from lambda_kernel.commands.comparison import markdown, page
from lambda_kernel.commands.comparison.comparison import Comparison, compare
from lambda_kernel.magics.environment import KEYS

from .made import cell, figures, run, stream

HOSTILE = [
    "<script>alert(1)</script>",
    "</pre></table><img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "```\n<script>alert(1)</script>\n`````",
    "&lt;script&gt;<!-- -->",
    "[x](javascript:alert(1)) ![x](http://example.com/x.png)",
    "| a | b |\n|---|---|\n| <b>x</b> | y |",
    "\x1b[2J\u202e\x00",
]
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "table", "thead", "tbody", "tr"),
    *("th", "td", "code", "pre", "span", "a"),
}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "colspan", "rowspan", "id", "href"}


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name == "href"}


def hostile(text: str) -> Comparison:
    """Everywhere that a notebook, a function or the user's words get into a report."""
    facts = [{**dict.fromkeys(KEYS), "os": one} for one in (text, "other")]
    return compare(
        text,
        [
            run(f"a{text}", cell(text, stream("a\n"), figures()), problem=text, environment=facts[0]),
            run("b", cell(text, stream(text)), environment=facts[1]),
        ],
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_a_page_has_no_tags_but_its_own(text: str) -> None:
    made = page.page(hostile(text))
    tags = Tags()
    tags.feed(made)
    assert tags.found <= TAGS
    assert tags.attributes <= ATTRIBUTES
    assert tags.links == {"#cell-1"}
    assert "default-src &#x27;none&#x27;" in made
    assert "\x1b" not in made.partition("<h2>Cells")[2]


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_has_no_html_and_no_links_whatever_it_shows(text: str) -> None:
    made = markdown.report(hostile(text))
    tokens = MarkdownIt("commonmark").enable("table").parse(made)
    kinds = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or ()}
    assert kinds.isdisjoint({"html_block", "html_inline", "link_open", "image", "code_block"})
    assert sum(token.type == "fence" for token in tokens) == 1
    assert sum(token.type == "table_open" for token in tokens) == 4


def test_what_a_report_says() -> None:
    facts = [{**dict.fromkeys(KEYS), "memory_size_mb": size, "cpu_share": "host"} for size in (128, 512)]
    whole = [cell("one", stream("1\n"), figures()), cell("two", stream("2\n"))]
    less = [cell("one", stream("x\n"), figures()), cell("two", ran=False)]
    runs = [
        run("local", *whole, environment=facts[0]),
        run("local:512", *less, environment=facts[1], problem="it ended at cell 2"),
    ]
    found = compare("a.ipynb", runs)
    for made in (markdown.report(found), page.page(found)):
        assert "1 of 2 cells with different outputs; 1 field of the environment that differs." in made
        assert "local:512: it ended at cell 2" in made
        assert "On local, local:512, durations do not depend on memory here" in made
        assert "request ids and other UUIDs" in made
    lines = markdown.text(found).splitlines()
    assert lines[0].split() == ["cell", "code", "output", "local", "local:512"]
    assert lines[1].split()[:3] == ["1", "one", "different"]


def test_code_that_is_cut_says_so() -> None:
    """In a browser, too, where nothing else shows that a line goes on."""
    long = f"echo {'x' * 200}"
    found = compare("a.ipynb", [run(name, cell(long), cell("one\n\n"), cell("one\ntwo")) for name in ("a", "b")])
    assert [row.code for row in found.rows] == [long, "one", "one …"]
    assert f"<code>{long[:79]}…</code>" in page.page(found)
    assert f"{long[:39]}…" in markdown.text(found)


def test_a_notebook_without_code() -> None:
    found = compare("a.ipynb", [run("a"), run("b")])
    assert markdown.text(found).splitlines()[-1] == "No code in the notebook."
    assert "No code in the notebook." in page.page(found)
