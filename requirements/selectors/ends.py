"""Which version of a thing counts now: what a link is compared with. Why so: docs/decisions/0061-links.md.

Of a requirement the approved version, and before any was approved the newest draft; of a criterion that of the
requirement's; of anything else what the release live in production pins, else the newest that somebody registered,
else the newest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import connection

from evidence import clock
from evidence.array_insert import as_array
from evidence.models import ArtefactKind, ArtefactVersion, Release, System
from requirements.models import AcceptanceCriterion, RequirementVersion


def name_of_end(kind: str, key: str) -> str:
    """Return what people call a thing: the key of a requirement or criterion, and the kind of anything else."""
    return key if kind in {"requirement", "criterion"} else f"{kind}:{key}"


@dataclass(frozen=True, slots=True)
class End:
    """A thing at the end of a link, in the version that counts now."""

    artefact_id: int
    kind: str
    key: str
    version_id: int | None  # None: a version that is proposed and not on record yet
    number: int  # of the version; 0 where it is not on record
    digest: str
    state: str  # "approved", "draft", "live", "registered", "unregistered", "retired", "removed"
    live: bool = False  # whether the release live in production pins it
    gone: bool = False  # nothing of it counts any more: it was retired, or is in no approved version
    waiting: str = ""  # a newer version of a requirement that does not count yet: "v2 draft"
    system_id: int = 0
    since: datetime | None = (
        None  # since when, at the least, it is what counts; None: it is not on record yet
    )

    @property
    def name(self) -> str:
        """Return what people call it."""
        return name_of_end(self.kind, self.key)

    @property
    def version(self) -> str:
        """Return the version as it is told: `v2`; of one that is not on record, how its digest begins."""
        return f"v{self.number}" if self.number else self.digest[:12]

    def __str__(self) -> str:
        waiting = f" ({self.waiting})" if self.waiting else ""
        return f"{self.name} {self.version} {self.state.replace('_', ' ')}{waiting}"


# One row a requirement: what counts of it, and its newest version. Each version once, with its last state.
_REQUIREMENT_ENDS: Final = """
WITH state AS (
    SELECT t.version_id, (array_agg(t.to_state ORDER BY t.at DESC, t.id DESC))[1] AS to_state,
           bool_or(t.to_state IN ('approved', 'superseded')) AS was_approved, max(t.at) AS since
    FROM requirements_requirementtransition t
    JOIN requirements_requirementversion v ON v.id = t.version_id
    JOIN requirements_requirement q ON q.id = v.requirement_id
    WHERE q.system_id = ANY(%(systems)s::bigint[])
    GROUP BY t.version_id
)
SELECT DISTINCT ON (v.requirement_id)
       q.artefact_id, q.key, v.id, v.artefact_version_id, v.number, a.digest, s.to_state,
       first_value(v.number) OVER newest, first_value(s.to_state) OVER newest,
       first_value(v.artefact_version_id) OVER newest, first_value(v.id) OVER newest, q.system_id, s.since
FROM state s
JOIN requirements_requirementversion v ON v.id = s.version_id
JOIN requirements_requirement q ON q.id = v.requirement_id
JOIN evidence_artefactversion a ON a.id = v.artefact_version_id
WINDOW newest AS (PARTITION BY v.requirement_id ORDER BY v.number DESC)
ORDER BY v.requirement_id, (s.to_state = 'approved') DESC, s.was_approved DESC, (s.to_state <> 'retired') DESC,
         v.number DESC
"""
# The criteria of requirement versions; of those that are in none, what was last.
_CRITERIA: Final = """
SELECT i.artefact_id, art.key, i.id, i.number, i.digest, c.version_id
FROM requirements_acceptancecriterion c
JOIN evidence_artefactversion i ON i.id = c.artefact_version_id
JOIN evidence_artefact art ON art.id = i.artefact_id
WHERE c.version_id = ANY(%(versions)s::bigint[]) AND i.artefact_id = ANY(%(artefacts)s::bigint[])
"""
_FORMER_CRITERIA: Final = """
SELECT DISTINCT ON (art.id) art.id, art.key, a.id, a.number, a.digest, art.system_id
FROM evidence_artefact art JOIN evidence_artefactversion a ON a.artefact_id = art.id
WHERE art.system_id = ANY(%(systems)s::bigint[]) AND art.kind = 'criterion' AND art.id = ANY(%(artefacts)s::bigint[])
ORDER BY art.id, a.number DESC
"""
_OTHER_ENDS: Final = """
WITH live AS (
    SELECT coalesce(%(candidate)s::bigint, d.release_id) AS release_id, d.effective_from
    FROM unnest(%(systems)s::bigint[]) AS s(id) LEFT JOIN LATERAL (
        SELECT x.release_id, x.effective_from FROM evidence_deployment x
        WHERE x.system_id = s.id AND x.environment = %(environment)s AND x.effective_from <= %(now)s
        ORDER BY x.effective_from DESC, x.id DESC LIMIT 1
    ) d ON true
), pinned AS (
    SELECT DISTINCT ON (v.artefact_id) v.artefact_id, v.id, live.effective_from
    FROM live JOIN evidence_releasepin p USING (release_id) JOIN evidence_artefactversion v ON v.id = p.version_id
    ORDER BY v.artefact_id, v.number DESC
)
SELECT art.id, art.kind, art.key, a.id, a.number, a.digest, pinned.id IS NOT NULL AS live,
       registered_at IS NOT NULL AS registered, art.system_id,
       greatest(coalesce(registered_at, a.created_at), pinned.effective_from) AS since
FROM evidence_artefact art
LEFT JOIN pinned ON pinned.artefact_id = art.id
JOIN LATERAL (
    SELECT v.*, r.created_at AS registered_at
    FROM evidence_artefactversion v LEFT JOIN evidence_registration r ON r.version_id = v.id
    WHERE v.artefact_id = art.id
    ORDER BY (v.id = pinned.id) IS TRUE DESC, (r.id IS NOT NULL) DESC, v.number DESC LIMIT 1
) a ON true
WHERE art.system_id = ANY(%(systems)s::bigint[]) AND art.id = ANY(%(artefacts)s::bigint[])
  AND art.kind NOT IN ('requirement', 'criterion')
"""


def current_ends(system: System, artefacts: Iterable[int]) -> dict[int, End]:
    """Return these artefacts of a system, each in the version that counts now: four queries at most, however many."""
    return _ends([system.pk], artefacts)


def current_ends_of(systems: Collection[int], artefacts: Iterable[int]) -> dict[int, End]:
    """Return the same of several systems, by their keys: as many queries as of one."""
    return _ends(systems, artefacts)


def ends_with_release(system: System, ends: Mapping[int, End], candidate: Release) -> dict[int, End]:
    """Return what would count if a release were live in production in place of the one that is: one query."""
    pinned = (pk for pk, end in ends.items() if not _requirement_of(end))
    return dict(ends) | _other_ends(_asked([system.pk], pinned, candidate=candidate))


def drafted_ends(system: System, artefacts: Iterable[int]) -> dict[int, End]:
    """Return what counts, and in place of it the draft that an author is writing, where there is one.

    An author links what they write: once it is approved, the link need not be looked at again for that.
    """
    return _ends([system.pk], artefacts, drafted=True)


@dataclass(frozen=True, slots=True)
class _Requirement:
    """A requirement with what counts of it, and its newest version where that waits for approval."""

    end: End
    version_id: int  # of the requirement version
    draft: End | None
    draft_version_id: int


def _asked(
    systems: Collection[int], artefacts: Iterable[int], *, candidate: Release | None = None
) -> dict[str, Any]:
    return {
        "systems": as_array(sorted(systems)),
        "artefacts": as_array(sorted(artefacts)),
        "environment": settings.LIVE_ENVIRONMENT,
        "now": clock.now(),
        "candidate": candidate.pk if candidate else None,
    }


def _ends(systems: Collection[int], artefacts: Iterable[int], *, drafted: bool = False) -> dict[int, End]:
    wanted = set(artefacts)
    asked = _asked(systems, wanted)
    requirements = [_requirement(row) for row in _rows(_REQUIREMENT_ENDS, asked)]
    found = _other_ends(asked)
    ways: dict[int, End] = {}  # requirement version -> the end whose state its criteria have
    for each in requirements:
        ways[each.version_id] = each.end
        if each.end.artefact_id in wanted:
            found[each.end.artefact_id] = (drafted and each.draft) or each.end
    found |= _criterion_ends(asked, ways, former=wanted - found.keys())
    if drafted:
        drafts = {each.draft_version_id: each.draft for each in requirements if each.draft is not None}
        found |= _criterion_ends(asked, drafts, former=())
    return found


def _criterion_ends(
    asked: Mapping[str, Any], ways: Mapping[int, End], *, former: Collection[int]
) -> dict[int, End]:
    """Return the criteria of these requirement versions; and, as removed, those of `former` that are in none."""
    found = {}
    for artefact, key, version, number, digest, of in _rows(
        _CRITERIA, {**asked, "versions": as_array(sorted(ways))}
    ):
        whole = ways[of]
        found[artefact] = End(
            artefact, "criterion", key, version, number, digest, whole.state, gone=whole.gone,
            system_id=whole.system_id, since=whole.since,
        )  # fmt: skip
    if set(former) - found.keys():
        since = {(each.system_id, each.key): each.since for each in ways.values()}
        for artefact, key, version, number, digest, system in _rows(_FORMER_CRITERIA, asked):
            removed = End(
                artefact, "criterion", key, version, number, digest, "removed", gone=True, system_id=system,
                since=since.get((system, key.partition("/")[0])),
            )  # fmt: skip
            found.setdefault(artefact, removed)
    return found


def _rows(sql: str, asked: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        return list(cursor.fetchall())


def _requirement(row: tuple[Any, ...]) -> _Requirement:
    artefact, key, of, version, number, digest, state, newest, newest_state, newest_id, newest_of, *rest = row
    system, since = rest
    waiting = f"v{newest} {newest_state.replace('_', ' ')}" if newest > number else ""
    gone = state in {"retired", "superseded"}
    end = End(
        artefact, "requirement", key, version, number, digest, state, gone=gone, waiting=waiting,
        system_id=system, since=since,
    )  # fmt: skip
    draft = None
    if newest_state in {"draft", "in_review"}:
        draft = End(artefact, "requirement", key, newest_id, newest, "", newest_state, system_id=system)
    return _Requirement(end, of, draft, newest_of)


def _other_ends(asked: Mapping[str, Any]) -> dict[int, End]:
    found = {}
    for artefact, kind, key, version, number, digest, live, registered, *rest in _rows(_OTHER_ENDS, asked):
        state = "live" if live else "registered" if registered else "unregistered"
        system, since = rest
        found[artefact] = End(
            artefact, kind, key, version, number, digest, state, live=live, system_id=system, since=since
        )
    return found


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


@dataclass(frozen=True, slots=True)
class Wording:
    """A requirement as it would be worded, in a version that is not on record yet."""

    number: int  # that the version would have
    fingerprint: str
    criteria: Mapping[str, str]  # digest by key


def ends_with_wordings(ends: Mapping[int, End], wordings: Mapping[str, Wording]) -> dict[int, End]:
    """Return what would count if these wordings, by the key of the requirement, were approved: one query."""
    then = dict(ends)
    touched = [end for end in ends.values() if _requirement_of(end) in wordings]
    criteria = [end.artefact_id for end in touched if end.kind == ArtefactKind.CRITERION]
    rows = ArtefactVersion.objects.filter(artefact__in=criteria).order_by("number")
    known = {
        (of, digest): (pk, number)
        for of, digest, pk, number in rows.values_list("artefact", "digest", "pk", "number")
    }
    newest = {of: number for (of, _), (_, number) in known.items()}
    for end in touched:
        wording = wordings[_requirement_of(end)]
        if end.kind == ArtefactKind.REQUIREMENT:
            then[end.artefact_id] = replace(
                end, version_id=None, number=wording.number, digest=wording.fingerprint, state="approved",
                gone=False, waiting="",
            )  # fmt: skip
            continue
        digest = wording.criteria.get(end.key.partition("/")[2])
        if digest is None:
            then[end.artefact_id] = replace(end, state="removed", gone=True)
            continue
        pk, number = known.get((end.artefact_id, digest), (None, newest[end.artefact_id] + 1))
        then[end.artefact_id] = replace(
            end, version_id=pk, number=number, digest=digest, state="approved", gone=False
        )
    return then


def ends_without(ends: Mapping[int, End], keys: Collection[str]) -> dict[int, End]:
    """Return what would count if the requirements of these keys were retired, with their criteria."""
    return {
        pk: replace(end, state="retired", gone=True) if _requirement_of(end) in keys else end
        for pk, end in ends.items()
    }


def _requirement_of(end: End) -> str:
    """Return the key of the requirement that an end is, or is a criterion of; empty of anything else."""
    if end.kind not in {ArtefactKind.REQUIREMENT, ArtefactKind.CRITERION}:
        return ""
    return end.key.partition("/")[0]


def _criterion_then(end: End, criterion: AcceptanceCriterion | None) -> End:
    if criterion is None:
        return replace(end, state="removed", gone=True)
    identity = criterion.artefact_version
    return replace(
        end, version_id=identity.pk, number=identity.number, digest=identity.digest, state="approved", gone=False
    )  # fmt: skip


def _criteria(version: RequirementVersion) -> Collection[AcceptanceCriterion]:
    return version.criteria.select_related("artefact_version")
