"""The `lambda-kernel` command: arguments in, one call, a line of text out.

`lambda-kernel launch` is how Jupyter starts the wheel's kernel, so nothing is imported here that a kernel does not
need anyway; the local engine is imported by the command that runs it.
"""

from __future__ import annotations

import argparse
import errno
import os
import runpy
import sys
from collections.abc import Callable, Sequence

from . import __version__, arguments, kernelspec
from .place import LONGEST_TIMEOUT_S

LAUNCH = "launch"
UNWRITTEN = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # what writing may come to


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == [LAUNCH]:
        return launch(words[1:])
    try:
        try:
            return run_command(words)
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except OSError as error:
        if error.errno not in UNWRITTEN:
            raise
        return unwritten(error)


def unwritten(error: OSError) -> int:
    """Say so, unless it is a reader that has had enough (`| head`)."""
    # Python would flush at its end once more (https://docs.python.org/3/library/signal.html#note-on-sigpipe).
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno != errno.EPIPE:
        print(
            f"lambda-kernel: cannot write the output ({error.strerror}): make room, or write it elsewhere",
            file=sys.stderr,
        )
    return 1


def run_command(words: Sequence[str]) -> int:
    parser = build_parser()
    options = parser.parse_args(words)
    if options.run is None:
        parser.print_help()
        return 0
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except kernelspec.KernelspecError as error:
        print(f"lambda-kernel: {error}", file=sys.stderr)
        return 1


def launch(words: Sequence[str]) -> int:
    """Be the kernel process; for kernel.json files, not for people, so the help does not name it."""
    sys.argv[1:] = words
    runpy.run_module("lambda_kernel", run_name="__main__", alter_sys=True)
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of everything that `lambda-kernel --help` names."""
    from .deploy.choices import add_commands as add_deployment

    parser = argparse.ArgumentParser(
        prog="lambda-kernel",
        description="AWS Lambda shell: a Jupyter kernel whose cells run inside a Lambda execution environment.",
        epilog="`lambda-kernel COMMAND --help` describes a command's options.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_install(commands)
    _add_uninstall(commands)
    _add_local(commands)
    add_deployment(commands)
    return parser


def _add_install(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "Register a kernel with Jupyter. Without a function it runs cells on the local engine."
    parser = commands.add_parser("install", help="register a kernel with Jupyter", description=text)
    parser.set_defaults(run=install)
    _add_name(parser)
    parser.add_argument("--display-name", metavar="D", help="what front ends show (default: AWS Lambda shell)")
    _add_location(parser, default="the environment that lambda-kernel is installed in")
    target = parser.add_argument_group("the function it talks to (kept in the kernelspec)")
    target.add_argument("--function", metavar="F", type=arguments.one_word, help="name or ARN of the Lambda function")
    target.add_argument("--region", metavar="R", type=arguments.one_word, help="AWS region of the function")
    target.add_argument(
        "--profile", metavar="P", type=arguments.some_text, help="AWS profile whose credentials are used"
    )
    target.add_argument(
        "--endpoint-url", metavar="U", type=arguments.url, help="another Lambda endpoint than AWS's, as a URL"
    )


def _add_uninstall(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "Remove a kernel that this package registered."
    parser = commands.add_parser("uninstall", help="remove a kernel from Jupyter", description=text)
    parser.set_defaults(run=uninstall)
    _add_name(parser)
    _add_location(parser, default="wherever Jupyter finds it")


def _add_local(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "Run the local engine, a Lambda endpoint on 127.0.0.1, until Ctrl-C; print how to reach it."
    parser = commands.add_parser("local", help="run the local engine by itself", description=text)
    parser.set_defaults(run=local)
    _add_number(parser, "--memory", "MB", "memory of the function in MB", bounds=(128, 10240), default=128)
    _add_number(parser, "--timeout", "S", "longest invocation in seconds", bounds=(1, LONGEST_TIMEOUT_S), default=60)
    _add_number(parser, "--concurrency", "N", "most environments at once", bounds=(1, 1000), default=10)
    _add_number(parser, "--port", "P", "port to listen on; 0 is a free one", bounds=(0, 65535), default=0)
    parser.add_argument("--json", action="store_true", help="print one line of JSON, for scripts")


def _add_number(
    parser: argparse.ArgumentParser, option: str, metavar: str, text: str, *, bounds: tuple[int, int], default: int
) -> None:
    text = f"{text} (default: %(default)s)"
    parser.add_argument(option, metavar=metavar, type=arguments.within(*bounds), default=default, help=text)


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--name", metavar="N", default=kernelspec.DEFAULT_NAME, help="name of the kernel (default: %(default)s)"
    )


def _add_location(parser: argparse.ArgumentParser, default: str) -> None:
    group = parser.add_argument_group(f"the place (default: {default})").add_mutually_exclusive_group()
    group.add_argument("--user", action="store_true", help="for you, in every environment")
    group.add_argument("--sys-prefix", action="store_true", help="for this Python environment")
    group.add_argument(
        "--prefix", metavar="P", type=arguments.some_text, help="below this directory, in share/jupyter/kernels"
    )


def install(options: argparse.Namespace) -> int:
    """Write a kernelspec and say where it is."""
    kept = kernelspec.Options(options.function, options.region, options.profile, options.endpoint_url)
    if kept.chosen() and not kept.function:
        raise kernelspec.KernelspecError(
            "--region, --profile and --endpoint-url say where a function is: add --function F"
        )
    directory = kernelspec.kernels_directory(user=options.user, prefix=options.prefix)
    launcher = [sys.executable, "-m", "lambda_kernel"]
    spec = kernelspec.build_spec(launcher, kept, options.display_name)
    path = directory / kernelspec.check_name(options.name)
    verb = "Replaced" if kernelspec.install(path, spec) else "Installed"
    print(f"{verb} the kernel {options.name!r} ({spec['display_name']}) in {path}")
    if directory not in kernelspec.searched_directories():
        print(f"Jupyter finds it there when JUPYTER_PATH contains {directory.parent}")
    return 0


def uninstall(options: argparse.Namespace) -> int:
    """Remove our kernelspecs of a name and say where they were."""
    if options.user or options.sys_prefix or options.prefix:
        directories = [kernelspec.kernels_directory(user=options.user, prefix=options.prefix)]
    else:
        directories = kernelspec.searched_directories()
    for path in kernelspec.uninstall(kernelspec.check_name(options.name), directories):
        kept = "; other files there were kept" if path.exists() else ""
        print(f"Removed the kernel {options.name!r} from {path}{kept}")
    return 0


def local(options: argparse.Namespace) -> int:
    """Run the local engine in the foreground."""
    from .function_code import SOURCE, function_code
    from .local.command import run_foreground
    from .local.settings import Settings

    settings = Settings(
        code=SOURCE,
        text=function_code(),
        memory_mb=options.memory,
        timeout_s=options.timeout,
        concurrency=options.concurrency,
        port=options.port,
    )
    return run_foreground(settings, options.json, sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
