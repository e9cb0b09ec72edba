"""Run the worked copilots and send what they do to an evidence store.

python -m examples.run --url http://127.0.0.1:8000 --token tb_... --copilot all --store var/models
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from examples.catalogue import COPILOTS, load_named
from examples.common.copilot import Copilot
from examples.common.generation import Generator
from examples.common.instrumentation import CheckedExporter, make_provider
from examples.common.outcome import Outcome, write_outcomes
from examples.common.pipeline import count_generations
from examples.common.runner import Assignment, assign, run_tasks
from examples.progress import make_progress
from interpret.model_store import SMOLLM2, fetch_smollm2

CONCURRENCY = 64  # tasks side by side


def load_model(store: Path, console: Console) -> Generator:
    """Fetch the model where it is missing, and load it by digest."""
    with console.status("fetching and loading the model"):
        digest = fetch_smollm2(store)
        from examples.common.local_model import LocalModel  # noqa: PLC0415 - torch takes seconds to import

        return LocalModel(store, digest, SMOLLM2.name)


def run_copilots(
    copilots: list[Copilot],
    generator: Generator,
    *,
    url: str | None,
    tokens: dict[str, str],
    environment: str,
    out: Path,
    console: Console,
) -> dict[str, list[Outcome]]:
    """Run every task of `copilots`; write `<out>/<system key>.jsonl`; send traces where there is a `url`.

    Args:
        tokens: ingest token by system key; that under `*` serves the systems not named.

    Raises:
        SystemExit: spans were not delivered or were refused; the reasons are printed.
    """
    exporters = {
        copilot.key: CheckedExporter(url, tokens.get(copilot.key, tokens.get("*", "")))
        for copilot in copilots
        if url is not None
    }
    assignments: list[Assignment] = []
    for copilot in copilots:
        provider = make_provider(copilot.key, exporters.get(copilot.key), environment=environment)
        assignments += assign(copilot, copilot.tasks(), provider)
    with make_progress(console) as progress:
        generations = sum(count_generations(assignment.task) for assignment in assignments)
        bar = progress.add_task(f"{len(assignments)} tasks, generations", total=generations)
        found = run_tasks(
            assignments, generator, concurrency=CONCURRENCY, report=lambda n: progress.advance(bar, n)
        )
    for provider in {assignment.provider for assignment in assignments}:
        provider.shutdown()
    outcomes = {c.key: [outcome for outcome in found if outcome.system == c.key] for c in copilots}
    for key, group in outcomes.items():
        write_outcomes(out / f"{key}.jsonl", group)
    problems = [
        f"{key}: {exporter.undelivered} spans not delivered; {exporter.refusals}"
        for key, exporter in exporters.items()
        if exporter.undelivered or exporter.refusals
    ]
    if problems:
        raise SystemExit("\n".join(problems))
    return outcomes


def print_summary(outcomes: dict[str, list[Outcome]], seconds: float, console: Console) -> None:
    """Print one row a copilot: how much it said, cited and was stopped from saying."""
    table = Table("copilot", "tasks", "claims", "citations", "uncited", "denied", "escalated", "tokens")
    for key, group in outcomes.items():
        material = [claim for outcome in group for claim in outcome.claims if claim.material]
        decisions = Counter(check["decision"] for outcome in group for check in outcome.policy)
        table.add_row(
            key,
            str(len(group)),
            str(len(material)),
            str(sum(len(claim.citations) for claim in material)),
            str(sum(not claim.citations for claim in material)),
            str(decisions["deny"]),
            str(decisions["escalate"]),
            str(sum(outcome.generated_tokens for outcome in group)),
        )
    console.print(table)
    tasks = sum(len(group) for group in outcomes.values())
    console.print(f"{tasks} tasks in {seconds:.0f} s ({seconds / max(tasks, 1):.1f} s a task)")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m examples.run", description=__doc__)
    parser.add_argument("--url", help="address of the store; without it nothing is sent")
    parser.add_argument("--token", default="", help="token with the scope `ingest`")
    parser.add_argument("--copilot", default="all", choices=["all", *COPILOTS])
    parser.add_argument("--store", type=Path, default=Path("var/models"), help="model store")
    parser.add_argument(
        "--out", type=Path, default=Path("var/examples"), help="where the answers are recorded"
    )
    parser.add_argument("--environment", default="demo", help="deployment.environment.name")
    options = parser.parse_args(argv)
    console = Console(stderr=True)
    copilots = load_named(options.copilot)
    generator = load_model(options.store, console)
    started = time.perf_counter()
    outcomes = run_copilots(
        copilots,
        generator,
        url=options.url,
        tokens={"*": options.token},
        environment=options.environment,
        out=options.out,
        console=console,
    )
    print_summary(outcomes, time.perf_counter() - started, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
