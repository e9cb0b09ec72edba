"""Requirements and links for tests: imported, approved, changed and linked by the services."""

from __future__ import annotations

from typing import Any

from evidence.models import Artefact, System
from requirements.models import RequirementVersion, TraceLink
from requirements.selectors.links import LinkStanding, Suspicion, standings_of
from requirements.services.links import add_link, clear_link
from requirements.services.requirements import import_requirements
from tests.factories import acting
from tests.requirements.builders import AUTHOR, approve

REVIEWER = "user:rev"

_ONE = """\
  - key: {key}
    statement: {statement}
    risk_tier: {risk_tier}
    layer: product
    owner: {owner}
    review_every_days: 180
    rationale: {rationale}
    criteria:
      - {{key: c, check: answers.confidence_and_limits, at_least: {at_least}, min_n: {min_n}}}
"""


def file_of(*items: str, links: str = "", **over: Any) -> bytes:
    """Return a file of requirements of these keys; what is given is said of each."""
    values = {
        "statement": '"The answer must say S."', "risk_tier": "medium", "owner": "po", "rationale": "r",
        "at_least": 0.7, "min_n": 60,
    } | over  # fmt: skip
    head = "format: tracebinder.requirements/1\nrequirements:\n"
    return (head + "".join(_ONE.format(key=key, **values) + links for key in items)).encode()


def put(
    system: System, *items: str, approved: bool = True, links: str = "", **over: Any
) -> list[RequirementVersion]:
    """Import requirements of these keys, and approve what is new."""
    result = import_requirements(
        principal=acting(AUTHOR),
        system=system,
        source=file_of(*items, links=links, **over),
        file_name="r.yaml",
    )
    for each in result.requirements:
        if approved and each.created:
            approve(each.version)
    return [each.version for each in result.requirements]


def change(system: System, key: str) -> None:
    """Approve another wording of a requirement."""
    n = RequirementVersion.objects.filter(requirement__key=key).count() + 1
    put(system, key, statement=f'"The answer must say S, wording {n}."')


def thing(system: System, key: str, kind: str = "requirement") -> Artefact:
    return Artefact.objects.get(system=system, kind=kind, key=key)


def tie(system: System, name: str, kind: str = "derives", downstream: str = "requirement") -> TraceLink:
    """Make the link `A>B`."""
    up, _, down = name.partition(">")
    return add_link(
        principal=acting(AUTHOR), system=system, kind=kind, upstream=thing(system, up),
        downstream=thing(system, down, downstream),
    )  # fmt: skip


def standing(system: System, name: str) -> LinkStanding:
    return next(each for each in standings_of(system) if each.name == name)


def clear(system: System, name: str, reason: str = "wording only, B holds", by: str = REVIEWER) -> None:
    now = standing(system, name)
    clear_link(
        principal=acting(by), link=TraceLink.objects.get(pk=now.link_id), reason=reason,
        upstream=now.upstream.digest, downstream=now.downstream.digest,
    )  # fmt: skip


def told(system: System) -> dict[str, list[str]]:
    """Return the links by how they stand, as the cases write it."""
    found: dict[str, list[str]] = {"suspect_direct": [], "suspect_transitive": [], "clean": []}
    words = {
        Suspicion.DIRECT: "suspect_direct", Suspicion.TRANSITIVE: "suspect_transitive", Suspicion.CLEAN: "clean",
    }  # fmt: skip
    for each in standings_of(system):
        found[words[each.suspicion]].append(each.name)
    return {word: sorted(names) for word, names in found.items()}
