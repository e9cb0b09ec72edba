"""An honest binder, built once, with both verifiers behind one question; a server that answers what it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.client.answering import TOKEN, Answering
from tests.client.binders import NOW, Built, build, trust_document
from tests.client.both import verify_with_both
from tracebinder import http as client_http
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


@pytest.fixture(autouse=True)
def _outside_a_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client asks the environment where it runs, and these tests may run in a CI."""
    for mark in ("GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "TF_BUILD", "CIRCLECI", "BUILDKITE"):
        monkeypatch.delenv(mark, raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    answering = Answering()
    answering.thread.start()
    monkeypatch.setenv("TRACEBINDER_URL", answering.url)
    monkeypatch.setenv("TRACEBINDER_TOKEN", TOKEN)
    monkeypatch.setattr(client_http, "_FIRST_PAUSE", 0.001)
    yield answering
    answering.stop()
