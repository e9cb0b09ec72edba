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
import os
import pstats
import shutil
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
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

    from evidence.services import ingest, log  # noqa: PLC0415
    from evidence.services.assembly import assemble_due_traces  # noqa: PLC0415
    from evidence.time_budget import TimeBudget  # noqa: PLC0415

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
    log.bring_log_up_to_date(TimeBudget.of(600))  # so that binders as of now carry the audit log
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
    spent, binders = zip(*(_timed(lambda: _export(as_of)) for _ in range(options.rounds)), strict=True)
    archive = folder / binders[0].file_name
    shutil.copy(blob_path(binders[0].archive_id), archive)
    _sidecar_of(archive).write_text(binders[0].sidecar)
    size = _unpack(archive, folder / "files")
    same = "the same bytes" if len({binder.archive_id for binder in binders}) == 1 else "NOT THE SAME BYTES"
    print(f"-- {n_traces:,} traces, {size / MIB:.0f} MiB, packed {archive.stat().st_size / MIB:.0f} MiB")
    report = partial(_print_rate, n_traces=n_traces, size=size)
    report("export", sorted(spent)[len(spent) // 2], note=f"{options.rounds} rounds, {same}")
    report("  of it, the log", _check_rows(as_of), note="rows compared with what binds them")
    report("zip", _run(["zip", "-q", "-r", str(folder / "peer.zip"), "."], cwd=folder / "files"))
    report("sha256sum", _run(["sha256sum", *_files(folder)], cwd=folder))
    _verify(folder, archive, report)
    print(f"export holds          {_peak(lambda: _export(as_of)) / MIB:>8.1f} MiB at most, of Python's")
    if options.profile:
        _profile(lambda: _export(as_of))


def _export(as_of: datetime) -> Any:
    from evidence.models import Release, System  # noqa: PLC0415  # after django.setup()
    from evidence.selectors.binder.scope import AskedScope  # noqa: PLC0415
    from evidence.services import binders  # noqa: PLC0415

    asked = AskedScope(
        system=System.objects.get(),
        release=Release.objects.get(),
        period_from=as_of - timedelta(days=1),
        period_to=as_of + timedelta(days=1),
        as_of=as_of,
    )
    return binders.export_binder(principal=_principal(), asked=asked)


def _check_rows(as_of: datetime) -> _Spent:
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


def _files(folder: Path) -> list[str]:
    return [str(path) for path in sorted((folder / "files").rglob("*")) if path.is_file()]


def _verify(folder: Path, archive: Path, report: Callable[..., None]) -> None:
    from evidence.services.keys.trust import describe_trust  # noqa: PLC0415  # after django.setup()
    from tracebinder.verify import load_trust, verify_binder  # noqa: PLC0415

    trust = folder / "trust.json"
    trust.write_text(json.dumps(describe_trust()))
    report("verify integrity", _timed(lambda: _check_integrity(archive))[0])
    spent, found = _timed(
        lambda: verify_binder(archive, trust=load_trust(trust), sidecar=_sidecar_of(archive))
    )
    report("verify, Python", spent, note=f"exit code {found.exit_code}")
    node = shutil.which("node")
    if node is not None:
        report(
            "verify, JavaScript", _run([node, str(VERIFIER), str(archive), "--trust", str(trust)], cwd=folder)
        )


def _sidecar_of(archive: Path) -> Path:
    """Return where the signature over a ZIP is looked for."""
    return archive.with_name(f"{archive.name}.intoto.jsonl")


def _check_integrity(archive: Path) -> None:
    from tracebinder.verify.bag import check_bag  # noqa: PLC0415
    from tracebinder.verify.container import Limits, open_container  # noqa: PLC0415

    with open_container(archive, Limits()) as container:
        check_bag(container)


@dataclass(frozen=True, slots=True, order=True)
class _Spent:
    """What something took, in seconds: of the clock, and of this process's CPU with that of the programs it ran."""

    wall: float
    cpu: float


def _run(command: list[str], *, cwd: Path) -> _Spent:
    """Return what a program takes, the start of its process included."""
    if shutil.which(command[0]) is None:
        raise SystemExit(f"{command[0]} is not here: install it (apt install {command[0]})")
    return _timed(lambda: subprocess.run(command, cwd=cwd, check=True, capture_output=True))[0]


def _timed(work: Callable[[], Any]) -> tuple[_Spent, Any]:
    began, cpu = time.perf_counter(), _cpu()
    result = work()
    return _Spent(time.perf_counter() - began, _cpu() - cpu), result


def _cpu() -> float:
    return sum(os.times()[:4])


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


def _print_rate(name: str, spent: _Spent, *, n_traces: int, size: int, note: str = "") -> None:
    of_cpu = f"{spent.cpu / n_traces * 1000:>6.2f} ms of CPU a trace"
    rates = f"{n_traces / spent.wall:>10,.0f} traces/s {size / MIB / spent.wall:>8,.1f} MiB/s"
    print(f"{name:<20}{rates} {of_cpu}  {note}")


if __name__ == "__main__":
    sys.exit(main())
