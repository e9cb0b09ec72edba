"""A report as SARIF 2.1.0 (OASIS), as GitHub's code scanning and others read it: a result for each thing in the way.

The rule of a result is the code of its reason, which never changes once released. What is not known is a `warning`;
what fails is an `error`. A result names the criterion as a logical location, and a line of the repository where a file
was given to point at: code scanning shows only results with one.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final
from urllib.parse import quote

from tracebinder import __version__
from tracebinder.reports.report import Finding, Place, Report, State

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL: Final = {State.FAIL: "error", State.OPEN: "warning"}


def sarif_json(report: Report, place: Place) -> bytes:
    """Return the file's bytes."""
    return json.dumps(sarif_log(report, place), ensure_ascii=False, indent=2).encode()


def sarif_log(report: Report, place: Place) -> dict[str, Any]:
    """Return the log of one run."""
    shown = report.in_the_way()
    codes = list(dict.fromkeys(finding.code for finding in shown))
    run = {
        "tool": {
            "driver": {
                "name": "tracebinder",
                "semanticVersion": __version__,
                "rules": [
                    {"id": code, "shortDescription": {"text": code.replace("_", " ")}} for code in codes
                ],
            }
        },
        "automationDetails": {"id": f"tracebinder/{report.command}/{report.subject}/"},
        "invocations": [{"executionSuccessful": True}],
        "columnKind": "unicodeCodePoints",
        "properties": {"verdict": report.verdict, **({"url": report.url} if report.url else {})},
        "results": [_result(finding, codes.index(finding.code), report, place) for finding in shown],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: Finding, rule: int, report: Report, place: Place) -> dict[str, Any]:
    location: dict[str, Any] = {
        "logicalLocations": [
            {"name": finding.name, "fullyQualifiedName": f"{finding.group}/{finding.name}", "kind": "member"}
        ]
    }
    file = finding.file or place.path
    if file:
        line = 1 if finding.file else place.line_of(finding)
        location["physicalLocation"] = {
            "artifactLocation": {"uri": quote(file.replace("\\", "/"))},
            "region": {"startLine": line},
        }
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVEL[finding.state],
        "message": {"text": f"{finding.name}: {finding.sentence()}"},
        "locations": [location],
        "partialFingerprints": {"tracebinder/1": fingerprint(report, finding)},
        **({"hostedViewerUri": report.url} if report.url else {}),
        "properties": {"group": finding.group, **finding.numbers},
    }


def fingerprint(report: Report, finding: Finding) -> str:
    """Return what is the same of a finding from run to run, so that a tool can tell a new one."""
    same = (report.command, report.subject, finding.group, finding.name, finding.code)
    return hashlib.sha256("\0".join(same).encode()).hexdigest()
