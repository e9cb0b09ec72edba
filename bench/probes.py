"""What the engine of the probes costs: `python -m bench.probes`, on SmolLM2 from the model store.

Readings: three probes that each read the residual stream after a layer of their own, against one plain forward pass
that stops at the deepest of them. Ablations: sets of heads ablated from the middle, against whole passes. Workers: the
parts of one run done by 1, 2 and 4 processes, whose result must be the same to the last digit.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from interpret import registry
from interpret.contracts import ProbeSpecification, Want
from interpret.model_store import SMOLLM2
from interpret.probes.forward import TOKENS_A_BATCH, ForwardPasses
from interpret.probes.one_pass import Ablation, Ids
from interpret.probes.processes import measure_in, open_pool, session_of
from interpret.probes.sites import Head, blocks_of
from interpret.probes.weights import LoadedModel, load_causal_lm

ROOT: Final = Path(__file__).parents[1]
LAYERS: Final = (5, 10, 15)
RUN: Final = {"sequences": 40, "length": 24, "heads": 1, "control_draws": 19, "permutations": 99}


class Reached(Exception):  # as in the engine
    """The plain pass is at the layer where it stops."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print each ratio."""
    options = _parse(arguments)
    torch.set_num_threads(1)
    loaded = load_causal_lm(options.store, SMOLLM2.digest, attention="eager")
    ids = np.random.default_rng(0).integers(0, loaded.shape.vocabulary, size=(options.prompts, 64))
    readings(loaded, ids, options.rounds)
    ablations(loaded, ids[:16], options.rounds)
    if options.workers:
        workers(options.store, options.workers)


def readings(loaded: LoadedModel, ids: Ids, rounds: int) -> None:
    """Compare the probes of a plan with one plain pass."""

    def plan() -> None:
        passes = ForwardPasses(layers=LAYERS)
        for layer in LAYERS:
            passes.clean(loaded, ids, (), layers=[layer])

    def apart() -> None:
        for layer in LAYERS:
            ForwardPasses().clean(loaded, ids, (), layers=[layer])

    plain, planned, alone = _quickest([partial(plain_pass, loaded, ids), plan, apart], rounds)
    print(
        f"readings after layers {', '.join(map(str, LAYERS))} of {ids.size} tokens, CPU seconds, least of {rounds}:"
    )
    print(f"  one plain pass, stopped    {plain:6.2f}")
    print(f"  the three as a plan        {planned:6.2f}  {planned / plain:.2f} of it")
    print(f"  each by itself             {alone:6.2f}  {alone / plain:.2f} of it")


def plain_pass(loaded: LoadedModel, ids: Ids) -> None:
    """Run to the deepest layer with torch alone, in batches of the engine's size."""

    def stop(*_: Any) -> None:
        raise Reached

    handle = blocks_of(loaded)[max(LAYERS)].register_forward_hook(stop)
    rows = TOKENS_A_BATCH // ids.shape[1]
    with torch.inference_mode():
        for start in range(0, len(ids), rows):
            with suppress(Reached):
                loaded.model.base_model(
                    input_ids=torch.from_numpy(ids[start : start + rows]), use_cache=False
                )
    handle.remove()


def ablations(loaded: LoadedModel, ids: Ids, rounds: int) -> None:
    """Compare an ablation in layers 17 and 18 with an unchanged whole pass over the same tokens."""
    passes = ForwardPasses()
    zeros = Ablation((Head(17, 3), Head(18, 6)), np.zeros((2, loaded.shape.head_width), dtype=np.float32))
    passes.ablated(loaded, ids, zeros)  # proven, and what comes before is kept

    def whole() -> None:
        ForwardPasses().clean(loaded, ids, {Want.SURPRISAL})

    plain, changed = _quickest([whole, partial(passes.ablated, loaded, ids, zeros)], rounds)
    print(f"an ablation in layers 17 and 18 of {loaded.shape.layers}, {ids.size} tokens:")
    print(f"  a whole pass               {plain:6.2f}")
    print(f"  from the middle            {changed:6.2f}  {changed / plain:.2f} of it")


def workers(store: Path, many: Sequence[int]) -> None:
    """Do the parts of one run with so many processes."""
    asked = ProbeSpecification("induction.heads", SMOLLM2.digest, seed=0, parameters=RUN)
    print(f"one run in {len(registry.load(asked.probe).parts(asked))} parts, models loaded, wall seconds:")
    results, first = set[str](), 0.0
    for number in many:
        with open_pool(number) as pool:
            list(pool.map(partial(_warm, store), range(number)))
            began = time.perf_counter()
            result = measure_in(pool, asked, store, lambda *_: None)
            took = time.perf_counter() - began
        first = first or took
        results.add(json.dumps([each.as_json() for each in result.measurements], sort_keys=True))
        said = "process" if number == 1 else "processes"
        print(f"  {number} {said:<24} {took:6.1f}  {first / took:.2f} times as fast")
    print("  the same result from each" if len(results) == 1 else f"  {len(results)} DIFFERENT RESULTS")


def _warm(store: Path, number: int) -> int:
    session_of(store).dead(SMOLLM2.digest, 0)
    time.sleep(0.5)  # so that each process takes one of these
    return number


def _quickest(calls: Sequence[Callable[[], Any]], rounds: int) -> list[float]:
    """Return the least CPU seconds of each, taken in turns so that a busy moment meets all alike."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, seconds in zip(calls, taken, strict=True):
            began = time.process_time()
            call()
            seconds.append(time.process_time() - began)
    return [min(seconds) for seconds in taken]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.probes", description=__doc__)
    parser.add_argument("--store", type=Path, default=ROOT / "var" / "models")
    parser.add_argument("--prompts", type=int, default=48, help="of 64 tokens")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--workers", type=int, nargs="*", default=[1, 2, 4], help="numbers of processes to compare"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
