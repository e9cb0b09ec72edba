"""The one door to sae-lens: what makes, trains, writes and reads a sparse autoencoder.

No more of it is used, and nothing of it is attached to a model (docs/decisions/0078). It reaches no network.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["WANDB_MODE"] = "disabled"

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from interpret.errors import DictionaryUnreadable

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of modules of its own that it is about to leave
    from sae_lens import SAE, SAETrainer, TopKTrainingSAE, TopKTrainingSAEConfig
    from sae_lens.config import LoggingConfig, SAETrainerConfig

CONFIG: Final = "cfg.json"
WEIGHTS: Final = "sae_weights.safetensors"

# What files that are no dictionary make sae-lens raise, which has no error of its own, and what it reads them with.
_READS_NOT: Final = (
    OSError,  # a file that nobody may open
    ValueError,  # a text that is no JSON or no UTF-8; a setting or a version that cannot be
    LookupError,  # a setting lacks; an architecture that it does not know
    TypeError,  # JSON of another shape
    AttributeError,  # likewise
    ArithmeticError,  # settings that do not divide each other
    AssertionError,  # likewise
    RuntimeError,  # of torch: weights lack, or are of another shape; JSON in JSON without end
    SafetensorError,
)


def new_topk(*, width: int, features: int, active: int, seed: int) -> Any:
    """Return a TopK SAE to be trained, its weights drawn by `seed`; torch's own stream is left alone."""
    config: Any = TopKTrainingSAEConfig(
        d_in=width, d_sae=features, k=active, normalize_activations="expected_average_only_in"
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TopKTrainingSAE(config)


def fit(
    sae: Any,
    batches: Iterator[Tensor],
    *,
    samples: int,
    batch: int,
    rate: float,
    dead_after: int,
    scale_by: int,
) -> Any:
    """Train `sae` on batches (sample, width) and return it, its scale folded into its weights.

    Args:
        rate: of Adam; it falls to a tenth over the last fifth of the steps.
        dead_after: steps in which a feature that did not fire counts as dead, and is drawn towards what is missing.
        scale_by: batches from which the scale of the activations is told.
    """
    steps = samples // batch
    config = SAETrainerConfig(
        total_training_samples=samples,
        train_batch_size_samples=batch,
        lr=rate,
        lr_end=rate / 10,
        lr_warm_up_steps=steps // 20,
        lr_decay_steps=steps // 5,
        dead_feature_window=dead_after,
        n_batches_for_norm_estimate=scale_by,
        logger=LoggingConfig(log_to_wandb=False),
    )
    trainer: Any = SAETrainer(cfg=config, sae=sae, data_provider=batches)
    with contextlib.redirect_stderr(io.StringIO()):  # its own progress bar; errors are raised
        return trainer.fit()


def write_for_inference(sae: Any, folder: Path) -> None:
    """Write a trained SAE as sae-lens reads it, with weights in float16: half the size."""
    sae.save_inference_model(folder)
    weights = load_file(folder / WEIGHTS)
    save_file({name: each.to(torch.float16).contiguous() for name, each in weights.items()}, folder / WEIGHTS)
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")


def read(folder: Path) -> Any:
    """Return the SAE in `folder` in float32, whatever architecture sae-lens reads.

    Raises:
        DictionaryUnreadable: files lack or do not fit each other, sae-lens does not know the architecture, or it is a
            transcoder, which does not reconstruct what it reads.
    """
    lacking = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if lacking:
        raise DictionaryUnreadable(f"{folder} holds no {' and no '.join(lacking)}")
    try:
        sae: Any = SAE.load_from_disk(folder, device="cpu", dtype="float32")
        architecture = sae.cfg.architecture()
    except _READS_NOT as exc:
        raise DictionaryUnreadable(f"sae-lens {version('sae-lens')} does not read {folder}: {exc!r}") from exc
    if "transcoder" in architecture:
        raise DictionaryUnreadable(f"a {architecture} gives something else than it reads")
    wrong = [name for name, each in sae.state_dict().items() if not bool(torch.isfinite(each).all())]
    if wrong:
        raise DictionaryUnreadable(f"{folder}: {', '.join(wrong)} hold what is no number")
    return sae.eval()


def versions() -> dict[str, str]:
    """Versions of the libraries that touch what a dictionary gives."""
    return {name: version(name) for name in ("sae-lens", "torch", "safetensors", "numpy")}
