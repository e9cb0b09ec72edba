"""A binder verified by the server, line by line, and what it takes to do it again elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from evidence.access import Principal, visible_to
from evidence.admin.frame.display import beside, list_url, record_url
from evidence.binder.front_page import NON_CLAIMS_ZH
from evidence.binder.statement import NON_CLAIMS
from evidence.errors import EvidenceError, NotFound
from evidence.models import Binder
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.refusals import refusal
from evidence.services.binder_checks import CheckedBinder, check_binder_here, offline_command
from evidence.worded import worded

# By exit code. The tone, and the words.
_VERDICTS: Final[Mapping[int, tuple[str, StrOrPromise]]] = {
    0: ("good", gettext_lazy("Verified: every line that could be checked here holds.")),
    1: ("bad", gettext_lazy("FAILED: something is not so.")),
    2: ("bad", gettext_lazy("MALFORMED: it cannot be read as the format demands.")),
    3: (
        "warn",
        gettext_lazy(
            "TRUST NOT MET: it may be sound, but those whom this server trusts do not vouch for it."
        ),
    ),
    4: ("warn", gettext_lazy("UNVERIFIABLE: it is of a newer format than this server's verifier knows.")),
}
# What each line asks, in the order of docs/guides/auditor.md.
_ASKS: Final[Mapping[str, StrOrPromise]] = {
    "integrity": gettext_lazy("Is every file the one that was listed?"),
    "origin": gettext_lazy("Did enough trusted keys sign it?"),
    "container": gettext_lazy("Are the bytes of the ZIP itself signed?"),
    "log inclusion": gettext_lazy("Is the export in the log?"),
    "witnessed": gettext_lazy("Did others see the same log?"),
    "completeness": gettext_lazy("Do counts, verdicts and references come out the same again?"),
    "freshness": gettext_lazy("Is it no older than is allowed?"),
}
_CLAIMED_IN_CHINESE: Final = dict(zip(NON_CLAIMS, NON_CLAIMS_ZH, strict=True))
_TONES: Final = {"ok": "good", "failed": "bad"}


@page_view(permission="evidence.view_binder")
def check_binder(request: HttpRequest, principal: Principal, binder_id: int) -> Page | HttpResponseBase:
    """Show what verifying a binder takes; on the button, verify it here and show what came of it."""
    binder = _find(principal, binder_id)
    context: dict[str, Any] = {"binder": binder, "command": offline_command(binder)}
    status = 200
    if request.method == "POST":
        try:
            context |= _shown(check_binder_here(principal=principal, binder=binder))
        except EvidenceError as exc:
            context["refusal"], status = refusal(exc), exc.http_status
    trail = [
        Step(gettext_lazy("Binders"), list_url("evidence.binder")),
        Step(binder.file_name, record_url(binder)),
    ]
    return Page("pages/binder_check.html", gettext_lazy("Verify a binder"), context, trail, status=status)


def _find(principal: Principal, binder_id: int) -> Binder:
    binders = visible_to(Binder.objects.select_related("system", "release", "archive"), principal)
    binder = binders.filter(pk=binder_id).first()
    if binder is None:
        raise NotFound(worded("There is no such binder among those that you may see."))
    return binder


def _shown(checked: CheckedBinder) -> dict[str, Any]:
    tone, verdict = _VERDICTS[checked.exit_code]
    return {
        "checked": checked,
        "tone": tone,
        "verdict": verdict,
        "non_claims": [beside(_CLAIMED_IN_CHINESE.get(each, ""), each) for each in checked.non_claims],
        "lines": [(_ASKS.get(line.name, ""), _TONES.get(line.state, "warn"), line) for line in checked.lines],
    }
