"""What a front end gets of a wait."""

from __future__ import annotations

from typing import Any

import pytest

from lambda_kernel.output.wait_view import WaitView

TEXT = "Waiting for `<b>`."


def test_it_is_a_display_that_goes_away() -> None:
    sent: list[tuple[str, dict[str, Any]]] = []
    view = WaitView(lambda *message: sent.append(message), None)
    view.show(TEXT, alone=False)
    view.show("", alone=True)
    [(kind, shown), *rest] = sent
    assert (kind, shown["data"]["text/plain"]) == ("display_data", TEXT)
    assert "&lt;b&gt;" in shown["data"]["text/html"]
    assert shown["metadata"] == {"lambda_notice": "wait"}
    assert rest == [("clear_output", {"wait": False})]


def test_between_other_output_it_becomes_empty() -> None:
    sent: list[tuple[str, dict[str, Any]]] = []
    view = WaitView(lambda *message: sent.append(message), None)
    for _ in range(2):
        view.show(TEXT, alone=False)
        view.show("", alone=False)
    keys = [content["transient"]["display_id"] for _, content in sent]
    assert [(kind, any(content["data"].values())) for kind, content in sent] == [
        ("display_data", True),
        ("update_display_data", False),
    ] * 2
    assert (keys[0], keys[2]) == (keys[1], keys[3])
    assert keys[0] != keys[2]


def test_on_a_terminal_its_line_is_cleared() -> None:
    """It is one line, whatever the width: the terminal cuts it (xterm's DECAWM)."""
    written: list[str] = []
    view = WaitView(lambda *message: pytest.fail("a terminal gets text"), written.append)
    view.show(TEXT, alone=False)
    view.show("", alone=False)
    assert written == [f"\x1b[?7l{TEXT}\x1b[?7h", "\r\x1b[K"]
