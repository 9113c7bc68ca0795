"""%use"""

from __future__ import annotations

import threading

import pytest

from lambda_kernel.aws.target import Emulator, Target
from lambda_kernel.errors import Abandoned, AccessDenied, BadCredentials, UsageError
from lambda_kernel.session.worker import Worker
from tests.magics.conftest import CellRunner
from tests.support.in_process_session import Interrupts


def test_there_and_back_finds_the_same_shells(runner: CellRunner) -> None:
    runner.run("where=here")
    assert "the next cell starts a session" in runner.run("%use shell --region eu-west-1 --profile dev").out
    assert runner.workspace.target == Target("shell", "eu-west-1", "dev")
    assert runner.run("echo ${where-unset}; where=there").out == "unset\n"
    assert "its session continues" in runner.run("%use local").out
    assert runner.run("echo $where").out == "here\n"
    assert runner.run("%use shell --region eu-west-1 --profile dev\necho $where").out.endswith("there\n")


@pytest.mark.parametrize("words", ["", "a b", "--region eu-west-1", "shell --nosuch x", "shell --region"])
def test_words_that_are_none(runner: CellRunner, words: str) -> None:
    with pytest.raises(UsageError, match="usage: %use"):
        runner.run(f"%use {words}")
    assert runner.workspace.target.local


def test_the_size_of_the_local_emulators_function(runner: CellRunner) -> None:
    out = runner.run("%use local --memory 512 --storage 1024 --cpu lambda").out
    assert "the local emulator, 512 MB, /tmp of 1024 MB, CPU as on Lambda: the next cell starts a session" in out
    assert runner.workspace.target.emulator == Emulator("host", 512, 1024, "lambda")
    runner.run("%use local --memory 512")
    assert runner.workspace.target.emulator == Emulator(memory_mb=512)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("local --memory 64", "the memory is 64: choose 128 to 10240 MB"),
        ("local --storage 20000", "the storage is 20000: choose 512 to 10240 MB"),
        ("shell --memory 512", "--memory works with the local emulator only: use it as in `%use local --memory 512`"),
        ("local --cpu half", "usage: %use"),
        ("local --memory much", "usage: %use"),
    ],
)
def test_a_size_that_cannot_be(runner: CellRunner, words: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        runner.run(f"%use {words}")
    assert runner.workspace.target.emulator == Emulator()


def test_it_mends_a_setting_that_cannot_be(runner: CellRunner) -> None:
    runner.workspace.problem = UsageError("no such name")
    with pytest.raises(UsageError, match="no such name"):
        runner.run("true")
    assert runner.run("%use local\necho mended").out.endswith("mended\n")


def test_an_image_is_the_local_emulators(runner: CellRunner) -> None:
    image = "public.ecr.aws/lambda/python:3.14"
    told = f"Cells now run on the local emulator, image {image}: the next cell starts a session.\n"
    assert runner.run(f"%use local --image {image} --profile dev").out == told
    assert runner.workspace.target == Target("local", profile="dev", emulator=Emulator(image=image))
    runner.run("%use local --image python")
    assert runner.workspace.target.emulator.image == "docker.io/library/python:latest"
    runner.run("%use local")
    assert runner.workspace.target == Target("local")
    # A kernel that was installed with an image goes back to that.
    runner.workspace.emulator = Emulator(image=image)
    runner.run("%use shell\n%use local")
    assert runner.workspace.target == Target("local", emulator=Emulator(image=image))
    with pytest.raises(
        UsageError, match="--image works with the local emulator only: use it as in `%use local --image I"
    ):
        runner.run(f"%use shell --image {image}")
    with pytest.raises(UsageError, match="'No/Such' names no image"):
        runner.run("%use local --image No/Such")


def test_a_target_in_one_word(runner: CellRunner) -> None:
    runner.run("%use shell:live@eu-north-1 --profile dev")
    assert runner.workspace.target == Target("shell:live", "eu-north-1", "dev")
    runner.run("%use local:512 --cpu lambda")
    assert runner.workspace.target.emulator == Emulator(memory_mb=512, cpu="lambda")
    runner.run("%use local:python --image python --memory 256")
    assert runner.workspace.target.emulator == Emulator(memory_mb=256, image="docker.io/library/python:latest")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("shell@eu-north-1 --region eu-west-1", "the target says eu-north-1, and --region says eu-west-1"),
        ("local:512 --memory 256", "the target says 512, and --memory says 256: leave one of them out"),
        ("shell-*", "'shell-\\*' is a pattern: %use takes one function, %%compare takes them all"),
        ("local:64", "the memory is 64"),
    ],
)
def test_a_word_that_cannot_be(runner: CellRunner, words: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        runner.run(f"%use {words}")
    assert runner.workspace.target == Target("local")


class Warned(CellRunner):
    """Its AWS says something of each function."""

    def __init__(self, told: str | Exception) -> None:
        super().__init__()
        self.told, self.asked = told, list[Target]()

    def warning(self, target: Target) -> str:
        self.asked.append(target)
        if isinstance(self.told, Exception):
            raise self.told
        return self.told


def test_a_function_that_does_not_exist_is_told_and_not_used() -> None:
    runner = Warned(UsageError("no function named `nosuch` in eu-west-1"))
    with pytest.raises(UsageError, match="no function named `nosuch` in eu-west-1"):
        runner.run("%use nosuch --region eu-west-1")
    assert runner.workspace.target.local
    assert runner.sent == []


def test_a_function_that_cannot_run_yet_is_used_and_told() -> None:
    runner = Warned("The function is Pending: Lambda is still making it.")
    out = runner.run("%use shell --region eu-west-1").out
    assert out == (
        "Cells now run on shell, eu-west-1: the next cell starts a session.\n"
        "The function is Pending: Lambda is still making it.\n"
    )
    assert runner.sent == []


@pytest.mark.parametrize("told", ["", AccessDenied("no"), BadCredentials("none"), Abandoned("late")])
def test_what_aws_does_not_say_is_no_matter(told: str | Exception) -> None:
    out = Warned(told).run("%use shell --region eu-west-1").out
    assert out == "Cells now run on shell, eu-west-1: the next cell starts a session.\n"


def test_nobody_is_asked_about_the_local_emulator_or_a_session_that_is_there() -> None:
    runner = Warned("")
    runner.run("%use local --network none")
    runner.run("%use shell --region eu-west-1\ntrue")
    runner.run("%use local")
    runner.run("%use shell --region eu-west-1")
    assert runner.asked == [Target("shell", "eu-west-1")]
    runner.close()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("shell --region eu-wset-1", "'eu-wset-1' is no region that boto3 knows: is it eu-west-1"),
        ("shell@eu-wset-1", "'eu-wset-1' is no region"),
        ("arn:aws:lambda:eu-wset-1:123456789012:function:shell", "'eu-wset-1' is no region"),
        (
            "arn:aws:lambda:eu-west-1:123456789012:function:shell --region eu-north-1",
            "the ARN names a function in eu-west-1, and the region given is eu-north-1",
        ),
        ("arn:aws:lambda:eu-west-1:123456789012:layer:tools:1", "is not the name of a function"),
    ],
)
def test_a_target_that_cannot_be_is_told_before_aws_is_asked(words: str, message: str) -> None:
    runner = Warned("never seen")
    with pytest.raises(UsageError, match=message):
        runner.run(f"%use {words}")
    assert runner.asked == []
    assert runner.workspace.target.local


def test_another_endpoint_may_have_any_region() -> None:
    out = Warned("").run("%use shell --region local --endpoint-url http://127.0.0.1:1").out
    assert out.startswith("Cells now run on shell, local, http://127.0.0.1:1")


def test_an_interrupt_leaves_the_target_as_it_was() -> None:
    """The question goes on in its thread, and its answer is dropped."""
    answer = threading.Event()

    class Slow(Warned):
        def warning(self, target: Target) -> str:
            answer.wait()
            return ""

    runner = Slow("")
    runner.workspace.caller = Worker()
    ran = runner.run_with(Interrupts(after=[0]), "%use shell --region eu-west-1")
    answer.set()
    assert ran.result.interrupted
    assert runner.workspace.target.local
