"""Where the cursor stands: tables of texts, the cursor at their end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.bash.cursor import MOST_CHARACTERS, Token, pieces, token_at, word_end

# What stands at the end of each text: (kind, what is typed of it).
ENDS = {
    "": ("command", ""),
    "l": ("command", "l"),
    "ls fo": ("argument", "fo"),
    "ls; gr": ("command", "gr"),
    "ls | gr": ("command", "gr"),
    "ls x|id": ("command", "id"),
    "ls &&gr": ("command", "gr"),
    "ls &\ngr": ("command", "gr"),
    "echo $(gr": ("command", "gr"),
    'echo "$(gr': ("command", "gr"),
    'echo "$(ls)" fo': ("argument", "fo"),
    "echo `gr": ("command", "gr"),
    "echo `ls` fo": ("argument", "fo"),
    "if tr": ("command", "tr"),
    "if true; then ec": ("command", "ec"),
    "for i in a b; do gr": ("command", "gr"),
    "for i in a": ("argument", "a"),
    "while ! gr": ("command", "gr"),
    "{ gr": ("command", "gr"),
    "(gr": ("command", "gr"),
    "f() { gr": ("command", "gr"),
    "f(){ a;}; gr": ("command", "gr"),
    "a=(b c": ("argument", "c"),
    "a=(b\nc": ("argument", "c"),
    "a=(b c); gr": ("command", "gr"),
    "x=1 gr": ("command", "gr"),
    "x=$(gr": ("command", "gr"),
    "x=/us": ("argument", "/us"),
    "export X=/a:/b": ("argument", "/b"),
    "ls --color=fo": ("argument", "fo"),
    "sudo gr": ("command", "gr"),
    "command -v gr": ("command", "gr"),
    "case x in a": ("argument", "a"),
    "case x in a) gr": ("command", "gr"),
    "case x in a) b;; (c) de": ("command", "de"),
    "case x in a|b) c;; esac; de": ("command", "de"),
    "[[ -f fo": ("argument", "fo"),
    "[[ -f fo && gr": ("argument", "gr"),
    "[[ a < b ]] && gr": ("command", "gr"),
    "cat <fi": ("argument", "fi"),
    "cat > fi": ("argument", "fi"),
    "2>/de": ("argument", "/de"),
    "ls &>/de": ("argument", "/de"),
    ">fi gr": ("command", "gr"),
    "cat <<<fo": ("argument", "fo"),
    "diff <(gr": ("command", "gr"),
    "diff <(ls) fo": ("argument", "fo"),
    "((x)); gr": ("command", "gr"),
    "echo $((1 + (2))) fo": ("argument", "fo"),
    "ls \\\nfo": ("argument", "fo"),
    "\\\ngr": ("command", "gr"),
    "cat a\\ b": ("argument", "a\\ b"),
    "echo a#b": ("argument", "a#b"),
    "# foo": ("nothing", ""),
    "ls # it's": ("nothing", ""),
    "ls # it's\ngr": ("command", "gr"),
    "cat <<E": ("nothing", "E"),
    "cat <<E\nab 'c": ("nothing", ""),
    "cat <<E\nab $HO": ("variable", "$HO"),
    "cat <<'E'\nab $HO": ("nothing", ""),
    "cat <<E\nab\nE\ngr": ("command", "gr"),
    "cat <<-E <<F\nab\n\tE\ncd\nF\ngr": ("command", "gr"),
    "echo $": ("variable", "$"),
    "echo $HO": ("variable", "$HO"),
    "echo ${HO": ("variable", "${HO"),
    "echo ${#HO": ("variable", "${#HO"),
    "echo ${x:-fo": ("nothing", "${x:-fo"),
    'echo "a $HO': ("variable", "$HO"),
    'echo "a ${HO': ("variable", "${HO"),
    "echo '$HO": ("argument", "'$HO"),
    'echo "\\$HO': ("argument", '"\\$HO'),
    "echo \\$HO": ("argument", "\\$HO"),
    "(( na": ("variable", "na"),
    "echo $((1 + na": ("variable", "na"),
    "echo $'a": ("nothing", "$'a"),
    "; ; ) } ]] gr": ("argument", "gr"),
    "function f { gr": ("command", "gr"),
    "[[ $a =~ ^(a|b)$ ]] && gr": ("command", "gr"),
    "for ((i = 0; i < 3; i++)); do gr": ("command", "gr"),
    "echo ${x##*/} | gr": ("command", "gr"),
    "echo $((1 << 2)); gr": ("command", "gr"),
    "time -p gr": ("command", "gr"),
    "sudo -u root gr": ("command", "gr"),
    "sudo -u ro": ("argument", "ro"),
    "env -C /us": ("argument", "/us"),
    "env -i X=1 gr": ("command", "gr"),
    "timeout 5": ("argument", "5"),
    "timeout -s KILL 5 gr": ("command", "gr"),
    "xargs -n1 -I {} gr": ("command", "gr"),
    "find . -name x -exec gr": ("command", "gr"),
    "find . -exec grep fo": ("argument", "fo"),
    "command -": ("argument", "-"),
    'echo "a$" fo': ("argument", "fo"),
    "echo $?": ("variable", "$?"),
    "echo $# fo": ("argument", "fo"),
    "echo ${?": ("variable", "${?"),
    "echo $1": ("variable", "$1"),
    "echo $12": ("argument", "$12"),
    "ls\r\ngr": ("command", "gr"),
    "cat <<E\r\na 'b\r\nE\r\ngr": ("command", "gr"),
    "cat <<E\n\\\\$HO": ("variable", "$HO"),
    "cat <<E\n\\$HO": ("nothing", ""),
    "cat <<E\n E\nE $HO": ("variable", "$HO"),
    "cat <<E\nE": ("command", ""),
    "((" + "a" * 90 + ";": ("variable", ""),
    "echo {a,b": ("argument", "{a,b"),
    "echo a:/b": ("argument", "a:/b"),
    "PATH=$PATH:/us": ("argument", "/us"),
}


@pytest.mark.parametrize("text", ENDS)
def test_what_stands_at_the_cursor(text: str) -> None:
    token = token_at(text, len(text))
    assert (token.kind, token.typed) == ENDS[text]
    assert text[token.start :] == token.typed


def test_what_follows_the_cursor_plays_no_part() -> None:
    assert token_at("ls fo; 'x", 5) == token_at("ls fo", 5)


@pytest.mark.parametrize(
    ("text", "quote", "at"),
    [
        ('cat "a b/c', '"', 4),
        ("cat 'a b", "'", 4),
        ("cat 'it'\\''s", "'", 10),
        ('cat x/"y', '"', 6),
        ("cat 'a'b", "", 0),
        ("cat \"it's", '"', 4),
    ],
)
def test_the_open_quote(text: str, quote: str, at: int) -> None:
    token = token_at(text, len(text))
    assert (token.quote, token.quoted_at) == (quote, at)


@pytest.mark.parametrize(
    ("text", "command"),
    [("cd fo", "cd"), ("ls; cd fo", "cd"), ("sudo -n cd fo", "cd"), ("cd >fo", ""), ("x=1 cd f", "cd")],
)
def test_the_command_that_an_argument_belongs_to(text: str, command: str) -> None:
    assert token_at(text, len(text)).command == command


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("read -r a b", ("-r", "a")),
        ("ls; trap 'a b' INT ", ("'a b'", "INT")),
        ("kill -s >x HUP <y ", ("-s", "HUP")),
        ("x=1 sudo -u me ls -l ", ("-l",)),
        ("sudo -u me ", ("-u", "me")),
        ("[[ -f a && -o ", ("-f", "a", "-o")),
        ("for x in a b; do set -e -", ("-e",)),
    ],
)
def test_the_words_before(text: str, words: tuple[str, ...]) -> None:
    assert token_at(text, len(text)).words == words


@pytest.mark.parametrize(
    ("text", "value"),
    [("x=a", True), ("export x=a:b", True), ("ls --x=a", True), ("cat <a", True), ("cat a", False), ("a", False)],
)
def test_what_is_a_value(text: str, value: bool) -> None:
    assert token_at(text, len(text)).value is value


def test_positions_count_characters() -> None:
    assert token_at("echo 😀; gr", 10) == Token("command", 8, "gr")


NASTY = st.lists(
    st.sampled_from([*"ab ~/\\'\"$`(){}[]<>|&;#=:!?*-\n\r\t\0é😀\ud83d", "<<E\n", "$((", "esac", "case x in "])
).map("".join)


@given(NASTY)
def test_wherever_the_cursor_stands_there_is_an_answer(text: str) -> None:
    for cursor in range(len(text) + 1):
        token = token_at(text, cursor)
        assert 0 <= token.start <= cursor
        assert token.typed == text[token.start : cursor].replace("\ud83d", "\ufffd")
        assert cursor <= word_end(text, cursor) <= len(text)
        pieces(token.typed)


@pytest.mark.parametrize(
    ("before", "again", "after"),
    [
        ("((", "a", ";"),
        ("", "(", ""),
        ("", '"$(', ""),
        ("cat <<E\n", "\\", "$"),
        ("cat <<E\n", "x\n", ""),
        ("cat ", "<<A ", "\n"),
        ("", "a=(", ""),
        ("", "a[", ""),
        ("", "$a", ""),
        ("", "$'\\'", ""),
        ("find ", "-exec a ", ""),
        ("ls ~", "a", ""),
        ("", " ", "x"),
    ],
)
def test_long_texts_take_no_time_that_grows_with_their_square(before: str, again: str, after: str) -> None:
    text = before + again * ((MOST_CHARACTERS - 100) // len(again)) + after
    token = token_at(text, len(text))
    assert text.endswith(token.typed)
    pieces(token.typed)


def test_a_here_document_for_each_line() -> None:
    names = [f"E{number}" for number in range(5_000)]
    text = "cat " + " ".join(f"<<{name}" for name in names) + "\n" + "".join(f"{name}\n" for name in names) + "gr"
    assert token_at(text, len(text)).kind == "command"


def test_a_long_text_is_left_alone() -> None:
    assert token_at("a " * MOST_CHARACTERS, 2 * MOST_CHARACTERS).kind == "nothing"


def test_half_of_a_character_pair_is_none() -> None:
    assert token_at("ls \ud83d", 4).typed == "\ufffd"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("a\\ b", [("text", "a"), ("text", " "), ("text", "b")]),
        ("'a b'\"c d\"", [("text", "a b"), ("text", "c d")]),
        ("~/x", [("tilde", ""), ("text", "/x")]),
        ("~root/", [("tilde", "root"), ("text", "/")]),
        ("'~'/", [("text", "~"), ("text", "/")]),
        ("$HOME/x", [("variable", "HOME"), ("text", "/x")]),
        ('"${HOME}/x', [("variable", "HOME"), ("text", "/x")]),
        ("'$HOME", [("text", "$HOME")]),
        ("$(id)/", None),
        ("`id`/", None),
        ('"`id`/', None),
        ("${x:=1}/", None),
        ("a*/", None),
        ("$'a'/", [("text", "a"), ("text", "/")]),
    ],
)
def test_the_pieces_of_a_word(word: str, expected: object) -> None:
    assert pieces(word) == expected


def test_the_end_of_a_word() -> None:
    assert word_end("ls foo.txt; x", 4) == 10
