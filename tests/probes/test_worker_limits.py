"""What a worker's settings do to torch itself."""

from __future__ import annotations

import pytest
import torch

from interpret.ceiling import memory_ceiling
from interpret.errors import OutOfMemory
from interpret.probes.session import ModelSession
from tests.interpret.test_ceiling import MUCH, data_held


def test_a_tensor_above_the_ceiling_is_refused_by_name() -> None:
    with (
        pytest.raises(OutOfMemory, match="TRACEBINDER_PROBE_MEMORY"),
        memory_ceiling(data_held() + 128),
    ):
        torch.ones(MUCH, dtype=torch.uint8)
    assert torch.ones(MUCH, dtype=torch.uint8).numel() == MUCH


def test_a_session_sums_with_as_many_threads_as_it_is_told() -> None:
    before = torch.get_num_threads()
    try:
        ModelSession(threads=before + 1)
        assert torch.get_num_threads() == before + 1
        ModelSession()
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
