"""Targets as they are written in one word: `shell:alias`, `shell@eu-north-1`, `local:512`, `local:IMAGE`, `shell-*`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from ..errors import AccessDenied, UsageError
from . import regions
from .target import LOCAL_NAME, Emulator, Target, named, region_in

REGION = re.compile(r"[a-z]{2,8}(?:-[a-z]+)+-\d{1,2}")
WILD = re.compile(r"[*?]")
NUMBER = re.compile(r"\d+")
# Of a target's region, endpoint and profile: the names of all functions there. Raises errors.KernelError.
ListFunctions = Callable[[Target], Sequence[str]]


@dataclass(frozen=True)
class TargetWord:
    """What a word says. function: with a version or an alias, perhaps a pattern. None: what the word leaves open."""

    function: str
    region: str | None = None
    memory_mb: int | None = None
    image: str | None = None

    @property
    def local(self) -> bool:
        return self.function == LOCAL_NAME

    @property
    def pattern(self) -> bool:
        return WILD.search(self.function) is not None

    def of(self, emulator: Emulator) -> Emulator:
        """The emulator, with what the word says of it."""
        memory_mb = emulator.memory_mb if self.memory_mb is None else self.memory_mb
        return replace(emulator, memory_mb=memory_mb, image=self.image or emulator.image)


def split(word: str) -> TargetWord:
    """Raises UsageError."""
    if word == LOCAL_NAME or word.startswith(f"{LOCAL_NAME}:"):
        return _local(word)
    function, at, region = word.partition("@")
    if at and function == LOCAL_NAME:
        raise UsageError(f"{word!r}: the local emulator has no region: write `{LOCAL_NAME}`")
    if at and not REGION.fullmatch(region):
        raise UsageError(f"{word!r}: {region!r} is no region: write it as in shell@eu-north-1")
    return TargetWord(function, region or None)


def _local(word: str) -> TargetWord:
    _, colon, which = word.partition(":")
    if colon and not which:
        raise UsageError(f"{word!r}: write a memory in MB or an image after the colon, as in local:512")
    if NUMBER.fullmatch(which):
        return TargetWord(LOCAL_NAME, memory_mb=int(which[:9]))
    return TargetWord(LOCAL_NAME, image=reference(which) if which else None)


def reference(text: str) -> str:
    """A container image's whole name. A relative path counts from the kernel's directory. Raises UsageError."""
    from ..images.errors import ImageError
    from ..images.reference import parse

    try:
        return str(parse(text))
    except ImageError as error:
        raise UsageError(str(error)) from error


def expand(
    words: Sequence[str], near: Target, emulator: Emulator, functions: ListFunctions
) -> list[tuple[str, Target]]:
    """The targets of words, and how each is written. A word may be there more than once. Raises errors.KernelError.

    near: the current target. What a word leaves open is as there. emulator: for local targets, if it is not local.
    """
    found = []
    for word in words:
        parts = split(word)
        found += _family(word, parts, near, functions) if parts.pattern else [(word, _target(parts, near, emulator))]
    return found


def _target(word: TargetWord, near: Target, emulator: Emulator) -> Target:
    if word.local:
        return named(LOCAL_NAME, None, near.profile, None, emulator=word.of(near.emulator if near.local else emulator))
    region = word.region or region_in(word.function)
    regions.check(region, None if near.local or region != near.region else near.endpoint_url)
    if near.local:
        return named(word.function, region, None, None, emulator=emulator)
    if region and region != near.region:  # an endpoint reaches one region
        return named(word.function, region, near.profile, None, emulator=emulator)
    return replace(near, function=word.function)


def _family(word: str, parts: TargetWord, near: Target, functions: ListFunctions) -> list[tuple[str, Target]]:
    """Those whose names match, in the order of the numbers in them."""
    name, colon, version = parts.function.partition(":")
    there = _target(replace(parts, function="any"), near, near.emulator)
    try:
        names = [found for found in functions(there) if fnmatchcase(found, name)]
    except AccessDenied as error:
        raise UsageError(
            f"{word!r} is a pattern, and who calls may not list functions (lambda:ListFunctions): name them one by one"
        ) from error
    if not names:
        where = f" in {there.region}" if there.region else ""
        raise UsageError(
            f"no function{where} matches {word!r}: make a family with `lambda-kernel deploy`, or name each"
        )
    at = f"@{parts.region}" if parts.region else ""
    ordered = sorted(names, key=_by_numbers)
    return [(f"{one}{colon}{version}{at}", replace(there, function=f"{one}{colon}{version}")) for one in ordered]


def _by_numbers(name: str) -> list[tuple[int, str]]:
    """128 comes before 1769."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
