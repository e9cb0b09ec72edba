"""The worker that `bench.assembly` measures: assembles all that is due, as the task does, and says what it cost.

It is run by its path, in the checkout whose code is to be measured, and so reads nothing of the one it lies in.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main(postgres_pid: int) -> None:
    """Assemble until nothing waits, and print the cost as JSON."""
    import django  # noqa: PLC0415  # its settings read this process's environment

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.conf import settings  # noqa: PLC0415

    from bench.processes import measure_tree  # noqa: PLC0415
    from evidence.models import PendingTrace  # noqa: PLC0415
    from evidence.services.assembly import assemble_backlog  # noqa: PLC0415
    from evidence.time_budget import TimeBudget  # noqa: PLC0415

    time.sleep(settings.ASSEMBLY_QUIET)  # until the last trace has gone quiet
    n_traces = PendingTrace.objects.count()
    before, postgres, started = measure_tree(os.getpid()), measure_tree(postgres_pid), time.monotonic()
    while PendingTrace.objects.exists():
        assemble_backlog(TimeBudget.of(settings.ASSEMBLY_BUDGET), limit=settings.ASSEMBLY_BATCH)
    seconds, after = time.monotonic() - started, measure_tree(os.getpid())
    print(
        json.dumps(
            {
                "traces": n_traces,
                "seconds": seconds,
                "worker_cpu_seconds": after.cpu_seconds - before.cpu_seconds,
                "postgres_cpu_seconds": measure_tree(postgres_pid).cpu_seconds - postgres.cpu_seconds,
                "resident_mb": after.resident_bytes // 1_000_000,
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
