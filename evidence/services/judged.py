"""What somebody says of an answer, read and checked before it is kept: as a review, or of one that is gold to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Required, TypedDict

from evidence.errors import InvalidInput
from evidence.models import Claim, ClaimJudgement, GoldJudgement, ReasonCode, Review, Trace
from evidence.nearest import hint_at, nearest_name
from evidence.selectors.review_reasons import reasons_of
from evidence.worded import Coded, worded


class Saying(TypedDict, total=False):
    """What is said, as it comes in."""

    decision: Required[str]
    reason_code: str  # a `ReasonCode`; it may be left out where `reason` is given
    reason: str  # one of the system's own list
    rationale: str
    corrected_answer: str
    claims: Mapping[int, str] | None  # a `ClaimJudgement.Judgement` by the ordinal of the claim


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said, as it is kept."""

    columns: Mapping[str, Any]  # of the row, but for claims
    claims: Mapping[Claim, str]  # in the order of the answer

    @property
    def claims_by_ordinal(self) -> dict[str, str]:
        """What is said of claims, as JSON."""
        return {str(claim.ordinal): judgement for claim, judgement in self.claims.items()}

    @property
    def told(self) -> dict[str, Any]:
        """What the log is told of it."""
        told = {name: self.columns[name] for name in ("decision", "reason_code", "reason", "rationale")}
        return {**told, "claims": self.claims_by_ordinal}


def read_judged(
    trace: Trace,
    before: Review | GoldJudgement | None = None,
    *,
    decision: str,
    reason_code: str = "",
    reason: str = "",
    rationale: str = "",
    corrected_answer: str = "",
    claims: Mapping[int, str] | None = None,
) -> Judged:
    """Return what is said of an answer as it is kept, checked in the one order in which all doors check it.

    Args:
        before: what the same person has on record of it, whose reason stands whatever the list says now.
        decision: as all that follows, what `Saying` says of it.

    Raises:
        InvalidInput: anything but an approval needs a labelled reason; the system's list does not have the reason, or
            has it as of another kind; an override needs the corrected answer; a claim is named that the answer does
            not have, or something else said of it.
    """
    labelled = _reason_of_before(before, reason_code, reason) or _find_reason(trace, reason_code, reason)
    _check_judgement(trace, decision, labelled["reason_code"], corrected_answer)
    of_claims = find_claims(trace, claims or {})
    columns = {
        "decision": decision,
        **labelled,
        "rationale": rationale,
        "corrected_answer": corrected_answer,
    }
    return Judged(columns, of_claims)


def _reason_of_before(before: Review | GoldJudgement | None, reason_code: str, reason: str) -> dict[str, Any]:
    """Return the reason as what is on record has it; nothing where that is another."""
    if before is None or not reason or before.reason != reason or reason_code not in {"", before.reason_code}:
        return {}
    return {name: getattr(before, name) for name in ("reason_code", "reason", "reasons_version")}


def _find_reason(trace: Trace, reason_code: str, reason: str) -> dict[str, Any]:
    """Return the reason that is given as a review keeps it: its kind, and which it is of the system's own list.

    Raises:
        InvalidInput: the list does not have it, or has it as of another kind.
    """
    if not reason:
        return {"reason_code": reason_code, "reason": "", "reasons_version": None}
    listed = reasons_of(trace.system)
    if listed is None:
        raise InvalidInput(
            worded(
                "This system has no list of reasons: give reason_code, and no reason %(reason)s.",
                reason=repr(reason),
            )
        )
    found = listed.find(reason)
    if found is None:
        hint = hint_at(nearest_name(reason, [each.code for each in listed.reasons]), ends=True)
        raise InvalidInput(
            worded(
                "%(system_key)s has no reason %(reason)s; %(hint)s",
                system_key=repr(listed.version.artefact.system.key),
                reason=repr(reason),
                hint=hint,
            )
        )
    if reason_code not in {"", found.kind}:
        raise InvalidInput(
            worded(
                "The reason %(reason)s is a %(kind)s, and no %(reason_code)s: leave reason_code out.",
                reason=repr(reason),
                kind=Coded(found.kind),
                reason_code=reason_code,
            )
        )
    return {"reason_code": found.kind, "reason": reason, "reasons_version": listed.version}


def find_claims(trace: Trace, judged: Mapping[int, str]) -> dict[Claim, str]:
    """Return the claims of these ordinals with what is said of each, in the order of the answer.

    Raises:
        InvalidInput: the answer has no such claim, or something is said that none is judged by.
    """
    known = ClaimJudgement.Judgement.values
    for judgement in judged.values():
        if judgement not in known:
            raise InvalidInput(
                worded(
                    "Of a claim one says %(known)s: %(judgement)s is none of these.",
                    known=", ".join(known),
                    judgement=repr(judgement),
                )
            )
    claims = Claim.objects.filter(trace=trace, ordinal__in=judged).order_by("ordinal") if judged else []
    found = {claim: judged[claim.ordinal] for claim in claims}
    unknown = sorted(set(judged) - {claim.ordinal for claim in found})
    if unknown:
        n_claims = Claim.objects.filter(trace=trace).count()
        raise InvalidInput(
            worded(
                "The answer has %(n_claims)s claims, counted from 0: there is no claim %(unknown)s.",
                n_claims=n_claims,
                unknown=unknown[0],
            )
        )
    return found


def _check_judgement(trace: Trace, decision: str, reason_code: str, corrected_answer: str) -> None:
    """Check that a decision is one, and has the reason or the corrected answer that it needs.

    Raises:
        InvalidInput: it does not.
    """
    if decision not in Review.Decision.values:
        raise InvalidInput(
            worded(
                "%(decision)s is no decision: use one of %(decisions)s.",
                decision=repr(decision),
                decisions=", ".join(Review.Decision.values),
            )
        )
    if decision != Review.Decision.APPROVE and reason_code not in set(ReasonCode.values) - {""}:
        listed = reasons_of(trace.system)
        choices = [reason.code for reason in listed.reasons] if listed else filter(None, ReasonCode.values)
        raise InvalidInput(
            worded(
                "To %(decision)s an answer, label the reason: one of %(choices)s.",
                decision=Coded(decision),
                choices=", ".join(choices),
            )
        )
    check_corrected(trace, decision, corrected_answer)


def check_corrected(trace: Trace, decision: str, corrected_answer: str) -> None:
    """Check that an override says what the answer should have been.

    Raises:
        InvalidInput: it does not.
    """
    if decision != Review.Decision.OVERRIDE:
        return
    if not corrected_answer.strip():
        raise InvalidInput(
            worded("An override says what the answer should have been: give corrected_answer.")
        )
    if corrected_answer.split() == trace.answer.split():
        raise InvalidInput(
            worded("An override says something else than the answer does: corrected_answer is the same.")
        )
