"""Other people's programs that run notebooks, on the kernel as it is installed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.support.installed_kernel import surroundings

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does"),
    pytest.mark.timeout(120),
]
NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
LANGUAGE = nbformat.read(NOTEBOOKS[0], as_version=4).metadata.language_info  # as a run writes it
RUNNERS = {
    "nbconvert": ["jupyter", "nbconvert", "--to", "notebook", "--execute", "--inplace", "{}"],
    "jupyter execute": ["jupyter", "execute", "--inplace", "{}"],
    "papermill": ["papermill", "{}", "{}"],
}


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return surroundings(tmp_path_factory.mktemp("prefix"))


def write(path: Path, *cells: str) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": {"name": "lambda", "display_name": "AWS Lambda shell", "language": "bash"}},
    )
    nbformat.write(notebook, path)


def run(runner: str, path: Path, environ: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    return command([word.replace("{}", str(path)) for word in RUNNERS[runner]] + list(options), environ, path.parent)


def command(words: list[str], environ: dict[str, str], directory: Path) -> subprocess.CompletedProcess[str]:
    """Once more, where another process took a port that jupyter_client had chosen for the kernel."""
    while True:
        ran = subprocess.run(words, env=environ, cwd=directory, capture_output=True, text=True, check=False)
        if "zmq.error.ZMQError: Address already in use" not in ran.stderr:
            return ran


def outputs(path: Path) -> list[list[Any]]:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]


def errors(path: Path) -> list[list[str]]:
    return [[output.ename for output in cell if output.output_type == "error"] for cell in outputs(path)]


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_notebook_is_run_and_saved_with_its_metadata(runner: str, environ: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    write(path, "cd /tmp; x=5", "echo $x; pwd; cat")
    ran = run(runner, path, environ)
    assert ran.returncode == 0, ran.stderr
    assert nbformat.read(path, as_version=4).metadata.language_info == LANGUAGE
    first, second = outputs(path)[-2:]
    assert [output.text for output in second if output.output_type == "stream"] == ["5\n/tmp\n"]
    [notice] = [output for output in second if "lambda_notice" in output.get("metadata", {})]
    assert (notice.output_type, notice.metadata) == ("display_data", {"lambda_notice": "input-ended"})
    for shown in (first[-1], second[-1]):
        assert shown.metadata["lambda"]["memory_size_mb"] == 128
        assert shown.data["text/plain"].endswith("local")


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_failing_cell_ends_the_run(runner: str, environ: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    write(path, "exit 3", "echo went on")
    ran = run(runner, path, environ)
    assert ran.returncode != 0
    assert "exit code 3" in ran.stderr + ran.stdout
    assert "went on\n" not in ran.stderr + ran.stdout


def test_a_run_may_go_on_over_a_failing_cell(environ: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    write(path, "x=kept", "false", "%nosuch", "echo $x")
    ran = run("jupyter execute", path, environ, "--allow-errors")
    assert ran.returncode == 0, ran.stderr
    assert errors(path) == [[], ["ExitCode"], ["UsageError"], []]
    assert outputs(path)[3][0].text == "kept\n"


def test_papermill_sets_parameters(environ: dict[str, str], tmp_path: Path) -> None:
    """It writes them as bash, by the language that the kernelspec names."""
    path = tmp_path / "a.ipynb"
    write(
        path,
        "count=1; name=nobody; wanted=false; list=(); rate=0.5; nothing=x\ndeclare -A map=()  # names",
        'printf "%s|" "$((count + 1))" "$name" "$wanted" "${list[@]}" "$rate" "$nothing" "${map[a b]}" "${map[deep]}"',
    )
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].metadata.tags = ["parameters"]
    nbformat.write(notebook, path)
    name = 'it\'s $HOME \\ "ü" `id`'
    more = "{wanted: true, list: [a b, '*', null], rate: 1.5, nothing: null, map: {a b: c d, deep: [1, true]}}"
    ran = run("papermill", path, environ, "-p", "count", "41", "-p", "name", name, "-p", "typo", "41", "-y", more)
    assert ran.returncode == 0, ran.stderr
    assert outputs(path)[-1][0].text == f"42|{name}|true|a b|*||1.5||c d|[1, true]|"
    assert re.findall(r"Passed unknown parameter: (\w+)", ran.stderr) == ["typo"]


def test_jupyter_run_takes_scripts(environ: dict[str, str], tmp_path: Path) -> None:
    """One kernel runs them one after the other. Their client says that it can be asked, and fails when it is."""
    scripts = {
        "loop.sh": "cd /tmp\nfor i in 1 2; do\n  echo $i in $PWD\ndone\n",
        "long.sh": "%limit 1k 8\nseq 99; printf end\n",
        "read.sh": 'read -p "Name? " x; echo "$? <$x>"\ncat\n',
        "fail.sh": "echo why >&2; exit 3\n",
    }
    for name, text in scripts.items():
        (tmp_path / name).write_text(text)
    ran = command(["jupyter", "run", "--kernel", "lambda", *scripts], environ, tmp_path)
    assert ran.stdout.startswith("1 in /tmp\n2 in /tmp\n")
    left_out = r"\[91 lines, .* left out: show more with %limit, or keep all with %%output FILE\]"
    assert re.search(rf"\n7\n{left_out}\n99\nend\n[\d.]+ ms .* local\n", ran.stdout)
    assert "1 <>\n" in ran.stdout
    assert "the command read stdin, but there is no input" in ran.stdout
    assert ran.stderr.startswith("why\n")
    assert "exit code 3" in ran.stderr
    assert "jupyter-run error running 'fail.sh'" in ran.stderr
    assert ran.returncode != 0


def test_a_notebook_is_exported_as_a_shell_script(tmp_path: Path) -> None:
    from nbconvert import ScriptExporter  # it takes long: not while tests are collected

    path = tmp_path / "a.ipynb"
    write(path, "x=5", "echo $((x + 1))")
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.language_info = LANGUAGE
    script, resources = ScriptExporter().from_notebook_node(notebook)
    assert resources["output_extension"] == ".sh"
    assert subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout == b"6\n"


def test_the_notebooks_run(environ: dict[str, str], tmp_path: Path) -> None:
    """In one program, which takes long to load."""
    copies = [tmp_path / path.name for path in NOTEBOOKS]
    for path, copy in zip(NOTEBOOKS, copies, strict=True):
        copy.write_bytes(path.read_bytes())
    ran = command([*RUNNERS["nbconvert"][:-1], *map(str, copies)], environ, tmp_path)
    assert ran.returncode == 0, ran.stderr
    for path, copy in zip(NOTEBOOKS, copies, strict=True):
        assert [len(cell) > 0 for cell in outputs(path)] == [len(cell) > 0 for cell in outputs(copy)], path
        assert errors(path) == errors(copy), path


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebooks_say_where_they_ran_and_nothing_of_that_machine(path: Path) -> None:
    text = path.read_text("utf-8")
    assert "saved outputs come from the local emulator" in " ".join(nbformat.reads(text, 4).cells[0].source.split())
    assert not re.search(r"/home/|/root/|/Users/|site-packages|Traceback", text)
