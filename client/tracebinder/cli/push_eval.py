"""`tracebinder push-eval FILE`: post an eval file as it is; the server computes the aggregates itself.

Exit codes: 0 stored (or already there), 1 stored but the run did not succeed, or a sample was rejected or is absent
from what was planned, 3 not stored.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final, cast

from tracebinder.cli.command import Commands, add_to
from tracebinder.cli.hidden_signs import json_text
from tracebinder.cli.server import add_server_options, read_file, server_of
from tracebinder.cli.table import print_table

FORMATS: Final = ("native",)


def add_command(commands: Commands) -> None:
    """Add the subcommand and its options."""
    parser = add_to(
        commands, "push-eval", purpose="post an eval file", description=__doc__, run=run, error_code=3
    )
    parser.add_argument("file", type=Path, help="the eval runner's own file")
    parser.add_argument("--system", required=True, help="key of the system")
    parser.add_argument("--release", help="name of the release that was measured")
    parser.add_argument(
        "--format", choices=FORMATS, default="native", help="format of the file; default: native"
    )
    parser.add_argument("--json", action="store_true", help="print the server's answer as JSON")
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Post the file, print what was stored, and return the exit code."""
    body = read_file(arguments.file)
    query = {"system": arguments.system, "format": arguments.format}
    if arguments.release:
        query["release"] = arguments.release
    status, answer = server_of(arguments).post("/api/v1/eval-runs", body, query=query)
    if arguments.json:
        print(json_text(answer))
    else:
        _print_run(status, answer)
    return 1 if answer.get("rejects") or answer.get("status") != "success" else 0


def _print_run(status: int, answer: dict[str, object]) -> None:
    known = "stored" if status == 201 else "already stored"
    print(f"eval run {answer.get('run_key')} {known} (id {answer.get('id')}, {answer.get('status')})")
    counts = ("n_samples", "n_scored", "n_unscored", "n_error")
    print("  ".join(f"{name.removeprefix('n_')} {answer.get(name)}" for name in counts))
    rows = [
        (
            str(score.get("metric")),
            _slice_text(score.get("slice")),
            _figure(score.get("value")),
            f"{_figure(score.get('low'))} to {_figure(score.get('high'))}",
            str(score.get("n")),
            str(score.get("unit")),
        )
        for score in _objects(answer, "scores")
    ]
    print_table(("metric", "slice", "value", "each bound at 0.95", "n", "unit"), rows)
    for reject in _objects(answer, "rejects"):
        print(f"missing: {reject.get('code')}: {reject.get('detail')}")


def _objects(answer: dict[str, object], key: str) -> list[dict[str, object]]:
    found = answer.get(key)
    return (
        [cast("dict[str, object]", x) for x in found if isinstance(x, dict)]
        if isinstance(found, list)
        else []
    )


def _slice_text(value: object) -> str:
    if not isinstance(value, dict) or not value:
        return "all"
    return ", ".join(f"{key}={item}" for key, item in sorted(value.items()))


def _figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "-"
