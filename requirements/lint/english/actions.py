"""The actions that an English sentence asks for: verbs under one modal that "and" joins, and further modals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from requirements.lint.english.modals import Force, Modal, is_imperative
from requirements.lint.english.reading import Sentence
from requirements.lint.english.words import (
    BE,
    CONJUNCTIONS,
    DETERMINERS,
    IRREGULAR_PARTICIPLES,
    NOT_PARTICIPLES,
    NOUN_VERBS,
    PREPOSITIONS,
    PURE_VERBS,
    SUBORDINATORS,
    VERBS,
    word_set,
)

_BINDING: Final = (Force.OBLIGATION, Force.PROHIBITION, Force.WISH)
_JOINING: Final = frozenset({"and", "but", ",", "then", "while", "whereas", "nor", "or", "plus"})
_STOPS: Final = frozenset(",:()–—")
_BETWEEN: Final = frozenset(
    {
        "also",
        "then",
        "not",
        "never",
        "immediately",
        "subsequently",
        "additionally",
        "both",
        "again",
        "thereafter",
    }
)
# What may follow a participle that is a verb and not an adjective before a noun.
_AFTER_PARTICIPLE: Final = (
    PREPOSITIONS
    | CONJUNCTIONS
    | SUBORDINATORS
    | DETERMINERS
    | frozenset({"", ".", ",", ";", ")", ":", "(", "not", "only"})
)
_ADJECTIVES: Final = word_set(
    """
    correct complete clear open secure present separate clean lower dim calm round
    """
)
_RARELY_MODIFY: Final = word_set(
    """
    log block flag mark limit check count list track filter sort cover lock delay record store label answer need
    use
    """
)
_NO_VERBS_HERE: Final = frozenset({"date", "time", "name", "number", "address"})


@dataclass(frozen=True, slots=True)
class Actions:
    """Where a sentence asks for something further."""

    further: tuple[tuple[int, int], ...]  # places of the verbs or modals that ask for one thing more
    stretches: tuple[tuple[int, int], ...]  # the sentence, cut before each of them


def actions_of(sentence: Sentence, modals: Sequence[Modal]) -> Actions:
    """Return the actions of a sentence. Linear in its length."""
    binding = [modal for modal in modals if modal.main and modal.force in _BINDING]
    # What follows a colon says how the first demand is measured.
    colon = _explained_from(sentence)
    binding = binding[:1] + [modal for modal in binding[1:] if modal.begin < colon]
    further = [
        (modal.begin, modal.end)
        for earlier, modal in pairwise(binding)
        if any(low in _JOINING for low in sentence.lows[earlier.end : modal.begin])
    ]
    leading = [modal for modal in modals if modal.main]
    limits = [*(modal.begin for modal in leading[1:]), len(sentence)]
    for modal, limit in zip(leading, limits, strict=False):
        further.extend(_joined(sentence, modal.end, limit))
    if not leading and is_imperative(sentence):
        further.extend(_joined(sentence, 0, len(sentence)))
    further.sort()
    cuts = [_begin_of_conjunct(sentence, begin) for begin, _ in further]
    edges = [0, *cuts, len(sentence)]
    return Actions(tuple(further), tuple(pairwise(edges)))


def _explained_from(sentence: Sentence) -> int:
    """Return where a colon or "i.e." begins to explain what was asked for."""
    lows = sentence.lows
    for index, low in enumerate(lows):
        if low == ":" or (low == "i" and lows[index + 1 : index + 3] == (".", "e")):
            return index
    return len(lows)


def _begin_of_conjunct(sentence: Sentence, index: int) -> int:
    """Return where the conjunct begins that holds this verb or modal: after the last "and" or comma before it."""
    lows = sentence.lows
    for place in range(index - 1, max(0, index - 40), -1):
        if lows[place] in ("and", ",", "then"):
            return place
    return index


class _Open:
    """What is open since the modal: a base form after "and" belongs to the last thing that takes one."""

    def __init__(self) -> None:
        self.infinitive = False
        self.subordinate = False
        self.singular = False

    def read(self, lows: Sequence[str], index: int) -> None:
        low = lows[index]
        following = lows[index + 1] if index + 1 < len(lows) else ""
        if low in _STOPS:
            self.infinitive = self.subordinate = self.singular = False
        elif low == "to" and following in VERBS and lows[index - 1] != "according":
            self.infinitive = following in PURE_VERBS or _takes_object(lows, index + 1)
        elif low in SUBORDINATORS and low not in PREPOSITIONS:
            self.subordinate, self.singular = True, False
        elif self.subordinate and (low in ("is", "was", "has", "does") or _is_third_person(low)):
            self.singular = True

    @property
    def takes_base_form(self) -> bool:
        return self.infinitive or (self.subordinate and not self.singular)


def _joined(sentence: Sentence, begin: int, end: int) -> list[tuple[int, int]]:
    """Return the places of the verbs that "and" adds to the first one after a modal."""
    lows = sentence.lows
    head = begin
    while head < end and (lows[head] in _BETWEEN or lows[head].endswith("ly") or lows[head] == ","):
        head += 1
    passive = head < end and lows[head] in BE
    state = _Open()
    found = []
    for index in range(head + 1, end):
        state.read(lows, index)
        if lows[index] not in ("and", "then", "&", "plus") and not _is_as_well_as(lows, index):
            continue
        verb = index + 1
        while verb < end and (lows[verb] in _BETWEEN or lows[verb].endswith("ly") or lows[verb] == ","):
            verb += 1
        if verb >= end or not lows[verb]:
            continue
        if (
            (_is_base_form(lows, verb) or (lows[index] == "as" and lows[verb] in VERBS))
            and not state.takes_base_form
        ) or (passive and not state.subordinate and _is_participle_here(lows, index, verb)):
            found.append((verb, verb + 1))
    return found


def _is_as_well_as(lows: Sequence[str], index: int) -> bool:
    return lows[index] == "as" and tuple(lows[index - 2 : index]) == ("as", "well")


def _is_base_form(lows: Sequence[str], index: int) -> bool:
    """Whether a word after "and" is a verb in its base form rather than a noun of a list."""
    low = lows[index]
    following = lows[index + 1] if index + 1 < len(lows) else ""
    if low == "be":
        return is_participle(following)
    if low in _ADJECTIVES:
        return following in DETERMINERS
    if low in PURE_VERBS:
        return following != "of"
    return low in NOUN_VERBS and low not in _NO_VERBS_HERE and _takes_object(lows, index)


def _takes_object(lows: Sequence[str], index: int) -> bool:
    """Whether what follows a word can be the object of a verb and cannot follow a noun."""
    following = lows[index + 1] if index + 1 < len(lows) else ""
    if following in DETERMINERS and following not in ("at", "that"):
        return True
    plural = following.endswith("s") and not following.endswith("ss") and following not in PREPOSITIONS
    return plural and lows[index] in _RARELY_MODIFY


def _is_participle_here(lows: Sequence[str], conjunction: int, index: int) -> bool:
    low = lows[index]
    if low in ("be", "been"):
        return True
    if not is_participle(low):
        return False
    following = lows[index + 1] if index + 1 < len(lows) else ""
    if following not in _AFTER_PARTICIPLE and not following.endswith("ly"):
        return False
    before = lows[conjunction - 1]
    attributive = is_participle(before) and lows[conjunction - 2] in DETERMINERS | PREPOSITIONS
    return not attributive


def is_participle(low: str) -> bool:
    """Whether a word has the form of a past participle."""
    if low in IRREGULAR_PARTICIPLES:
        return True
    return low.endswith("ed") and len(low) > 4 and low not in NOT_PARTICIPLES


def _is_third_person(low: str) -> bool:
    return low.endswith("s") and not low.endswith("ss") and (low[:-1] in VERBS or low[:-2] in PURE_VERBS)
