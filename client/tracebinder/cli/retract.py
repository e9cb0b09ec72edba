"""`tracebinder retract RUN_KEY`: ask that an eval run no longer counts, and say why.

It counts until another person, an approver of the system, confirms it. Exit codes: 0 asked for, 3 wrong usage or
refused, 4 the server could not be reached.
"""

from __future__ import annotations

import argparse
import json

from tracebinder.cli.command import Commands, add_to
from tracebinder.cli.hidden_signs import json_text
from tracebinder.cli.server import add_server_options, server_of
from tracebinder.cli.table import print_marked
from tracebinder.documents import document


def add_command(commands: Commands) -> None:
    """Add the subcommand and its options."""
    parser = add_to(
        commands,
        "retract",
        purpose="ask that an eval run no longer counts",
        description=__doc__,
        run=run,
        error_code=3,
    )
    parser.add_argument("run_key", metavar="RUN_KEY", help="key of the run, as its file has it")
    parser.add_argument("--system", required=True, help="key of the system")
    parser.add_argument("--reason", required=True, help="what was wrong with the run")
    parser.add_argument("--json", action="store_true", help="print the server's answer as JSON")
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask, and say where the request stands."""
    asked = {"system": arguments.system, "run_key": arguments.run_key, "reason": arguments.reason}
    _, answer = server_of(arguments).post("/api/v1/retractions", json.dumps(asked).encode())
    if arguments.json:
        print(json_text(document("retract", answer, exit_code=0)))
    else:
        print_marked(
            f"retraction {answer.get('id')} of {answer.get('run_key')} is {answer.get('state')}: the run counts until "
            "an approver, another person, confirms it"
        )
    return 0
