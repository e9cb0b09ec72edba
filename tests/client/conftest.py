"""An honest binder, built once, and a trust file that trusts its signer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.client.binders import NOW, Built, build, trust_document
from tracebinder.verify import Report, Trust, verify_binder
from tracebinder.verify.trust import parse_trust

Verify = Callable[..., Report]


@pytest.fixture(scope="session")
def honest() -> Built:
    return build()


@pytest.fixture(scope="session")
def trust() -> Trust:
    return parse_trust(json.dumps(trust_document()).encode())


@pytest.fixture
def verify(tmp_path: Path, trust: Trust) -> Verify:
    """Verify the bytes of a ZIP with the usual trust file, or with another."""

    def run(archive: bytes, *, sidecar: bytes | None = None, **changes: object) -> Report:
        path = tmp_path / "binder.zip"
        path.write_bytes(archive)
        beside = None
        if sidecar is not None:
            beside = tmp_path / "binder.zip.intoto.jsonl"
            beside.write_bytes(sidecar)
        used = parse_trust(json.dumps(trust_document(**changes)).encode()) if changes else trust
        return verify_binder(path, trust=used, sidecar=beside, now=NOW)

    return run
