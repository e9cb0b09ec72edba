"""Kill anything, at any moment, under load: nothing acknowledged is lost, nothing is there twice, all of it adds up.

`make soak` runs the long one: TRACEBINDER_SOAK_ROUNDS (50) faults, chosen by TRACEBINDER_SOAK_SEED (the clock).
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.faults.checks import checking
from tests.faults.faults import FAULTS, faults_of
from tests.faults.load import Load
from tests.faults.stack import Stack, running_stack
from tests.faults.surroundings import clock_that_can_be_set, small_disk

# The embedded servers outlive the handle they were started with; they are stopped by their own commands.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
UNTIL_FAULT = 0.5  # seconds of load before a fault, at most
UNTIL_FAULT_LONG = 2.0  # likewise, in the long one
SHORT = ("web worker killed", "worker killed", "PostgreSQL backend killed", "postmaster killed")


def test_nothing_acknowledged_is_lost(stack: Stack) -> None:
    chance = Random(1)
    load = Load(stack, seed=1)
    with checking(stack) as checks, load:
        for name in SHORT:
            load.wait_for_progress()
            time.sleep(chance.uniform(0, UNTIL_FAULT))
            FAULTS[name](stack, chance)
            load.wait_for_progress()
            load.pause()
            checks.check_spans()
            load.go_on()
        load.pause()
        checks.check_traces()
        checks.check_spans()
        checks.check_log()
    assert load.broken_promises == []


@pytest.mark.soak
def test_nothing_acknowledged_is_lost_in_many_rounds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds = int(os.environ.get("TRACEBINDER_SOAK_ROUNDS", "50"))
    seed = int(os.environ.get("TRACEBINDER_SOAK_SEED", str(int(time.time()))))
    chance, started = Random(seed), time.monotonic()
    outcomes: Counter[str] = Counter()

    def say(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"{time.monotonic() - started:7.1f} s  {text}\n")
            sys.stdout.flush()

    say(f"{rounds} rounds, TRACEBINDER_SOAK_SEED={seed}")
    with (
        small_disk(tmp_path / "disk") as folder,
        clock_that_can_be_set(tmp_path) as clock,
        running_stack(folder, clock) as stack,
        checking(stack) as checks,
    ):
        if left_out := FAULTS.keys() - set(faults_of(stack)):
            say(
                f"not on this machine: {', '.join(sorted(left_out))} (needs root to mount, a C compiler for the clock)"
            )
        load = Load(stack, seed=seed)
        with load:
            for number, name in enumerate(_plan(faults_of(stack), rounds, chance), 1):
                load.wait_for_progress()
                time.sleep(chance.uniform(0, UNTIL_FAULT_LONG))
                FAULTS[name](stack, chance)
                load.wait_for_progress()
                outcomes[checks.decide()] += 1
                load.pause()
                checks.check_traces()
                checks.check_spans()
                leaves, replayed = checks.check_log(), checks.check_replays()
                say(
                    f"round {number}: {name}: {len(stack.acknowledged)} spans acknowledged, {leaves} leaves, "
                    f"{replayed} replayed the same"
                )
                load.go_on()
        assert load.broken_promises == []
        n_traces, n_revisions = checks.count_revisions()
    say(
        f"{rounds} rounds: {len(stack.acknowledged)} spans acknowledged, 0 lost, 0 twice; {n_traces} traces in "
        f"{n_revisions} revisions; gate decisions: {dict(outcomes)}; "
        f"requests: {dict(load.answers)}; ended by themselves: {dict(stack.restarts)}"
    )


def _plan(faults: list[str], rounds: int, chance: Random) -> list[str]:
    """Return that many faults by name: each kind as often as any other, in any order."""
    names: list[str] = []
    while len(names) < rounds:
        names += chance.sample(faults, len(faults))
    return names[:rounds]
