"""The fingerprint of a requirement version: what links compare to tell whether it says something else than before.

It is taken over the attributes that count, and no others: a new owner makes a new version, and no link suspect. Pure,
over what an author wrote; which fingerprint is in force for a stored version, `requirements.selectors.wording` and,
where other attributes count, `requirements.selectors.fingerprints` say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
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


# How each attribute that may count is read; the order of criteria never does.
ATTRIBUTES: Final[Mapping[str, Callable[[RequirementDraft], object]]] = {
    "statement": _statement,  # of each language
    "risk_tier": lambda draft: str(draft.risk_tier),
    "layer": lambda draft: str(draft.layer),
    "criteria": _criteria,  # all that can change a verdict
    "rationale": lambda draft: normalise_blanks(draft.rationale),
    "owner": lambda draft: draft.owner,
    "review_every_days": lambda draft: draft.review_every_days,
}
# What counts where nothing else is set.
COUNTED: Final = frozenset({"statement", "risk_tier", "layer", "criteria"})


def fingerprint(draft: RequirementDraft, counted: Collection[str] = COUNTED) -> str:
    """Return the SHA-256 over the canonical JSON of what counts in a requirement's content."""
    content = {name: read(draft) for name, read in ATTRIBUTES.items() if name in counted}
    return digest_of({"format": FORMAT, **content})
