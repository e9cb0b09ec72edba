"""A process that works on a probe run as a worker does: run by `test_lost_worker.py` with run, folder and database.

It writes the name of each part into the folder as it begins it, and the part `slow` does not end as long as the folder
has no file `go`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import django
from django.conf import settings

settings.DATABASES["default"]["NAME"] = sys.argv[3]
django.setup()

from interpret import registry  # noqa: E402  # Django first
from interpret.contracts import ProbeSpecification  # noqa: E402
from interpret.services.execution import execute_probe_run  # noqa: E402
from tests.interpret.conftest import StandInProbe, StandInSession  # noqa: E402

run_id, folder = int(sys.argv[1]), Path(sys.argv[2])


class SlowProbe(StandInProbe):
    """In three parts, one of which takes as long as it is let."""

    names = ("first", "slow", "last")

    def measure(self, specification: ProbeSpecification, models: Any, part: str) -> dict[str, Any]:
        """Note that the part is begun, and end once it may."""
        with (folder / "begun").open("a") as begun:
            begun.write(f"{part}\n")
        while part == "slow" and not (folder / "go").exists():
            time.sleep(0.02)
        return {}


vars(registry)["load"] = lambda _: SlowProbe()
vars(registry)["open_session"] = lambda *_: StandInSession()
execute_probe_run(run_id)
