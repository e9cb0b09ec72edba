"""Requirements that repeat or contradict each other. Linear in their number."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from requirements.checks.contracts import Words
from requirements.drafts import Comparator, CriterionDraft, RequirementDraft
from requirements.lint.contracts import LintWarning
from requirements.lint.languages import told_in
from requirements.lint.telling import tell

_MARKS: Final = re.compile(r"[\W_]+")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_MOST_PLAIN: Final = 40_000  # texts whose plain words are kept: nearly all were compared a minute before
_LONGEST_KEPT: Final = 1_000  # characters
_NAMED: Final = 3  # of the others that are told by key


@dataclass(slots=True)
class Others:
    """Where each text and each fact is asked about, over all requirements that are compared."""

    texts: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    shapes: dict[tuple[str, str], list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    facts: dict[bytes, list[tuple[str, CriterionDraft]]] = field(default_factory=lambda: defaultdict(list))


def compare(drafts: Sequence[RequirementDraft]) -> Others:
    """Return the requirements of a system by what they say and by what they measure."""
    others = Others()
    for draft in drafts:
        for language, text in draft.statement.items():
            plain = _plain(text)
            others.texts[language, plain].append(draft.key)
            others.shapes[language, _NUMBER.sub("#", plain)].append((draft.key, plain))
        for criterion in draft.criteria:
            others.facts[criterion.facts].append((draft.key, criterion))
    return others


def about_others(draft: RequirementDraft, others: Others) -> Iterator[LintWarning]:
    """Yield where a requirement says or measures what another one does, or the opposite."""
    for language, text in draft.statement.items():
        yield from _same_text(draft.key, language, _plain(text), others)
    languages = told_in(draft.statement)
    for criterion in draft.criteria:
        yield from _same_facts(draft.key, criterion, others, languages)


def _plain(text: str) -> str:
    return _kept_plain(text) if len(text) <= _LONGEST_KEPT else _kept_plain.__wrapped__(text)


@lru_cache(_MOST_PLAIN)
def _kept_plain(text: str) -> str:
    return _MARKS.sub(" ", text.casefold()).strip()


def _same_text(key: str, language: str, plain: str, others: Others) -> Iterator[LintWarning]:
    same = _first(other for other in others.texts[language, plain] if other != key)
    if same:
        yield from tell(
            [language],
            "repeats",
            f"statement.{language}",
            Words(f"{_listed(same)} says the same", f"{_listed(same)}的内容与此相同"),
            Words("keep one of them, or say what differs", "请只保留一条，或写明区别"),
        )
        return
    shape = _NUMBER.sub("#", plain)
    if "#" not in shape:
        return
    differs = _first(
        other for other, text in others.shapes[language, shape] if other != key and text != plain
    )
    if differs:
        yield from tell(
            [language],
            "contradicts",
            f"statement.{language}",
            Words(
                f"{_listed(differs)} says the same with another number",
                f"{_listed(differs)}内容相同但数字不同",
            ),
            Words(
                "say which number holds, or for what each of them does",
                "请写明哪个数字有效，或各自适用于什么",
            ),
        )


def _same_facts(
    key: str, criterion: CriterionDraft, others: Others, languages: Sequence[str]
) -> Iterator[LintWarning]:
    # As many as are looked at, however many ask about the same facts: all pairs would be a square.
    asking = others.facts[criterion.facts][: _LOOK + 1]
    looked = [pair for pair in asking if pair[1] is not criterion][:_LOOK]
    same = [pair for pair in looked if pair[1].comparator is criterion.comparator]
    opposite = [pair for pair in looked if pair[1].comparator is not criterion.comparator]
    against = _first(_name(key, other, one) for other, one in opposite if _excludes(criterion, one))
    if against:
        yield from tell(
            languages,
            "contradicts",
            f"criteria.{criterion.key}",
            Words(
                f"{_listed(against)} asks for the opposite of the same facts: both are never met together",
                f"{_listed(against)}对同一事实提出了相反的要求：两者不可能同时满足",
            ),
            Words(
                "change one of the two thresholds, or slice them apart", "请更改其中一个阈值，或以切片区分"
            ),
        )
        return
    if same:
        names = _first(_name(key, other, one) for other, one in same)
        stricter = max if criterion.comparator is Comparator.AT_LEAST else min
        most = stricter([criterion.threshold, *(one.threshold for _, one in same)])
        yield from tell(
            languages,
            "repeats",
            f"criteria.{criterion.key}",
            Words(
                f"{_listed(names)} measures the same facts; the stricter threshold, {most:g}, decides",
                f"{_listed(names)}衡量的是同一事实；起决定作用的是更严格的阈值{most:g}",
            ),
            Words("keep one criterion, and link the requirements", "请只保留一条准则，并关联相关要求"),
        )


_LOOK: Final = 100  # criteria on the same facts that one is compared with


def _excludes(one: CriterionDraft, other: CriterionDraft) -> bool:
    """Whether no value meets both of two that ask for opposite sides: at least 0.9 and at most 0.5."""
    low, high = (one, other) if one.comparator is Comparator.AT_LEAST else (other, one)
    return low.threshold > high.threshold


def _name(key: str, other: str, criterion: CriterionDraft) -> str:
    return criterion.key if other == key else f"{other}/{criterion.key}"


def _first(names: Iterator[str]) -> list[str]:
    found: dict[str, None] = {}
    for name in names:
        found.setdefault(name)
        if len(found) > _NAMED:
            break
    return list(found)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")


def by_key(drafts: Sequence[RequirementDraft]) -> Mapping[str, RequirementDraft]:
    """Return requirements by key; of one key the last."""
    return {draft.key: draft for draft in drafts}
