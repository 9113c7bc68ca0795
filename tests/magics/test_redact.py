"""%redact"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lambda_kernel.aws.target import Target
from lambda_kernel.aws.transport import Transport
from lambda_kernel.errors import UsageError
from tests.magics.conftest import CellRunner
from tests.support.in_process_session import CREDENTIALS, InProcess


def test_off_and_on(runner: CellRunner) -> None:
    show = "echo $AWS_SECRET_ACCESS_KEY"
    assert runner.run(show).out == "[AWS_SECRET_ACCESS_KEY redacted]\n"
    assert "Be careful where you share it" in runner.run("%redact off").out
    assert runner.run(show).out == CREDENTIALS["AWS_SECRET_ACCESS_KEY"] + "\n"
    assert runner.run(f"%redact on\n{show}").out.endswith("redacted]\n")


def test_another_word(runner: CellRunner) -> None:
    with pytest.raises(UsageError, match="usage"):
        runner.run("%redact maybe")


OWN = {
    "DB_PASSWORD": "correct horse",
    "PLAIN": "battery staple",
    "APP_PIN_TOKEN": "1234",
    "LINK": "http://me:pass@host",
}


class OwnSecrets(CellRunner):
    """Its functions have variables of their own."""

    def __call__(self, target: Target, read_timeout: float = 0) -> Transport:
        self.remotes[target] = InProcess(credentials={**CREDENTIALS, **OWN})
        return self.remotes[target].transport


@pytest.fixture
def own() -> Iterator[OwnSecrets]:
    made = OwnSecrets()
    yield made
    made.close()


def test_it_lists_names_and_never_values(own: OwnSecrets) -> None:
    text = own.run("%redact").out
    assert "are replaced as well: DB_PASSWORD, LINK (a URL with a password)" in text.replace("GPG_KEY, ", "")
    assert "NOT protected, since the value is under 8 characters: APP_PIN_TOKEN.\n" in text
    assert not any(value in text for value in OWN.values())
    assert "Credentials are shown: `%redact on`" in own.run("%redact off\n%redact").out


def test_more_and_less(own: OwnSecrets) -> None:
    show = "echo $PLAIN, $DB_PASSWORD"
    assert own.run(show).out == "battery staple, [DB_PASSWORD redacted]\n"
    assert "PLAIN (yours)" in own.run("%redact +PLAIN -DB_PASSWORD").out
    assert own.run(show).out == "[PLAIN redacted], correct horse\n"
    assert own.run(f"%redact -PLAIN\n{show}").out.endswith("battery staple, correct horse\n")
    assert own.run(f"%reset\n%redact +DB_PASSWORD\n{show}").out.endswith("battery staple, [DB_PASSWORD redacted]\n")


def test_a_choice_holds_for_the_next_target(own: OwnSecrets) -> None:
    own.run("true\n")
    own.run("%use local:512\ntrue")
    own.run("%redact +PLAIN")
    assert own.run("%use local\necho $PLAIN").out.endswith("[PLAIN redacted]\n")


def test_a_variable_that_is_not_there_changes_nothing(own: OwnSecrets) -> None:
    with pytest.raises(UsageError, match="has no variable NOPE: nothing was changed"):
        own.run("%redact +NOPE +PLAIN")
    assert own.run("echo $PLAIN").out == "battery staple\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("on +PLAIN", "stand alone"), ("-AWS_SESSION_TOKEN", "only `%redact off`"), ("PLAIN", "not 'PLAIN'"),
        ("--PLAIN", "not '--PLAIN'"), ("+", "it takes"), ("+A=b", "not '\\+A=b'"),
    ],
)  # fmt: skip
def test_wrong_words(own: OwnSecrets, words: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        own.run(f"%redact {words}")
    assert own.sent == []


def test_files_with_own_secrets_are_named(own: OwnSecrets, tmp_path: Path) -> None:
    ran = own.run(f"printenv DB_PASSWORD >{tmp_path}/here")
    ran = own.run(f"%get {tmp_path}/here {tmp_path}/there")
    assert any("DB_PASSWORD" in notice for notice in ran.notices)
