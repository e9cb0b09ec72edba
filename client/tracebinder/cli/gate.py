"""`tracebinder gate KEY`: ask a gate about a release; print its verdict and the reason for each criterion.

With --run, the decision is no pass unless that run is among those which decide; with --commit, unless they are of it.
With --wait it is asked again while it is insufficient, because a run, labels or an approval may still come; each answer
is a decision on record.

Exit codes: 0 pass, 1 fail, 2 insufficient evidence, 3 wrong usage or refused (also: nobody has approved a version of
the gate), 4 the server could not be reached.
"""

from __future__ import annotations

import argparse
import json
import urllib.parse
from dataclasses import replace
from time import sleep
from typing import Final

from tracebinder.answers import Json, objects, part
from tracebinder.cli.command import Commands, add_to
from tracebinder.cli.hidden_signs import json_text
from tracebinder.cli.reasons import print_reasons
from tracebinder.cli.reporting import add_report_options, check_report_options, publish, wants_report
from tracebinder.cli.server import add_server_options, duration, server_of, tell
from tracebinder.cli.table import MOST, print_marked, print_rest, print_verdict
from tracebinder.documents import document
from tracebinder.errors import TracebinderError
from tracebinder.http import RequestRefused, Server, in_words
from tracebinder.reports.of_comparison import newly_failing
from tracebinder.reports.of_gate import report_of_decision, state_of, worst_samples
from tracebinder.reports.report import Finding, State

EXIT_CODES: Final = {"pass": 0, "fail": 1, "insufficient": 2}
COULD_NOT_ASK: Final = 3
_WAIT: Final = 600.0  # seconds, where --wait says no time
_PAUSES: Final = (10.0, 20.0, 40.0, 60.0)  # seconds between questions; the last again and again


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
    parser.add_argument(
        "--wait",
        type=duration,
        nargs="?",
        const=_WAIT,
        default=0.0,
        metavar="TIME",
        help="ask again while it is insufficient, for at most so long, e.g. 90s or 30m; without a time: 10m",
    )
    parser.add_argument(
        "--against",
        metavar="RUN_KEY",
        help="where it does not pass, also say which samples fail that did not in this run; needs the scope read",
    )
    add_report_options(parser)
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask, print, and return the exit code of the verdict. A verdict not known here is no pass: exit 3."""
    check_report_options(arguments)
    server = server_of(arguments)
    answer = _ask_until_known(server, arguments)
    verdict = str(answer["verdict"])
    url = page_of(server, answer)
    code = EXIT_CODES[verdict]
    if arguments.json:
        print(json_text(document("gate", answer, exit_code=code, url=url)))
    else:
        _print_decision(arguments, verdict, answer, url)
    subject = f"{arguments.gate} on {arguments.system} {arguments.release}"
    report = report_of_decision(answer, subject=subject, url=url)
    samples = _newly_failing(server, arguments, answer, report.state) if code else []
    if samples and not arguments.json:
        shown = samples if arguments.all else samples[:MOST]
        print_marked(f"newly failing since {arguments.against}: {', '.join(each.name for each in shown)}")
        print_rest(len(samples) - len(shown), of="newly failing")
    worst = _worst_samples(server, answer) if code and wants_report(arguments) else []
    publish(
        replace(report, findings=(*report.findings, *samples, *worst)),
        arguments,
        {"decision": str(answer.get("id")), "exit_code": str(code)},
    )
    return code


def _newly_failing(
    server: Server, arguments: argparse.Namespace, answer: Json, state: State
) -> list[Finding]:
    """Return the samples of the runs that keep the release out which passed in another run, where one is named."""
    if not arguments.against:
        return []
    keys = dict.fromkeys(
        str(run.get("run_key")) for reason in _in_the_way(answer) for run in objects(reason, "runs")
    )
    found: list[Finding] = []
    for key in keys:
        query = {"system": arguments.system, "baseline": arguments.against, "candidate": key}
        try:
            found += newly_failing(server.get("/api/v1/eval-runs/compare", query=query), state)
        except RequestRefused as exc:
            tell(f"run {key} is not compared with {arguments.against}: {exc}")
    return found


def _in_the_way(answer: Json) -> list[Json]:
    return [reason for reason in objects(answer, "reasons") if not state_of(reason).is_good]


def _worst_samples(server: Server, answer: Json) -> list[Finding]:
    """Return the worst samples of the runs that decide what is in the way, each in the part that decides."""
    found: list[Finding] = []
    for reason in _in_the_way(answer):
        where = part(part(reason, "measured"), "where")
        query = dict(zip(("dimension", "value"), next(iter(where.items())), strict=True)) if where else {}
        for run in objects(reason, "runs"):
            path = f"/api/v1/eval-runs/{run.get('id')}/worst-samples"
            try:
                told = server.get(path, query={name: str(value) for name, value in query.items()})
            except TracebinderError as exc:  # the verdict stands without them
                tell(f"the worst samples of run {run.get('run_key')} are not known: {exc}")
            else:
                found += worst_samples(told, reason)
    return found


def page_of(server: Server, answer: Json) -> str:
    """Return the address of the page that shows a decision: the one that the server says, where it does."""
    told = str(answer.get("url") or "")
    return (
        told
        if told.startswith(server.url)
        else server.page(f"/admin/evidence/gatedecision/{answer.get('id')}/change/")
    )


def _ask_until_known(server: Server, arguments: argparse.Namespace) -> dict[str, object]:
    """Return the decision, or the last one where the wait ends and it is insufficient still."""
    ends = server.clock() + arguments.wait
    number = 0
    while True:
        answer = _ask(server, arguments)
        left = ends - server.clock()
        if answer["verdict"] != "insufficient" or left <= 0:
            return answer
        pause = min(left, _PAUSES[min(number, len(_PAUSES) - 1)])
        number += 1
        tell(
            f"{arguments.gate} is insufficient (decision {answer.get('id')}); asking again in {in_words(pause)},"
            f" for up to {in_words(left)}"
        )
        sleep(pause)


def _ask(server: Server, arguments: argparse.Namespace) -> dict[str, object]:
    path = f"/api/v1/gates/{urllib.parse.quote(arguments.gate, safe='')}/decisions"
    question: dict[str, object] = {"system": arguments.system, "release": arguments.release}
    if arguments.runs:
        question["run"] = arguments.runs
    if arguments.commit:
        question["commit"] = arguments.commit
    _, answer = server.post(path, json.dumps(question).encode())
    if str(answer.get("verdict")) not in EXIT_CODES:
        raise TracebinderError(
            f"the server's verdict {answer.get('verdict')!r} is not known; get a newer client"
        )
    return answer


def _print_decision(arguments: argparse.Namespace, verdict: str, answer: Json, url: str) -> None:
    print_verdict(
        f"{arguments.gate} v{answer.get('gate_version')} on {arguments.system} {arguments.release}: ", verdict
    )
    print_reasons(objects(answer, "reasons"), all_of_them=arguments.all)
    print_marked(_say_standing(answer.get("gate_standing")))
    print_marked(
        f"decision {answer.get('id')} at {answer.get('decided_at')}, inputs {answer.get('inputs_digest')}"
    )
    print(url)


def _say_standing(standing: object) -> str:
    """Say since when the version that decided does, and by whom."""
    if not isinstance(standing, dict):
        return "since when this version of the gate decides, the server does not say"
    proposers = standing.get("proposed_by")
    proposed = ", ".join(map(str, proposers)) if isinstance(proposers, list) else "?"
    approver = standing.get("approved_by")
    approved = f"approved by {approver}" if approver else "adopted: nobody approved it"
    return f"this version decides since {standing.get('since')}, proposed by {proposed}, {approved}"
