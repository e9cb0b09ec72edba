"""What a trace and its answer hold, from the facts stored when it was sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from django.db.models import Q

_PARTS: Final = {
    "confidence": Q(facts__has_confidence=True),
    "limitations": Q(facts__has_limitations=True),
    "prompt": Q(facts__has_prompt=True),
    "sources": Q(facts__has_sources=True),
    "tools": Q(facts__has_tools=True),
    "policy_checks": Q(facts__n_policy_checks__gt=0),
}


def all_parts(parameters: Mapping[str, object]) -> Q:
    """Return the condition that a trace holds everything that the parameter `parts` lists."""
    wanted = Q()
    for part in cast("Sequence[str]", parameters["parts"]):
        wanted &= _PARTS[part]
    return wanted
