"""One pass of a batch of token sequences through a model: what is kept of it, and the heads that it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Self, TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from interpret.contracts import Want
from interpret.errors import ProbeError
from interpret.probes.devices import to_device, to_numpy
from interpret.probes.hooks import Hook, counted_hooks
from interpret.probes.resuming import Reached, hooks_to_middle
from interpret.probes.sites import Head, attention_sites, blocks_of, check_heads
from interpret.probes.weights import LoadedModel

Floats: TypeAlias = NDArray[np.float32]
Ids: TypeAlias = NDArray[np.int64]

_RESIDUAL: Final = "residual after "  # and the layer: what an array is called
_FIELDS: Final = ("surprisal", "entropy", "margin", "attention", "head_means")  # of a pass


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one pass is to keep: what `Want` names, and the residual stream after some layers."""

    of: frozenset[Want]
    layers: frozenset[int] = frozenset()

    @property
    def last(self) -> int | None:
        """Return the layer after which a pass may end; None: it goes to the end."""
        return max(self.layers) if self.layers and not self.of else None


@dataclass(slots=True)
class Pass:
    """What came out of one pass over a batch of token sequences; fields not wanted are None.

    Attributes:
        surprisal: (sequence, token - 1), nats: minus log p of token t + 1, given the tokens to t.
        entropy: (sequence, token), nats: of the distribution predicted at token t.
        margin: (sequence, token), in [0, 1]: p of the likeliest next token less p of the second.
        attention: (layer, head, sequence, query token, key token), rows sum to 1.
        head_means: (layer, head, head width): mean output of each head over all tokens.
        residual: layer -> (sequence, token, width), the residual stream after it.
        fired: hook -> calls, of a pass that was made just now.
    """

    surprisal: Floats | None = None
    entropy: Floats | None = None
    margin: Floats | None = None
    attention: Floats | None = None
    head_means: Floats | None = None
    residual: dict[int, Floats] = field(default_factory=dict)
    fired: dict[str, int] = field(default_factory=dict)

    def arrays(self) -> dict[str, Floats]:
        """Return what was kept, by name."""
        fields = {name: getattr(self, name) for name in _FIELDS}
        kept = {name: array for name, array in fields.items() if array is not None}
        return kept | {name_of_residual(layer): array for layer, array in self.residual.items()}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """Return the pass of which these were kept, by name."""
        fields: dict[str, Any] = {name: arrays[name] for name in _FIELDS if name in arrays}
        after = [name for name in arrays if name.startswith(_RESIDUAL)]
        return cls(**fields, residual={int(name.removeprefix(_RESIDUAL)): arrays[name] for name in after})


@dataclass(frozen=True, slots=True)
class Ablation:
    """Heads whose output is replaced at every token by a constant vector: (head width) each."""

    heads: tuple[Head, ...]
    replacements: Floats  # (head, head width), in the order of `heads`
    share: float = 1.0  # of the output that is replaced, in (0, 1]


def check_ablation(loaded: LoadedModel, ablation: Ablation) -> None:
    """Refuse heads that are not there or stand twice, and replacements that are no vectors of their width.

    Raises:
        SiteUnknown: the model has no such head.
        ProbeError: anything else.
    """
    check_heads(loaded, ablation.heads)
    if not ablation.heads or len(set(ablation.heads)) != len(ablation.heads):
        raise ProbeError(f"an ablation names each of its heads once, and at least one: {ablation.heads}")
    if not 0 < ablation.share <= 1:
        raise ProbeError(
            f"an ablation replaces more than none and at most all of an output: {ablation.share}"
        )
    wanted = (len(ablation.heads), loaded.shape.head_width)
    if ablation.replacements.shape != wanted or not np.isfinite(ablation.replacements).all():
        raise ProbeError(
            f"replacements are finite numbers of shape {wanted}, not {ablation.replacements.shape}"
        )


def run_batch(
    loaded: LoadedModel, ids: Ids, wanted: Wanted, lengths: Sequence[int], ablation: Ablation | None
) -> Pass:
    """Run one batch through the model under counted hooks and keep what is wanted.

    Raises:
        HookNeverFired: a hook was not called.
        ProbeError: attention patterns were wanted of a model that was not loaded with eager attention.
    """
    out, wants = Pass(), wanted.of
    patterns: dict[int, Tensor] = {}
    means: dict[int, Tensor] = {}
    hooks = [
        *_reading_hooks(loaded, wants, patterns, means),
        *_residual_hooks(loaded, wanted, out.residual),
        *_ablating_hooks(loaded, ablation),
    ]
    given = inputs_of(loaded, ids, lengths)
    with torch.inference_mode(), counted_hooks(hooks) as out.fired:
        if wants & {Want.SURPRISAL, Want.ENTROPY}:
            _read_logits(loaded.model(**given).logits.float(), given["input_ids"], wants, out)
        else:  # the unembedding is a fifth of the cost
            run_until_reached(loaded, given)
    if Want.ATTENTION in wants:
        layers = [patterns[layer] for layer in sorted(patterns)]  # each (sequence, head, query, key)
        out.attention = to_numpy(torch.stack(layers).transpose(1, 2).contiguous())
    if Want.HEAD_MEANS in wants:
        out.head_means = to_numpy(torch.stack([means[layer] for layer in sorted(means)]))
    return out


def run_until_reached(loaded: LoadedModel, given: Mapping[str, Any]) -> None:
    """Run the model without its unembedding, up to where a hook raises `Reached`; all hooks are counted as ever."""
    with suppress(Reached):
        loaded.model.base_model(**given)


def run_to_middle(loaded: LoadedModel, ids: Ids, layer: int) -> dict[str, NDArray[Any]]:
    """Run one batch up to the heads of `layer` and no further; returns what a `Middle` is made of, by name."""
    kept: dict[str, Any] = {}
    with torch.inference_mode(), counted_hooks(hooks_to_middle(loaded, layer, kept)):
        run_until_reached(loaded, {"input_ids": to_device(ids, loaded.device), "use_cache": False})
    arrays = {name: to_numpy(kept[name].float()) for name in ("heads", "entering") if name in kept}
    return arrays | {"in_tuple": np.array([kept.get("in_tuple", False)])}


def _residual_hooks(loaded: LoadedModel, wanted: Wanted, kept: dict[int, Floats]) -> list[Hook]:
    def keep(layer: int, output: Any) -> None:
        residual = output[0] if isinstance(output, tuple) else output
        kept[layer] = to_numpy(residual.float())
        if layer == wanted.last:
            raise Reached

    blocks = blocks_of(loaded) if wanted.layers else []
    return [Hook(f"layer {layer}", blocks[layer], partial(keep, layer)) for layer in sorted(wanted.layers)]


def _reading_hooks(
    loaded: LoadedModel, wants: frozenset[Want], patterns: dict[int, Tensor], means: dict[int, Tensor]
) -> list[Hook]:
    hooks: list[Hook] = []
    if not wants & {Want.ATTENTION, Want.HEAD_MEANS}:
        return hooks
    width = loaded.shape.head_width

    def keep_pattern(layer: int, output: Any) -> None:
        if not isinstance(output, tuple) or output[1] is None:
            raise ProbeError("the model gives no attention patterns: load it with attention='eager'")
        patterns[layer] = output[1].float()

    def keep_mean(layer: int, inputs: Any) -> None:
        means[layer] = inputs[0].float().mean(dim=(0, 1)).reshape(-1, width)

    for site in attention_sites(loaded):
        if Want.ATTENTION in wants:
            name = f"layer {site.layer} attention"
            hooks.append(Hook(name, site.attention, partial(keep_pattern, site.layer)))
        if Want.HEAD_MEANS in wants:
            name = f"layer {site.layer} heads"
            hooks.append(Hook(name, site.mix, partial(keep_mean, site.layer), before=True))
    return hooks


def _ablating_hooks(loaded: LoadedModel, ablation: Ablation | None) -> list[Hook]:
    if ablation is None:
        return []
    width, share = loaded.shape.head_width, ablation.share
    by_layer: dict[int, list[tuple[int, Tensor]]] = {}
    for head, replacement in zip(ablation.heads, ablation.replacements, strict=True):
        by_layer.setdefault(head.layer, []).append((head.head, to_device(replacement, loaded.device)))

    def replace(changes: list[tuple[int, Tensor]], inputs: Any) -> Any:
        heads = inputs[0].clone()  # (sequence, token, head * head width)
        for head, replacement in changes:
            own = heads[..., head * width : (head + 1) * width]
            own.lerp_(replacement.to(heads.dtype), share)
        return (heads, *inputs[1:])

    sites = attention_sites(loaded)
    return [
        Hook(
            f"ablate {' '.join(f'{layer}.{head}' for head, _ in changes)}",
            sites[layer].mix,
            partial(replace, changes),
            before=True,
            changes=True,
        )
        for layer, changes in sorted(by_layer.items())
    ]


def _read_logits(logits: Tensor, tokens: Tensor, wants: frozenset[Want], out: Pass) -> None:
    if Want.SURPRISAL in wants:
        out.surprisal = to_numpy(surprisal_of(logits, tokens))
    if Want.ENTROPY in wants:
        entropy, margin = entropy_and_margin_of(logits)
        out.entropy, out.margin = to_numpy(entropy), to_numpy(margin)


@torch.inference_mode()
def surprisal_of(
    logits: Float[Tensor, "sequence token vocabulary"], ids: Int[Tensor, "sequence token"]
) -> Float[Tensor, "sequence token-1"]:
    """Return minus log p of each next token, in nats."""
    before = logits[:, :-1]
    of_next: Tensor = before.gather(-1, ids[:, 1:, None])[..., 0]
    return before.logsumexp(dim=-1) - of_next


@torch.inference_mode()
def entropy_and_margin_of(
    logits: Float[Tensor, "sequence token vocabulary"],
) -> tuple[Float[Tensor, "sequence token"], Float[Tensor, "sequence token"]]:
    """Return Shannon entropy in nats and p(first) - p(second) of each predicted distribution."""
    log_p = torch.log_softmax(logits, dim=-1)
    entropy = torch.special.entr(log_p.exp()).sum(dim=-1)
    top = log_p.topk(2, dim=-1).values.exp()
    return entropy, top[..., 0] - top[..., 1]


def inputs_of(loaded: LoadedModel, ids: Ids, lengths: Sequence[int]) -> dict[str, Any]:
    """Return what a model takes to read tokens, where it computes; raises as `_mask_of` does."""
    mask = _mask_of(ids, lengths)
    return {
        "input_ids": to_device(ids, loaded.device),
        "attention_mask": None if mask is None else to_device(mask, loaded.device),
        "use_cache": False,
    }


def _mask_of(ids: Ids, lengths: Sequence[int]) -> Ids | None:
    """Return 1 at each token and 0 at the padding on the right; None where there is none.

    Padding on the left cannot be said: a model with learned positions would read each text at other positions.

    Raises:
        ProbeError: the lengths are not one a sequence, from 1 to the width.
    """
    if not len(lengths):
        return None
    if len(lengths) != ids.shape[0] or not 1 <= min(lengths) <= max(lengths) <= ids.shape[1]:
        raise ProbeError(
            f"lengths {list(lengths)} do not fit {ids.shape[0]} sequences of {ids.shape[1]} tokens"
        )
    positions = np.arange(ids.shape[1])[None, :]
    mask: Ids = (positions < np.asarray(lengths)[:, None]).astype(np.int64)
    return mask


def join_passes(first: Pass, second: Pass, n_first: int, n_second: int) -> Pass:
    """Put two batches' outcomes together; means are weighted by their sequences."""

    def stack(a: Floats | None, b: Floats | None, axis: int) -> Floats | None:
        return None if a is None or b is None else np.concatenate([a, b], axis=axis)

    means = None
    if first.head_means is not None and second.head_means is not None:
        weight = np.float32(n_first / (n_first + n_second))
        means = first.head_means * weight + second.head_means * (1 - weight)
    return Pass(
        surprisal=stack(first.surprisal, second.surprisal, 0),
        entropy=stack(first.entropy, second.entropy, 0),
        margin=stack(first.margin, second.margin, 0),
        attention=stack(first.attention, second.attention, 2),
        head_means=means,
        residual={
            layer: np.concatenate([first.residual[layer], second.residual[layer]]) for layer in first.residual
        },
        fired={name: first.fired[name] + second.fired[name] for name in first.fired},
    )


def array_names(wants: Iterable[Want], layers: Iterable[int]) -> set[str]:
    """Return what the arrays are called that hold all this."""
    fields = {
        name for want in wants for name in (("entropy", "margin") if want is Want.ENTROPY else (want.value,))
    }
    return fields | {name_of_residual(layer) for layer in layers}


def name_of_residual(layer: int) -> str:
    """Return what the array is called that holds the residual stream after a layer."""
    return f"{_RESIDUAL}{layer}"
