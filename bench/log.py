"""Measure the audit log: leaves sequenced a second, time to sign, and proof latency at two sizes.

    python -m bench.log [--sizes 10000 200000] [--without-check]

Runs on a PostgreSQL of its own below a temporary folder. Proof latency at the larger size should be about that at
the smaller one: a proof reads as many tiles as the tree has tile levels, not as it has leaves.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.server import own_database

EVENTS = """
INSERT INTO evidence_auditevent (event_uuid, actor, verb, object_type, object_id, object_digest,
                                 payload_commitment, entry, occurred_at)
SELECT gen_random_uuid(), 'system:bench', 'thing.done', 'evidence.Trace', n::text,
       encode(sha256(n::text::bytea), 'hex'), encode(sha256(n::text::bytea), 'hex'),
       convert_to(format('{"actor":"system:bench","n":%%s,"pad":"%%s"}', n, repeat('x', 280)), 'UTF8'), now()
FROM generate_series(%s::bigint + 1, %s::bigint) AS n
"""


def main() -> int:
    """Build the log up to each size and print one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 200_000])
    parser.add_argument("--without-check", action="store_true", help="leave verify_log out")
    arguments = parser.parse_args()
    with own_database():
        size = 0
        for target in sorted(arguments.sizes):
            _measure(size, target, checks=not arguments.without_check)
            size = target
    return 0


def _measure(old: int, new: int, *, checks: bool) -> None:
    from django.db import connection  # noqa: PLC0415  # after django.setup()

    from evidence.models import AuditEvent, Checkpoint  # noqa: PLC0415
    from evidence.selectors import log_proofs as stored  # noqa: PLC0415
    from evidence.services import log  # noqa: PLC0415
    from evidence.services.log import check_log  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(EVENTS, [old, new])
        cursor.execute("ANALYZE evidence_auditevent")
    print(f"-- {new:,} leaves")
    seconds = _time(lambda: _drain(log.sequence_events))
    print(f"sequence          {(new - old) / seconds:>10,.0f} leaves/s")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE evidence_leaf")
    seconds = _time(log.sign_checkpoint)
    print(f"check and sign    {(new - old) / seconds:>10,.0f} leaves/s")
    print(f"idle sequencing   {1e3 * _time(log.sequence_events):>10.1f} ms")
    print(f"full search       {1e3 * _time(lambda: log.sequence_events(full_search=True)):>10.1f} ms")
    chooser = random.Random(1)
    events = [AuditEvent.objects.get(leaf__seq=chooser.randrange(new)) for _ in range(300)]
    _print_latency("inclusion proof", [partial(stored.prove_event_inclusion, event) for event in events])
    signed = list(Checkpoint.objects.order_by("size").values_list("size", flat=True))
    prove = partial(stored.prove_checkpoints_consistent, old_size=signed[0], new_size=signed[-1])
    _print_latency("consistency proof", [prove] * 300)
    if not checks:
        return
    seconds = _time(check_log)
    print(f"verify_log        {new / seconds:>10,.0f} leaves/s")


def _drain(step: Callable[[], int]) -> None:
    while step():
        pass


def _time(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _print_latency(name: str, work: Sequence[Callable[[], object]]) -> None:
    """Print how long each takes, and what it costs of a processor: that says more where others keep it busy."""
    before = _cpu_seconds()
    seconds = [_time(one) for one in work]
    cpu = (_cpu_seconds() - before) / len(work)
    cuts = statistics.quantiles(seconds, n=100)
    print(
        f"{name:<18}p50 {1e3 * statistics.median(seconds):>6.2f} ms   p99 {1e3 * cuts[98]:>6.2f} ms   "
        f"CPU {1e3 * cpu:>6.2f} ms"
    )


def _cpu_seconds() -> float:
    """Return the CPU time of this process and of the process of PostgreSQL that answers it (Linux)."""
    from django.db import connection  # noqa: PLC0415  # after django.setup()

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone() or (0,)
    return time.process_time() + int(Path(f"/proc/{backend}/schedstat").read_text().split()[0]) / 1e9


if __name__ == "__main__":
    sys.exit(main())
