"""Checks the audit log of a stack on request, decides its gate, and replays: one line in, one line of JSON out.

A process of its own, because the tests' process has the settings of another database.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import django

SYSTEM, RELEASE = "faults", "2025.11"  # of the load
FEW = {"evidence.GateDecision", "requirements.Assessment"}  # all are replayed each time; of the others
NEWEST = 300
TRIES = 600  # looks at a log that its worker is writing to


def main() -> None:
    """Answer each line of standard input."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    what = {"check": inspect_log, "decide": decide_gate, "replay": replay_all}
    for line in sys.stdin:
        sys.stdout.write(json.dumps(what[line.strip()]()) + "\n")
        sys.stdout.flush()


def inspect_log() -> dict[str, object]:
    """Wait until the log worker has sequenced what is on record, check everything, and say what was found."""
    from django.db import close_old_connections

    from evidence.services.log.checking import check_log

    close_old_connections()
    for _ in range(TRIES):
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


def decide_gate() -> dict[str, object]:
    """Decide the gate of the one release of the load, over all its traces; it is set up before the first time.

    Asked again while the database comes back, as the client asks again.
    """
    from django.db import connection

    from evidence.database_errors import passes
    from evidence.errors import ClockSetBack

    for _ in range(TRIES):
        try:
            return {"outcome": _decide()}
        except ClockSetBack:
            return {"outcome": "the clock was set back"}
        except Exception as exc:
            if not passes(exc):
                raise
            connection.close()
            time.sleep(0.1)
    raise TimeoutError("the database does not come back")


def _decide() -> str:
    from django.db import close_old_connections

    from evidence.models import Artefact, System
    from evidence.services import gates
    from evidence.services.registry import find_release
    from tests.factories import acting

    close_old_connections()
    system = System.objects.get(key=SYSTEM)
    if not Artefact.objects.filter(system=system, kind="gate").exists():
        _set_up_gate(system)
    release = find_release(system, RELEASE)
    decision = gates.decide_gate(principal=acting("token:ci"), system=system, gate="release", release=release)
    return str(decision.verdict)


def _set_up_gate(system: Any) -> None:
    from evidence.services import gates
    from requirements.services.requirements import import_requirements
    from tests.factories import acting, define_gate, manifest, register_release
    from tests.requirements.builders import approve, requirement_file

    register_release(system, manifest(name=RELEASE))
    imported = import_requirements(
        system=system, source=requirement_file(min_n=1), file_name="r.yaml", principal=acting("user:ana")
    )
    approve(imported.requirements[0].version)
    define_gate(
        system=system,
        key="release",
        principal=acting(),
        references=[gates.CriterionReference(requirement="r")],
    )


def replay_all() -> dict[str, object]:
    """Replay every verdict there is, and say which came out otherwise."""
    from django.apps import apps
    from django.db import close_old_connections

    from config.replay import REPLAYERS, replayer_of

    close_old_connections()
    differing, count = [], 0
    for kind in sorted(set(REPLAYERS) - {"interpret.Finding"}):
        replayer = replayer_of(kind)
        rows = apps.get_model(kind)._default_manager.order_by("-pk")
        for row in rows if kind in FEW else rows[:NEWEST]:
            replayed, count = replayer(row), count + 1
            if not replayed.agrees:
                differing.append(replayed.explain())
    return {"differing": differing, "replayed": count}


if __name__ == "__main__":
    main()
