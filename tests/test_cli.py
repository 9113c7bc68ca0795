"""The `lambda-kernel` command as a user runs it: a process, its exit code and what it prints."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from jupyter_client.kernelspec import KernelSpecManager

from lambda_kernel import __version__
from lambda_kernel.cli import build_parser
from lambda_kernel.local.settings import Settings

HELP = {
    "": """
        usage: lambda-kernel [-h] [--version] COMMAND ...

        AWS Lambda shell: a Jupyter kernel whose cells run inside a Lambda execution environment.

        options:
          -h, --help  show this help message and exit
          --version   show program's version number and exit

        commands:
          COMMAND
            install   register a kernel with Jupyter
            uninstall remove a kernel from Jupyter
            local     run the local engine by itself
            template  print the CloudFormation template
            deploy    make or update the function on AWS
            status    show the functions on AWS
            delete    delete the function on AWS

        `lambda-kernel COMMAND --help` describes a command's options.
        """,
    "install": """
        usage: lambda-kernel install [-h] [--name N] [--display-name D] [--user | --sys-prefix | --prefix P]
                                     [--function F] [--region R] [--profile P] [--endpoint-url U]

        Register a kernel with Jupyter. Without a function it runs cells on the local engine.

        options:
          -h, --help         show this help message and exit
          --name N           name of the kernel (default: lambda)
          --display-name D   what front ends show (default: AWS Lambda shell)

        the place (default: the environment that lambda-kernel is installed in):
          --user             for you, in every environment
          --sys-prefix       for this Python environment
          --prefix P         below this directory, in share/jupyter/kernels

        the function it talks to (kept in the kernelspec):
          --function F       name or ARN of the Lambda function
          --region R         AWS region of the function
          --profile P        AWS profile whose credentials are used
          --endpoint-url U   another Lambda endpoint than AWS's, as a URL
        """,
    "uninstall": """
        usage: lambda-kernel uninstall [-h] [--name N] [--user | --sys-prefix | --prefix P]

        Remove a kernel that this package registered.

        options:
          -h, --help    show this help message and exit
          --name N      name of the kernel (default: lambda)

        the place (default: wherever Jupyter finds it):
          --user        for you, in every environment
          --sys-prefix  for this Python environment
          --prefix P    below this directory, in share/jupyter/kernels
        """,
    "local": """
        usage: lambda-kernel local [-h] [--memory MB] [--timeout S] [--concurrency N] [--port P] [--json]

        Run the local engine, a Lambda endpoint on 127.0.0.1, until Ctrl-C; print how to reach it.

        options:
          -h, --help       show this help message and exit
          --memory MB      memory of the function in MB (default: 128)
          --timeout S      longest invocation in seconds (default: 60)
          --concurrency N  most environments at once (default: 10)
          --port P         port to listen on; 0 is a free one (default: 0)
          --json           print one line of JSON, for scripts
        """,
    "template": """
        usage: lambda-kernel template [-h] [--function F] [--memory MB] [--timeout S]
                                      [--architecture {arm64,x86_64}] [--storage MB] [--retention DAYS]
                                      [--policy ARN] [--layer ARN]
                                      [--tenant-isolation | --no-tenant-isolation]

        Print the CloudFormation template of the function; options change its parameters' defaults.

        options:
          -h, --help            show this help message and exit

        the function:
          --function F          its name (default: shell)
          --memory MB           its memory (default: 128)
          --timeout S           longest invocation (default: 60)
          --architecture {arm64,x86_64}
                                of its processor (default: arm64)
          --storage MB          size of /tmp (default: 512)
          --retention DAYS      of its logs (default: 14)
          --policy ARN          a managed policy (repeatable), or `none`
          --layer ARN           a layer's version (repeatable), or `none`
          --tenant-isolation, --no-tenant-isolation
                                environments of its own for each kernel (default: yes)
        """,
    "deploy": """
        usage: lambda-kernel deploy [-h] [--profile P] [--region R] [--endpoint-url U] [--stack S]
                                    [--verbose] [--function F] [--memory MB] [--timeout S]
                                    [--architecture {arm64,x86_64}] [--storage MB] [--retention DAYS]
                                    [--policy ARN] [--layer ARN]
                                    [--tenant-isolation | --no-tenant-isolation]
                                    [--tools PATH [PATH ...] | --no-tools] [--dry-run] [--yes]

        Make the function on AWS, or bring it up to date; what is not named stays as it is.

        options:
          -h, --help            show this help message and exit
          --tools PATH [PATH ...]
                                static executables for /opt/bin
          --no-tools            take the tools away
          --dry-run             only print what would be done
          --yes                 do not ask

        the place:
          --profile P           AWS profile whose credentials are used
          --region R            AWS region
          --endpoint-url U      another endpoint than AWS's, as a URL
          --stack S             the stack (default: lambda-kernel-FUNCTION)
          --verbose             show account ids

        the function:
          --function F          its name (default: shell)
          --memory MB           its memory (default: 128)
          --timeout S           longest invocation (default: 60)
          --architecture {arm64,x86_64}
                                of its processor (default: arm64)
          --storage MB          size of /tmp (default: 512)
          --retention DAYS      of its logs (default: 14)
          --policy ARN          a managed policy (repeatable), or `none`
          --layer ARN           a layer's version (repeatable), or `none`
          --tenant-isolation, --no-tenant-isolation
                                environments of its own for each kernel (default: yes)
        """,
    "status": """
        usage: lambda-kernel status [-h] [--profile P] [--region R] [--endpoint-url U] [--stack S]
                                    [--verbose] [--function F]

        Show the functions that `lambda-kernel deploy` made in a region.

        options:
          -h, --help        show this help message and exit
          --function F      this function only

        the place:
          --profile P       AWS profile whose credentials are used
          --region R        AWS region
          --endpoint-url U  another endpoint than AWS's, as a URL
          --stack S         the stack (default: lambda-kernel-FUNCTION)
          --verbose         show account ids
        """,
    "delete": """
        usage: lambda-kernel delete [-h] [--profile P] [--region R] [--endpoint-url U] [--stack S]
                                    [--verbose] [--function F] [--dry-run] [--yes]

        Delete a function that `lambda-kernel deploy` made, with its logs, role and tools.

        options:
          -h, --help        show this help message and exit
          --function F      the function (default: shell)
          --dry-run         only print what would be done
          --yes             do not ask

        the place:
          --profile P       AWS profile whose credentials are used
          --region R        AWS region
          --endpoint-url U  another endpoint than AWS's, as a URL
          --stack S         the stack (default: lambda-kernel-FUNCTION)
          --verbose         show account ids
        """,
}


COMMAND = (sys.executable, "-c", "from lambda_kernel.cli import main; raise SystemExit(main())")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="the local engine runs on Linux")


def lambda_kernel(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    variables = {**os.environ, "COLUMNS": "100", **environment}
    return subprocess.run(
        [*COMMAND, *arguments], env=variables, capture_output=True, text=True, check=False, timeout=30
    )


@contextmanager
def local_engine(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run `lambda-kernel local` and end it as Ctrl-C does."""
    with subprocess.Popen([*COMMAND, "local", *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)


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
    assert len(result.stdout.splitlines()) < (40 if command == "deploy" else 24)


def test_the_parser_loads_no_aws_client() -> None:
    """What no command needs, no command waits for; and a kernel's start not even for the parser."""
    probe = "import sys; from lambda_kernel import cli; early = set(sys.modules); cli.build_parser(); "
    probe += "print('boto3' in sys.modules, 'botocore' in sys.modules, 'lambda_kernel.deploy' in early)"
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


def test_install_again_replaces_ours(tmp_path: Path) -> None:
    lambda_kernel("install", "--prefix", tmp_path)
    result = lambda_kernel("install", "--prefix", tmp_path, "--function", "shell")
    assert result.stdout.startswith("Replaced the kernel 'lambda' (AWS Lambda shell (shell))")
    assert specs_below(tmp_path).get_kernel_spec("lambda").display_name == "AWS Lambda shell (shell)"


def test_install_for_the_user_and_uninstall_wherever_it_is(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    name = ("--name", "lambda-of-this-test")
    installed = lambda_kernel("install", "--user", *name, JUPYTER_DATA_DIR=data)
    directory = tmp_path / "data/kernels/lambda-of-this-test"
    assert installed.stdout == f"Installed the kernel 'lambda-of-this-test' (AWS Lambda shell) in {directory}\n"
    removed = lambda_kernel("uninstall", *name, JUPYTER_DATA_DIR=data)
    assert removed.stdout == f"Removed the kernel 'lambda-of-this-test' from {directory}\n"
    assert not directory.exists()
    fails(lambda_kernel("uninstall", *name, JUPYTER_DATA_DIR=data), "no kernel named 'lambda-of-this-test'")


def test_a_foreign_kernel_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "share/jupyter/kernels/bash"
    directory.mkdir(parents=True)
    (directory / "kernel.json").write_text('{"argv": ["bash"]}', encoding="utf-8")
    arguments = ("--prefix", tmp_path, "--name", "bash")
    fails(lambda_kernel("install", *arguments), str(directory), "not ours", "--name")
    fails(lambda_kernel("uninstall", *arguments), str(directory), "not ours")
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
        ["deploys"],
    ],
    ids=" ".join,
)
def test_arguments_that_cannot_be_are_a_usage_error(arguments: list[str]) -> None:
    result = lambda_kernel(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("usage: lambda-kernel")


@needs_linux
def test_local_runs_what_its_line_of_json_describes() -> None:
    with local_engine("--json", "--memory", "256", "--timeout", "7") as process:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        assert set(line) == {"endpoint_url", "access_key_id", "secret_access_key", "region", "function"}
        client = boto3.client(
            "lambda",
            endpoint_url=line["endpoint_url"],
            region_name=line["region"],
            aws_access_key_id=line["access_key_id"],
            aws_secret_access_key=line["secret_access_key"],
            config=Config(retries={"total_max_attempts": 1}),
        )
        configuration = client.get_function_configuration(FunctionName=line["function"])
        assert (configuration["MemorySize"], configuration["Timeout"]) == (256, 7)
        answer = client.invoke(FunctionName=line["function"], Payload=b'{"cmd": "echo $((6 * 7))"}')
        assert json.load(answer["Payload"])["stdout"] == "42\n"
    assert process.returncode == 0


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
    sentence = "cannot write the output (No space left on device): make room, or write it elsewhere"
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
