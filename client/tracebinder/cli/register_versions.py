"""`tracebinder register-versions FILE`: vouch for each version that a release pins, by the digest the server has of it.

The file is that of `register-release`, which goes first. Models, prompts, indexes, policies and tools are registered;
what a release is measured with (suites, evaluators, judges, datasets) is an approver's to register, signed in. Exit
codes: 0 all are registered, 2 some wait for an approver, 3 wrong usage or refused, 4 the server could not be reached.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

from tracebinder.cli.command import Commands, add_to
from tracebinder.cli.register_release import unregistered_in
from tracebinder.cli.server import add_server_options, read_file, server_of
from tracebinder.cli.table import print_table

INSTRUMENTS: Final = frozenset({"suite", "evaluator", "dataset"})
WAITS: Final = 2
_SHOWN: Final = 12  # characters of a digest, so that a row is a line; register-release shows all of them


def add_command(commands: Commands) -> None:
    """Add the subcommand and its options."""
    parser = add_to(
        commands,
        "register-versions",
        purpose="vouch for what a release pins",
        description=__doc__,
        run=run,
        error_code=3,
    )
    parser.add_argument("file", type=Path, help="the release as JSON, as register-release took it")
    parser.add_argument("--reason", default="", help="why, for the record")
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask the server what waits to be registered, register it, and print what became of each version."""
    server = server_of(arguments)
    _, release = server.post("/api/v1/releases", read_file(arguments.file))
    rows, n_waiting = [], 0
    for pin in unregistered_in(release):
        version = {name: str(pin.get(name)) for name in ("kind", "key", "digest")}
        if version["kind"] in INSTRUMENTS:
            n_waiting += 1
            outcome = "waits for an approver, signed in"
        else:
            act = {"system": release.get("system"), "reason": arguments.reason, **version}
            _, answer = server.post("/api/v1/versions/registrations", json.dumps(act).encode())
            outcome = f"registered by {answer.get('registered_by')}"
        rows.append((version["kind"], version["key"], version["digest"][:_SHOWN], outcome))
    print_table(("kind", "key", "digest", "outcome"), rows)
    return WAITS if n_waiting else 0
