"""What it costs to judge a criterion over many traces, in time and memory, beside one aggregate over all of them.

    python -m bench.population [--traces 1000000] [--rounds 3]

In a folder of its own with its own PostgreSQL. Each measurement has a connection of its own, so that the peak memory of
its backend is told apart; that of this process is reset before each. Linux only.

- aggregate: as it was, all lines as one text in PostgreSQL (`string_agg`), which refuses it beyond 1 GB
- summed: as it is, four sums of hashes, whatever the number of rows (`requirements/checks/population.py`)

At the end, what a kept moment of the clock takes on disk (docs/decisions/0017-one-clock.md).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

from bench.server import make_token, own_database

MOMENTS: Final = 200_000
RELEASE: Final = """
INSERT INTO evidence_release (system_id, name, digest, created_at, created_by)
SELECT min(id), 'r1', repeat('0', 64), now(), 'user:bench' FROM evidence_system"""
# {system} and {release} may look at n, the number of the trace.
TRACES: Final = """
INSERT INTO evidence_trace (system_id, release_id, trace_id, revision, digest, status, name, root_span_id, environment,
    started_at, ended_at, span_count, question, answer, language, risk_tier, confidence_factors, limitations, flags,
    assembler_version, sealed_at)
SELECT {system}, {release}, md5('trace' || n)::uuid, 1,
    repeat(md5(n::text), 2), 'complete', 'invoke_agent', '0000000000000001', 'prod', now(), now(), 1, 'q',
    repeat('a', 200), 'en', 'low', '[]', '[]', '[]', 'bench', now()
FROM generate_series(1, {traces}) AS n"""
FACTS: Final = """
INSERT INTO evidence_tracefacts (trace_id, has_prompt, has_sources, has_tools, has_confidence, has_limitations,
    has_model_version, has_prompt_version, has_index_version, n_claims, n_material, n_material_cited,
    n_material_supported, n_citations, n_citations_found, n_policy_checks, n_policy_denied, n_policy_escalated,
    n_unregistered_versions)
SELECT id, true, true, true, id % 10 > 0, true, true, true, true, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM evidence_trace"""
CHECK: Final = "answers.confidence_and_limits"
PARAMETERS: Final = {"parts": ["confidence", "limitations"], "risk_tiers": ["low"]}


def main() -> int:
    """Fill a database, measure both ways and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("--traces", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with own_database() as folder:
        make_token(folder, "bench")
        _execute(RELEASE)
        own = {
            "system": "(SELECT min(id) FROM evidence_system)",
            "release": "(SELECT min(id) FROM evidence_release)",
        }
        _execute(TRACES.format(**own, traces=options.traces))
        _execute(FACTS)
        _execute("VACUUM ANALYZE")
        _compare(options.rounds)
        _print_moments()
    return 0


def _compare(rounds: int) -> None:
    seen: dict[str, list[tuple[float, int, int]]] = {"aggregate": [], "summed": []}
    digests: dict[str, set[str]] = {name: set() for name in seen}
    for _ in range(rounds):
        for name, measure in (("aggregate", _by_aggregate), ("summed", _by_sums)):
            figures, digest = _measure(measure)
            seen[name].append(figures)
            digests[name].add(digest)
    print(
        f"digests of each round: {'the same' if all(len(each) == 1 for each in digests.values()) else 'NOT THE SAME'}"
    )
    for name, each in seen.items():
        seconds, backend, worker = (median(values) for values in zip(*each, strict=True))
        print(f"{name:<10} {seconds:>7.2f} s   backend {backend:>6.0f} MiB   worker {worker:>6.0f} MiB")


def _by_sums() -> str:
    from evidence import clock  # noqa: PLC0415  # after django.setup()
    from evidence.models import Release  # noqa: PLC0415
    from requirements.checks import Population, get_check  # noqa: PLC0415

    release = Release.objects.get()
    population = Population(release.system_id, release.pk, clock.read_moment(), None, {})
    measured = get_check(CHECK).measure(population, PARAMETERS, 0.95)
    observations = measured.inputs["observations"]
    assert isinstance(observations, dict)
    return str(observations["digest"])


def _by_aggregate() -> str:
    """Ask as it was asked: counts, times and the digest in one query."""
    from django.contrib.postgres.aggregates import StringAgg  # noqa: PLC0415  # after django.setup()
    from django.db.models import (  # noqa: PLC0415
        Case,
        CharField,
        Count,
        F,
        Func,
        Max,
        Min,
        Q,
        QuerySet,
        Value,
        When,
    )  # fmt: skip
    from django.db.models.functions import Concat  # noqa: PLC0415

    from evidence import clock  # noqa: PLC0415
    from evidence.models import Release, Trace  # noqa: PLC0415
    from requirements.checks import Population  # noqa: PLC0415
    from requirements.checks.population import admissible, traces_in  # noqa: PLC0415

    release = Release.objects.get()
    population = Population(release.system_id, release.pk, clock.read_moment(), None, {})
    hit = Q(facts__has_confidence=True, facts__has_limitations=True, fit=True)
    rows: QuerySet[Trace] = traces_in(population, PARAMETERS).annotate(fit=admissible(population))
    marked = rows.annotate(
        line=Concat(
            F("digest"), Value("/"), F("pk"), Case(When(hit, then=Value("+")), default=Value("-")),
            output_field=CharField(),
        )
    )  # fmt: skip
    text = StringAgg("line", delimiter=",", order_by=["digest", "pk"])
    as_bytes = Func(Func(text, Value("UTF8"), function="convert_to"), function="sha256")
    counted = marked.aggregate(
        n=Count("pk"),
        hits=Count("pk", filter=hit),
        unfit=Count("pk", filter=Q(fit=False)),
        first=Min("ended_at"),
        last=Max("ended_at"),
        digest=Func(as_bytes, Value("hex"), function="encode", output_field=CharField()),
    )
    return str(counted["digest"])


def _measure(work: Callable[[], str]) -> tuple[tuple[float, int, int], str]:
    """Return seconds, and the peaks of the backend and of this process in MiB, and what the work returned."""
    from django.db import connection  # noqa: PLC0415  # after django.setup()

    connection.close()
    connection.ensure_connection()
    assert connection.connection is not None
    backend = connection.connection.info.backend_pid
    Path("/proc/self/clear_refs").write_text("5")
    began = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - began
    return (seconds, _peak(backend), _peak(os.getpid())), result


def _peak(pid: int) -> int:
    """Return the most memory a process has held, in MiB, without what it shares with others."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith(" kB")}
    return (found["VmHWM"] - found["RssShmem"]) // 1024


def _print_moments() -> None:
    from django.db import connection  # noqa: PLC0415  # after django.setup()

    _execute(
        "INSERT INTO evidence_moment (at, before, running) SELECT now() + n * interval '1 s', n, ARRAY[n]::bigint[]"
        f" FROM generate_series(1, {MOMENTS}) AS n"
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size('evidence_moment') / count(*) FROM evidence_moment")
        (size,) = cursor.fetchone() or (0,)
    print(f"a moment takes {size} bytes with its indexes")


def _execute(statement: str) -> None:
    from django.db import connection  # noqa: PLC0415  # after django.setup()

    with connection.cursor() as cursor:
        cursor.execute(statement)


if __name__ == "__main__":
    sys.exit(main())
