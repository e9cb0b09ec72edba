"""How many queries every page takes, and how long, at a store's size.

    python -m bench.pages [--traces 1000000] [--tasks 100000] [--requirements 10000] [--requests 40] [--store FOLDER]
        [--json]

The store is that of `bench.reads`, with a release that is live, and beside it a system of requirements, each assessed,
and one that has a row of every noun (`bench.page_walk`). One task in ten waits, and one in a hundred for its second
review; the others have the reviews that were asked for. Pages are asked for in this process, whole: session,
middleware, view, template. Those of a reviewer's work are asked for by rows drawn at random; every other page that
somebody of any role may open, `WALKED` times. With `--store` it is kept in that folder, and measured again without
filling when the folder has one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.filling import FILLED, RATE, fill, register
from bench.quick_filling import filling_quickly
from bench.reads import SYSTEM, WARM_UP, make_client, percentile_ms
from bench.server import REPOSITORY, connect_as_owner, environment_of, migrate, prepare_database
from config import embedded

WAITS_EVERY: Final = 10  # tasks
HALF_JUDGED: Final = f"id %% {10 * WAITS_EVERY} = 1"  # of those that have a review, a few wait for another
DEEP: Final = (
    20  # a page of the queue that nobody reaches by chance; a list of many rows ends before its last
)
WALKED: Final = 10  # requests of each other page
MOST_QUERIES, MOST_MS = 25, 200  # what a page may take: queries, and milliseconds for 95 of 100

_TASKS: Final = """
INSERT INTO evidence_reviewtask (system_id, trace_id, reason, risk_tier, reviews_required, due_at, created_at)
SELECT system_id, id, 'high_risk', (ARRAY['high', 'medium', 'low'])[1 + id %% 3], 1, sealed_at + interval '3 days',
    sealed_at
FROM evidence_trace ORDER BY id DESC LIMIT %(tasks)s"""
_SECOND: Final = f"UPDATE evidence_reviewtask SET reviews_required = 2 WHERE {HALF_JUDGED}"
_REVIEWS: Final = f"""
INSERT INTO evidence_review (task_id, reviewer_id, decision, reason_code, rationale, corrected_answer, machine_verdict,
    created_at)
SELECT id, %(colleague)s, 'approve', '', '', '', '{{}}', created_at FROM evidence_reviewtask
WHERE id %% {WAITS_EVERY} > 0"""
_QUEUE: Final = f"""
INSERT INTO evidence_queuedtask (task_id, system_id, stage, risk_rank, due_at, due_on, reason_rank, language,
    may_have_reviews)
SELECT id, system_id, 'judge', array_position(ARRAY['high', 'medium', 'low'], risk_tier::text) - 1, due_at,
    (due_at AT TIME ZONE 'UTC')::date, 1, 'en', {HALF_JUDGED}
FROM evidence_reviewtask WHERE id %% {WAITS_EVERY} = 0 OR {HALF_JUDGED}"""
_OF_REVIEWS: Final = ("evidence_reviewtask", "evidence_review", "evidence_queuedtask")


def main() -> None:
    """Run the benchmark and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--traces", type=int, default=1_000_000, help="stored traces")
    parser.add_argument("--tasks", type=int, default=100_000, help="review tasks, of the newest traces")
    parser.add_argument(
        "--requirements", type=int, default=10_000, help="of one system, each with a criterion"
    )
    parser.add_argument(
        "--requests", type=int, default=40, help="of each page of a reviewer's work (default 40)"
    )
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
    if any("status" in page for page in result["pages"].values()):
        raise SystemExit(1)  # a page that a person may open is there, whatever is stored


def _measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Fill a store and ask for each page; return queries, and p50 and p95 in milliseconds, by page."""
    filled = folder / "filled"  # written when it is
    if filled.exists():
        if "requirements" not in json.loads(filled.read_text()):
            raise SystemExit(
                f"{folder} holds a store without requirements, as this bench once made: name another folder"
            )
        migrate(folder)
        make_client(folder)
    else:
        filled.write_text(json.dumps(_fill(folder, options)))
    _serve_as_a_web_process_does()
    pages = {name: _ask("reviewer", page, options.requests) for name, page in _pages().items()}
    from bench.page_walk import walk  # noqa: PLC0415  # after django.setup()

    for username, address in walk():
        pages[f"{address} as {username}"] = _ask(username, partial(str, address), WALKED, 1)
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
    from bench.page_walk import make_live_release  # noqa: PLC0415  # after django.setup()

    people = _make_people()
    with connect_as_owner(folder) as connection:
        known = register(connection)
    known["releases"] = [make_live_release()]
    epoch = datetime.now(UTC) - timedelta(seconds=options.traces / RATE)
    with filling_quickly(folder, [*FILLED, *_OF_REVIEWS]) as connection:
        fill(connection, first=0, last=options.traces - 1, epoch=epoch, known=known)
        for statement in (_TASKS, _SECOND, _REVIEWS, _QUEUE):
            connection.execute(statement, {"tasks": options.tasks, **people})
    command = [sys.executable, "-m", "bench.page_walk", str(options.requirements)]
    subprocess.run(command, cwd=REPOSITORY, env=environment_of(folder, "owner"), check=True)
    _make_members()
    taken = round(time.monotonic() - started, 1)
    return {
        "traces": options.traces, "tasks": options.tasks, "requirements": options.requirements, "fill_seconds": taken
    }  # fmt: skip


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

    Membership.objects.bulk_create(
        (
            Membership(user=person, system=system)
            for person in User.objects.all()
            for system in System.objects.all()
        ),
        ignore_conflicts=True,
    )


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


def _ask(username: str, page: Callable[[], str], n_requests: int, warm_up: int = WARM_UP) -> dict[str, float]:
    from django.contrib.auth.models import User  # noqa: PLC0415  # after django.setup()
    from django.db import connection  # noqa: PLC0415  # likewise
    from django.test import Client  # noqa: PLC0415  # likewise
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415  # likewise

    client = Client()
    client.force_login(User.objects.get(username=username))
    taken, queries = [], 0
    for position in range(warm_up + n_requests):
        address = page()
        if position == warm_up:
            with CaptureQueriesContext(connection) as asked:
                client.get(address)
            queries = len(asked)
        started = time.perf_counter()
        answer = client.get(address)
        if answer.status_code != 200:
            return {"status": answer.status_code}
        if position >= warm_up:
            taken.append(time.perf_counter() - started)
    taken.sort()
    return {"queries": queries, "p50_ms": percentile_ms(taken, 0.50), "p95_ms": percentile_ms(taken, 0.95)}


def _format_table(result: dict[str, Any]) -> str:
    stored = (
        f"{result['traces']:,} traces, {result['tasks']:,} tasks, {result['requirements']:,} requirements, filled in "
        f"{result['fill_seconds']} s"
    )
    lines = [
        f"{stored}; load average {result['load_average_1_minute']}",
        f"{'queries':>8}{'p50 ms':>9}{'p95 ms':>9}",
    ]
    refused = {name: page["status"] for name, page in result["pages"].items() if "status" in page}
    for name, page in result["pages"].items():
        if name in refused:
            continue
        is_over = page["queries"] > MOST_QUERIES or page["p95_ms"] > MOST_MS
        over = f"   over {MOST_QUERIES} queries or {MOST_MS} ms" if is_over else ""
        lines.append(f"{page['queries']:>8}{page['p50_ms']:>9}{page['p95_ms']:>9}  {name}{over}")
    n_over = sum(line.endswith(f" {MOST_MS} ms") for line in lines)
    lines += [f"{status} {name}" for name, status in refused.items()]
    return "\n".join([*lines, f"{len(result['pages'])} pages, {n_over} over, {len(refused)} refused"])


if __name__ == "__main__":
    main()
