"""Each deployment by decision rests on the newest decision of its gate then, a pass; each rollback goes back: step 6.

Which environments gates protect is not in a binder: that a release went somewhere unprotected is the producer's word.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tracebinder.verify.bag import Bag
from tracebinder.verify.container import Container
from tracebinder.verify.errors import BinderFailed
from tracebinder.verify.gates import GATES
from tracebinder.verify.strict_json import JsonObject, objects_at, parse_object, text_at, time_at

RELEASE: Final = "data/versions/release.json"
_UNPROTECTED: Final = frozenset({"unchecked", "open"})
_DECISION, _ROLLBACK, _PASS = "decision", "rollback", "pass"  # a verdict, not a password


@dataclass(frozen=True, slots=True)
class _Decision:
    gate: str
    digest: str  # of the version of the gate
    verdict: str
    as_of: datetime


@dataclass(slots=True)
class DeploymentsChecked:
    """How many deployments gates let in, and how many of them went back to what stood there before."""

    admitted: int = 0
    rollbacks: int = 0

    def __str__(self) -> str:
        rollbacks = f", {self.rollbacks} rollbacks" if self.rollbacks else ""
        admitted = f"; {self.admitted} deployments by decision" if self.admitted else ""
        return f"{admitted}{rollbacks}"


def check_deployments(container: Container, bag: Bag, *, must_tell: bool) -> DeploymentsChecked:
    """Check by which decisions each deployment was let in, and what each rollback restores.

    Args:
        must_tell: deployments of this version of the format say it; those of an older one do not.

    Raises:
        BinderFailed: one rests on no pass of its gate, on an older one than the newest, or goes back to nothing.
        BinderMalformed: a document cannot be read.
    """
    checked = DeploymentsChecked()
    if not must_tell:
        return checked
    if RELEASE not in bag.digests:
        raise BinderFailed("is left out, and belongs to every binder of this version", member=RELEASE)
    decisions = _decisions(container, bag)
    let_in: dict[str, JsonObject] = {}
    release = parse_object(container.read(RELEASE), member=RELEASE)
    for deployment in objects_at(release, "deployments", member=RELEASE):
        name = text_at(deployment, "id", member=RELEASE)
        basis = text_at(deployment, "basis", member=RELEASE)
        admissions = objects_at(deployment, "admissions", member=RELEASE)
        if basis == _DECISION:
            _check_let_in(name, admissions, decisions)
            let_in[name] = deployment
            checked.admitted += 1
        elif basis == _ROLLBACK:
            _check_rollback(name, deployment, let_in)
            checked.rollbacks += 1
        elif basis not in _UNPROTECTED or admissions:
            raise _failed(name, f"is {basis!r}, with {len(admissions)} admissions")
    return checked


def _check_let_in(name: str, admissions: list[JsonObject], decisions: dict[str, _Decision]) -> None:
    if not admissions:
        raise _failed(name, "is said to be by a decision, and names no gate")
    for admission in admissions:
        decision = decisions.get(text_at(admission, "decision", member=RELEASE))
        if decision is None:
            raise _failed(name, "rests on a decision that is not here")
        if decision.digest != text_at(admission, "gateDigest", member=RELEASE):
            raise _failed(name, "rests on a decision of another version of the gate")
        if decision.verdict != _PASS or text_at(admission, "verdict", member=RELEASE) != _PASS:
            raise _failed(name, "was let in without a pass")
        looked = time_at(admission, "asOf", member=RELEASE)
        if decision.as_of > looked:
            raise _failed(name, "was let in by a decision that was made later")
        of_gate = [other.as_of for other in decisions.values() if other.gate == decision.gate]
        if any(decision.as_of < other <= looked for other in of_gate):
            raise _failed(name, "was let in by a decision that was not the newest of its gate")


def _check_rollback(name: str, deployment: JsonObject, let_in: dict[str, JsonObject]) -> None:
    if not text_at(deployment, "reason", member=RELEASE).strip():
        raise _failed(name, "went back without a reason")
    restored = let_in.get(text_at(deployment, "restores", member=RELEASE))
    place = text_at(deployment, "environment", member=RELEASE)
    if restored is None or text_at(restored, "environment", member=RELEASE) != place:
        raise _failed(name, "went back to what no gate had let in there")
    since, back = (time_at(each, "effectiveFrom", member=RELEASE) for each in (restored, deployment))
    if since >= back:
        raise _failed(name, "went back to what came later")


def _failed(name: str, what: str) -> BinderFailed:
    return BinderFailed(f"deployment {name} {what}", member=RELEASE)


def _decisions(container: Container, bag: Bag) -> dict[str, _Decision]:
    """Return the gate decisions by their ids."""
    found = {}
    for path in sorted(bag.digests):
        if path.startswith(GATES) and path.endswith(".json"):
            document = parse_object(container.read(path), member=path)
            found[text_at(document, "id", member=path)] = _Decision(
                text_at(document, "gate", member=path),
                text_at(document, "gateDigest", member=path),
                text_at(document, "verdict", member=path),
                time_at(document, "asOf", member=path),
            )
    return found
