"""`tracebinder compare BASELINE CANDIDATE`: say whether an eval run is worse than another, and how sure that is.

Exit codes: 0 no regression shown (and, with --margin, not worse by it), 1 a regression, 2 not known, 3 wrong usage or
refused, 4 the server could not be reached.
"""

from __future__ import annotations

import argparse
import math
from functools import partial
from typing import Final

from tracebinder.answers import Json, figure, objects, part
from tracebinder.cli.command import Commands, add_to
from tracebinder.cli.hidden_signs import json_text
from tracebinder.cli.reporting import add_report_options, check_report_options, publish
from tracebinder.cli.server import add_server_options, server_of
from tracebinder.cli.table import MOST, print_marked, print_rest, print_table, print_verdict
from tracebinder.documents import document
from tracebinder.errors import TracebinderError
from tracebinder.http import Server
from tracebinder.reports.of_comparison import WORDS, report_of_comparison

NO_REGRESSION, REGRESSION, NOT_KNOWN, COULD_NOT_COMPARE = range(4)
_WORST: Final = (REGRESSION, NOT_KNOWN, NO_REGRESSION)
_HEADS: Final = ("metric", "baseline", "candidate", "better by", "interval", "p", "n", "says")
_LISTS: Final = {
    "newly_failing": "newly failing",
    "newly_passing": "newly passing",
    "flaky": "flaky (attempts differ)",
    "only_baseline": "only in the baseline",
    "only_candidate": "only in the candidate",
    "neither": "scored in neither",
}


def add_command(commands: Commands) -> None:
    """Add the subcommand and its options."""
    parser = add_to(
        commands,
        "compare",
        purpose="compare two eval runs",
        description=__doc__,
        run=run,
        error_code=COULD_NOT_COMPARE,
    )
    parser.add_argument("baseline", metavar="BASELINE", help="run key of the run to compare with")
    parser.add_argument("candidate", metavar="CANDIDATE", help="run key of the run that is asked about")
    parser.add_argument("--system", required=True, help="key of the system")
    parser.add_argument("--metric", help="the only metric to compare; default: all that both runs have")
    parser.add_argument("--margin", type=_margin, help="how much worse is not worse yet, e.g. 0.02")
    add_report_options(parser)
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask, print, and return the exit code: the worst of all metrics."""
    check_report_options(arguments)
    server = server_of(arguments)
    asked = {
        name: getattr(arguments, name) for name in ("system", "baseline", "candidate", "metric", "margin")
    }
    query = {name: str(value) for name, value in asked.items() if value is not None}
    answer = server.get("/api/v1/eval-runs/compare", query=query)
    metrics = objects(answer, "metrics")
    if not metrics:
        raise TracebinderError("the server's answer compares nothing; get a newer client")
    code_of = partial(_exit_code, with_margin=arguments.margin is not None)
    codes = [code_of(each) for each in metrics]
    code = next(code for code in _WORST if code in codes)
    url = _page_of(server, answer)
    if arguments.json:
        print(json_text(document("compare", answer, exit_code=code, url=url)))
    else:
        print_verdict(f"{arguments.candidate} beside {arguments.baseline}: ", WORDS[code])
        _print_comparison(sorted(metrics, key=lambda each: _WORST.index(code_of(each))), arguments)
        print(url)
    subject = f"{arguments.candidate} with {arguments.baseline}"
    report = report_of_comparison(answer, subject=subject, code=code, code_of=code_of, url=url)
    publish(report, arguments, {"exit_code": str(code)})
    return code


def _page_of(server: Server, answer: Json) -> str:
    """Return the address of a page: of the comparison where the server says it, else of the candidate's run."""
    told = str(answer.get("url") or "")
    candidate = part(answer, "candidate").get("id")
    page = f"/admin/evidence/evalrun/{candidate}/change/" if candidate else "/admin/evidence/evalrun/"
    return told if told.startswith(server.url) else server.page(page)


def _margin(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"a margin is a number above 0, not {text}")
    return value


def _exit_code(metric: Json, *, with_margin: bool) -> int:
    if metric.get("outcome") == "regression" or metric.get("non_inferior") == "refuted":
        return REGRESSION
    if with_margin and metric.get("non_inferior") != "shown":
        return NOT_KNOWN
    return NO_REGRESSION if metric.get("outcome") in {"improvement", "no_difference_shown"} else NOT_KNOWN


def _print_comparison(metrics: list[Json], arguments: argparse.Namespace) -> None:
    most = None if arguments.all else MOST
    print_table(_HEADS, [_row(each) for each in metrics[:most]])
    print_rest(len(metrics) - len(metrics[:most]), of="metrics")
    for metric in metrics[:most]:
        name = str(metric.get("metric"))
        for line in _beside(metric):
            print_marked(f"{name}: {line}")
        slices = objects(metric, "slices")
        if slices:
            print_marked(f"{name} by slice, worst first; p corrected for their number (Holm)")
            print_table(
                ("slice", "better by", "interval", "p", "n"), [_slice_row(each) for each in slices[:most]]
            )
            print_rest(len(slices) - len(slices[:most]), of="slices")
        for of, words in _LISTS.items():
            found = part(metric, of)
            if found.get("n"):
                print_marked(f"{name}: {_named(words, found, most)}")


def _beside(metric: Json) -> list[str]:
    """Return the sentences below the table: what such a run would show, and what is said of the margin."""
    detectable = part(metric, "improvement").get("detectable")
    shows = f"so many samples would show a difference of {figure(detectable)}"
    claim = str(metric.get("non_inferior") or "").replace("_", " ")
    within = f"no worse by {figure(metric.get('margin'))}: {claim}"
    return [*([shows] if detectable is not None else []), *([within] if claim else [])]


def _row(metric: Json) -> tuple[str, ...]:
    difference = part(metric, "improvement")
    items, units = metric.get("n"), metric.get("units")
    told = str(items) if items == units else f"{items} items, {units} units"
    return (
        str(metric.get("metric")),
        figure(metric.get("baseline")),
        figure(metric.get("candidate")),
        figure(difference.get("value"), sign="+"),
        _interval(difference),
        figure(difference.get("p_value")),
        told if metric.get("paired") else f"{told}, unpaired",
        str(metric.get("outcome") or "nothing").replace("_", " "),
    )


def _slice_row(found: Json) -> tuple[str, ...]:
    difference = part(found, "improvement")
    return (
        str(found.get("name")),
        figure(difference.get("value"), sign="+"),
        _interval(difference),
        figure(found.get("p_holm")),
        str(found.get("n")),
    )


def _interval(difference: Json) -> str:
    return f"{figure(difference.get('low'), sign='+')} to {figure(difference.get('high'), sign='+')}"


def _named(words: str, found: Json, most: int | None) -> str:
    items = found.get("items")
    shown = [str(each) for each in (items if isinstance(items, list) else [])[:most]]
    more = int(str(found.get("n"))) - len(shown)
    return f"{found.get('n')} {words}: {', '.join(shown)}{f' and {more:,} more' if more > 0 else ''}"
