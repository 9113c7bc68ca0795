"""The 2018 article's loop, as published, and our function: on the local emulator, and on a third party's Lambda."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from lambda_kernel.function import index
from lambda_kernel.local import LocalEngine, Settings
from tests.support.aws_cli import TENANT_ID, VERSIONS, AwsCli, aws_cli
from tests.support.engine_process import environ_for, local_engine
from tests.support.ministack import REGION, delete, deploy, ministack

# What awslambdaric says before the first invocation where Python is one that Lambda has as a preview (3.15 at first).
PREVIEW = r"(?:\[WARNING\]\t\S+\t\tLAMBDA_WARNING: [^\n]*\n)?"
LOOP = Path(__file__).parents[1] / "article" / "loop.sh"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does")
each_version = pytest.mark.parametrize("version", VERSIONS)


def looped(typed: str, environ: dict[str, str], loop: Path = LOOP) -> list[str]:
    """What the loop prints for each line that is typed."""
    ran = subprocess.run(["bash", loop], input=typed, env=environ, capture_output=True, text=True, check=True)
    return ran.stdout.split("> ")[1:]


def for_a_tenant(directory: Path) -> Path:
    """The loop with all that tenant isolation adds to it."""
    loop = directory / "loop.sh"
    loop.write_text(LOOP.read_text().replace("lambda invoke ", "lambda invoke --tenant-id me ", 1))
    return loop


def for_tenants(version: int) -> AwsCli:
    cli = aws_cli(version)
    if not cli.knows(TENANT_ID):
        pytest.skip(f"needs --tenant-id, which version {'.'.join(map(str, cli.version))} of the AWS CLI lacks")
    return cli


@pytest.fixture(scope="module")
def engine() -> Iterator[dict[str, str]]:
    with local_engine() as made:
        yield made


@each_version
def test_the_loop_prints_what_the_article_shows(tmp_path: Path, engine: dict[str, str], version: int) -> None:
    environ = {**environ_for(engine), **aws_cli(version).variables(tmp_path)}
    release, failed, end = looped("cat /etc/os-release\nfalse\nexit\n", environ)
    for text, command in ((release, "cat /etc/os-release"), (failed, "false")):
        request = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
        stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
        lines = re.fullmatch(
            rf"\n{PREVIEW}START RequestId: ({request}) Version: \$LATEST\n"
            rf"{stamp}\t\1\t\{{ cmd: '{command}' \}}\n"
            rf"{stamp}\t\1\t(?P<out>.*)\n"
            rf"END RequestId: \1\n"
            rf"REPORT RequestId: \1\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t"
            rf"Max Memory Used: \d+ MB\t(Init Duration: [\d.]+ ms\t)?\n\n",
            text,
            re.DOTALL,
        )
        assert lines, text
    assert "NAME=" in release
    assert end == ""


@each_version
def test_the_loop_where_tenants_are_isolated(tmp_path: Path, version: int) -> None:
    """On the local emulator, which refuses as Lambda does what comes without a tenant id."""
    cli = for_tenants(version)
    engine = LocalEngine(Settings(code=Path(index.__file__).parent, tenancy=True))
    try:
        environ = {**environ_for(asdict(engine.start())), **cli.variables(tmp_path)}
        free, end = looped("free\nexit\n", environ, for_a_tenant(tmp_path))
        without, _ = looped("free\nexit\n", environ)
    finally:
        engine.close()
    assert "Mem:" in free
    assert "\nREPORT RequestId: " in free
    assert (end, without.strip()) == ("", "")


@each_version
def test_what_else_a_version_needs(tmp_path: Path, engine: dict[str, str], version: int) -> None:
    """Version 2 the payload's format and a region, which it may find in AWS_REGION; version 1 not there."""
    environ = {**environ_for(engine), **aws_cli(version).variables(tmp_path)}
    elsewhere = dict(environ)
    elsewhere["AWS_REGION"] = elsewhere.pop("AWS_DEFAULT_REGION")
    by_another_name, _ = looped("free\nexit\n", elsewhere)
    Path(environ["AWS_CONFIG_FILE"]).unlink()
    plain, _ = looped("free\nexit\n", environ)
    assert ["Mem:" in shown for shown in (plain, by_another_name)] == [version == 1, version == 2]


@pytest.fixture(scope="module")
def third_party() -> Iterator[str]:
    with ministack() as url:
        yield url


@pytest.fixture(scope="module", params=[False, True])
def elsewhere(third_party: str, request: pytest.FixtureRequest) -> Iterator[tuple[str, bool]]:
    """ministack with the function of our template, and whether tenants are isolated."""
    deploy(third_party, "--tenant-isolation" if request.param else "--no-tenant-isolation")
    yield third_party, request.param
    delete(third_party)


@each_version
def test_the_loop_on_ministack(tmp_path: Path, elsewhere: tuple[str, bool], version: int) -> None:
    """Its log has the function's own lines only, without the last line end, and it takes a tenant id without heeding
    it."""
    url, isolated = elsewhere
    cli = for_tenants(version) if isolated else aws_cli(version)
    environ = {**os.environ, "AWS_ENDPOINT_URL_LAMBDA": url, "AWS_DEFAULT_REGION": REGION}
    environ |= cli.variables(tmp_path)
    loop = for_a_tenant(tmp_path) if isolated else LOOP
    free, failed, end = looped("free\nls /nowhere\nexit\n", environ, loop)
    prefix = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t\S+\t"
    assert re.fullmatch(rf"\n{prefix}{{ cmd: 'free' }}\n{prefix} *total[^\0]*Mem:[^\t]*\n\n", free), free
    assert re.fullmatch(rf"\n{prefix}{{ cmd: 'ls /nowhere' }}\n{prefix}\n{prefix}ls: [^\t]*/nowhere[^\t]*\n", failed), (
        failed
    )
    assert end == ""
