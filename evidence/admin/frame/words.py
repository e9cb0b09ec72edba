"""Codes as words, in the language of the reader: verdicts, states, reasons. What is stored stays the code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext_lazy, pgettext_lazy
from django_stubs_ext import StrOrPromise

# In the context "verdict": "open" and "fail" are verbs elsewhere. A code that is not here is shown as it is.
WORDS: Final[Mapping[str, StrOrPromise]] = {
    "verbatim": pgettext_lazy("verdict", "verbatim"),
    "normalised": pgettext_lazy("verdict", "normalised"),
    "fuzzy": pgettext_lazy("verdict", "fuzzy"),
    "misattributed": pgettext_lazy("verdict", "misattributed"),
    "not_found": pgettext_lazy("verdict", "not found"),
    "unresolvable": pgettext_lazy("verdict", "unresolvable"),
    "allow": pgettext_lazy("verdict", "allow"),
    "deny": pgettext_lazy("verdict", "deny"),
    "escalate": pgettext_lazy("verdict", "escalate"),
    "approve": pgettext_lazy("verdict", "approve"),
    "override": pgettext_lazy("verdict", "override"),
    "reject": pgettext_lazy("verdict", "reject"),
    "pass": pgettext_lazy("verdict", "pass"),
    "fail": pgettext_lazy("verdict", "fail"),
    "insufficient": pgettext_lazy("verdict", "insufficient"),
    "met": pgettext_lazy("verdict", "met"),
    "not_met": pgettext_lazy("verdict", "not met"),
    "stale": pgettext_lazy("verdict", "stale"),
    "not_assessed": pgettext_lazy("verdict", "not assessed"),
    "complete": pgettext_lazy("verdict", "complete"),
    "incomplete": pgettext_lazy("verdict", "incomplete"),
    "high": pgettext_lazy("verdict", "high"),
    "medium": pgettext_lazy("verdict", "medium"),
    "low": pgettext_lazy("verdict", "low"),
    "success": pgettext_lazy("verdict", "success"),
    "error": pgettext_lazy("verdict", "error"),
    "cancelled": pgettext_lazy("verdict", "cancelled"),
    "scored": pgettext_lazy("verdict", "scored"),
    "unscored": pgettext_lazy("verdict", "unscored"),
    "draft": pgettext_lazy("verdict", "draft"),
    "in_review": pgettext_lazy("verdict", "in review"),
    "approved": pgettext_lazy("verdict", "approved"),
    "superseded": pgettext_lazy("verdict", "superseded"),
    "retired": pgettext_lazy("verdict", "retired"),
    "proposed": pgettext_lazy("verdict", "proposed"),
    "declined": pgettext_lazy("verdict", "declined"),
    "withdrawn": pgettext_lazy("verdict", "withdrawn"),
    "adopted": pgettext_lazy("verdict", "adopted"),
    "kept": pgettext_lazy("verdict", "kept"),
    "added": pgettext_lazy("verdict", "added"),
    "dropped": pgettext_lazy("verdict", "dropped"),
    "primary": pgettext_lazy("verdict", "primary"),
    "supporting": pgettext_lazy("verdict", "supporting"),
    "counter": pgettext_lazy("verdict", "counter"),
    "context": pgettext_lazy("verdict", "context"),
    "queued": pgettext_lazy("verdict", "queued"),
    "running": pgettext_lazy("verdict", "running"),
    "done": pgettext_lazy("verdict", "done"),
    "failed": pgettext_lazy("verdict", "failed"),
    "supported": pgettext_lazy("verdict", "supported"),
    "not_supported": pgettext_lazy("verdict", "not supported"),
    "inconclusive": pgettext_lazy("verdict", "inconclusive"),
    "invalid": pgettext_lazy("verdict", "invalid"),
    "open": pgettext_lazy("verdict", "open"),
    "overdue": pgettext_lazy("verdict", "overdue"),
    "closed": pgettext_lazy("verdict", "closed"),
    "disagreement": pgettext_lazy("verdict", "disagreement"),
    "adjudicated": pgettext_lazy("verdict", "adjudicated"),
    "registered": pgettext_lazy("verdict", "registered"),
    "unregistered": pgettext_lazy("verdict", "unregistered"),
    "odd_name": gettext_lazy("look twice"),
    "active": pgettext_lazy("verdict", "active"),
    "revoked": pgettext_lazy("verdict", "revoked"),
    "expired": pgettext_lazy("verdict", "expired"),
    # Why a person did not simply approve, and why one was asked.
    "wrong_fact": pgettext_lazy("reason", "wrong fact"),
    "unsupported_claim": pgettext_lazy("reason", "unsupported claim"),
    "wrong_citation": pgettext_lazy("reason", "wrong citation"),
    "missing_limitation": pgettext_lazy("reason", "missing limitation"),
    "policy_breach": pgettext_lazy("reason", "policy breach"),
    "unfair_treatment": pgettext_lazy("reason", "unfair treatment"),
    "unclear": pgettext_lazy("reason", "unclear"),
    "other": pgettext_lazy("reason", "other"),
    "high_risk": pgettext_lazy("reason", "high risk"),
    "requested_by_reviewer": pgettext_lazy("reason", "requested by reviewer"),
    # Which way a factor or a measure points.
    "raises": pgettext_lazy("direction", "raises"),
    "lowers": pgettext_lazy("direction", "lowers"),
    "higher": pgettext_lazy("direction", "higher"),
    "lower": pgettext_lazy("direction", "lower"),
}


def in_words(code: str) -> StrOrPromise:
    """Return a code as words: `wrong_fact` as "wrong fact"."""
    return WORDS.get(code, code.replace("_", " "))
