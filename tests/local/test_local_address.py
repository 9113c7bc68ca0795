"""Where the engine listens, by which names it can be called there, and the credentials that it keeps."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import boto3
import pytest

from lambda_kernel.local import Endpoint, EngineError, LocalEngine, Settings
from lambda_kernel.local.address import CONSENT, Address, find_address
from lambda_kernel.local.kept_keys import Keys, keep_keys
from tests.support.engine_client import INVOKE, Rig, exchange, signed

PORT = 9001
LOOPBACK = ["127.0.0.1", "127.3.2.1", "::1", "localhost"]
BEYOND = ["0.0.0.0", "::", "192.0.2.7", "10.0.0.1", "2001:db8::7", "fe80::1", "169.254.1.1", "255.255.255.255"]
GARBAGE = [
    "", " ", "nowhere", "localhost.example", "256.1.1.1", "127.1", "0x7f000001", "2130706433", "127.0.0.1:80",
    "[::1]", "127.0.0.1 ", "127.0.0.1/8", "*", "::1::",
]  # fmt: skip


@pytest.mark.parametrize("bind", LOOPBACK)
@pytest.mark.parametrize("consent", [False, True])
def test_loopback_needs_no_consent(bind: str, consent: bool) -> None:
    assert find_address(bind, consent) == Address(bind.replace("localhost", "127.0.0.1"), beyond=False)


@pytest.mark.parametrize("bind", BEYOND)
def test_other_addresses_need_consent_and_the_refusal_says_why(bind: str) -> None:
    with pytest.raises(EngineError, match=f"^{bind} can be reached from other machines, without encr.*add {CONSENT}$"):
        find_address(bind, consent=False)
    assert find_address(bind, consent=True) == Address(bind, beyond=True)


@pytest.mark.parametrize("bind", GARBAGE)
@pytest.mark.parametrize("consent", [False, True])
def test_what_is_no_address_is_refused_with_and_without_consent(bind: str, consent: bool) -> None:
    with pytest.raises(EngineError, match="is not an IP address: choose 127"):
        find_address(bind, consent)


def test_an_engine_is_refused_before_it_listens(lab_code: Path) -> None:
    with pytest.raises(EngineError, match="can be reached from other machines"):
        LocalEngine(Settings(lab_code, bind="0.0.0.0")).start()
    with pytest.raises(EngineError, match=r"this machine has no address 192\.0\.2\.7: name one of its own with --bind"):
        LocalEngine(Settings(lab_code, bind="192.0.2.7", beyond_loopback=True)).start()


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:9001"),
        ("127.3.2.1", "http://127.3.2.1:9001"),
        ("::1", "http://[::1]:9001"),
        ("0.0.0.0", "http://127.0.0.1:9001"),
        ("::", "http://[::1]:9001"),
        ("192.0.2.7", "http://192.0.2.7:9001"),
    ],
)
def test_the_endpoint_is_one_that_this_machine_reaches(bind: str, url: str) -> None:
    assert find_address(bind, consent=True).url(PORT) == url


OWN = {
    "127.0.0.1": ["127.0.0.1:9001", "localhost:9001"],
    "::1": ["[::1]:9001", "localhost:9001"],
    # The port that a container publishes, and the address by which its network knows it, are not those inside.
    "0.0.0.0": [
        "127.0.0.1:9001", "localhost:9001", "127.0.0.1:80", "localhost:19001", "127.0.0.1", "localhost",
        "192.0.2.7:9001", "172.17.0.2:9001", "[::1]:9001", "[2001:db8::7]",
    ],
}  # fmt: skip
FOREIGN = [
    None, "", ":", ":9001", "evil.example", "evil.example:9001", "127.0.0.1.evil.example:9001", "127.1:9001",
    "localhost.evil.example", "localhost:9001.evil.example", "evil.example:9001@127.0.0.1:9001", "127.0.0.1:x",
    "127.0.0.1:9001, evil.example", "127.0.0.1:", "127.0.0.1:123456", "[127.0.0.1", "[evil.example]:9001", "[]:9001",
    "::1:9001", "localhost:9001\n", " localhost:9001", "host.docker.internal:9001", "LOCALHOST.:9001",
]  # fmt: skip


@pytest.mark.parametrize("bind", OWN)
def test_a_request_names_an_address_and_no_domain(bind: str) -> None:
    """A page that was loaded from a domain can send nothing else as its Host than that domain."""
    address = find_address(bind, consent=True)
    assert [host for host in OWN[bind] if not address.is_own(host, PORT)] == []
    assert [host for host in FOREIGN if address.is_own(host, PORT)] == []


def test_on_loopback_the_port_counts_as_well() -> None:
    own = set(OWN["127.0.0.1"])
    assert {host for host in OWN["0.0.0.0"] if find_address("127.0.0.1", False).is_own(host, PORT)} == own


def test_an_engine_behind_a_published_port(rig: Callable[..., Rig]) -> None:
    made = rig(bind="0.0.0.0", beyond_loopback=True)
    assert made.invoke(1).value == 1
    assert any(notice.startswith("other machines may reach this on 0.0.0.0") for notice in made.engine.notices)
    inside = made.endpoint.endpoint_url.removeprefix("http://")

    def answer(host: str, more: str = "") -> tuple[int, str]:
        outside = replace(made.endpoint, endpoint_url=f"http://{host}")
        request = signed(outside, "POST", INVOKE, b"{}").replace(b"\r\n\r\n", f"{more}\r\n\r\n".encode(), 1)
        return exchange(inside, request)[:2]

    assert [answer(host) for host in ("127.0.0.1:19001", "localhost:19001", "[::1]:8080")] == [(200, "")] * 3
    refused = (403, "AccessDeniedException")
    assert [answer("evil.example:9001"), answer(inside, "\r\nOrigin: http://127.0.0.1:8888")] == [refused] * 2
    stranger = Endpoint(f"http://{inside}", "AKIAIOSFODNN7EXAMPLE", "x" * 40, "local", "shell")
    assert exchange(inside, signed(stranger, "POST", INVOKE, b"{}"))[:2] == (403, "UnrecognizedClientException")


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6")
def test_loopback_of_ipv6(rig: Callable[..., Rig]) -> None:
    made = rig(bind="::1")
    assert made.endpoint.endpoint_url.startswith("http://[::1]:")
    # Not by boto3: Python's exceptions for proxies know no IPv6 address in brackets.
    assert exchange(made.endpoint, signed(made.endpoint, "POST", INVOKE, b"{}")) == (200, "", b"{}")
    assert not any("other machines" in notice for notice in made.engine.notices)


def test_credentials_that_are_kept_outlive_the_engine(lab_code: Path, session: boto3.Session, tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    settings = Settings(lab_code, credentials=file)
    with LocalEngine(settings) as engine:
        first = engine.start()
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_bytes()) == {
        "access_key_id": first.access_key_id, "secret_access_key": first.secret_access_key,
    }  # fmt: skip
    with LocalEngine(settings) as engine:
        assert engine.start().secret_access_key == first.secret_access_key
        assert Rig(engine, session).invoke(1).value == 1
    assert [path.name for path in tmp_path.iterdir()] == ["credentials.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o611])
def test_credentials_that_others_can_read_or_write_are_refused(mode: int, tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    keys = keep_keys(file)
    file.chmod(mode)
    with pytest.raises(EngineError, match=f"others can read the credentials in {file}: run `chmod 600 {file}`, or rem"):
        keep_keys(file)
    file.chmod(0o400)
    assert keep_keys(file) == keys


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "{}", '{"access_key_id": "AKIALOCAL12345678901"}', "[" * 4000, "\xff",
        '{"access_key_id": "AKIALOCAL12345678901", "secret_access_key": "short"}',
        '{"access_key_id": "AKIALOCAL12345678901", "secret_access_key": 1234567890123456}',
        '{"access_key_id": "AKIALOCAL1234 678901", "secret_access_key": "1234567890123456"}',
    ],
)  # fmt: skip
def test_a_file_without_credentials_is_refused_and_stays(text: str, tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(text, "latin-1")
    file.chmod(0o600)
    with pytest.raises(EngineError, match=f"{file} holds no credentials: it needs access_key_id and secret_access_key"):
        keep_keys(file)
    assert file.read_text("latin-1") == text


def test_credentials_that_the_user_brings(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"access_key_id": "my-own-key-id-00", "secret_access_key": "my-own-secret-00"}')
    file.chmod(0o400)
    assert keep_keys(file) == Keys("my-own-key-id-00", "my-own-secret-00")
    assert "secret-00" not in repr(keep_keys(file))


def test_a_file_that_cannot_be(tmp_path: Path) -> None:
    for file in (tmp_path / "no" / "where.json", tmp_path, Path("/proc/no/where")):
        with pytest.raises(EngineError, match=rf"^cannot (read|keep) the credentials in {file} \(.*name "):
            keep_keys(file)
    assert os.listdir(tmp_path) == []
