"""`tracebinder deploy ENVIRONMENT`: say that a release is live there from now on, where the gates let it in.

Where a gate protects the environment, its newest decision on exactly this release must be a pass that still holds. With
--rollback the environment goes back to a release that gates let in there before what is live now, whatever they say
today. Exit codes: 0 recorded, 1 refused by a gate, or no way back, 3 wrong usage or refused, 4 the server could not be
reached.
"""

from __future__ import annotations

import argparse
import json
from datetime import datetime, timezone
from typing import Final

from tracebinder.answers import Json, objects, texts
from tracebinder.cli.command import Commands, add_to
from tracebinder.cli.hidden_signs import json_text
from tracebinder.cli.server import add_server_options, server_of
from tracebinder.cli.table import print_marked
from tracebinder.documents import document, problem_document
from tracebinder.http import RequestRefused

REFUSED: Final = 1
_REFUSALS: Final = frozenset({"promotion_refused", "rollback_refused"})


def add_command(commands: Commands) -> None:
    """Add the subcommand and its options."""
    parser = add_to(
        commands, "deploy", purpose="say that a release is live", description=__doc__, run=run, error_code=3
    )
    parser.add_argument("environment", metavar="ENVIRONMENT", help="where, e.g. production")
    parser.add_argument("--system", required=True, help="key of the system")
    parser.add_argument("--release", required=True, help="name of the release")
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--decision",
        type=int,
        metavar="ID",
        help="the decision that let it in, as `gate --json` says; refused if it is not the newest",
    )
    way.add_argument("--rollback", metavar="REASON", help="go back to this release, and say why")
    parser.add_argument("--json", action="store_true", help="print the server's answer as JSON")
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Say it, and print what is on record. The time is taken once: a request that is repeated says the same."""
    told: dict[str, object] = {
        "system": arguments.system,
        "environment": arguments.environment,
        "release": arguments.release,
        "effective_from": datetime.now(timezone.utc).isoformat(),
    }
    path = "/api/v1/deployments"
    if arguments.rollback is not None:
        path, told["reason"] = "/api/v1/deployments/rollbacks", arguments.rollback
    elif arguments.decision is not None:
        told["decision"] = arguments.decision
    try:
        _, answer = server_of(arguments).post(path, json.dumps(told).encode())
    except RequestRefused as exc:
        if exc.code not in _REFUSALS:
            raise
        if arguments.json:
            print(json_text(problem_document(exc, exit_code=REFUSED)))
        else:
            print_marked(str(exc))
        return REFUSED
    if arguments.json:
        print(json_text(document("deploy", answer, exit_code=0)))
    else:
        _print_deployment(answer)
    return 0


def _print_deployment(answer: Json) -> None:
    print_marked(
        f"{answer.get('release')} is live in {answer.get('environment')} from {answer.get('effective_from')} on "
        f"({answer.get('basis')})"
    )
    for each in objects(answer, "admissions"):
        decided = f"decision {each.get('decision')}" if each.get("decision") else "no decision of then"
        print_marked(
            f"gate {each.get('gate')} v{each.get('gate_version')}: {decided}; now {each.get('verdict')}"
        )
        for reason in objects(each, "unmet"):
            print_marked(f"  {reason.get('criterion')} is {reason.get('verdict')}: {reason.get('detail')}")
    for change in objects(answer, "changed"):
        print_marked(f"changed {change.get('slot')}: {change.get('before')} -> {change.get('after')}")
    if suspect := texts(answer, "suspect_evidence"):
        print_marked(f"suspect evidence, measured on what left: {', '.join(suspect)}")
    for name, said in (
        ("suspect_links", "links are suspect"),
        ("suspect_criteria", "criteria to assess anew"),
    ):
        if named := texts(answer, name):
            print_marked(f"{len(named)} {said}: {', '.join(named)}")
