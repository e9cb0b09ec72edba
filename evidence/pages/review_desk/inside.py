"""The tab of what was found inside the model: findings for those who may see them, plain words for all others."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.utils.module_loading import import_string

from evidence.pages.review_desk.looking import Looking

_MOST: Final = 50  # findings that are listed


def inside_context(looking: Looking) -> dict[str, Any]:
    """Return what may be told of the findings that hold for the release of the answer."""
    release = looking.trace.release
    if release is None:
        return {"told": [], "held": [], "has_more_held": False}
    told = import_string(settings.SUPPORTING_EVIDENCE)(release)
    sees = looking.principal.sees_internals
    held = import_string(settings.FINDINGS_BESIDE)(release, looking.principal, _MOST + 1) if sees else []
    return {"told": told, "held": held[:_MOST], "has_more_held": len(held) > _MOST}
