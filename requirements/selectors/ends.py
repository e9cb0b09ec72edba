"""Which version of a thing counts now: what a link is compared with. Why so: docs/decisions/0061-links.md.

Of a requirement the approved version, and before any was approved the newest draft; of a criterion that of the
requirement's; of anything else what the release live in production pins, else the newest that somebody registered,
else the newest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.models import OuterRef, Subquery

from evidence import clock
from evidence.models import ArtefactKind, ArtefactVersion, Release, System
from requirements.models import AcceptanceCriterion, RequirementTransition, RequirementVersion


@dataclass(frozen=True, slots=True)
class End:
    """A thing at the end of a link, in the version that counts now."""

    artefact_id: int
    kind: str
    key: str
    version_id: int | None  # None: a version that is proposed and not on record yet
    number: int  # of the version; 0 where it is not on record
    digest: str
    state: str  # "approved", "draft", "live", "registered", "unregistered", "retired", "removed", "not_live"
    live: bool = False  # whether the release live in production pins it
    gone: bool = False  # nothing of it counts any more: it was retired, or is in no approved version
    waiting: str = ""  # a newer version of a requirement that does not count yet: "v2 draft"
    drafted: int | None = None  # the newest version of a requirement, where it waits for approval

    @property
    def name(self) -> str:
        """Return what people call it: the key of a requirement or criterion, and the kind of anything else."""
        return self.key if self.kind in {"requirement", "criterion"} else f"{self.kind}:{self.key}"

    @property
    def version(self) -> str:
        """Return the version as it is told: `v2`; of one that is not on record, how its digest begins."""
        return f"v{self.number}" if self.number else self.digest[:12]

    def __str__(self) -> str:
        waiting = f" ({self.waiting})" if self.waiting else ""
        return f"{self.name} {self.version} {self.state.replace('_', ' ')}{waiting}"


# Which version of each requirement of a system counts.
_REQUIREMENTS: Final = """
WITH state AS (
    SELECT DISTINCT ON (t.version_id) t.version_id, t.to_state
    FROM requirements_requirementtransition t
    JOIN requirements_requirementversion v ON v.id = t.version_id
    JOIN requirements_requirement q ON q.id = v.requirement_id
    WHERE q.system_id = %(system)s
    ORDER BY t.version_id, t.at DESC, t.id DESC
), approved AS (
    SELECT DISTINCT t.version_id FROM requirements_requirementtransition t JOIN state USING (version_id)
    WHERE t.to_state = 'approved'
), versions AS (
    SELECT v.id, v.requirement_id, v.number, v.artefact_version_id, s.to_state,
           s.to_state = 'superseded' OR a.version_id IS NOT NULL AS was_approved
    FROM requirements_requirementversion v JOIN state s ON s.version_id = v.id
    LEFT JOIN approved a ON a.version_id = v.id
), newest AS (
    SELECT DISTINCT ON (requirement_id) * FROM versions ORDER BY requirement_id, number DESC
), now AS (
    SELECT DISTINCT ON (requirement_id) * FROM versions
    ORDER BY requirement_id, (to_state = 'approved') DESC, was_approved DESC, (to_state <> 'retired') DESC, number DESC
)
"""
# One row a requirement: what counts, and the newest version beside it.
_REQUIREMENT_ENDS: Final = (
    _REQUIREMENTS  # our own text, without a value in it
    + """
SELECT q.artefact_id, q.key, now.artefact_version_id, now.number, a.digest, now.to_state,
       newest.number AS newest, newest.to_state AS newest_state, newest.artefact_version_id AS newest_id
FROM now
JOIN requirements_requirement q ON q.id = now.requirement_id
JOIN evidence_artefactversion a ON a.id = now.artefact_version_id
JOIN newest ON newest.requirement_id = q.id
"""
)
_CRITERION_ENDS: Final = (
    _REQUIREMENTS
    + """
SELECT DISTINCT ON (art.id) art.id, art.key, a.id, a.number, a.digest, now.to_state, in_force.id IS NOT NULL
FROM evidence_artefact art
JOIN evidence_artefactversion a ON a.artefact_id = art.id
LEFT JOIN requirements_acceptancecriterion c ON c.artefact_version_id = a.id
LEFT JOIN requirements_requirementversion rv ON rv.id = c.version_id
LEFT JOIN now in_force ON in_force.id = c.version_id
LEFT JOIN now ON now.requirement_id = rv.requirement_id
WHERE art.system_id = %(system)s AND art.kind = 'criterion' AND art.id = ANY(%(artefacts)s)
ORDER BY art.id, (in_force.id IS NOT NULL) DESC, a.number DESC
"""  # our own text, without a value in it
)
_OTHER_ENDS: Final = """
WITH live AS (
    SELECT d.release_id FROM evidence_deployment d
    WHERE d.system_id = %(system)s AND d.environment = %(environment)s AND d.effective_from <= %(now)s
    ORDER BY d.effective_from DESC, d.id DESC LIMIT 1
), pinned AS (
    SELECT DISTINCT ON (v.artefact_id) v.artefact_id, v.id
    FROM live JOIN evidence_releasepin p USING (release_id) JOIN evidence_artefactversion v ON v.id = p.version_id
    ORDER BY v.artefact_id, v.number DESC
)
SELECT art.id, art.kind, art.key, a.id, a.number, a.digest, pinned.id IS NOT NULL AS live,
       EXISTS (SELECT FROM evidence_registration r WHERE r.version_id = a.id) AS registered
FROM evidence_artefact art
LEFT JOIN pinned ON pinned.artefact_id = art.id
JOIN LATERAL (
    SELECT v.* FROM evidence_artefactversion v LEFT JOIN evidence_registration r ON r.version_id = v.id
    WHERE v.artefact_id = art.id
    ORDER BY (v.id = pinned.id) IS TRUE DESC, (r.id IS NOT NULL) DESC, v.number DESC LIMIT 1
) a ON true
WHERE art.system_id = %(system)s AND art.id = ANY(%(artefacts)s)
  AND art.kind NOT IN ('requirement', 'criterion')
"""


def current_ends(system: System, artefacts: Iterable[int]) -> dict[int, End]:
    """Return these artefacts of a system, each in the version that counts now: three queries, however many."""
    wanted = set(artefacts)
    asked = {
        "system": system.pk,
        "artefacts": sorted(wanted),
        "environment": settings.LIVE_ENVIRONMENT,
        "now": clock.now(),
    }
    found = [_requirement_end(row) for row in _rows(_REQUIREMENT_ENDS, asked) if row[0] in wanted]
    found += [_criterion_end(row) for row in _rows(_CRITERION_ENDS, asked)]
    found += [_other_end(row) for row in _rows(_OTHER_ENDS, asked)]
    return {end.artefact_id: end for end in found}


def _rows(sql: str, asked: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        return list(cursor.fetchall())


def _requirement_end(row: tuple[Any, ...]) -> End:
    artefact, key, version, number, digest, state, newest, newest_state, newest_id = row
    waiting = f"v{newest} {newest_state.replace('_', ' ')}" if newest > number else ""
    gone = state in {"retired", "superseded"}
    drafted = newest_id if newest_state in {"draft", "in_review"} else None
    return End(
        artefact, "requirement", key, version, number, digest, state, gone=gone, waiting=waiting, drafted=drafted
    )  # fmt: skip


def _criterion_end(row: tuple[Any, ...]) -> End:
    artefact, key, version, number, digest, state, in_force = row
    state = (state or "draft") if in_force else "removed"
    gone = state in {"retired", "superseded", "removed"}
    return End(artefact, "criterion", key, version, number, digest, state, gone=gone)


def _other_end(row: tuple[Any, ...]) -> End:
    artefact, kind, key, version, number, digest, live, registered = row
    state = "live" if live else "registered" if registered else "unregistered"
    return End(artefact, kind, key, version, number, digest, state, live=live)


def drafted_ends(system: System, artefacts: Iterable[int]) -> dict[int, End]:
    """Return what counts, and in place of it the draft that an author is writing, where there is one.

    An author links what they write: once it is approved, the link need not be looked at again for that.
    """
    ends = current_ends(system, artefacts)
    drafts = {end.drafted: end.artefact_id for end in ends.values() if end.drafted is not None}
    versions = list(ArtefactVersion.objects.filter(pk__in=drafts))
    criteria = ArtefactVersion.objects.filter(
        artefact__in=[end.artefact_id for end in ends.values() if end.kind == ArtefactKind.CRITERION],
        criteria__version__in=_newest_drafts(system),
    ).distinct()
    for version in (*versions, *criteria):
        ends[version.artefact_id] = replace(
            ends[version.artefact_id], version_id=version.pk, number=version.number, digest=version.digest, gone=False
        )  # fmt: skip
    return ends


def _newest_drafts(system: System) -> Any:
    """Return the newest version of each requirement, where it waits for approval."""
    last = RequirementTransition.objects.filter(version=OuterRef("pk")).order_by("-at", "-pk")
    newest = (
        RequirementVersion.objects.filter(requirement__system=system)
        .order_by("requirement", "-number")
        .distinct("requirement")
    )
    waiting = RequirementVersion.objects.filter(pk__in=newest.values("pk"))
    return waiting.annotate(state=Subquery(last.values("to_state")[:1])).filter(
        state__in=["draft", "in_review"]
    )


def ends_with_release(ends: Mapping[int, End], live: Release | None, candidate: Release) -> dict[int, End]:
    """Return what would count if a release went live in place of the one that is.

    What only the present one pins is live no more, and keeps its version.
    """
    coming = {pin.version.artefact_id: pin.version for pin in _pins(candidate)}
    leaving = {pin.version.artefact_id for pin in _pins(live)} - coming.keys() if live else set()
    then = dict(ends)
    for artefact, version in coming.items():
        if artefact in ends:
            then[artefact] = replace(
                ends[artefact], version_id=version.pk, number=version.number, digest=version.digest, state="live",
                live=True,
            )  # fmt: skip
    for artefact in leaving & ends.keys():
        then[artefact] = replace(ends[artefact], state="not_live", live=False)
    return then


def ends_with_digests(ends: Mapping[int, End], proposed: Mapping[tuple[str, str], str]) -> dict[int, End]:
    """Return what would count if these digests, by kind and key, went live; they need not be on record."""
    known = {
        (version.artefact_id, version.digest): version
        for version in ArtefactVersion.objects.filter(artefact__in=ends, digest__in=set(proposed.values()))
    }
    then = dict(ends)
    for end in ends.values():
        digest = proposed.get((end.kind, end.key))
        if digest is not None and digest != end.digest:
            version = known.get((end.artefact_id, digest))
            pk, number = (version.pk, version.number) if version else (None, 0)
            then[end.artefact_id] = replace(
                end, version_id=pk, number=number, digest=digest, state="live", live=True
            )
    return then


def ends_with_version(ends: Mapping[int, End], version: RequirementVersion) -> dict[int, End]:
    """Return what would count if a version of a requirement were approved, with its criteria."""
    requirement = version.requirement
    own = {f"{requirement.key}/{each.key}": each for each in _criteria(version)}
    then = dict(ends)
    for end in ends.values():
        if end.artefact_id == requirement.artefact_id:
            then[end.artefact_id] = replace(
                end, version_id=version.artefact_version_id, number=version.number,
                digest=version.artefact_version.digest, state="approved", gone=False, waiting="",
            )  # fmt: skip
        elif end.kind == ArtefactKind.CRITERION and end.key.partition("/")[0] == requirement.key:
            then[end.artefact_id] = _criterion_then(end, own.get(end.key))
    return then


def _criterion_then(end: End, criterion: AcceptanceCriterion | None) -> End:
    if criterion is None:
        return replace(end, state="removed", gone=True)
    identity = criterion.artefact_version
    return replace(
        end, version_id=identity.pk, number=identity.number, digest=identity.digest, state="approved", gone=False
    )  # fmt: skip


def _criteria(version: RequirementVersion) -> Collection[AcceptanceCriterion]:
    return version.criteria.select_related("artefact_version")


def _pins(release: Release | None) -> Iterable[Any]:
    return release.pins.select_related("version") if release else ()
