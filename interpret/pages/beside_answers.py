"""Findings beside an answer: those that hold for its release, for who may see them."""

from __future__ import annotations

from typing import Final

from django.urls import reverse
from django.utils.text import Truncator

from evidence.access import Principal, visible_to
from evidence.finding_summary import FindingBeside
from evidence.models import Release
from interpret.models import Finding
from interpret.pages.limits import show_limits
from interpret.selectors.findings import fresh_for

_LONGEST: Final = 1_000  # characters of what a finding does not show
_READ: Final = ("pk", "title", "status", "rung", "supports", "does_not_show")


def findings_beside(release: Release, principal: Principal, most: int) -> list[FindingBeside]:
    """Return the newest findings that hold for a release; none to whoever may not see internals."""
    fresh = Finding.objects.filter(fresh_for(release), run__spec__system=release.system_id)
    rows = visible_to(fresh, principal).only(*_READ).order_by("-pk")
    return [_beside(found) for found in rows[:most]]


def finding_beside(finding_id: int, principal: Principal) -> tuple[FindingBeside, int] | None:
    """Return one finding and the release it was made on; None: there is none, or it is not for whoever asks."""
    rows = visible_to(Finding.objects.filter(pk=finding_id), principal).select_related("run")
    found = rows.only(*_READ, "run__release_id").first()
    return None if found is None else (_beside(found), found.run.release_id)


def _beside(found: Finding) -> FindingBeside:
    return FindingBeside(
        title=found.title,
        status=found.status,
        rung=found.rung,
        supports=found.supports,
        does_not_show=show_limits(Truncator(found.does_not_show).chars(_LONGEST)),
        address=reverse("admin:finding", args=[found.pk]),
    )
