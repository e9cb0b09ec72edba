"""Why an assessment came out as it did, as a code: it keeps the sentence alone, a decision that rests on it both."""

from __future__ import annotations

from evidence.access import Principal, visible_to
from evidence.models import GateDecision
from requirements.models import Assessment
from requirements.telling import CANNOT_COUNT, code_in


def find_code(assessment: Assessment, reader: Principal | None) -> str:
    """Return the code of an assessment; empty where there is none to be told.

    Which obstacle keeps it from counting is told by the newest decision that rests on the same and that the reader
    may see; where there is none, it is told that it cannot count.
    """
    code = code_in(assessment.verdict, assessment.detail)
    if code != CANNOT_COUNT or reader is None:
        return code
    named = {"criterion": str(assessment.criterion), "inputs_digest": assessment.inputs_digest}
    decisions = visible_to(GateDecision.objects.all(), reader).filter(
        release=assessment.release_id, reasons__contains=[named]
    )
    reasons = decisions.order_by("-pk").values_list("reasons", flat=True).first() or []
    told = (
        each.get("code", "")
        for each in reasons
        if named.items() <= each.items() and each["detail"].startswith(assessment.detail)
    )
    return next(told, "") or code
