"""Notebooks as text (jupytext), and pages whose code is run (MyST), with our magics in them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.support.installed_kernel import surroundings
from tests.support.jupyterlab import jupyterlab

CELLS = [
    *("%top -n 2", "%%watch -n 0.5 -c 3\ndate +%T", "%timeout 5\nfor i in 1 2; do\n\n  echo $i\ndone", "%1"),
    *("%%writefile /tmp/x\n%not a magic", "!ls\nls?"),
    *("cat <<END\n# no heading\n\ntext\nEND", "# %top in a comment\necho a"),
    *("%env X=1", "%%fleet 3 --map -\necho $FLEET_ITEM\n--\na\nb", "%help # all\n# text\n%status"),
]  # fmt: skip
MYST = Path(sys.executable).with_name("myst")


@pytest.mark.parametrize("form", ["sh:percent", "sh:light", "md", "md:myst"])
def test_cells_are_the_same_after_jupytext(form: str) -> None:
    jupytext = pytest.importorskip("jupytext")
    spec = {"name": "lambda", "display_name": "AWS Lambda shell", "language": "bash"}
    made = nbformat.v4.new_notebook(metadata={"kernelspec": spec})
    made.cells = [nbformat.v4.new_markdown_cell("# Title"), *map(nbformat.v4.new_code_cell, CELLS)]
    made.cells[-1].metadata.tags = ["parameters"]
    read = jupytext.reads(jupytext.writes(made, form), form)
    assert [(cell.cell_type, cell.source) for cell in read.cells] == [
        ("markdown", "# Title"),
        *(("code", cell) for cell in CELLS),
    ]
    assert read.cells[-1].metadata.tags == ["parameters"]
    assert read.metadata.kernelspec == spec


PAGE = """\
---
kernelspec:
  name: lambda
  display_name: AWS Lambda shell
---

```{code-cell} bash
echo six times seven is $((6 * 7))
```

```{code-cell} bash
%environment
```
"""


@pytest.mark.skipif(not MYST.exists() or not shutil.which("node"), reason="needs MyST (the wheel mystmd) and Node")
@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does")
@pytest.mark.timeout(120)
def test_myst_runs_the_cells_of_a_page(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(PAGE, "utf-8")
    (tmp_path / "myst.yml").write_text("version: 1\nproject:\n  title: test\n", "utf-8")
    environ = surroundings(tmp_path)
    with jupyterlab(tmp_path, environ) as url:
        # It would ask npm's registry for a newer release of itself.
        more = {"JUPYTER_BASE_URL": url, "JUPYTER_TOKEN": "none", "npm_config_registry": "http://127.0.0.1:9/"}
        command = [str(MYST), "build", "page.md", "--md", "--execute"]
        ran = subprocess.run(command, env=environ | more, cwd=tmp_path, capture_output=True, text=True, check=False)
    kept = list(tmp_path.glob("_build/execute/*.ipynb"))
    assert kept, ran.stdout + ran.stderr
    text = kept[0].read_text("utf-8")
    assert "six times seven is 42" in text
    assert "lambda_environment" in text
