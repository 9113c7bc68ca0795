"""What to tell users who look for bash's history: a cell's shell keeps none."""

from __future__ import annotations

import re

from .shell_commands import Word, words

MAY_MATTER = re.compile(r"\bhistory\b|\bfc\b|![!$*^?\d-]|\bset\b[^\n;|&]{0,200} -(?:\w*H|o)")
LISTS = re.compile(r"(?:[ \t]+-l\w*)?(?:[ \t]+-?\d+)*[ \t]*(?:[\n;|&<>)]|#|\Z)")
TURNS_ON = re.compile(r"(?:[ \t]+[^\s;&|]+)*?[ \t]+(?:-[A-Za-z]*H|-o[ \t]+(?:histexpand|history))(?!\w)")
EXPANDS = re.compile(r"!(?:[!$*^]|-?\d+|\?[^?]+\??)(?::\S*)?")
LAST = re.compile(r"!(?:!|\$)(?::\S*)?")  # as an argument; others are likelier to be meant as they are
WHERE = "`%history` lists what was run, in all kernels; in the console, Arrow-up brings it back."


def history_hint(text: str) -> str:
    """A sentence, or nothing."""
    if not MAY_MATTER.search(text):
        return ""
    found = words(text)
    if any(turns_on(text, word) for word in found):
        return f"bash has no history of cells, even with this option: `!!` and `history` find nothing. {WHERE}"
    if any(LAST.fullmatch(word.text) or (word.command and EXPANDS.fullmatch(word.text)) for word in found):
        return f"`!!` and the like are not expanded here, since bash has no history of cells. {WHERE}"
    if any(lists(text, word) for word in found):
        return f"bash has no history of cells. {WHERE}"
    return ""


def turns_on(text: str, word: Word) -> bool:
    return word.command and word.text == "set" and bool(TURNS_ON.match(text, word.begin + 3))


def lists(text: str, word: Word) -> bool:
    return word.command and word.text in ("history", "fc") and bool(LISTS.match(text, word.begin + len(word.text)))
