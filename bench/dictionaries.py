"""What training a dictionary costs beside a bare loop of sae-lens: `python -m bench.dictionaries`. No model is needed.

Both train the same TopK SAE on the same activations with the same settings, on one thread, in turns. The bare loop
hands `SAETrainer` rows of a tensor in an order of torch's; ours is `interpret.dictionaries.training.train`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interpret.dictionaries import library
from interpret.dictionaries.coding import Floats
from interpret.dictionaries.training import SCALED_BY, Training, train


def main(arguments: Sequence[str] | None = None) -> None:
    """Print tokens a CPU second of both, and their ratio."""
    options = _parse(arguments)
    torch.set_num_threads(1)
    data = np.random.default_rng(0).standard_normal((16_384, options.width)).astype(np.float32)
    training = Training(features=options.features, samples=options.samples)
    train(data, Training(features=64, samples=1024))  # what is loaded and compiled once
    taken = {"bare SAETrainer": list[float](), "ours": list[float]()}
    for _ in range(options.rounds):
        taken["bare SAETrainer"].append(_seconds(lambda: bare(data, training)))
        taken["ours"].append(_seconds(lambda: train(data, training)))
    rates = {name: training.samples / min(seconds) for name, seconds in taken.items()}
    print(
        f"training {training.features} features of width {options.width}, {training.samples} samples,"
        f" tokens a CPU second, best of {options.rounds}:"
    )
    for name, rate in rates.items():
        print(f"  {name:<18}{rate:8.0f}  {rate / rates['bare SAETrainer']:.2f}")


def bare(activations: Floats, training: Training) -> Any:
    """Train with sae-lens alone."""
    from sae_lens import SAETrainer  # noqa: PLC0415  # after `library` has set what it reads from the environment
    from sae_lens.config import LoggingConfig, SAETrainerConfig  # noqa: PLC0415

    steps = training.samples // training.batch
    config = SAETrainerConfig(
        total_training_samples=training.samples,
        train_batch_size_samples=training.batch,
        lr=training.rate,
        lr_end=training.rate / 10,
        lr_warm_up_steps=steps // 20,
        lr_decay_steps=steps // 5,
        dead_feature_window=training.dead_after,
        n_batches_for_norm_estimate=SCALED_BY,
        logger=LoggingConfig(log_to_wandb=False),
    )
    sae = library.new_topk(
        width=activations.shape[1], features=training.features, active=training.active, seed=training.seed
    )
    rows = _rows(torch.from_numpy(activations), training.batch)
    trainer: Any = SAETrainer(cfg=config, sae=sae, data_provider=rows)
    with contextlib.redirect_stderr(io.StringIO()):
        return trainer.fit()


def _rows(data: Tensor, batch: int) -> Iterator[Tensor]:
    while True:
        for rows in torch.split(torch.randperm(len(data)), batch):
            yield data[rows]


def _seconds(call: Callable[[], Any]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.dictionaries", description=__doc__)
    parser.add_argument("--features", type=int, default=2048)
    parser.add_argument("--width", type=int, default=576)
    parser.add_argument("--samples", type=int, default=32_768)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
