"""`tracebinder impact`: say what becomes suspect, and what has to be run again, if a change is made. Nothing is stored.

Name one change: --release NAME that would go live; --prompt, --model, --index, --policy or --pin KIND:KEY=DIGEST,
several of them; or --requirement KEY that would be approved. Exit codes: 0 nothing becomes suspect, 1 something does,
3 wrong usage or refused, 4 the server could not be reached.
"""

from __future__ import annotations

import argparse
from typing import Final

from tracebinder.answers import Json, objects, texts
from tracebinder.cli.command import WRONG_USAGE, Commands, add_to
from tracebinder.cli.hidden_signs import json_text
from tracebinder.cli.server import add_server_options, server_of
from tracebinder.cli.table import MOST, print_marked, print_rest, print_table
from tracebinder.documents import document
from tracebinder.errors import TracebinderError

NOTHING, SUSPECT = range(2)
_KINDS: Final = ("model", "prompt", "index", "policy")


def add_command(commands: Commands) -> None:
    """Add the subcommand and its options."""
    parser = add_to(
        commands,
        "impact",
        purpose="say what a change makes suspect",
        description=__doc__,
        run=run,
        error_code=WRONG_USAGE,
    )
    parser.add_argument("--system", required=True, help="key of the system")
    parser.add_argument("--release", help="name of the release that would go live")
    for kind in _KINDS:
        parser.add_argument(
            f"--{kind}", action="append", default=[], metavar="KEY=DIGEST", help=f"{kind} that would go live"
        )
    parser.add_argument(
        "--pin", action="append", default=[], metavar="KIND:KEY=DIGEST", help="any other version that would"
    )
    parser.add_argument("--requirement", help="key of the requirement that would be approved")
    parser.add_argument("--version", type=int, help="number of its version; default: the newest")
    parser.add_argument("--json", action="store_true", help="print the server's answer as JSON")
    parser.add_argument("--all", action="store_true", help="print every line")
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask, print, and return the exit code."""
    pins = [*arguments.pin, *(f"{kind}:{pin}" for kind in _KINDS for pin in getattr(arguments, kind))]
    asked = {
        "release": arguments.release,
        "pins": ",".join(pins),
        "requirement": arguments.requirement,
        "version": str(arguments.version or ""),
    }
    query = {"system": arguments.system, **{name: value for name, value in asked.items() if value}}
    if len(query.keys() & {"release", "pins", "requirement"}) != 1:
        raise TracebinderError(
            "name one change: --release, pins such as --prompt KEY=DIGEST, or --requirement"
        )
    answer = server_of(arguments).get("/api/v1/impact", query=query)
    touched = [name for name in ("links", "criteria", "evidence") if objects(answer, name)]
    code = SUSPECT if touched else NOTHING
    if arguments.json:
        print(json_text(document("impact", answer, exit_code=code)))
    else:
        _print(answer, None if arguments.all else MOST)
    return code


def _print(answer: Json, most: int | None) -> None:
    print_marked(str(answer.get("summary")))
    links = [
        (
            str(each.get("name")),
            str(each.get("kind")),
            str(each.get("suspicion")),
            "; ".join(texts(each, "because")),
        )
        for each in objects(answer, "links")
    ]
    criteria = [
        (
            str(each.get("name")),
            str(each.get("suite") or "-"),
            str(each.get("verdict")),
            str(each.get("then") or "untested"),
        )
        for each in objects(answer, "criteria")
    ]
    evidence = [(str(each.get("title")), str(each.get("layer"))) for each in objects(answer, "evidence")]
    for of, heads, rows in (
        ("links", ("link", "kind", "becomes", "because"), links),
        ("criteria", ("criterion", "suite", "now", "then"), criteria),
        ("evidence items", ("evidence", "layer"), evidence),
    ):
        if rows:
            print_table(heads, rows[:most])
            print_rest(len(rows) - len(rows[:most]), of=of)
