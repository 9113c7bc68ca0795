"""Targets in one word, and patterns for families of functions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.aws.target import LOCAL, USUAL, Emulator, Target
from lambda_kernel.aws.target_words import TargetWord, expand, split
from lambda_kernel.errors import AccessDenied, KernelError, UsageError

IMAGE = "docker.io/library/python3.14-image:latest"
FAMILY = ["shell-1769-x86_64", "other", "shell-128-arm64", "shell", "shell-512-arm64", "shell-128-x86_64"]


def names(target: Target) -> list[str]:
    return FAMILY


@pytest.mark.parametrize(
    ("word", "means"),
    [
        ("shell-512", TargetWord("shell-512")),
        ("shell:live", TargetWord("shell:live")),
        ("shell:live@eu-north-1", TargetWord("shell:live", "eu-north-1")),
        ("shell@us-gov-west-1", TargetWord("shell", "us-gov-west-1")),
        ("local", TargetWord("local")),
        ("local:512", TargetWord("local", memory_mb=512)),
        ("local:python3.14-image", TargetWord("local", image=IMAGE)),
        ("local:python@sha256:" + 64 * "a", TargetWord("local", image="docker.io/library/python@sha256:" + 64 * "a")),
        ("localhost", TargetWord("localhost")),
        ("shell-*@eu-north-1", TargetWord("shell-*", "eu-north-1")),
    ],
)
def test_what_a_word_says(word: str, means: TargetWord) -> None:
    assert split(word) == means


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("shell@", "'' is no region"),
        ("shell@mars", "'mars' is no region: write it as in shell@eu-north-1"),
        ("shell@eu-wset-1", "'eu-wset-1' is no region that boto3 knows: is it eu-west-1"),
        ("local:", "write a memory in MB or an image"),
        ("local:No/Such", "names no image"),
        ("local@eu-west-1", "the local emulator has no region"),
        ("local:0", "the memory is 0: choose 128 to 10240 MB"),
        ("local:64", "the memory is 64: choose 128 to 10240 MB"),
        ("local:99999999999999999999", "the memory is 999999999"),
        ("a b", "is not the name of a function"),
        ("", "is not the name of a function"),
        ("nothing-*", "no function matches 'nothing-\\*': make a family with `lambda-kernel deploy`, or name each"),
    ],
)
def test_words_that_are_none(word: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        expand([word], LOCAL, USUAL, names)


def test_what_a_word_leaves_open_is_as_in_the_current_target() -> None:
    here = Target("shell", "eu-west-1", "dev", "https://vpce")
    arn = "arn:aws:lambda:eu-west-2:123456789012:function:shell"
    found = expand(["shell", "other", "shell@eu-west-1", "shell@eu-north-1", arn, "local:512"], here, USUAL, names)
    assert [target for _, target in found] == [
        here,
        Target("other", "eu-west-1", "dev", "https://vpce"),
        here,
        Target("shell", "eu-north-1", "dev"),
        Target(arn, "eu-west-2", "dev"),
        Target("local", emulator=Emulator(memory_mb=512)),
    ]
    emulator = Emulator(cpu="lambda", image="an image")
    local = Target("local", profile="dev", emulator=emulator)
    assert expand(["local:512", "shell"], local, USUAL, names) == [
        ("local:512", Target("local", profile="dev", emulator=Emulator(memory_mb=512, cpu="lambda", image="an image"))),
        ("shell", Target("shell")),
    ]


def test_a_family_in_the_order_of_its_numbers() -> None:
    asked = []

    def listed(target: Target) -> list[str]:
        asked.append((target.region, target.profile))
        return names(target)

    here = Target("shell", "eu-west-1", "dev")
    found = expand(["local", "shell-*:live@eu-north-1", "shell-128-?rm64"], here, USUAL, listed)
    assert [word for word, _ in found] == [
        "local",
        "shell-128-arm64:live@eu-north-1",
        "shell-128-x86_64:live@eu-north-1",
        "shell-512-arm64:live@eu-north-1",
        "shell-1769-x86_64:live@eu-north-1",
        "shell-128-arm64",
    ]
    assert found[1][1] == Target("shell-128-arm64:live", "eu-north-1", "dev")
    assert asked == [("eu-north-1", "dev"), ("eu-west-1", "dev")]


def refused(error: KernelError) -> Callable[[Target], list[str]]:
    def functions(target: Target) -> list[str]:
        raise error

    return functions


def test_who_may_not_list_functions_names_them() -> None:
    with pytest.raises(UsageError, match=r"may not list functions \(lambda:ListFunctions\): name them one by one"):
        expand(["shell-*"], LOCAL, USUAL, refused(AccessDenied("no")))
    assert expand(["shell-1"], LOCAL, USUAL, refused(AccessDenied("no"))) == [("shell-1", Target("shell-1"))]


@given(st.lists(st.text() | st.sampled_from(["local", "local:1", "shell-*", "a@eu-west-1", "local:./x"])))
def test_any_words_are_targets_or_a_wrong_usage(words: list[str]) -> None:
    try:
        found = expand(words, LOCAL, USUAL, names)
    except UsageError:
        return
    assert len(found) >= len(words)
