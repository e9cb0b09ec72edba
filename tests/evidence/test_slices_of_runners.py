"""What a runner calls a group of samples becomes a slice that the database can hold, whatever stands in it."""

from __future__ import annotations

import pytest

from evidence.evals.slices import read_slice, slice_of_requirements


@pytest.mark.parametrize("sign", ["\x00", "\ud800"])
def test_signs_that_no_column_holds_are_written_as_a_line(sign: str) -> None:
    assert read_slice({"language": f"z{sign}h", f"to{sign}pic": "tax"}) == {
        "language": "z_h",
        "to_pic": "tax",
    }
    assert slice_of_requirements([f"REQ-1{sign}, REQ-2"]) == {
        "verifies:REQ-1_": "yes",
        "verifies:REQ-2": "yes",
    }


def test_a_requirement_keeps_its_name() -> None:
    assert slice_of_requirements(["REQ-1 needs=2"]) == {"verifies:REQ-1": "yes", "verifies:needs=2": "yes"}
