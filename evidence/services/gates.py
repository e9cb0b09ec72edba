"""Gates: may this release pass? Decided from assessments, closed wherever something is missing.

A gate is an artefact of kind `gate`; each version lists in its metadata the criteria it asks for. What those
criteria are is known to another app, which is called through `settings.GATE_ASSESSOR`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Protocol, cast

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from evidence.actors import same_person
from evidence.digests import digest_of
from evidence.errors import InvalidInput, NotFound
from evidence.models import ArtefactKind, ArtefactVersion, GateDecision, Registration, Release, System, Waiver
from evidence.replay import Replay
from evidence.services import audit, registry

GATE_CODE_VERSION: Final = "gate/1"


@dataclass(frozen=True, slots=True)
class CriterionReference:
    """Which criteria a gate asks for: a whole baseline, a requirement, or one criterion of it."""

    requirement: str = ""  # key
    criterion: str = ""  # key within the requirement; empty: all of them
    version: int | None = None  # of the requirement; None: the one approved when the gate decides
    baseline: str = ""  # name; excludes the others

    def __str__(self) -> str:
        if self.baseline:
            return f"baseline {self.baseline}"
        number = f"@{self.version}" if self.version is not None else ""
        return f"{self.requirement}{number}/{self.criterion or '*'}"


@dataclass(frozen=True, slots=True)
class CriterionFinding:
    """What the assessor says of one criterion."""

    criterion: str  # "<requirement key>/<criterion key>"
    requirement: str  # with its version
    verdict: str  # met | not_met | insufficient | stale | not_assessed
    detail: str
    inputs_digest: str
    code_version: str


class Assessor(Protocol):
    """What `settings.GATE_ASSESSOR` names."""

    def __call__(
        self,
        *,
        system: System,
        references: Sequence[CriterionReference],
        release: Release,
        as_of: datetime,
        actor: str,
        store: bool,
    ) -> list[CriterionFinding]: ...


@transaction.atomic
def define_gate(
    *, system: System, key: str, references: Sequence[CriterionReference], actor: str, name: str = ""
) -> ArtefactVersion:
    """Register a version of a gate; the same criteria again return the version that has them.

    Raises:
        InvalidInput: no criteria, or a reference that names both or neither of requirement and baseline.
    """
    if not references:
        raise InvalidInput("A gate that asks for nothing would pass everything: name at least one criterion.")
    for reference in references:
        if bool(reference.requirement) == bool(reference.baseline):
            raise InvalidInput("Each entry of a gate names either a requirement or a baseline.")
    metadata = {"criteria": [asdict(reference) for reference in references]}
    version = registry.ensure_version(
        system=system,
        kind=ArtefactKind.GATE,
        key=key,
        label="",
        digest=digest_of(metadata),
        actor=actor,
        name=name,
        metadata=metadata,
    )
    registry.register_version(version=version, actor=actor, reason="gate defined")
    return version


@transaction.atomic
def decide_gate(*, system: System, gate: str, release: Release, actor: str) -> GateDecision:
    """Decide whether a release passes a gate, and store the decision with all it rests on.

    `pass` only when every criterion is met or validly waived; `fail` when one is known not to be met;
    otherwise `insufficient`. Asking again while nothing changed answers with the first decision.

    Raises:
        NotFound: the system has no registered gate of that key.
        InvalidInput: the release belongs to another system.
    """
    if release.system_id != system.pk:
        raise InvalidInput(f"Release {release.name!r} does not belong to system {system.key!r}.")
    version = _current_gate(system, gate)
    _lock(version, release)
    now = timezone.now()
    decided = _decide(version, release, now, actor, store=True)
    last = (
        GateDecision.objects.filter(gate_version=version, release=release)
        .order_by("-decided_at", "-pk")
        .first()
    )
    if last and (last.inputs_digest, last.code_version, last.decided_by) == (
        digest_of(decided.inputs),
        GATE_CODE_VERSION,
        actor,
    ):
        return last
    decision = GateDecision.objects.create(
        system=system,
        gate_version=version,
        release=release,
        as_of=now,
        verdict=decided.verdict,
        reasons=decided.reasons,
        inputs=decided.inputs,
        inputs_digest=digest_of(decided.inputs),
        code_version=GATE_CODE_VERSION,
        decided_by=actor,
        decided_at=now,
    )
    audit.record(
        verb="gate.decided",
        actor=actor,
        obj=decision,
        system=system,
        digest=decision.inputs_digest,
        payload={"verdict": decision.verdict},
    )
    return decision


def replay_gate_decision(decision: GateDecision) -> Replay:
    """Decide again as of the time of a stored decision; nothing is written."""
    decided = _decide(
        decision.gate_version, decision.release, decision.as_of, decision.decided_by, store=False
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
class _Decided:
    verdict: GateDecision.Verdict
    reasons: list[dict[str, Any]]
    inputs: dict[str, Any]


def _decide(
    version: ArtefactVersion, release: Release, as_of: datetime, actor: str, *, store: bool
) -> _Decided:
    assessor = cast("Assessor", import_string(settings.GATE_ASSESSOR))
    findings = assessor(
        system=release.system,
        references=read_references(version.metadata),
        release=release,
        as_of=as_of,
        actor=actor,
        store=store,
    )
    waivers = _waivers(release, as_of, actor)
    reasons = [_reason(finding, waivers.get(finding.criterion)) for finding in findings]
    inputs = {
        "gate": version.digest,
        "release": release.digest,
        "findings": [
            {
                "criterion": finding.criterion,
                "requirement": finding.requirement,
                "verdict": finding.verdict,
                "inputs": finding.inputs_digest,
                "code": finding.code_version,
            }
            for finding in findings
        ],
        "waivers": [reason["waiver"] for reason in reasons if reason["waiver"]],
    }
    return _Decided(_verdict(reasons), reasons, inputs)


def read_references(metadata: Mapping[str, Any]) -> list[CriterionReference]:
    """Return the criteria that a gate version's metadata lists."""
    return [CriterionReference(**entry) for entry in metadata.get("criteria", [])]


def _verdict(reasons: Sequence[Mapping[str, Any]]) -> GateDecision.Verdict:
    standing = [reason["verdict"] for reason in reasons if reason["waiver"] is None]
    if "not_met" in standing:
        return GateDecision.Verdict.FAIL
    if not reasons or any(verdict != "met" for verdict in standing):
        return GateDecision.Verdict.INSUFFICIENT
    return GateDecision.Verdict.PASS


def _reason(finding: CriterionFinding, waiver: Waiver | None) -> dict[str, Any]:
    waived = waiver is not None and finding.verdict != "met"
    return {
        "criterion": finding.criterion,
        "requirement": finding.requirement,
        "verdict": finding.verdict,
        "detail": finding.detail,
        "waiver": _shown(waiver) if waived and waiver is not None else None,
    }


def _shown(waiver: Waiver) -> dict[str, Any]:
    return {
        "id": waiver.pk,
        "approved_by": waiver.approved_by,
        "expires_at": waiver.expires_at.isoformat(),
        "reason": waiver.reason,
    }


def _waivers(release: Release, as_of: datetime, actor: str) -> dict[str, Waiver]:
    """Return the waivers in force by criterion; one approved by whoever asks the gate does not count."""
    found = Waiver.objects.filter(release=release, created_at__lte=as_of, expires_at__gt=as_of).order_by("pk")
    return {waiver.criterion_ref: waiver for waiver in found if not same_person(waiver.approved_by, actor)}


def _current_gate(system: System, key: str) -> ArtefactVersion:
    registered = Registration.objects.filter(
        version__artefact__system=system,
        version__artefact__kind=ArtefactKind.GATE,
        version__artefact__key=key,
    )
    last = registered.select_related("version").order_by("-version__number").first()
    if last is None:
        raise NotFound(f"System {system.key!r} has no gate {key!r}. Define it first (docs/guides/ci.md).")
    return last.version


def _lock(version: ArtefactVersion, release: Release) -> None:
    """Let two equal questions at once become one decision."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [-(version.pk % 2**31), -(release.pk % 2**31)])
