"""papermill's parameters: what it writes is what bash reads, and it knows what a cell of bash sets."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("papermill")

from papermill.translators import papermill_translators

from lambda_kernel.kernel.papermill_parameters import BashParameters

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


def read(code: str, shown: str) -> list[str]:
    ran = subprocess.run(["bash", "-c", f"{code}\nprintf '%s\\0' {shown}"], capture_output=True, check=True)
    return ran.stdout.decode().split("\0")[:-1]


def test_it_is_registered_for_any_kernel_of_bash() -> None:
    assert papermill_translators.find_translator("shell", "bash") is BashParameters


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (-1.5, "-1.5"), (True, "true"), (False, "false"), (None, ""), ("a 'b' $c", "a 'b' $c"), ("", "")],
)
def test_a_value(value: Any, text: str) -> None:
    assert read(BashParameters.codify({"x": value}), '"$x"') == [text]


@given(st.lists(st.one_of(TEXTS, st.integers(), st.booleans()), min_size=1, max_size=4))
def test_a_list(values: list[Any]) -> None:
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    assert read(BashParameters.codify({"x": values}), '"${x[@]}"') == texts


def test_a_dict_and_what_is_deeper() -> None:
    code = BashParameters.codify({"x": {"a b": None, "']": 2, "deep": {"list": [1, "ü"]}}})
    assert read(code, '"${x[a b]}" "${x[\\\'\\]]}" "${x[deep]}"') == ["", "2", '{"list": [1, "ü"]}']


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("planet=Mars", [("planet", "str", "Mars", "")]),
        ("a=1; b=2.5 # half", [("a", "int", "1", ""), ("b", "float", "2.5", "half")]),
        ("export c=true\nz=$HOME", [("c", "bool", "true", ""), ("z", "str", "$HOME", "")]),
        ("x='a b'\ny=\"c; d=4\"", [("x", "str", "'a b'", ""), ("y", "str", '"c; d=4"', "")]),
        ("l=(a 'b)' c)\ndeclare -A m=([k]=v)", [("l", "list", "(a 'b)' c)", ""), ("m", "list", "([k]=v)", "")]),
        ("empty=", [("empty", "str", "", "")]),
        ("%timeout 5\necho a=b\n# c=d", []),
    ],
)  # fmt: skip
def test_what_a_cell_sets(source: str, found: list[tuple[str, ...]]) -> None:
    assert [tuple(one) for one in BashParameters.inspect({"source": source})] == found
