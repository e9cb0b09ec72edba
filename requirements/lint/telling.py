"""How a doubt about something other than words is told: in each language of the statement that we speak."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from requirements.checks.contracts import Words
from requirements.lint.chinese.traditional import to_traditional
from requirements.lint.contracts import LintWarning, Span
from requirements.lint.languages import is_chinese


def tell(
    languages: Sequence[str],
    code: str,
    where: str,
    message: Words,
    suggestion: Words,
    span: Span | None = None,
) -> Iterator[LintWarning]:
    """Yield one doubt in each language."""
    for language in languages:
        yield LintWarning(
            code=code,
            where=where,
            message=in_language(message, language),
            suggestion=in_language(suggestion, language),
            language=language,
            start=span.start if span else None,
            end=span.end if span else None,
        )


def in_language(words: Words, language: str) -> str:
    """Return the words in a language, and in its script."""
    if not is_chinese(language):
        return words.en
    traditional = {"hant", "tw", "hk", "mo"}.intersection(language.lower().split("-"))
    return to_traditional(words.zh) if traditional else words.zh
