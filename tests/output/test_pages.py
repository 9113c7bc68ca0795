"""What becomes of what a program shows. Whether it holds is for a browser to say: tests/browser/test_hostile.py."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.function.sent import shell_setup
from lambda_kernel.function.sent.display import HEIGHTS, VEGA_LITE
from lambda_kernel.output.markdown import rendered
from lambda_kernel.output.pages import HEIGHT, MARKDOWN_CHARACTERS, POLICY, Pages, Raw, page, text_of
from lambda_kernel.session.cell import Notice, Shown
from tests.support.frames import Tags, frame, program

SCRIPT = "<script>alert(1)</script>"


def shown(data: dict[str, Any], pages: Pages | None = None) -> tuple[dict[str, Any] | None, str]:
    """The display data, and what is noticed."""
    parts = list((pages or Pages()).parts(Raw("key", data)))
    datas = [part.data for part in parts if isinstance(part, Shown)]
    told = [part.text for part in parts if isinstance(part, Notice)]
    assert all(part.code == "hint" for part in parts if isinstance(part, Notice))
    assert all(part.metadata == {} and not part.live for part in parts if isinstance(part, Shown))
    return (datas[0] if datas else None), "".join(told)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\0")))
@pytest.mark.parametrize("around", ["", "<p title='\"&quot;&amp;\"'>", '"></iframe>' + SCRIPT, "]]>--></iframe>"])
def test_a_page_is_whole_and_in_its_frame(around: str, text: str) -> None:
    made = page(around + text)
    assert program(made) == around + text
    assert [tag for tag, _ in Tags(made).found if tag not in ("div", "iframe", "p", "pre")] == []
    assert made.count("<iframe") == made.count("</iframe>") == 1


def test_the_frame_has_no_right_but_to_run_scripts() -> None:
    outer = frame(page("<p>"))
    assert (outer["sandbox"], outer["referrerpolicy"]) == ("allow-scripts", "no-referrer")
    assert "allow" not in outer
    inside = Tags(outer["srcdoc"]).found
    assert ("base", {"href": "about:srcdoc"}) in inside
    assert [a["content"] for tag, a in inside if a.get("http-equiv") == "Content-Security-Policy"] == [POLICY]
    assert {"default-src 'none'", "frame-src 'none'", "form-action 'none'"} <= set(POLICY.split("; "))


@pytest.mark.parametrize(
    ("height", "pixels"),
    [
        *((height, height) for height in HEIGHTS),
        *((height, HEIGHT) for height in (HEIGHTS[0] - 1, HEIGHTS[1] + 1, 0, -1, True, None, 50.0)),
        *((height, HEIGHT) for height in ("50", '50px" onload="alert(1)', [50], {"a": 1})),
    ],
)
def test_its_height_is_a_number_within_bounds(height: object, pixels: int) -> None:
    assert f"height: {pixels}px" in str(Tags(page("", height)).found[0][1]["style"])


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            f"<!doctype html><title>t</title><style>p {{}}</style><h1>A &lt;b&gt;</h1>{SCRIPT}<p>one <i>two</i></p>",
            "A <b>\none two",
        ),
        ("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2\n3"),
        ("a<!-- b -->c<!-- never ended <p>x", "ac"),
        ("a<script>never ended", "a"),
        ("a <b", "a"),
        ("1 < 2", "1 < 2"),
        ("", ""),
    ],
)
def test_the_text_of_a_page(source: str, text: str) -> None:
    assert text_of(source) == text


@pytest.mark.parametrize(
    "piece", ["<", "<script>", "<!--", "<a ", "</script ", "<script></script\t", "&", "<![", "<div>"]
)
def test_a_page_takes_no_longer_for_being_hostile(piece: str) -> None:
    begin = time.process_time()
    page(piece * (800_000 // len(piece)))
    assert time.process_time() - begin < 5


def test_a_page_and_its_plain_text() -> None:
    data, told = shown({"text/html": f"<p>hello</p>{SCRIPT}"})
    assert data is not None
    assert (data["text/plain"], told) == ("hello", "")
    assert program(data["text/html"]).startswith("<p>hello")
    data, _ = shown({"text/html": SCRIPT})
    assert data is not None
    assert data["text/plain"] == "<text/html, 25 characters>"
    data, _ = shown({"text/html": SCRIPT, "text/plain": "its own", "text/markdown": "*no*", "image/svg+xml": "<svg>"})
    assert data is not None
    assert set(data) == {"text/plain", "text/html"}
    assert data["text/plain"] == "its own"
    assert program(data["text/html"]) == SCRIPT


@pytest.mark.parametrize("mime", [mime for mime in shell_setup.SHOWN if mime != VEGA_LITE])  # see test_charts.py
def test_all_that_programs_are_told_of_is_shown(mime: str) -> None:
    data, told = shown({mime: base64.b64encode(b"abc").decode()})
    assert data
    assert told == ""
    assert set(data) <= {"text/html", "text/plain", mime}


@pytest.mark.parametrize(
    "mime",
    [
        *("application/javascript", "text/javascript", "application/ecmascript", "text/latex", "text/vnd.mermaid"),
        *("application/vnd.jupyter.widget-view+json", "application/vnd.plotly.v1+json", "application/geo+json"),
        *("application/vnd.vega.v5+json", "application/vnd.bokehjs_exec.v0+json", "application/xhtml+xml"),
        *("text/HTML", "image/svg", "video/mp4", "application/vnd.jupyter.stderr", "text/x-unknown"),
    ],
)
def test_no_other_type_reaches_a_front_end(mime: str) -> None:
    data, told = shown({mime: SCRIPT})
    assert data == ({"text/plain": SCRIPT} if mime.startswith("text/") else None)
    assert mime in told
    assert "could change the notebook around it" in told
    data, _ = shown({mime: SCRIPT, "text/plain": "a figure"})
    assert data == {"text/plain": "a figure"}


def test_many_that_are_left_out_are_named_in_one_line() -> None:
    _, told = shown({f"a/{'b' * 1000}{number}": "" for number in range(100)})
    assert told.endswith("and 97 more")
    assert len(told) < 500


@pytest.mark.parametrize("mime", ["image/png", "image/jpeg", "application/pdf", "audio/wav"])
@pytest.mark.parametrize("value", ['"><script>alert(1)</script>', "YQ", "YQ=='", "a&#34;b=", "YQ==YQ=="])
def test_what_is_no_base64_is_left_out(mime: str, value: str) -> None:
    data, told = shown({mime: value})
    assert data is None
    assert told.endswith(f"{mime} (it is not base64)")


def test_base64_may_have_lines() -> None:
    assert shown({"image/png": "YWJj\nYQ=="})[0] == {"image/png": "YWJjYQ==", "text/plain": "<image/png>"}


def test_what_is_json_has_a_text() -> None:
    assert shown({"application/json": {"a": [1]}})[0] == {
        "application/json": {"a": [1]},
        "text/plain": '{\n  "a": [\n    1\n  ]\n}',
    }


def test_an_svg_is_an_image() -> None:
    data, _ = shown({"image/svg+xml": f"<svg>{SCRIPT}</svg>"})
    assert data is not None
    [(tag, attributes)] = Tags(data["text/html"]).found
    assert tag == "img"
    head, _, inside = str(attributes["src"]).partition(",")
    assert head == "data:image/svg+xml;base64"
    assert base64.b64decode(inside).decode() == f'<svg xmlns="http://www.w3.org/2000/svg">{SCRIPT}</svg>'
    assert data["text/plain"] == "<image/svg+xml, 36 characters>"


def test_a_table_is_text() -> None:
    data, _ = shown({"text/csv": f'name,"{SCRIPT}"\n"<b>",2\n', "text/plain": "x"})
    assert data is not None
    assert {tag for tag, _ in Tags(data["text/html"]).found} == {"table", "tr", "th", "td"}
    assert "<td>&lt;b&gt;</td><td>2</td>" in data["text/html"]
    data, _ = shown({"text/tab-separated-values": "a\tb\n" + "1\t2\n" * 250})
    assert data is not None
    assert data["text/html"].count("<td>1</td>") == 200
    assert data["text/html"].endswith("</table><p>50 more rows</p>")
    data, told = shown({"text/csv": "x" * 200_000})
    assert data == {"text/plain": "x" * 200_000}
    assert "field larger than field limit" in told


def test_markdown() -> None:
    data, _ = shown(
        {"text/markdown": "# Title\n\n|a|b|\n|-|-|\n|1|2|\n\n~~no~~ `x<y` [l](https://a.b/?c=d&e)\n\n3. x\n"}
    )
    assert data is not None
    made = data["text/html"]
    assert made.startswith("<h1>Title</h1>")
    assert "<td>2</td>" in made
    assert "<s>no</s> <code>x&lt;y</code>" in made
    assert '<a href="https://a.b/?c=d&amp;e" rel="noopener noreferrer">l</a>' in made
    assert '<ol start="3">' in made
    assert data["text/plain"].startswith("# Title")


@pytest.mark.parametrize(
    "source",
    [
        SCRIPT,
        "<img src=x onerror=alert(1)>",
        '<b data-commandlinker-command="terminal:create-new" id=x class=y style="position:fixed">b</b>',
        *(
            "[a](javascript:alert(1))",
            "[a](JaVaScRiPt:alert(1))",
            "[a](&#106;avascript:alert(1))",
            "[a](data:text/html,x)",
        ),
        *("[a](vbscript:x)", "[a](file:///etc/passwd)", "<javascript:alert(1)>", "[a][b]\n\n[b]: javascript:x"),
        *(
            "[a](/lab/tree/x)",
            "[a](../x)",
            "[a](//evil.example/x)",
            "[a](\\\\evil.example/x)",
            "[a](#x)",
            "[a](?token)",
        ),
        *("![a](https://evil.example/x.png)", "![a](x.png)", "![a](data:text/html,x)", "![a](javascript:x)"),
        *("![a](data:image/svg+xml;base64,AAAA)", '![a" onerror="x](x "y\\" onerror=\\"z")'),
        *('[a](x "\\" onclick=\\"alert(1)")', '``` " onclick=x\n```', "<iframe srcdoc='x'>", "<!-- x --> <?php ?>"),
    ],
)
def test_markdown_holds_nothing_that_acts(source: str) -> None:
    for tag, attributes in Tags(rendered(source)).found:
        assert tag in {"p", "a", "em", "pre", "code"}
        assert set(attributes) <= {"rel", "title"}


def test_images_of_markdown_are_its_own() -> None:
    assert rendered("![a](data:image/png;base64,YQ==)") == '<p><img src="data:image/png;base64,YQ==" alt="a"></p>\n'
    assert rendered("![a<](https://b/c?d&e)") == "<p><em>[a&lt;: https://b/c?d&amp;e]</em></p>\n"


@given(st.text(max_size=200))
def test_any_markdown_is_of_few_tags(text: str) -> None:
    allowed = {"href", "rel", "title", "src", "alt", "start"}
    for _, attributes in Tags(rendered(text)).found:
        assert set(attributes) <= allowed


def test_no_more_markdown_than_can_be_rendered_at_once() -> None:
    pages = Pages()
    data, told = shown({"text/markdown": "x" * (MARKDOWN_CHARACTERS - 3)}, pages)
    assert data is not None
    assert "text/html" in data
    assert shown({"text/markdown": "abc"}, pages)[1] == told == ""
    data, told = shown({"text/markdown": "*d*"}, pages)
    assert data == {"text/plain": "*d*"}
    assert "text/markdown (at most 60,000 characters of a cell are rendered)" in told
