"""How many queries a reviewer's pages take, and how long, at a store's size: home, queue, desk and their neighbours.

    python -m bench.pages [--traces 1000000] [--tasks 100000] [--requests 40] [--store FOLDER] [--json]

The store is that of `bench.reads`. One task in ten waits; the others have the review that was asked for. Pages are
asked for in this process, whole: session, middleware, view, template. With `--store` it is kept in that folder, and
measured again without filling when the folder has one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bench.filling import FILLED, RATE, fill, register
from bench.quick_filling import filling_quickly
from bench.reads import SYSTEM, WARM_UP, make_client, percentile_ms
from bench.server import connect_as_owner, migrate, prepare_database
from config import embedded

WAITS_EVERY: Final = 10  # tasks
DEEP: Final = (
    20  # a page of the queue that nobody reaches by chance; a list of many rows ends before its last
)
MOST_QUERIES, MOST_MS = 25, 200  # what a page may take: queries, and milliseconds for 95 of 100

_TASKS: Final = """
INSERT INTO evidence_reviewtask (system_id, trace_id, reason, risk_tier, reviews_required, due_at, created_at)
SELECT system_id, id, 'high_risk', (ARRAY['high', 'medium', 'low'])[1 + id %% 3], 1, sealed_at + interval '3 days',
    sealed_at
FROM evidence_trace ORDER BY id DESC LIMIT %(tasks)s"""
_REVIEWS: Final = f"""
INSERT INTO evidence_review (task_id, reviewer_id, decision, reason_code, rationale, corrected_answer, machine_verdict,
    created_at)
SELECT id, %(colleague)s, 'approve', '', '', '', '{{}}', created_at FROM evidence_reviewtask
WHERE id %% {WAITS_EVERY} > 0"""
_QUEUE: Final = f"""
INSERT INTO evidence_queuedtask (task_id, system_id, stage, risk_rank, due_at, due_on, reason_rank, language)
SELECT id, system_id, 'judge', array_position(ARRAY['high', 'medium', 'low'], risk_tier::text) - 1, due_at,
    (due_at AT TIME ZONE 'UTC')::date, 1, 'en'
FROM evidence_reviewtask WHERE id %% {WAITS_EVERY} = 0"""
_TABLES: Final = {
    "evidence_reviewtask": _TASKS,
    "evidence_review": _REVIEWS,
    "evidence_queuedtask": _QUEUE,
}


def main() -> None:
    """Run the benchmark and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--traces", type=int, default=1_000_000, help="stored traces")
    parser.add_argument("--tasks", type=int, default=100_000, help="review tasks, of the newest traces")
    parser.add_argument("--requests", type=int, default=40, help="of each page (default 40)")
    parser.add_argument("--store", type=Path, help="a folder that keeps the store, or has one")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    folder = options.store or Path(tempfile.mkdtemp(prefix="tracebinder-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with embedded.running(folder, valkey=True):
            result = _measure(folder, options)
    finally:
        if options.store is None:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(result) if options.json else _format_table(result))


def _measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Fill a store and ask for each page; return queries, and p50 and p95 in milliseconds, by page."""
    filled = folder / "filled"  # written when it is
    if filled.exists():
        migrate(folder)
        make_client(folder)
    else:
        filled.write_text(json.dumps(_fill(folder, options)))
    _serve_as_a_web_process_does()
    pages = {name: _ask(page, options.requests) for name, page in _pages().items()}
    return {
        **json.loads(filled.read_text()), "processors": os.cpu_count(),
        "load_average_1_minute": round(os.getloadavg()[0], 1), "pages": pages,
    }  # fmt: skip


def _serve_as_a_web_process_does() -> None:
    import config.urls  # noqa: F401, PLC0415  # after django.setup()
    from config.garbage import collect_seldom  # noqa: PLC0415  # likewise

    collect_seldom()


def _fill(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Make the store, and return what is in it and how many seconds that took."""
    started = time.monotonic()
    prepare_database(folder, SYSTEM)
    make_client(folder)
    people = _make_people()
    with connect_as_owner(folder) as connection:
        known = register(connection)
    epoch = datetime.now(UTC) - timedelta(seconds=options.traces / RATE)
    with filling_quickly(folder, [*FILLED, *_TABLES]) as connection:
        fill(connection, first=0, last=options.traces - 1, epoch=epoch, known=known)
        for statement in _TABLES.values():
            connection.execute(statement, {"tasks": options.tasks, **people})
    _make_members()
    taken = round(time.monotonic() - started, 1)
    return {"traces": options.traces, "tasks": options.tasks, "fill_seconds": taken}


def _make_people() -> dict[str, int]:
    """Return the keys of a reviewer and a colleague. Memberships follow once all systems are there."""
    from django.contrib.auth.models import Group, User  # noqa: PLC0415  # after django.setup()

    keys = {}
    for name in ("reviewer", "colleague"):
        person = User.objects.create_user(username=name, is_staff=True)
        person.groups.set(Group.objects.filter(name="reviewer"))
        keys[name] = person.pk
    return keys


def _make_members() -> None:
    from django.contrib.auth.models import User  # noqa: PLC0415  # after django.setup()

    from evidence.models import Membership, System  # noqa: PLC0415  # likewise

    person = User.objects.get(username="reviewer")
    Membership.objects.bulk_create(Membership(user=person, system=system) for system in System.objects.all())


def _pages() -> dict[str, Callable[[], str]]:
    """Return, by what a page is called, a function that gives the next address of it to ask for."""
    from django.urls import reverse  # noqa: PLC0415  # after django.setup()

    from evidence.models import QueuedTask, Trace  # noqa: PLC0415  # likewise

    dice = random.Random(1)
    waiting = list(QueuedTask.objects.values_list("task_id", "task__trace_id")[:500])
    newest = list(Trace.objects.order_by("-pk").values_list("pk", flat=True)[:500])
    ids = list(Trace.objects.order_by("-pk").values_list("trace_id", flat=True)[:500])
    queue, everything = reverse("admin:evidence_reviewtask_changelist"), reverse("admin:search")

    def answer(tab: str = "claim") -> str:
        return f"{reverse('admin:judge_answer', args=[dice.choice(waiting)[1]])}?tab={tab}"

    return {
        "home": lambda: reverse("admin:index"),
        "queue: waiting for me": lambda: queue,
        "queue: overdue": lambda: f"{queue}?standing=overdue",
        "queue: disputed": lambda: f"{queue}?standing=disputed",
        "queue: closed": lambda: f"{queue}?standing=closed",
        "queue: all": lambda: f"{queue}?standing=all",
        f"queue: all, page {DEEP}": lambda: f"{queue}?standing=all&p={DEEP}",
        "desk: start": lambda: reverse("admin:review_desk"),
        "desk: an answer": answer,
        "desk: what was retrieved": lambda: answer("retrieved"),
        "desk: its path": lambda: answer("path"),
        "desk: asked before": lambda: answer("asked"),
        "desk: inside its model": lambda: answer("inside"),
        "an answer, all on one page": lambda: reverse(
            "admin:evidence_reviewtask_change", args=[dice.choice(waiting)[0]]
        ),
        "judgements": lambda: reverse("admin:evidence_review_changelist"),
        "answers": lambda: reverse("admin:evidence_trace_changelist"),
        "search: a trace id": lambda: f"{everything}?q={dice.choice(ids).hex}",
        "search: how one begins": lambda: f"{everything}?q={dice.choice(ids).hex[:8]}",
        "search: a task": lambda: f"{everything}?q=%23{dice.choice(waiting)[0]}",
        "search: a word": lambda: f"{everything}?q=loan",
        "search: words that are nowhere": lambda: f"{everything}?q=loan+qqzzqq",
        "search: a colleague": lambda: f"{everything}?q=colleague",
        "the record of an answer": lambda: reverse("admin:evidence_trace_change", args=[dice.choice(newest)]),
    }


def _ask(page: Callable[[], str], n_requests: int) -> dict[str, float]:
    from django.contrib.auth.models import User  # noqa: PLC0415  # after django.setup()
    from django.db import connection  # noqa: PLC0415  # likewise
    from django.test import Client  # noqa: PLC0415  # likewise
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415  # likewise

    client = Client()
    client.force_login(User.objects.get(username="reviewer"))
    taken, queries = [], 0
    for position in range(WARM_UP + n_requests):
        address = page()
        if position == WARM_UP:
            with CaptureQueriesContext(connection) as asked:
                client.get(address)
            queries = len(asked)
        started = time.perf_counter()
        answer = client.get(address)
        if answer.status_code != 200:
            raise SystemExit(f"{address}: {answer.status_code} {answer.content[:300]!r}")
        if position >= WARM_UP:
            taken.append(time.perf_counter() - started)
    taken.sort()
    return {"queries": queries, "p50_ms": percentile_ms(taken, 0.50), "p95_ms": percentile_ms(taken, 0.95)}


def _format_table(result: dict[str, Any]) -> str:
    stored = f"{result['traces']:,} traces, {result['tasks']:,} tasks, filled in {result['fill_seconds']} s"
    lines = [
        f"{stored}; load average {result['load_average_1_minute']}",
        f"{'':<32}{'queries':>8}{'p50 ms':>9}{'p95 ms':>9}",
    ]
    for name, page in result["pages"].items():
        is_over = page["queries"] > MOST_QUERIES or page["p95_ms"] > MOST_MS
        over = f"   over {MOST_QUERIES} queries or {MOST_MS} ms" if is_over else ""
        lines.append(f"{name:<32}{page['queries']:>8}{page['p50_ms']:>9}{page['p95_ms']:>9}{over}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
