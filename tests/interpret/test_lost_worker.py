"""A worker that is killed in the middle of a part: real processes, and the lease that PostgreSQL keeps."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from interpret.models import Finding, ProbeRun
from interpret.services.queueing import queue_probe_run
from tests.factories import World, acting
from tests.faults.stack import wait_until

pytestmark = [pytest.mark.usefixtures("sent"), pytest.mark.django_db(transaction=True)]
LEASE = 2  # seconds


def start_worker(run: ProbeRun, folder: Path) -> subprocess.Popen[bytes]:
    """Start a process that works on the run, in the database of this test."""
    command = [sys.executable, "-m", "tests.interpret.part_worker", str(run.pk), str(folder)]
    environment = {**os.environ, "TRACEBINDER_PROBE_LEASE": str(LEASE)}
    database = str(connection.settings_dict["NAME"])
    return subprocess.Popen(
        [*command, database], cwd=settings.BASE_DIR, env=environment, stderr=subprocess.PIPE
    )


def test_what_a_killed_worker_had_in_hand_is_measured_again_and_nothing_else(
    world: World, tmp_path: Path
) -> None:
    run = queue_probe_run(release=world.release, probe="induction.heads", principal=acting())
    begun = tmp_path / "begun"
    with start_worker(run, tmp_path) as lost:
        wait_until(lambda: begun.exists() and "slow" in begun.read_text(), "the part is not begun")
        lost.kill()
    (tmp_path / "go").touch()
    wait_until(lambda: not run.parts.filter(lease_until__gte=timezone.now()).exists(), "it is held for ever")
    with start_worker(run, tmp_path) as other:
        _, said = other.communicate(timeout=60)
        assert other.returncode == 0, said.decode()
    assert begun.read_text().split() == ["first", "slow", "slow", "last"]
    assert ProbeRun.objects.get(pk=run.pk).state == ProbeRun.State.DONE
    assert dict(run.parts.values_list("part", "attempts")) == {"first": 1, "slow": 2, "last": 1, "": 1}
    assert Finding.objects.count() == 1
