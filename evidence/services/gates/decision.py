"""May this release pass? Decided from assessments, closed wherever something is missing.

What the criteria are that a gate lists is known to another app, which is called through `settings.GATE_ASSESSOR`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol, cast

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from evidence import acts, clock
from evidence.access import Principal
from evidence.clock import AsOf
from evidence.digests import digest_of
from evidence.errors import InvalidInput
from evidence.gate_reasons import CriterionTold, TriedTold, stated
from evidence.locks import Lock, hold
from evidence.models import Admission, ArtefactVersion, GateDecision, Release, ReleasePin, System, Waiver
from evidence.reason_words import REGISTER_PIN
from evidence.replay import Replay
from evidence.selectors.gates import find_deciding, standing_of
from evidence.selectors.registrations import say_unregistered, unregistered_pins
from evidence.selectors.waivers import covers, covers_by_verdict, waivers_in_force
from evidence.services import audit
from evidence.services.gates.binding import Binding, make_binding, read_binding, unbound_reasons
from evidence.services.gates.definition import CriterionReference, find_deciding_gate, read_references
from evidence.vocabulary import CriterionVerdict
from evidence.worded import worded

# 2: versions are approved, and what a release pins is registered; 3: reasons have codes, numbers and runs;
# 4: a waiver covers what it was asked for, and nothing worse; 5: nor what misses its bounds, or is not known for
# another reason
GATE_CODE_VERSION: Final = "gate/5"
_BARE: Final = frozenset({"gate/1", "gate/2"})  # whose inputs hold no digest of what was told
_WAIVED_ALL: Final = frozenset({*_BARE, "gate/3"})  # by which a waiver covered whatever its criterion came to
_WAIVED_BY_VERDICT: Final = "gate/4"


@dataclass(frozen=True, slots=True)
class CriterionFinding:
    """What the assessor says of one criterion."""

    criterion: str  # "<requirement key>/<criterion key>"
    requirement: str  # with its version
    verdict: str  # a CriterionVerdict; whatever else an assessor may say is no pass
    detail: str
    inputs_digest: str
    code_version: str
    counts_reviews: bool  # whether it rests on what reviewers said
    told: CriterionTold | None = (
        None  # code, numbers and runs; None where the assessor says no more than the verdict
    )
    tried: TriedTold | None = (
        None  # releases that it judged before this one and that did not meet it; told, no input
    )


class Assessor(Protocol):
    """What `settings.GATE_ASSESSOR` names."""

    def __call__(
        self,
        *,
        system: System,
        references: Sequence[CriterionReference],
        release: Release,
        as_of: AsOf,
        actor: str,
        store: bool,
    ) -> list[CriterionFinding]: ...


def decide_gate(
    *,
    principal: Principal,
    system: System,
    gate: str,
    release: Release,
    runs: Sequence[str] = (),
    commit: str = "",
) -> GateDecision:
    """Decide whether a release passes a gate, and store the decision with all it rests on.

    `pass` only when every criterion is met or validly waived and every version the release pins is registered; `fail`
    when a criterion is known not to be met; otherwise `insufficient`. Asking again while nothing changed answers with
    the first decision.

    Args:
        runs: keys of runs that must be among those which decide: without one of them it is no pass.
        commit: that those runs must be of, or, where none is named, every run that decides.

    Raises:
        AccessDenied: as `acts.check_can_ask_gate` and, where it counts reviews, `acts.check_not_led` do.
        NotFound: the principal is of another system, or the system has no gate of that key.
        GateNotApproved: nobody has approved a version of the gate.
        InvalidInput: the release belongs to another system, or the commit is too short to name one.
    """
    acts.check_can_ask_gate(principal, system)
    binding = make_binding(runs, commit)
    if release.system_id != system.pk:
        raise InvalidInput(
            worded(
                "Release %(release_name)s does not belong to system %(system_key)s.",
                release_name=repr(release.name),
                system_key=repr(system.key),
            )
        )
    while True:
        as_of = clock.read_moment()
        version = find_deciding_gate(system, gate, as_of)
        if decision := _decide_and_store(principal, version, release, as_of, binding):
            return decision


@transaction.atomic
def _decide_and_store(
    principal: Principal, version: ArtefactVersion, release: Release, as_of: AsOf, binding: Binding
) -> GateDecision | None:
    """Store a decision; None where a deployment looked at the gate after this moment, and before this had its turn.

    The decision would come after that deployment and say that it was before: it has to be made as of a later moment.
    """
    hold(Lock.GATE, version.pk, release.pk)  # two equal questions at once become one decision
    if Admission.objects.filter(gate_version=version, release=release, as_of__gt=as_of.at).exists():
        return None
    decided = draw_verdict(version, release, as_of, principal.actor, binding, store=True)
    if decided.counts_reviews:
        acts.check_not_led(principal, release)
    rests_on = {
        "inputs_digest": digest_of(decided.inputs),
        "code_version": GATE_CODE_VERSION,
        "decided_by": principal.actor,
        "counts_reviews": decided.counts_reviews,
    }
    last = (
        GateDecision.objects.filter(gate_version=version, release=release)
        .order_by("-decided_at", "-pk")
        .first()
    )
    if last is not None and all(getattr(last, name) == value for name, value in rests_on.items()):
        return last
    decision = GateDecision.objects.create(
        system=release.system,
        gate_version=version,
        release=release,
        as_of=as_of.at,
        decided_at=as_of.at,
        **(asdict(decided) | rests_on),
    )
    audit.record(
        verb="gate.decided",
        actor=principal.actor,
        obj=decision,
        system=release.system,
        digest=decision.inputs_digest,
        payload={"verdict": decision.verdict},
    )
    return decision


def replay_gate_decision(decision: GateDecision) -> Replay:
    """Decide again as of the time of a stored decision, by the version that decided then; nothing is written.

    The inputs of a decision of `gate/2` or before hold less, and are put together as they were then; by `gate/3` and
    before, a waiver covered whatever its criterion came to, and by `gate/4` whatever was not known to fail.
    """
    as_of, artefact = clock.as_of(decision.as_of), decision.gate_version.artefact
    version = find_deciding(artefact.system, artefact.key, as_of) or decision.gate_version
    binding, code = read_binding(decision.inputs), decision.code_version
    decided = draw_verdict(
        version, decision.release, as_of, decision.decided_by, binding, store=False, code=code
    )
    return Replay(
        kind="gate_decision",
        ref=str(decision.pk),
        stored_verdict=decision.verdict,
        replayed_verdict=decided.verdict,
        stored_inputs=decision.inputs_digest,
        replayed_inputs=digest_of(decided.inputs),
        stored_code=decision.code_version,
        current_code=GATE_CODE_VERSION,
    )


@dataclass(frozen=True, slots=True)
class DrawnVerdict:
    """Columns of a decision."""

    verdict: GateDecision.Verdict
    reasons: list[dict[str, Any]]
    inputs: dict[str, Any]
    counts_reviews: bool


def draw_verdict(
    version: ArtefactVersion,
    release: Release,
    as_of: AsOf,
    actor: str,
    binding: Binding,
    *,
    store: bool,
    code: str = GATE_CODE_VERSION,
) -> DrawnVerdict:
    """Draw the verdict of a version of a gate on a release, as of a moment, for whoever asks.

    Args:
        store: whether the assessments that it rests on are stored.
        code: the version by whose rules it is drawn.
    """
    assessor = cast("Assessor", import_string(settings.GATE_ASSESSOR))
    findings = assessor(
        system=release.system,
        references=read_references(version.metadata),
        release=release,
        as_of=as_of,
        actor=actor,
        store=store,
    )
    waivers, unregistered = _waivers(release, as_of, actor), unregistered_pins(release, as_of)
    reasons = [_reason(finding, waivers.get(finding.criterion, []), code) for finding in findings]
    told = [finding.told for finding in findings if finding.told is not None]
    unbound = list(unbound_reasons(binding, told, release, as_of))
    inputs = {
        "gate": version.digest,
        **_approval(version),
        "release": release.digest,
        "findings": [_inputs_of(finding, code) for finding in findings],
        "waivers": [reason["waiver"] for reason in reasons if reason["waiver"]],
        **({"unregistered": [pin.version.digest for pin in unregistered]} if unregistered else {}),
        **binding.as_inputs(),
        **({"unbound": {reason["criterion"]: reason["code"] for reason in unbound}} if unbound else {}),
    }
    reasons += [*(_reason_of_pin(pin) for pin in unregistered), *unbound]
    return DrawnVerdict(
        _verdict(reasons), reasons, inputs, any(finding.counts_reviews for finding in findings)
    )


def _inputs_of(finding: CriterionFinding, code: str) -> dict[str, Any]:
    told = {} if code in _BARE or finding.told is None else {"told": digest_of(stated(finding.told))}
    return {
        "criterion": finding.criterion,
        "requirement": finding.requirement,
        "verdict": finding.verdict,
        "inputs": finding.inputs_digest,
        "code": finding.code_version,
        **told,
    }


def _verdict(reasons: Sequence[Mapping[str, Any]]) -> GateDecision.Verdict:
    standing = [reason["verdict"] for reason in reasons if reason["waiver"] is None]
    if CriterionVerdict.NOT_MET in standing:
        return GateDecision.Verdict.FAIL
    if not reasons or any(verdict != CriterionVerdict.MET for verdict in standing):
        return GateDecision.Verdict.INSUFFICIENT
    return GateDecision.Verdict.PASS


def _reason(finding: CriterionFinding, waivers: Sequence[Waiver], code: str) -> dict[str, Any]:
    """Return what a decision says of a criterion.

    Args:
        waivers: those of the criterion that are in force, the one granted last decides; empty where there is none.
    """
    reason = {
        "criterion": finding.criterion,
        "requirement": finding.requirement,
        "verdict": finding.verdict,
        "detail": finding.detail,
        **(stated(finding.told) if finding.told is not None else {}),
        **({"tried": stated(finding.tried)} if finding.tried is not None else {}),
        "inputs_digest": finding.inputs_digest,
        "code_version": finding.code_version,
        "waiver": None,
    }
    at_stake = [] if finding.verdict == CriterionVerdict.MET else waivers
    covering = [each for each in at_stake if _covers(each, reason, code)]
    if covering:
        return {**reason, "waiver": _shown(covering[-1])}
    idle = f"; {_say_uncovered(at_stake[-1])}" if at_stake else ""
    return {**reason, "detail": f"{finding.detail}{idle}"}


def _covers(waiver: Waiver, reason: Mapping[str, Any], code: str) -> bool:
    if code in _WAIVED_ALL:
        return True
    rule = covers_by_verdict if code == _WAIVED_BY_VERDICT else covers
    return rule(waiver.request, reason)


def _say_uncovered(waiver: Waiver) -> str:
    return (
        f"waiver {waiver.pk} does not cover this: it was asked for when the criterion did not show that it fails, for "
        "another reason, or of another version of the requirement; ask for another one"
    )


def _reason_of_pin(pin: ReleasePin) -> dict[str, Any]:
    """Say what keeps a release from passing whatever its criteria say; no waiver lets it past that."""
    return {
        "criterion": f"pin {pin.slot}",
        "requirement": "",
        "verdict": CriterionVerdict.NOT_ASSESSED,
        "detail": say_unregistered([pin]),
        "code": "pin_unregistered",
        "measured": None,
        "runs": [],
        "passed_over": [],
        "would_settle": {"more_units": None, "detail": REGISTER_PIN},
        "waiver": None,
    }


def _approval(version: ArtefactVersion) -> dict[str, Any]:
    """Return who let this version decide, and when; nothing of an adopted one, as decisions of before have it."""
    standing = standing_of(version)
    return {"approval": standing.as_dict()} if standing and standing.approved_by else {}


def _shown(waiver: Waiver) -> dict[str, Any]:
    return {
        "id": waiver.pk,
        "approved_by": waiver.approved_by,
        "expires_at": waiver.expires_at.isoformat(),
        "reason": waiver.reason,
    }


def _waivers(release: Release, as_of: AsOf, actor: str) -> dict[str, list[Waiver]]:
    """Return the waivers in force that whoever asks the gate may pass by, by criterion, as they were granted."""
    found: dict[str, list[Waiver]] = {}
    for waiver in waivers_in_force(release, as_of):
        if acts.can_use_waiver(actor, waiver):
            found.setdefault(waiver.criterion_ref, []).append(waiver)
    return found
