"""A container image as the root of environments."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lambda_kernel.images.cache import Cache, Image
from lambda_kernel.images.pull import Puller
from lambda_kernel.local import EngineError, LocalEngine, RootImage, Settings
from lambda_kernel.local.host import Host
from lambda_kernel.local.image_root import MOUNT_POINTS
from lambda_kernel.local.runtime_files import find_runtime_files
from tests.support.container_image import build, file, layer, shell_layer, write_layout
from tests.support.engine_client import Rig

ENVIRONMENT = {"PATH": "/opt/python/bin:/bin", "GREETING": "hello you", "LANG": "C.UTF-8", "AWS_REGION": "elsewhere"}
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """One with a Python, and without a runtime client. It has an index.py of its own."""
    path = tmp_path_factory.mktemp("image")
    upper = layer(file("srv/app/index.py", b"raise SystemExit\n"), file("var/task/index.py", b"raise SystemExit\n"))
    built = build(
        shell_layer(), upper, environment=[f"{name}={value}" for name, value in ENVIRONMENT.items()],
        working_directory="/srv/app", compress=bytes,
    )  # fmt: skip
    layout = write_layout(path / "layout", {"one": built})
    found = Puller(Cache(path / "cache"), mount_points=MOUNT_POINTS).get(str(layout))
    yield found
    found.close()


def as_root(image: Image) -> RootImage:
    return RootImage(image.name, image.root, image.environment, image.working_directory)


@pytest.fixture(scope="module")
def in_image(image: Image, lab_code: Path, session: boto3.Session) -> Iterator[Rig]:
    with LocalEngine(Settings(lab_code, timeout_s=20, image=as_root(image))) as engine:
        yield Rig(engine, session)


@pytest.fixture
def lambda_root(image: Image, tmp_path: Path) -> Path:
    """A directory like AWS's images for Python: interpreter, client and code where AWS has them, nothing of ours."""
    root = tmp_path / "root"
    subprocess.run(["cp", "-al", image.root, root], check=True)
    for point in ("var/lambda-kernel", "tmp", "dev"):
        (root / point).rmdir()
    (root / "etc/hosts").unlink()
    (root / "var/lang").symlink_to("../opt/python")
    (root / "var/runtime").mkdir()
    for name, path in find_runtime_files().packages.items():
        if name != "bootstrap.py":
            (shutil.copytree if path.is_dir() else shutil.copy)(path, root / "var/runtime" / name)
    return root


def test_the_root_is_the_image(in_image: Rig) -> None:
    assert in_image.engine.isolation == "bwrap"
    assert in_image.sh(". /etc/os-release; echo $NAME; pwd; ls . /var/task") == (
        "Small Linux\n/srv/app\n.:\nindex.py\n\n/var/task:\nindex.py\n"
    )
    for refused in ("/x", "/srv/app/x", "/var/task/x", "/var/lambda-kernel/x", "/etc/passwd"):
        assert "Read-only" in in_image.sh(f"echo > {refused} 2>&1 || true; (echo > {refused}) 2>&1")
    assert in_image.sh("echo 1 > /tmp/x && cat /tmp/x; id -un") == "1\nsbx_user1051\n"
    mounts = [line.split()[1] for line in in_image.sh("cat /proc/mounts").splitlines()]
    assert mounts.count("/") == 1
    assert not [mount for mount in mounts if mount.startswith(("/bin", "/opt", "/var/task"))]
    assert in_image.sh("cat /etc/hosts") == "127.0.0.1 localhost localhost.localdomain\n"


def test_its_variables_hold_and_lambdas_come_in(in_image: Rig) -> None:
    variables = dict(line.split("=", 1) for line in in_image.sh("env").splitlines())
    assert {name: variables[name] for name in ("PATH", "GREETING", "LANG")} == {
        name: ENVIRONMENT[name] for name in ("PATH", "GREETING", "LANG")
    }
    assert (variables["AWS_REGION"], variables["LAMBDA_TASK_ROOT"], variables["PWD"]) == (
        "local",
        "/var/task",
        "/srv/app",
    )
    assert variables["TZ"] == ":UTC"
    assert not {"AWS_EXECUTION_ENV", "PYTHONPATH", "LD_LIBRARY_PATH", "LC_CTYPE", "HOME"} & variables.keys()


def test_our_runtime_client_serves_where_there_is_none(in_image: Rig) -> None:
    reply = in_image.py("import awslambdaric; result = [awslambdaric.__file__, sys.executable, context.aws_request_id]")
    assert reply.value == [
        "/var/lambda-kernel/runtime/awslambdaric/__init__.py", "/opt/python/bin/python3", reply.request_id,
    ]  # fmt: skip
    assert in_image.invoke({"deep": "ü" * 100_000}).value == {"deep": "ü" * 100_000}
    failed = in_image.py("raise ValueError('ü')")
    assert (failed.failed, failed.value["errorType"], failed.value["errorMessage"]) == (True, "ValueError", "ü")
    assert in_image.py("os._exit(3)").value["errorType"] == "Runtime.ExitError"
    assert in_image.py("result = 7").value == 7


def test_our_runtime_client_loads_no_more_than_awss(in_image: Rig) -> None:
    loaded = in_image.py("import json; result = sorted({'email', 'http.client', 'ssl'} & sys.modules.keys())").value
    assert loaded == []


def test_what_the_api_says_of_it(in_image: Rig, image: Image) -> None:
    found = in_image.client.get_function(FunctionName="shell")
    assert (found["Configuration"]["PackageType"], found["Code"]["ImageUri"]) == ("Image", image.name)
    assert not {"Runtime", "Handler"} & found["Configuration"].keys()


def test_a_directory_like_awss_images(lambda_root: Path, rig: Callable[..., Rig]) -> None:
    before = sorted(str(path) for path in lambda_root.rglob("*"))
    made = rig(image=RootImage(str(lambda_root), lambda_root))
    about = "awslambdaric.__file__, sys.executable, os.getcwd(), os.environ['AWS_EXECUTION_ENV']"
    reply = made.py(f"import awslambdaric; result = [{about}]")
    assert reply.value == [
        "/var/runtime/awslambdaric/__init__.py", "/var/lang/bin/python3", "/var/task", f"AWS_Lambda_{PYTHON}",
    ]  # fmt: skip
    assert made.sh("ls /var; cat /etc/hosts; (echo > /x) 2>&1; echo 1 > /tmp/x") == (
        "lambda-kernel\nlang\nruntime\ntask\n127.0.0.1 localhost localhost.localdomain\n"
        "bash: line 1: /x: Read-only file system\n"
    )
    failing = rig(source="raise ImportError('of mine')", image=RootImage("an image", lambda_root))
    assert failing.invoke({}).value["errorMessage"].endswith(": of mine")
    # It is the user's, and nothing was written to it.
    assert sorted(str(path) for path in lambda_root.rglob("*")) == before


def refusal(settings: Settings, **parameters: Any) -> str:
    with pytest.raises(EngineError) as caught:
        LocalEngine(settings, **parameters).start()
    return str(caught.value)


BROKEN = {
    "#!/bin/bash\necho 3 9\n": "python3 is 3.9",
    "#!/nowhere\n": "python3 does not run: bwrap: execvp",
    "#!/bin/bash\necho broken >&2; exit 1\n": "python3 does not run: broken",
    "#!/bin/bash\necho 3\n": "python3 does not run: it says nothing",
}


def test_this_machines_python_serves_where_there_is_none(lambda_root: Path, rig: Callable[..., Rig]) -> None:
    python = lambda_root / "opt/python/bin" / PYTHON
    python.unlink()
    if static := shutil.which("bash-static"):  # so that the image needs no C library, and has no loader
        shutil.rmtree(lambda_root / "lib64")
        (lambda_root / "bin/bash").unlink()
        shutil.copy(static, lambda_root / "bin/bash")
    for text in (None, next(iter(BROKEN))):
        if text:
            python.write_text(text)
            python.chmod(0o755)
        made = rig(image=RootImage("mine:1", lambda_root, {"PATH": "/bin", "PYTHONHOME": "/nowhere"}))
        reply = made.py("result = [sys.executable, sys.version.split()[0], os.environ.get('AWS_EXECUTION_ENV')]")
        assert reply.value == [f"/var/lambda-kernel/host/python/bin/{PYTHON}", platform.python_version(), None]
        assert made.invoke({"deep": "ü" * 10_000}).value == {"deep": "ü" * 10_000}
        assert made.sh("echo $BASH $PATH $PYTHONHOME") == "/bin/bash /bin /nowhere\n"


def test_what_an_image_lacks_is_one_sentence(lambda_root: Path, lab_code: Path, tmp_path: Path) -> None:
    settings = Settings(lab_code, image=RootImage("mine:1", lambda_root))
    files = find_runtime_files()
    script = tmp_path / "python3"
    script.write_text("#!/bin/sh")
    alone = Host(find_files=lambda: replace(files, python=script))  # none that could be brought in
    python = lambda_root / "opt/python/bin" / PYTHON
    python.unlink()
    for text, message in {**BROKEN, "": "it has none"}.items():
        python.unlink(missing_ok=True)
        if text:
            python.write_text(text)
            python.chmod(0o755)
        refused = refusal(settings, host=alone)
        assert refused.startswith("the image mine:1 has no Python 3.10 or newer, which the shell needs (")
        assert message in refused
        assert refused.endswith("add one to it, or choose an image such as public.ecr.aws/lambda/python:3.14")
    (lambda_root / "bin/bash").unlink()
    assert "the image mine:1 has no bash on its PATH: add one" in refusal(settings)


def test_an_image_needs_a_sandbox(image: Image, lab_code: Path) -> None:
    settings = Settings(lab_code, image=as_root(image))
    way_out = "install bubblewrap, allow user namespaces, or leave the image out"
    assert refusal(settings, host=Host(find_bwrap=lambda: None)).endswith(
        f"bubblewrap, which is not installed: {way_out}"
    )
    assert "bubblewrap, which does not work here" in refusal(settings, host=Host(find_bwrap=lambda: "/bin/false"))
    without = Settings(lab_code, image=as_root(image), isolation="none")
    assert "bubblewrap, which is off" in refusal(without)


def test_an_image_that_is_removed_while_it_is_used(lambda_root: Path, rig: Callable[..., Rig]) -> None:
    made = rig(image=RootImage("mine:1", lambda_root))
    assert made.sh("echo still here") == "still here\n"
    shutil.rmtree(lambda_root)
    # The environment that runs has lost its files; a new one is not begun.
    made.py("os._exit(1)")
    with pytest.raises(ClientError, match=r"the image mine:1 is no longer at .*: it was removed while it was in use"):
        made.invoke({})
