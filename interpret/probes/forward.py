"""Forward passes, each made once: probes that ask for the same tokens share what came out.

A pass keeps what was wanted and no more: the logits of 49,152 words at each token would fill the memory. One that
changes heads begins at the first of them; what comes before is that of the unchanged model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from interpret.contracts import Want
from interpret.errors import InterventionWithoutEffect, ProbeError
from interpret.probes.activations import Activations
from interpret.probes.devices import to_device
from interpret.probes.hooks import standing_in
from interpret.probes.one_pass import (
    Ablation,
    Floats,
    Ids,
    Pass,
    Wanted,
    array_names,
    check_ablation,
    join_passes,
    name_of_residual,
    run_batch,
    run_to_middle,
)
from interpret.probes.resuming import Middle, from_middle
from interpret.probes.sites import Head, check_layers
from interpret.probes.weights import LoadedModel

TOKENS_A_BATCH = 1024  # 1024 x 49,152 float32 logits: 0.2 GB
PROVING_TOKENS = 16  # of one sequence: what a random replacement of a head is tried on
MOVED = 1e-5  # nats: a surprisal that moves by less has moved by rounding


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
        if not array_names(asked, after) <= had.keys():
            asked |= self._wants | {want for want in Want if array_names({want}, ()) <= had.keys()}
            after |= self._layers | {
                layer for layer in range(loaded.shape.layers) if name_of_residual(layer) in had
            }
            had = self._activations.keep(key, self._run(loaded, ids, Wanted(asked, after), lengths).arrays())
        return Pass.of_arrays(had)

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
                part = run_batch(loaded, ids[rows], wanted, lengths[rows], ablation)
            self.made += 1
            n = len(ids[rows])
            total = part if total is None else join_passes(total, part, done, n)
            done += n
        if total is None:
            raise ProbeError("no token sequences: there is nothing to measure")
        return total


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
