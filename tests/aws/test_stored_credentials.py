"""The files that hold the credentials of endpoints: who can read them, and which kernels keep them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from lambda_kernel.aws.connector import Connector
from lambda_kernel.aws.stored_credentials import CredentialStore, Stored, read_line
from lambda_kernel.aws.target import Target, resolve
from lambda_kernel.aws.transport import BotoTransport
from lambda_kernel.errors import BadCredentials
from lambda_kernel.untrusted import Unfit

URL = "http://127.0.0.1:9001"
STORED = Stored(URL, "AKIALOCAL0", "the-secret")
LINE = {
    "endpoint_url": URL, "access_key_id": "AKIALOCAL0", "secret_access_key": "the-secret", "region": "local",
    "function": "shell",
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> CredentialStore:
    return CredentialStore(tmp_path / "endpoints")


@pytest.fixture
def kernels(tmp_path: Path) -> list[Path]:
    made = [tmp_path / name for name in ("one", "two")]
    for path in made:
        path.mkdir()
    return made


def keys_of(transport: object) -> tuple[str, str]:
    assert isinstance(transport, BotoTransport)
    found = transport.client._request_signer._credentials  # type: ignore[attr-defined]
    return found.access_key, found.secret_key


def test_only_the_user_can_read_what_is_stored(store: CredentialStore, kernels: list[Path]) -> None:
    before = os.umask(0)
    try:
        path = store.store(STORED, kernels[0])
    finally:
        os.umask(before)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert store.find(URL) == replace(STORED, kernels=(str(kernels[0]),))
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert "the-secret" not in repr(store.find(URL))


@pytest.mark.parametrize("url", ["http://127.0.0.1:9001/", "HTTP://127.0.0.1:9001"])
def test_an_endpoint_is_known_however_its_url_is_spelt(url: str, store: CredentialStore, kernels: list[Path]) -> None:
    store.store(STORED, kernels[0])
    assert store.require(url).keys == STORED.keys
    for other in ("http://127.0.0.1:9002", "https://127.0.0.1:9001", "http://localhost:9001", f"{URL}/x"):
        assert store.find(other) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602, 0o777])
def test_what_others_can_read_is_not_used(mode: int, store: CredentialStore, kernels: list[Path]) -> None:
    path = store.store(STORED, kernels[0])
    path.chmod(mode)
    with pytest.raises(BadCredentials, match=f"^others can read the credentials in {path}: run `chmod 600 {path}`, or"):
        store.find(URL)
    with pytest.raises(BadCredentials, match="others can read"):
        Connector("me", store=store)(Target("shell", "local", None, URL))
    store.store(STORED, kernels[0])
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_error_names_no_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook keeps it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    store = CredentialStore(tmp_path / "endpoints")
    store.store(STORED, tmp_path).write_text("nonsense")
    with pytest.raises(BadCredentials, match=r"^~/endpoints/\w+\.json holds no credentials: run `lambda-kernel inst"):
        store.find(URL)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"endpoint_url": 1}', "[" * 2000, "\udc80"])
def test_a_file_that_holds_something_else(text: str, store: CredentialStore, kernels: list[Path]) -> None:
    path = store.store(STORED, kernels[0])
    path.write_text(text, "utf-8", "surrogateescape")
    with pytest.raises(BadCredentials, match="holds no credentials: run `lambda-kernel install --credentials FILE`"):
        store.find(URL)
    assert store.release(URL, kernels[0]) == path
    assert not path.exists()


def test_the_file_goes_with_the_last_kernel(store: CredentialStore, kernels: list[Path]) -> None:
    one, two = kernels
    path = store.store(STORED, one)
    store.store(STORED, two)
    assert store.release(URL, one) is None
    assert store.require(URL).kernels == (str(two),)
    assert store.release(URL, two) == path
    assert store.find(URL) is None
    assert store.release(URL, two) is None


def test_a_kernel_that_was_removed_otherwise_keeps_nothing(store: CredentialStore, kernels: list[Path]) -> None:
    one, two = kernels
    store.store(STORED, one)
    path = store.store(STORED, two)
    one.rmdir()
    assert store.release(URL, two) == path


def test_stored_credentials_come_before_those_of_the_environment(store: CredentialStore, kernels: list[Path]) -> None:
    """AWS's own have no business at another endpoint."""
    connector, target = Connector("me", store=store), Target("shell", "local", None, URL)
    assert keys_of(connector(target)) == ("testing", "testing")
    store.store(STORED, kernels[0])
    assert keys_of(connector(target)) == STORED.keys
    assert keys_of(connector(Target("shell", "local", None, "http://127.0.0.1:1"))) == ("testing", "testing")
    assert keys_of(connector(Target("shell", "local"))) == ("testing", "testing")


def test_a_profile_that_is_named_comes_before_them(
    store: CredentialStore, kernels: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config"
    file.write_text("[profile work]\naws_access_key_id = profile-key\naws_secret_access_key = profile-secret\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    store.store(STORED, kernels[0])
    made = Connector("me", store=store)(Target("shell", "local", "work", URL))
    assert keys_of(made) == ("profile-key", "profile-secret")


def test_where_they_are_needed_nothing_else_is_tried(store: CredentialStore) -> None:
    named = {"function": "shell", "region": "local", "endpoint_url": URL}
    target = resolve({**named, "stored_credentials": "True"})
    assert target == resolve(named)  # one session, however the target was named
    with pytest.raises(BadCredentials, match=f"^no credentials are stored for {URL}: run `lambda-kernel install --cre"):
        Connector("me", store=store)(target)


def test_new_ones_are_found_without_a_restart(store: CredentialStore, kernels: list[Path]) -> None:
    store.store(STORED, kernels[0])
    made = Connector("me", store=store)(Target("shell", "local", None, URL))
    assert isinstance(made, BotoTransport)
    assert made.make is not None
    store.store(Stored(URL, "AKIALOCAL1", "another"), kernels[0])
    assert made.make()._request_signer._credentials.secret_key == "another"  # type: ignore[attr-defined]
    assert store.require(URL).kernels == (str(kernels[0]),)


def test_the_last_line_of_a_log_counts() -> None:
    older = json.dumps({**LINE, "secret_access_key": "older"})
    text = f"a notice\n{older}\r\n\n{json.dumps(LINE)}\nlambda-kernel: {{another}}\n"
    assert read_line(text, {}) == (STORED, {"function": "shell", "region": "local", "endpoint_url": URL})


def test_options_come_before_the_line() -> None:
    """A published port is not the one inside."""
    outside = "http://127.0.0.1:19001"
    options = {"endpoint_url": outside, "function": None, "region": None, "profile": None, "network": None}
    stored, named = read_line(json.dumps(LINE), options)
    assert (stored.endpoint_url, named) == (outside, {"function": "shell", "region": "local", "endpoint_url": outside})
    keys = {name: LINE[name] for name in ("access_key_id", "secret_access_key")}
    with pytest.raises(Unfit, match="it names no function with its endpoint: add --function and --endpoint-url"):
        read_line(json.dumps(keys), {})
    assert read_line(json.dumps(keys), {"function": "f", "endpoint_url": outside})[1].keys() == {
        "function", "endpoint_url",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "", "no line", "[]", "{", '{"access_key_id": "x"}', json.dumps({**LINE, "secret_access_key": ""}),
        json.dumps({**LINE, "secret_access_key": ["the-secret"]}), json.dumps({**LINE, "region": "two words"}),
        json.dumps({**LINE, "endpoint_url": "ftp://127.0.0.1"}), json.dumps({**LINE, "access_key_id": "é"}),
        json.dumps({**LINE, "function": "x" * 1001}),
    ],
)  # fmt: skip
def test_a_line_that_is_none(text: str) -> None:
    with pytest.raises(Unfit) as caught:
        read_line(text, {})
    assert "the-secret" not in str(caught.value)
