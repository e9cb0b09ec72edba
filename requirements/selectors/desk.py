"""A requirement as its author finds it: the newest version, the file that owns it, and the links that it names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import OuterRef, Q, Subquery

from evidence.models import ArtefactKind, System
from evidence.worded import worded
from requirements.errors import RequirementNotFound
from requirements.models import (
    LINK_ENDS,
    LinkKind,
    LinkOutcome,
    LinkReview,
    Requirement,
    RequirementVersion,
    TraceLink,
)
from requirements.selectors.standing import NewestVersion, Origin, origins_of, standing_of
from requirements.selectors.wording import draft_of
from requirements.yaml_import.writing import Links, write_requirement


@dataclass(frozen=True, slots=True)
class Opened:
    """What lies on the desk."""

    standing: NewestVersion
    owner: Origin | None  # the file that it belongs to; None: no file's, and it may be edited here
    links: Links

    @property
    def version(self) -> RequirementVersion:
        """Return the newest version."""
        return self.standing.version

    @property
    def text(self) -> str:
        """Return it as an entry of a file has it, without its dash."""
        return write_requirement(draft_of(self.version), self.links)


def open_requirement(requirement: Requirement) -> Opened:
    """Return a requirement as it stands now: a fixed number of queries."""
    standing = standing_of([requirement.pk])[requirement.key]
    return Opened(standing, owner_of(requirement), links_named_by(standing.version))


def find_requirement(system: System, key: str) -> Requirement:
    """Return a requirement by its key.

    Raises:
        RequirementNotFound: the system has none of this key.
    """
    found = Requirement.objects.filter(system=system, key=key).select_related("system").first()
    if found is None:
        raise RequirementNotFound(
            worded(
                "System %(system_key)s has no requirement %(key)s.",
                system_key=repr(system.key),
                key=repr(key),
            )
        )
    return found


def owner_of(requirement: Requirement) -> Origin | None:
    """Return the file that a requirement belongs to; None where it came from none, or its file holds it no longer."""
    origin = origins_of([requirement.pk]).get(requirement.key)
    return None if origin is None or origin.dropped else origin


def links_named_by(version: RequirementVersion) -> Links:
    """Return the links that hold and that a requirement or its criteria name, as a file writes them: two queries.

    A requirement names its parents; what derives from it names it.
    """
    own = {version.artefact_version.artefact_id: (ArtefactKind.REQUIREMENT, "")}
    for key, artefact in version.criteria.order_by("pk").values_list("key", "artefact_version__artefact_id"):
        own[artefact] = (ArtefactKind.CRITERION, key)
    last = LinkReview.objects.filter(link=OuterRef("pk")).order_by("-pk").values("outcome")[:1]
    rows = (
        TraceLink.objects.filter(Q(upstream__in=own) | Q(downstream__in=own))
        .annotate(outcome=Subquery(last))
        .filter(outcome=LinkOutcome.HOLDS)
        .select_related("upstream", "downstream")
        .order_by("kind", "pk")
    )
    found: dict[str, dict[str, list[object]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.downstream_id in own and row.upstream.kind == ArtefactKind.REQUIREMENT:
            found[own[row.downstream_id][1]][row.kind].append(row.upstream.key)
        elif row.upstream_id in own and _is_named_above(row, own[row.upstream_id][0]):
            found[own[row.upstream_id][1]][row.kind].append({row.downstream.kind: row.downstream.key})
    return _plain(found)


def _is_named_above(row: TraceLink, own: ArtefactKind) -> bool:
    """Whether it is the upper end that names the lower one."""
    below = LINK_ENDS[LinkKind(row.kind)].get(own, frozenset())
    return row.downstream.kind != own and row.downstream.kind in below


def _plain(found: Mapping[str, Mapping[str, list[object]]]) -> Links:
    order = [kind.value for kind in LinkKind]
    return {
        key: {kind: named[kind] for kind in sorted(named, key=order.index)} for key, named in found.items()
    }
