"""Names that can be taken for others: of several scripts at once, or of letters that look like Latin ones. Django-free.

After UTS 39, sections 4 and 5: a name is fine in one script, and in Latin with one of the groups that East Asian text
mixes ("highly restrictive"). Python tells no script of a character, but its Unicode name begins with it. Of confusable
letters the table holds those of Cyrillic, Greek and Armenian that look like a Latin one in common typefaces, and of
Latin ones the dotless i and the digits 0 and 1; full-width and mathematical letters are found by NFKC, which makes
other characters of them. What nobody sees is no part of how a name reads: signs that only say how others are shown
(zero-width spaces, soft hyphens, marks of direction, variation selectors), and which of several dashes or spaces it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_EAST_ASIAN: Final = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
_OF_NO_SCRIPT: Final = frozenset(
    {
        "MODIFIER", "FEMININE", "MASCULINE", "MICRO", "FULLWIDTH", "MATHEMATICAL", "ROMAN", "IDEOGRAPHIC",
        "KATAKANA-HIRAGANA",
    }
)  # fmt: skip
_LOOKS_LIKE: Final = str.maketrans(
    # Cyrillic, Greek, Armenian
    "аеорсухіјѕԁһӏԛԝьѵАВЕКМНОРСТХІЈЅУορνυικαΑΒΕΖΗΙΚΜΝΟΡΤΥΧօսոհցՕՍı01",
    "aeopcyxijsdhlqwbvABEKMHOPCTXIJSYopvuikaABEZHIKMNOPTYXounhgOUiol",
)
# Beside characters of the category Cf: the joiner of graphemes, Hangul fillers, Khmer's unspoken vowels, and variation
# selectors (Unicode's Default_Ignorable_Code_Point).
_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_MINUS: Final = "\u2212"


def what_is_odd(name: str) -> str:
    """Return what makes a name look like another, in words; empty where nothing does."""
    scripts = scripts_of(name)
    if len(scripts) > 1 and not any(scripts <= group for group in _EAST_ASIAN):
        return f"letters of {' and '.join(sorted(script.capitalize() for script in scripts))} in one name"
    if name != unicodedata.normalize("NFKC", name):
        return f"it reads as {unicodedata.normalize('NFKC', name)!r}"
    if scripts and "LATIN" not in scripts and _reads_as_latin(name):
        return f"it reads as {skeleton(name)!r} in Latin letters"
    return ""


def find_look_alike(name: str, known: Iterable[str]) -> str:
    """Return a known name, other than this one, that reads the same; empty where none does."""
    wanted = skeleton(name)
    return next((other for other in sorted(known) if other != name and skeleton(other) == wanted), "")


def scripts_of(name: str) -> set[str]:
    """Return the scripts that the letters of a name are of, as Unicode names begin."""
    names = (unicodedata.name(sign, "").split(" ")[0] for sign in name if sign.isalpha())
    return {script for script in names if script and script not in _OF_NO_SCRIPT}


def skeleton(name: str) -> str:
    """Return what a name reads as: the same for two names that look alike."""
    seen = (_as_seen(sign) for sign in unicodedata.normalize("NFKC", _UNSEEN.sub("", name)))
    return " ".join("".join(seen).translate(_LOOKS_LIKE).casefold().split())


def _as_seen(sign: str) -> str:
    category = unicodedata.category(sign)
    if category == "Cf":
        return ""
    return "-" if category == "Pd" or sign == _MINUS else sign


def _reads_as_latin(name: str) -> bool:
    return all(sign.isascii() for sign in skeleton(name) if sign.isalpha())
