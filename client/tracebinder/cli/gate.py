"""`tracebinder gate KEY`: ask a gate about a release; print its verdict and the reason for each criterion.

With --run, the decision is no pass unless that run is among those which decide; with --commit, unless they are of it.
Exit codes: 0 pass, 1 fail, 2 insufficient evidence, 3 could not ask, or nobody has approved a version of the gate.
"""

from __future__ import annotations

import argparse
import json
import urllib.parse
from typing import Final

from tracebinder.cli.command import Commands, add_to
from tracebinder.cli.hidden_signs import json_text
from tracebinder.cli.reasons import print_reasons
from tracebinder.cli.server import add_server_options, server_of
from tracebinder.errors import TracebinderError

EXIT_CODES: Final = {"pass": 0, "fail": 1, "insufficient": 2}
COULD_NOT_ASK: Final = 3


def add_command(commands: Commands) -> None:
    """Add the subcommand and its options."""
    parser = add_to(
        commands, "gate", purpose="ask a gate", description=__doc__, run=run, error_code=COULD_NOT_ASK
    )
    parser.add_argument("gate", metavar="KEY", help="key of the gate")
    parser.add_argument("--system", required=True, help="key of the system")
    parser.add_argument("--release", required=True, help="name of the release")
    parser.add_argument(
        "--run",
        action="append",
        default=[],
        dest="runs",
        metavar="RUN_KEY",
        help="a run that must be among those which decide, as its file has it; may be given again",
    )
    parser.add_argument(
        "--commit", default="", metavar="SHA", help="the commit that the deciding runs must be of"
    )
    parser.add_argument("--json", action="store_true", help="print the server's answer as JSON")
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask, print, and return the exit code of the verdict. A verdict not known here is no pass: exit 3."""
    path = f"/api/v1/gates/{urllib.parse.quote(arguments.gate, safe='')}/decisions"
    question: dict[str, object] = {"system": arguments.system, "release": arguments.release}
    if arguments.runs:
        question["run"] = arguments.runs
    if arguments.commit:
        question["commit"] = arguments.commit
    _, answer = server_of(arguments).post(path, json.dumps(question).encode())
    verdict = str(answer.get("verdict"))
    if verdict not in EXIT_CODES:
        raise TracebinderError(f"the server's verdict {verdict!r} is not known; get a newer client")
    if arguments.json:
        print(json_text(answer))
    else:
        _print_decision(arguments, verdict, answer)
    return EXIT_CODES[verdict]


def _print_decision(arguments: argparse.Namespace, verdict: str, answer: dict[str, object]) -> None:
    print(
        f"{arguments.gate} v{answer.get('gate_version')} on {arguments.system} {arguments.release}: {verdict}"
    )
    listed = answer.get("reasons")
    print_reasons([each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else [])
    print(_say_standing(answer.get("gate_standing")))
    print(f"decision {answer.get('id')} at {answer.get('decided_at')}, inputs {answer.get('inputs_digest')}")


def _say_standing(standing: object) -> str:
    """Say since when the version that decided does, and by whom."""
    if not isinstance(standing, dict):
        return "since when this version of the gate decides, the server does not say"
    proposers = standing.get("proposed_by")
    proposed = ", ".join(map(str, proposers)) if isinstance(proposers, list) else "?"
    approver = standing.get("approved_by")
    approved = f"approved by {approver}" if approver else "adopted: nobody approved it"
    return f"this version decides since {standing.get('since')}, proposed by {proposed}, {approved}"
