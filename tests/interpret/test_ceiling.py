"""A measurement that takes too much memory ends by itself, with what to do, and not with its worker."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pytest

from evidence.models import AuditEvent
from interpret.ceiling import memory_ceiling
from interpret.errors import OutOfMemory
from interpret.models import Finding, ProbeRun
from interpret.services.queueing import queue_probe_run
from interpret.tasks import run_probe
from tests.factories import World, acting
from tests.interpret.conftest import StandInProbe

MIB = 2**20
MUCH = 512 * MIB  # bytes


def data_held() -> int:
    """MiB of data that this process holds."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmData"))


def allocate() -> Any:
    return len(bytearray(MUCH))


@pytest.mark.usefixtures("sent")
def test_a_run_that_takes_too_much_fails_and_keeps_the_reason_and_its_worker_measures_on(
    world: World, probe: StandInProbe, settings: Any
) -> None:
    settings.PROBE_MEMORY = data_held() + 128
    limit, measured = resource.getrlimit(resource.RLIMIT_DATA), probe.result
    probe.result = allocate
    run = queue_probe_run(release=world.release, probe="induction.heads", principal=acting())
    with pytest.raises(OutOfMemory):
        run_probe(run.pk)
    failed = ProbeRun.objects.get(pk=run.pk)
    assert failed.state == ProbeRun.State.FAILED
    assert failed.error.startswith("out_of_memory: it takes more than the ")
    assert "TRACEBINDER_PROBE_MEMORY" in failed.error
    assert AuditEvent.objects.filter(verb="probe_run.failed", object_id=str(run.pk)).exists()
    assert not Finding.objects.exists()
    assert resource.getrlimit(resource.RLIMIT_DATA) == limit
    probe.result = measured
    again = queue_probe_run(release=world.release, probe="induction.heads", principal=acting())
    run_probe(again.pk)
    assert ProbeRun.objects.get(pk=again.pk).state == ProbeRun.State.DONE


@pytest.mark.parametrize(
    "said",
    [
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 536870912 bytes",
        "[enforce fail at alloc_cpu.cpp:75] . DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes.",
    ],
)
def test_what_torch_says_of_no_room_is_no_fault_of_ours(said: str) -> None:
    with pytest.raises(OutOfMemory, match="the worker's machine has too little memory"), memory_ceiling(0):
        raise RuntimeError(said)


@pytest.mark.parametrize(
    "said",
    [
        "CUDA out of memory. Tried to allocate 2.00 GiB",
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ],
)
def test_no_room_on_a_device_is_not_said_of_the_machine(said: str) -> None:
    for ceiling in (0, data_held() + 128):
        with (
            pytest.raises(OutOfMemory, match="the device that TRACEBINDER_PROBE_DEVICE"),
            memory_ceiling(ceiling),
        ):
            raise RuntimeError(said)


def test_what_else_goes_wrong_below_a_ceiling_is_said_as_it_is() -> None:
    limit = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(RuntimeError, match="sizes differ"), memory_ceiling(data_held() + 128):
        raise RuntimeError("sizes differ")
    assert resource.getrlimit(resource.RLIMIT_DATA) == limit
