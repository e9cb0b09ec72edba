"""Is the process alive, is it ready, and how far behind is it.

Strangers are told the first two, as a status, and no more: what is broken, and how much waits, helps whoever attacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from rest_framework.exceptions import NotAuthenticated

from config import heartbeats
from config.key_faults import find_key_faults
from config.monitoring import watches
from config.read_only import read_only
from evidence import clock
from evidence.errors import BlobStoreAway, ClockSetBack, EvidenceError
from evidence.schema_age import read_schema_age
from evidence.services import assembly, log
from evidence.services.blob_checks import last_fault
from evidence.services.blobs import check_writable
from evidence.table_rules import Difference, find_differences, find_missing_tables
from evidence.worded import sentence_of, worded

_LACKING: Final = worded("triggers or rights are not in place, run `manage.py migrate`")
_OTHER: Final = worded(
    "rules are not as this server has them, run `manage.py migrate`, or replace a server that is older"
)
_WHO_WATCHES: Final = (
    "Send TRACEBINDER_MONITOR_TOKEN as `Authorization: Bearer …`, or sign in as an operator."
)
_WRITTEN: Final = "tracebinder:writable"  # what is written to the broker to see that it can be


@read_only
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer that the process runs. It looks at nothing else, so that a lost database does not restart us."""
    del request
    return JsonResponse({"status": "alive"})


@read_only
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer whether telemetry can be taken; to who watches this installation, name each fault.

    503 `not ready`: what is sent cannot be stored. 200 `degraded`: it can, and something after that does not work,
    which strangers are not told.
    """
    if not watches(request):
        stopping = [*database_faults().stopping, *_blob_store_faults()]
        status = "not ready" if stopping else "ready"
        return JsonResponse({"status": status}, status=503 if stopping else 200)
    stopping, degrading = find_faults()
    status = "not ready" if stopping else "degraded" if degrading else "ready"
    return JsonResponse(
        {"status": status, "faults": [*stopping, *degrading], "version": settings.VERSION},
        status=503 if stopping else 200,
    )


@read_only
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer gauges in the Prometheus text format: how much waits, and how old the last checkpoint is.

    Raises:
        NotAuthenticated: a stranger asks.
    """
    if not watches(request):
        raise NotAuthenticated(_WHO_WATCHES)
    registry = CollectorRegistry()
    registry.register(_Backlog())
    return HttpResponse(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")


class _Backlog(Collector):
    """What waits to be done, asked when it is asked for."""

    def collect(self) -> Iterator[Metric]:
        """Yield one gauge a question; each query is answered from an index or a short work table."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT (SELECT count(*) FROM evidence_pendingtrace),"
                " (SELECT count(*) FROM interpret_proberun WHERE state IN ('queued', 'running')),"
                " (SELECT coalesce(extract(epoch FROM now() - max(created_at)), -1) FROM evidence_checkpoint)"
            )
            pending, probes, checkpoint_age = cursor.fetchone() or (0, 0, -1)
        yield _gauge("tracebinder_pending_traces", "Traces waiting to be assembled", pending)
        yield _gauge("tracebinder_open_probe_runs", "Probe runs queued or running", probes)
        yield _gauge(
            "tracebinder_checkpoint_age_seconds",
            "Age of the last signed checkpoint; -1: none",
            checkpoint_age,
        )
        queue_length = GaugeMetricFamily(
            "tracebinder_queue_length", "Messages in a Celery queue, heartbeats not counted", labels=["queue"]
        )
        for queue in settings.QUEUES:
            queue_length.add_metric([queue], heartbeats.read_backlog(queue))
        yield queue_length
        silence = GaugeMetricFamily(
            "tracebinder_silence_seconds", "Since beat or the workers of a queue were heard", labels=["who"]
        )
        for who, seconds in heartbeats.read_silences().items():
            silence.add_metric([who], -1 if seconds is None else seconds)
        yield silence


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=float(value))


class Faults(NamedTuple):
    """What is wrong, in sentences."""

    stopping: list[str]  # what is sent cannot be stored
    degrading: list[str]


def find_faults() -> Faults:
    """Return all that is wrong with this installation."""
    database = database_faults()
    stopping = [*database.stopping, *_blob_store_faults()]
    return Faults(stopping, [*database.degrading, *_broker_faults(), *([] if stopping else stored_faults())])


def database_faults() -> Faults:
    """Return why the database cannot be worked with: away, of another version, or without its rules.

    Between a `migrate` and the end of the servers it makes old, these go on: what the newer version has otherwise is
    none of their business, as long as they may write what they write.
    """
    try:
        age = read_schema_age(connection.alias)
        lost = [] if age.n_missing else find_missing_tables(connection.alias)
        differing = [] if age.n_missing else find_differences(connection.alias)
    except (DatabaseError, InterfaceError) as exc:
        return Faults([worded("database: %(reason)s", reason=str(exc).strip())], [])
    if age.n_missing:
        return Faults(
            [
                worded(
                    "database: %(count)s migrations are missing, run `manage.py migrate`", count=age.n_missing
                )
            ],
            [],
        )
    if age.unknown:
        return _faults_beside_newer(age.unknown, [*lost, *(one.subject for one in differing if one.stops)])
    if lost:
        return Faults(
            [
                worded(
                    "database: tables that migrations made are gone, restore a backup: %(tables)s",
                    tables=", ".join(lost),
                )
            ],
            [],
        )
    return _rule_faults(differing)


def _rule_faults(differing: Sequence[Difference]) -> Faults:
    """Return what the rules lack, and what is there and not as this version has it: with that the server runs well."""
    lacking = dict.fromkeys(one.subject for one in differing if not one.stands)
    other = dict.fromkeys(one.subject for one in differing if one.stands)
    return Faults(
        [worded("database: %(reason)s: %(names)s", reason=_LACKING, names=", ".join(lacking))]
        if lacking
        else [],
        [worded("database: %(reason)s: %(names)s", reason=_OTHER, names=", ".join(other))] if other else [],
    )


def _faults_beside_newer(unknown: Sequence[str], lacking: Sequence[str]) -> Faults:
    newer = worded(
        "database: it is newer than this server, replace the server by the version that has %(migration)s",
        migration=unknown[-1],
    )
    if lacking:
        told = worded(
            "%(newer)s: it can no longer work with %(names)s",
            newer=newer,
            names=", ".join(dict.fromkeys(lacking)),
        )
        return Faults([told], [])
    return Faults([], [newer])


def _blob_store_faults() -> list[str]:
    try:
        check_writable()
    except BlobStoreAway as exc:
        return [worded("blob store: it cannot be written (%(reason)s)", reason=str(exc.__cause__ or exc))]
    return []


def _broker_faults() -> list[str]:
    """Return whether work can be handed to workers, and which of them do none."""
    try:
        heartbeats.open_broker().set(_WRITTEN, "1", ex=60)
        silences = heartbeats.read_silences()
    except redis.RedisError as exc:
        return [worded("broker: %(reason)s", reason=str(exc))]
    limits = {heartbeats.BEAT: settings.SILENT_AFTER, **settings.QUEUES}
    return [fault for who, limit in limits.items() if (fault := _silence_fault(who, silences[who], limit))]


def _silence_fault(who: str, seconds: float | None, limit: int) -> str:
    name = worded("beat") if who == heartbeats.BEAT else worded("worker of queue %(queue)s", queue=who)
    if seconds is None:
        # An installation without torch has no such worker: probes wait until there is one.
        return "" if who == "interpret" else worded("%(name)s: not heard of within a day", name=name)
    if seconds <= limit:
        return ""
    return worded("%(name)s: silent for %(time)s", name=name, time=timedelta(seconds=int(seconds)))


def stored_faults() -> list[str]:
    """Return what is lost of what was stored, and what goes on no more: keys, the log, the clock, assembly, blobs."""
    faults: list[str] = []
    last = clock.read_last()
    try:
        clock.check_numbering(last)
    except EvidenceError as exc:
        faults.append(worded("clock: %(reason)s", reason=sentence_of(exc)))
    faults += find_key_faults() if settings.HOLDS_KEYS else _key_faults_of_others()
    if (behind := clock.seconds_behind(last)) > settings.CLOCK_TOLERANCE:
        set_back = ClockSetBack(behind, settings.CLOCK_TOLERANCE)
        faults.append(worded("clock: %(reason)s", reason=sentence_of(set_back)))
    if fault := log.find_standstill():
        faults.append(worded("log: %(reason)s", reason=fault))
    if fault := assembly.find_standstill():
        faults.append(worded("assembly: %(reason)s", reason=fault))
    if fault := last_fault():
        faults.append(worded("blobs: %(reason)s", reason=fault))
    return faults


def log_faults() -> list[str]:
    """Return what is wrong with the log, from what the log worker may read as well: its key, its head, its going on."""
    faults = find_key_faults() if settings.HOLDS_KEYS else []
    return faults + ([worded("log: %(reason)s", reason=fault)] if (fault := log.find_standstill()) else [])


def _key_faults_of_others() -> list[str]:
    try:
        return heartbeats.read_key_faults()
    except redis.RedisError:  # the broker is a fault of its own
        return []
