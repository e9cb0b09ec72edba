"""Whether what a binder packs is what was put on record: asked of its scope before it is sealed.

`manage.py verify_log` asks it of everything. Here the transactions are checked that wrote something of the scope: those
of the rows that are there, and those of the events about them, so that a row that is gone or was moved out of the scope
leaves its transaction behind. What grows with the traffic (traces, what hangs on them, requests, refused items) counts
where it is of the period, all else of the system counts whenever it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from itertools import islice
from typing import Any, Final

from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    Count,
    Exists,
    F,
    Max,
    OuterRef,
    Q,
    QuerySet,
    When,
)
from django.db.models.functions import Cast

from evidence import clock
from evidence.errors import EvidenceError
from evidence.models import AuditEvent, IngestBatch, Leaf, Reject, Span, Trace
from evidence.models.base import SYSTEM_IDS, AppendOnlyModel
from evidence.row_schemas import bound_models
from evidence.selectors.binder.scope import BinderScope
from evidence.services import log
from evidence.worded import worded

# Events and requests this long after the period may be about its traces. What came later is found by the traces that
# are there and of the period.
_AFTERWARDS: Final = timedelta(days=1)
_TIME_OF: Final[Mapping[type[AppendOnlyModel], str]] = {IngestBatch: "received_at", Reject: "created_at"}
_NAMED: Final = 3  # faults in the error; further ones are counted


class EvidenceNotAsLogged(EvidenceError):
    """Evidence was changed, put in or taken away behind the log's back: nothing is sealed over it.

    Run `manage.py verify_log`, which names every such row, and restore them from a backup; a binder of a scope without
    them can be exported meanwhile.
    """

    code = "evidence_not_as_logged"
    http_status = 503
    title = "The evidence is not what the log binds"


class _Faults(list[str]):
    def add(self, fault: str) -> None:
        self.append(fault)


def check_scope_is_bound(scope: BinderScope) -> None:
    """Compare all that a scope holds with the log, in the transaction that reads it.

    Raises:
        EvidenceNotAsLogged: something of it is not as it was put on record.
    """
    if faults := find_faults_of_scope(scope):
        more = worded(" And %(count)s more.", count=len(faults) - _NAMED) if len(faults) > _NAMED else ""
        raise EvidenceNotAsLogged(
            worded(
                "Nothing is exported: %(faults)s%(more)s `manage.py verify_log` names all of it; restore "
                "what was changed from a backup.",
                faults=" ".join(faults[:_NAMED]),
                more=more,
            )
        )


def find_faults_of_scope(scope: BinderScope) -> list[str]:
    """Return what of a scope's evidence is not as the log binds it, a sentence each."""
    log.read_plainly()
    faults = _Faults()
    own, ended = clock.own_transaction(), log.read_ended(1)
    # A table is asked once which transactions wrote its rows; most have none that ask for another look.
    named = [
        (rows, set(rows.order_by().values_list("xact_id", flat=True).distinct())) for rows in _rows_of(scope)
    ]
    log.check_numbers(
        faults,
        (rows for rows, numbers in named if not all(map(ended.holds, numbers - {None, own}))),
    )
    known = [
        (rows.filter(scope.as_of.knew()), set(filter(scope.as_of.knew_of, numbers)))
        for rows, numbers in named
    ]
    # What the transaction that asks has written itself is bound when it commits.
    log.check_listed(faults, set().union(*(numbers for _, numbers in known)) - {None, own}, known)
    _check_objects(faults, scope)
    _check_leaves(faults, scope)
    return faults


def _rows_of(scope: BinderScope) -> Iterator[QuerySet[Any]]:
    """Yield the rows that lead to the transactions of a scope, of a table each."""
    begin, end = scope.period_from, scope.period_to + _AFTERWARDS
    of_period = Trace.objects.filter(
        system=scope.system, started_at__gte=scope.period_from, started_at__lt=scope.period_to
    )
    events = AuditEvent.objects.filter(system=scope.system)
    yield events.filter(
        ~Q(object_type__in=_with_the_traffic()) | Q(occurred_at__gte=begin, occurred_at__lt=end)
    )
    for model in bound_models():
        path, of_trace = model.SYSTEM_PATH, _path_to_trace(model)
        rows: QuerySet[Any] = model._default_manager.all()
        if model is AuditEvent or path is None:
            continue
        if model is Span:
            yield rows.filter(system=scope.system, trace_id__in=of_period.values("trace_id"))
        elif of_trace is not None:
            yield rows.filter(**{f"{of_trace}pk__in": of_period.values("pk")})
        else:
            is_of_several = path == SYSTEM_IDS
            mine = (
                Q(**{f"{path}__contains": [scope.system.pk]})
                if is_of_several
                else Q(**{path: scope.system.pk})
            )
            if time := _TIME_OF.get(model):
                mine &= Q(**{f"{time}__gte": begin, f"{time}__lt": end})
            yield rows.filter(mine)


@cache
def _with_the_traffic() -> frozenset[str]:
    """Return the labels of what grows with what a system is asked."""
    hang_on_traces = (model for model in bound_models() if _path_to_trace(model) is not None)
    return frozenset(model._meta.label for model in (*hang_on_traces, *_TIME_OF))


@cache
def _path_to_trace(model: type[AppendOnlyModel]) -> str | None:
    """Return the lookup by foreign keys that leads from each row to a trace, "task__trace__"; None: there is none."""
    paths: list[tuple[str, Any]] = [("", model)]
    for path, reached in paths:
        if reached is Trace:
            return path
        paths += [
            (f"{path}{field.name}__", field.related_model)
            for field in reached._meta.concrete_fields
            if field.is_relation and not field.null and issubclass(field.related_model, AppendOnlyModel)
        ]
    return None


def _check_objects(faults: _Faults, scope: BinderScope) -> None:
    """Find the system's events about rows that are not there: those of bound tables never go."""
    events = AuditEvent.objects.filter(scope.as_of.knew(), system=scope.system)
    kinds = set(events.order_by().values_list("object_type", flat=True).distinct())
    for model in bound_models():
        if model._meta.label in kinds:
            gone = _without_row(events.filter(object_type=model._meta.label), model).order_by("pk")
            faults += [
                f"Event {event} ({verb}) is about {model._meta.label} {key}, which is not there any more."
                for event, verb, key in gone.values_list("event_uuid", "verb", "object_id")[:_NAMED]
            ]


def _without_row(events: QuerySet[AuditEvent], model: type[AppendOnlyModel]) -> QuerySet[AuditEvent]:
    """Narrow events to those that name a key of which the table has no row; keys that are numbers are compared so."""
    rows = model._default_manager.order_by()
    if "Auto" in model._meta.pk.get_internal_type():
        number = When(object_id__regex=r"^[0-9]{1,18}$", then=Cast("object_id", BigIntegerField()))
        return events.annotate(number=Case(number)).filter(~Exists(rows.filter(pk=OuterRef("number"))))
    named = rows.annotate(named=Cast(F("pk"), CharField())).filter(named=OuterRef("object_id"))
    return events.filter(~Exists(named))


def _check_leaves(faults: _Faults, scope: BinderScope) -> None:
    """Find the places of the system's stream in the log that hold no event any more."""
    leaves = Leaf.objects.filter(stream=scope.system.key)
    found = leaves.aggregate(count=Count("pk"), last=Max("stream_seq"))
    if found["last"] is not None and found["count"] != found["last"] + 1:
        gone = found["last"] + 1 - found["count"]
        faults.add(
            f"{gone:,} of the log's first {found['last'] + 1:,} entries of {scope.system.key} are gone."
        )
    faults += islice(log.name_eventless(leaves), _NAMED)
    others = Leaf.objects.filter(event__system=scope.system).exclude(stream=scope.system.key)
    strays = leaves.exclude(event__system=scope.system) | others
    for seq, stream in strays.order_by("seq").values_list("seq", "stream")[:_NAMED]:
        faults.add(f"Leaf {seq} is counted in {stream}, and its event is of another stream.")
