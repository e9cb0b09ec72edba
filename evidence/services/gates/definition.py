"""Gates as they are proposed: an artefact of kind `gate`, whose versions each list the criteria they ask for, and the
environments they protect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.db import transaction

from evidence import acts
from evidence.access import Principal
from evidence.clock import AsOf
from evidence.errors import GateNotApproved, InvalidInput, NotFound
from evidence.limits import check_count
from evidence.models import Artefact, ArtefactKind, ArtefactVersion, Deployment, System
from evidence.selectors.gates import find_deciding
from evidence.services.gates.transitions import GATES
from evidence.services.proposals import propose_version
from evidence.texts import check_texts
from evidence.worded import worded

EVERYWHERE: Final = "*"  # of what a gate protects: every environment of the system


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


@transaction.atomic
def propose_gate(
    *,
    principal: Principal,
    system: System,
    key: str,
    references: Sequence[CriterionReference],
    protects: Sequence[str] = (),
    name: str = "",
    reason: str = "",
) -> ArtefactVersion:
    """Propose what a gate asks for, in place of what it asks for now. It decides nothing before it is approved.

    The content that was approved and decides, or that waits already, returns the version that has it. What was declined
    or withdrawn is proposed again, and so is that of an adopted version, which nobody approved.

    Args:
        protects: environments that no release is deployed to without a pass of this gate; `EVERYWHERE`: all.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_propose_gate` does.
        InvalidInput: no criteria or too many, a reference that names both or neither of requirement and baseline, or an
            environment without a name.
        ConflictingContent: as `propose_version` does.
    """
    acts.check_can_propose_gate(principal, system)
    _check_references(references)
    _check_environments(protects)
    protected = {"protects": sorted(set(protects))} if protects else {}
    return propose_version(
        GATES,
        principal=principal,
        system=system,
        key=key,
        name=name,
        content={"criteria": [asdict(reference) for reference in references], **protected},
        reason=reason,
    )


def _check_references(references: Sequence[CriterionReference]) -> None:
    if not references:
        raise InvalidInput(
            worded("A gate that asks for nothing would pass everything: name at least one criterion.")
        )
    check_count(len(references), "MAX_CRITERIA", worded("The entries of a gate"))
    for reference in references:
        if bool(reference.requirement) == bool(reference.baseline):
            raise InvalidInput(worded("Each entry of a gate names either a requirement or a baseline."))


def _check_environments(names: Sequence[str]) -> None:
    check_count(len(names), "MAX_CRITERIA", worded("The environments that a gate protects"))
    for name in names:
        if not name.strip() or name != name.strip():
            raise InvalidInput(
                worded(
                    "An environment has a name, without spaces around it: %(name)s has none.", name=repr(name)
                )
            )
        check_texts(Deployment, environment=name)


def read_environments(metadata: Mapping[str, Any]) -> list[str]:
    """Return the environments that a gate version's metadata protects."""
    return list(metadata.get("protects", []))


def read_references(metadata: Mapping[str, Any]) -> list[CriterionReference]:
    """Return the criteria that a gate version's metadata lists."""
    return [CriterionReference(**entry) for entry in metadata.get("criteria", [])]


def compare_references(
    before: Sequence[CriterionReference], after: Sequence[CriterionReference]
) -> list[tuple[str, CriterionReference]]:
    """Return each entry of two versions as `kept`, `added` or `dropped`: those of the later one first."""
    told = [("kept" if entry in before else "added", entry) for entry in after]
    return [*told, *(("dropped", entry) for entry in before if entry not in after)]


def find_gate_version(system: System, key: str, number: int) -> ArtefactVersion:
    """Return a version of a gate by its number.

    Raises:
        NotFound: the system has no such gate, or the gate no such version.
    """
    versions = ArtefactVersion.objects.select_related("artefact__system", "registration")
    found = versions.filter(
        artefact__system=system, artefact__kind=ArtefactKind.GATE, artefact__key=key, number=number
    ).first()
    if found is None:
        raise NotFound(
            worded(
                "System %(system_key)s has no version %(number)s of a gate %(key)s.",
                system_key=repr(system.key),
                number=number,
                key=repr(key),
            )
        )
    return found


def find_deciding_gate(system: System, key: str, as_of: AsOf | None = None) -> ArtefactVersion:
    """Return the version of a gate that decided at a time, by default now.

    Raises:
        NotFound: the system has no gate of that key.
        GateNotApproved: it has, and nobody has approved a version of it.
    """
    deciding = find_deciding(system, key, as_of)
    if deciding is not None:
        return deciding
    waiting = Artefact.objects.filter(system=system, kind=ArtefactKind.GATE, key=key)
    if not waiting.exists():
        raise NotFound(
            worded(
                "System %(system_key)s has no gate %(key)s. Propose it first (docs/guides/ci.md).",
                system_key=repr(system.key),
                key=repr(key),
            )
        )
    raise GateNotApproved(
        worded(
            "Nobody has approved a version of gate %(key)s of system %(system_key)s, so it lets "
            "nothing through: an approver who did not propose it approves one (docs/guides/ci.md).",
            key=repr(key),
            system_key=repr(system.key),
        )
    )
