"""Evaluate the worked copilots and write one native eval file each, for `tracebinder push-eval`.

    python -m examples.evals.run --out var/evals

Groundedness is scored on the answers `python -m examples.run` recorded; where there are none for this release,
the tasks are run first. Answers to pressure prompts, name swaps and labelled cases are generated here.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from examples.catalogue import COPILOTS, load_named
from examples.common.copilot import Copilot
from examples.common.generation import Generator
from examples.common.outcome import read_outcomes
from examples.evals.cases import prepare_cases
from examples.evals.native import build_eval_file, summarise
from examples.evals.samples import (
    answer_parts,
    prepare_name_swaps,
    prepare_pressure,
    sample_recorded_answers,
)
from examples.progress import make_progress
from examples.run import load_model, run_copilots

_PREPARED: Final = (
    prepare_pressure,
    prepare_name_swaps,
    prepare_cases,
)  # parts of a suite that ask the model


def recorded_for_release(copilot: Copilot, generator: Generator, records: Path) -> list[dict[str, Any]]:
    """Return the recorded answers of this very release; empty where they are missing or of other versions."""
    path = records / f"{copilot.key}.jsonl"
    if not path.exists():
        return []
    outcomes = read_outcomes(path)
    expected = (generator.digest, copilot.index_digest)
    if any((outcome["model_digest"], outcome["index_digest"]) != expected for outcome in outcomes):
        return []
    of_release = [outcome for outcome in outcomes if outcome["prompt_digest"] == copilot.prompt.digest]
    wanted = {task.id for task in copilot.tasks() if task.prompt is None}
    return of_release if {outcome["task"] for outcome in of_release} == wanted else []


def evaluate(
    copilots: Sequence[Copilot], generator: Generator, records: Path, progress: Progress
) -> dict[str, dict[str, Any]]:
    """Run the suites of the copilots side by side, and return the eval file of each by system key."""
    started = dt.datetime.now(dt.UTC)
    outcomes = _answers_of(copilots, generator, records)
    parts = [prepare(copilot) for copilot in copilots for prepare in _PREPARED]
    bar = progress.add_task("generations", total=sum(len(part.requests) for part in parts))
    asked = iter(answer_parts(parts, generator, lambda n: progress.advance(bar, n)))
    ended, commit = dt.datetime.now(dt.UTC), source_revision()
    return {
        copilot.key: build_eval_file(
            copilot,
            [
                *sample_recorded_answers(copilot, outcomes[copilot.key]),
                *(sample for part in islice(asked, len(_PREPARED)) for sample in part),
            ],
            model_name=generator.name,
            model_digest=generator.digest,
            started=started,
            ended=ended,
            commit=commit,
        )
        for copilot in copilots
    }


def _answers_of(
    copilots: Sequence[Copilot], generator: Generator, records: Path
) -> dict[str, list[dict[str, Any]]]:
    """Return the recorded answers by system key; copilots without any of this release are run first."""
    missing = [copilot for copilot in copilots if not recorded_for_release(copilot, generator, records)]
    run_copilots(
        missing,
        generator,
        url=None,
        tokens={},
        environment="evaluation",
        out=records,
        console=Console(quiet=True),
    )
    return {copilot.key: recorded_for_release(copilot, generator, records) for copilot in copilots}


def source_revision() -> str:
    """Return the commit the suite is run from: CI's word for it, else git's, else "unknown"."""
    stated = os.environ.get("GITHUB_SHA") or os.environ.get("CI_COMMIT_SHA")
    if stated:
        return stated
    git = shutil.which("git")
    if git is None:
        return "unknown"
    asked = subprocess.run(  # noqa: S603  # git, with our own arguments
        [git, "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"


def print_scores(files: dict[str, dict[str, Any]], seconds: float, console: Console) -> None:
    """Print one row a copilot and metric."""
    table = Table("copilot", "metric", "mean", "n", "unscored", "error")
    for key, document in files.items():
        for metric, row in summarise(document["samples"]).items():
            mean = f"{row['mean']:.3f}" if "mean" in row else "-"
            table.add_row(key, metric, mean, *(str(row[name]) for name in ("n", "unscored", "error")))
    console.print(table)
    console.print(f"evaluated in {seconds:.0f} s")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m examples.evals.run", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the eval files")
    parser.add_argument("--copilot", default="all", choices=["all", *COPILOTS])
    parser.add_argument("--store", type=Path, default=Path("var/models"), help="model store")
    parser.add_argument("--records", type=Path, default=Path("var/examples"), help="recorded answers")
    options = parser.parse_args(argv)
    console = Console(stderr=True)
    generator = load_model(options.store, console)
    started = time.perf_counter()
    options.out.mkdir(parents=True, exist_ok=True)
    with make_progress(console) as progress:
        files = evaluate(load_named(options.copilot), generator, options.records, progress)
    for key, document in files.items():
        text = json.dumps(document, ensure_ascii=False, indent=1)
        (options.out / f"{key}.json").write_text(text + "\n", encoding="utf-8")
    print_scores(files, time.perf_counter() - started, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
