"""Each gate decided by a version that a second person had approved before, and let nothing unregistered pass: step 6.

A version that was on record before versions were approved says `adopted`: nobody approved it, and the report counts
the decisions it made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tracebinder.verify.bag import Bag
from tracebinder.verify.container import Container
from tracebinder.verify.errors import BinderFailed
from tracebinder.verify.people import persons_in
from tracebinder.verify.strict_json import JsonObject, objects_at, parse_object, text_at, time_at

GATES: Final = "data/gates/"
VERSIONS: Final = "data/versions/"
_APPROVED, _ADOPTED, _PASS = "approved", "adopted", "pass"  # a verdict, not a password


@dataclass(slots=True)
class GatesChecked:
    """How many decisions there are, and how many of them by versions that nobody approved."""

    decisions: int = 0
    adopted: int = 0

    def __str__(self) -> str:
        adopted = f", {self.adopted} by versions that nobody approved (adopted)" if self.adopted else ""
        return f"{self.decisions} gate decisions{adopted}"


def check_gate_decisions(container: Container, bag: Bag, *, must_say: bool) -> GatesChecked:
    """Check who approved the version that each decision was made by, and when.

    Args:
        must_say: decisions of this version of the format say it; those of an older one may not.

    Raises:
        BinderFailed: a version that nobody, or its own proposer, had approved by then decided, or a release passed with
            a version that nobody had registered.
        BinderMalformed: a document cannot be read.
    """
    checked, persons = GatesChecked(), persons_in(container, bag)
    registered = _registered_at(container, bag) if must_say else {}
    for path in _documents(bag, GATES):
        decision = parse_object(container.read(path), member=path)
        checked.decisions += 1
        if "gateState" not in decision and not must_say:
            continue
        checked.adopted += decision.get("gateState") == _ADOPTED
        _check_approval(decision, persons, member=path)
        if decision.get("verdict") == _PASS:
            _check_pins(decision, registered, member=path)
    return checked


def _check_approval(decision: JsonObject, persons: dict[str, str], *, member: str) -> None:
    state = text_at(decision, "gateState", member=member)
    if state not in {_APPROVED, _ADOPTED}:
        raise BinderFailed(f"the gate decided by a version that is {state!r}", member=member)
    decided = time_at(decision, "asOf", member=member)
    if time_at(decision, "gateSince", member=member) > decided:
        raise BinderFailed("the gate decided by a version before it was approved", member=member)
    if state == _ADOPTED:
        return
    approver = text_at(decision, "gateApprovedBy", member=member)
    proposers = [
        text_at(one, "by", member=member) for one in objects_at(decision, "gateProposals", member=member)
    ]
    if not proposers:
        raise BinderFailed("nobody is said to have proposed the version of the gate", member=member)
    if persons.get(approver, approver) in {persons.get(one, one) for one in proposers}:
        raise BinderFailed(
            f"{approver} approved a version of the gate that they had proposed themselves", member=member
        )


def _check_pins(decision: JsonObject, registered: dict[str, datetime | None], *, member: str) -> None:
    decided = time_at(decision, "asOf", member=member)
    for path, since in registered.items():
        if since is None or since > decided:
            raise BinderFailed(f"the release passed before {path} was registered", member=member)


def _registered_at(container: Container, bag: Bag) -> dict[str, datetime | None]:
    """Return since when each pinned version is registered, by its file; None where nobody registered it."""
    found: dict[str, datetime | None] = {}
    for path in _documents(bag, VERSIONS):
        version = parse_object(container.read(path), member=path)
        if "registered" in version:
            is_registered = version["registered"] is True
            found[path] = time_at(version, "registeredAt", member=path) if is_registered else None
    return found


def _documents(bag: Bag, folder: str) -> list[str]:
    return [path for path in sorted(bag.digests) if path.startswith(folder) and path.endswith(".json")]
