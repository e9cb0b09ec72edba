"""Binders exported and verified, beside `zip` and `sha256sum` of the same files in the same run.

    python -m bench.binder [--traces 4000 --rounds 3] [--profile]

It fills a database of its own through ingest and assembly, then exports the same scope several times (the bytes must be
the same), verifies it with both verifiers, and packs and hashes the files of it with the two programs. `--profile` says
where an export's time goes.
"""

from __future__ import annotations

import argparse
import cProfile
import hashlib
import json
import pstats
import shutil
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.generate import TraceGenerator
from bench.server import REPOSITORY, make_token, own_database

SYSTEM: Final = "bench"
RELEASE: Final = "2025.11"
REQUEST: Final = 50  # traces
MIB: Final = 1 << 20
VERIFIER: Final = REPOSITORY / "client" / "verify-js" / "cli.js"


def main() -> int:
    """Fill a database, measure, and print a line each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--traces", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with own_database() as folder:
        make_token(folder, SYSTEM)
        fill(options.traces)
        _measure(folder, options)
    return 0


def fill(n_traces: int) -> None:
    """Ingest and assemble synthetic traces, as the web server's role does."""
    from django.conf import settings  # noqa: PLC0415  # after django.setup()

    from evidence.services import ingest  # noqa: PLC0415
    from evidence.services.assembly import assemble_due_traces  # noqa: PLC0415

    settings.ASSEMBLY_QUIET = 0
    _execute(f'SET ROLE "{settings.RUNTIME_ROLE}"')  # what the owner writes is in no binder
    _register_release()
    generator, principal = TraceGenerator(SYSTEM, seed=1), _principal()
    for _ in range(-(-n_traces // REQUEST)):
        ingest.ingest_traces(
            body=generator.make_body(REQUEST),
            content_type="application/x-protobuf",
            content_encoding="",
            principal=principal,
        )
    while assemble_due_traces(limit=settings.ASSEMBLY_BATCH):
        pass
    _execute("RESET ROLE")
    _execute("VACUUM ANALYZE")


def _register_release() -> None:
    from evidence.models import System  # noqa: PLC0415  # after django.setup()
    from evidence.services import registry  # noqa: PLC0415

    digest = hashlib.sha256(b"model").hexdigest()
    pins = [registry.PinSpec(slot="model", kind="model", key="smollm2", label="1", digest=digest)]
    registry.register_release(
        principal=_principal(),
        system=System.objects.get(),
        manifest=registry.ReleaseManifest(name=RELEASE, pins=pins),
    )


def _principal() -> Any:
    """Return the benchmark's token, with every scope."""
    from evidence.access import principal_of_token  # noqa: PLC0415  # after django.setup()
    from evidence.models import AccessToken, Scope  # noqa: PLC0415

    return replace(principal_of_token(AccessToken.objects.get()), scopes=frozenset(Scope.values))


def _execute(statement: str) -> None:
    from django.db import connection  # noqa: PLC0415  # after django.setup()

    with connection.cursor() as cursor:
        cursor.execute(statement)


def _measure(folder: Path, options: argparse.Namespace) -> None:
    from evidence.models import Trace  # noqa: PLC0415  # after django.setup()
    from evidence.services.blobs import blob_path  # noqa: PLC0415

    n_traces, as_of = Trace.objects.count(), datetime.now(UTC)
    seconds, binders = zip(*(_timed(lambda: _export(as_of)) for _ in range(options.rounds)), strict=True)
    archive = folder / binders[0].file_name
    shutil.copy(blob_path(binders[0].archive_id), archive)
    size = _unpack(archive, folder / "files")
    same = "the same bytes" if len({binder.archive_id for binder in binders}) == 1 else "NOT THE SAME BYTES"
    print(f"-- {n_traces:,} traces, {size / MIB:.0f} MiB, packed {archive.stat().st_size / MIB:.0f} MiB")
    _print_rate("export", median(seconds), n_traces, size, note=f"{options.rounds} rounds, {same}")
    _print_rate(
        "  of it, the log", _check_rows(as_of), n_traces, size, note="rows compared with what binds them"
    )
    _print_rate("zip", _zip(folder), n_traces, size)
    _print_rate("sha256sum", _sha256sum(folder), n_traces, size)
    _verify(folder, archive, n_traces, size)
    print(f"export holds          {_peak(lambda: _export(as_of)) / MIB:>8.1f} MiB at most, of Python's")
    if options.profile:
        _profile(lambda: _export(as_of))


def _export(as_of: datetime) -> Any:
    from evidence.models import Release, System  # noqa: PLC0415  # after django.setup()
    from evidence.services import binders  # noqa: PLC0415

    return binders.export_binder(
        principal=_principal(),
        system=System.objects.get(),
        release=Release.objects.get(),
        baseline="",
        period_from=as_of - timedelta(days=1),
        period_to=as_of + timedelta(days=1),
        as_of=as_of,
    )


def _check_rows(as_of: datetime) -> float:
    """Return how long an export compares the rows of its scope with the log."""
    from evidence.clock import as_of as known_at  # noqa: PLC0415  # after django.setup()
    from evidence.models import Release, System  # noqa: PLC0415
    from evidence.selectors.binder.scope import BinderScope  # noqa: PLC0415
    from evidence.services.bound_scope import check_scope_is_bound  # noqa: PLC0415

    period = (as_of - timedelta(days=1), as_of + timedelta(days=1))
    scope = BinderScope(System.objects.get(), Release.objects.get(), "", *period, known_at(as_of))
    return _timed(lambda: check_scope_is_bound(scope))[0]


def _unpack(archive: Path, folder: Path) -> int:
    """Unpack a binder, and return how many bytes its files have."""
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
        return sum(entry.file_size for entry in opened.infolist())


def _zip(folder: Path) -> float:
    return _timed_command(["zip", "-q", "-r", str(folder / "peer.zip"), "."], cwd=folder / "files")


def _sha256sum(folder: Path) -> float:
    files = [str(path) for path in sorted((folder / "files").rglob("*")) if path.is_file()]
    return _timed_command(["sha256sum", *files], cwd=folder)


def _verify(folder: Path, archive: Path, n_traces: int, size: int) -> None:
    from evidence.services.keys.trust import describe_trust  # noqa: PLC0415  # after django.setup()
    from tracebinder.verify import load_trust, verify_binder  # noqa: PLC0415
    from tracebinder.verify.bag import check_bag  # noqa: PLC0415
    from tracebinder.verify.container import Limits, open_container  # noqa: PLC0415

    trust = folder / "trust.json"
    trust.write_text(json.dumps(describe_trust()))
    with open_container(archive, Limits()) as container:
        _print_rate("verify integrity", _timed(lambda: check_bag(container))[0], n_traces, size)
    seconds, report = _timed(lambda: verify_binder(archive, trust=load_trust(trust)))
    _print_rate("verify, Python", seconds, n_traces, size, note=f"exit code {report.exit_code}")
    node = shutil.which("node")
    if node is not None:
        command = [node, str(VERIFIER), str(archive), "--trust", str(trust)]
        _print_rate("verify, JavaScript", _timed_command(command, cwd=folder), n_traces, size)


def _timed_command(command: list[str], *, cwd: Path) -> float:
    """Return how long a program takes, the start of its process included."""
    if shutil.which(command[0]) is None:
        raise SystemExit(f"{command[0]} is not here: install it (apt install {command[0]})")
    return _timed(lambda: subprocess.run(command, cwd=cwd, check=True, capture_output=True))[0]


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def _peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def _profile(work: Callable[[], object]) -> None:
    profiler = cProfile.Profile()
    profiler.runcall(work)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(30)


def _print_rate(name: str, seconds: float, n_traces: int, size: int, note: str = "") -> None:
    print(f"{name:<20}{n_traces / seconds:>10,.0f} traces/s {size / MIB / seconds:>8,.1f} MiB/s  {note}")


if __name__ == "__main__":
    sys.exit(main())
