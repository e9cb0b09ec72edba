"""One stack for the short fault tests: making it costs more than they do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.stack import Stack, running_stack


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        # By this `make coverage` measures other processes. One that is killed leaves no figures: it was only slower.
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        with running_stack(tmp_path_factory.mktemp("faults")) as stack:
            yield stack
