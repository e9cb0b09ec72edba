"""A report as JUnit XML, as Jenkins, GitLab, Azure and CircleCI read it: a test case for each finding.

What is not known is an `error` and not `skipped`: those tools take what is skipped for fine.
"""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree as ET  # only writes

from tracebinder.cli.hidden_signs import show_hidden
from tracebinder.reports.report import Report, State

_ELEMENT: Final = {State.FAIL: "failure", State.OPEN: "error"}


def junit_xml(report: Report) -> bytes:
    """Return the file's bytes."""
    states = [finding.state for finding in report.findings]
    counts = {
        "tests": str(len(states)),
        "failures": str(states.count(State.FAIL)),
        "errors": str(states.count(State.OPEN)),
    }
    root = ET.Element("testsuites", {"name": "tracebinder", **counts})
    suite = ET.SubElement(
        root, "testsuite", {"name": _text(f"{report.command} {report.subject}"), **counts, "skipped": "0"}
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (("verdict", report.verdict), ("url", report.url)):
        ET.SubElement(properties, "property", {"name": name, "value": _text(value)})
    for finding in report.worst_first():
        case = ET.SubElement(
            suite,
            "testcase",
            {"classname": _text(finding.group or report.command), "name": _text(finding.name)},
        )
        told = _text(finding.sentence())
        if finding.state in _ELEMENT:
            bad = {"type": _text(finding.code), "message": _text(finding.detail or finding.code)}
            ET.SubElement(case, _ELEMENT[finding.state], bad).text = told
        ET.SubElement(case, "system-out").text = f"{told}\n{report.url}" if report.url else told
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _text(text: str) -> str:
    """Return a text that XML can hold."""
    return "".join(c if c in "\t\n" or c.isprintable() else "�" for c in show_hidden(text))
