"""A report where GitHub shows it: a summary of the step, and annotations of the workflow.

Both are of others' texts, so nothing in them is markup or a command. GitHub keeps ten errors and ten warnings of a
step, and a mebibyte of its summary.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from tracebinder.cli.hidden_signs import show_hidden
from tracebinder.reports.report import Finding, Place, Report, State

MOST: Final = 10  # annotations of a kind
_MOST_ROWS: Final = 100
_LONGEST: Final = 500  # characters of a sentence
_WORD: Final = {State.FAIL: "fail", State.OPEN: "not known", State.WAIVED: "waived", State.PASS: "pass"}
_SIGN: Final = {State.FAIL: "❌", State.OPEN: "⚠️", State.WAIVED: "☑️", State.PASS: "✅"}


def summary_markdown(report: Report) -> str:
    """Return the summary: the verdict, a table with the worst first, and where the rest is."""
    rows = report.worst_first()
    lines = [
        f"### {_SIGN[report.state]} {_cell(report.command)} {_cell(report.subject)}: {_cell(report.verdict)}",
        "",
    ]
    if rows:
        lines += ["| | what | verdict | measured | why |", "|---|---|---|---|---|"]
        lines += [_row(finding) for finding in rows[:_MOST_ROWS]]
    if len(rows) > _MOST_ROWS:
        lines.append(f"\nand {len(rows) - _MOST_ROWS:,} more")
    if report.url:
        lines.append(f"\n[The record of it](<{report.url}>)")
    return "\n".join(lines) + "\n\n"


def annotation_lines(report: Report, place: Place) -> Iterator[str]:
    """Yield workflow commands, a line each."""
    shown = report.in_the_way()
    for level, state in (("error", State.FAIL), ("warning", State.OPEN)):
        of_state = [finding for finding in shown if finding.state == state]
        for finding in of_state[:MOST]:
            yield _annotation(level, finding, report, place)


def _annotation(level: str, finding: Finding, report: Report, place: Place) -> str:
    told = {"title": f"{report.command} {report.subject}: {finding.name}"}
    if finding.file:
        told["file"] = finding.file
    elif place.path:
        told |= {"file": place.path, "line": str(place.line_of(finding))}
    properties = ",".join(f"{name}={_escaped(value, in_property=True)}" for name, value in told.items())
    return f"::{level} {properties}::{_escaped(finding.sentence()[:_LONGEST])}"


def _escaped(text: str, *, in_property: bool = False) -> str:
    """Return a text as a command of GitHub's holds it (actions/toolkit, packages/core/src/command.ts)."""
    told = show_hidden(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return told.replace(":", "%3A").replace(",", "%2C") if in_property else told


def _row(finding: Finding) -> str:
    measured = ", ".join(f"{name} {value}" for name, value in finding.numbers.items())
    why = f"{finding.code}: {finding.detail}" if finding.detail != finding.code else finding.code
    if finding.to_do:
        why += f" To settle it: {finding.to_do}"
    cells = (finding.name, _WORD[finding.state], measured, why)
    return f"| {_SIGN[finding.state]} | {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    """Return a text as Markdown shows it and nothing more: no tag, no link, no mention, no end of the cell."""
    line = " ".join(show_hidden(text[:_LONGEST]).split())
    return re.sub(r"([\\`*_\[\]|~#!@$])", r"\\\1", html.escape(line, quote=False))
