"""What an English sentence obliges to: its modal verbs, and whether they stand in the main clause."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

from requirements.lint.english.reading import Phrases, Sentence
from requirements.lint.english.words import (
    DETERMINERS,
    NOUN_VERBS,
    PREPOSITIONS,
    PURE_VERBS,
    SUBORDINATORS,
)


class Force(Enum):
    """How strongly a modal binds."""

    OBLIGATION = "obligation"
    PROHIBITION = "prohibition"
    PERMISSION = "permission"
    WISH = "wish"


class Modal(NamedTuple):
    """A modal verb, or a phrase that works as one, by the places of its tokens in the sentence."""

    begin: int
    end: int  # after its last token
    force: Force
    main: bool  # in the main clause, not in a condition or relative clause


_IS = ("is", "are", "be", "was", "were")
_STRONG: Final = {
    **dict.fromkeys(("must", "shall", "requires", "require"), Force.OBLIGATION),
    **{f"{have} to": Force.OBLIGATION for have in ("has", "have", "needs", "need")},
    **{f"{be} {bound} to": Force.OBLIGATION for be in _IS for bound in ("required", "obliged", "obligated", "bound")},
    **{f"{be} {how}": Force.OBLIGATION for be in _IS for how in ("mandatory", "compulsory", "obligatory", "required")},
    **{f"{be} {how}": Force.PROHIBITION for be in _IS for how in ("prohibited", "forbidden", "banned", "disallowed")},
    **{
        f"{be} {no} {allowed}": Force.PROHIBITION
        for be in _IS
        for no in ("not", "never")
        for allowed in ("allowed", "permitted", "to")
    },
    **{f"{can} {no}": Force.PROHIBITION for can in ("may", "can") for no in ("not", "never", "only")},
    **dict.fromkeys(("cannot", "can't", "mustn't", "shan't"), Force.PROHIBITION),
    **dict.fromkeys(("may", "can"), Force.PERMISSION),
    **{
        f"{be} {allowed} to": Force.PERMISSION
        for be in _IS
        for allowed in ("allowed", "permitted", "entitled", "free")
    },
}  # fmt: skip
_TRYING: Final = (
    "try",
    "attempt",
    "strive",
    "endeavour",
    "endeavor",
    "aim",
    "seek",
    "hope",
    "intend",
    "plan",
    "want",
)
_WEAK: Final = {
    "should": 0, "shouldn't": 0, "ought": 0, "could": 0, "might": 0, "would": 0, "will": 0, "won't": 0, "wo": 0,
    "may want to": 0, "may wish to": 0, "may like to": 0, "may consider": 0, "may try": 0,
    **{f"{word}{ending} to": 0 for word in _TRYING for ending in ("", "s")},
    "tries to": 0, "trying to": 0, "aims at": 0, "strives for": 0, "aim for": 0, "strive for": 0,
    **{
        f"{be} {word} {to}": 0
        for be in ("is", "are", "be")
        for word in ("expected", "intended", "supposed", "encouraged", "advised", "meant", "planned", "designed",
                     "desired", "hoped", "invited", "urged", "suggested", "aimed", "recommended", "welcome")
        for to in ("to", "that", "at")
    },
    **{
        f"{be} {word}": 0
        for be in ("is", "are", "be")
        for word in ("recommended", "desirable", "advisable", "preferable", "preferred", "desired", "encouraged",
                     "suggested", "optional", "welcome", "advised")
    },
    **dict.fromkeys(("ideally", "preferably", "hopefully"), 0),
    "nice to have": 0, "nice if": 0, "good if": 0, "best effort": 0, "best efforts": 0, "every effort": 0,
    "we hope": 0, "we wish": 0, "we want": 0, "we expect": 0, "we recommend": 0, "we suggest": 0, "we prefer": 0,
    "better to": 0, "had better": 0,
    **{
        f"{maybe} , {when} {how}": 0
        for maybe in ("may", "can")
        for when in ("if", "where", "when", "as")
        for how in ("desired", "possible", "needed", "necessary", "practical", "feasible", "appropriate", "required",
                    "wanted", "practicable")
    },
}  # fmt: skip
_MODALS: Final = Phrases(
    dict.fromkeys(_WEAK, "wish") | {phrase: force.value for phrase, force in _STRONG.items()}
)
# Words that turn "may" and "can" of the same clause into a prohibition.
_NONE: Final = frozenset({"no", "none", "nobody", "neither", "only", "never", "not", "nothing"})
_NEAR: Final = 12  # words from a way out to the permission that it opens
_MANNER_OF_WISH: Final = frozenset({"ideally", "preferably", "hopefully"})


def modals_of(sentence: Sentence) -> list[Modal]:
    """Return the modals of a sentence, in order. Linear in its length."""
    found: list[Modal] = []
    lows = sentence.lows
    if lows[-1] == "?":
        return found  # a question asks for nothing
    clause = _Clause()
    index = 0
    while index < len(lows):
        clause.read(lows, index)
        hit = _MODALS.at(lows, index) if lows[index] else None
        if hit is None:
            index += 1
            continue
        length, said = hit
        if not _is_something_else(sentence, index, length, found):
            force = (
                Force(said) if said != Force.PERMISSION.value or not _is_loophole(lows, index) else Force.WISH
            )
            if force is Force.PERMISSION and clause.denied:
                force = Force.PROHIBITION
            found.append(Modal(index, index + length, force, not clause.is_subordinate))
            clause.finite = True
        index += length
    return found


_LOOPHOLES: Final = Phrases(
    [
        f"{when} {how}"
        for when in ("if", "where", "when", "as")
        for how in ("desired", "possible", "needed", "necessary", "practical", "feasible", "appropriate", "required",
                    "wanted", "practicable", "applicable", "convenient")
    ]
)  # fmt: skip


def _is_loophole(lows: Sequence[str], index: int) -> bool:
    """Whether a permission opens the sentence with a way out: "Where practical, the copilot may cite a source"."""
    return _LOOPHOLES.at(lows, 0) is not None and index < _NEAR


_BREAKS: Final = frozenset(",:()-–—")


class _Clause:
    """What was read of the clause so far: whether it began with a subordinator that has no verb of its own yet."""

    def __init__(self) -> None:
        self.subordinate = False
        self.finite = True
        self.denied = False
        self.begun = 0

    @property
    def is_subordinate(self) -> bool:
        return self.subordinate and not self.finite

    def read(self, lows: Sequence[str], index: int) -> None:
        low = lows[index]
        if low in _BREAKS:
            self.subordinate, self.finite = False, True
            if low != ",":
                self.denied = False
        elif low in SUBORDINATORS and not _is_pronoun(lows, index):
            self.subordinate, self.finite, self.begun = True, False, index
        elif (
            self.subordinate
            and not self.finite
            and index > self.begun
            and _is_finite(lows, index, self.begun)
        ):
            self.finite = True
        if low in _NONE:
            self.denied = True


def _is_pronoun(lows: Sequence[str], index: int) -> bool:
    """Whether "that" is not a conjunction: "of that date", "that account", and "before" a noun: "before departure"."""
    low = lows[index]
    following = lows[index + 1] if index + 1 < len(lows) else ""
    if low in ("before", "after", "until", "till", "since", "once"):
        return not (following in DETERMINERS or following.endswith("s"))
    return low == "that" and index > 0 and lows[index - 1] in PREPOSITIONS


def _is_finite(lows: Sequence[str], index: int, begun: int) -> bool:
    """Whether a word is likely the verb of a clause that began with a subordinator."""
    low = lows[index]
    if low in ("is", "are", "was", "were", "has", "have", "had", "does", "do", "did", "must", "may", "can"):
        return True
    if not low.endswith("s") or low.endswith("ss") or len(low) < 4:
        return False
    stem = low[:-1]
    known = stem in PURE_VERBS or stem in NOUN_VERBS or (low.endswith("es") and low[:-2] in PURE_VERBS)
    return known and (lows[begun] in ("that", "which", "who") or index > begun + 1)


def _is_something_else(sentence: Sentence, index: int, length: int, found_before: Sequence[Modal]) -> bool:
    """Whether these words are no modal here: "Should the service fail, ...", "the month of May", "at will"."""
    lows = sentence.lows
    low = lows[index]
    before = lows[index - 1] if index else ""
    following = lows[index + length] if index + length < len(lows) else ""
    if low == "should" and (index == 0 or before == ",") and length == 1:
        return following in DETERMINERS or following in ("it", "they", "he", "she", "you")
    if low in ("require", "requires"):
        return bool(found_before) or before in ("to", "not", "that", "which", "who", "must", "may")
    is_month = low == "may" and sentence.tokens[index].text == "May" and index > 0
    is_noun = low in ("must", "will", "can", "might", "need") and before in (
        "a",
        "an",
        "the",
        "at",
        "last",
        "free",
    )
    if is_month or is_noun:
        return True
    if low in _MANNER_OF_WISH or length > 1:
        noun = low in ("plan", "plans", "attempt", "attempts", "aim", "aims", "hope", "want", "seeks")
        return noun and (before in DETERMINERS or before in PREPOSITIONS or before.endswith("ed"))
    return False


def is_imperative(sentence: Sentence) -> bool:
    """Whether the sentence is a command: "Encrypt all records". It says what, and not who must do it."""
    lows = sentence.lows
    if not lows:
        return False
    following = lows[1] if len(lows) > 1 else ""
    if lows[0] in PURE_VERBS:
        return following not in PREPOSITIONS and following not in ("", ".")
    return lows[0] in NOUN_VERBS and following in DETERMINERS


def is_ban(sentence: Sentence) -> bool:
    """Whether the sentence forbids without a modal: "Never show a card number", "Do not ask twice"."""
    lows = sentence.lows
    if lows[:2] == ("do", "not"):
        return True
    return (
        lows[:1] in (("never",), ("don't",))
        and len(lows) > 1
        and (lows[1] in PURE_VERBS or lows[1] in NOUN_VERBS)
    )


def is_story(sentence: Sentence) -> bool:
    """Whether the sentence is a user story or a scenario: "As a teller, I want ...", "Given ... when ... then ..."."""
    lows = sentence.lows
    if lows[:1] == ("as",) and "i" in lows:
        return True
    return lows[:1] == ("given",) and "when" in lows and "then" in lows
