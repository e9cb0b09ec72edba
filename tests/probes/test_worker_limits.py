"""What a worker's settings do to torch itself."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from interpret.ceiling import memory_ceiling
from interpret.errors import OutOfMemory
from interpret.models import Finding, ProbeRun
from interpret.probes.session import ModelSession
from interpret.services.queueing import queue_probe_run
from interpret.tasks import run_probe
from tests.factories import World, acting
from tests.interpret.conftest import StandInProbe, probe, sent
from tests.interpret.test_ceiling import MUCH, data_held

__all__ = ["probe", "sent"]


def test_a_tensor_above_the_ceiling_is_refused_by_name() -> None:
    with (
        pytest.raises(OutOfMemory, match="TRACEBINDER_PROBE_MEMORY"),
        memory_ceiling(data_held() + 128),
    ):
        torch.ones(MUCH, dtype=torch.uint8)
    assert torch.ones(MUCH, dtype=torch.uint8).numel() == MUCH


NO_ROOM = (
    torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has 1.00 GiB in all."),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:75] . DefaultCPUAllocator: not enough memory: you tried to allocate"
    ),
)


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize("raised", NO_ROOM, ids=["CUDA", "CPU"])
def test_a_run_without_room_wherever_it_is_measured_ends_as_one_above_the_ceiling(
    world: World, probe: StandInProbe, raised: RuntimeError
) -> None:
    def refuse(*_: Any) -> Any:
        raise raised

    vars(probe)["measure"] = refuse
    run = queue_probe_run(release=world.release, probe="induction.heads", principal=acting())
    with pytest.raises(OutOfMemory):
        run_probe(run.pk)
    run.refresh_from_db()
    assert run.state == ProbeRun.State.FAILED
    assert run.error.startswith("out_of_memory: the ")
    assert "too little memory: ask for fewer or shorter inputs or sequences" in run.error
    assert not Finding.objects.exists()


def test_the_error_of_a_device_is_known_by_its_class_too() -> None:
    with pytest.raises(OutOfMemory, match="the device"), memory_ceiling(0):
        raise torch.OutOfMemoryError("in words that nobody has heard yet")


def test_a_session_sums_with_as_many_threads_as_it_is_told() -> None:
    before = torch.get_num_threads()
    try:
        ModelSession(threads=before + 1)
        assert torch.get_num_threads() == before + 1
        ModelSession()
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
