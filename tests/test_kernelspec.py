"""Kernelspecs on disk: what is written, where Jupyter finds it, and that nothing foreign is touched."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from lambda_kernel import JUPYTER_PROTOCOL, kernelspec
from lambda_kernel.errors import KernelspecError
from lambda_kernel.kernelspec import Options

SHIPPED = Path(__file__).parent.parent / "kernelspec"
LAUNCHER = ["/usr/bin/python3", "-m", "lambda_kernel"]
SPEC = kernelspec.build_spec(LAUNCHER, Options())


def manager(kernels: Path) -> KernelSpecManager:
    """Return a manager that finds kernels in one directory only."""
    return KernelSpecManager(kernel_dirs=[str(kernels)], ensure_native_kernel=False)


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def foreign_kernel(directory: Path, spec: Any) -> Path:
    directory.mkdir(parents=True)
    (directory / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    return directory


def test_the_shipped_kernelspec_is_the_one_that_the_code_builds() -> None:
    shipped = json.loads((SHIPPED / "kernel.json").read_bytes())
    assert shipped == kernelspec.build_spec(kernelspec.WHEEL_LAUNCHER, Options())
    assert kernelspec.is_ours(SHIPPED)


def test_the_shipped_kernelspec_is_the_contract() -> None:
    shipped = KernelSpecManager().kernel_spec_class.from_resource_dir(str(SHIPPED))
    assert shipped.display_name == "AWS Lambda shell"
    assert shipped.language == "bash"
    assert shipped.interrupt_mode == "message"
    assert shipped.metadata["debugger"] is False
    assert json.loads((SHIPPED / "kernel.json").read_bytes())["kernel_protocol_version"] == JUPYTER_PROTOCOL


@pytest.mark.parametrize("side", [32, 64])
def test_the_logos_have_their_sizes(side: int) -> None:
    header = (SHIPPED / f"logo-{side}x{side}.png").read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    assert (int.from_bytes(header[16:20], "big"), int.from_bytes(header[20:24], "big")) == (side, side)


def test_options_are_kept_in_the_command_and_in_the_metadata() -> None:
    options = Options("shell", "eu-west-1", "work", "http://127.0.0.1:4566")
    spec = kernelspec.build_spec(LAUNCHER, options)
    assert spec["argv"] == [
        *LAUNCHER,
        "-f",
        "{connection_file}",
        "--log-level=ERROR",
        "--LambdaKernel.function=shell",
        "--LambdaKernel.region=eu-west-1",
        "--LambdaKernel.profile=work",
        "--LambdaKernel.endpoint_url=http://127.0.0.1:4566",
    ]
    assert spec["metadata"]["lambda_kernel"] == {
        "function": "shell",
        "region": "eu-west-1",
        "profile": "work",
        "endpoint_url": "http://127.0.0.1:4566",
    }


@pytest.mark.parametrize(
    ("options", "display_name"),
    [
        (Options(), "AWS Lambda shell"),
        (Options("shell"), "AWS Lambda shell (shell)"),
        (Options("shell", "eu-west-1"), "AWS Lambda shell (shell, eu-west-1)"),
        (Options("shell", endpoint_url="http://127.0.0.1:1"), "AWS Lambda shell (shell, http://127.0.0.1:1)"),
        (Options("arn:aws:lambda:eu-west-1:123456789012:function:shell:live"), "AWS Lambda shell (shell:live)"),
    ],
)
def test_the_display_name_tells_kernels_apart(options: Options, display_name: str) -> None:
    assert kernelspec.build_spec(LAUNCHER, options)["display_name"] == display_name
    assert kernelspec.build_spec(LAUNCHER, options, "Mine")["display_name"] == "Mine"


@pytest.mark.parametrize("name", ["lambda", "lambda-2", "a.b_c-3", "0"])
def test_a_name_that_jupyter_lists(name: str, tmp_path: Path) -> None:
    kernelspec.install(tmp_path / kernelspec.check_name(name), SPEC)
    assert list(manager(tmp_path).find_kernel_specs()) == [name]


@pytest.mark.parametrize("name", ["", ".", "..", ".lambda", "Lambda", "two words", "a/b", "../x", "λ", "-x", "x\n"])
def test_a_name_that_jupyter_would_not_list(name: str) -> None:
    with pytest.raises(KernelspecError, match="lower-case letters"):
        kernelspec.check_name(name)


def test_an_installed_kernelspec_is_whole(tmp_path: Path) -> None:
    directory = tmp_path / "share" / "kernels" / "lambda"
    assert not kernelspec.install(directory, SPEC)
    assert set(contents(directory)) == set(contents(SHIPPED))
    found = manager(directory.parent).get_kernel_spec("lambda")
    assert found.argv == SPEC["argv"]
    assert kernelspec.is_ours(directory)


def test_several_lie_side_by_side(tmp_path: Path) -> None:
    for name in ("one", "two"):
        kernelspec.install(tmp_path / name, kernelspec.build_spec(LAUNCHER, Options(name)))
    specs = manager(tmp_path).get_all_specs()
    assert {name: spec["spec"]["display_name"] for name, spec in specs.items()} == {
        "one": "AWS Lambda shell (one)",
        "two": "AWS Lambda shell (two)",
    }


def test_ours_is_replaced_and_what_the_user_added_is_kept(tmp_path: Path) -> None:
    kernelspec.install(tmp_path / "lambda", SPEC)
    (tmp_path / "lambda" / "kernel.js").write_text("// the user's", encoding="utf-8")
    assert kernelspec.install(tmp_path / "lambda", kernelspec.build_spec(LAUNCHER, Options("shell")))
    assert manager(tmp_path).get_kernel_spec("lambda").display_name == "AWS Lambda shell (shell)"
    assert (tmp_path / "lambda" / "kernel.js").exists()


FOREIGN = [
    {"argv": ["bash"], "display_name": "AWS Lambda shell", "language": "bash"},
    {"argv": [], "metadata": {"lambda": {}}},
    {"metadata": ["lambda_kernel"]},
    ["lambda_kernel"],
    None,
]


@pytest.mark.parametrize("spec", FOREIGN)
def test_a_foreign_kernel_is_left_alone(spec: Any, tmp_path: Path) -> None:
    foreign_kernel(tmp_path / "lambda", spec)
    before = contents(tmp_path)
    with pytest.raises(KernelspecError, match=r"not lambda-kernel's.*--name"):
        kernelspec.install(tmp_path / "lambda", SPEC)
    with pytest.raises(KernelspecError, match=r"not lambda-kernel's.*jupyter kernelspec remove lambda"):
        kernelspec.uninstall("lambda", [tmp_path])
    assert contents(tmp_path) == before


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000])
def test_an_unreadable_kernel_is_foreign(text: bytes, tmp_path: Path) -> None:
    directory = foreign_kernel(tmp_path / "lambda", None)
    (directory / "kernel.json").write_bytes(text)
    assert not kernelspec.is_ours(directory)


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "lambda").write_text("a file", encoding="utf-8")
    with pytest.raises(KernelspecError, match="not lambda-kernel's"):
        kernelspec.install(tmp_path / "lambda", SPEC)
    with pytest.raises(KernelspecError, match=re.escape(f"cannot write to {tmp_path / 'lambda'}")):
        kernelspec.install(tmp_path / "lambda" / "kernels" / "lambda", SPEC)
    assert (tmp_path / "lambda").read_text(encoding="utf-8") == "a file"


def test_uninstall_removes_ours_wherever_it_is(tmp_path: Path) -> None:
    here, there, foreign = tmp_path / "here", tmp_path / "there", tmp_path / "foreign"
    foreign_kernel(foreign / "lambda", {})
    for kernels in (here, there):
        kernelspec.install(kernels / "lambda", SPEC)
        kernelspec.install(kernels / "other", SPEC)
    removed = kernelspec.uninstall("lambda", [tmp_path / "absent", foreign, here, there])
    assert removed == [here / "lambda", there / "lambda"]
    assert sorted(path.name for path in tmp_path.glob("*/*")) == ["lambda", "other", "other"]


def test_uninstall_keeps_what_the_user_added(tmp_path: Path) -> None:
    kernelspec.install(tmp_path / "lambda", SPEC)
    (tmp_path / "lambda" / "kernel.js").write_text("// the user's", encoding="utf-8")
    assert kernelspec.uninstall("lambda", [tmp_path]) == [tmp_path / "lambda"]
    assert list(contents(tmp_path)) == ["lambda/kernel.js"]
    assert manager(tmp_path).find_kernel_specs() == {}


def test_uninstall_of_a_link_removes_the_link_only(tmp_path: Path) -> None:
    kernelspec.install(tmp_path / "real" / "lambda", SPEC)
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / "lambda").symlink_to(tmp_path / "real" / "lambda")
    kernelspec.uninstall("lambda", [tmp_path / "kernels"])
    assert list((tmp_path / "kernels").iterdir()) == []
    assert kernelspec.is_ours(tmp_path / "real" / "lambda")


def test_uninstall_of_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(KernelspecError, match=r"no kernel named 'lambda'.*jupyter kernelspec list"):
        kernelspec.uninstall("lambda", [tmp_path])


def test_the_three_places(tmp_path: Path) -> None:
    assert kernelspec.kernels_directory() == Path(sys.prefix) / "share" / "jupyter" / "kernels"
    assert kernelspec.kernels_directory(prefix=str(tmp_path)) == tmp_path / "share" / "jupyter" / "kernels"
    assert kernelspec.kernels_directory(user=True).is_relative_to(Path.home())
    for place in (kernelspec.kernels_directory(), kernelspec.kernels_directory(user=True)):
        assert place in kernelspec.searched_directories()
