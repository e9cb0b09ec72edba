"""Which rules read a statement: by the language its author names, and by the script in which it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from requirements.lint.chinese import ChinesePack
from requirements.lint.chinese.traditional import is_traditional
from requirements.lint.contracts import Pack
from requirements.lint.english import EnglishPack

ENGLISH: Final = EnglishPack()
SIMPLIFIED: Final = ChinesePack()
TRADITIONAL: Final = ChinesePack(traditional=True)
COVERED: Final = ("en", "zh-Hans", "zh-Hant")
_CHINESE: Final = re.compile("[\u4e00-\u9fff]")
_LATIN: Final = re.compile("[A-Za-z]")
_TRADITIONAL_REGIONS: Final = frozenset({"hant", "tw", "hk", "mo"})


@lru_cache(maxsize=64)  # what looks at one requirement asks again and again
def pack_of(language: str, text: str) -> Pack | None:
    """Return the rules for a text; None where they would judge a language that they do not know.

    Args:
        language: a BCP 47 tag, such as "en-GB" or "zh-Hant-TW".
    """
    subtags = language.lower().replace("_", "-").split("-")
    chinese, latin = len(_CHINESE.findall(text)), len(_LATIN.findall(text))
    if subtags[0] == "en":
        return ENGLISH if chinese <= latin else None
    if subtags[0] in ("zh", "cmn", "yue"):
        if text.strip() and chinese * 8 < latin:
            return None
        if _TRADITIONAL_REGIONS.intersection(subtags[1:]):
            return TRADITIONAL
        return TRADITIONAL if len(subtags) == 1 and is_traditional(text) else SIMPLIFIED
    return None


def not_covered(statement: Mapping[str, str]) -> list[str]:
    """Return the languages of a statement whose words nobody looked at."""
    return [language for language, text in statement.items() if pack_of(language, text) is None]


def told_in(statement: Mapping[str, str]) -> list[str]:
    """Return in which languages a doubt about a criterion is told: those of the statement that we speak, or English."""
    return [language for language, text in statement.items() if pack_of(language, text) is not None] or ["en"]


def is_chinese(language: str) -> bool:
    """Whether what is told in this language is told in Chinese."""
    return language.lower().split("-")[0] in ("zh", "cmn", "yue")


def listed(words: Iterable[str], language: str) -> str:
    """Return words in quotation marks, each once, as a list in a language."""
    each = list(dict.fromkeys(words))[:5]
    if is_chinese(language):
        return "、".join(f"“{word}”" for word in each)
    return ", ".join(f'"{word}"' for word in each)
