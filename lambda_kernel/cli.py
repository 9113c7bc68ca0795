"""The `lambda-kernel` command.

Jupyter starts the wheel's kernel by `lambda-kernel launch`. So this module imports only what a kernel needs anyway; the
commands import everything else themselves.
"""

from __future__ import annotations

import argparse
import errno
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__
from .aws.error_text import LONGEST_TIMEOUT_S
from .aws.target import CPUS, HOST, MEMORY_MB, NETWORKS, STORAGE_MB, USUAL
from .commands import parsing
from .errors import KernelspecError

if TYPE_CHECKING:
    from . import kernelspec
    from .aws.stored_credentials import Stored
    from .images.progress import Progress
    from .local import RootImage

LAUNCH, RUN = "launch", "run"
ISOLATIONS = ("auto", "bwrap", "none")  # as in lambda_kernel.local.settings
UNWRITTEN = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # errors of writing


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == [LAUNCH]:
        return launch(words[1:])
    if words[:1] == [RUN] and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # it shows no traceback while modules are loaded
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
    """Report the error, unless the reader has ended (`| head`)."""
    # Python flushes once more at its end (https://docs.python.org/3/library/signal.html#note-on-sigpipe).
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno != errno.EPIPE:
        why = f"cannot write the output ({error.strerror}): make room, or write it somewhere else"
        print(f"lambda-kernel: {why}", file=sys.stderr)
    return 1


def run_command(words: Sequence[str]) -> int:
    parser = build_parser(only_run=words[:1] == [RUN])
    options = parser.parse_args(words)
    if options.run is None:
        parser.print_help()
        return 0
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except KernelspecError as error:
        print(f"lambda-kernel: {error}", file=sys.stderr)
        return 1


def launch(words: Sequence[str]) -> int:
    """Become the kernel process. It is for kernel.json files, so the help does not list it."""
    sys.argv[1:] = words
    runpy.run_module("lambda_kernel", run_name="__main__", alter_sys=True)
    return 0


def build_parser(only_run: bool = False) -> argparse.ArgumentParser:
    """The parser of all that `lambda-kernel --help` lists. only_run: of `run` only, since all of them take 25 ms."""
    from .commands.run.options import add_command as add_run

    parser: argparse.ArgumentParser = parsing.Command(
        prog="lambda-kernel",
        description="AWS Lambda shell: a Jupyter kernel whose cells run inside Lambda.",
        epilog="`lambda-kernel COMMAND --help` describes a command's options.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    if only_run:
        add_run(commands, RUN, run)
        return parser
    from .commands.comparison.options import add_command as add_comparison
    from .commands.demo import add_command as add_demo
    from .commands.deploy.parser import add_commands as add_deployment
    from .commands.images import add_command as add_images

    _add_install(commands)
    _add_uninstall(commands)
    add_demo(commands, demo)
    add_run(commands, RUN, run)
    _add_local(commands)
    add_images(commands, images)
    _add_metadata(commands)
    add_comparison(commands, comparison)
    add_deployment(commands)
    return parser


def _add_install(commands: parsing.Commands) -> None:
    text = "Register a kernel with Jupyter. Without --function, it runs cells on the local emulator."
    parser = commands.add_parser("install", help="register a kernel with Jupyter", description=text)
    parser.set_defaults(run=install)
    _add_name(parser)
    parser.add_argument("--display-name", metavar="D", help="name shown by front ends (default: AWS Lambda shell)")
    _add_location(parser, default="the environment where lambda-kernel is installed")
    target = parser.add_argument_group("the function to use (kept in the kernelspec)")
    target.add_argument("--function", metavar="F", type=parsing.one_word, help="name or ARN of the Lambda function")
    parsing.add_function_location(target)
    text = "what `lambda-kernel local --json` printed (-: standard input); it is kept in a file of yours"
    target.add_argument("--credentials", metavar="FILE", type=parsing.some_text, help=text)
    local = parser.add_argument_group("the local emulator instead of a function (kept in the kernelspec)")
    _add_network(local, "of its environments", default=None)
    _add_size(local, usual=False)
    _add_image(local, "of its environments")


def _add_uninstall(commands: parsing.Commands) -> None:
    text = "Remove a kernel that this package registered."
    parser = commands.add_parser("uninstall", help="remove a kernel from Jupyter", description=text)
    parser.set_defaults(run=uninstall)
    _add_name(parser)
    _add_location(parser, default="wherever Jupyter finds it")


def _add_local(commands: parsing.Commands) -> None:
    text = "Run the local emulator, a Lambda endpoint on loopback, until Ctrl-C, and print how to reach it."
    parser = commands.add_parser("local", help="run the local emulator by itself", description=text)
    parser.set_defaults(run=local)
    _add_size(parser, usual=True)
    _add_number(parser, "--timeout", "S", "longest invocation in seconds", bounds=(1, LONGEST_TIMEOUT_S), default=60)
    _add_number(parser, "--concurrency", "N", "most environments at the same time", bounds=(1, 1000), default=10)
    text = "address to listen on: 127.0.0.1 (default), ::1, or another one"
    parser.add_argument("--bind", metavar="A", type=parsing.one_word, default="127.0.0.1", help=text)
    text = "listen on other addresses too: who can reach them and knows the credentials has a shell"
    parser.add_argument("--i-know-this-listens-beyond-loopback", dest="consent", action="store_true", help=text)
    _add_number(parser, "--port", "P", "port to listen on; 0 means any free port", bounds=(0, 65535), default=0)
    _add_network(parser, "of the environments", default=HOST)
    text = "keep the credentials in this file, which is made at first; default: new ones each time"
    parser.add_argument("--credentials", metavar="FILE", type=parsing.some_text, help=text)
    text = "auto (default), bwrap, or none: commands run as you, which is for containers"
    parser.add_argument("--isolation", metavar="I", choices=ISOLATIONS, default="auto", help=text)
    _add_image(parser, "of the environments")
    parsing.add_profile_for_images(parser)
    parser.add_argument("--json", action="store_true", help="print one line of JSON, for scripts")


def _add_number(
    parser: argparse.ArgumentParser, option: str, metavar: str, text: str, *, bounds: tuple[int, int], default: int
) -> None:
    text = f"{text} (default: %(default)s)"
    parser.add_argument(option, metavar=metavar, type=parsing.within(*bounds), default=default, help=text)


def _add_network(parser: argparse._ActionsContainer, whose: str, default: str | None) -> None:
    text = f"network {whose}: host (default), none or nat"
    parser.add_argument("--network", metavar="N", choices=NETWORKS, default=default, help=text)


def _add_size(parser: argparse._ActionsContainer, usual: bool) -> None:
    """usual: whether options that are not given have the usual values."""
    for option, text, bounds, value in (
        ("--memory", "memory of the function in MB", MEMORY_MB, USUAL.memory_mb),
        ("--storage", "size of /tmp in MB", STORAGE_MB, USUAL.storage_mb),
    ):
        parser.add_argument(
            option,
            metavar="MB",
            type=parsing.within(*bounds),
            default=value if usual else None,
            help=f"{text}, {bounds[0]} to {bounds[1]} (default: {value})",
        )
    text = "share of the CPU: host (default) is all of this machine's, lambda as much as Lambda gives for the memory"
    parser.add_argument("--cpu", metavar="C", choices=CPUS, default=HOST if usual else None, help=text)


def _add_image(parser: argparse._ActionsContainer, whose: str) -> None:
    text = f"container image as the root {whose}, such as ./image.tar"
    parser.add_argument("--image", metavar="I", type=parsing.some_text, help=text)


def _add_metadata(commands: parsing.Commands) -> None:
    text = "Print the figures that saved notebooks hold, a row for each cell that ran: times, memory, cost."
    parser = commands.add_parser("metadata", help="print the figures of saved notebooks", description=text)
    parser.set_defaults(run=metadata)
    parser.add_argument("notebooks", metavar="NOTEBOOK", nargs="+", type=parsing.some_text, help="a notebook's file")
    text = "write the rows to this file, too, with the request ids"
    parser.add_argument("--csv", metavar="FILE", type=parsing.some_text, help=text)


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", metavar="N", default="lambda", help="name of the kernel (default: %(default)s)")


def _add_location(parser: argparse.ArgumentParser, default: str) -> None:
    group = parser.add_argument_group(f"location (default: {default})").add_mutually_exclusive_group()
    group.add_argument("--user", action="store_true", help="for you, in every environment")
    group.add_argument("--sys-prefix", action="store_true", help="for this Python environment")
    group.add_argument(
        "--prefix", metavar="P", type=parsing.some_text, help="in share/jupyter/kernels below this directory"
    )


def install(options: argparse.Namespace) -> int:
    """Write a kernelspec, and say where."""
    from . import kernelspec

    kept, stored = _chosen(options)
    emulators = kept.chosen().keys() & kernelspec.EMULATOR
    if emulators and kept.function:
        first = next(name for name in kernelspec.OPTIONS if name in emulators)
        raise KernelspecError(f"--{first} works with the local emulator only: leave --function out")
    local = kernelspec.EMULATOR | ({"profile"} if kept.image else set())
    if kept.chosen().keys() - local and not kept.function:
        raise KernelspecError("--region, --profile and --endpoint-url need a function: add --function F")
    kernelspec.check_function(kept)
    directory = kernelspec.kernels_directory(user=options.user, prefix=options.prefix)
    launcher = [sys.executable, "-m", "lambda_kernel"]
    spec = kernelspec.build_spec(launcher, kept, options.display_name)
    path = directory / kernelspec.check_name(options.name)
    before = kernelspec.endpoint_with_credentials(path)
    verb = "Replaced" if kernelspec.install(path, spec) else "Installed"
    print(f"{verb} the kernel {options.name!r} ({spec['display_name']}) in {path}")
    if kept_in := kernelspec.exchange_credentials(path, before, stored):
        print(f"Stored the credentials for {kept.endpoint_url} in {kept_in}")
    if directory not in kernelspec.searched_directories():
        print(f"Jupyter finds it there when JUPYTER_PATH contains {directory.parent}")
    return 0


def _chosen(options: argparse.Namespace) -> tuple[kernelspec.Options, Stored | None]:
    """What the kernelspec keeps, and the credentials, which it does not keep."""
    from . import kernelspec

    given = {name: getattr(options, name) for name in kernelspec.OPTIONS} | {"image": _image_name(options.image)}
    if options.credentials is None:
        return kernelspec.Options(**given), None
    if options.profile:
        raise KernelspecError("--credentials and --profile both name credentials: leave one of them out")
    stored, named = kernelspec.read_credentials(options.credentials, given)
    return kernelspec.Options(**given | named, stored_credentials=True), stored


def _image_name(text: str | None) -> str | None:
    """The image's whole name. A relative path counts from here."""
    from .images.errors import ImageError
    from .images.reference import parse

    try:
        return None if text is None else str(parse(text))
    except ImageError as error:
        raise KernelspecError(str(error)) from error


def uninstall(options: argparse.Namespace) -> int:
    """Remove our kernelspecs of a name, and say where they were."""
    from . import kernelspec

    if options.user or options.sys_prefix or options.prefix:
        directories = [kernelspec.kernels_directory(user=options.user, prefix=options.prefix)]
    else:
        directories = kernelspec.searched_directories()
    name = kernelspec.check_name(options.name)
    endpoints = {path: kernelspec.endpoint_with_credentials(path) for path in (one / name for one in directories)}
    for path in kernelspec.uninstall(name, directories):
        kept = "; other files there were kept" if path.exists() else ""
        print(f"Removed the kernel {options.name!r} from {path}{kept}")
        kernelspec.exchange_credentials(path, endpoints[path], None)
    return 0


def images(options: argparse.Namespace) -> int:
    """List, update or remove images."""
    from .aws.root_image import make_puller
    from .images.cache import Cache
    from .images.command import Wish, run
    from .images.errors import ImageError

    cache = Cache()
    try:
        run(Wish(options.pull, options.remove), cache, lambda: make_puller(cache, options.profile, _bar()), sys.stdout)
    except ImageError as error:
        print(f"lambda-kernel: {error}", file=sys.stderr)
        return 1
    return 0


def run(options: argparse.Namespace) -> int:
    """Run shell text, and end as it did."""
    from .commands.run.command import main

    return main(options, _bar())


def demo(options: argparse.Namespace) -> int:
    """Write a first notebook."""
    from .commands.demo import write

    return write(options.file, options.name, sys.stdout, sys.stderr)


def metadata(options: argparse.Namespace) -> int:
    """Print what notebooks hold."""
    from .commands.metadata import Wish, run

    return run(Wish(options.notebooks, options.csv), sys.stdout, sys.stderr)


def comparison(options: argparse.Namespace) -> int:
    """Run a notebook on several targets, and report what differs."""
    from .commands.comparison.command import run

    return run(options, sys.stdout, sys.stderr)


def _bar() -> Callable[[Progress], None]:
    from .images.progress import on_terminal

    return on_terminal(sys.stderr, time.monotonic)


def local(options: argparse.Namespace) -> int:
    """Run the local emulator in the foreground."""
    if options.image is None:
        return _local(options, None)
    from .aws.root_image import as_root, make_puller
    from .images.cache import Cache
    from .images.errors import ImageError

    try:
        image = make_puller(Cache(), options.profile, _bar()).get(options.image)
    except ImageError as error:
        print(f"lambda-kernel: {error}", file=sys.stderr)
        return 1
    with closing(image):
        return _local(options, as_root(image))


def _local(options: argparse.Namespace, image: RootImage | None) -> int:
    from .function.source import SOURCE, function_code
    from .local.command import run_foreground
    from .local.settings import Settings

    settings = Settings(
        code=SOURCE,
        text=function_code(),
        memory_mb=options.memory,
        storage_mb=options.storage,
        cpu=options.cpu,
        timeout_s=options.timeout,
        concurrency=options.concurrency,
        bind=options.bind,
        beyond_loopback=options.consent,
        port=options.port,
        credentials=Path(options.credentials) if options.credentials else None,
        isolation=options.isolation,
        network=options.network,
        image=image,
    )
    return run_foreground(settings, options.json, sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
