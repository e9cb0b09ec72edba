"""Erasing exactly what a plan said: what was shown to an operator, and no more, no less.

`check_agreed` ties an erasure to what stays. Here it is tied to what goes as well: a span that came since, or a blob
that has another part by now, is not what they agreed to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from evidence.access import Principal
from evidence.digests import digest_of
from evidence.errors import LegalHoldInForce, PlanOvertaken
from evidence.models import System
from evidence.services.disposal.erasure import SubjectReport, erase_planned, erase_trace_payload
from evidence.services.disposal.planning import ErasurePlan, digest_of_plans, plan_erasure, plan_subject
from evidence.worded import worded


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be erased: one trace, or every trace with an attribute of the subject."""

    system: System
    trace_id: UUID | None = None
    attribute: str = ""  # "enduser.id"; empty: a trace is named
    value: str = ""


def plan_wanted(*, principal: Principal, wanted: Wanted) -> list[ErasurePlan]:
    """Return what erasing it would do. Changes nothing.

    Raises:
        AccessDenied, InvalidInput, NotFound: as `plan_erasure` and `plan_subject` do.
    """
    if wanted.trace_id is not None:
        return [plan_erasure(principal=principal, system=wanted.system, trace_id=wanted.trace_id)]
    return plan_subject(
        principal=principal, system=wanted.system, attribute=wanted.attribute, value=wanted.value
    )


def digest_of_whole(plans: Sequence[ErasurePlan]) -> str:
    """Return the digest of all that plans say, of what goes and of what stays."""
    return digest_of([digest_of_plans(plans), *(_what_goes(plan) for plan in plans)])


def erase_wanted(*, principal: Principal, wanted: Wanted, reason: str, agreed: str) -> SubjectReport:
    """Carry out the plan that was agreed to, or nothing.

    What is to go is compared before the first trace is erased; what stays of a trace, and whether it is held, once more
    under the locks of its erasure. Where that differs by then, earlier traces of the plan are erased, and the rest
    stays.

    Args:
        reason: names no person, because the tombstone is kept.
        agreed: `digest_of_whole` of the plans that were shown.

    Raises:
        AccessDenied, InvalidInput, NotFound: as `erase_trace_payload` does.
        LegalHoldInForce: the one trace is held.
        PlanOvertaken: something else goes or stays than was shown.
    """
    plans = plan_wanted(principal=principal, wanted=wanted)
    if agreed != digest_of_whole(plans):
        raise PlanOvertaken(worded("Something else goes or stays by now than the plan said: read it again."))
    if all(plan.held for plan in plans):
        raise LegalHoldInForce(plans[0].held)
    if wanted.trace_id is None:
        return erase_planned(principal=principal, plans=plans, reason=reason, is_agreed=True)
    one = erase_trace_payload(
        principal=principal,
        system=wanted.system,
        trace_id=wanted.trace_id,
        reason=reason,
        as_planned=plans[0].stays_digest,
    )
    return SubjectReport([one])


def _what_goes(plan: ErasurePlan) -> dict[str, Any]:
    blobs = sorted([str(blob.role), blob.digest, blob.remainder, blob.others] for blob in plan.blobs)
    copies = {table: sorted(pks) for table, pks in plan.copies.items()}
    return {"trace": plan.trace_id.hex, "rows": plan.rows, "copies": copies, "blobs": blobs}
