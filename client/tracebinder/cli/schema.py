"""`tracebinder schema NAME`: print the JSON Schema of what a command prints with --json.

Exit codes: 0 printed, 3 there is no such schema.
"""

from __future__ import annotations

import argparse

from tracebinder.cli.command import WRONG_USAGE, Commands, add_to
from tracebinder.documents import NAMES, read_schema


def add_command(commands: Commands) -> None:
    """Add the subcommand and its options."""
    parser = add_to(
        commands,
        "schema",
        purpose="print the schema of --json",
        description=__doc__,
        run=run,
        error_code=WRONG_USAGE,
    )
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}")


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    print(read_schema(arguments.name), end="")
    return 0
