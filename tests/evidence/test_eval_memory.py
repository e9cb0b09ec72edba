"""A log of a gigabyte is read without being held: what stays in memory is a sample's name and scores."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.eval_logs import write_log
from bench.server import REPOSITORY

MOST = 300 * 2**20  # bytes


def read_apart(path: Path) -> dict[str, float]:
    """Read a log in a process of its own, and return what that took."""
    command = [sys.executable, "-m", "bench.evals", "--read", str(path)]
    done = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


@pytest.mark.soak
def test_a_log_of_a_gigabyte_takes_less_than_300_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "large.eval"
    write_log(path, 100_000, words=700)
    assert path.stat().st_size > 2**30
    found = read_apart(path)
    assert found["samples"] == 100_000
    assert found["peak"] < MOST
