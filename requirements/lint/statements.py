"""What is doubtful about the words of a statement, in its own language."""

from __future__ import annotations

from collections.abc import Iterator

from requirements.checks.contracts import Words
from requirements.lint.contracts import NOT_TESTABLE, WORDING_RULES, Findings, LintWarning, Pack, Span
from requirements.lint.languages import listed, pack_of
from requirements.lint.telling import tell

_LONG = 1_000  # characters; ISO/IEC/IEEE 29148 asks for one thought
_READ = 10_000  # characters that are looked at
_LONGEST = 60  # characters of a stretch that are told; the span says the rest


def lint_statement(text: str, language: str = "en") -> list[LintWarning]:
    """Return the doubts about a statement alone, as it is being typed: one a rule, at its first stretch."""
    pack = pack_of(language, text)
    if pack is None:
        return []
    return [*_told(pack, pack.find(text[:_READ]), text, language), *_too_long(text, language)]


def _too_long(text: str, language: str) -> Iterator[LintWarning]:
    if len(text) <= _LONG:
        return
    yield from tell(
        [language],
        "too_long",
        f"statement.{language}",
        Words(
            f"the statement has {len(text)} characters; nobody can hold it in the head"
            + (f", and only the first {_READ} were looked at" if len(text) > _READ else ""),
            f"陈述有{len(text)}个字符，没有人能一次读懂"
            + (f"，且只检查了前{_READ}个字符" if len(text) > _READ else ""),
        ),
        Words(
            "write one sentence, and put the rest into the rationale",
            "请写成一句话，其余内容写入理由（rationale）",
        ),
        Span(_LONG, len(text)),
    )


def _told(pack: Pack, found: Findings, text: str, language: str) -> Iterator[LintWarning]:
    for rule in WORDING_RULES:
        spans = sorted(found.spans.get(rule, ()), key=lambda span: span.start)
        if not spans:
            continue
        if rule == NOT_TESTABLE:
            families = {name: text[span.start : span.end] for name, span in found.families.items()}
            message, suggestion = pack.tell_families(families)
        else:
            words = listed((_shown(text, span) for span in spans), language)
            message, suggestion = pack.tell(rule, words, len(spans) + 1)
        yield LintWarning(
            code=rule,
            where=f"statement.{language}",
            message=message,
            suggestion=suggestion,
            language=language,
            start=spans[0].start,
            end=spans[0].end,
        )


def _shown(text: str, span: Span) -> str:
    said = text[span.start : span.end]
    return said if len(said) <= _LONGEST else said[:_LONGEST] + "…"
