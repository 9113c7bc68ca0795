"""The arguments of all magics: what they mean, and what is said about wrong ones."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.errors import UsageError
from lambda_kernel.magics import KNOWN, MAGICS, Magic, parse
from lambda_kernel.magics.ipython import HABITS
from lambda_kernel.magics.network import Host
from lambda_kernel.magics.redact import Choice
from lambda_kernel.magics.settings import NOT_GIVEN
from tests.magics.conftest import CellRunner

MEANT: dict[str, dict[str, object]] = {
    "%status": {"verbose": False},
    "%status --verbose": {"verbose": True},
    "%use shell": {
        "function": "shell",
        "region": None,
        "profile": None,
        "endpoint_url": None,
        "network": None,
        "memory": None,
        "storage": None,
        "cpu": None,
        "image": None,
    },
    "%use local --memory 512 --storage=1024 --cpu lambda --image ./app.tar": {
        "function": "local",
        "region": None,
        "profile": None,
        "endpoint_url": None,
        "network": None,
        "memory": 512,
        "storage": 1024,
        "cpu": "lambda",
        "image": "./app.tar",
    },
    "%use --region r n --profile=p --endpoint-url http://u --network nat": {
        "function": "n",
        "region": "r",
        "profile": "p",
        "endpoint_url": "http://u",
        "network": "nat",
        "memory": None,
        "storage": None,
        "cpu": None,
        "image": None,
    },
    "%reset": {"cold": False},
    "%reset --cold": {"cold": True},
    "%keep-warm": {"time": None},
    "%keep-warm 2h": {"time": 7200},
    "%keep-warm off": {"time": 0},
    "%cost": {"warn": NOT_GIVEN, "limit": NOT_GIVEN},
    "%cost --warn 0.5 --limit none": {"warn": 0.5, "limit": None},
    "%cost --limit=2": {"warn": NOT_GIVEN, "limit": 2.0},
    "%environment": {"diff": False, "notebook": None},
    "%environment --diff a.ipynb": {"diff": True, "notebook": "a.ipynb"},
    "%network": {"hosts": []},
    "%network a:1 [::1]:2": {"hosts": [Host("a:1", "a", 1), Host("[::1]:2", "::1", 2)]},
    "%whoami": {"allows": False, "actions": []},
    "%whoami --allows s3:Get* sqs:SendMessage": {"allows": True, "actions": ["s3:Get*", "sqs:SendMessage"]},
    "%timeout": {"value": NOT_GIVEN},
    "%timeout 1e3": {"value": 1000},
    "%timeout none": {"value": None},
    "%limit": {"value": NOT_GIVEN, "lines": None},
    "%limit 2kB 50": {"value": 2_000, "lines": 50},
    "%limit none": {"value": None, "lines": None},
    "%%output f": {"file": "f"},
    "%stderr merge": {"value": True},
    "%stderr separate": {"value": False},
    "%report": {"value": []},
    "%report off": {"value": ["off"]},
    "%report +cost -billed": {"value": [("cost", True), ("billed", False)]},
    "%report full -request": {"value": ["full", ("request", False)]},
    "%exit-status ignore": {"value": False},
    "%redact": {"value": []},
    "%redact on": {"value": [True]},
    "%redact +A -B": {"value": [Choice("A", True), Choice("B", False)]},
    "%completion eager": {"value": True},
    "%top": {"d": 2.0, "n": None, "o": "cpu"},
    "%top -d0.01 -n 3 -o pid": {"d": 0.1, "n": 3, "o": "pid"},
    "%%watch -c 3 -n 9999 -c 4": {"n": 3600.0, "c": 4},
    "%%repeat 3": {"n": 3, "d": 0.0, "cold": False, "idle": None, "csv": None, "yes": False},
    "%%repeat --cold -d 0.5 10000 --csv f": {
        "n": 10000,
        "d": 0.5,
        "cold": True,
        "idle": None,
        "csv": "f",
        "yes": False,
    },
    "%%repeat 3 --yes": {"n": 3, "d": 0.0, "cold": False, "idle": None, "csv": None, "yes": True},
    "%%repeat 3 --idle 90s,5m,24h": {
        "n": 3,
        "d": 0.0,
        "cold": False,
        "idle": (90.0, 300.0, 86400.0),
        "csv": None,
        "yes": False,
    },
    "%%compare a b": {"targets": ["a", "b"], "runs": 10, "warmup": 1, "csv": None, "yes": False},
    "%%compare a --runs 5 --warmup 0 b --csv f --yes": {
        "targets": ["a", "b"],
        "runs": 5,
        "warmup": 0,
        "csv": "f",
        "yes": True,
    },
    "%%fleet 8": {"n": 8, "map": None, "jobs": None, "csv": None, "order": "env", "yes": False},
    "%%fleet 1000 --map - --jobs 5 --csv f --order time --yes": {
        "n": 1000,
        "map": "-",
        "jobs": 5,
        "csv": "f",
        "order": "time",
        "yes": True,
    },
    "%fleet": {"end": False},
    "%fleet --end": {"end": True},
    "%last": {"csv": None},
    "%last --csv f": {"csv": "f"},
    "%put 'a b' -": {"paths": ["a b", "-"]},
    "%put -- -x -- --help": {"paths": ["-x", "--", "--help"]},
    "%get a -f b": {"f": True, "paths": ["a", "b"]},
    "%get -f -- -f": {"f": True, "paths": ["-f"]},
    "%%writefile p": {"a": False, "path": "p"},
    "%%writefile p -a": {"a": True, "path": "p"},
    "%%file -a p": {"a": True, "path": "p"},
    "%%time": {},
    "%help": {"name": None},
    "%help %%time": {"name": ("%%", "time")},
    "%history": {"n": 20, "pattern": None, "clear": False},
    "%history 5 -- -x": {"n": 5, "pattern": "-x", "clear": False},
    "%history '-x y'": {"n": "-x y", "pattern": None, "clear": False},
    "%history --clear": {"n": 20, "pattern": None, "clear": True},
    "%%script wc -l -h --help": {"words": ["wc", "-l", "-h", "--help"]},
}
# Without the usage, which follows.
WRONG = {
    "%status --verbos": "there is no option --verbos (did you mean --verbose?)",
    "%status --verb": "there is no option --verb (did you mean --verbose?)",
    "%status -v": "there is no option -v",
    "%status now": "'now' is one word too many",
    "%use": "NAME is missing",
    "%use --regoin r n": "there is no option --regoin (did you mean --region?)",
    "%use n --region": "--region needs R",
    "%use n --region --profile p": "--region needs R",
    "%use n --network all": "--network cannot be 'all'",
    "%use n m": "'m' is one word too many",
    "%reset --cold=yes": "--cold: ignored explicit argument 'yes'",
    "%keep-warm 25h": "TIME cannot be '25h'",
    "%keep-warm -5m": "TIME cannot be '-5m'",
    "%keep-warm 1m 2m": "'2m' is one word too many",
    "%cost ''": "'' is one word too many",
    "%cost --limit -1": "--limit cannot be '-1'",
    "%cost --limit $1": "--limit cannot be '$1'",
    "%cost --warn 1e3": "--warn cannot be '1e3'",
    "%environment a.ipynb": "NOTEBOOK needs --diff before it",
    "%environment -v": "there is no option -v (`--` before it makes it a word)",
    "%timeout 0": "it takes a number of seconds above 0, or `none`; not 0",
    "%timeout soon": "SECONDS cannot be 'soon'",
    "%limit 1.5M": "BYTES[k|M] cannot be '1.5M'",
    "%limit 60M": "it takes 8 bytes to 50 MB and 8 lines or more, or `none` to show all output of a cell",
    "%limit 1k many": "LINES cannot be 'many'",
    "%limit 1k 7": "it takes 8 bytes to 50 MB and 8 lines or more, or `none` to show all output of a cell",
    "%limit none 9": "`none` takes no LINES",
    "%%output": "FILE is missing",
    "%%output ''": "FILE cannot be ''",
    "%%output f echo": "'echo' is one word too many (commands go on the lines below)",
    "%stderr merged": "'merged' is not one of its values",
    "%report line full": "`off`, `line` and `full` exclude each other",
    "%report +costs": "the report has no part 'costs' (did you mean +cost?)",
    "%report -x": "the report has no part 'x' (they are duration, billed, memory, cold-start, invocations, directory, "
    "wall, cost, environment, request, place)",
    "%report cost": "+PART… | -PART… cannot be 'cost'",
    "%exit-status --ignore": "there is no option --ignore (`--` before it makes it a word)",
    "%network db": "HOST:PORT… cannot be 'db'",
    "%whoami s3:GetObject": "ACTION needs --allows before it",
    "%redact ''": "+NAME… | -NAME… cannot be ''",
    "%completion fast": "'fast' is not one of its values",
    "%top -c": "there is no option -c: -n COUNT ends it after that many refreshes, as in top(1)",
    "%top -d 1,5": "-d cannot be '1,5'",
    "%top -o size": "-o cannot be 'size'",
    "%top -n": "-n needs COUNT",
    "%top -o": "-o needs cpu|memory|threads|pid",
    "%%watch -d": "there is no option -d: differences are always marked",
    "%%watch -c 0": "-c cannot be '0'",
    "%%watch 5": "'5' is one word too many (commands go on the lines below)",
    "%%repeat": "N is missing",
    "%%repeat 0": "it takes 1 to 10,000 runs; not 0",
    "%%repeat 10001": "it takes 1 to 10,000 runs; not 10001",
    "%%repeat many": "N cannot be 'many'",
    "%%repeat -1": "N cannot be '-1'",
    "%%repeat 3 -d 86401": "-d cannot be '86401'",
    "%%repeat 3 -d -1": "-d cannot be '-1'",
    "%%repeat 3 --csv ''": "--csv cannot be ''",
    "%%repeat 3 true": "'true' is one word too many (commands go on the lines below)",
    "%%fleet": "N is missing",
    "%%fleet 0": "it takes 1 to 1,000 environments; not 0",
    "%%fleet 10000": "it takes 1 to 1,000 environments; not 10000",
    "%%fleet all": "N cannot be 'all'",
    "%%fleet 8 --jobs 0": "--jobs takes 1 or more",
    "%%fleet 8 --order size": "--order cannot be 'size'",
    "%%fleet 8 --map ''": "--map cannot be ''",
    "%fleet 8": "'8' is one word too many",
    "%%repeat 3 --idle": "--idle needs PAUSE,…",
    "%%repeat 3 --idle 5": "--idle cannot be '5'",
    "%%repeat 3 --idle 0m": "--idle cannot be '0m'",
    "%%repeat 3 --idle 1m,": "--idle cannot be '1m,'",
    "%%repeat 3 --idle 25h": "--idle cannot be '25h'",
    "%%repeat 0 --idle 1m": "it takes 1 to 10,000 runs; not 0",
    "%%repeat 5000 --idle 1m,2m": "it takes 1 to 10,000 runs; not 10001",
    "%%repeat 3 --idle 1m --cold": "--idle has pauses of its own, and looks for the same environment: "
    "leave -d and --cold out",
    "%%compare": "TARGET… is missing",
    "%%compare a b --runs 0": "--runs is 1 or more",
    "%%compare a b --warmup -1": "--warmup cannot be '-1'",
    "%%compare a b --rums 3": "there is no option --rums (did you mean --runs?)",
    "%last 3": "'3' is one word too many",
    "%put": "LOCAL… [REMOTE] is missing",
    "%put a ''": "LOCAL… [REMOTE] cannot be ''",
    "%put -f a": "there is no option -f (`--` before it makes it a word)",
    "%get -f": "REMOTE… [LOCAL] is missing",
    "%get a -F=x": "there is no option -F (`--` before it makes it a word)",
    "%%writefile -a": "PATH is missing",
    "%help ''": "NAME cannot be ''",
    "%history ls x": "'x' is one word too many",
    "%history -x": "there is no option -x (`--` before it makes it a word)",
    "%history --clear 5": "--clear takes no words, because it deletes everything",
    "%%time ls": "'ls' is one word too many (commands go on the lines below)",
    "%%file a b": "'b' is one word too many (commands go on the lines below)",
}


def called(line: str) -> Magic:
    return next(magic for magic in KNOWN.values() if magic.called == line.split(maxsplit=1)[0])


@pytest.mark.parametrize("line", MEANT)
def test_what_it_means(line: str) -> None:
    head = parse(line, KNOWN)
    [found] = [*head.lines, *([head.cell] if head.cell else [])]
    assert vars(found.options) == MEANT[line]
    assert found.magic == called(line)


@pytest.mark.parametrize("line", WRONG)
def test_what_is_said_about_wrong_ones(runner: CellRunner, line: str) -> None:
    """In one line, before anything of the cell is done."""
    with pytest.raises(UsageError) as told:
        runner.run(f"%report off\n{line}")
    magic = called(line)
    assert str(told.value) == f"{magic.called}: {WRONG[line]}; usage: {magic.synopsis}"
    assert runner.workspace.settings.report == "line"
    assert runner.sent == []


def test_each_argument_of_each_magic_is_tried() -> None:
    for magic in MAGICS.values():
        tried = " ".join(line for line in MEANT if called(line) == magic)
        options = [argument.name for argument in magic.arguments if argument.option]
        assert tried
        assert [name for name in options if not re.search(rf" {name}(?![\w-])|  *{name}\d", tried)] == []
        assert any(called(line) == magic for line in WRONG)


@given(
    st.sampled_from([*MAGICS.values(), HABITS["file"], HABITS["%%time"]]),
    st.lists(st.sampled_from(["-", "--", "-n", "-c", "-f", "--cold", "--region=", "--region", "5", "x"]) | st.text()),
)
def test_any_words_have_a_meaning_or_an_error_of_one_kind(magic: Magic, words: list[str]) -> None:
    try:
        said = f"{magic.called}: {len(vars(magic.read(words)))} values; usage: {magic.synopsis}"
    except UsageError as error:
        said = str(error)
    assert said.startswith(f"{magic.called}: ")
    assert said.endswith(f"; usage: {magic.synopsis}")
