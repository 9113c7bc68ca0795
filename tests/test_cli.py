"""The `lambda-kernel` command as a user runs it: a process, its exit code and what it prints."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from jupyter_client.kernelspec import KernelSpecManager

from lambda_kernel import __version__
from lambda_kernel.cli import build_parser
from lambda_kernel.local.settings import Endpoint, Settings
from tests.support.command_line import lambda_kernel
from tests.support.container_image import build, file, layer
from tests.support.engine_client import make_client
from tests.support.engine_process import local_engine
from tests.support.registry import serve_registry

HELP = {
    "": """
        usage: lambda-kernel [-h] [--version] COMMAND ...

        AWS Lambda shell: a Jupyter kernel whose cells run inside Lambda.

        options:
          -h, --help  show this help message and exit
          --version   show program's version number and exit

        commands:
          COMMAND
            install   register a kernel with Jupyter
            uninstall remove a kernel from Jupyter
            demo      write a first notebook to run
            run       run shell text, for scripts and CI
            local     run the local emulator by itself
            images    list, update and remove pulled container images
            metadata  print the figures of saved notebooks
            compare   run a notebook on several targets
            template  print the CloudFormation template
            deploy    create or update the function on AWS
            status    show the functions on AWS
            delete    delete the function on AWS

        `lambda-kernel COMMAND --help` describes a command's options.
        """,
    "install": """
        usage: lambda-kernel install [-h] [--name N] [--display-name D] [--user | --sys-prefix | --prefix P]
                                     [--function F] [--region R] [--profile P] [--endpoint-url U]
                                     [--credentials FILE] [--network N] [--memory MB] [--storage MB] [--cpu C]
                                     [--image I]

        Register a kernel with Jupyter. Without --function, it runs cells on the local emulator.

        options:
          -h, --help        show this help message and exit
          --name N          name of the kernel (default: lambda)
          --display-name D  name shown by front ends (default: AWS Lambda shell)

        location (default: the environment where lambda-kernel is installed):
          --user            for you, in every environment
          --sys-prefix      for this Python environment
          --prefix P        in share/jupyter/kernels below this directory

        the function to use (kept in the kernelspec):
          --function F      name or ARN of the Lambda function
          --region R        AWS region of the function
          --profile P       AWS profile whose credentials are used
          --endpoint-url U  URL of a Lambda endpoint other than AWS's
          --credentials FILE
                            what `lambda-kernel local --json` printed (-: standard input); it is
                            kept in a file of yours

        the local emulator instead of a function (kept in the kernelspec):
          --network N       network of its environments: host (default), none or nat
          --memory MB       memory of the function in MB, 128 to 10240 (default: 128)
          --storage MB      size of /tmp in MB, 512 to 10240 (default: 512)
          --cpu C           share of the CPU: host (default) is all of this machine's, lambda as much as Lambda gives
                            for the memory
          --image I         container image as the root of its environments, such as ./image.tar
        """,
    "uninstall": """
        usage: lambda-kernel uninstall [-h] [--name N] [--user | --sys-prefix | --prefix P]

        Remove a kernel that this package registered.

        options:
          -h, --help    show this help message and exit
          --name N      name of the kernel (default: lambda)

        location (default: wherever Jupyter finds it):
          --user        for you, in every environment
          --sys-prefix  for this Python environment
          --prefix P    in share/jupyter/kernels below this directory
        """,
    "demo": """
        usage: lambda-kernel demo [-h] [--name N] [FILE]

        Write a short notebook that shows what the kernel can do. Open it with Jupyter, and run its cells.

        positional arguments:
          FILE        where to write it; it must not exist yet (default: lambda-demo.ipynb)

        options:
          -h, --help  show this help message and exit
          --name N    name of the kernel (default: lambda)
        """,
    "run": """
        usage: lambda-kernel run [-h] [-c TEXT] [--on TARGET] [--region R] [--profile P] [--endpoint-url U]
                                 [--timeout S] [--json]
                                 [FILE]

        Run shell text on a function, without a notebook: -c TEXT, a FILE, or standard input. The
        command's exit code becomes this one's.

        positional arguments:
          FILE              a file of shell text; -, or no FILE and no -c: standard input

        options:
          -h, --help        show this help message and exit
          -c TEXT           the shell text
          --on TARGET       a function, such as shell, shell:live, shell@eu-north-1 or local:512
                            (default: what LAMBDA_KERNEL_FUNCTION says, else local, the local emulator)
          --region R        AWS region of the function
          --profile P       AWS profile whose credentials are used
          --endpoint-url U  URL of a Lambda endpoint other than AWS's
          --timeout S       interrupt the command after so many seconds
          --json            print the report as one line of JSON, on stderr

        Exit codes of its own: 2 wrong usage, 124 time limit, 125 lambda-kernel or Lambda failed, 130
        interrupted.
        """,
    "local": """
        usage: lambda-kernel local [-h] [--memory MB] [--storage MB] [--cpu C] [--timeout S] [--concurrency N]
                                   [--bind A] [--i-know-this-listens-beyond-loopback] [--port P] [--network N]
                                   [--credentials FILE] [--isolation I] [--image I] [--profile P] [--json]

        Run the local emulator, a Lambda endpoint on loopback, until Ctrl-C, and print how to reach it.

        options:
          -h, --help       show this help message and exit
          --memory MB      memory of the function in MB, 128 to 10240 (default: 128)
          --storage MB     size of /tmp in MB, 512 to 10240 (default: 512)
          --cpu C          share of the CPU: host (default) is all of this machine's, lambda as much as Lambda gives
                           for the memory
          --timeout S      longest invocation in seconds (default: 60)
          --concurrency N  most environments at the same time (default: 10)
          --bind A         address to listen on: 127.0.0.1 (default), ::1, or another one
          --i-know-this-listens-beyond-loopback
                           listen on other addresses too: who can reach them and knows the
                           credentials has a shell
          --port P         port to listen on; 0 means any free port (default: 0)
          --network N      network of the environments: host (default), none or nat
          --credentials FILE
                           keep the credentials in this file, which is made at first; default: new
                           ones each time
          --isolation I    auto (default), bwrap, or none: commands run as you, which is for containers
          --image I        container image as the root of the environments, such as ./image.tar
          --profile P      AWS profile that may pull the image from Amazon ECR
          --json           print one line of JSON, for scripts
        """,
    "images": """
        usage: lambda-kernel images [-h] [--pull [I ...]] [--remove I [I ...]] [--profile P]

        List the container images that --image has pulled, update them, or remove them.

        options:
          -h, --help          show this help message and exit
          --pull [I ...]      pull what these images are now; without I, all that came from a registry
          --remove I [I ...]  remove these images, by name or digest
          --profile P         AWS profile that may pull the image from Amazon ECR
        """,
    "metadata": """
        usage: lambda-kernel metadata [-h] [--csv FILE] NOTEBOOK [NOTEBOOK ...]

        Print the figures that saved notebooks hold, a row for each cell that ran: times, memory, cost.

        positional arguments:
          NOTEBOOK    a notebook's file

        options:
          -h, --help  show this help message and exit
          --csv FILE  write the rows to this file, too, with the request ids
        """,
    "compare": """
        usage: lambda-kernel compare [-h] --on TARGET [--out DIR] [--ignore REGEX] [--region R] [--profile P]
                                     [--endpoint-url U]
                                     NOTEBOOK

        Run a notebook on several targets, one after the other, and report what differs: outputs, times, memory, cost
        and the environments. The notebook itself stays as it is.

        positional arguments:
          NOTEBOOK          the notebook's file

        options:
          -h, --help        show this help message and exit
          --on TARGET       a target: shell, shell:alias, shell@eu-west-1, local, local:512, local:IMAGE, or a pattern
                            such as 'shell-*'
          --out DIR         directory for the report and the executed copies (default: NOTEBOOK-compared)
          --ignore REGEX    treat what matches as the same everywhere (repeatable)

        the functions, where the target does not say it:
          --region R        AWS region
          --profile P       AWS profile whose credentials are used
          --endpoint-url U  URL of an endpoint other than AWS's
        """,
    "template": """
        usage: lambda-kernel template [-h] [--function F] [--memory MB] [--timeout S] [--architecture A]
                                      [--storage MB] [--retention DAYS] [--policy ARN] [--layer ARN]
                                      [--tenant-isolation | --no-tenant-isolation] [--runtime R]
                                      [--log-format {Text,JSON}] [--env NAME=VALUE] [--role ARN]
                                      [--permissions-boundary ARN] [--vpc-subnet ID] [--security-group ID]
                                      [--kms-key ARN] [--tag KEY=VALUE] [--sam | --terraform]

        Print the CloudFormation template of the function. Options change the defaults of its parameters.

        options:
          -h, --help            show this help message and exit

        the function:
          --function F          its name (default: shell)
          --memory MB           its memory; 128,512 makes a family (default: 128)
          --timeout S           timeout in seconds (default: 60)
          --architecture A      arm64, x86_64, or both with a comma (default: arm64)
          --storage MB          size of /tmp (default: 512)
          --retention DAYS      days to keep its logs (default: 14)
          --policy ARN          a managed policy (repeatable), or `none`
          --layer ARN           a layer's version (repeatable), or `none`
          --tenant-isolation, --no-tenant-isolation
                                each kernel has its own environments (default: yes)
          --runtime R           Python to run on (default: python3.14)
          --log-format {Text,JSON}
                                format of its logs (default: Text)
          --env NAME=VALUE      an environment variable (repeatable); those that are named replace all
                                others; or `none`

        what a company may ask for (`none` takes it away):
          --role ARN            the function's role, in place of one of its own
          --permissions-boundary ARN
                                permissions boundary of the role that is made
          --vpc-subnet ID       a subnet of the VPC that it is in (repeatable)
          --security-group ID   a security group in the VPC (repeatable)
          --kms-key ARN         the key that encrypts its environment variables

        the stack:
          --tag KEY=VALUE       a tag of all that is made (repeatable); those that are named replace all
                                others; or `none`

        print it for another tool, and make nothing:
          --sam                 an AWS SAM template
          --terraform           a Terraform configuration
        """,
    "deploy": """
        usage: lambda-kernel deploy [-h] [--profile P] [--region R] [--endpoint-url U] [--stack S]
                                    [--verbose] [--function F] [--memory MB] [--timeout S]
                                    [--architecture A] [--storage MB] [--retention DAYS] [--policy ARN]
                                    [--layer ARN] [--tenant-isolation | --no-tenant-isolation]
                                    [--runtime R] [--log-format {Text,JSON}] [--env NAME=VALUE]
                                    [--role ARN] [--permissions-boundary ARN] [--vpc-subnet ID]
                                    [--security-group ID] [--kms-key ARN] [--tag KEY=VALUE]
                                    [--role-arn ARN] [--s3-bucket B] [--s3-key K] [--sam | --terraform]
                                    [--tools PATH [PATH ...] | --no-tools] [--dry-run] [--yes]
                                    [--like FUNCTION] [--print WHAT]

        Create the function on AWS or update it. Settings that are not named stay unchanged. Several
        values of --memory and --architecture make a family, a function for each combination.

        options:
          -h, --help            show this help message and exit
          --tools PATH [PATH ...]
                                static executables for /opt/bin
          --no-tools            remove the tools
          --dry-run             only print the steps
          --yes                 do not ask
          --like FUNCTION       make FUNCTION-shell, with what FUNCTION (or FUNCTION:alias) has
          --print WHAT          with --like: only print the policy that you need, or the code

        location:
          --profile P           AWS profile whose credentials are used
          --region R            AWS region
          --endpoint-url U      URL of an endpoint other than AWS's
          --stack S             the stack (default: lambda-kernel-FUNCTION)
          --verbose             show account ids

        the function:
          --function F          its name (default: shell)
          --memory MB           its memory; 128,512 makes a family (default: 128)
          --timeout S           timeout in seconds (default: 60)
          --architecture A      arm64, x86_64, or both with a comma (default: arm64)
          --storage MB          size of /tmp (default: 512)
          --retention DAYS      days to keep its logs (default: 14)
          --policy ARN          a managed policy (repeatable), or `none`
          --layer ARN           a layer's version (repeatable), or `none`
          --tenant-isolation, --no-tenant-isolation
                                each kernel has its own environments (default: yes)
          --runtime R           Python to run on (default: python3.14)
          --log-format {Text,JSON}
                                format of its logs (default: Text)
          --env NAME=VALUE      an environment variable (repeatable); those that are named replace all
                                others; or `none`

        what a company may ask for (`none` takes it away):
          --role ARN            the function's role, in place of one of its own
          --permissions-boundary ARN
                                permissions boundary of the role that is made
          --vpc-subnet ID       a subnet of the VPC that it is in (repeatable)
          --security-group ID   a security group in the VPC (repeatable)
          --kms-key ARN         the key that encrypts its environment variables

        the stack:
          --tag KEY=VALUE       a tag of all that is made (repeatable); those that are named replace all
                                others; or `none`
          --role-arn ARN        role with which CloudFormation makes the stack, now and later
          --s3-bucket B         keep the code in this bucket instead of in the template, or `none`
          --s3-key K            a package that is in the bucket already, such as a signed one; or `none`

        print it for another tool, and make nothing:
          --sam                 an AWS SAM template
          --terraform           a Terraform configuration
        """,
    "status": """
        usage: lambda-kernel status [-h] [--profile P] [--region R] [--endpoint-url U] [--stack S]
                                    [--verbose] [--function F]

        Show the functions that `lambda-kernel deploy` made in a region.

        options:
          -h, --help        show this help message and exit
          --function F      this function or family only

        location:
          --profile P       AWS profile whose credentials are used
          --region R        AWS region
          --endpoint-url U  URL of an endpoint other than AWS's
          --stack S         the stack (default: lambda-kernel-FUNCTION)
          --verbose         show account ids
        """,
    "delete": """
        usage: lambda-kernel delete [-h] [--profile P] [--region R] [--endpoint-url U] [--stack S]
                                    [--verbose] [--function F] [--dry-run] [--yes]

        Delete a function or a family that `lambda-kernel deploy` made, with its logs, role and tools.

        options:
          -h, --help        show this help message and exit
          --function F      the function or family (default: shell)
          --dry-run         only print the steps
          --yes             do not ask

        location:
          --profile P       AWS profile whose credentials are used
          --region R        AWS region
          --endpoint-url U  URL of an endpoint other than AWS's
          --stack S         the stack (default: lambda-kernel-FUNCTION)
          --verbose         show account ids
        """,
}


COMMAND = (sys.executable, "-c", "from lambda_kernel.cli import main; raise SystemExit(main())")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="the local emulator runs on Linux")


def specs_below(prefix: Path) -> KernelSpecManager:
    return KernelSpecManager(kernel_dirs=[str(prefix / "share/jupyter/kernels")], ensure_native_kernel=False)


def fails(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """Check that a command failed with one sentence on stderr that holds these words."""
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("lambda-kernel: ")
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr


@pytest.mark.parametrize("command", HELP)
def test_help_documents_every_option(command: str) -> None:
    result = lambda_kernel(*command.split(), "--help")
    # Python's versions break lines at different places.
    assert result.stdout.split() == HELP[command].split()
    assert len(result.stdout.splitlines()) < {"": 26, "deploy": 68, "template": 48, "install": 40, "local": 32}.get(
        command, 24
    )


def test_the_parser_loads_no_aws_client() -> None:
    """What no command needs, no command waits for; and a kernel's start not even for the parser."""
    probe = "import sys; from lambda_kernel import cli; early = set(sys.modules); cli.build_parser(); "
    probe += "print('boto3' in sys.modules, 'botocore' in sys.modules, 'lambda_kernel.commands.deploy' in early)"
    result = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=30)
    assert result.stdout.split() == ["False"] * 3


def test_no_command_prints_the_help() -> None:
    result = lambda_kernel()
    assert (result.returncode, result.stdout.split()) == (0, HELP[""].split())


def test_the_defaults_of_local_are_the_engines() -> None:
    options = build_parser().parse_args(["local"])
    engine = Settings(code=Path())
    assert (options.memory, options.timeout) == (engine.memory_mb, engine.timeout_s)
    assert (options.concurrency, options.port) == (engine.concurrency, engine.port)
    assert (options.bind, options.consent) == (engine.bind, engine.beyond_loopback)
    assert (options.credentials, options.isolation) == (engine.credentials, engine.isolation)


def test_version() -> None:
    assert lambda_kernel("--version").stdout == f"lambda-kernel {__version__}\n"


def test_install_says_where_and_jupyter_finds_it_there(tmp_path: Path) -> None:
    result = lambda_kernel("install", "--prefix", tmp_path)
    directory = tmp_path / "share/jupyter/kernels/lambda"
    assert result.stdout.splitlines() == [
        f"Installed the kernel 'lambda' (AWS Lambda shell) in {directory}",
        f"Jupyter finds it there when JUPYTER_PATH contains {tmp_path / 'share/jupyter'}",
    ]
    spec = specs_below(tmp_path).get_kernel_spec("lambda")
    assert spec.argv[:3] == [sys.executable, "-m", "lambda_kernel"]
    listed = subprocess.run(
        [sys.executable, "-m", "jupyter_client.kernelspecapp", "list", "--json"],
        env={**os.environ, "JUPYTER_PATH": str(tmp_path / "share/jupyter")},
        capture_output=True,
        check=True,
    )
    assert json.loads(listed.stdout)["kernelspecs"]["lambda"]["resource_dir"] == str(directory)


def test_several_functions_are_several_kernels(tmp_path: Path) -> None:
    in_prefix = ("--prefix", tmp_path)
    for name, region in (("west", "eu-west-1"), ("east", "us-east-1")):
        result = lambda_kernel("install", *in_prefix, "--name", name, "--function", "shell", "--region", region)
        assert f"(AWS Lambda shell (shell, {region}))" in result.stdout
    endpoint = "http://127.0.0.1:4566"
    options = ("--profile", "my work", "--endpoint-url", endpoint, "--display-name", "Third")
    lambda_kernel("install", *in_prefix, "--name", "third", "--function", "f", *options)
    specs = {name: found["spec"] for name, found in specs_below(tmp_path).get_all_specs().items()}
    assert specs["west"]["argv"][-2:] == ["--LambdaKernel.function=shell", "--LambdaKernel.region=eu-west-1"]
    assert specs["east"]["argv"][-1] == "--LambdaKernel.region=us-east-1"
    assert specs["third"]["argv"][-2:] == ["--LambdaKernel.profile=my work", f"--LambdaKernel.endpoint_url={endpoint}"]
    assert specs["third"]["display_name"] == "Third"

    assert lambda_kernel("uninstall", *in_prefix, "--name", "west").returncode == 0
    assert set(specs_below(tmp_path).find_kernel_specs()) == {"east", "third"}


def test_install_for_a_network_of_the_local_engine(tmp_path: Path) -> None:
    result = lambda_kernel("install", "--prefix", str(tmp_path), "--name", "apart", "--network", "none")
    assert result.returncode == 0, result.stderr
    assert "AWS Lambda shell (network none)" in result.stdout
    spec = json.loads((tmp_path / "share/jupyter/kernels/apart/kernel.json").read_bytes())
    assert "--LambdaKernel.network=none" in spec["argv"]
    assert spec["metadata"]["supported_encryption"] == ["curve"]
    refused = lambda_kernel("install", "--prefix", str(tmp_path), "--function", "f", "--network", "none")
    assert (refused.returncode, refused.stderr) == (
        1, "lambda-kernel: --network works with the local emulator only: leave --function out\n",
    )  # fmt: skip


def test_install_for_a_size_of_the_local_emulators_function(tmp_path: Path) -> None:
    options = ("--memory", "512", "--storage", "1024", "--cpu", "lambda")
    result = lambda_kernel("install", "--prefix", str(tmp_path), "--name", "sized", *options)
    assert "AWS Lambda shell (512 MB, /tmp of 1024 MB, CPU as on Lambda)" in result.stdout
    spec = json.loads((tmp_path / "share/jupyter/kernels/sized/kernel.json").read_bytes())
    assert spec["argv"][-3:] == [f"--LambdaKernel.{option}" for option in ("memory=512", "storage=1024", "cpu=lambda")]
    refused = lambda_kernel("install", "--prefix", str(tmp_path), "--function", "f", *options)
    assert refused.stderr == "lambda-kernel: --memory works with the local emulator only: leave --function out\n"


LINE = (
    '{"endpoint_url": "http://127.0.0.1:9001", "access_key_id": "AKIALOCAL0", "secret_access_key": "the-secret", '
    '"region": "local", "function": "shell"}\n'
)


def stored_files(data: Path) -> list[Path]:
    return sorted((data / "lambda-kernel/endpoints").glob("*"))


def test_install_with_credentials_keeps_them_for_the_user_alone(tmp_path: Path) -> None:
    data, prefix = tmp_path / "data", ("--prefix", tmp_path)
    first = lambda_kernel("install", *prefix, "--credentials", "-", piped=LINE, environ={"JUPYTER_DATA_DIR": str(data)})
    [file] = stored_files(data)
    directory = tmp_path / "share/jupyter/kernels/lambda"
    assert first.stdout.splitlines()[:2] == [
        f"Installed the kernel 'lambda' (AWS Lambda shell (shell, local)) in {directory}",
        f"Stored the credentials for http://127.0.0.1:9001 in {file}",
    ]
    assert file.stat().st_mode & 0o777 == 0o600
    assert "the-secret" in file.read_text()
    spec = specs_below(tmp_path).get_kernel_spec("lambda")
    assert spec.argv[-4:] == [
        "--LambdaKernel.function=shell", "--LambdaKernel.region=local",
        "--LambdaKernel.endpoint_url=http://127.0.0.1:9001", "--LambdaKernel.stored_credentials=True",
    ]  # fmt: skip
    everything = [first.stdout, first.stderr, (directory / "kernel.json").read_text()]
    assert not [text for text in everything if "the-secret" in text or "AKIALOCAL0" in text]

    # A second kernel on the same endpoint, from a file, with new credentials: the emulator has no others, so both
    # kernels use them.
    newer = tmp_path / "newer.json"
    newer.write_text(LINE.replace("the-secret", "a-newer-secret"))
    lambda_kernel("install", *prefix, "--name", "two", "--credentials", newer, environ={"JUPYTER_DATA_DIR": str(data)})
    assert [("a-newer-secret" in one.read_text(), one) for one in stored_files(data)] == [(True, file)]
    assert lambda_kernel("uninstall", *prefix, environ={"JUPYTER_DATA_DIR": str(data)}).returncode == 0
    assert stored_files(data) == [file]
    # The published port is another now: what was stored for the old one goes.
    moved = ("--endpoint-url", "http://127.0.0.1:19001")
    lambda_kernel(
        "install", *prefix, "--name", "two", "--credentials", newer, *moved, environ={"JUPYTER_DATA_DIR": str(data)}
    )
    assert len(stored_files(data)) == 1
    assert stored_files(data) != [file]
    assert lambda_kernel("uninstall", *prefix, "--name", "two", environ={"JUPYTER_DATA_DIR": str(data)}).returncode == 0
    assert stored_files(data) == []


@pytest.mark.parametrize(
    ("words", "piped", "said"),
    [
        (["-"], "", ("standard input holds no credentials", "what `lambda-kernel local --json` printed")),
        (["-"], LINE.replace("shell", "two words"), ("standard input holds no credentials",)),
        (["-"], '{"access_key_id": "a", "secret_access_key": "the-secret"}', ("add --function and --endpoint-url",)),
        (["/nowhere/line.json"], "", ("cannot read /nowhere/line.json (No such file or directory)",)),
        (["-", "--profile", "dev"], LINE, ("--credentials and --profile both name credentials",)),
        (["-", "--network", "none"], LINE, ("--network works with the local emulator only",)),
    ],
)
def test_credentials_that_cannot_be_kept_install_nothing(
    words: list[str], piped: str, said: tuple[str, ...], tmp_path: Path
) -> None:
    result = lambda_kernel(
        "install",
        "--prefix",
        tmp_path,
        "--credentials",
        *words,
        piped=piped,
        environ={"JUPYTER_DATA_DIR": str(tmp_path / "data")},
    )
    fails(result, *said)
    assert "the-secret" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_credentials_in_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    result = lambda_kernel(
        "install",
        "--prefix",
        tmp_path,
        "--credentials",
        "-",
        piped=LINE,
        environ={"JUPYTER_DATA_DIR": str(tmp_path / "data")},
    )
    assert result.returncode == 1
    assert f"cannot write to {tmp_path / 'data/lambda-kernel'}" in result.stderr


def test_install_for_an_image(tmp_path: Path) -> None:
    install = ("install", "--prefix", str(tmp_path), "--name", "al2023", "--image", "./app.tar", "--profile", "dev")
    result = lambda_kernel(*install)
    assert result.returncode == 0
    spec = json.loads((tmp_path / "share/jupyter/kernels/al2023/kernel.json").read_text())
    # A kernel starts in another directory.
    image = str(Path.cwd() / "app.tar")
    assert spec["argv"][-2:] == ["--LambdaKernel.profile=dev", f"--LambdaKernel.image={image}"]
    assert spec["display_name"] == f"AWS Lambda shell (image {image})"
    for words, message in {
        ("--image", "A b"): "lambda-kernel: 'A b' names no image, because ",
        ("--image", "a", "--function", "f"): "lambda-kernel: --image works with the local emulator only",
        ("--image", "a", "--region", "r"): "lambda-kernel: --region, --profile and --endpoint-url need a function",
    }.items():
        failed = lambda_kernel("install", "--prefix", str(tmp_path), *words)
        assert (failed.returncode, failed.stdout) == (1, "")
        assert failed.stderr.startswith(message)


def test_images_are_pulled_and_listed(tmp_path: Path) -> None:
    with serve_registry() as registry:
        reference = registry.push("cli", build(layer(file("etc/os-release", b"NAME=x"))))
        pulled = lambda_kernel("images", "--pull", reference)
        assert (pulled.returncode, pulled.stdout.split()[:3]) == (0, [reference, "is", "now"])
        assert pulled.stderr == f"pulling {reference}\nunpacking {reference}\n"
        assert [reference] == [
            line.split()[0] for line in lambda_kernel("images").stdout.splitlines() if ":cli" in line
        ]
        refused = lambda_kernel("local", "--image", reference)
        assert refused.stderr.startswith(f"lambda-kernel: the image {reference} has no bash on its PATH: add one to it")
        missing = lambda_kernel("local", "--image", f"{registry.host}/nothing")
        assert (missing.returncode, missing.stderr) == (
            1,
            f"lambda-kernel: there is no image {registry.host}/nothing:latest: check its name and its tag\n",
        )
    assert lambda_kernel("images", "--remove", reference).returncode == 0
    assert lambda_kernel("images", "--remove", reference).stderr.startswith("lambda-kernel: there is no image ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["--function", "arn:aws:lambda:eu-west-1:123456789012:function:shell", "--region", "eu-north-1"],
            "the ARN names a function in eu-west-1, and the region given is eu-north-1: leave --region out",
        ),
        (
            ["--function", "shell", "--region", "eu-wset-1"],
            "'eu-wset-1' is no region that boto3 knows: is it eu-west-1",
        ),
        (["--function", "arn:aws:lambda:eu-wset-1:123456789012:function:x"], "'eu-wset-1' is no region that boto3"),
        (["--function", "arn:aws:s3:::bucket"], "'arn:aws:s3:::bucket' is not the name of a function"),
    ],
)
def test_a_function_that_cannot_be_is_not_installed(tmp_path: Path, words: list[str], sentence: str) -> None:
    result = lambda_kernel("install", "--prefix", tmp_path, *words)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"lambda-kernel: {sentence}")
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_install_again_replaces_ours(tmp_path: Path) -> None:
    lambda_kernel("install", "--prefix", tmp_path)
    result = lambda_kernel("install", "--prefix", tmp_path, "--function", "shell")
    assert result.stdout.startswith("Replaced the kernel 'lambda' (AWS Lambda shell (shell))")
    assert specs_below(tmp_path).get_kernel_spec("lambda").display_name == "AWS Lambda shell (shell)"


def test_install_for_the_user_and_uninstall_wherever_it_is(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    name = ("--name", "lambda-of-this-test")
    installed = lambda_kernel("install", "--user", *name, environ={"JUPYTER_DATA_DIR": data})
    directory = tmp_path / "data/kernels/lambda-of-this-test"
    assert installed.stdout == f"Installed the kernel 'lambda-of-this-test' (AWS Lambda shell) in {directory}\n"
    removed = lambda_kernel("uninstall", *name, environ={"JUPYTER_DATA_DIR": data})
    assert removed.stdout == f"Removed the kernel 'lambda-of-this-test' from {directory}\n"
    assert not directory.exists()
    fails(
        lambda_kernel("uninstall", *name, environ={"JUPYTER_DATA_DIR": data}), "no kernel named 'lambda-of-this-test'"
    )


def test_a_foreign_kernel_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "share/jupyter/kernels/bash"
    directory.mkdir(parents=True)
    (directory / "kernel.json").write_text('{"argv": ["bash"]}', encoding="utf-8")
    arguments = ("--prefix", tmp_path, "--name", "bash")
    fails(lambda_kernel("install", *arguments), str(directory), "not lambda-kernel's", "--name")
    fails(lambda_kernel("uninstall", *arguments), str(directory), "not lambda-kernel's")
    assert (directory / "kernel.json").read_text(encoding="utf-8") == '{"argv": ["bash"]}'


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    # A file instead of a directory stands for a read-only one: root may write to that.
    (tmp_path / "file").touch()
    result = lambda_kernel("install", "--prefix", tmp_path / "file")
    fails(result, f"cannot write to {tmp_path / 'file'}", "--user", "--prefix DIR")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to a read-only directory")
def test_a_read_only_directory(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    fails(lambda_kernel("install", "--prefix", tmp_path), "Permission denied", "--user")


@pytest.mark.parametrize("name", ["Lambda", "two words", "../x"])
def test_a_name_that_cannot_be(name: str, tmp_path: Path) -> None:
    fails(lambda_kernel("install", "--prefix", tmp_path, "--name", name), repr(name), "lower-case letters")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["install", "--user", "--sys-prefix"],
        ["install", "--function", ""],
        ["install", "--function", "two words"],
        ["install", "--prefix", ""],
        ["install", "--endpoint-url", "127.0.0.1:4566"],
        ["local", "--memory", "64"],
        ["local", "--timeout", "1801"],
        ["local", "--concurrency", "none"],
        ["local", "--port", "65536"],
        ["local", "--bind", ""],
        ["local", "--isolation", "some"],
        ["install", "--credentials", ""],
        ["deploys"],
    ],
    ids=" ".join,
)
def test_arguments_that_cannot_be_are_a_usage_error(arguments: list[str]) -> None:
    result = lambda_kernel(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    wrong, usage = result.stderr.splitlines()
    assert wrong.startswith("lambda-kernel")
    assert usage.startswith(f"usage: {wrong.partition(':')[0]} [OPTION…]")


@pytest.mark.parametrize(
    ("arguments", "wrong", "usage"),
    [
        ("deplyo", "lambda-kernel: there is no command deplyo: did you mean deploy?", "[OPTION…] COMMAND ..."),
        ("xyzzy", "lambda-kernel: there is no command xyzzy", "[OPTION…] COMMAND ..."),
        ("install --memory 5", "install: --memory: '5' is not a whole number from 128 to 10240", "[OPTION…]"),
        ("install --fnction=x", "install: there is no option --fnction: did you mean --function?", "[OPTION…]"),
        ("metadata --zzz x", "metadata: there is no option --zzz", "[OPTION…] NOTEBOOK [NOTEBOOK ...]"),
        ("run a.sh b.sh", "run: 'b.sh' is one word too many", "[OPTION…] [FILE]"),
        ("compare", "compare: the following arguments are required: NOTEBOOK, --on", "[OPTION…] --on TARGET NOTEBOOK"),
        ("--bogus status", "lambda-kernel: there is no option --bogus", "[OPTION…] COMMAND ..."),
    ],
)
def test_the_error_comes_first_and_then_a_line_of_usage(
    arguments: str, wrong: str, usage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        build_parser(only_run=arguments.startswith("run ")).parse_args(arguments.split())
    first, second = capsys.readouterr().err.splitlines()
    command = first.partition(":")[0]
    assert first.removeprefix("lambda-kernel ") == wrong
    assert second == f"usage: {command} {usage}   (all: {command} --help)"


@needs_linux
def test_local_runs_what_its_line_of_json_describes() -> None:
    with local_engine("--memory", "256", "--timeout", "7") as line:
        assert set(line) == {"endpoint_url", "access_key_id", "secret_access_key", "region", "function"}
        client = make_client(boto3.Session(), Endpoint(**line))
        configuration = client.get_function_configuration(FunctionName=line["function"])
        assert (configuration["MemorySize"], configuration["Timeout"]) == (256, 7)
        answer = client.invoke(FunctionName=line["function"], Payload=b'{"cmd": "echo $((6 * 7))"}')
        assert json.load(answer["Payload"])["stdout"] == "42\n"


@needs_linux
def test_local_listens_beyond_loopback_only_with_consent() -> None:
    fails(lambda_kernel("local", "--bind", "0.0.0.0"), "0.0.0.0", "--i-know-this-listens-beyond-loopback")
    fails(lambda_kernel("local", "--bind", "nowhere"), "'nowhere' is not an IP address")


@needs_linux
def test_local_cannot_have_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        fails(lambda_kernel("local", "--port", str(port)), str(port))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize("words", [["template"], ["local", "--json"], ["install", "--prefix", "@"]])
def test_output_that_cannot_be_written_is_one_sentence(words: list[str], buffered: str, tmp_path: Path) -> None:
    """argparse has a way of its own: where Python does not buffer, it keeps silent of its help's failure."""
    words = [word.replace("@", str(tmp_path)) for word in words]
    environ = {**os.environ, "PYTHONUNBUFFERED": buffered}
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [*COMMAND, *words], stdout=full, stderr=subprocess.PIPE, env=environ, text=True, check=False
        )
    assert ended.returncode == 1
    sentence = "cannot write the output (No space left on device): make room, or write it somewhere else"
    assert ended.stderr.splitlines()[-1] == f"lambda-kernel: {sentence}"
    assert "Traceback" not in ended.stderr


def test_a_reader_that_has_had_enough_is_told_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run([*COMMAND, "template"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_launch_is_the_kernel_process() -> None:
    assert "-f" in lambda_kernel("launch", "--help").stdout
    assert "launch" not in lambda_kernel("--help").stdout
