"""The fingerprint of a requirement version: what links compare to tell whether it says something else than before.

It is taken over the attributes that count, and no others: a new owner makes a new version, and no link suspect. Pure,
over what an author wrote; which fingerprint is in force for a stored version, `requirements.selectors.wording` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from evidence.digests import digest_of
from requirements.drafts import RequirementDraft

FORMAT: Final = "fingerprint/1"


def normalise_blanks(text: str) -> str:
    """Return a text with each run of blanks as one, and none at its ends."""
    return " ".join(text.split())


def _statement(draft: RequirementDraft) -> object:
    return {language: normalise_blanks(text) for language, text in draft.statement.items()}


def _criteria(draft: RequirementDraft) -> object:
    return [criterion.content() for criterion in sorted(draft.criteria, key=lambda each: each.key)]


# What counts. Not: owner, rationale, review_every_days, and the order of criteria.
FINGERPRINT_ATTRIBUTES: Final[Mapping[str, Callable[[RequirementDraft], object]]] = {
    "statement": _statement,  # of each language
    "risk_tier": lambda draft: draft.risk_tier,
    "layer": lambda draft: draft.layer,
    "criteria": _criteria,  # all that can change a verdict
}


def fingerprint(draft: RequirementDraft) -> str:
    """Return the SHA-256 over the canonical JSON of what counts in a requirement's content."""
    counted = {name: read(draft) for name, read in FINGERPRINT_ATTRIBUTES.items()}
    return digest_of({"format": FORMAT, **counted})
