"""`tracebinder register-release FILE`: put a release on record: its versions, the documents of its index, its pins.

The file is the JSON that `POST /api/v1/releases` takes; it names system and release itself. A release is frozen: the
same file again changes nothing, and other pins need another name. Exit codes: 0 on record, 3 not.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tracebinder.cli.hidden_signs import json_text
from tracebinder.cli.server import add_server_options, read_file, server_of
from tracebinder.cli.table import print_table

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_command(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "register-release",
        help="put a release on record",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, help="the release as JSON")
    parser.add_argument("--json", action="store_true", help="print the server's answer as JSON")
    add_server_options(parser)
    parser.set_defaults(run=run, error_code=3)


def run(arguments: argparse.Namespace) -> int:
    """Post the file as it is, and print what is on record."""
    _, answer = server_of(arguments).post("/api/v1/releases", read_file(arguments.file))
    if arguments.json:
        print(json_text(answer))
        return 0
    print(
        f"release {answer.get('name')} of {answer.get('system')} is on record, digest {answer.get('digest')}"
    )
    pins = answer.get("pins")
    rows = (
        [(str(slot), str(digest)) for slot, digest in sorted(pins.items())] if isinstance(pins, dict) else []
    )
    print_table(("slot", "digest"), rows)
    return 0
