"""What a model still predicts when a coder stands between two of its layers, beside what it predicts without any.

Passes go on from the residual stream after the site's layer, as those of 0072 do. Before any number is believed, the
unchanged residual has to give the model's own surprisal, and an ablation has to move it (0068).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interpret.dictionaries.about import Site
from interpret.dictionaries.coding import Coder, Floats
from interpret.dictionaries.figures import Figure, grouped, jackknifed
from interpret.dictionaries.reading import Sequences
from interpret.errors import InterventionWithoutEffect, ProbeError
from interpret.probes.forward import MOVED
from interpret.probes.hooks import Hook, counted_hooks, standing_in
from interpret.probes.one_pass import surprisal_of
from interpret.probes.residual import massive_tokens
from interpret.probes.resuming import from_residual
from interpret.probes.sites import blocks_of
from interpret.probes.weights import LoadedModel

Replace: TypeAlias = Callable[[Floats], Floats]  # (token, width) -> (token, width)
ROWS: Final = 8  # sequences at once: 8 x 64 x 49,152 logits, twice, are 0.2 GB
SAME: Final = 100 * MOVED  # nats: what going on from the middle may differ by, token by token
TOLD: Final = 0.05  # nats a token: an ablation that costs less is no floor to recover from


@dataclass(frozen=True, slots=True)
class Losses:
    """What each replacement costs, a row a sequence.

    Attributes:
        clean: (sequence,), surprisal of the unchanged model, nats a token.
        surprisal: replacement -> the same under it.
        divergence: replacement -> (sequence,), KL of the unchanged distribution to that under it, nats a token.
        texts: (sequence,), of which text.
    """

    clean: NDArray[np.float64]
    surprisal: Mapping[str, NDArray[np.float64]]
    divergence: Mapping[str, NDArray[np.float64]]
    texts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Recovered:
    """How much of what an ablation takes is not taken where a coder stands, in shares: 1 is all, below 0 is worse.

    Attributes:
        cross_entropy: floor -> share; None where that ablation costs under `TOLD`, so that there is nothing to recover.
        divergence: likewise, of KL.
    """

    cross_entropy: Mapping[str, Figure | None]
    divergence: Mapping[str, Figure | None]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            name: {floor: figure and figure.as_json() for floor, figure in getattr(self, name).items()}
            for name in ("cross_entropy", "divergence")
        }


def coding(coder: Coder) -> Replace:
    """Return what replaces activations by what a coder gives back."""
    return lambda activations: coder.decode(coder.encode(activations))


def constant(vector: Floats) -> Replace:
    """Return what replaces each token's activations by one vector (width,)."""
    return lambda activations: np.broadcast_to(vector, activations.shape).copy()


def losses(
    loaded: LoadedModel,
    site: Site,
    sequences: Sequences,
    replacements: Mapping[str, Replace],
    *,
    massive: bool,
) -> Losses:
    """Return what the model predicts under each replacement.

    Args:
        replacements: by name.
        massive: whether massive tokens are replaced too; without, they stay as they are, under each alike.

    Raises:
        ProbeError: going on from the unchanged residual does not give what the model gives.
        InterventionWithoutEffect: a replacement that changes activations moves no token.
    """
    clean, found = list[Floats](), {name: (list[Floats](), list[Floats]()) for name in replacements}
    for start in range(0, len(sequences.ids), ROWS):
        ids = torch.from_numpy(sequences.ids[start : start + ROWS])
        logits, residual, place = _whole(loaded, site.layer, ids)
        if not start:
            place.check_same(residual, logits)
        own, log_p = surprisal_of(logits, ids).numpy(), torch.log_softmax(logits[:, :-1], -1)
        clean.append(own.mean(axis=1))
        flat = residual.numpy().reshape(-1, site.width)
        chosen = np.ones(len(flat), dtype=bool) if massive else ~massive_tokens(flat)
        for name, replace in replacements.items():
            spliced = flat.copy()
            spliced[chosen] = replace(flat[chosen])
            there = place.go_on(torch.from_numpy(spliced).reshape(residual.shape))
            surprisal = surprisal_of(there, ids).numpy()
            if not np.abs(surprisal - own).max() > MOVED:
                raise InterventionWithoutEffect(f"{name}: nothing moves with the residual after {site.layer}")
            found[name][0].append(surprisal.mean(axis=1))
            found[name][1].append(_divergence(log_p, there[:, :-1]))
    return Losses(
        _as_float64(clean),
        {name: _as_float64(each) for name, (each, _) in found.items()},
        {name: _as_float64(each) for name, (_, each) in found.items()},
        sequences.texts,
    )


def recovered(
    told: Losses, coder: str, floors: tuple[str, ...] = ("zero", "mean"), seed: int = 0
) -> Recovered:
    """Return 1 - (coder's loss - clean) / (ablation's loss - clean), in surprisal and in KL, against each floor.

    Losses are means over tokens; intervals are over texts.
    """
    groups = grouped(told.texts, seed)
    nothing = np.zeros_like(told.clean)
    return Recovered(
        {name: _share(told.surprisal[coder], told.surprisal[name], told.clean, groups) for name in floors},
        {name: _share(told.divergence[coder], told.divergence[name], nothing, groups) for name in floors},
    )


def _share(
    coder: NDArray[np.float64],
    floor: NDArray[np.float64],
    clean: NDArray[np.float64],
    groups: NDArray[np.int64],
) -> Figure | None:
    def share(rows: NDArray[np.bool_]) -> float:
        return float(1 - (coder - clean)[rows].sum() / (floor - clean)[rows].sum())

    names = np.unique(groups)
    costs = [(floor - clean)[groups != name].mean() for name in names]
    if min(costs) < TOLD:
        return None
    return jackknifed(share(groups >= 0), [share(groups != name) for name in names])


@dataclass(frozen=True, slots=True)
class _Place:
    """Where some sequences go on from."""

    loaded: LoadedModel
    layer: int
    ids: Tensor
    in_tuple: bool  # whether layers return tuples

    @torch.inference_mode()
    def go_on(self, residual: Tensor) -> Tensor:
        """Return the logits of a model whose residual after the layer is this one."""
        with standing_in(from_residual(self.loaded, self.layer, residual, in_tuple=self.in_tuple)):
            logits: Tensor = self.loaded.model(input_ids=self.ids, use_cache=False).logits.float()
        return logits

    def check_same(self, residual: Tensor, logits: Tensor) -> None:
        """Raise unless the model's own residual gives its own surprisal."""
        again = surprisal_of(self.go_on(residual), self.ids)
        apart = float((again - surprisal_of(logits, self.ids)).abs().max())
        if not apart <= SAME:
            raise ProbeError(
                f"from the residual after layer {self.layer} the surprisal is {apart:.1e} nats from that of a whole"
                f" pass: this {self.loaded.shape.architecture} model's layers do more than read what enters them"
            )


@torch.inference_mode()
def _whole(loaded: LoadedModel, layer: int, ids: Tensor) -> tuple[Tensor, Tensor, _Place]:
    """Return the model's logits and its residual after `layer`, and where to go on from there."""
    kept: dict[str, Any] = {}

    def keep(output: Any) -> None:
        kept["in_tuple"] = isinstance(output, tuple)
        kept["residual"] = (output[0] if kept["in_tuple"] else output).float()

    with counted_hooks([Hook(f"layer {layer}", blocks_of(loaded)[layer], keep)]):
        logits = loaded.model(input_ids=ids, use_cache=False).logits.float()
    return logits, kept["residual"], _Place(loaded, layer, ids, kept["in_tuple"])


@torch.inference_mode()
def _divergence(log_p: Tensor, logits: Tensor) -> Floats:
    """Return KL(p || q), nats, a mean over tokens. Shape (sequence,)."""
    log_q = torch.log_softmax(logits, -1)
    found: Floats = (log_p.exp() * (log_p - log_q)).sum(-1).mean(-1).numpy()
    return found


def _as_float64(parts: list[Floats]) -> NDArray[np.float64]:
    return np.concatenate(parts).astype(np.float64)
