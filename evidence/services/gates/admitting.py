"""Does a gate let a release into an environment that it protects? Its newest decision says so, and still holds.

Nothing is decided here that could let a release in: a gate is asked by an act of its own. It is looked at again, as of
now, and that can only keep a release out that passed before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import F, Q

from evidence import acts, clock
from evidence.access import Principal
from evidence.clock import AsOf
from evidence.digests import digest_of
from evidence.locks import Lock, hold
from evidence.models import Admission, ArtefactVersion, Deployment, GateDecision, Release, System
from evidence.replay import Replay
from evidence.selectors.gates import with_standing
from evidence.services.gates.binding import Binding, read_binding
from evidence.services.gates.decision import GATE_CODE_VERSION, DrawnVerdict, draw_verdict
from evidence.services.gates.definition import EVERYWHERE
from evidence.vocabulary import CriterionVerdict
from evidence.worded import Worded, worded

# Why a gate keeps a release out, by code, and what to do.
KEPT_OUT: Final[Mapping[str, Worded]] = {
    "not_decided": worded("the gate was not asked about the release: ask it"),
    "other_version_decides": worded(
        "another version of the gate has been approved since its newest decision: ask it again"
    ),
    "not_passed": worded(
        "the newest decision of the gate on the release is no pass: mend what is unmet, and ask it again"
    ),
    "passes_no_more": worded(
        "it passed, and as of now it would not: mend what is unmet, and ask the gate again"
    ),
    "other_decision": worded(
        "the gate has decided again since the decision that was named: look at the newest one"
    ),
}


@dataclass(frozen=True, slots=True)
class GateLook:
    """A version of a gate that protects an environment, looked at for a release as of a moment."""

    version: ArtefactVersion
    newest: GateDecision | None  # of any version of the gate
    drawn: DrawnVerdict  # as it would decide then, bound to the runs that the newest decision was bound to

    @property
    def kept_out(self) -> str:
        """Why the gate keeps the release out, one of `KEPT_OUT`; empty where it lets it in."""
        if self.newest is None:
            return "not_decided"
        if self.newest.gate_version_id != self.version.pk:
            return "other_version_decides"
        if self.newest.verdict != GateDecision.Verdict.PASS:
            return "not_passed"
        return "" if self.drawn.verdict == GateDecision.Verdict.PASS else "passes_no_more"

    @property
    def unmet(self) -> list[dict[str, Any]]:
        """What is unmet as of the moment, and not waived."""
        return unmet_reasons(self.drawn.reasons)


def find_protecting(system: System, environment: str) -> list[ArtefactVersion]:
    """Return the versions of gates that decide now and protect an environment, in the order of their keys."""
    named = Q(metadata__protects__contains=[environment]) | Q(metadata__protects__contains=[EVERYWHERE])
    versions = with_standing(ArtefactVersion.objects.filter(named, artefact__system=system))
    deciding = versions.filter(pk=F("deciding_id")).select_related("artefact__system", "registration")
    return list(deciding.order_by("artefact__key"))


def protected_environments(system: System) -> set[str]:
    """Return the names that gates which decide now protect."""
    versions = with_standing(ArtefactVersion.objects.filter(artefact__system=system))
    deciding = versions.filter(pk=F("deciding_id"), metadata__has_key="protects")
    return {name for names in deciding.values_list("metadata__protects", flat=True) for name in names}


def look_at_gate(
    principal: Principal, version: ArtefactVersion, release: Release, as_of: AsOf, *, is_bound: bool = True
) -> GateLook | None:
    """Look at a gate for a release, in the transaction of the deployment. A decision being stored is waited for.

    Args:
        is_bound: whether to the runs and the commit that the newest decision was bound to.

    Returns:
        None where the gate decided after `as_of`, while this waited: look again as of a later moment.

    Raises:
        AccessDenied: as `acts.check_not_led` does, where the gate counts reviews.
    """
    hold(Lock.GATE, version.pk, release.pk)
    newest = (
        GateDecision.objects.filter(gate_version__artefact=version.artefact, release=release)
        .select_related("gate_version")
        .order_by("-decided_at", "-pk")
        .first()
    )
    if newest is not None and newest.as_of > as_of.at:
        return None
    binding = read_binding(newest.inputs) if newest is not None and is_bound else Binding()
    drawn = draw_verdict(version, release, as_of, principal.actor, binding, store=False)
    if drawn.counts_reviews or (newest is not None and newest.counts_reviews):
        acts.check_not_led(principal, release)
    return GateLook(version, newest, drawn)


def make_admission(
    look: GateLook, deployment: Deployment, decision: GateDecision | None, as_of: AsOf
) -> Admission:
    """Return the row, unsaved, that says what was seen of a gate as a deployment was recorded."""
    return Admission(
        deployment=deployment,
        release=deployment.release,
        gate_version=look.version,
        decision=decision,
        as_of=as_of.at,
        verdict=look.drawn.verdict,
        unmet=look.unmet,
        inputs_digest=digest_of(look.drawn.inputs),
        code_version=GATE_CODE_VERSION,
        counts_reviews=look.drawn.counts_reviews or (decision is not None and decision.counts_reviews),
    )


def replay_admission(admission: Admission) -> Replay:
    """Look at the gate again as of the time of a stored deployment; nothing is written."""
    deployment, decision = admission.deployment, admission.decision
    is_bound = deployment.basis == Deployment.Basis.DECISION and decision is not None
    drawn = draw_verdict(
        admission.gate_version,
        admission.release,
        clock.as_of(admission.as_of),
        deployment.deployed_by,
        read_binding(decision.inputs) if is_bound and decision is not None else Binding(),
        store=False,
    )
    return Replay(
        kind="admission",
        ref=str(admission.pk),
        stored_verdict=admission.verdict,
        replayed_verdict=drawn.verdict,
        stored_inputs=admission.inputs_digest,
        replayed_inputs=digest_of(drawn.inputs),
        stored_code=admission.code_version,
        current_code=GATE_CODE_VERSION,
    )


def unmet_reasons(reasons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what of a decision's reasons is unmet and not waived, without its numbers."""
    told = ("criterion", "requirement", "verdict", "detail")
    return [
        {"code": reason.get("code", ""), **{name: reason[name] for name in told}}
        for reason in reasons
        if reason["verdict"] != CriterionVerdict.MET and reason["waiver"] is None
    ]
