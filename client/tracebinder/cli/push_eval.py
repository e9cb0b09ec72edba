"""`tracebinder push-eval FILE...`: post eval files as their runners wrote them; the server computes the aggregates.

A folder stands for the eval files in it, `-` for what comes through a pipe. What a runner does not say, whoever posts
says: --commit, --suite and the like; commit and address of the run are taken from the CI's environment where they are
not given, and the command says so. A folder that is one run (HELM, lm-evaluation-harness) is posted as one ZIP.

Exit codes: 0 all stored (or already there), 1 stored, but a run did not succeed or has no sample, or a sample errored,
was rejected or is absent from what was planned, 3 wrong usage, or a file was refused, 4 the server could not be
reached. Of several files, and of several runs in one file, the highest.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path, PurePath
from typing import Any, Final

from tracebinder.answers import Json, figure, objects, part
from tracebinder.ci_environment import Taken, read_ci, read_dirty
from tracebinder.cli.command import UNREACHABLE, Commands, add_to
from tracebinder.cli.hidden_signs import json_text
from tracebinder.cli.reporting import add_report_options, check_report_options, publish
from tracebinder.cli.server import add_server_options, server_of, tell
from tracebinder.cli.table import MOST, print_marked, print_rest, print_table
from tracebinder.documents import document, problem_of
from tracebinder.errors import TracebinderError
from tracebinder.eval_files import choose_files, looks_like
from tracebinder.http import RequestRefused, Server, ServerUnreachable
from tracebinder.poster import NAME, TYPED, Poster, post_run
from tracebinder.reports.of_push import is_whole, n_errored, report_of_push, runs_of
from tracebinder.upload import STDIN, FileUpload, PipeUpload

NOT_WHOLE: Final = 1
NOT_STORED: Final = 3
_LONGEST_NAME: Final = 100  # characters that a server takes of a file's name

# Options that become facts as they are, with what each is for.
_FACTS: Final = {
    "system": "key of the system",
    "release": "name of the release that was measured",
    "format": "format of the files; default: the server tells",
    "run-key": "key of the run, where its file has none; of one file only",
    "commit": "commit of the code that ran; default: what the CI says",
    "ci-url": "address of the run in the CI; default: what the CI says",
    "observed-from": "when the run began, as ISO 8601 with its zone",
    "observed-to": "when it ended, likewise",
    "planned-samples": "how many items the whole dataset has",
}
# Versions, each said by its key, with --NAME-label and --NAME-digest where they are known.
_VERSIONS: Final = {
    "suite": "suite that was run",
    "dataset": "dataset that it was run on",
    "evaluator": "evaluator that gave the scores",
    "model": "model that was measured",
    "judge": "model that judged, where one did",
}


def add_command(commands: Commands) -> None:
    """Add the subcommand and its options."""
    parser = add_to(
        commands, "push-eval", purpose="post eval files", description=__doc__, run=run, error_code=NOT_STORED
    )
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="a runner's own file, a folder of them, or -"
    )
    for name, words in _options().items():
        parser.add_argument(f"--{name}", required=name == "system", help=words)
    parser.add_argument(
        "--dirty",
        action=argparse.BooleanOptionalAction,
        help="whether files differed from the commit; default: what git says, in a CI",
    )
    add_report_options(parser)
    add_server_options(parser)


def _options() -> dict[str, str]:
    """Return the options that become facts, with what each is for."""
    versions = {
        f"{name}{part}": f"{of} {words}"
        for name, words in _VERSIONS.items()
        for part, of in (("", "key of the"), ("-label", "label of the"), ("-digest", "SHA-256 of the"))
    }
    return _FACTS | versions


def run(arguments: argparse.Namespace) -> int:
    """Post the files, print what was stored, and return the exit code."""
    check_report_options(arguments)
    server = server_of(arguments)
    with ExitStack() as kept_for:
        chosen = choose_files(arguments.files, kept_for)
        files = _post_all(server, chosen, arguments)
    return _report(files, arguments)


def _post_all(
    server: Server, chosen: dict[str, FileUpload | PipeUpload], arguments: argparse.Namespace
) -> list[dict[str, Any]]:
    """Post the files, print what became of each, and return it."""
    if arguments.run_key and len(chosen) > 1:
        raise TracebinderError(
            f"--run-key names one run, and these are {len(chosen)} files: post them one by one"
        )
    poster = _poster_of(arguments)
    files = []
    for told in _post_each(server, chosen, poster):
        files.append(told)
        if not arguments.json:
            _print_file(told, all_of_it=arguments.all)
    return files


def _report(files: list[dict[str, Any]], arguments: argparse.Namespace) -> int:
    """Print what is said of all of them, write what a CI asked for, and return the exit code."""
    code = max(_exit_code(told) for told in files)
    if arguments.json:
        print(json_text(document("push-eval", {"files": files}, exit_code=code)))
    elif len(files) > 1:
        print(f"{sum(bool(told['run']) for told in files)} of {len(files)} files stored")
    subject = " ".join(filter(None, (arguments.system, arguments.release)))
    runs = " ".join(key for told in files for key in _run_keys(objects(told, "runs")))
    report = report_of_push(
        files, subject=subject, url=str(files[0].get("url", "")) if len(files) == 1 else ""
    )
    publish(report, arguments, {"runs": runs, "exit_code": str(code)})
    return code


def _poster_of(arguments: argparse.Namespace) -> Poster:
    """Return what is said of the runs; what nobody typed is printed, with where it was read."""
    facts: dict[str, Taken] = {}
    for option in _options():
        name = option.replace("-", "_")
        value = getattr(arguments, name)
        if value:
            facts[name] = Taken(value, TYPED)
    if arguments.dirty is not None:
        facts["dirty"] = Taken(str(arguments.dirty).lower(), TYPED)
    taken = {name: found for name, found in read_ci(os.environ).items() if name not in facts}
    if "commit" in taken and "dirty" not in facts and (dirty := read_dirty(taken["commit"].value)):
        taken["dirty"] = dirty
    for name, found in taken.items():
        tell(f"{name.replace('_', '-')} {found.value} (from {found.source})")
    return Poster(facts | taken)


def _post_each(
    server: Server, chosen: dict[str, FileUpload | PipeUpload], poster: Poster
) -> Iterator[dict[str, Any]]:
    """Yield what became of each file; once the server cannot be reached, the rest is not tried."""
    unreachable: ServerUnreachable | None = None
    for name, upload in chosen.items():
        if unreachable is not None:
            yield _not_stored(name, upload, TracebinderError("not tried: the server could not be reached"), 4)
            continue
        try:
            yield _post(server, name, upload, poster)
        except ServerUnreachable as exc:
            unreachable = exc
            yield _not_stored(name, upload, exc, UNREACHABLE)
        except TracebinderError as exc:
            yield _not_stored(name, upload, _explained(exc, upload, poster), NOT_STORED)


def _post(server: Server, name: str, upload: FileUpload | PipeUpload, poster: Poster) -> dict[str, Any]:
    if name != STDIN:
        named = Taken(PurePath(name).name[:_LONGEST_NAME], "the file's name")
        poster = Poster({**poster.facts, NAME: named})
    status, answer = post_run(server, upload, poster, tell)
    stored, runs = str(answer.get("digest") or ""), runs_of(answer)
    if stored and upload.digest and stored != upload.digest:
        raise TracebinderError(f"what the server stored is not what was sent: {stored}, not {upload.digest}")
    told = str(answer.get("url") or "")
    page = server.page(f"/admin/evidence/evalrun/{answer.get('id')}/change/")
    return {
        "file": name,
        "bytes": upload.size,
        "sha256": upload.digest,
        "outcome": "stored" if status == 201 else "already_stored",
        "url": told if told.startswith(server.url) else page,
        "run": runs[0],
        "runs": runs,
        "problem": None,
    }


def _explained(error: TracebinderError, upload: FileUpload | PipeUpload, poster: Poster) -> TracebinderError:
    """Return an error with what the file looks like, where the server could not read it."""
    if not isinstance(error, RequestRefused) or not _is_about_format(error):
        return error
    try:
        looks = looks_like(upload)
    except TracebinderError:
        looks = ""
    asked = poster.facts.get("format")
    hints = [
        f"the file looks like {looks}" if looks and upload.size else f"the file is {looks}" if looks else ""
    ]
    hints.append(f"it was to be read as {asked.value} (--format)" if asked else "--format says what wrote it")
    told = "; ".join(hint for hint in hints if hint)
    problem = {**error.problem, "detail": f"{error.problem.get('detail') or ''} ({told})".strip()}
    return RequestRefused(status=error.status, problem=problem)


def _is_about_format(error: RequestRefused) -> bool:
    return error.code == "eval_file_refused" or any(fault.get("path") == "format" for fault in error.faults())


def _not_stored(
    name: str, upload: FileUpload | PipeUpload, error: TracebinderError, code: int
) -> dict[str, Any]:
    return {
        "file": name,
        "bytes": upload.size,
        "sha256": "",
        "outcome": "unreachable" if code == UNREACHABLE else "not_stored",
        "run": None,
        "runs": [],
        "problem": problem_of(error),
    }


def _exit_code(told: Json) -> int:
    if told["outcome"] == "unreachable":
        return UNREACHABLE
    runs = objects(told, "runs")
    if not runs:
        return NOT_STORED
    return 0 if all(map(is_whole, runs)) else NOT_WHOLE


def _print_file(told: Json, *, all_of_it: bool) -> None:
    runs = objects(told, "runs")
    if not runs:
        tell(f"{told.get('file')} is not stored: {part(told, 'problem').get('detail')}")
    for run in runs:
        _print_run(told, run, all_of_it=all_of_it)
    _print_unseen(runs)
    if runs:
        print(told.get("url"))


def _print_run(told: Json, answer: Json, *, all_of_it: bool) -> None:
    known = str(told.get("outcome")).replace("_", " ")
    print_marked(
        f"{told.get('file')}: eval run {answer.get('run_key')} {known} (id {answer.get('id')}, {answer.get('status')})"
    )
    counts = ("n_samples", "n_scored", "n_unscored", "n_error")
    print("  ".join(f"{name.removeprefix('n_')} {answer.get(name)}" for name in counts))
    _print_scores(objects(answer, "scores"), all_of_it=all_of_it)
    _print_remarks(answer, all_of_it=all_of_it)
    if answer.get("n_samples") == 0:
        print_marked("missing: no sample is in it: nothing was measured")
    if errored := n_errored(answer):
        values = "value of a metric" if errored == 1 else "values of metrics"
        print_marked(f"missing: {errored} {values} errored: what is missing counts against a pass")
    rejects = objects(answer, "rejects")
    shown = rejects if all_of_it else rejects[:MOST]
    for reject in shown:
        print_marked(f"missing: {reject.get('code')}: {reject.get('detail')}")
    print_rest(len(rejects) - len(shown), of="missing")


def _print_unseen(runs: list[Json]) -> None:
    """Name the runs of the file of which a server of before says no more than the key: no code judges those."""
    seen = {run.get("run_key") for run in runs}
    others = [key for key in _run_keys(runs) if key not in seen]
    if others:
        print_marked(f"the same file brought {len(others)} more: {', '.join(others)}")


def _run_keys(runs: list[Json]) -> list[str]:
    """Return the keys of the runs of a file."""
    of_file = (str(each.get("run_key")) for run in runs for each in (run, *objects(run, "same_file")))
    return list(dict.fromkeys(of_file))


def _print_remarks(answer: Json, *, all_of_it: bool) -> None:
    """Print what the server found to say beside the numbers: edits, limits, totals of the runner that are not ours."""
    lines = [
        ": ".join(
            filter(
                None,
                ("remark", str(each.get("code")), str(each.get("sample_id") or ""), str(each.get("detail"))),
            )
        )
        for each in objects(answer, "remarks")
    ]
    lines += [
        f"differs: the runner says {figure(each.get('stated'))} for {each.get('name')} of {each.get('metric')}, its"
        f" samples say {figure(each.get('computed'))}"
        for each in objects(answer, "totals")
        if each.get("differs")
    ]
    shown = lines if all_of_it else lines[:MOST]
    for line in shown:
        print_marked(line)
    print_rest(len(lines) - len(shown), of="remarks")


def _print_scores(scores: list[Json], *, all_of_it: bool) -> None:
    """Print the metrics over all samples, then their slices, the worst first."""
    whole = [score for score in scores if not part(score, "slice")]
    slices = _worst_first([score for score in scores if part(score, "slice")])
    shown = whole + (slices if all_of_it else slices[:MOST])
    rows = [
        (
            str(score.get("metric")),
            ", ".join(f"{key}={item}" for key, item in sorted(part(score, "slice").items())) or "all",
            figure(score.get("value")),
            f"{figure(score.get('low'))} to {figure(score.get('high'))}",
            str(score.get("n")),
            str(score.get("unit")),
        )
        for score in shown
    ]
    print_table(("metric", "slice", "value", "each bound at 0.95", "n", "unit"), rows)
    print_rest(len(scores) - len(shown), of="slices")


def _worst_first(slices: list[Json]) -> list[Json]:
    """Return slices with the worst of each metric first, then the second worst of each, and so on."""
    by_metric: dict[str, list[Json]] = {}
    for score in sorted(slices, key=_how_good):
        by_metric.setdefault(str(score.get("metric")), []).append(score)
    return [score for each in zip_longest(*by_metric.values()) for score in each if score is not None]


def _how_good(score: Json) -> tuple[bool, float]:
    """Return the best that the interval of a slice allows, so that one with a single sample is not the worst."""
    higher = score.get("direction") != "lower"
    best = score.get("high" if higher else "low")
    if not isinstance(best, (int, float)):
        return True, 0.0
    return False, best if higher else -best
