"""`tracebinder verify BINDER.zip --trust trust.json`: verify a binder offline, trusting only the trust file.

Exit codes: 0 verified, 1 failed, 2 malformed, 3 trust policy not met, 4 unverifiable (newer format).
Get trust.json from somewhere else than the binder, and compare its keys over another channel.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracebinder.cli.hidden_signs import json_text
from tracebinder.cli.table import print_table
from tracebinder.verify.report import Report
from tracebinder.verify.run import verify_binder
from tracebinder.verify.trust import load_trust

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_VERDICTS: Final = {
    0: "verified",
    1: "FAILED",
    2: "MALFORMED",
    3: "TRUST POLICY NOT MET",
    4: "UNVERIFIABLE: newer format",
}


def add_command(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "verify",
        help="verify a binder offline",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("binder", type=Path, metavar="BINDER.zip")
    parser.add_argument(
        "--trust", type=Path, required=True, help="trust.json, from somewhere else than the binder"
    )
    parser.add_argument(
        "--sidecar", type=Path, help="BINDER.zip.intoto.jsonl: the signature over the ZIP's bytes"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.set_defaults(run=run, error_code=2)


def run(arguments: argparse.Namespace) -> int:
    """Verify, print the report, and return its exit code."""
    sidecar = arguments.sidecar or _sidecar_beside(arguments.binder)
    report = verify_binder(arguments.binder, trust=load_trust(arguments.trust), sidecar=sidecar)
    if arguments.json:
        print(json_text(report.as_dict()))
    else:
        _print_report(arguments.binder, report)
    return report.exit_code


def _sidecar_beside(binder: Path) -> Path | None:
    beside = binder.with_name(f"{binder.name}.intoto.jsonl")
    return beside if beside.exists() else None


def _print_report(binder: Path, report: Report) -> None:
    print(f"{binder.name}: {_VERDICTS[report.exit_code]}")
    print(f"sha256 {report.zip_digest}")
    if report.statement:
        print(f"{report.binder_id} of {report.statement.get('system')}, as of {report.statement.get('asOf')}")
    print_table(
        ("question", "answer", "detail"), [(line.name, line.state, line.detail) for line in report.lines]
    )
    for problem in report.problems:
        print(f"problem ({problem.line}): {problem.member or 'the binder'}: {problem.detail}")
    claims = report.statement.get("nonClaims")
    for claim in claims if isinstance(claims, list) else []:
        print(f"not claimed: {claim}")
