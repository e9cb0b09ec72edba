"""Which criteria have facts, of which release, that are newer than the last look at them: by what each check reads.

Nothing is counted here: of each release and noun the newest row is found by an index, so that it costs the same however
much is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from django.db.models import OuterRef, QuerySet, Subquery

from requirements.checks import known_checks
from requirements.models import (
    AcceptanceCriterion,
    RequirementState,
    RequirementTransition,
    RequirementVersion,
)

# A row is stamped before it is committed: what is stamped shortly before a look may have been missed by it.
OVERLAP: Final = timedelta(minutes=2)

_TRACES, _RUNS, _REVIEWS, _LABELS = "traces", "runs", "reviews", "labels"
_VERSIONS, _RETRACTIONS, _REJECTS, _ALL_RUNS = "versions", "retractions", "rejects", "all runs"
# Where rows of a noun are told to be new. What hangs on a trace or a run comes with it, in one transaction.
SOURCE_OF: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "Trace", "TraceFacts", "TraceVersion", "TraceDocument", "Claim", "Citation", "PolicyCheck", "ToolCall",
            "Retrieval", "Span",
        ),
        _TRACES,
    ),
    **dict.fromkeys(("EvalRun", "EvalSample", "EvalScore", "EvalRemark"), _RUNS),
    **dict.fromkeys(("ReviewTask", "Review", "Adjudication"), _REVIEWS),
    "Label": _LABELS,
    **dict.fromkeys(("Registration", "ArtefactVersion", "SourceDocument", "ReleasePin"), _VERSIONS),
    "Release": _ALL_RUNS,  # another one, which a check compares with
    **dict.fromkeys(("Retraction", "RetractionRequest"), _RETRACTIONS),
    "Reject": _REJECTS,
}  # fmt: skip

_OF_RELEASE: Final = {
    _TRACES: "SELECT sealed_at FROM evidence_trace WHERE release_id = r.id ORDER BY id DESC LIMIT 1",
    _RUNS: "SELECT max(received_at) FROM evidence_evalrun WHERE release_id = r.id",
}
_OF_SYSTEM: Final = {
    _REVIEWS: "SELECT one.created_at FROM evidence_review AS one JOIN evidence_reviewtask AS task"
    " ON task.id = one.task_id WHERE task.system_id = s.id ORDER BY one.id DESC LIMIT 1",
    _LABELS: "SELECT max(one.created_at) FROM evidence_labelset AS one JOIN evidence_evalrun AS run"
    " ON run.id = one.run_id WHERE run.system_id = s.id",
    _VERSIONS: "SELECT max(one.created_at) FROM evidence_registration AS one JOIN evidence_artefactversion AS version"
    " ON version.id = one.version_id JOIN evidence_artefact AS artefact ON artefact.id = version.artefact_id"
    " WHERE artefact.system_id = s.id",
    _RETRACTIONS: "SELECT greatest(max(one.created_at), max(done.created_at)) FROM evidence_retractionrequest AS one"
    " JOIN evidence_evalrun AS run ON run.id = one.run_id"
    " LEFT JOIN evidence_retraction AS done ON done.request_id = one.id WHERE run.system_id = s.id",
    # Traces that were set aside, and eval files that were refused: those of no run are told by nothing else.
    _REJECTS: "SELECT greatest((SELECT max(created_at) FROM evidence_reject WHERE system_id = s.id"
    " AND source = 'trace' AND source_ref <> ''), (SELECT created_at FROM evidence_reject WHERE system_id = s.id"
    " AND source = 'eval_file' ORDER BY id DESC LIMIT 1))",
    _ALL_RUNS: "SELECT max(received_at) FROM evidence_evalrun WHERE system_id = s.id",
}
_NEWEST: Final = " UNION ALL ".join(
    [f"SELECT r.system_id, r.id, '{name}', ({sql}) FROM r" for name, sql in _OF_RELEASE.items()]  # noqa: S608  # ours
    + [
        f"SELECT r.system_id, r.id, '{name}', of.at FROM r JOIN (SELECT s.id, ({sql}) AS at FROM s) AS of"  # noqa: S608
        " ON of.id = r.system_id"
        for name, sql in _OF_SYSTEM.items()
    ]
)
# Pairs of which anything is on record that the check reads, with when the newest of it came. Only releases that were
# used or measured are looked at: of others every criterion is insufficient.
_PAIRS: Final = f"""
    WITH asked AS (
        SELECT * FROM unnest(%(criteria)s::bigint[], %(systems)s::bigint[], %(sources)s::text[])
            AS asked(criterion_id, system_id, source)
    ), s AS MATERIALIZED (SELECT DISTINCT system_id AS id FROM asked
    ), r AS MATERIALIZED (
        SELECT r.id, r.system_id FROM evidence_release AS r JOIN s ON s.id = r.system_id
        WHERE EXISTS (SELECT FROM evidence_trace WHERE release_id = r.id)
            OR EXISTS (SELECT FROM evidence_evalrun WHERE release_id = r.id)
    ), newest(system_id, release_id, source, at) AS ({_NEWEST})
    SELECT asked.criterion_id, newest.release_id, max(newest.at) AS at
    FROM asked JOIN newest USING (system_id, source) GROUP BY 1, 2 HAVING max(newest.at) IS NOT NULL
"""  # noqa: S608  # of constants of this file
WATCH_NEW: Final = f"""
    INSERT INTO requirements_assessmentwatch (criterion_id, release_id, worker)
    SELECT criterion_id, release_id, '' FROM ({_PAIRS}) AS pairs
    ON CONFLICT (criterion_id, release_id) DO NOTHING
"""  # noqa: S608  # likewise
# Those looked at longest ago first. A lease that is over may be taken: whoever had it has died.
CLAIM_DUE: Final = f"""
    WITH pairs AS MATERIALIZED ({_PAIRS}), due AS MATERIALIZED (
        SELECT w.id FROM requirements_assessmentwatch AS w JOIN pairs USING (criterion_id, release_id)
        WHERE (w.lease_until IS NULL OR w.lease_until < %(now)s)
            AND (w.looked_at IS NULL OR (w.looked_at < %(rested)s
                AND (pairs.at > w.looked_at - %(overlap)s OR w.wake_at <= %(now)s)))
        ORDER BY w.looked_at NULLS FIRST, w.id LIMIT %(limit)s
    ), held AS MATERIALIZED (
        SELECT w.id FROM requirements_assessmentwatch AS w JOIN due USING (id)
        WHERE w.lease_until IS NULL OR w.lease_until < %(now)s FOR UPDATE OF w SKIP LOCKED
    )
    UPDATE requirements_assessmentwatch AS w SET lease_until = %(lease)s, worker = %(worker)s
    FROM held WHERE w.id = held.id RETURNING w.id
"""  # noqa: S608  # likewise


def what_is_asked() -> dict[str, list[int] | list[str]]:
    """Return each criterion that is approved now with each source its check reads, as arrays for the statements."""
    rows = [
        (pk, system, source)
        for pk, system, name in _approved().values_list("pk", "version__requirement__system_id", "check_name")
        for source in sorted(_sources_of(name))
    ]
    criteria, systems, sources = ([row[at] for row in rows] for at in range(3))
    return {"criteria": criteria, "systems": systems, "sources": sources}  # type: ignore[dict-item]  # by position


def _approved() -> QuerySet[AcceptanceCriterion]:
    last = RequirementTransition.objects.filter(version_id=OuterRef("pk")).order_by("-at", "-pk")
    versions = RequirementVersion.objects.annotate(state=Subquery(last.values("to_state")[:1]))
    return AcceptanceCriterion.objects.filter(
        version__in=versions.filter(state=RequirementState.APPROVED).values("pk")
    )


def _sources_of(check_name: str) -> frozenset[str]:
    """Return where the facts of a check come from; of a check that is gone, nowhere: nobody can measure it."""
    check = known_checks().get(check_name)
    if check is None:
        return frozenset()
    # A noun of somebody else's is told to be new by nothing: its check is asked when anybody asks.
    return frozenset(SOURCE_OF[noun] for noun in check.reads if noun in SOURCE_OF)
