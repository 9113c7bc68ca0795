"""The options of `lambda-kernel images`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from . import parsing


def add_command(commands: parsing.Commands, run: Callable[[argparse.Namespace], int]) -> None:
    text = "List the container images that --image has pulled, update them, or remove them."
    parser = commands.add_parser("images", help="list, update and remove pulled container images", description=text)
    parser.set_defaults(run=run)
    parser.add_argument(
        "--pull", metavar="I", nargs="*", type=parsing.some_text,
        help="pull what these images are now; without I, all that came from a registry",
    )  # fmt: skip
    parser.add_argument(
        "--remove", metavar="I", nargs="+", type=parsing.some_text, help="remove these images, by name or digest"
    )
    parsing.add_profile_for_images(parser)
