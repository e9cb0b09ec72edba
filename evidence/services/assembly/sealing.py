"""Traces out of spans: due ones are claimed in batches, read, checked, sealed and audited in one transaction.

A trace is due when it has been quiet for `ASSEMBLY_QUIET` seconds and its root has ended, or it was sealed as
complete before (a late span), or `ASSEMBLY_INCOMPLETE_AFTER` seconds have passed without a root. The same
spans make no new revision; a late span makes the next one.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from evidence import clock
from evidence.clock import AsOf
from evidence.database_errors import passes
from evidence.models import (
    Citation,
    Claim,
    PendingTrace,
    PolicyCheck,
    Release,
    Retrieval,
    RiskTier,
    Span,
    System,
    ToolCall,
    Trace,
    TraceDocument,
    TraceFacts,
    TraceVersion,
)
from evidence.semconv.draft import Flag, TraceDraft
from evidence.semconv.mapping import map_trace
from evidence.services import audit, reviews
from evidence.services.assembly import claims, queue, rows
from evidence.services.assembly.claims import CheckedClaim
from evidence.services.assembly.rows import TraceInputs
from evidence.services.assembly.sources import IndexShelf
from evidence.services.assembly.values import restore_large_values
from evidence.services.assembly.versions import ACTOR, resolve_versions

logger = logging.getLogger(__name__)

_SPAN_COLUMNS: Final = (
    "system_id", "trace_id", "span_id", "parent_span_id", "name", "start_ns", "end_ns", "status_code",
    "status_message", "attributes", "events", "resource", "digest",
)  # fmt: skip
TraceKey = tuple[int, UUID]
"""A system's primary key and a trace id."""


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A saved trace with what was checked in it."""

    trace: Trace
    inputs: TraceInputs
    claims: tuple[CheckedClaim, ...]


def assemble_due_traces(*, limit: int, now: datetime | None = None) -> int:
    """Assemble up to `limit` due traces and return how many were taken.

    Where a batch fails, its traces are tried one by one; one that cannot be assembled goes to the reject
    ledger with the reason, and its spans stay where they are.

    Args:
        now: our clock; for tests.

    Raises:
        Error: the database is away, gave way, or is being upgraded; the work rows are still there.
    """
    if not queue.has_due(now or clock.now()):
        return 0
    known = clock.as_of(now) if now is not None else clock.read_moment(may_run_ahead=True)
    try:
        with transaction.atomic():
            pending = queue.claim_due(limit, known.at)
            _assemble(pending, known)
            return len(pending)
    except Exception as exc:  # whatever one trace's content sets off must not keep the others waiting
        if passes(exc):
            raise
        logger.exception("a batch could not be assembled; trying its traces one by one")
    return _assemble_singly(limit, known)


def _assemble_singly(limit: int, known: AsOf) -> int:
    taken = 0
    for _ in range(limit):
        with transaction.atomic():
            pending = queue.claim_due(1, known.at)
            _assemble_or_set_aside(pending, known)
        if not pending:
            break
        taken += 1
    return taken


def _assemble_or_set_aside(pending: Sequence[PendingTrace], known: AsOf) -> None:
    try:
        with transaction.atomic():
            _assemble(pending, known)
    except Exception as exc:  # it is stored with the trace it belongs to
        if passes(exc):
            raise
        logger.exception("trace %s cannot be assembled", pending[0].trace_id)
        queue.set_aside(pending, exc)


def _assemble(pending: Sequence[PendingTrace], known: AsOf) -> None:
    """Seal the traces of some work rows and remove the rows; a fixed number of queries for old versions."""
    if not pending:
        return
    systems = {one.system_id: one.system for one in pending}
    drafts = {key: map_trace(spans) for key, spans in _read_spans(pending).items()}
    revisions = _latest_revisions(drafts)
    changed = {key: draft for key, draft in drafts.items() if revisions[key][1] != draft.trace_digest}
    inputs = _resolve(changed, systems)
    shelf = _open_shelf(inputs.values(), known)
    sealed = []
    for (system_id, trace_id), one in inputs.items():
        revision = revisions[system_id, trace_id][0] + 1
        trace = rows.build_trace(one, trace_id=trace_id.hex, revision=revision, sealed_at=known.at)
        sealed.append(_Sealed(trace, one, claims.check_claims(one.draft, one.indexes(), shelf)))
    _save(sealed, shelf)
    queue.remove_done(pending)


def _read_spans(pending: Sequence[PendingTrace]) -> dict[TraceKey, list[dict[str, Any]]]:
    """Return the spans of each trace. A work row without spans leaves nothing to assemble."""
    wanted = {(one.system_id, one.trace_id) for one in pending}
    found = Span.objects.filter(
        trace_id__in={trace_id for _, trace_id in wanted}, system__in={system_id for system_id, _ in wanted}
    ).values(*_SPAN_COLUMNS)
    spans: dict[TraceKey, list[dict[str, Any]]] = defaultdict(list)
    for row in found:
        key = (row["system_id"], row["trace_id"])
        if key in wanted:
            row["attributes"] = restore_large_values(row["attributes"])
            spans[key].append(dict(row))
    return dict(sorted(spans.items()))


def _latest_revisions(keys: Iterable[TraceKey]) -> dict[TraceKey, tuple[int, str]]:
    """Return number and digest of the last revision of each trace; 0 and no digest where there is none."""
    latest = dict.fromkeys(keys, (0, ""))
    sealed = (
        Trace.objects.filter(
            system__in={system_id for system_id, _ in latest},
            trace_id__in={trace_id for _, trace_id in latest},
        )
        .order_by("revision")
        .values_list("system_id", "trace_id", "revision", "digest")
    )
    for system_id, trace_id, revision, digest in sealed:
        if (system_id, trace_id) in latest:
            latest[system_id, trace_id] = (revision, digest)
    return latest


def _resolve(
    drafts: Mapping[TraceKey, TraceDraft], systems: Mapping[int, System]
) -> dict[TraceKey, TraceInputs]:
    refs = ((system_id, ref) for (system_id, _), draft in drafts.items() for ref in draft.versions)
    resolved = resolve_versions(refs, systems=systems)
    names = {draft.release for draft in drafts.values() if draft.release}
    releases = {
        (release.system_id, release.name): release
        for release in Release.objects.filter(system__in=systems, name__in=names).prefetch_related("pins")
    }
    inputs = {}
    for (system_id, trace_id), draft in drafts.items():
        versions = {ref: resolved[system_id, ref] for ref in draft.versions}
        release = releases.get((system_id, draft.release))
        flags = [flag for found in versions.values() for flag in found.flags]
        flags += _release_flags(
            draft, release, [(ref.slot, found.version.pk) for ref, found in versions.items()]
        )
        all_flags = rows.collect_flags(draft, flags)
        inputs[system_id, trace_id] = TraceInputs(systems[system_id], draft, release, versions, all_flags)
    return inputs


def _release_flags(draft: TraceDraft, release: Release | None, used: Iterable[tuple[str, int]]) -> list[Flag]:
    """Return what does not fit between a trace and the release it names."""
    if not draft.release:
        return [Flag("release_not_stated", "the trace does not say which release it came from")]
    if release is None:
        return [Flag("release_unknown", f"no release is called {draft.release!r}")]
    pins = {pin.slot: pin.version_id for pin in release.pins.all()}
    return [
        Flag("version_not_in_release", f"release {release.name!r} pins another version of {slot}")
        for slot, version_id in used
        if slot in pins and pins[slot] != version_id
    ]


def _open_shelf(inputs: Iterable[TraceInputs], known: AsOf) -> IndexShelf:
    versions: set[int] = set()
    refs: set[str] = set()
    for one in inputs:
        versions.update(one.indexes().all)
        refs.update(retrieval.document_ref for retrieval in one.draft.retrievals)
        refs.update(citation.document_ref for claim in one.draft.claims for citation in claim.citations)
    return IndexShelf(index_version_ids=versions, refs=refs, as_of=known)


def _save(sealed: Sequence[_Sealed], shelf: IndexShelf) -> None:
    """Insert all rows of the sealed traces with one statement a table, and their audit events."""
    if not sealed:
        return
    Trace.objects.bulk_create(one.trace for one in sealed)
    TraceVersion.objects.bulk_create(
        row for one in sealed for row in rows.build_versions(one.trace, one.inputs)
    )
    Retrieval.objects.bulk_create(
        row for one in sealed for row in rows.build_retrievals(one.trace, one.inputs, shelf)
    )
    TraceDocument.objects.bulk_create(
        row for one in sealed for row in rows.build_documents(one.trace, one.inputs, one.claims, shelf)
    )
    PolicyCheck.objects.bulk_create(
        row for one in sealed for row in rows.build_policy_checks(one.trace, one.inputs)
    )
    ToolCall.objects.bulk_create(
        row for one in sealed for row in rows.build_tool_calls(one.trace, one.inputs)
    )
    _save_claims(sealed)
    TraceFacts.objects.bulk_create(rows.build_facts(one.trace, one.inputs, one.claims) for one in sealed)
    audit.record_many(
        verb="trace.sealed",
        actor=ACTOR,
        changes=[audit.Change(one.trace, one.trace.system, one.trace.digest) for one in sealed],
    )
    reasons = [(one.trace, reason) for one in sealed if (reason := _review_reason(one))]
    reviews.open_review_tasks(reasons=reasons, actor=ACTOR)


def _save_claims(sealed: Iterable[_Sealed]) -> None:
    pairs = [
        (row, claim)
        for one in sealed
        for row, claim in zip(claims.build_claims(one.trace, one.claims), one.claims, strict=True)
    ]
    Claim.objects.bulk_create(row for row, _ in pairs)
    Citation.objects.bulk_create(
        citation for row, claim in pairs for citation in claims.build_citations(row, claim.citations)
    )


def _review_reason(sealed: _Sealed) -> str:
    """Return why a person should look at a trace, empty where nothing asks for it."""
    if any(check.decision == PolicyCheck.Decision.ESCALATE for check in sealed.inputs.draft.policy_checks):
        return "policy_escalation"
    return "high_risk" if sealed.trace.risk_tier == RiskTier.HIGH else ""
