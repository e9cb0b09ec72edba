"""Deployments: a release goes live where the gates that protect the environment let it, or goes back to where it was.

Which environments a gate protects is said in its version, which one person proposes and another approves
(docs/decisions/0047-protected-environments.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from evidence import acts, clock
from evidence.access import Principal
from evidence.clock import AsOf
from evidence.errors import ConflictingContent, InvalidInput, PromotionRefused, RollbackRefused
from evidence.locks import Lock, hold
from evidence.look_alikes import find_look_alike
from evidence.models import Admission, Deployment, GateDecision, Release, System
from evidence.selectors.deployments import find_way_back, live_at
from evidence.services import audit, gates
from evidence.services.gates import KEPT_OUT, GateLook
from evidence.texts import check_texts
from evidence.worded import Coded, Worded, joined, worded

CLOCKS: Final = timedelta(minutes=5)  # by which the clock of whoever deploys and ours may differ
_MOST_TOLD: Final = 5  # unmet criteria in a sentence; the problem's `gates` has all


@dataclass(frozen=True, slots=True)
class _Going:
    """What is to be recorded."""

    principal: Principal
    system: System
    environment: str
    release: Release
    effective_from: datetime
    basis: Deployment.Basis  # DECISION: or open, where no gate protects the environment
    reason: str = ""
    decision: int | None = None  # the decision that whoever deploys was given, by its id


def record_deployment(
    *,
    principal: Principal,
    system: System,
    environment: str,
    release: Release,
    effective_from: datetime,
    decision: int | None = None,
) -> Deployment:
    """Say that a release went live; saying it again changes nothing.

    Where gates protect the environment, each must have passed the release in its newest decision, by the version in
    force, and pass it still: it is looked at again as of now, and nothing is stored of that but with the deployment.

    Args:
        decision: id of the decision that whoever deploys was given: it must be the newest one of its gate.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_record_deployment` and, where a gate counts reviews,
            `acts.check_not_led` do.
        InvalidInput: the release is of another system; the time lies ahead; the environment reads like one that is
            protected; it is protected, and the time lies before the gate passed; or it is not, and a decision is named.
        PromotionRefused: a gate that protects the environment does not let the release in.
        ConflictingContent: it was recorded as a rollback.
    """
    acts.check_can_record_deployment(principal, system)
    going = _Going(
        principal, system, environment, release, effective_from, Deployment.Basis.DECISION, decision=decision
    )
    return _record(going, _let_in)


def roll_back(
    *,
    principal: Principal,
    system: System,
    environment: str,
    release: Release,
    effective_from: datetime,
    reason: str,
) -> Deployment:
    """Say that an environment went back to a release that gates let in there before what is live now; again, nothing.

    What the gates say of it now is stored beside it, and keeps nothing out: it is for when what is live does harm.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_roll_back` and, where a gate counts reviews, `acts.check_not_led` do.
        InvalidInput: no reason, the release is of another system, or the time lies ahead.
        RollbackRefused: no gate protects the environment, nothing is live there, or gates never let the release in
            there before they let in what is live.
        ConflictingContent: it was recorded as no rollback, or for another reason.
    """
    acts.check_can_roll_back(principal, system)
    if not reason.strip():
        raise InvalidInput(worded("A rollback says why: give a reason."))
    check_texts(Deployment, reason=reason)
    going = _Going(
        principal, system, environment, release, effective_from, Deployment.Basis.ROLLBACK, reason=reason
    )
    return _record(going, _go_back)


def go_back_to(*, principal: Principal, deployment: Deployment, reason: str) -> Deployment:
    """Say that an environment goes back, now, to what this deployment put there; otherwise as `roll_back`."""
    return roll_back(
        principal=principal,
        system=deployment.system,
        environment=deployment.environment,
        release=deployment.release,
        effective_from=clock.now(),
        reason=reason,
    )


_Decide = Callable[[_Going, AsOf, Sequence[GateLook], Deployment | None], tuple[Deployment, list[Admission]]]


def _record(going: _Going, decide: _Decide) -> Deployment:
    """Record it as of a moment that is later than the newest decision of each gate that is looked at."""
    if going.release.system_id != going.system.pk:
        raise InvalidInput(
            worded(
                "Release %(release_name)s does not belong to system %(system_key)s.",
                release_name=repr(going.release.name),
                system_key=repr(going.system.key),
            )
        )
    check_texts(Deployment, environment=going.environment)
    while True:
        if deployment := _record_as_of(going, clock.read_moment(), decide):
            return deployment


@transaction.atomic
def _record_as_of(going: _Going, as_of: AsOf, decide: _Decide) -> Deployment | None:
    """Record it with its event; None where a gate decided after the moment: another one is needed."""
    hold(Lock.DEPLOYMENT, going.system.pk, going.environment)
    if before := _recorded_before(going):
        return before
    _check_spelling(going)
    if going.effective_from > as_of.at + CLOCKS:
        raise InvalidInput(
            worded(
                "Say that a release is live in %(environment)s once it is, not before "
                "(%(effective_from)s lies ahead): a gate may protect it by then.",
                environment=going.environment,
                effective_from=going.effective_from.isoformat(),
            )
        )
    looks = []
    for version in gates.find_protecting(going.system, going.environment):
        is_bound = going.basis == Deployment.Basis.DECISION
        look = gates.look_at_gate(going.principal, version, going.release, as_of, is_bound=is_bound)
        if look is None:
            return None
        looks.append(look)
    live = live_at(system=going.system, environment=going.environment, at=going.effective_from)
    deployment, admissions = decide(going, as_of, looks, live)
    Deployment.objects.bulk_create([deployment])
    Admission.objects.bulk_create(admissions)
    _tell(deployment)
    return deployment


def _recorded_before(going: _Going) -> Deployment | None:
    """Return what was recorded before of the same release, place and time.

    Raises:
        ConflictingContent: that was a rollback and this is none, the other way round, or for another reason.
    """
    found = Deployment.objects.filter(
        system=going.system,
        environment=going.environment,
        release=going.release,
        effective_from=going.effective_from,
    ).first()
    is_rollback = going.basis == Deployment.Basis.ROLLBACK
    if found is None or (found.basis == Deployment.Basis.ROLLBACK, found.reason) == (
        is_rollback,
        going.reason,
    ):
        return found
    raise ConflictingContent(
        worded(
            "That %(release_name)s is live in %(environment)s from then on is on record already, %(basis)s.",
            release_name=found.release.name,
            environment=found.environment,
            basis=worded("as a rollback, with its reason") if found.reason else worded("and as no rollback"),
        )
    )


def _check_spelling(going: _Going) -> None:
    """Keep a release from going around a gate to an environment whose name only reads like a protected one.

    Raises:
        InvalidInput: it would.
    """
    protected = gates.protected_environments(going.system)
    if going.environment in protected:
        return
    if look_alike := find_look_alike(going.environment, protected):
        raise InvalidInput(
            worded(
                "%(environment)s reads like %(look_alike)s, which a gate protects: write it so, or "
                "choose another name.",
                environment=repr(going.environment),
                look_alike=repr(look_alike),
            )
        )


def _let_in(
    going: _Going, as_of: AsOf, looks: Sequence[GateLook], live: Deployment | None
) -> tuple[Deployment, list[Admission]]:
    if going.decision is not None and not looks:
        raise InvalidInput(
            worded("No gate protects %(environment)s: leave `decision` out.", environment=going.environment)
        )
    refused = [_refusal(look, code) for look in looks if (code := _kept_out(look, going, looks))]
    if refused:
        raise PromotionRefused(_sentence(going, refused), refused)
    for look in looks:
        _check_not_before(going, look.newest)
    basis = Deployment.Basis.DECISION if looks else Deployment.Basis.OPEN
    deployment = _make(going, basis=basis, replaces=live)
    return deployment, [gates.make_admission(look, deployment, look.newest, as_of) for look in looks]


def _go_back(
    going: _Going, as_of: AsOf, looks: Sequence[GateLook], live: Deployment | None
) -> tuple[Deployment, list[Admission]]:
    if not looks:
        raise RollbackRefused(
            worded(
                "No gate protects %(environment)s: record it as a deployment.", environment=going.environment
            )
        )
    newest = live_at(system=going.system, environment=going.environment, at=as_of.at + CLOCKS)
    if newest is not None and going.effective_from < newest.effective_from:
        raise RollbackRefused(
            worded(
                "%(release_name)s is live in %(environment)s since %(effective_from)s: a rollback is "
                "of what is live, and begins after that.",
                release_name=newest.release.name,
                environment=going.environment,
                effective_from=newest.effective_from.isoformat(),
            )
        )
    restored = find_way_back(live=live, release=going.release) if live else None
    if restored is None:
        stands = (
            worded("%(release)s is live", release=live.release.name) if live else worded("nothing is live")
        )
        raise RollbackRefused(
            worded(
                "In %(environment)s, %(stands)s, and gates did not let %(release_name)s in before "
                "that: only what they did is gone back to. Ask the gates for a pass, or for a waiver, "
                "and record it as a deployment.",
                environment=going.environment,
                stands=stands,
                release_name=going.release.name,
            )
        )
    deployment = _make(going, basis=Deployment.Basis.ROLLBACK, replaces=live, restores=restored)
    then = {each.gate_version.artefact_id: each.decision for each in _admissions_of(restored)}
    return deployment, [
        gates.make_admission(look, deployment, then.get(look.version.artefact_id), as_of) for look in looks
    ]


def _make(going: _Going, **over: Any) -> Deployment:
    return Deployment(
        system=going.system,
        environment=going.environment,
        release=going.release,
        effective_from=going.effective_from,
        deployed_by=going.principal.actor,
        reason=going.reason,
        **over,
    )


def _admissions_of(deployment: Deployment) -> list[Admission]:
    return list(deployment.admissions.select_related("gate_version", "decision"))


def _kept_out(look: GateLook, going: _Going, looks: Sequence[GateLook]) -> str:
    """Return why a gate keeps the release out, or that the decision that was named is not the newest of any."""
    if look.kept_out or going.decision is None:
        return look.kept_out
    newest = {each.newest.pk for each in looks if each.newest is not None}
    return "" if going.decision in newest else "other_decision"


def _refusal(look: GateLook, code: str) -> dict[str, Any]:
    newest = look.newest
    told = gates.unmet_reasons(newest.reasons) if newest is not None and code == "not_passed" else look.unmet
    return {
        "gate": look.version.artefact.key,
        "gate_version": look.version.number,
        "decision": newest.pk if newest is not None else None,
        "code": code,
        "to_do": KEPT_OUT[code],
        "unmet": told,
    }


def _sentence(going: _Going, refused: Sequence[dict[str, Any]]) -> Worded:
    return worded(
        "%(release)s may not go to %(environment)s. %(gates)s Nothing was stored.",
        release=going.release.name,
        environment=going.environment,
        gates=joined(map(_sentence_of_gate, refused), " "),
    )


def _sentence_of_gate(each: Mapping[str, Any]) -> Worded:
    told = {"gate": each["gate"], "number": each["gate_version"], "to_do": each["to_do"]}
    if not each["unmet"]:
        return worded("Gate %(gate)s, version %(number)s: %(to_do)s.", **told)
    unmet = [
        worded(
            "%(criterion)s is %(verdict)s", criterion=reason["criterion"], verdict=Coded(reason["verdict"])
        )
        for reason in each["unmet"]
    ]
    told["unmet"] = joined(unmet[:_MOST_TOLD])
    if len(unmet) <= _MOST_TOLD:
        return worded("Gate %(gate)s, version %(number)s: %(to_do)s (%(unmet)s).", **told)
    return worded(
        "Gate %(gate)s, version %(number)s: %(to_do)s (%(unmet)s and %(more)s more).",
        **told,
        more=len(unmet) - _MOST_TOLD,
    )


def _check_not_before(going: _Going, decision: GateDecision | None) -> None:
    """See that a release does not go live before it was let in.

    Raises:
        InvalidInput: it would have.
    """
    if decision is not None and going.effective_from < decision.decided_at - CLOCKS:
        raise InvalidInput(
            worded(
                "%(environment)s is protected: %(release_name)s was let in at %(decided_at)s, and "
                "cannot have been live from %(effective_from)s on.",
                environment=going.environment,
                release_name=going.release.name,
                decided_at=decision.decided_at.isoformat(),
                effective_from=going.effective_from.isoformat(),
            )
        )


def _tell(deployment: Deployment) -> None:
    is_rollback = deployment.basis == Deployment.Basis.ROLLBACK
    audit.record(
        verb="release.rolled_back" if is_rollback else "release.deployed",
        actor=deployment.deployed_by,
        obj=deployment,
        system=deployment.system,
        digest=deployment.release.digest,
        payload={"reason": deployment.reason} if is_rollback else None,
    )
