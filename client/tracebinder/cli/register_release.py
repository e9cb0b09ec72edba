"""`tracebinder register-release FILE`: put a release on record: its versions, the documents of its index, its pins.

The file is the JSON that `POST /api/v1/releases` takes; it names system and release itself. A release is frozen: the
same file again changes nothing, and other pins need another name. Pinning a version vouches for nothing: until each is
registered (`tracebinder register-versions FILE`), no gate lets the release through. Exit codes: 0 on record, 3 wrong
usage or refused, 4 the server could not be reached.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tracebinder.cli.command import Commands, add_to
from tracebinder.cli.hidden_signs import json_text
from tracebinder.cli.server import add_server_options, read_file, server_of
from tracebinder.cli.table import print_table
from tracebinder.documents import document


def add_command(commands: Commands) -> None:
    """Add the subcommand and its options."""
    parser = add_to(
        commands,
        "register-release",
        purpose="put a release on record",
        description=__doc__,
        run=run,
        error_code=3,
    )
    parser.add_argument("file", type=Path, help="the release as JSON")
    parser.add_argument("--json", action="store_true", help="print the server's answer as JSON")
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Post the file as it is, and print what is on record."""
    _, answer = server_of(arguments).post("/api/v1/releases", read_file(arguments.file))
    if arguments.json:
        print(json_text(document("register-release", answer, exit_code=0)))
        return 0
    print(
        f"release {answer.get('name')} of {answer.get('system')} is on record, digest {answer.get('digest')}"
    )
    pins = answer.get("pins")
    waiting = {str(pin["slot"]) for pin in unregistered_in(answer)}
    rows = [
        (str(slot), str(digest), "no" if slot in waiting else "yes")
        for slot, digest in (sorted(pins.items()) if isinstance(pins, dict) else [])
    ]
    print_table(("slot", "digest", "registered"), rows)
    if waiting:
        print(
            f"no gate lets it through yet: register its versions (tracebinder register-versions {arguments.file})"
        )
    return 0


def unregistered_in(answer: dict[str, object]) -> list[dict[str, object]]:
    """Return the pins of the server's answer whose versions nobody registered."""
    listed = answer.get("unregistered")
    return [pin for pin in listed if isinstance(pin, dict)] if isinstance(listed, list) else []
