"""A hint for users who look for bash's history: the shell of cells keeps none."""

from __future__ import annotations

import re

from ..bash.commands import Word, words

MAY_MATTER = re.compile(r"\bhistory\b|\bfc\b|![!$*^?\d-]|\bset\b[^\n;|&]{0,200} -(?:\w*H|o)")
LISTS = re.compile(r"(?:[ \t]+-l\w*)?(?:[ \t]+-?\d+)*[ \t]*(?:[\n;|&<>)]|#|\Z)")
TURNS_ON = re.compile(r"(?:[ \t]+[^\s;&|]+)*?[ \t]+(?:-[A-Za-z]*H|-o[ \t]+(?:histexpand|history))(?!\w)")
EXPANDS = re.compile(r"!(?:[!$*^]|-?\d+|\?[^?]+\??)(?::\S*)?")
LAST = re.compile(r"!(?:!|\$)(?::\S*)?")  # as an argument: others are probably meant literally
WHERE = "`%history` lists what was run in all kernels. In the console, use Arrow-up."


def history_hint(text: str) -> str:
    """The hint, or an empty string."""
    if not MAY_MATTER.search(text):
        return ""
    found = words(text)
    if any(turns_on(text, word) for word in found):
        return f"bash keeps no history of cells, even with this option: `!!` and `history` find nothing. {WHERE}"
    if any(LAST.fullmatch(word.text) or (word.command and EXPANDS.fullmatch(word.text)) for word in found):
        return f"`!!` and the like are not expanded, because bash keeps no history of cells. {WHERE}"
    if any(lists(text, word) for word in found):
        return f"bash keeps no history of cells. {WHERE}"
    return ""


def turns_on(text: str, word: Word) -> bool:
    return word.command and word.text == "set" and bool(TURNS_ON.match(text, word.begin + 3))


def lists(text: str, word: Word) -> bool:
    return word.command and word.text in ("history", "fc") and bool(LISTS.match(text, word.begin + len(word.text)))
