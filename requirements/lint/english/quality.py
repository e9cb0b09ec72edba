"""Rule `vague` in English: a quality without its measure, a loophole, an open end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from requirements.lint.english.measures import Measures
from requirements.lint.english.quality_words import (
    ABSTRACT_NOUNS,
    ADVERBS_NOT_OF_MANNER,
    ALWAYS,
    ATTRIBUTED_NOUNS,
    ATTRIBUTIVE,
    ENSURING,
    FACTUAL,
    NEGATIONS,
    NOUNS,
    OPEN_ENDED,
    PHRASES,
    PREDICATE,
    QUALITY_ADVERBS,
    QUALITY_ENDINGS,
    TERMS,
    THINGS,
)
from requirements.lint.english.reading import Sentence
from requirements.lint.english.words import (
    AMOUNT_ADVERBS,
    BOUNDARIES,
    DEGREE,
    DETERMINERS,
    LINKING,
    PREPOSITIONS,
    UNSAID,
    word_set,
)

_BEFORE_VERBS: Final = frozenset(
    {"to", "must", "shall", "should", "may", "can", "will", "cannot"}
)  # "must correct errors"
_REACH: Final = 8  # words back from a quality to the verb that says so
_NEGATIONS: Final = tuple(NEGATIONS)
_LIST: Final = frozenset({",", "and", "or", "not", "as"})
_ALONE: Final = (
    TERMS.beginnings | PHRASES.beginnings | OPEN_ENDED | QUALITY_ADVERBS | NOUNS | ALWAYS | PREDICATE | ATTRIBUTIVE
)  # fmt: skip
# A time measures these; nothing else does it for another quality.
_OF_SPEED: Final = frozenset(
    {"efficient", "efficiently", "responsive", "easy", "easily", "convenient", "easy to", "smoothly"}
)


def vague_words(sentence: Sentence, begin: int, end: int, measures: Measures) -> Iterator[tuple[int, int]]:
    """Yield the places of unmeasured qualities among the tokens from `begin` to before `end`."""
    lows, behind = sentence.lows, begin
    for index in range(begin, end):
        low = lows[index]
        if index < behind or not (_may_be_one(low) or (index and low and lows[index - 1] in _SEEMING)):
            continue
        term = TERMS.at(lows, index)
        if term is not None:
            behind = index + term[0]
            continue
        phrase = PHRASES.at(lows, index)
        if phrase is not None:
            if not _is_measured(phrase[1], measures):
                yield index, index + phrase[0]
            behind = index + phrase[0]
            continue
        if _is_quality(sentence, index) and not _is_measured(low, measures):
            yield index, index + 1


@lru_cache(maxsize=8_192)  # the same few words stand in most statements, and most are none
def _may_be_one(low: str) -> bool:
    """Whether a word begins a term or phrase, or is a quality wherever what stands around it does not speak against it.

    After "sound" or "look" any word may be one.
    """
    return low in _ALONE or _is_adverb_of_manner(low) or _is_denied_quality(low) or _ends_as_quality(low)


def _is_measured(word: str, measures: Measures) -> bool:
    if word in OPEN_ENDED or word in ("and so on", "and so forth", "and the like", "or similar"):
        return False
    return measures.amount or measures.definition or (measures.time and word in _OF_SPEED)


def _is_quality(sentence: Sentence, index: int) -> bool:
    lows = sentence.lows
    low = lows[index]
    if sentence.is_name(index) or sentence.tokens[index].is_identifier:
        return False
    if low in OPEN_ENDED:
        return True
    before = lows[index - 1] if index else ""
    if is_amount_word(lows, index) or (before in _BEFORE_VERBS and not low.endswith("ly")):
        return False
    if low in QUALITY_ADVERBS or _is_adverb_of_manner(low):
        return low not in ("well", "naturally") or _is_manner_here(lows, index)
    if low in NOUNS:
        return _is_to_be_ensured(lows, index)
    # "must sound" what? Whatever follows is in the ear of the listener.
    return (before in _SEEMING and _is_free(lows, index)) or _is_adjective_of_quality(lows, index)


def _is_adjective_of_quality(lows: Sequence[str], index: int) -> bool:
    low = lows[index]
    if low in ALWAYS:
        return not _names_a_thing(lows, index)
    if low in PREDICATE or _is_denied_quality(low):
        graded = is_predicate(lows, index) or _before(lows, index, ABSTRACT_NOUNS)
        if graded:
            return not _names_a_thing(lows, index)
    if low in ATTRIBUTIVE and _before(lows, index, ATTRIBUTED_NOUNS):
        return True
    return _ends_as_quality(low) and is_predicate(lows, index)


def is_amount_word(lows: Sequence[str], index: int) -> bool:
    """Whether a word grades an amount: "a sufficient time", "degrade significantly"."""
    low = lows[index]
    if low in AMOUNT_ADVERBS:
        return True
    if low in ALWAYS and low != "sufficient":
        return False
    following = lows[index + 1] if index + 1 < len(lows) else ""
    return low in UNSAID and following in BOUNDARIES and following not in ("level", "levels", "margin")


_SEEMING: Final = word_set(
    """
    sound sounds look looks feel feels seem seems appear appears
    """
)


# What may stand after them and grades nothing: "appear verbatim", "appear twice".
_PLACES_AND_TIMES: Final = word_set(
    """
    when if again first last only and or verbatim unchanged once twice here there elsewhere above below next together
    """
)


def _is_free(lows: Sequence[str], index: int) -> bool:
    """Whether a word after "sound" or "look" is no preposition, article or place."""
    low = lows[index]
    return low.isalpha() and low not in PREPOSITIONS | DETERMINERS | _PLACES_AND_TIMES


def _is_denied_quality(low: str) -> bool:
    """Whether a word denies a quality: unfriendly, inaccurate, impolite."""
    if not low.startswith(_NEGATIONS):
        return False
    stems = [low.removeprefix(prefix) for prefix in NEGATIONS if low.startswith(prefix)]
    return any(stem in PREDICATE or stem in ALWAYS for stem in stems)


def _is_adverb_of_manner(low: str) -> bool:
    if not low.endswith("ly") or len(low) < 6 or low in ADVERBS_NOT_OF_MANNER or "-" in low:
        return False
    return not low.endswith(("ically", "wardly", "tially"))


def _is_manner_here(lows: Sequence[str], index: int) -> bool:
    """Whether "well" says how: not "as well", "well known"."""
    before = lows[index - 1] if index else ""
    following = lows[index + 1] if index + 1 < len(lows) else ""
    if following.endswith("ed") and before not in ("as", "to"):
        return True
    return before != "as" and following in ("", ".", ",", "and", "with", "for", "to", "in", "on", "under")


def _ends_as_quality(low: str) -> bool:
    if not low.endswith(QUALITY_ENDINGS) or len(low) <= 5:
        return False
    stem = low.removeprefix("non-").removeprefix("un")
    return low not in FACTUAL and stem not in FACTUAL


def is_predicate(lows: Sequence[str], index: int) -> bool:
    """Whether an adjective is what something is said to be: "must be clear", "be fair, honest and clear"."""
    following = lows[index + 1] if index + 1 < len(lows) else ""
    if following.isalpha() and following not in _MAY_FOLLOW and not following.endswith("ly"):
        return False
    place = index - 1
    for _ in range(_REACH):
        if place < 0:
            return False
        low = lows[place]
        if low in LINKING or low in _MAKING:
            return True
        listed = low in _LIST or low in DEGREE or low in PREDICATE or low in ALWAYS
        if not listed and not low.endswith(("ly", *QUALITY_ENDINGS)):
            return low in ("it", "them", "him") and lows[place - 1] in _MAKING
        place -= 1
    return False


_MAKING: Final = frozenset({"make", "makes", "keep", "keeps", "render"})
_MAY_FOLLOW: Final = word_set(
    """
    and or but for to in at on when if while with without under by enough even as so because towards toward from
    during across before after regarding about throughout until unless that than between against of where
    """
)


def _before(lows: Sequence[str], index: int, nouns: frozenset[str]) -> bool:
    """Whether a word stands before one of these nouns: "clear answers", "clear and short answers"."""
    others = 0
    for place in range(index + 1, min(index + 4, len(lows))):
        low = lows[place]
        if low in nouns:
            following = lows[place + 1] if place + 1 < len(lows) else ""
            return following not in THINGS
        if place == index + 1 and low.isalpha() and low not in _MAY_FOLLOW and low not in LINKING:
            others += 1  # "common document formats"
            continue
        if others or (
            low not in ("and", ",", "or")
            and low not in PREDICATE
            and low not in ALWAYS
            and low not in ATTRIBUTIVE
        ):
            return False
    return False


def _names_a_thing(lows: Sequence[str], index: int) -> bool:
    """Whether the word is part of a name: "the usability test", "the readable-format setting"."""
    following = lows[index + 1] if index + 1 < len(lows) else ""
    return (
        following in THINGS
        and following not in ABSTRACT_NOUNS
        and lows[index - 1] in ("the", "its", "each", "every")
    )


def _is_to_be_ensured(lows: Sequence[str], index: int) -> bool:
    """Whether a noun of quality is what is asked for: "must ensure fairness", "must have good usability"."""
    following = lows[index + 1] if index + 1 < len(lows) else ""
    if following in THINGS or following in ("of", "must", "shall", "is"):
        return following == "of" and any(low in _GUARANTEE for low in lows[max(0, index - 4) : index])
    return any(low in ENSURING for low in lows[max(0, index - 5) : index])


_GUARANTEE: Final = frozenset({"ensure", "guarantee", "preserve", "assure"})
