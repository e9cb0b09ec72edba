"""What a Chinese sentence obliges to: its modal words, and whether they stand in the main clause."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, NamedTuple

from requirements.lint.chinese import words
from requirements.lint.chinese.reading import CLAUSE_ENDS, Sentence, Table


class Force(Enum):
    """How strongly a modal binds."""

    OBLIGATION = "obligation"
    PROHIBITION = "prohibition"
    PERMISSION = "permission"
    WISH = "wish"


class Modal(NamedTuple):
    """A modal word by its place in the text."""

    begin: int
    end: int
    word: str
    force: Force
    main: bool  # in the main clause, not in a condition or before a noun


_FORCES: Final = {
    **dict.fromkeys(words.PERMISSIONS, Force.PERMISSION),
    **dict.fromkeys(words.OBLIGATIONS, Force.OBLIGATION),
    **dict.fromkeys(words.PROHIBITIONS, Force.PROHIBITION),
    **dict.fromkeys(words.WISHES, Force.WISH),
}
_NONE: Final = "none"
_TABLE: Final = Table([*_FORCES, *words.NOT_MODALS])
# Nouns as often as wishes: a wish where nothing in the sentence binds.
_OFTEN_NOUNS: Final = frozenset(
    {
        "建议",
        "推荐",
        "计划",
        "希望",
        "期望",
        "考虑",
        "打算",
        "鼓励",
        "宜",
        "不宜",
        "尝试",
        "欢迎",
        "期待",
        "拟",
        "可选",
        "提倡",
        "倡导",
    }
)
_CONDITION: Final = re.compile(
    r"(?:如果|若|如|当|一旦|凡|只要|除非|假如|倘若|即使|无论|不论|每当|因|由于|虽然)"
)
_CONDITION_ENDS: Final = ("时", "后", "前", "的话", "期间", "情况下", "之际", "以后", "之前", "之后")
_WAY_OUT: Final = re.compile(
    r"\s*(?:如有可能|如可能|可能的话|如有需要|如有必要|如需要|必要时|如方便|方便时|条件允许时|"
    r"条件允许|视情况|视需要|情况允许|可行时|如可行)"
)
_STORY: Final = re.compile(r"^\s*作为[^，,。]{1,40}[，,]\s*(?:我|本人|我们)")


def modals_of(sentence: Sentence) -> list[Modal]:
    """Return the modals of a sentence, in order. Linear in its length."""
    raw: list[tuple[int, str, Force]] = []
    for place, word in _TABLE.all_in(sentence.text, sentence.begin, sentence.end):
        if word in words.NOT_MODALS:
            continue
        raw.append((place, word, _FORCES[word]))
    binds = any(force in (Force.OBLIGATION, Force.PROHIBITION) for _, _, force in raw)
    clauses = _clauses(sentence)
    way_out = _WAY_OUT.match(sentence.text, sentence.begin, sentence.end) is not None and not binds
    found = []
    at = 0
    for number, (place, word, force) in enumerate(raw):
        while clauses[at][1] <= place:
            at += 1
        if word in _OFTEN_NOUNS and binds:
            continue
        if force is Force.PERMISSION and way_out:
            force = Force.WISH  # noqa: PLW2901  # 如有可能，可…
        following = raw[number + 1][0] if number + 1 < len(raw) else len(sentence.text) + 1
        main = not _is_condition(sentence.text, clauses[at], is_last=at + 1 == len(clauses))
        if main and following < clauses[at][1] and "的" in sentence.text[place:following]:
            main = False  # 需要复核的交易应…: it describes a noun
        found.append(Modal(place, place + len(word), word, force, main))
    return found


def _clauses(sentence: Sentence) -> list[tuple[int, int]]:
    edges = [place for place in range(sentence.begin, sentence.end) if sentence.text[place] in CLAUSE_ENDS]
    edges.append(sentence.end)
    begin, found = sentence.begin, []
    for edge in edges:
        found.append((begin, edge + 1))
        begin = edge + 1
    return found


def _is_condition(text: str, clause: tuple[int, int], *, is_last: bool) -> bool:
    """Whether a clause says when, and another one what."""
    if is_last:
        return False
    told = text[clause[0] : clause[1] - 1].strip()
    return told.endswith(_CONDITION_ENDS) or _CONDITION.match(told) is not None


def way_out_of(sentence: Sentence) -> int:
    """Return where the way out ends with which a sentence begins, its beginning where it has none."""
    match = _WAY_OUT.match(sentence.text, sentence.begin, sentence.end)
    return match.end() if match else sentence.begin


def is_story(text: str) -> bool:
    """Whether a text is a user story: 作为理赔员，我希望…"""
    return _STORY.match(text) is not None
