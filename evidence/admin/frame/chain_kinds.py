"""Which nouns are links of the chain from a requirement to a binder, and what their pages of it are called.

The page itself joins requirements and evidence, and stands in `requirements.pages.chain`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db.models import Model
from django.urls import reverse

CHAIN_KINDS: Final[Mapping[str, str]] = {
    "requirements.requirementversion": "requirement",
    "requirements.acceptancecriterion": "criterion",
    "requirements.assessment": "assessment",
    "evidence.gatedecision": "decision",
    "evidence.evalrun": "run",
    "evidence.release": "release",
    "evidence.trace": "trace",
    "evidence.binder": "binder",
    "evidence.claim": "claim",
    "evidence.review": "review",
    "evidence.citation": "citation",
    "evidence.sourcedocument": "source",
}


def chain_url(record: Model) -> str:
    """Return the address of a record's page of the chain; empty where it is no link of it."""
    kind = CHAIN_KINDS.get(record._meta.label_lower)
    return reverse("admin:chain", args=[kind, record.pk]) if kind else ""
