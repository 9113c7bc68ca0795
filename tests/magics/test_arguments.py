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
    "%use n --network all": "--network takes `host`, `none` or `nat`, not 'all'",
    "%use n --memory big": "--memory takes a whole number, not 'big'",
    "%use n m": "'m' is one word too many",
    "%reset --cold=yes": "--cold: ignored explicit argument 'yes'",
    "%keep-warm 25h": "TIME takes a time such as `90s`, `5m` or `2h`, up to `24h`, or `off`, not '25h'",
    "%keep-warm -5m": "TIME takes a time such as `90s`, `5m` or `2h`, up to `24h`, or `off`, not '-5m'",
    "%keep-warm 1m 2m": "'2m' is one word too many",
    "%cost ''": "'' is one word too many",
    "%cost --limit -1": "--limit takes dollars such as `0.25`, or `none`, not '-1'",
    "%cost --limit $1": "--limit takes dollars such as `0.25`, or `none`, not '$1'",
    "%cost --warn 1e3": "--warn takes dollars such as `0.25`, or `none`, not '1e3'",
    "%environment a.ipynb": "NOTEBOOK needs --diff before it",
    "%environment -v": "there is no option -v (`--` before it makes it a word)",
    "%timeout 0": "SECONDS takes a number of seconds above 0, or `none`, not '0'",
    "%timeout soon": "SECONDS takes a number of seconds above 0, or `none`, not 'soon'",
    "%limit 1.5M": "it takes a number of bytes such as `20k`, from 8 to 50 MB, or `none`, not '1.5M'",
    "%limit 60M": "it takes a number of bytes such as `20k`, from 8 to 50 MB, or `none`, not '60M'",
    "%limit 1k many": "LINES takes a whole number, not 'many'",
    "%limit 1k 7": "LINES takes a whole number from 8 on, not '7'",
    "%limit none 9": "`none` takes no LINES",
    "%%output": "FILE is missing",
    "%%output ''": "FILE takes a word that is not empty, not ''",
    "%%output f echo": "'echo' is one word too many (commands go on the lines below)",
    "%stderr merged": "it takes `merge` or `separate`, not 'merged'",
    "%report line full": "`off`, `line` and `full` exclude each other",
    "%report +costs": "the report has no part 'costs' (did you mean +cost?)",
    "%report -x": "the report has no part 'x' (they are duration, billed, memory, cold-start, invocations, directory, "
    "wall, cost, environment, request, place)",
    "%report cost": "it takes `+PART` or `-PART`, or `off`, `line` or `full`, not 'cost'",
    "%exit-status --ignore": "there is no option --ignore (`--` before it makes it a word)",
    "%network db": "it takes a host and a port, such as `example.com:443`, not 'db'",
    "%whoami s3:GetObject": "ACTION needs --allows before it",
    "%redact ''": "it takes `+NAME` or `-NAME` of a variable, or `on` or `off`, not ''",
    "%completion fast": "it takes `auto`, `eager` or `lazy`, not 'fast'",
    "%top -c": "there is no option -c: -n COUNT ends it after that many refreshes, as in top(1)",
    "%top -d 1,5": "-d takes seconds, such as `0.5`, not '1,5'",
    "%top -o size": "-o takes `cpu`, `memory`, `threads` or `pid`, not 'size'",
    "%top -n": "-n needs COUNT",
    "%top -o": "-o needs cpu|memory|threads|pid",
    "%%watch -d": "there is no option -d: differences are always marked",
    "%%watch -c 0": "-c takes a whole number from 1 on, not '0'",
    "%%watch 5": "'5' is one word too many (commands go on the lines below)",
    "%%repeat": "N is missing",
    "%%repeat 0": "it takes 1 to 10,000 runs; not 0",
    "%%repeat 10001": "it takes 1 to 10,000 runs; not 10001",
    "%%repeat many": "N takes a whole number, not 'many'",
    "%%repeat -1": "N takes a whole number, not '-1'",
    "%%repeat 3 -d 86401": "-d takes seconds, up to 86,400, not '86401'",
    "%%repeat 3 -d -1": "-d takes seconds, up to 86,400, not '-1'",
    "%%repeat 3 --csv ''": "--csv takes a word that is not empty, not ''",
    "%%repeat 3 true": "'true' is one word too many (commands go on the lines below)",
    "%%fleet": "N is missing",
    "%%fleet 0": "it takes 1 to 1,000 environments; not 0",
    "%%fleet 10000": "it takes 1 to 1,000 environments; not 10000",
    "%%fleet all": "N takes a whole number, not 'all'",
    "%%fleet 8 --jobs 0": "--jobs takes 1 or more",
    "%%fleet 8 --order size": "--order takes `env` or `time`, not 'size'",
    "%%fleet 8 --map ''": "--map takes a word that is not empty, not ''",
    "%fleet 8": "'8' is one word too many",
    "%%repeat 3 --idle": "--idle needs PAUSE,…",
    "%%repeat 3 --idle 5": "--idle takes pauses such as `90s,5m,2h`, each up to `24h`, not '5'",
    "%%repeat 3 --idle 0m": "--idle takes pauses such as `90s,5m,2h`, each up to `24h`, not '0m'",
    "%%repeat 3 --idle 1m,": "--idle takes pauses such as `90s,5m,2h`, each up to `24h`, not '1m,'",
    "%%repeat 3 --idle 25h": "--idle takes pauses such as `90s,5m,2h`, each up to `24h`, not '25h'",
    "%%repeat 0 --idle 1m": "it takes 1 to 10,000 runs; not 0",
    "%%repeat 5000 --idle 1m,2m": "it takes 1 to 10,000 runs; not 10001",
    "%%repeat 3 --idle 1m --cold": "--idle has pauses of its own, and looks for the same environment: "
    "leave -d and --cold out",
    "%%compare": "TARGET… is missing",
    "%%compare a b --runs 0": "--runs is 1 or more",
    "%%compare a b --warmup -1": "--warmup takes a whole number, not '-1'",
    "%%compare a b --rums 3": "there is no option --rums (did you mean --runs?)",
    "%last 3": "'3' is one word too many",
    "%put": "LOCAL… [REMOTE] is missing",
    "%put a ''": "it takes a word that is not empty, not ''",
    "%put -f a": "there is no option -f (`--` before it makes it a word)",
    "%get -f": "REMOTE… [LOCAL] is missing",
    "%get a -F=x": "there is no option -F (`--` before it makes it a word)",
    "%%writefile -a": "PATH is missing",
    "%help ''": "NAME takes the name of a magic, or `input`, `interrupts`, `ipython`, `jobs`, `sessions` or "
    "`variables`, not ''",
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
