"""`tracebinder verify BINDER.zip --trust trust.json`: verify a binder offline, trusting only the trust file.

With --kept the binder's log must continue every checkpoint that was kept before (`tracebinder checkpoint`), and those
of the binder are kept from now on. With --previous an earlier binder of the same scope is verified as well, this one's
log must continue it, and what was added, changed or is gone is listed.

Exit codes: 0 verified, 1 failed, 2 malformed, 3 trust policy not met, 4 unverifiable (newer format), 64 wrong usage.
Get trust.json from somewhere else than the binder, and compare its keys over another channel.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tracebinder.cli.command import Commands, add_to
from tracebinder.cli.hidden_signs import json_text
from tracebinder.cli.table import print_line, print_table
from tracebinder.errors import TracebinderError
from tracebinder.verify.kept import KeptHead, add_head, load_kept, save_kept
from tracebinder.verify.previous import Differences
from tracebinder.verify.report import Report
from tracebinder.verify.run import verify_binder, verify_with_previous
from tracebinder.verify.trust import Trust, load_trust

WRONG_USAGE: Final = 64  # as sysexits.h has it: 3 is a verdict here
_VERDICTS: Final = {
    0: "verified",
    1: "FAILED",
    2: "MALFORMED",
    3: "TRUST POLICY NOT MET",
    4: "UNVERIFIABLE: newer format",
}


def add_command(commands: Commands) -> None:
    """Add the subcommand and its options."""
    parser = add_to(
        commands, "verify", purpose="verify a binder offline", description=__doc__, run=run, error_code=2
    )
    parser.set_defaults(usage_code=WRONG_USAGE)
    parser.add_argument("binder", type=Path, metavar="BINDER.zip")
    parser.add_argument(
        "--trust", type=Path, required=True, help="trust.json, from somewhere else than the binder"
    )
    parser.add_argument(
        "--sidecar", type=Path, help="BINDER.zip.intoto.jsonl: the signature over the ZIP's bytes"
    )
    parser.add_argument(
        "--kept", type=Path, help="file of kept checkpoints, as `tracebinder checkpoint` makes it"
    )
    parser.add_argument(
        "--previous", type=Path, metavar="OLD.zip", help="an earlier binder of the same scope"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Verify, print the report, and return its exit code."""
    trust = load_trust(arguments.trust)
    kept = _load_kept(arguments.kept, trust)
    report = _verify(arguments, trust, kept)
    if arguments.kept is not None and report.exit_code == 0:
        _keep(arguments.kept, kept, report)
    if arguments.json:
        print(json_text(report.as_dict()))
    else:
        _print_report(arguments.binder, report)
    return report.exit_code


def _load_kept(path: Path | None, trust: Trust) -> list[KeptHead]:
    if path is None:
        return []
    if trust.log is None:
        raise TracebinderError("the trust file names no log whose checkpoints could have been kept")
    return load_kept(path, trust.log)


def _keep(path: Path, kept: Sequence[KeptHead], report: Report) -> None:
    heads = list(kept)
    for head in report.heads:
        heads = add_head(heads, head)
    try:
        save_kept(path, heads)
    except OSError as exc:
        raise TracebinderError(f"cannot write {path}: {exc.strerror or exc}") from exc


def _verify(arguments: argparse.Namespace, trust: Trust, kept: Sequence[KeptHead]) -> Report:
    sidecar = arguments.sidecar or _sidecar_beside(arguments.binder)
    if arguments.previous is None:
        return verify_binder(arguments.binder, trust=trust, sidecar=sidecar, kept=kept)
    return verify_with_previous(
        arguments.binder,
        arguments.previous,
        trust=trust,
        sidecar=sidecar,
        previous_sidecar=_sidecar_beside(arguments.previous),
        kept=kept,
    )


def _sidecar_beside(binder: Path) -> Path | None:
    beside = binder.with_name(f"{binder.name}.intoto.jsonl")
    return beside if beside.exists() else None


def _print_report(binder: Path, report: Report) -> None:
    print_line(f"{binder.name}: {_VERDICTS[report.exit_code]}")
    print_line(f"sha256 {report.zip_digest}")
    if report.statement:
        print_line(
            f"{report.binder_id} of {report.statement.get('system')}, as of {report.statement.get('asOf')}"
        )
    print_table(
        ("question", "answer", "detail"), [(line.name, line.state, line.detail) for line in report.lines]
    )
    for problem in report.problems:
        print_line(f"problem ({problem.line}): {problem.member or 'the binder'}: {problem.detail}")
    if report.differences is not None:
        _print_differences(report.differences)
    claims = report.statement.get("nonClaims")
    for claim in claims if isinstance(claims, list) else []:
        print_line(f"not claimed: {claim}")


def _print_differences(differences: Differences) -> None:
    named = "names" if differences.named else "does not name"
    count = len(differences.files) or "no"
    print(f"since the previous binder, which it {named} as the one before it: {count} files differ")
    for change in differences.files:
        print_line(f"  {change}")
