"""An honest binder, built once, a trust file that trusts its signer, and both verifiers behind one question."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.client.binders import NOW, Built, build, trust_document
from tests.client.both import verify_with_both
from tracebinder.verify import Report

Verify = Callable[..., Report]


@pytest.fixture(scope="session")
def honest() -> Built:
    return build()


@pytest.fixture
def verify(tmp_path: Path) -> Verify:
    """Verify the bytes of a ZIP with the usual trust file, or with another; both verifiers, which must agree."""

    def run(archive: bytes, *, sidecar: bytes | None = None, **changes: object) -> Report:
        path = tmp_path / "binder.zip"
        path.write_bytes(archive)
        beside = None
        if sidecar is not None:
            beside = tmp_path / "binder.zip.intoto.jsonl"
            beside.write_bytes(sidecar)
        return verify_with_both(path, trust=trust_document(**changes), sidecar=beside, now=NOW)

    return run
