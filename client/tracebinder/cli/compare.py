"""`tracebinder compare BASELINE CANDIDATE`: say whether an eval run is worse than another, and how sure that is.

Exit codes: 0 no regression shown (and, with --margin, not worse by it), 1 a regression, 2 not known, 3 could not
compare.
"""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Final

from tracebinder.cli.hidden_signs import json_text
from tracebinder.cli.server import add_server_options, server_of
from tracebinder.cli.table import print_table, printable
from tracebinder.errors import TracebinderError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

NO_REGRESSION, REGRESSION, NOT_KNOWN, COULD_NOT_COMPARE = range(4)
_MOST_NAMED: Final = 10  # items of a list; --json has more
_HEADS: Final = (
    "metric", "baseline", "candidate", "better by", "interval", "p", "n", "would show", "says", "within margin",
)  # fmt: skip
_LISTS: Final = {
    "newly_failing": "newly failing",
    "newly_passing": "newly passing",
    "flaky": "flaky (attempts differ)",
    "only_baseline": "only in the baseline",
    "only_candidate": "only in the candidate",
    "neither": "scored in neither",
}


def add_command(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "compare",
        help="compare two eval runs",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("baseline", metavar="BASELINE", help="run key of the run to compare with")
    parser.add_argument("candidate", metavar="CANDIDATE", help="run key of the run that is asked about")
    parser.add_argument("--system", required=True, help="key of the system")
    parser.add_argument("--metric", help="the only metric to compare; default: all that both runs have")
    parser.add_argument("--margin", type=_margin, help="how much worse is not worse yet, e.g. 0.02")
    parser.add_argument("--json", action="store_true", help="print the server's answer as JSON")
    add_server_options(parser)
    parser.set_defaults(run=run, error_code=COULD_NOT_COMPARE)


def run(arguments: argparse.Namespace) -> int:
    """Ask, print, and return the exit code: the worst of all metrics."""
    asked = {
        name: getattr(arguments, name) for name in ("system", "baseline", "candidate", "metric", "margin")
    }
    query = {name: str(value) for name, value in asked.items() if value is not None}
    answer = server_of(arguments).get("/api/v1/eval-runs/compare", query=query)
    metrics = answer.get("metrics")
    if not isinstance(metrics, list) or not metrics or not all(isinstance(each, dict) for each in metrics):
        raise TracebinderError("the server's answer compares nothing; get a newer client")
    if arguments.json:
        print(json_text(answer))
    else:
        _print_comparison(metrics)
    codes = [_exit_code(each, with_margin=arguments.margin is not None) for each in metrics]
    return next(code for code in (REGRESSION, NOT_KNOWN, NO_REGRESSION) if code in codes)


def _margin(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"a margin is above 0, not {text}")
    return value


def _exit_code(metric: dict[str, object], *, with_margin: bool) -> int:
    if metric.get("outcome") == "regression" or metric.get("non_inferior") == "refuted":
        return REGRESSION
    if with_margin and metric.get("non_inferior") != "shown":
        return NOT_KNOWN
    return NO_REGRESSION if metric.get("outcome") in {"improvement", "no_difference_shown"} else NOT_KNOWN


def _print_comparison(metrics: list[dict[str, object]]) -> None:
    print_table(_HEADS, [_row(str(each.get("metric")), each) for each in metrics])
    for metric in metrics:
        name, slices = printable(str(metric.get("metric"))), metric.get("slices")
        if isinstance(slices, list) and slices:
            print(f"\n{name} by slice, worst first; p corrected for their number (Holm)")
            rows = [_slice_row(each) for each in slices if isinstance(each, dict)]
            print_table(("slice", "better by", "interval", "p", "n"), rows)
        for of, words in _LISTS.items():
            found = metric.get(of)
            if isinstance(found, dict) and found.get("n"):
                print(f"{name}: {_named(words, found)}")


def _row(name: str, metric: dict[str, object]) -> tuple[str, ...]:
    difference = _object(metric.get("improvement"))
    units = f"{metric.get('n')} items, {metric.get('units')} units"
    return (
        name,
        _number(metric.get("baseline")),
        _number(metric.get("candidate")),
        _number(difference.get("value"), sign="+"),
        _interval(difference),
        _number(difference.get("p_value")),
        units if metric.get("paired") else f"{units}, unpaired",
        _number(difference.get("detectable")),
        str(metric.get("outcome") or "nothing").replace("_", " "),
        str(metric.get("non_inferior") or "not asked").replace("_", " "),
    )


def _slice_row(found: dict[str, object]) -> tuple[str, ...]:
    difference = _object(found.get("improvement"))
    return (
        str(found.get("name")),
        _number(difference.get("value"), sign="+"),
        _interval(difference),
        _number(found.get("p_holm")),
        str(found.get("n")),
    )


def _interval(difference: dict[str, object]) -> str:
    return f"{_number(difference.get('low'), sign='+')} to {_number(difference.get('high'), sign='+')}"


def _named(words: str, found: dict[str, object]) -> str:
    items = found.get("items")
    shown = [printable(str(each)) for each in (items if isinstance(items, list) else [])[:_MOST_NAMED]]
    more = int(str(found.get("n"))) - len(shown)
    return f"{found.get('n')} {words}: {', '.join(shown)}{f' and {more} more' if more > 0 else ''}"


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _number(value: object, sign: str = "") -> str:
    return format(value, f"{sign}.4g") if isinstance(value, int | float) else "-"
