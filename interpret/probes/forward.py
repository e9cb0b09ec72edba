"""Forward passes, each made once: probes that ask for the same tokens share what came out.

A pass keeps what was wanted and no more: the logits of 49,152 words at each token would fill the memory. One that
changes heads begins at the first of them; what comes before is that of the unchanged model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from interpret.contracts import Want
from interpret.errors import InterventionWithoutEffect, ProbeError
from interpret.probes.activations import Activations
from interpret.probes.devices import to_device, to_numpy
from interpret.probes.hooks import Hook, counted_hooks, standing_in
from interpret.probes.resuming import Middle, Reached, from_middle, hooks_to_middle
from interpret.probes.sites import Head, attention_sites, blocks_of, check_heads, check_layers
from interpret.probes.weights import LoadedModel

Floats: TypeAlias = NDArray[np.float32]
Ids: TypeAlias = NDArray[np.int64]

TOKENS_A_BATCH = 1024  # 1024 x 49,152 float32 logits: 0.2 GB
PROVING_TOKENS = 16  # of one sequence: what a random replacement of a head is tried on
MOVED = 1e-5  # nats: a surprisal that moves by less has moved by rounding


_RESIDUAL: Final = "residual after "  # and the layer: what an array is called
FIELDS: Final = ("surprisal", "entropy", "margin", "attention", "head_means")  # of a pass


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
        fields = {name: getattr(self, name) for name in FIELDS}
        kept = {name: array for name, array in fields.items() if array is not None}
        return kept | {_RESIDUAL + str(layer): array for layer, array in self.residual.items()}


@dataclass(frozen=True, slots=True)
class Ablation:
    """Heads whose output is replaced at every token by a constant vector: (head width) each."""

    heads: tuple[Head, ...]
    replacements: Floats  # (head, head width), in the order of `heads`
    share: float = 1.0  # of the output that is replaced, in (0, 1]


class ForwardPasses:
    """Runs passes and remembers the clean ones by (model, tokens); `made` counts batches through a model."""

    def __init__(
        self,
        wants: Iterable[Want] = (),
        activations: Activations | None = None,
        layers: Iterable[int] = (),
    ) -> None:
        """Keep `wants`, and the residual after `layers`, on every clean pass: what all probes of a plan ask for."""
        self._wants, self._layers = frozenset(wants), frozenset(layers)
        self._activations = activations or Activations()
        self._proven: set[tuple[str, Head]] = set()  # (model, head): replaced at random, it moves the output
        self._resumed: set[tuple[str, int]] = (
            set()
        )  # (model, layer): going on from there is as the whole pass
        self.made = 0

    @contextmanager
    def keeping(self, wants: Iterable[Want]) -> Iterator[None]:
        """Have clean passes within the block keep `wants` as well: what other probes ask of the same tokens later."""
        before = self._wants
        self._wants |= frozenset(wants)
        try:
            yield
        finally:
            self._wants = before

    def clean(
        self,
        loaded: LoadedModel,
        ids: Ids,
        wants: Iterable[Want],
        lengths: Sequence[int] = (),
        layers: Iterable[int] = (),
    ) -> Pass:
        """Return the pass of the unchanged model over `ids`, from memory where it has been made.

        It goes no further than what is wanted of it: to the deepest of `layers` where that is all.

        Args:
            ids: (sequence, token), padded on the right where `lengths` says so.
            lengths: tokens of each sequence that are no padding; empty for all.
            layers: after which the residual stream is kept.

        Raises:
            SiteUnknown: the model has no such layer.
        """
        key = f"{loaded.digest} {digest_of_tokens(ids, lengths)}"
        asked, after = frozenset(wants), frozenset(layers)
        check_layers(loaded, after)
        had = self._activations.get(key) or {}
        if not _names_of(asked, after) <= had.keys():
            asked |= self._wants | {want for want in Want if _names_of({want}, ()) <= had.keys()}
            after |= self._layers | {
                layer for layer in range(loaded.shape.layers) if _RESIDUAL + str(layer) in had
            }
            had = self._activations.keep(key, self._run(loaded, ids, Wanted(asked, after), lengths).arrays())
        fields: dict[str, Any] = {name: had[name] for name in FIELDS if name in had}
        residual = {
            int(name.removeprefix(_RESIDUAL)): had[name] for name in had if name.startswith(_RESIDUAL)
        }
        return Pass(**fields, residual=residual)

    def ablated(self, loaded: LoadedModel, ids: Ids, ablation: Ablation) -> Pass:
        """Return the surprisal under `ablation`; never from memory.

        A head is ablated only once it has been proven, for this model, that replacing it moves the output, and a pass
        begins in the middle once that has been shown to give the output of a whole one.

        Raises:
            SiteUnknown: the model has no such head.
            HookNeverFired: a layer of the ablation was not reached.
            InterventionWithoutEffect: a head's output, replaced at random, moves no token's surprisal.
            ProbeError: the replacements are not finite vectors of a head's width, or the model does not go on from
                the middle as it does from the beginning.
        """
        check_ablation(loaded, ablation)
        for head in ablation.heads:
            if (loaded.digest, head) not in self._proven:
                self._prove(loaded, ids[:1, :PROVING_TOKENS], head)
                self._proven.add((loaded.digest, head))
        return self._from_middle(loaded, ids, ablation, min(head.layer for head in ablation.heads))

    def _prove(self, loaded: LoadedModel, ids: Ids, head: Head) -> None:
        """Raise unless the output moves with this head: a hook may fire where nothing reads what it changes."""
        clean = kept(self.clean(loaded, ids, {Want.SURPRISAL}).surprisal)
        if (loaded.digest, head.layer) not in self._resumed:
            self._check_middle(loaded, ids, head.layer, clean)
            self._resumed.add((loaded.digest, head.layer))
        noise = np.random.default_rng(0).standard_normal((1, loaded.shape.head_width)).astype(np.float32)
        changed = self._from_middle(loaded, ids, Ablation((head,), noise), head.layer)
        moved = float(np.abs(kept(changed.surprisal) - clean).max(initial=0.0))
        if not moved > MOVED:
            raise InterventionWithoutEffect(
                f"head {head}: with its output replaced at random, the surprisal of {ids.shape[1]} tokens moved by"
                f" {moved:.1e} nats: nothing reads it, or the hook is not where the model runs"
            )

    def _check_middle(self, loaded: LoadedModel, ids: Ids, layer: int, clean: Floats) -> None:
        again = kept(self._from_middle(loaded, ids, None, layer).surprisal)
        apart = float(np.abs(again - clean).max(initial=0.0))
        if not apart <= MOVED:
            raise ProbeError(
                f"from the middle, at layer {layer}, the surprisal is {apart:.1e} nats from that of a whole pass: this"
                f" {loaded.shape.architecture} model's layers do more than read what enters them"
            )

    def _from_middle(self, loaded: LoadedModel, ids: Ids, ablation: Ablation | None, layer: int) -> Pass:
        middle = self._middle(loaded, ids, layer)
        return self._run(loaded, ids, Wanted(frozenset({Want.SURPRISAL})), (), ablation, middle)

    def _middle(self, loaded: LoadedModel, ids: Ids, layer: int) -> Middle:
        """Return where a pass over `ids` goes on at `layer`, from memory where it has been there."""
        key = f"{loaded.digest} {digest_of_tokens(ids)} middle {layer}"
        had = self._activations.get(key)
        if had is None:
            parts = []
            for rows in _batches(ids):
                parts.append(run_to_middle(loaded, ids[rows], layer))
                self.made += 1
            had = self._activations.keep(
                key, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            )
        entering = to_device(np.asarray(had["entering"]), loaded.device) if layer else None
        in_tuple = bool(had["in_tuple"].all()) if layer else False
        return Middle(layer, to_device(np.asarray(had["heads"]), loaded.device), entering, in_tuple)

    def _run(
        self,
        loaded: LoadedModel,
        ids: Ids,
        wanted: Wanted,
        lengths: Sequence[int],
        ablation: Ablation | None = None,
        middle: Middle | None = None,
    ) -> Pass:
        total: Pass | None = None
        done = 0
        for rows in _batches(ids):
            stand_ins = from_middle(loaded, middle, rows) if middle else []
            with standing_in(stand_ins):
                part = _run_batch(loaded, ids[rows], wanted, lengths[rows], ablation)
            self.made += 1
            n = len(ids[rows])
            total = part if total is None else _join(total, part, done, n)
            done += n
        if total is None:
            raise ProbeError("no token sequences: there is nothing to measure")
        return total


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


def _names_of(wants: Iterable[Want], layers: Iterable[int]) -> set[str]:
    """Return what the arrays are called that hold all this."""
    fields = {
        name for want in wants for name in (("entropy", "margin") if want is Want.ENTROPY else (want.value,))
    }
    return fields | {_RESIDUAL + str(layer) for layer in layers}


def _batches(ids: Ids) -> Iterator[slice]:
    """Yield the rows of each batch: they follow from the tokens alone, so that nothing depends on who runs them."""
    rows = max(1, TOKENS_A_BATCH // ids.shape[1])
    for start in range(0, ids.shape[0], rows):
        yield slice(start, start + rows)


def kept(of_pass: Floats | None) -> Floats:
    """Return what a pass was asked to keep.

    Raises:
        ProbeError: it did not.
    """
    if of_pass is None:
        raise ProbeError("a forward pass kept less than was asked of it")
    return of_pass


def digest_of_tokens(ids: Ids, lengths: Sequence[int] = ()) -> str:
    """SHA-256 over shape, lengths and the token ids as little-endian 64-bit integers."""
    state = hashlib.sha256(f"{ids.shape} {list(lengths)}\n".encode())
    state.update(np.ascontiguousarray(ids, dtype="<i8").tobytes())
    return state.hexdigest()


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


def _run_batch(
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


def _residual_hooks(loaded: LoadedModel, wanted: Wanted, kept: dict[int, Floats]) -> list[Hook]:
    def keep(layer: int, output: Any) -> None:
        residual = output[0] if isinstance(output, tuple) else output
        kept[layer] = to_numpy(residual.float())
        if layer == wanted.last:
            raise Reached

    blocks = blocks_of(loaded) if wanted.layers else []
    return [Hook(f"layer {layer}", blocks[layer], partial(keep, layer)) for layer in sorted(wanted.layers)]


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


def inputs_of(loaded: LoadedModel, ids: Ids, lengths: Sequence[int]) -> dict[str, Any]:
    """Return what a model takes to read tokens, where it computes; raises as `mask_of` does."""
    mask = mask_of(ids, lengths)
    return {
        "input_ids": to_device(ids, loaded.device),
        "attention_mask": None if mask is None else to_device(mask, loaded.device),
        "use_cache": False,
    }


def mask_of(ids: Ids, lengths: Sequence[int]) -> Ids | None:
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


def _join(first: Pass, second: Pass, n_first: int, n_second: int) -> Pass:
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
