"""What a user must know of the local engine is said once, before the first command."""

from __future__ import annotations

from tests.magics.conftest import Desk


class Unisolated(Desk):
    def warnings(self) -> tuple[str, ...]:
        return ("commands run unisolated as you",) if self.fars else ()


def test_a_warning_is_shown_once() -> None:
    desk = Unisolated()
    try:
        assert desk.run("%status").notices == []
        assert desk.run("echo a").notices == ["commands run unisolated as you"]
        assert desk.run("echo b").notices == []
    finally:
        for far in desk.fars.values():
            far.close()
