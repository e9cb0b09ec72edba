"""Verifying a binder on the server: the verifier that auditors run, in a process of its own, for a time that ends.

The server verifies what it wrote itself, by its own words about its keys. So it shows that a file is whole and agrees
with the record; that the server is honest is shown elsewhere, by whoever holds keys that it did not hand out.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from evidence import acts, clock
from evidence.access import Principal
from evidence.errors import NotVerifiedHere
from evidence.models import Binder
from evidence.services.blobs import blob_store, check_blob
from evidence.services.keys.trust import describe_trust
from evidence.worded import worded

_VERIFIER: Final = "tracebinder"
_VERDICTS: Final = range(5)  # exit codes that come with a report
_ONE_AT_A_TIME: Final = threading.Lock()  # in this process


@dataclass(frozen=True, slots=True)
class CheckedLine:
    """One question that was asked of the binder, and its answer, in the verifier's words."""

    name: str
    state: str  # ok, failed, not present, not checked
    detail: str


@dataclass(frozen=True, slots=True)
class CheckedBinder:
    """What the verifier said."""

    exit_code: (
        int  # of the command: 0 verified, 1 failed, 2 malformed, 3 trust policy not met, 4 newer format
    )
    digest: str  # of the ZIP as it was read
    lines: Sequence[CheckedLine]
    problems: Sequence[str]
    non_claims: Sequence[str]
    at: datetime
    seconds: float


def check_binder_here(*, principal: Principal, binder: Binder) -> CheckedBinder:
    """Verify an exported binder and its sidecar by the keys of this server. Nothing is stored.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_read_binder` does.
        NotVerifiedHere: it is too large, takes too long, or another one is being verified.
        BlobErased, BlobMissing, DigestMismatch, BlobStoreAway: its bytes cannot be had.
    """
    acts.check_can_read_binder(principal, binder)
    if find_spec(_VERIFIER) is None:
        raise NotVerifiedHere(
            worded("The verifier is not installed beside this server: verify the binder offline.")
        )
    if binder.archive.size > settings.VERIFY_HERE_BYTES:
        raise NotVerifiedHere(
            worded(
                "It has %(size)s bytes, and at most %(most)s are verified here: verify it offline.",
                size=binder.archive.size,
                most=settings.VERIFY_HERE_BYTES,
            )
        )
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise NotVerifiedHere(
            worded("Another binder is being verified: ask again in a moment, or verify it offline.")
        )
    try:
        return _check(binder)
    finally:
        _ONE_AT_A_TIME.release()


def offline_command(binder: Binder) -> str:
    """Return what to run where the three files lie, to verify this very binder without the server."""
    name = shlex.quote(binder.file_name)
    line = shlex.quote(f"{binder.archive_id}  {binder.file_name}")
    return f"echo {line} | sha256sum --check && tracebinder verify {name} --trust trust.json"


def _check(binder: Binder) -> CheckedBinder:
    began, at = time.monotonic(), clock.now()
    with blob_store():
        archive = check_blob(binder.archive_id)
    with tempfile.TemporaryDirectory(prefix="tracebinder-verify-") as folder:
        trust, sidecar = Path(folder) / "trust.json", Path(folder) / "binder.zip.intoto.jsonl"
        trust.write_text(json.dumps(describe_trust()), encoding="utf-8")
        sidecar.write_text(binder.sidecar, encoding="utf-8")
        report = _run(
            ["verify", str(archive), "--trust", str(trust), "--sidecar", str(sidecar), "--json"], folder
        )
    return CheckedBinder(
        exit_code=report["exitCode"],
        digest=report["zipSha256"],
        lines=[CheckedLine(line["name"], line["state"], line["detail"]) for line in report["lines"]],
        problems=[f"{each['member'] or 'the binder'}: {each['detail']}" for each in report["problems"]],
        non_claims=[str(each) for each in report["statement"].get("nonClaims", [])],
        at=at,
        seconds=time.monotonic() - began,
    )


def _run(arguments: list[str], folder: str) -> dict[str, Any]:
    """Run the verifier's command without the secrets of this process, and return its report."""
    try:
        done = subprocess.run(  # noqa: S603  # our own command, with paths of our own
            [sys.executable, "-m", _VERIFIER, *arguments], cwd=folder, env=_environment(), check=False,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=settings.VERIFY_HERE_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired as exc:
        raise NotVerifiedHere(
            worded(
                "It was not done after %(seconds)s seconds: verify it offline.",
                seconds=settings.VERIFY_HERE_SECONDS,
            )
        ) from exc
    if done.returncode not in _VERDICTS:
        raise NotVerifiedHere(worded("The verifier ended without a report: verify the binder offline."))
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError as exc:
        raise NotVerifiedHere(
            worded("The verifier ended without a report: verify the binder offline.")
        ) from exc
    return report


def _environment() -> dict[str, str]:
    """Return where the verifier is found, and nothing else of this process."""
    found = find_spec(_VERIFIER)
    places = [str(Path(found.origin).parent.parent)] if found and found.origin else []
    return {
        "PYTHONPATH": os.pathsep.join(places),
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONUTF8": "1",
    }
