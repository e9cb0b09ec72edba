"""Where the links of a system stand: clean, suspect because an end moved, or suspect because one above them is.

One pass over the links of a system, in a fixed number of queries. A link is suspect *directly* where an end counts in
another version than was reviewed, with another fingerprint; *transitively* where its upstream end, or the requirement
that this is a criterion of, is the downstream end of a suspect link. So each link is cleared by itself, from above.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import accumulate
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import Q

from evidence.kept_until_written import Found, KeptUntilWritten
from evidence.models import (
    AppendOnlyModel,
    Artefact,
    ArtefactKind,
    ArtefactVersion,
    Deployment,
    Registration,
    Release,
    ReleasePin,
    System,
)
from evidence.worded import worded
from requirements.errors import LinkNotFound
from requirements.models import (
    AcceptanceCriterion,
    LinkOutcome,
    LinkReview,
    Requirement,
    RequirementState,
    RequirementTransition,
    RequirementVersion,
    TraceLink,
)
from requirements.selectors.ends import End, current_ends, current_ends_of
from requirements.selectors.fingerprints import fingerprints_of


class Suspicion(StrEnum):
    """Whether a link has to be looked at again, and because of what."""

    CLEAN = "clean"
    DIRECT = "direct"  # an end of it moved
    TRANSITIVE = "transitive"  # a link above it is suspect


class ReviewedEnd(NamedTuple):
    """An end as it was when the link was last reviewed."""

    version_id: int
    number: int
    fingerprint: str
    live: bool


class StoredLink(NamedTuple):
    """A link that holds, with the last review of it."""

    link_id: int
    kind: str
    upstream_id: int
    downstream_id: int
    upstream: ReviewedEnd
    downstream: ReviewedEnd
    reviewed_by: str
    reviewed_at: datetime
    reason: str
    system_id: int


class LinkStanding(NamedTuple):
    """A link as it stands: what was reviewed, what counts now, and what moved between."""

    stored: StoredLink
    upstream: End
    downstream: End
    suspicion: Suspicion
    because: tuple[str, ...]  # "P: v1 -> v2"; of a transitive one, the links above it that are suspect
    upstream_moved: bool
    downstream_moved: bool

    @property
    def link_id(self) -> int:
        """Return the key of the link."""
        return self.stored.link_id

    @property
    def name(self) -> str:
        """Return the link as it is written: `P>K`."""
        return f"{self.upstream.name}>{self.downstream.name}"

    @property
    def is_suspect(self) -> bool:
        """Whether somebody has to look at it."""
        return self.suspicion is not Suspicion.CLEAN

    @property
    def moved_ends(self) -> list[tuple[ReviewedEnd, End]]:
        """Return the ends that moved, each as it was reviewed and as it counts now."""
        ends = (
            (self.stored.upstream, self.upstream, self.upstream_moved),
            (self.stored.downstream, self.downstream, self.downstream_moved),
        )
        return [(reviewed, end) for reviewed, end, has_moved in ends if has_moved]

    @property
    def reviewed_at_versions(self) -> tuple[str, str]:
        """Return both versions that were reviewed: `P v1`, `K v1`."""
        return (
            f"{self.upstream.name} v{self.stored.upstream.number}",
            f"{self.downstream.name} v{self.stored.downstream.number}",
        )


_UNDECIDED: Final = (RequirementState.DRAFT.value, RequirementState.IN_REVIEW.value)
# The last review of each link.
_LINKS: Final = """
SELECT l.id, l.kind, l.upstream_id, l.downstream_id,
       r.upstream_version_id, u.number, r.upstream_fingerprint, r.upstream_live,
       r.downstream_version_id, d.number, r.downstream_fingerprint, r.downstream_live,
       r.reviewed_by, r.created_at, r.reason, l.system_id
FROM (
    SELECT DISTINCT ON (r.link_id) r.* FROM requirements_linkreview r
    JOIN requirements_tracelink l ON l.id = r.link_id
    WHERE l.system_id = ANY(%(systems)s::bigint[])
    ORDER BY r.link_id, r.id DESC
) r
JOIN requirements_tracelink l ON l.id = r.link_id
JOIN evidence_artefactversion u ON u.id = r.upstream_version_id
JOIN evidence_artefactversion d ON d.id = r.downstream_version_id
WHERE r.outcome = %(holds)s
ORDER BY l.id
"""
# Which of these versions wait for their first approval: of requirements, and of criteria whose requirement versions do.
# An approval registers them: what was approved once, and is drafted again, counted when it was reviewed.
_WAITING: Final = """
SELECT of_version.artefact_version_id FROM (
    SELECT artefact_version_id, id FROM requirements_requirementversion
    WHERE artefact_version_id = ANY(%(versions)s)
    UNION ALL
    SELECT artefact_version_id, version_id FROM requirements_acceptancecriterion
    WHERE artefact_version_id = ANY(%(versions)s)
) of_version
JOIN LATERAL (SELECT to_state FROM requirements_requirementtransition t WHERE t.version_id = of_version.id
              ORDER BY t.at DESC, t.id DESC LIMIT 1) s ON s.to_state = ANY(%(undecided)s)
WHERE NOT EXISTS (SELECT FROM evidence_registration r WHERE r.version_id = of_version.artefact_version_id)
"""


# How much has to be read to judge the links of each system, counted no further than to one more than is judged at once.
_TO_READ: Final = """
SELECT s.id, greatest(
    (SELECT count(*) FROM (SELECT FROM requirements_tracelink WHERE system_id = s.id LIMIT %(most)s) l),
    (SELECT count(*) FROM (SELECT FROM requirements_requirement q JOIN requirements_requirementversion v
                           ON v.requirement_id = q.id WHERE q.system_id = s.id LIMIT %(most)s) v))
FROM unnest(%(systems)s::bigint[]) AS s(id)
WHERE EXISTS (SELECT FROM requirements_tracelink WHERE system_id = s.id)
"""


def stored_links(system: System) -> list[StoredLink]:
    """Return the links of a system that hold, each with its last review: one query."""
    return _stored_links([system.pk])


def _stored_links(systems: Collection[int]) -> list[StoredLink]:
    with connection.cursor() as cursor:
        cursor.execute(_LINKS, {"systems": sorted(systems), "holds": LinkOutcome.HOLDS.value})
        return [_stored(row) for row in cursor.fetchall()]


def _stored(row: tuple[Any, ...]) -> StoredLink:
    told: tuple[Any, ...] = (*row[:4], ReviewedEnd(*row[4:8]), ReviewedEnd(*row[8:12]), *row[12:])
    return StoredLink(*told)


class NamedLink(NamedTuple):
    """A link as a file names one, and what became of it."""

    link_id: int
    kind: str
    upstream: tuple[str, str]  # kind and key
    downstream: tuple[str, str]
    is_of_a_file: bool  # an import of a requirement file made it
    is_withdrawn: bool

    @property
    def names(self) -> tuple[str, tuple[str, str], tuple[str, str]]:
        """Return what a file says of it: its kind, and kind and key of both ends."""
        return self.kind, self.upstream, self.downstream

    @property
    def requirement(self) -> str:
        """Return the key of the requirement at which a file names it: the child's, or the one that is answered to."""
        own = self.downstream if self.downstream[0] == "requirement" else self.upstream
        return own[1].partition("/")[0]


# Each link with its last review. One that a file named first was made in the transaction of that import.
_NAMED: Final = """
SELECT l.id, l.kind, u.kind, u.key, d.kind, d.key,
       l.xact_id IN (SELECT i.xact_id FROM requirements_sourcefileimport i
                     JOIN requirements_sourcefile f ON f.id = i.source_file_id WHERE f.system_id = %(system)s),
       r.outcome = %(withdrawn)s
FROM requirements_tracelink l
JOIN evidence_artefact u ON u.id = l.upstream_id
JOIN evidence_artefact d ON d.id = l.downstream_id
JOIN LATERAL (SELECT outcome FROM requirements_linkreview r WHERE r.link_id = l.id ORDER BY r.id DESC LIMIT 1) r ON true
WHERE l.system_id = %(system)s
ORDER BY l.id
"""


def named_links(system: System) -> list[NamedLink]:
    """Return every link of a system, withdrawn or not, as a file would name it: one query."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, {"system": system.pk, "withdrawn": LinkOutcome.WITHDRAWN.value})
        return [
            NamedLink(link, kind, (up_kind, up), (down_kind, down), bool(of_a_file), withdrawn)
            for link, kind, up_kind, up, down_kind, down, of_a_file, withdrawn in cursor.fetchall()
        ]


def find_link(system: System, link_id: int) -> TraceLink:
    """Return a link of a system.

    Raises:
        LinkNotFound: it has none of that number.
    """
    links = TraceLink.objects.select_related("system", "upstream", "downstream")
    link = links.filter(system=system, pk=link_id).first()
    if link is None:
        raise LinkNotFound(
            worded(
                "System %(system_key)s has no link %(link_id)s.", system_key=repr(system.key), link_id=link_id
            )
        )
    return link


# All that where a link stands follows from.
LINKS_FOLLOW_FROM: Final = (
    Requirement, RequirementVersion, RequirementTransition, AcceptanceCriterion, TraceLink, LinkReview,
    Artefact, ArtefactVersion, Registration, Release, ReleasePin, Deployment,
)  # fmt: skip
LINKS_IN_FORCE: Final[Mapping[type[AppendOnlyModel], str]] = {Deployment: "effective_from"}
_kept: Final[KeptUntilWritten[tuple[LinkStanding, ...]]] = KeptUntilWritten(
    *LINKS_FOLLOW_FROM, most=40_000, in_force=LINKS_IN_FORCE
)


def standings_of(system: System) -> Sequence[LinkStanding]:
    """Return where each link of a system that holds stands now, as it was found before where no row has come since."""

    def find() -> Found[tuple[LinkStanding, ...]]:
        standings = tuple(read_standings(system))
        return Found(standings, len(standings))

    return _kept.get(system.pk, [system.pk], find)


def read_standings(system: System) -> list[LinkStanding]:
    """Return where each link of a system that holds stands now, judged anew."""
    stored = stored_links(system)
    return judge_links(stored, current_ends(system, ends_of(stored)))


@dataclass(frozen=True, slots=True)
class SuspectLinks:
    """How many links of a system have to be looked at again, and since when the first of them."""

    n: int
    since: datetime | None  # at the least; None: nobody can tell


def judged_at_once(systems: Collection[int], most: int) -> tuple[list[int], list[int]]:
    """Return those of these systems whose links can be judged with this many read, the smallest first, and the others.

    One query, and none of the links is read. A system without links is in neither.

    Args:
        most: links, and versions of requirements, of all that are judged.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TO_READ, {"systems": sorted(systems), "most": most + 1})
        to_read = sorted((n, system) for system, n in cursor.fetchall())
    totals = accumulate(n for n, _ in to_read)
    fitting = sum(total <= most for total in totals)
    ordered = [system for _, system in to_read]
    return ordered[:fitting], ordered[fitting:]


def suspect_links_of(systems: Collection[int]) -> dict[int, SuspectLinks]:
    """Return what is suspect in each of several systems, by key: as many queries as `standings_of` takes for one.

    A link below a suspect one is not suspect for longer than that, so that those whose ends moved tell since when.
    """
    stored = _stored_links(systems)
    if not stored:
        return {}
    found: defaultdict[int, list[LinkStanding]] = defaultdict(list)
    for each in judge_links(stored, current_ends_of(systems, ends_of(stored))):
        if each.is_suspect:
            found[each.stored.system_id].append(each)
    return {system: SuspectLinks(len(links), _first_moved(links)) for system, links in found.items()}


def _first_moved(links: Iterable[LinkStanding]) -> datetime | None:
    moves = (end.since for link in links for _, end in link.moved_ends)
    return min((since for since in moves if since is not None), default=None)


def ends_of(stored: Iterable[StoredLink]) -> set[int]:
    """Return the artefacts at the ends of links."""
    return {artefact for link in stored for artefact in (link.upstream_id, link.downstream_id)}


def judge_links(stored: Sequence[StoredLink], ends: Mapping[int, End]) -> list[LinkStanding]:
    """Return where links stand, given what counts at each of their ends."""
    changed = [
        (reviewed, end)
        for link in stored
        for reviewed, end in (
            (link.upstream, ends[link.upstream_id]),
            (link.downstream, ends[link.downstream_id]),
        )
        if end.version_id != reviewed.version_id
    ]
    ahead = _waiting_among({reviewed.version_id for reviewed, _ in changed})
    fingerprints = _fingerprints(end for _, end in changed)
    moved = {
        link.link_id: (
            _told_move(link.upstream, ends[link.upstream_id], ahead, fingerprints),
            _told_move(link.downstream, ends[link.downstream_id], ahead, fingerprints),
        )
        for link in stored
    }
    direct = {link_id for link_id, told in moved.items() if any(told)}
    whole = _wholes(ends)
    above = _suspect_above(stored, direct, whole)
    above_others = {link_id for found in above.values() for link_id in found}
    names = {
        link.link_id: f"{ends[link.upstream_id].name}>{ends[link.downstream_id].name}"
        for link in stored
        if link.link_id in above_others
    }
    standings = []
    for link in stored:
        up, down = moved[link.link_id]
        told = tuple(each for each in (up, down) if each)
        suspicion = Suspicion.DIRECT if told else Suspicion.CLEAN
        suspect_above = above.get(whole.get(link.upstream_id, link.upstream_id))
        if not told and suspect_above:
            suspicion = Suspicion.TRANSITIVE
            told = tuple(sorted({names[each] for each in suspect_above}))
        standings.append(
            LinkStanding(
                link, ends[link.upstream_id], ends[link.downstream_id], suspicion, told, bool(up), bool(down)
            )
        )
    return standings


def _waiting_among(versions: Collection[int]) -> set[int]:
    """Return those of these versions that wait for approval: what counts now is the one before them."""
    if not versions:
        return set()
    asked: dict[str, Any] = {"versions": sorted(versions), "undecided": list(_UNDECIDED)}
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, asked)
        return {version for (version,) in cursor.fetchall()}


def _fingerprints(ends: Iterable[End]) -> dict[int, str]:
    """Return the fingerprints of the requirement versions among these."""
    versions = {end.version_id for end in ends if end.kind == "requirement" and end.version_id is not None}
    return fingerprints_of(versions) if versions else {}


def _told_move(
    reviewed: ReviewedEnd, end: End, ahead: Collection[int], fingerprints: Mapping[int, str]
) -> str:
    """Say how an end moved since the review; empty where it did not."""
    if reviewed.version_id in ahead and (reviewed.number > end.number or end.state in _UNDECIDED):
        return ""
    if end.gone:
        return f"{end.name}: v{reviewed.number} -> {end.state}"
    if end.version_id != reviewed.version_id:
        now = fingerprints.get(end.version_id, end.digest) if end.version_id else end.digest
        return f"{end.name}: v{reviewed.number} -> {end.version}" if now != reviewed.fingerprint else ""
    return f"{end.name}: v{reviewed.number} -> not live" if reviewed.live and not end.live else ""


def versions_since(reviewed: Iterable[tuple[ReviewedEnd, End]]) -> list[ArtefactVersion]:
    """Return the versions of ends that came after the ones reviewed, up to those that count now, and these."""
    later = Q()
    for before, end in reviewed:
        later |= Q(pk=end.version_id)
        later |= Q(artefact=end.artefact_id, number__gt=before.number, number__lte=end.number)
    versions = ArtefactVersion.objects.filter(later) if later else ArtefactVersion.objects.none()
    return list(versions.select_related("artefact"))


def _wholes(ends: Mapping[int, End]) -> dict[int, int]:
    """Return the requirement of each criterion among these, by their keys: what is above the one is above the other."""
    requirements = {
        (end.system_id, end.key): end.artefact_id
        for end in ends.values()
        if end.kind == ArtefactKind.REQUIREMENT
    }
    wholes = {
        end.artefact_id: requirements.get((end.system_id, end.key.partition("/")[0]))
        for end in ends.values()
        if end.kind == ArtefactKind.CRITERION
    }
    return {criterion: whole for criterion, whole in wholes.items() if whole is not None}


def _suspect_above(
    stored: Iterable[StoredLink], direct: Collection[int], whole: Mapping[int, int]
) -> defaultdict[int, list[int]]:
    """Return, for each artefact below a suspect link, the suspect links that lead to it.

    Args:
        whole: the requirement of each criterion; a link from a criterion lies below what lies above its requirement.
    """
    below: defaultdict[int, list[StoredLink]] = defaultdict(list)
    for link in stored:
        below[whole.get(link.upstream_id, link.upstream_id)].append(link)
    above: defaultdict[int, list[int]] = defaultdict(list)
    waiting = [link for link in stored if link.link_id in direct]
    seen = set(direct)
    while waiting:
        link = waiting.pop()
        above[link.downstream_id].append(link.link_id)
        further = [each for each in below[link.downstream_id] if each.link_id not in seen]
        seen.update(each.link_id for each in further)
        waiting += further
    return above
