"""Who may talk to the engine, and what a function sees of the machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from lambda_kernel.local import Endpoint, LocalEngine, Settings
from lambda_kernel.local.bwrap import find_bwrap
from tests.support.engine_client import HANDLER, INVOKE, Rig, commands_with, exchange, signed

# Recorded from AWS by LocalStack's test_lambda_common for python3.12 to 3.14 (2026-01-12): the complete set.
KEYS = {
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "LANG",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "PATH",
    "PWD",
    "PYTHONPATH",
    "SHLVL",
    "TZ",
    "_AWS_XRAY_DAEMON_ADDRESS",
    "_AWS_XRAY_DAEMON_PORT",
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
}

BOTH = pytest.mark.parametrize("isolation", ["bwrap", "none"])


@pytest.fixture
def sandboxed(lab: Rig) -> Rig:
    if lab.engine.isolation != "bwrap":
        pytest.skip("bubblewrap does not work on this machine")
    return lab


def altered(request: bytes, old: bytes, new: bytes) -> bytes:
    assert old in request
    return request.replace(old, new, 1)


def test_a_signed_request_is_answered(lab: Rig) -> None:
    assert exchange(lab.endpoint, signed(lab.endpoint, "POST", INVOKE, b'{"a":1}')) == (200, "", b'{"a": 1}')


def test_an_unsigned_request_is_refused(lab: Rig) -> None:
    host = lab.endpoint.endpoint_url.removeprefix("http://")
    request = f"POST {INVOKE} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    assert exchange(lab.endpoint, request)[:2] == (403, "MissingAuthenticationTokenException")


def test_another_key_is_refused(lab: Rig) -> None:
    stranger = Endpoint(lab.endpoint.endpoint_url, "AKIAIOSFODNN7EXAMPLE", "x" * 40, "local", "shell")
    assert exchange(lab.endpoint, signed(stranger, "POST", INVOKE, b"{}"))[:2] == (403, "UnrecognizedClientException")
    forged = Endpoint(lab.endpoint.endpoint_url, lab.endpoint.access_key_id, "x" * 40, "local", "shell")
    assert exchange(lab.endpoint, signed(forged, "POST", INVOKE, b"{}"))[:2] == (403, "InvalidSignatureException")


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'{"a":1}', b'{"a":2}'), (b"/shell/", b"/shall/"), (b"X-Amz-Log-Type: Tail", b"X-Amz-Log-Type: None")],
)
def test_what_was_altered_on_the_way_is_refused(lab: Rig, old: bytes, new: bytes) -> None:
    request = signed(lab.endpoint, "POST", INVOKE, b'{"a":1}', **{"X-Amz-Log-Type": "Tail"})
    assert exchange(lab.endpoint, altered(request, old, new))[:2] == (403, "InvalidSignatureException")


@pytest.mark.parametrize(
    "authorization", ["Bearer x", "AWS4-HMAC-SHA256 Credential=a", "AWS4-HMAC-SHA256 " + "," * 9999]
)
def test_other_ways_to_authorize_are_refused(lab: Rig, authorization: str) -> None:
    host = lab.endpoint.endpoint_url.removeprefix("http://")
    request = f"GET /2015-03-31/functions HTTP/1.1\r\nHost: {host}\r\nAuthorization: {authorization}\r\n\r\n".encode()
    assert exchange(lab.endpoint, request)[:2] == (403, "IncompleteSignatureException")


def test_a_web_page_is_refused_before_anything_else(lab: Rig) -> None:
    good = signed(lab.endpoint, "POST", INVOKE, b"{}")
    from_page = altered(good, b"\r\n\r\n", b"\r\nOrigin: http://127.0.0.1:8888\r\n\r\n")
    assert exchange(lab.endpoint, from_page)[:2] == (403, "AccessDeniedException")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}"])
def test_a_foreign_host_is_refused(lab: Rig, host: str) -> None:
    own = lab.endpoint.endpoint_url.removeprefix("http://")
    foreign = host.format(port=own.split(":")[1])
    request = altered(signed(lab.endpoint, "POST", INVOKE, b"{}"), f"Host: {own}".encode(), f"Host: {foreign}".encode())
    assert exchange(lab.endpoint, request)[:2] == (403, "AccessDeniedException")


def test_the_runtime_api_needs_its_secret(lab: Rig) -> None:
    host, secret = lab.py("result = os.environ['AWS_LAMBDA_RUNTIME_API']").value.split("/")
    assert len(secret) > 40
    head = f"HTTP/1.1\r\nHost: {host}\r\n\r\n"
    for path in ("/2018-06-01/runtime/invocation/next", f"/x{secret}/2018-06-01/runtime/invocation/next"):
        assert exchange(host, f"GET {path} {head}".encode())[:2] == (403, "MissingAuthenticationTokenException")
    assert exchange(host, f"GET /{secret}/2018-06-01/runtime/restore/next {head}".encode())[0] == 404
    late = f"POST /{secret}/2018-06-01/runtime/invocation/0/response {head}".encode()
    assert exchange(host, late)[0] == 400
    from_page = f"GET /{secret}/2018-06-01/runtime/invocation/next {head}".replace("\r\n\r\n", "\r\nOrigin: x\r\n\r\n")
    assert exchange(host, from_page.encode())[:2] == (403, "AccessDeniedException")
    # It is no part of the other API, and the other way round.
    there = f"GET /{secret}/2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: {address_of(lab)}\r\n\r\n"
    assert exchange(lab.endpoint, there.encode())[:2] == (403, "MissingAuthenticationTokenException")
    assert exchange(host, signed(lab.endpoint, "POST", INVOKE, b"{}"))[:2] == (403, "AccessDeniedException")


def address_of(own: Rig) -> str:
    return own.endpoint.endpoint_url.removeprefix("http://")


def test_a_secret_ends_with_its_environment(rig: Callable[..., Rig]) -> None:
    own = rig(tenancy=True, concurrency=1)
    host, secret = own.py("result = os.environ['AWS_LAMBDA_RUNTIME_API']", TenantId="a").value.split("/")
    for tenant in ("b", "c"):
        own.invoke({}, TenantId=tenant)
    request = f"GET /{secret}/2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: {host}\r\n\r\n"
    assert exchange(host, request.encode())[:2] == (403, "MissingAuthenticationTokenException")


@BOTH
def test_the_variables_are_lambdas_and_nothing_else(rig: Callable[..., Rig], isolation: str) -> None:
    own = rig(isolation=isolation)
    values = own.py("result = dict(os.environ)").value
    assert set(values) == KEYS
    assert values["AWS_REGION"] == values["AWS_DEFAULT_REGION"] == "local"
    assert values["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert values["AWS_ACCESS_KEY_ID"] != own.endpoint.access_key_id
    assert (len(values["AWS_ACCESS_KEY_ID"]), len(values["AWS_SECRET_ACCESS_KEY"])) == (20, 40)
    assert len(values["AWS_SESSION_TOKEN"]) > 100
    assert values["AWS_EXECUTION_ENV"].startswith("AWS_Lambda_python3.")
    assert (values["SHLVL"], values["TZ"], values["LANG"]) == ("0", ":UTC", "en_US.UTF-8")
    assert values["PATH"] == "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"
    assert not own.sh("cat /proc/$PPID/environ | tr '\\0' '\\n' | grep -v '^_\\?[AL]\\|^P\\|^_\\|^TZ\\|^SHLVL=0$'")


def test_the_user_and_the_places_are_lambdas(sandboxed: Rig) -> None:
    assert sandboxed.sh("whoami; id -u; id -g; pwd; echo ~").split() == [
        "sbx_user1051", "993", "990", "/var/task", "/home/sbx_user1051",
    ]  # fmt: skip
    assert sandboxed.sh("command -v python3; stat -c %a /tmp /var/task/index.py").split()[:2] == [
        "/var/lang/bin/python3",
        "1777",
    ]
    assert sandboxed.sh("unset PYTHONPATH; python3 -c 'import ssl, sys; print(sys.prefix)'") == "/var/lang\n"
    assert sandboxed.sh("python3 -c 'import boto3, awslambdaric; print(boto3.__file__)'") == (
        "/var/runtime/boto3/__init__.py\n"
    )


def test_the_root_is_read_only(sandboxed: Rig) -> None:
    places = (
        "/ /var /var/task /var/task/index.py /var/lang /var/runtime /opt /home /dev /etc /usr /run /var/tmp /root /srv"
    )
    tried = sandboxed.sh(
        f"for p in {places}; do (: >> $p/x || : >> $p) 2>/dev/null && echo $p; done; touch /tmp/x && echo ok"
    )
    assert tried == "ok\n"


def test_nothing_of_the_hosts_homes_is_seen(sandboxed: Rig, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    marker = f"/tmp/host-marker-{os.getpid()}"
    Path(marker).write_text("x")
    try:
        assert (
            sandboxed.sh(
                f"ls -A /home /run /mnt /media /srv /opt | grep -v ':$'; cat {marker} {tmp_path}/secret"
            ).split()
            == []
        )
        assert sandboxed.sh("ls -A /root").split() in ([], [".pyenv"], [".local"])
        assert not sandboxed.sh(f"ls {Path(__file__).parent}")
        assert set(sandboxed.sh("ls -A /var").split()) == {"lang", "runtime", "task", "tmp"}
    finally:
        Path(marker).unlink()


def test_no_command_line_tells_where_bubblewrap_lies(sandboxed: Rig) -> None:
    shown = sandboxed.sh("tr '\\0' ' ' </proc/1/cmdline")
    assert shown.startswith("./")
    assert str(Path(str(find_bwrap())).parent) not in shown


def test_what_only_root_may_read_stays_hidden(sandboxed: Rig) -> None:
    assert sandboxed.sh("cat /etc/shadow /etc/gshadow /etc/ssl/private/* 2>/dev/null") == ""


def test_nothing_below_etc_can_be_written(sandboxed: Rig) -> None:
    """Where root runs this, directories that only root may read are empty ones."""
    written = sandboxed.sh("find /etc -type d -exec sh -c 'touch \"$1/x\" 2>/dev/null && echo \"$1\"' sh {} ';'")
    assert written == ""


def test_where_root_runs_it_commands_are_nobody_on_this_machine(sandboxed: Rig) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a sandbox two users")
    assert sandboxed.sh("cat /proc/self/uid_map").split() == ["0", "0", "1", "993", "65534", "1"]
    assert sandboxed.sh("ls -l /proc/1/exe /proc/1/cwd 2>&1 | grep -c 'Permission denied'") == "2\n"
    assert sandboxed.sh("kill -9 1 2>&1") == "bash: line 1: kill: (1) - Operation not permitted\n"
    # Its own descriptors it can open by path, as the shell's pipes need.
    assert sandboxed.sh("echo x | cat /proc/self/fd/0; : > /dev/stderr && echo open") == "x\nopen\n"


def test_a_function_that_is_not_public_has_one_user(session: boto3.Session, tmp_path: Path) -> None:
    """nobody could not read it."""
    (tmp_path / "index.py").write_text(HANDLER)
    (tmp_path / "index.py").chmod(0o600)
    with LocalEngine(Settings(tmp_path)) as engine:
        own = Rig(engine, session)
        assert own.invoke(1).value == 1
        if engine.isolation == "bwrap":
            assert own.sh("whoami; cat /proc/self/uid_map").split() == ["sbx_user1051", "993", str(os.geteuid()), "1"]
            # Nothing of the machine's stands there.
            assert own.sh("cat /proc/1/environ") == ""


def test_the_devices_are_few_and_the_kernel_is_out_of_reach(sandboxed: Rig) -> None:
    assert sandboxed.sh("ls /dev").split() == [
        "full", "null", "random", "stderr", "stdin", "stdout", "urandom", "zero",
    ]  # fmt: skip
    assert sandboxed.sh("echo x > /dev/null; head -c 3 /dev/zero | wc -c; cat /dev/stdin <<<y").split() == ["3", "y"]
    # As on Lambda: https://github.com/aws/aws-lambda-base-images/issues/132
    no_file = "cat: /dev/fd/63: No such file or directory\n"
    assert sandboxed.sh("cat <(echo y) 2>&1") == no_file
    assert sandboxed.sh("find /proc/sys /sys -maxdepth 4 -type f -writable 2>/dev/null | head -1") == ""
    assert sandboxed.sh("grep -c '^Cap...:.0*$' /proc/self/status") == "5\n"
    assert sandboxed.sh("cd /proc; ls -d [0-9]* | wc -l").strip() in ("4", "5", "6")


def test_the_limits_are_lambdas(sandboxed: Rig) -> None:
    assert sandboxed.sh("ulimit -n; ulimit -Hn; ulimit -u; ulimit -s; ulimit -c; ulimit -v").split() == [
        "1024", "1024", "742", "8192", "0", "unlimited",
    ]  # fmt: skip


def test_no_descriptor_of_the_engine_gets_in(lab: Rig) -> None:
    listed = lab.py("result = sorted(os.readlink(f'/proc/self/fd/{n}') for n in (0, 1, 2))").value
    assert listed[0] == "/dev/null"
    assert listed[1] == listed[2]
    assert listed[1].startswith("pipe:")
    extra = lab.py("result = [os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd') if int(n) > 2 "
                   "and os.path.exists(f'/proc/self/fd/{n}')]").value  # fmt: skip
    assert all(name.startswith(("socket:", "anon_inode:")) or "urandom" in name for name in extra), extra


def test_the_command_line_on_the_host_tells_nothing(lab: Rig) -> None:
    secret = lab.py("result = os.environ['AWS_LAMBDA_RUNTIME_API']").value.split("/")[1]
    assert not commands_with(secret)


def test_the_request_has_to_be_of_today(lab: Rig) -> None:
    request = signed(lab.endpoint, "POST", INVOKE, b"{}")
    stamp = time.strftime("%Y%m%dT", time.gmtime()).encode()
    assert exchange(lab.endpoint, request.replace(stamp, b"20200101T"))[:2] == (403, "InvalidSignatureException")


def test_without_a_sandbox_commands_start_in_a_copy_of_the_code(rig: Callable[..., Rig], lab_code: Path) -> None:
    task = Path(rig(isolation="none").py("result = os.getcwd()").value)
    assert not task.samefile(lab_code)
    assert {path.name for path in task.iterdir()} >= {"index.py"}
