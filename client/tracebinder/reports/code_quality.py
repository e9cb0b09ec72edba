"""A report as GitLab reads code quality: what is in the way, each on a line of a file, in a merge request's widget."""

from __future__ import annotations

import json
from typing import Final

from tracebinder.reports.report import Place, Report, State
from tracebinder.reports.sarif import fingerprint

_SEVERITY: Final = {State.FAIL: "critical", State.OPEN: "major"}


def code_quality_json(report: Report, place: Place) -> bytes:
    """Return the file's bytes. What lies in no file points at the command: GitLab takes no entry without a path."""
    entries = [
        {
            "description": f"{finding.name}: {finding.sentence()}",
            "check_name": finding.code,
            "fingerprint": fingerprint(report, finding),
            "severity": _SEVERITY[finding.state],
            "location": {
                "path": finding.file or place.path or f"tracebinder-{report.command}",
                "lines": {"begin": 1 if finding.file else place.line_of(finding)},
            },
        }
        for finding in report.in_the_way()
    ]
    return json.dumps(entries, ensure_ascii=False, indent=2).encode()
