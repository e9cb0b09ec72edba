"""Quality lint for requirements at entry: it warns and shows a better wording, and never blocks.

What it looks for in words follows ISO/IEC/IEEE 29148:2018, 5.2.5 and 5.2.7 (a requirement is singular, unambiguous and
verifiable; superlatives, subjective words, loopholes and open ends are to be avoided), EARS and the INCOSE Guide to
Writing Requirements, by packs of rules for English and Chinese. Beside the words: whether the numbers of statement,
translation and criteria agree, whether what a criterion names is registered, whether some number of observations can
reach its threshold, and whether requirements repeat or contradict each other.

`docs/reference/lint.md` lists the rules, with how often they are right.
"""

from __future__ import annotations

from collections.abc import Sequence

from requirements.drafts import RequirementDraft
from requirements.lint.agreement import about_agreement
from requirements.lint.contracts import LintWarning
from requirements.lint.criteria import about_criteria, about_review
from requirements.lint.known import KnownNames, about_names
from requirements.lint.languages import is_chinese, not_covered, told_in
from requirements.lint.repeats import about_others, by_key, compare
from requirements.lint.statements import lint_statement

__all__ = [
    "KnownNames",
    "LintWarning",
    "is_chinese",
    "lint_requirement",
    "lint_requirements",
    "lint_statement",
    "not_covered",
]

_NOTHING = KnownNames()


def lint_requirement(
    draft: RequirementDraft, known: KnownNames = _NOTHING, others: Sequence[RequirementDraft] = ()
) -> list[LintWarning]:
    """Return every doubt about a requirement, in a stable order. None found does not make it good.

    Args:
        known: what its system has on record (`requirements.selectors.known_names`); nothing unless given.
        others: the other requirements of the system, as they are now.
    """
    return lint_requirements([draft], known, others)[draft.key]


def lint_requirements(
    drafts: Sequence[RequirementDraft], known: KnownNames = _NOTHING, others: Sequence[RequirementDraft] = ()
) -> dict[str, list[LintWarning]]:
    """Return the doubts about each of some requirements, by key. Linear in the number of requirements.

    Args:
        others: further requirements of the system; those with the key of a draft are what it replaces.
    """
    every = compare(list({**by_key(others), **by_key(drafts)}.values()))
    found: dict[str, list[LintWarning]] = {}
    for draft in drafts:
        languages = told_in(draft.statement)
        found[draft.key] = [
            *(one for language, text in draft.statement.items() for one in lint_statement(text, language)),
            *about_agreement(draft, languages),
            *about_criteria(draft, languages),
            *about_names(draft, known, languages),
            *about_others(draft, every),
            *about_review(draft, languages),
        ]
    return found
