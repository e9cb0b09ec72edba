"""Both verifiers asked the same: what one says of a binder, the other must say, line by line."""

from __future__ import annotations

import atexit
import base64
import json
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from tracebinder.verify import Report, verify_binder
from tracebinder.verify.container import Limits
from tracebinder.verify.trust import parse_trust

ANSWERER: Final = Path(__file__).parent / "answer.js"
NO_NODE: Final = (
    "Node 20 or newer is not here: without it (apt install nodejs) the second verifier is not asked."
)


class JavaScriptVerifier:
    """The verifier in JavaScript, in a Node process of its own that answers until it is closed."""

    def __init__(self, node: str) -> None:
        self._process = subprocess.Popen(
            [node, str(ANSWERER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def ask(self, question: Mapping[str, object]) -> Any:
        """Return what it answers; one line for one line."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@cache
def javascript() -> JavaScriptVerifier | None:
    """Return the process that this session asks; None where there is no Node."""
    node = shutil.which("node")
    if node is None:
        return None
    verifier = JavaScriptVerifier(node)
    atexit.register(verifier.close)
    return verifier


def verify_with_both(
    path: Path,
    *,
    trust: Mapping[str, object] | bytes,
    sidecar: Path | None = None,
    now: datetime | None = None,
    limits: Limits | None = None,
) -> Report:
    """Verify a binder twice and return the report of the verifier in Python, once the other has said the same.

    Where there is no Node, one is all there is; `test_verify_js.py` says so.
    """
    policy = trust if isinstance(trust, bytes) else json.dumps(trust).encode()
    moment = now or datetime.now(UTC)
    asked = parse_trust(policy)
    report = verify_binder(path, trust=asked, sidecar=sidecar, now=moment, limits=limits)
    other = javascript()
    if other is not None:
        question = question_about(path, policy, sidecar=sidecar, now=moment, limits=limits)
        compared = report
        if b"timestampAuthorities" in policy:
            with time_stamps_unchecked():
                compared = verify_binder(path, trust=asked, sidecar=sidecar, now=moment, limits=limits)
        ours, theirs = answers_of(compared.as_dict()), answers_of(other.ask(question))
        assert ours == theirs, f"Python: {ours}\nJavaScript: {theirs}"
    return report


def time_stamps_unchecked() -> AbstractContextManager[object]:
    """Take from the verifier in Python what checks time-stamps, as where it is not installed.

    The one in JavaScript reads no CMS and never checks one: only so may they be compared.
    """
    return patch("tracebinder.verify.logged.can_check", return_value=False)


def question_about(
    path: Path, policy: bytes, *, sidecar: Path | None, now: datetime, limits: Limits | None = None
) -> dict[str, object]:
    """Return what `answer.js` is asked."""
    return {
        "binder": str(path),
        "trust": base64.b64encode(policy).decode(),
        "sidecar": str(sidecar) if sidecar is not None else None,
        "now": now.isoformat(),
        "limits": asdict(limits or Limits()),
    }


def answers_of(report: Mapping[str, Any]) -> dict[str, object]:
    """Return what two verifiers must agree on: all but the words in which a problem is told."""
    assert "crashed" not in report, report["crashed"]
    return {
        "exit code": report["exitCode"],
        "verified": report["verified"],
        "binder": (report["binderId"], report["zipSha256"]),
        "statement": report["statement"],
        "lines": [
            (line["name"], line["state"], "" if line["state"] == "failed" else _told(line["detail"]))
            for line in report["lines"]
        ],
        "problems": [(each["line"], each["member"], each["exitCode"]) for each in report["problems"]],
    }


def _told(detail: str) -> str:
    """Return a line's detail without what would check a time-stamp: that is advice, another for each verifier."""
    told, unchecked, _ = detail.partition("; a time-stamp is present, not checked: ")
    return told + unchecked
