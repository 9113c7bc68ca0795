"""The kernel where it has no emulator of its own, as on macOS: `lambda-kernel local` stands in for the container."""

from __future__ import annotations

import json
import re
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from lambda_kernel.cli import build_parser, main
from lambda_kernel.kernelspec import Options, build_argv
from tests.support.engine_process import local_engine
from tests.support.kernel_client import notebook

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does")
def test_a_kernel_on_an_emulator_that_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://localhost:{port}"  # not the one that the emulator names: as if another port had been published
    inside = ("--bind", "0.0.0.0", "--i-know-this-listens-beyond-loopback", "--port", str(port))
    kernel, file = ["--prefix", str(tmp_path), "--name", "box"], tmp_path / "line.json"

    def install(line: dict[str, str]) -> None:
        file.write_text(json.dumps(line))
        assert main(["install", *kernel, "--endpoint-url", url, "--credentials", str(file)]) == 0
        file.unlink()

    with ExitStack() as first:
        line = first.enter_context(local_engine(*inside))
        install(line)
        spec = (tmp_path / "share/jupyter/kernels/box/kernel.json").read_text()
        options = json.loads(spec)["argv"][len(build_argv([sys.executable, "-m", "lambda_kernel"], Options())) :]
        with notebook(*options) as book:
            shown = book.run("x=5; echo $((6 * 7))")
            assert (shown.out, shown.error) == ("42\n", None)
            status = book.run("%status --verbose")
            assert f"shell, local, {url}" in status.out
            told = [repr(shown), repr(status), spec, capsys.readouterr().out]
            assert not [text for text in told if line["secret_access_key"] in text or line["access_key_id"] in text]

            first.close()
            with local_engine(*inside) as another:
                refused = book.run("echo never").error
                assert refused is not None
                assert "does not accept the credentials" in refused[1]
                assert "`lambda-kernel install --credentials` keeps them" in refused[1]
                install(another)
                assert book.run("echo $x").out == "5\n"

    [stored] = (tmp_path / "data/lambda-kernel/endpoints").iterdir()
    stored.chmod(0o644)
    with notebook(*options) as book:
        refused = book.run("echo never").error
        assert refused is not None
        assert re.match(r"others can read the credentials in .*\.json: run `chmod 600 ", refused[1])
        assert main(["uninstall", *kernel]) == 0
        assert not stored.exists()
        refused = book.run("echo never").error
        assert refused is not None
        assert refused[1].startswith(f"no credentials are stored for {url}: run `lambda-kernel install --credentials")


def test_the_containers_command_is_one_that_there_is() -> None:
    """Where there is no container program, this much can be said of its recipe: of what it copies, and what it runs."""
    recipe = (ROOT / "Containerfile").read_text().replace("\\\n", "")
    copied = [line.split()[1:-1] for line in recipe.splitlines() if line.startswith("COPY ")]
    sources = [source for line in copied for source in line]
    assert [source for source in sources if not (ROOT / source).exists()] == []
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")]
    assert sorted(let_in) == sorted(sources)
    [words] = [json.loads(line.partition(" ")[2]) for line in recipe.splitlines() if line.startswith("ENTRYPOINT ")]
    assert words[:3] == ["tini", "--", "/opt/lambda-kernel/bin/lambda-kernel"]
    options = build_parser().parse_args(words[3:])
    assert (options.bind, options.consent, options.json) == ("0.0.0.0", True, True)
    assert str(options.port) in re.findall(r"^EXPOSE (\d+)$", recipe, re.MULTILINE)


def test_the_devcontainers_command_is_the_one_that_sets_everything_up() -> None:
    devcontainer = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    [set_up] = re.findall(r"^(\[ -x .*) && \.venv/bin/pytest$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert devcontainer["postCreateCommand"] == set_up
