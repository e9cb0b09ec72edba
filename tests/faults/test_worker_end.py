"""A worker that met an error it cannot go on after ends, so that another can be started in its place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import redis

from config import embedded
from tests.faults.stack import wait_until

pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


def test_a_worker_that_failed_ends_though_a_process_of_its_pool_does_not(tmp_path: Path) -> None:
    embedded.start_valkey(tmp_path)
    address = embedded.read_plan(tmp_path).redis_url
    try:
        with redis.Redis.from_url(address) as broker:
            command = [sys.executable, "-m", "tests.faults.failing_worker", address, str(tmp_path)]
            with subprocess.Popen(command, start_new_session=True) as worker:
                try:
                    wait_until((tmp_path / "running").exists, "the task is not begun")
                    broker.config_set(
                        "min-replicas-to-write", 1
                    )  # it refuses to write, as when its disk is full
                    assert worker.wait(60) == 1
                finally:
                    worker.kill()
    finally:
        embedded.stop_valkey(tmp_path)
