"""What differs from run to run of the same cell, and tells nothing about the targets: rules that replace it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SHORTEST_ID = 8  # characters; a shorter one may be an ordinary word


@dataclass(frozen=True)
class Rule:
    """name: what takes the place of each match, in angle brackets. only: the matches that count, if not all do."""

    name: str
    pattern: re.Pattern[str]
    meaning: str
    only: frozenset[str] | None = None

    def apply(self, text: str) -> tuple[str, int]:
        if self.only is None:
            return self.pattern.subn(lambda found: f"<{self.name}>", text)
        parts = self.pattern.split(text)  # the matches at odd places, since the pattern is a group
        matches = [at for at in range(1, len(parts), 2) if parts[at] in self.only]
        for at in matches:
            parts[at] = f"<{self.name}>"
        return "".join(parts), len(matches)


def _rule(name: str, pattern: str, meaning: str) -> Rule:
    return Rule(name, re.compile(pattern), meaning)


# In this order: a log stream's name holds a date and an id.
USUAL = (
    _rule("log stream", r"\b\d{4}/\d\d/\d\d/[\w-]{0,64}\[[\w$-]{1,128}\][0-9a-f]{32}\b", "names of log streams"),
    _rule("id", r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "request ids and other UUIDs"),
    _rule("trace", r"\b1-[0-9a-f]{8}-[0-9a-f]{24}\b", "trace ids of X-Ray"),
    _rule(
        "time",
        r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d)\b)?",
        "times, as in 2026-11-30T05:18:32Z",
    ),
    _rule(
        "time",
        r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?:[A-Z][a-z]{2} {1,2}\d{1,2}|\d{1,2} [A-Z][a-z]{2})(?: \d{4})? "
        r"\d\d:\d\d(?::\d\d)?(?: [AP]M)?(?: [A-Z]{3,4}| [+-]\d{4})?(?: \d{4}\b)?",
        "times, as date and ls write them",
    ),
    _rule("time", r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b", "times of day"),
    _rule("time", r"\b1\d{9}(?:\d{3}|\.\d+)?\b", "seconds and milliseconds since 1970"),
    _rule("duration", r"\b\d+m\d+[.,]\d+s\b", "durations, as bash's time writes them"),
    _rule("duration", r"\b\d+(?:[.,]\d+)? ?(?:ns|µs|us|ms|s|sec|seconds)\b", "durations"),
    _rule("rate", r"\b\d+(?:[.,]\d+)? ?[kKMG]?i?B/s", "rates, as in 12.5 MB/s"),
    _rule("pid", r"/proc/\d+\b", "process ids in paths"),
    _rule("pid", r"\b[Pp][Ii][Dd][ =:]{0,3}\d+\b", "process ids after `pid`"),
    _rule("pid", r"(?m)^\[\d+\][+-]? +\d+\b", "process ids of background jobs"),
)


def ours(patterns: Sequence[re.Pattern[str]]) -> tuple[Rule, ...]:
    """The rules of the command line, which come first."""
    return tuple(Rule("ignored", pattern, f"--ignore {pattern.pattern}") for pattern in patterns)


def environments(ids: Iterable[object]) -> Rule:
    """A rule for the ids that the notebooks' own figures name. They are words like others."""
    texts = frozenset(one for one in ids if isinstance(one, str) and len(one) >= SHORTEST_ID)
    meaning = "ids of the environments that the figures name"
    return Rule("environment id", re.compile(r"\b(\w{8,64})\b"), meaning, texts)


def without(text: str, rules: Sequence[Rule], counts: Counter[Rule]) -> str:
    """The text with the names of the rules for all that they match. counts: how often each matched."""
    for rule in rules:
        text, matches = rule.apply(text)
        counts[rule] += matches
    return text
