"""`tracebinder retract RUN_KEY`: ask that an eval run no longer counts, and say why.

It counts until another person, an approver of the system, confirms it. Exit codes: 0 asked for, 3 not.
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from tracebinder.cli.hidden_signs import json_text
from tracebinder.cli.server import add_server_options, server_of

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_command(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "retract",
        help="ask that an eval run no longer counts",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run_key", metavar="RUN_KEY", help="key of the run, as its file has it")
    parser.add_argument("--system", required=True, help="key of the system")
    parser.add_argument("--reason", required=True, help="what was wrong with the run")
    parser.add_argument("--json", action="store_true", help="print the server's answer as JSON")
    add_server_options(parser)
    parser.set_defaults(run=run, error_code=3)


def run(arguments: argparse.Namespace) -> int:
    """Ask, and say where the request stands."""
    asked = {"system": arguments.system, "run_key": arguments.run_key, "reason": arguments.reason}
    _, answer = server_of(arguments).post("/api/v1/retractions", json.dumps(asked).encode())
    if arguments.json:
        print(json_text(answer))
    else:
        print(
            f"retraction {answer.get('id')} of {answer.get('run_key')} is {answer.get('state')}: the run counts until "
            "an approver, another person, confirms it"
        )
    return 0
