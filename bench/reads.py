"""How long a page of the API takes at several numbers of stored traces: it should not grow with them.

    python -m bench.reads [--sizes 10000 100000 1000000] [--requests 60] [--json]

It runs in a folder of its own with its own PostgreSQL. Traces are made in the database (INSERT … SELECT), with the
constraints checked, spread evenly over the last weeks and over three systems, and every table is ANALYZEd at each size.
Questions go through the whole API in this process: token, scope, filters, query, serialiser. A window of one minute
holds as many spans at any size, as it would at a steady rate.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha256
from pathlib import Path
from typing import Any, Final

from bench.filling import DOCUMENTS, RATE, USERS, fill, register
from bench.server import connect_as_owner, prepare_database
from config import embedded

SYSTEM: Final = "bench"
WARM_UP: Final = 5  # requests of each kind before the clock counts


def main() -> None:
    """Run the benchmark and print a table, or JSON."""
    options = _read_options()
    folder = Path(tempfile.mkdtemp(prefix="tracebinder-bench-"))
    try:
        with embedded.running(folder, valkey=False):
            prepare_database(folder, SYSTEM)
            result = _measure(folder, sorted(options.sizes), options.requests)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(result) if options.json else _format_table(result))


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    sizes = [10_000, 100_000, 1_000_000]
    parser.add_argument("--sizes", type=int, nargs="+", default=sizes, help="stored traces")
    parser.add_argument("--requests", type=int, default=60, help="of each kind at each size (default 60)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _measure(folder: Path, sizes: Sequence[int], n_requests: int) -> dict[str, Any]:
    """Grow the store size by size; return p50 and p95 in milliseconds by question and size, and their ratios."""
    epoch = datetime.now(UTC) - timedelta(seconds=sizes[-1] / RATE)
    figures: dict[str, dict[str, Any]] = {}
    reader = _Reader(folder, epoch)
    seconds, stored = {}, 0
    with connect_as_owner(folder) as connection:
        known = register(connection)
        for size in sizes:
            started = time.monotonic()
            fill(connection, first=stored, last=size - 1, epoch=epoch, known=known)
            seconds[str(size)], stored = round(time.monotonic() - started, 1), size
            for name, ask in reader.questions(size, known).items():
                taken = time_requests(ask, n_requests)
                figures.setdefault(name, {})[str(size)] = {
                    "p50_ms": percentile_ms(taken, 0.50),
                    "p95_ms": percentile_ms(taken, 0.95),
                }
    for by_size in figures.values():
        smallest = by_size[str(sizes[0])]
        for one in by_size.values():
            one["p50_ratio"] = round(one["p50_ms"] / smallest["p50_ms"], 2)
            one["p95_ratio"] = round(one["p95_ms"] / smallest["p95_ms"], 2)
    load = round(os.getloadavg()[0], 1)
    return {
        "sizes": sizes, "processors": os.cpu_count(), "load_average_1_minute": load, "fill_seconds": seconds,
        "questions": figures,
    }  # fmt: skip


def make_client(folder: Path) -> Any:
    """Return a client of the API in this process, with a token that reads the first system."""
    os.environ.update(
        TRACEBINDER_VAR=str(folder), TRACEBINDER_PROCESS="web", TRACEBINDER_LOG_LEVEL="ERROR",
        DJANGO_SETTINGS_MODULE="config.settings",
    )  # fmt: skip
    (folder / "static").mkdir(exist_ok=True)  # WhiteNoise warns of a missing folder
    import django  # noqa: PLC0415  # its settings read the folder

    django.setup()
    from django.utils import timezone  # noqa: PLC0415
    from rest_framework.test import APIClient  # noqa: PLC0415

    from evidence.access import principal_of_command_line  # noqa: PLC0415
    from evidence.models import Scope, System  # noqa: PLC0415
    from evidence.services.people import tokens  # noqa: PLC0415

    system = System.objects.get(key=SYSTEM)
    issued = tokens.issue_token(
        principal=principal_of_command_line(),
        name="reads",
        owner=system.owner,
        scopes=[Scope.READ],
        systems=[system],
        expires_at=timezone.now() + timedelta(days=1),
    )
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {issued.text}")


class _Reader:
    """Asks the API in this process, as a token of the first system."""

    def __init__(self, folder: Path, epoch: datetime) -> None:
        self._client = make_client(folder)
        self._epoch = epoch

    def questions(self, size: int, known: dict[str, list[int]]) -> dict[str, Callable[[], None]]:
        """Return what is asked at a size, by name."""
        dice = random.Random(size)  # the same questions in every run

        def number() -> int:
            return dice.randrange(size // 3) * 3  # of a trace of the first system

        def document() -> str:
            return sha256(f"document {dice.randrange(DOCUMENTS) + 1}".encode()).hexdigest()

        def window() -> dict[str, str]:
            began = self._epoch + timedelta(seconds=dice.randrange(size // RATE - 60))
            return {"since": began.isoformat(), "until": (began + timedelta(seconds=60)).isoformat()}

        old, new = (self._version_digest(known["versions"][at]) for at in (0, 1))

        def trace_id() -> str:
            return md5(f"trace{number()}".encode(), usedforsecurity=False).hexdigest()

        trace = "traces/{}"
        return {
            "trace by id": lambda: self._get(trace.format(md5(f"trace{number()}".encode()).hexdigest()), {}),
            "newest 50 traces": lambda: self._get("traces", {}),
            "traces citing a document": lambda: self._get("traces", {"document": document()}),
            "traces retrieving a document": lambda: self._get("traces", {"retrieved_document": document()}),
            "traces of a user": lambda: self._get("traces", {"user": f"user-{dice.randrange(USERS)}"}),
            "traces of who asks most": lambda: self._get("traces", {"user": "often"}),
            "traces of nobody": lambda: self._get("traces", {"user": "nobody"}),
            "traces of a session": lambda: self._get("traces", {"session": f"session-{number() // 5}"}),
            "traces of a conversation": lambda: self._get(
                "traces", {"conversation": f"conversation-{number() // 3}"}
            ),
            "trace by its id": lambda: self._get("traces", {"trace_id": trace_id()}),
            "traces by 7 digits of an id": lambda: self._get("traces", {"trace_id": trace_id()[:7]}),
            "traces by 1 digit of an id": lambda: self._get("traces", {"trace_id": trace_id()[:1]}),
            "traces of the newest version": lambda: self._get("traces", {"version": new}),
            "traces of a version long gone": lambda: self._get("traces", {"version": old}),
            "traces with one verdict in fifty": lambda: self._get("traces", {"verdict": "not_found"}),
            "traces by attribute, in a minute": lambda: self._get(
                "traces", {"attribute": f"branch=branch-{dice.randrange(500)}", **window()}
            ),
            "spans by attribute, in a minute": lambda: self._get(
                "spans", {"attribute": f"branch=branch-{dice.randrange(500)}", **window()}
            ),
            "newest 50 claims": lambda: self._get("claims", {}),
            "claims with one verdict in fifty": lambda: self._get("claims", {"verdict": "not_found"}),
        }

    def _version_digest(self, pk: int) -> str:
        from evidence.models import ArtefactVersion  # noqa: PLC0415

        return ArtefactVersion.objects.values_list("digest", flat=True).get(pk=pk)

    def _get(self, path: str, query: dict[str, str]) -> None:
        response = self._client.get(f"/api/v1/{path}", query)
        if response.status_code != 200:
            raise SystemExit(f"{path} {query}: {response.status_code} {response.content[:300]!r}")


def time_requests(ask: Callable[[], None], n_requests: int) -> list[float]:
    """Return how long each request took, in seconds, sorted."""
    taken = []
    for position in range(WARM_UP + n_requests):
        started = time.perf_counter()
        ask()
        if position >= WARM_UP:
            taken.append(time.perf_counter() - started)
    return sorted(taken)


def percentile_ms(sorted_seconds: list[float], share: float) -> float:
    return round(sorted_seconds[min(len(sorted_seconds) - 1, int(len(sorted_seconds) * share))] * 1e3, 2)


def _format_table(result: dict[str, Any]) -> str:
    lines = [f"filled in {result['fill_seconds']} s; load average {result['load_average_1_minute']}"]
    header = "".join(f"{f'{size:,} p50':>16}{'p95 ms':>9}{'ratio':>7}" for size in result["sizes"])
    lines.append(f"{'':<34}{header}")
    for name, by_size in result["questions"].items():
        cells = "".join(
            f"{one['p50_ms']:>16}{one['p95_ms']:>9}{one['p95_ratio']:>7}" for one in by_size.values()
        )
        lines.append(f"{name:<34}{cells}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
