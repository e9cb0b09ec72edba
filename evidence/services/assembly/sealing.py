"""Traces out of spans: due ones are claimed in batches, read, checked, sealed and audited in one transaction.

A trace is due when it has been quiet for `ASSEMBLY_QUIET` seconds and its root has ended, or it was sealed as
complete before (a late span), or `ASSEMBLY_INCOMPLETE_AFTER` seconds have passed without a root. The same
spans make no new revision; a late span makes the next one, and so does a span of it that was refused since. The next
one is flagged where it says something else than the one before.
"""

from __future__ import annotations

import logging
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from evidence import clock
from evidence.citations.cost import CheckBudget, CheckTooCostly
from evidence.clock import AsOf
from evidence.models import (
    Citation,
    Claim,
    PendingTrace,
    PolicyCheck,
    Release,
    Retrieval,
    RiskTier,
    System,
    ToolCall,
    Trace,
    TraceDocument,
    TraceFacts,
    TraceVersion,
)
from evidence.selectors.readings import ReadBy, attributes_read_by, find_readings_in_force
from evidence.semconv.arrival import settle
from evidence.semconv.draft import Flag, TraceDraft
from evidence.semconv.mapping import map_trace
from evidence.semconv.parts import TooManyParts
from evidence.services import audit, reviews
from evidence.services.assembly import claims, queue, rows
from evidence.services.assembly.arrivals import flag_refused, read_bounds
from evidence.services.assembly.beside import beside
from evidence.services.assembly.claims import CheckedClaim
from evidence.services.assembly.earlier import EarlierRevision, find_changes, find_earlier_revisions
from evidence.services.assembly.reading import TraceKey, read_traces
from evidence.services.assembly.refusals import TraceRefused, WorkerLost, part_limits, refusal_of
from evidence.services.assembly.rows import TraceInputs
from evidence.services.assembly.set_aside import set_aside
from evidence.services.assembly.sources import IndexShelf
from evidence.services.assembly.versions import ACTOR, resolve_versions
from evidence.time_budget import TimeBudget

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A saved trace with what was checked in it."""

    trace: Trace
    inputs: TraceInputs
    claims: tuple[CheckedClaim, ...]


def assemble_backlog(budget: TimeBudget, *, limit: int) -> None:
    """Assemble batch after batch of `limit` due traces until none is due or the budget is spent, at least one trace.

    Where more than one batch waits, threads take new ones beside this one, on connections of their own: while
    PostgreSQL writes one batch, the next is read (docs/decisions/0053-two-batches-at-once.md).

    Raises:
        Error, BlobStoreAway: as `assemble_due_traces` does, here or in a thread.
    """

    def go_on() -> None:
        while assemble_due_traces(limit=limit, budget=budget) == limit and not budget.is_spent():
            pass

    def take_new(budget: TimeBudget) -> None:
        while not budget.is_spent() and _assemble_new(limit, budget) == limit:
            pass

    if assemble_due_traces(limit=limit, budget=budget) == limit and not budget.is_spent():
        with beside(settings.ASSEMBLY_CONNECTIONS - 1, take_new, budget):
            go_on()


def _assemble_new(limit: int, budget: TimeBudget) -> int:
    """Assemble a batch of traces that none has tried; return how many were begun, whatever came of them.

    What an attempt has left is not for a thread: no soft limit reaches it, and so it could not be told of a trace that,
    alone, takes too long.
    """
    if not queue.has_due(clock.now()):
        return 0
    known = clock.read_moment(may_run_ahead=True)
    begun = queue.begin_attempt(limit, known.at)
    _assemble_together(begun, known, budget)
    return len(begun)


def assemble_due_traces(*, limit: int, budget: TimeBudget | None = None, now: datetime | None = None) -> int:
    """Assemble up to `limit` due traces and return how many were taken.

    Where a batch fails, its traces are tried one by one; one that cannot be assembled goes to the reject
    ledger with the reason, and its spans stay where they are. So does one that ended `queue.MAX_ATTEMPTS` workers.

    Args:
        budget: once it is spent no further trace is begun; what was done by then is sealed, the rest stays due.
        now: our clock; for tests.

    Raises:
        Error, BlobStoreAway: the database gave way or is being upgraded, or it or the blob store is away; the work rows
            are still there.
    """
    if not queue.has_due(now or clock.now()):
        return 0
    budget = budget or TimeBudget.of(settings.ASSEMBLY_BUDGET)
    known = clock.as_of(now) if now is not None else clock.read_moment(may_run_ahead=True)
    begun = queue.begin_attempt(limit, known.at)
    taken = _assemble_together(begun, known, budget)
    if begun and budget.is_spent():
        return taken
    return taken + _assemble_singly(limit - taken, known, budget)


def _assemble_together(begun: Sequence[int], known: AsOf, budget: TimeBudget) -> int:
    """Assemble a batch of traces that none has tried; return how many, 0 where one of them spoils it."""
    if not begun:
        return 0
    try:
        with queue.attempt(begun) as attempt, transaction.atomic():
            attempt.left.update(_assemble(attempt.claim(), known, budget))
    except Exception as exc:
        # Of any kind, because any may be set off by the content of one trace, which must not keep the others waiting.
        if queue.is_no_fault_of_theirs(exc):
            raise
        logger.exception("a batch could not be assembled; its traces are tried one by one")
        return 0
    return len(begun)


def _assemble_singly(limit: int, known: AsOf, budget: TimeBudget) -> int:
    """Assemble traces that an earlier attempt has left, each by itself; return how many."""
    taken = 0
    while taken < limit and not (taken and budget.is_spent()):
        begun = queue.begin_attempt(1, known.at, tried=True)
        if not begun:
            break
        with queue.attempt(begun) as attempt, transaction.atomic():
            attempt.left.update(_assemble_or_set_aside(attempt.claim(), known, budget))
        taken += 1
    return taken


def _assemble_or_set_aside(pending: Sequence[PendingTrace], known: AsOf, budget: TimeBudget) -> set[int]:
    if any(one.attempts > queue.MAX_ATTEMPTS for one in pending):
        set_aside(
            pending, WorkerLost(f"{queue.MAX_ATTEMPTS} workers took it and none of them came to an end")
        )
        return set()
    try:
        with transaction.atomic():
            return _assemble(pending, known, budget)
    except Exception as exc:
        # Of any kind, for the same reason; it is stored with the trace it belongs to.
        if queue.is_no_fault_of_theirs(exc):
            raise
        logger.exception("trace %s cannot be assembled", pending[0].trace_id)
        set_aside(pending, refusal_of(exc))
        return set()


def _assemble(pending: Sequence[PendingTrace], known: AsOf, budget: TimeBudget) -> set[int]:
    """Seal the traces of some work rows and remove the rows; a fixed number of queries for old versions.

    What is too large or too costly is set aside by itself. At least one trace is done with; those that there is no time
    or no room for keep their rows, and are returned.
    """
    if not pending:
        return set()
    systems = {one.system_id: one.system for one in pending}
    readings = find_readings_in_force(systems, known)
    read = read_traces(
        [(one.system_id, one.trace_id) for one in pending], attributes_read_by(readings.values())
    )
    refused: dict[TraceKey, TraceRefused] = dict(read.refused)
    drafts = _draft(read.spans, readings, refused)
    earlier = find_earlier_revisions(drafts)
    numbers = {system_id: one.number for system_id, one in readings.items()}
    new = _make_revisions(drafts, earlier, pending, numbers)
    inputs = _resolve(new, systems, readings, find_changes(new, earlier, numbers))
    shelf = _open_shelf(inputs.values(), known)
    sealed, left = [], read.left | set(inputs)
    for key, resolved in inputs.items():
        left.remove(key)
        one = rows.flag_cut_texts(resolved, shelf)
        revision = earlier[key].revision + 1 if key in earlier else 1
        trace = rows.build_trace(one, trace_id=key[1], revision=revision, sealed_at=known.at)
        try:
            checks = CheckBudget(settings.TRACE_CHECK_BUDGET)
            sealed.append(_Sealed(trace, one, claims.check_claims(one.draft, one.indexes, shelf, checks)))
        except (CheckTooCostly, TooManyParts) as exc:
            refused[key] = refusal_of(exc)
        if budget.is_spent():
            break
    _save(sealed, shelf)
    return _finish(pending, refused, left)


def _make_revisions(
    drafts: Mapping[TraceKey, TraceDraft],
    earlier: Mapping[TraceKey, EarlierRevision],
    pending: Iterable[PendingTrace],
    readings: Mapping[int, int | None],
) -> dict[TraceKey, TraceDraft]:
    """Return the drafts that make a revision: of other spans, or read again by another version of a reading."""
    again = {(one.system_id, one.trace_id) for one in pending if one.read_again}
    return {
        key: draft
        for key, draft in drafts.items()
        if key not in earlier
        or earlier[key].differs_from(draft)
        or (key in again and earlier[key].reading != readings[key[0]])
    }


def _draft(
    spans: Mapping[TraceKey, Sequence[Mapping[str, Any]]],
    readings: Mapping[int, ReadBy],
    refused: dict[TraceKey, TraceRefused],
) -> dict[TraceKey, TraceDraft]:
    """Return what the spans of each trace say; those that say too much are noted as refused."""
    drafts, limits, bounds = {}, part_limits(), read_bounds()
    refusals = flag_refused(spans)
    for key, rows_of_trace in spans.items():
        arrived = settle(rows_of_trace, bounds)
        arrived = replace(arrived, flags=(*arrived.flags, *refusals.get(key, ())))
        try:
            told = map_trace(arrived.spans, limits, readings[key[0]].reading)
            drafts[key] = arrived.sealed_over(told)
        except TooManyParts as exc:
            refused[key] = refusal_of(exc)
    return drafts


def _finish(
    pending: Sequence[PendingTrace], refused: Mapping[TraceKey, TraceRefused], left: Container[TraceKey]
) -> set[int]:
    """Settle each work row that is done or set aside, and return those that still wait and were not tried."""
    of_row = {(one.system_id, one.trace_id): one for one in pending}
    for key, reason in refused.items():
        set_aside([of_row[key]], reason)
    queue.remove_done([one for key, one in of_row.items() if key not in left and key not in refused])
    return {one.pk for key, one in of_row.items() if key in left}


def _resolve(
    drafts: Mapping[TraceKey, TraceDraft],
    systems: Mapping[int, System],
    readings: Mapping[int, ReadBy],
    changes: Mapping[TraceKey, Sequence[Flag]],
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
        flags += changes.get((system_id, trace_id), ())
        all_flags = rows.collect_flags(draft, flags)
        inputs[system_id, trace_id] = TraceInputs(
            systems[system_id],
            draft,
            release,
            versions,
            rows.find_indexes(versions),
            all_flags,
            readings[system_id],
        )
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
        versions.update(one.indexes.all)
        refs.update(retrieval.document_ref for retrieval in one.draft.retrievals)
        refs.update(citation.document_ref for claim in one.draft.claims for citation in claim.citations)
    return IndexShelf(index_version_ids=versions, refs=refs, as_of=known)


def _save(sealed: Sequence[_Sealed], shelf: IndexShelf) -> None:
    """Insert all rows of the sealed traces with one statement a table, and their audit events."""
    if not sealed:
        return
    Trace.objects.insert_as_arrays([one.trace for one in sealed])
    TraceVersion.objects.insert_as_arrays(
        [row for one in sealed for row in rows.build_versions(one.trace, one.inputs)]
    )
    Retrieval.objects.insert_as_arrays(
        [row for one in sealed for row in rows.build_retrievals(one.trace, one.inputs, shelf)]
    )
    TraceDocument.objects.insert_as_arrays(
        [row for one in sealed for row in rows.build_documents(one.trace, one.inputs, one.claims, shelf)]
    )
    PolicyCheck.objects.insert_as_arrays(
        [row for one in sealed for row in rows.build_policy_checks(one.trace, one.inputs)]
    )
    ToolCall.objects.insert_as_arrays(
        [row for one in sealed for row in rows.build_tool_calls(one.trace, one.inputs)]
    )
    _save_claims(sealed)
    TraceFacts.objects.insert_as_arrays(
        [rows.build_facts(one.trace, one.inputs, one.claims) for one in sealed]
    )
    audit.record_many(
        verb="trace.sealed",
        actor=ACTOR,
        changes=[audit.Change(one.trace, one.trace.system, one.trace.digest) for one in sealed],
    )
    earlier = reviews.find_earlier_tasks([one.trace for one in sealed if one.trace.revision > 1])
    asked = [
        reviews.Asked(
            one.trace, _review_reason(one) or "asked_of_earlier_revision", earlier.get(one.trace.pk)
        )
        for one in sealed
        if _review_reason(one) or one.trace.pk in earlier
    ]
    reviews.open_review_tasks(asked=asked, actor=ACTOR)


def _save_claims(sealed: Iterable[_Sealed]) -> None:
    pairs = [
        (row, claim)
        for one in sealed
        for row, claim in zip(claims.build_claims(one.trace, one.claims), one.claims, strict=True)
    ]
    Claim.objects.insert_as_arrays([row for row, _ in pairs])
    Citation.objects.insert_as_arrays(
        [citation for row, claim in pairs for citation in claims.build_citations(row, claim.citations)]
    )


def _review_reason(sealed: _Sealed) -> str:
    """Return why a person should look at a trace, empty where nothing asks for it."""
    if any(check.decision == PolicyCheck.Decision.ESCALATE for check in sealed.inputs.draft.policy_checks):
        return "policy_escalation"
    return "high_risk" if sealed.trace.risk_tier == RiskTier.HIGH else ""
