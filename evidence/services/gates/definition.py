"""Gates as they are defined: an artefact of kind `gate`, whose versions each list the criteria they ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction

from evidence import acts
from evidence.access import Principal
from evidence.digests import digest_of
from evidence.errors import InvalidInput, NotFound
from evidence.limits import check_count
from evidence.models import ArtefactKind, ArtefactVersion, Registration, System
from evidence.services import registry


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
def define_gate(
    *,
    principal: Principal,
    system: System,
    key: str,
    references: Sequence[CriterionReference],
    name: str = "",
) -> ArtefactVersion:
    """Register a version of a gate; the same criteria again return the version that has them.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_define_gate` does.
        InvalidInput: no criteria or too many, or a reference that names both or neither of requirement and baseline.
    """
    acts.check_can_define_gate(principal, system)
    if not references:
        raise InvalidInput("A gate that asks for nothing would pass everything: name at least one criterion.")
    check_count(len(references), "MAX_CRITERIA", "The entries of a gate")
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
        actor=principal.actor,
        name=name,
        metadata=metadata,
    )
    registry.register_version(version=version, actor=principal.actor, reason="gate defined")
    return version


def read_references(metadata: Mapping[str, Any]) -> list[CriterionReference]:
    """Return the criteria that a gate version's metadata lists."""
    return [CriterionReference(**entry) for entry in metadata.get("criteria", [])]


def find_current_gate(system: System, key: str) -> ArtefactVersion:
    """Return the newest registered version of a gate.

    Raises:
        NotFound: the system has no registered gate of that key.
    """
    registered = Registration.objects.filter(
        version__artefact__system=system,
        version__artefact__kind=ArtefactKind.GATE,
        version__artefact__key=key,
    )
    last = registered.select_related("version").order_by("-version__number").first()
    if last is None:
        raise NotFound(f"System {system.key!r} has no gate {key!r}. Define it first (docs/guides/ci.md).")
    return last.version
