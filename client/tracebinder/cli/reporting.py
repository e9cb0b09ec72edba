"""The options of commands that report to a CI, and the files and lines that they ask for.

In GitHub Actions the summary of the step and the annotations come by themselves: that is where people look there.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tracebinder.cli.server import tell
from tracebinder.documents import problem_of
from tracebinder.errors import TracebinderError
from tracebinder.http import ServerUnreachable
from tracebinder.reports.code_quality import code_quality_json
from tracebinder.reports.github import annotation_lines, summary_markdown
from tracebinder.reports.junit import junit_xml
from tracebinder.reports.report import Finding, Place, Report, State, place_at
from tracebinder.reports.sarif import sarif_json

_Writer = Callable[[Report, Place], bytes]
_FILES: Final[Mapping[str, _Writer]] = {
    "junit": lambda report, _: junit_xml(report),
    "sarif": sarif_json,
    "code_quality": code_quality_json,
}


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Add what a CI asks for."""
    group = parser.add_argument_group("for a CI")
    group.add_argument("--json", action="store_true", help="print the answer as JSON (tracebinder schema)")
    group.add_argument("--junit", type=Path, metavar="FILE", help="write a JUnit report")
    group.add_argument("--sarif", type=Path, metavar="FILE", help="write a SARIF 2.1.0 log")
    group.add_argument("--code-quality", type=Path, metavar="FILE", help="write a GitLab code quality report")
    group.add_argument(
        "--outputs",
        type=Path,
        metavar="FILE",
        help="append verdict=…, url=… and the like, as GITHUB_OUTPUT and GitLab's dotenv reports are read",
    )
    group.add_argument(
        "--point-at",
        type=Path,
        metavar="FILE",
        help="file of the repository, e.g. of the requirements, whose lines reports and annotations point at",
    )
    parser.add_argument("--all", action="store_true", help="print every criterion, slice and reject")
    parser.set_defaults(publish_failure=publish_failure)


def check_report_options(arguments: argparse.Namespace) -> None:
    """Refuse a report that could not be written, before anything is asked.

    Raises:
        TracebinderError: its folder is not there.
    """
    for name in (*_FILES, "outputs"):
        path: Path | None = getattr(arguments, name)
        if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
            raise TracebinderError(
                f"cannot write {path}: {'it is a folder' if path.is_dir() else 'make its folder first'}"
            )


def wants_report(arguments: argparse.Namespace) -> bool:
    """Whether somebody asked for a report, or works where one is shown."""
    asked = any(getattr(arguments, name) is not None for name in _FILES)
    return asked or bool(os.environ.get("GITHUB_STEP_SUMMARY")) or os.environ.get("GITHUB_ACTIONS") == "true"


def publish(report: Report, arguments: argparse.Namespace, outputs: Mapping[str, str]) -> None:
    """Write each report that was asked for, and what GitHub Actions shows.

    Raises:
        TracebinderError: one cannot be written.
    """
    place = place_at(arguments.point_at, report.findings)
    for name, write in _FILES.items():
        path: Path | None = getattr(arguments, name)
        if path is not None:
            _write(path, write(report, place), "wb")
    if arguments.outputs is not None:
        told = {"verdict": report.verdict, "url": report.url, **outputs}
        lines = "".join(f"{name}={' '.join(value.split())}\n" for name, value in told.items())
        _write(arguments.outputs, lines.encode(), "ab")
    _show_on_github(report, place)


def publish_failure(arguments: argparse.Namespace, error: TracebinderError) -> None:
    """Report that nothing could be found out: a CI that looks for the file finds no pass in it."""
    command = str(arguments.command)
    code = str(problem_of(error)["code"]) or (
        "unreachable" if isinstance(error, ServerUnreachable) else "not_carried_out"
    )
    finding = Finding(command, "tracebinder", State.OPEN, code, str(error))
    subject = str(getattr(arguments, "gate", "") or getattr(arguments, "system", ""))
    publish(Report(command, subject, "could not ask", State.OPEN, (finding,)), arguments, {})


def _write(path: Path, content: bytes, mode: str) -> None:
    try:
        with path.open(mode) as file:
            file.write(content)
    except OSError as exc:
        raise TracebinderError(f"cannot write {path}: {exc.strerror or exc}") from exc


def _show_on_github(report: Report, place: Place) -> None:
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        try:
            _write(Path(summary), summary_markdown(report).encode(), "ab")
        except TracebinderError as exc:
            tell(f"no summary of this step: {exc}")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        # GitHub reads commands from both streams, and the other one may be JSON
        stream = getattr(sys.stderr, "unmarked", sys.stderr)
        for line in annotation_lines(report, place):
            stream.write(f"{line}\n")
