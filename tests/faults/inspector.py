"""Checks the audit log of a stack on request: one line in, one line of JSON out.

A process of its own, because the tests' process has the settings of another database.
"""

from __future__ import annotations

import json
import os
import sys
import time

import django

TRIES = 100  # looks at a log that another process is writing to


def main() -> None:
    """Answer each line of standard input."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    for _ in sys.stdin:
        sys.stdout.write(json.dumps(inspect_log()) + "\n")
        sys.stdout.flush()


def inspect_log() -> dict[str, object]:
    """Sequence and sign what waits, check everything, and say what was found."""
    from django.db import close_old_connections

    from evidence.services import log
    from evidence.services.log.checking import check_log

    close_old_connections()
    for _ in range(TRIES):
        log.sequence_events(full_search=True)
        log.sign_checkpoint()
        report = check_log()
        if report.unsequenced == 0:
            break
        time.sleep(0.1)
    return {
        "faults": report.faults,
        "leaves": report.size,
        "unsequenced": report.unsequenced,
        "checkpoints": report.checkpoints,
    }


if __name__ == "__main__":
    main()
