"""Every probe that makes its own texts, on SmolLM2: `make probes`. Takes minutes, stores nothing.

What a worker would store is printed: each finding with its verdict, its controls and what it does not show.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from examples.progress import make_progress
from examples.releases import RELEASES, make_releases
from interpret import registry
from interpret.contracts import Measurement, ProbeResult, ProbeSpecification
from interpret.errors import InterpretError
from interpret.model_store import fetch_smollm2
from interpret.probes.processes import measure_in, open_pool
from interpret.verdicts import judge

ROOT: Final = Path(__file__).parents[1]
# Of proxies one prompt set of each copilot; as many pairs, directions, heads and facts as two cores measure in minutes.
SMALL: Final = {"pairs": 40, "control_draws": 59}
SHOWN: Final[Mapping[str, Sequence[Mapping[str, Any]]]] = {
    "attribute.proxies": [
        {"prompt_set": "credit-gender-en", **SMALL},
        {"prompt_set": "aml-region-en", **SMALL},
        {"prompt_set": "service-origin-en", **SMALL},
    ],
    # A rank among 79 directions survives the correction over its four tests.
    "refusal.direction": [{"prompt_set": "service-en", "pairs": 40, "control_draws": 79}],
    "deception.signs": [{"prompt_set": "statements-en"}],
    "hallucination.signs": [{"prompt_set": "claims-en"}, {"prompt_set": "claims-mixed-en"}],
    "answer.path": [{"pairs": 40, "control_draws": 19, "checked_heads": 12}],
    "fact.tracing": [{"facts": 40, "control_draws": 19}],
}
OWN_TEXTS: Final = [key for key, entry in registry.PROBES.items() if not entry.reads_prompts]
PLAIN_WIDTH: Final = 140  # columns where the output goes to a file


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0; 1 where a probe refused."""
    options = _parse(arguments)
    console = Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)
    with console.status("fetching the model"):
        digest = options.model or fetch_smollm2(options.store)
    refused = False
    with open_pool(options.processes) as pool:
        for name, asked in _asked(options, digest, console):
            began = time.perf_counter()
            try:
                result = _measure(pool, asked, options.store, console)
            except InterpretError as exc:
                console.print(f"[red]{exc.code}: {exc}[/]")
                refused = True
                continue
            _print(console, name, result.measurements)
            console.print(f"{time.perf_counter() - began:.0f} s, {result.forward_passes} forward batches.\n")
    return 1 if refused else 0


def _asked(
    options: argparse.Namespace, digest: str, console: Console
) -> Iterator[tuple[str, ProbeSpecification]]:
    """Yield what is asked of each probe, and its title: without parameters, what is shown of it."""
    given = json.loads(options.parameters)
    for probe in options.probe:
        if registry.describe(probe).models and not given:
            yield from _releases(probe, options, digest, console)
            continue
        for parameters in [given] if given else SHOWN.get(probe, [{}]):
            named = " ".join([probe, *registry.fill_choices(probe, parameters).values()])
            yield named, ProbeSpecification(probe, digest, options.seed, parameters)


def _releases(
    probe: str, options: argparse.Namespace, digest: str, console: Console
) -> Iterator[tuple[str, ProbeSpecification]]:
    """Yield a comparison of the model with each release that is made of it."""
    for name in RELEASES:
        with console.status(f"making a release: {name}"):
            newer = make_releases(options.store, digest, [name])[name]
        asked = ProbeSpecification(probe, newer, options.seed, {"against": digest})
        yield f"{probe}: {name}, against the model it was made of", asked


def _measure(pool: Executor, asked: ProbeSpecification, store: Path, console: Console) -> ProbeResult:
    with make_progress(console) as bar:
        task = bar.add_task(asked.probe, total=None)

        def told(what: str, done: int, total: int) -> None:
            bar.update(task, description=f"{asked.probe}: {what}", completed=done, total=total)

        return measure_in(pool, asked, store, told)


def _print(console: Console, name: str, measurements: Sequence[Measurement]) -> None:
    table = Table(title=f"{name} (supporting only)", title_justify="left", show_lines=True)
    for column in ("finding", "value", "null", "verdict"):
        table.add_column(column, overflow="fold")
    for each in measurements:
        verdict, estimate = judge(each), each.estimate
        rung = f"{verdict.status}, {verdict.rung}"
        table.add_row(
            f"{each.supports}\n[dim]Does not show: {each.does_not_show}[/]",
            f"{estimate.value:.3g} {each.unit}\n{estimate.low:.3g} … {estimate.high:.3g} (n={estimate.n})",
            f"{each.null.estimate.value:.3g}",
            f"{rung}\n[dim]{verdict.reason}[/]",
        )
    console.print(table)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.probes", description=__doc__)
    parser.add_argument(
        "--probe", nargs="+", default=OWN_TEXTS, choices=OWN_TEXTS, help="which; all without it"
    )
    parser.add_argument(
        "--parameters", default="{}", help='over the defaults, as JSON: {"control_draws": 19}'
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", help="digest of a model in the store, instead of SmolLM2's")
    parser.add_argument("--store", type=Path, default=ROOT / "var" / "models", help="the model store")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
