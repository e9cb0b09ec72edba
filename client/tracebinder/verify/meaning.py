"""What the statement says follows from what is in the binder: step 6, second half.

Numbers are counted again, a requirement's status is worked out again from its criteria, and a finding about
the inside of a model never carries a requirement alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from tracebinder.verify.bag import ENVELOPE, Bag
from tracebinder.verify.container import Container
from tracebinder.verify.criteria import check_requirement
from tracebinder.verify.errors import BinderFailed, VerifyError
from tracebinder.verify.strict_json import (
    JsonObject,
    object_at,
    objects_at,
    parse_object,
    text_at,
    time_at,
    whole_at,
)

COUNTER_EVIDENCE: Final = "counter-evidence"
REQUIREMENTS: Final = "data/requirements/"
REDACTIONS: Final = "data/redactions.json"
INTERPRETABILITY: Final = "data/interpretability/"
ALLOWED_ROLES: Final = ("supporting", "counter")  # compared, not hashed: any JSON value may be asked about


def check_populations(container: Container, bag: Bag, predicate: JsonObject) -> list[VerifyError]:
    """Count each population again, and insist on the one of counter evidence.

    Raises:
        BinderMalformed: the statement's populations are not in the form of the format.
    """
    populations = objects_at(predicate, "populations", member=ENVELOPE)
    names = [text_at(entry, "name", member=ENVELOPE) for entry in populations]
    problems: list[VerifyError] = []
    if COUNTER_EVIDENCE not in names or len(set(names)) != len(names):
        problems.append(
            BinderFailed("populations are named twice, or counter evidence is left out", member=ENVELOPE)
        )
    for entry in populations:
        try:
            _check_population(container, bag, entry)
        except VerifyError as exc:
            problems.append(exc)
    return problems


def check_requirements(container: Container, bag: Bag, predicate: JsonObject) -> list[VerifyError]:
    """Work out each requirement's status again, and compare the totals with the statement's.

    Raises:
        BinderMalformed: the statement has no totals or no time it is as of.
    """
    as_of = time_at(predicate, "asOf", member=ENVELOPE)
    problems: list[VerifyError] = []
    counted: Counter[str] = Counter()
    for path in _documents(bag, REQUIREMENTS):
        try:
            requirement = parse_object(container.read(path), member=path)
            counted[text_at(requirement, "status", member=path)] += 1
            problems.extend(check_requirement(requirement, bag, as_of, member=path))
        except VerifyError as exc:
            problems.append(exc)
    named = object_at(predicate, "requirements", member=ENVELOPE)
    stated = {status: whole_at(named, status, member=ENVELOPE) for status in named}
    total = stated.pop("total", None)
    if total != sum(counted.values()) or Counter({k: v for k, v in stated.items() if v}) != counted:
        problems.append(BinderFailed("the requirement totals are not those of the files", member=ENVELOPE))
    return problems


def check_redactions(container: Container, bag: Bag, predicate: JsonObject) -> list[VerifyError]:
    """Check that the statement says of the list of what was taken away whether it holds anything."""
    if REDACTIONS not in bag.digests:
        return []
    try:
        document = parse_object(container.read(REDACTIONS), member=REDACTIONS)
        listed = objects_at(document, "redactions", member=REDACTIONS)
    except VerifyError as exc:
        return [exc]
    if predicate.get("redacted") is bool(listed):
        return []
    return [
        BinderFailed(
            "holds another answer than the statement's to whether anything is gone", member=REDACTIONS
        )
    ]


def check_findings(container: Container, bag: Bag) -> list[VerifyError]:
    """Check that every interpretability finding only supports or counters, and says what it does not show."""
    problems: list[VerifyError] = []
    for path in _documents(bag, INTERPRETABILITY):
        try:
            finding = parse_object(container.read(path), member=path)
            if finding.get("role") not in ALLOWED_ROLES:
                raise BinderFailed("an interpretability finding may only support or counter", member=path)
            if not text_at(finding, "doesNotShow", member=path).strip():
                raise BinderFailed("a finding must say what it does not show", member=path)
        except VerifyError as exc:
            problems.append(exc)
    return problems


def _check_population(container: Container, bag: Bag, entry: JsonObject) -> None:
    name = text_at(entry, "name", member=ENVELOPE)
    path = "data/" + text_at(entry, "path", member=ENVELOPE)
    if bag.digests.get(path) != text_at(entry, "digest", member=ENVELOPE):
        raise BinderFailed(f"population {name!r} is another list than this file", member=path)
    count = sum(1 for _ in container.lines(path))
    if count != whole_at(entry, "count", member=ENVELOPE):
        raise BinderFailed(f"population {name!r} has {count} members, not as many as stated", member=path)


def _documents(bag: Bag, folder: str) -> Iterator[str]:
    return (path for path in sorted(bag.digests) if path.startswith(folder) and path.endswith(".json"))
