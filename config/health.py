"""Is the process alive, is it ready, and how far behind is it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from config.read_only import read_only
from evidence.table_rules import find_differences

REDIS_TIMEOUT: Final = 2  # seconds
QUEUES: Final = ("default", "interpret")


@read_only
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer that the process runs. It looks at nothing else, so that a lost database does not restart us."""
    del request
    return JsonResponse({"status": "alive", "version": settings.VERSION})


@read_only
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database is reachable and migrated and the broker answers; 503 with what is wrong."""
    del request
    faults = [*database_faults(), *_broker_faults()]
    return JsonResponse(
        {"status": "not ready" if faults else "ready", "faults": faults}, status=503 if faults else 200
    )


@read_only
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer gauges in the Prometheus text format: how much waits, and how old the last checkpoint is."""
    del request
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
        client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=REDIS_TIMEOUT)
        queue_length = GaugeMetricFamily(
            "tracebinder_queue_length", "Messages in a Celery queue", labels=["queue"]
        )
        for queue in QUEUES:
            queue_length.add_metric([queue], client.llen(queue))
        yield queue_length


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=float(value))


def database_faults() -> list[str]:
    """Return why the database cannot be worked with: it is away, older than this version, or its rules are not in force."""
    try:
        executor = MigrationExecutor(connection)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        differing = [] if missing else find_differences(connection.alias)
    except (DatabaseError, InterfaceError) as exc:
        return [f"database: {exc}".strip()]
    if missing:
        return [f"database: {missing} migrations are missing, run `manage.py migrate`"]
    if differing:
        subjects = ", ".join(dict.fromkeys(difference.subject for difference in differing))
        return [f"database: triggers or rights are not in place, run `manage.py migrate`: {subjects}"]
    return []


def _broker_faults() -> list[str]:
    try:
        redis.Redis.from_url(settings.REDIS_URL, socket_timeout=REDIS_TIMEOUT).ping()
    except redis.RedisError as exc:
        return [f"broker: {exc}"]
    return []
