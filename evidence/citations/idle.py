"""Sentences that state nothing one could be held to: courtesies, offers, requests, what the assistant knows or does,
what the sources do not say, and phrases without content.

All patterns are of the opening of a sentence unless they say otherwise: what is said after a courtesy
(`Sorry, the branch is closed`) or against it (`I am no doctor, but aspirin thins the blood`) is judged by itself.
"""

from __future__ import annotations

import re
from typing import Final

from evidence.citations.words import Openings, in_small_letters, read_alternatives

_MARKUP: Final = re.compile(r"[\s*_>“\"'「『(（]+")
_OPENER: Final = Openings("openers")
"""Words before the statement proper. What follows them is judged."""

_OBJECTION: Final = re.compile(
    r"[,;—–]\s*(?:but|however|although|though|yet)\b\s*|[,，;；]\s*(?:但是?|不过|然而|可是)"
)
_QUOTED: Final = re.compile(r"“[^”]*+”|\"[^\"]*+\"|「[^」]*+」|『[^』]*+』")
_FIRST_PERSON: Final = re.compile(
    r"(?:^|[,;:.—]\s*|\b(?:and|but|so|if|when|that|as|because|what|than|or|then|though|while|before|after|where|until)\s)"
    r"I\b(?!\.)|我(?![们行司国公方部院校局])(?<!自我)"
)
_DEED: Final = re.compile(read_alternatives("deeds"))
"""Of `I`, only a deed or a recommendation is a statement: I have closed, I refunded, I recommend."""

_ADVERBIAL: Final = Openings("adverbials")
"""A clause before the one that states: `Based on the file, here is what I found` says nothing for all that."""

_IDLE_ENGLISH: Final = Openings("idle_en")
_IDLE_CHINESE: Final = Openings("idle_zh")
_LETTER: Final = re.compile(r"[a-z]")
_REQUESTING: Final = Openings("requests")
_LONGEST_OPENING: Final = 6  # openers taken off, one after the other


def states_nothing(sentence: str) -> bool:
    """Return whether a sentence, without its citation marks, has no content that a source could confirm."""
    rest = strip_openers(sentence)
    if not (_is_idle(rest) or speaks_of_itself(rest)):
        return False
    parts = _OBJECTION.split(rest, maxsplit=1)
    return len(parts) < 2 or states_nothing(parts[1])


def _is_idle(sentence: str) -> bool:
    small = in_small_letters(sentence)
    if _begins_idly(small, 0):
        return True
    clause = _ADVERBIAL.match(small)
    return clause is not None and _begins_idly(small, clause.end())


def _begins_idly(small: str, position: int) -> bool:
    """Return whether one of the openings stands at a place: only those are tried that the letters allow."""
    if _LETTER.search(small, position) and _IDLE_ENGLISH.match(small, position):
        return True
    return not small.isascii() and _IDLE_CHINESE.match(small, position) is not None


def speaks_of_itself(sentence: str) -> bool:
    """Return whether a sentence says what its speaker is, thinks or knows, and tells no deed."""
    if not _names_itself(sentence):
        return False
    own = _QUOTED.sub(" ", sentence)
    return _FIRST_PERSON.search(own) is not None and _DEED.search(own) is None


def _names_itself(sentence: str) -> bool:
    """Return whether a sentence has one of the words without which nobody speaks of himself: most have none."""
    return "I" in sentence or "我" in sentence


def find_proper(sentence: str) -> str | None:
    """Return what of a sentence is to be weighed: from the statement proper on, and after an objection.

    None where the sentence tells a deed of the assistant, which is a statement whatever its words.
    """
    rest = strip_openers(sentence)
    if _names_itself(rest) and _DEED.search(rest):
        return None
    parts = _OBJECTION.split(rest, maxsplit=1)
    return parts[1] if len(parts) > 1 and (_is_idle(parts[0]) or speaks_of_itself(parts[0])) else rest


def strip_openers(sentence: str) -> str:
    """Return a sentence from its statement proper on: `Yes, unfortunately, the fee stands` without the first two."""
    small, position = in_small_letters(sentence), 0
    for _ in range(_LONGEST_OPENING):
        markup = _MARKUP.match(sentence, position)
        position = markup.end() if markup else position
        opener = _OPENER.match(small, position)
        if not opener:
            break
        position = opener.end()
    return sentence[position:]


def asks_or_offers(lead_in: str) -> bool:
    """Return whether a line that leads into a list asks the reader for its items or offers them."""
    return _REQUESTING.search(in_small_letters(lead_in)) is not None
