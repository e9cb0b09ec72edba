"""Lists of words and openings that tell sentences apart: text files, for whoever knows the language to mend.

A change of any of them changes what is extracted, and with it `EXTRACTOR_VERSION`; of those that
`evidence.citations.wording` reads, which quotes are found, and with it `CHECKER_VERSION`.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Final

_CAPITAL: Final = re.compile(r"(?<!\\)[A-Z]")  # a backslash and a capital are a class of characters
# What also matches `i` or `s` where case does not matter: Turkish letters, and one of old print.
_ODD_LETTERS: Final = (("\u0130", "i"), ("\u0131", "i"), ("\u017f", "s"))
_FOLDER = Path(__file__).parent
_WORD: Final = re.compile(r"\w+")
# Of ASCII, what is in no word. To put spaces there and split takes a third of the time of looking for words.
_BESIDE_WORDS: Final = {code: " " for code in range(128) if not re.match(r"\w", chr(code))}


def read_words(name: str) -> list[str]:
    """Return the words of a file, which are set apart by white space."""
    return " ".join(_lines(name)).split()


def read_rows(name: str) -> list[list[str]]:
    """Return the words of each line of a file."""
    return [line.split() for line in _lines(name)]


def read_alternatives(name: str) -> str:
    """Return one regular expression of all those of a file, one a line."""
    return "|".join(f"(?:{line})" for line in _lines(name))


class Openings:
    """One pattern of all the regular expressions of a file, to be asked of a text `in_small_letters`.

    It finds what it would find in the text itself were case told not to matter, in half the time. To compile one takes
    up to a tenth of what a command takes to start, and few commands read a sentence: it is done at the first question.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        in_small = _CAPITAL.sub(lambda capital: capital.group().lower(), read_alternatives(self._name))
        return re.compile(in_small)

    def match(self, small: str, position: int = 0) -> re.Match[str] | None:
        """Return what one of them finds at a place."""
        return self._pattern.match(small, position)

    def search(self, small: str) -> re.Match[str] | None:
        """Return what one of them finds first, anywhere."""
        return self._pattern.search(small)


def in_small_letters(text: str) -> str:
    """Return a text with its capitals made small, as many characters as it has."""
    if not text.isascii():
        for odd, plain in _ODD_LETTERS:
            text = text.replace(odd, plain)
    return text.lower()


def words_of(text: str) -> list[str]:
    """Return the words of a text: letters, digits and underscores that stand together."""
    return text.translate(_BESIDE_WORDS).split() if text.isascii() else _WORD.findall(text)


def read_weights(name: str) -> dict[str, int]:
    """Return the weights of a file by what they weigh: one a line, the weight first."""
    pairs = (line.split(" ", 1) for line in _lines(name))
    return {weighed: int(weight) for weight, weighed in pairs}


def _lines(name: str) -> list[str]:
    lines = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
