"""What two wordings of a requirement differ in, field by field, and word by word where a field is a text.

Free of the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from evidence.citations.difference import Side, diff_words
from requirements.drafts import RequirementDraft

_OPS: Final = {Side.BOTH: "same", Side.QUOTE: "removed", Side.PASSAGE: "added"}
_ORDER: Final = "criteria"  # the path of their order
_NOT_THERE: Final = "–"  # what stands for a value that is not there


@dataclass(frozen=True, slots=True)
class Words:
    """Words that stand together in one of two wordings, or in both, with what stands before them."""

    op: str  # same, removed, added
    text: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs."""

    path: str  # "statement.zh-Hans", "criteria.cited.at_least"
    before: object  # None: it was not there
    after: object  # None: it is there no more

    @property
    def language(self) -> str:
        """Return the language of a statement; empty: it is of none."""
        field, _, language = self.path.partition(".")
        return language if field == "statement" else ""

    @property
    def was(self) -> str:
        """Return the value before as a file has it."""
        return _as_written(self.before)

    @property
    def now(self) -> str:
        """Return the value after, likewise."""
        return _as_written(self.after)

    def words(self) -> tuple[Words, ...]:
        """Return both texts, in reading order, word by word; a Chinese character is a word. Empty: it is no text."""
        if not (isinstance(self.before, str) and isinstance(self.after, str)):
            return ()
        if not self.path.startswith(("statement.", "rationale")):
            return ()
        runs = diff_words(self.before, self.after, exact=True)
        return tuple(Words(_OPS[run.side], run.lead + run.text) for run in runs)


def _as_written(value: object) -> str:
    if value is None:
        return _NOT_THERE
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def changes_between(before: RequirementDraft, after: RequirementDraft) -> list[FieldChange]:
    """Return what differs, in the order in which a file has it."""
    old, new = dict(_fields(before)), dict(_fields(after))
    paths = [*new, *(path for path in old if path not in new)]
    return [
        FieldChange(path, old.get(path), new.get(path))
        for path in paths
        if _differ(old.get(path), new.get(path)) and (path != _ORDER or _is_reordered(old[path], new[path]))
    ]


def _differ(before: object, after: object) -> bool:
    """Whether two values differ; to Python `True` is 1."""
    return before != after or isinstance(before, bool) is not isinstance(after, bool)


def _is_reordered(before: object, after: object) -> bool:
    """Whether criteria that both have stand in another order: that one came or went is said by its own fields."""
    if not (isinstance(before, list) and isinstance(after, list)):
        return False
    return [each for each in before if each in after] != [each for each in after if each in before]


def _fields(draft: RequirementDraft) -> Iterator[tuple[str, object]]:
    if draft.external_id:
        yield "external_id", draft.external_id
    for language, text in draft.statement.items():
        yield f"statement.{language}", text
    yield "rationale", draft.rationale
    yield "risk_tier", str(draft.risk_tier)
    yield "layer", str(draft.layer)
    yield "owner", draft.owner
    yield "review_every_days", draft.review_every_days
    for criterion in draft.criteria:
        here = f"criteria.{criterion.key}"
        for name, value in criterion.content().items():
            if name == "threshold":
                yield f"{here}.{criterion.comparator}", value
            elif name == "parameters" and isinstance(value, Mapping):
                for parameter, given in value.items():
                    yield f"{here}.parameters.{parameter}", given
            elif name not in ("key", "comparator"):
                yield f"{here}.{name}", value
    yield _ORDER, [criterion.key for criterion in draft.criteria]
