"""Exact patching: a head's output in one text put in its place in another, and what becomes of the answer.

Nothing is believed of a patch until noise in the head's place has been shown to move the answer, and its own output
put back not to (decision 0068). Many patches, each of heads of its own, go through the model together; what comes
before the first patched layer is not computed again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from interpret.errors import InterventionWithoutEffect, ProbeError
from interpret.probes.answer_texts import (
    SAME,
    Answers,
    Array,
    Reading,
    Tokens,
    by_length,
    in_batches,
    odds_after,
)
from interpret.probes.devices import to_device, to_numpy
from interpret.probes.dose import WHOLE
from interpret.probes.forward import MOVED, ForwardPasses
from interpret.probes.hooks import Hook, counted_hooks, standing_in
from interpret.probes.resuming import Middle, from_middle
from interpret.probes.sites import Head, attention_sites, blocks_of, check_heads
from interpret.probes.weights import LoadedModel


@dataclass(frozen=True, slots=True)
class Patch:
    """Heads whose output in one text is put in its place in another, at all tokens; texts by place in a reading."""

    into: int
    out_of: int
    heads: tuple[Head, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """Texts of one length that were read together.

    Attributes:
        heads: of each layer, (text, token, head * head width).
        entering: of each layer but the first, (text, token, width).
    """

    ids: torch.Tensor
    answers: torch.Tensor
    heads: list[torch.Tensor]
    entering: list[torch.Tensor]
    in_tuple: bool


class HeadPatching:
    """Reads texts of one model, and patches heads from one into another."""

    def __init__(self, passes: ForwardPasses, loaded: LoadedModel) -> None:
        """Patch in this model."""
        self._passes, self._loaded = passes, loaded
        self._proven, self._resumed = set[Head](), set[int]()
        self.fired = Counter[str]()  # hook -> calls

    def read(self, texts: Sequence[Tokens], answers: Sequence[Answers]) -> Reading[_Group]:
        """Read texts of any length, each of at least two tokens, and what each layer's heads give.

        Raises:
            HookNeverFired: a layer was not reached.
        """
        odds, groups, at = np.zeros(len(texts)), list[_Group](), [(0, 0)] * len(texts)
        for places in by_length(texts):
            for rows in in_batches(places, len(texts[places[0]])):
                group, odds[rows] = self._read([texts[row] for row in rows], [answers[row] for row in rows])
                for inner, row in enumerate(rows):
                    at[row] = (len(groups), inner)
                groups.append(group)
        joined = tuple(_joined(groups, at))
        return Reading(odds, joined, tuple(at))

    def patched(self, reading: Reading[_Group], patches: Sequence[Patch], share: float = WHOLE) -> Array:
        """Return the log-odds after each patch. Shape (patch,).

        Args:
            share: how much of the way each head's output goes to what is put there, in (0, 1].

        Raises:
            SiteUnknown: the model has no such head.
            InterventionWithoutEffect: with noise in a head's place, the answer does not move.
            ProbeError: a patch names no heads, or its texts are of unlike length.
        """
        heads = sorted({head for patch in patches for head in patch.heads})
        check_heads(self._loaded, heads)
        if not all(patch.heads for patch in patches):
            raise ProbeError("a patch names at least one head")
        self._prove(reading, [head for head in heads if head not in self._proven])
        odds = np.zeros(len(patches))
        for place, numbers in self._by_group(reading, patches).items():
            group = reading.groups[place]
            for some in in_batches(numbers, group.ids.shape[1]):
                rows = [_row_of(reading, patches[number]) for number in some]
                odds[some] = self._patch(group, rows, share=share)
        return odds

    def _by_group(self, reading: Reading[_Group], patches: Sequence[Patch]) -> dict[int, list[int]]:
        """Return the patches of each group of texts, those of the first layers first: others begin later."""
        by_group = defaultdict[int, list[int]](list)
        for number, patch in enumerate(patches):
            into, out_of = reading.at[patch.into][0], reading.at[patch.out_of][0]
            if into != out_of:
                raise ProbeError("a patch is between texts of one length")
            by_group[into].append(number)
        for numbers in by_group.values():
            numbers.sort(key=lambda number: min(patches[number].heads).layer)
        return by_group

    def _prove(self, reading: Reading[_Group], heads: Sequence[Head]) -> None:
        """Raise unless noise in the place of each head moves the answer, and its own output does not."""
        group, shape = reading.groups[0], self._loaded.shape
        size = (1, group.ids.shape[1], shape.heads * shape.head_width)
        noise = np.random.default_rng(0).standard_normal(size).astype(np.float32)
        place = next(place for place, at in enumerate(reading.at) if at == (0, 0))
        before = float(reading.odds[place])
        for start in {head.layer for head in heads} - self._resumed:
            again = self._patch(group, [(0, 0, (Head(start, 0),))])[0]
            if not abs(again - before) <= SAME:
                raise ProbeError(
                    f"from the middle, at layer {start}, the log-odds are {abs(again - before):.1e} from those of a"
                    f" whole pass: this {shape.architecture} model's layers do more than read what enters them"
                )
            self._resumed.add(start)
        for some in in_batches(range(len(heads)), group.ids.shape[1]):
            rows = [(0, 0, (heads[number],)) for number in some]
            moved = np.abs(self._patch(group, rows, to_device(noise, self._loaded.device)) - before)
            still = [heads[number] for number, far in zip(some, moved, strict=True) if not far > MOVED]
            if still:
                raise InterventionWithoutEffect(
                    f"head {still[0]}: with noise in its place, the log-odds of the answers moved by {moved.min():.1e}:"
                    " nothing reads it, or the hook is not where the model runs"
                )
        self._proven |= set(heads)

    @torch.inference_mode()
    def _read(self, texts: Sequence[Tokens], answers: Sequence[Answers]) -> tuple[_Group, Array]:
        ids = to_device(np.asarray(texts, dtype=np.int64), self._loaded.device)
        told = to_device(np.asarray(answers, dtype=np.int64), self._loaded.device)
        heads, entering, tuples = dict[int, torch.Tensor](), dict[int, torch.Tensor](), set[bool]()

        def keep_heads(layer: int, inputs: Any) -> None:
            heads[layer] = inputs[0]

        def keep_entering(layer: int, output: Any) -> None:
            tuples.add(isinstance(output, tuple))
            entering[layer] = output[0] if isinstance(output, tuple) else output

        sites, blocks = attention_sites(self._loaded), blocks_of(self._loaded)
        hooks = [
            *(
                Hook(f"heads of layer {s.layer}", s.mix, partial(keep_heads, s.layer), before=True)
                for s in sites
            ),
            *(Hook(f"layer {i}", block, partial(keep_entering, i)) for i, block in enumerate(blocks[:-1])),
        ]
        with counted_hooks(hooks):
            odds = odds_after(self._loaded, ids, told)
        self._passes.made += 1
        in_order = [heads[layer] for layer in sorted(heads)], [entering[layer] for layer in sorted(entering)]
        return _Group(ids, told, *in_order, in_tuple=True in tuples), to_numpy(odds)

    @torch.inference_mode()
    def _patch(
        self,
        group: _Group,
        rows: Sequence[tuple[int, int, tuple[Head, ...]]],
        instead: torch.Tensor | None = None,
        share: float = WHOLE,
    ) -> Array:
        """Return the log-odds of rows (into, out of, heads); what is put there is `instead`, where it is given."""
        into, out_of = [row[0] for row in rows], [row[1] for row in rows]
        layers = sorted({head.layer for row in rows for head in row[2]})
        shape, start = self._loaded.shape, layers[0]
        entering = group.entering[start - 1][into] if start else None
        middle = Middle(start, group.heads[start][into], entering, group.in_tuple)
        hooks = []
        for layer in layers:
            which = torch.zeros((len(rows), shape.heads), dtype=torch.bool, device=group.ids.device)
            for number, row in enumerate(rows):
                which[number, [head.head for head in row[2] if head.layer == layer]] = True
            donor = group.heads[layer][out_of] if instead is None else instead
            call = partial(_put, which.repeat_interleave(shape.head_width, dim=1)[:, None], donor, share)
            hooks.append(
                Hook(
                    f"patch layer {layer}",
                    attention_sites(self._loaded)[layer].mix,
                    call,
                    before=True,
                    changes=True,
                )
            )
        with standing_in(from_middle(self._loaded, middle, slice(None))), counted_hooks(hooks) as fired:
            odds = odds_after(self._loaded, group.ids[into], group.answers[into])
        self._passes.made += 1
        self.fired.update(fired)
        return to_numpy(odds)


def _put(which: torch.Tensor, donor: torch.Tensor, share: float, inputs: Any) -> Any:
    """Put such a share of the donor's numbers where `which` says so: (row, 1, head * head width)."""
    own, there = inputs[0], donor.to(inputs[0].dtype)
    if share != WHOLE:
        there = torch.lerp(own, there.expand_as(own), share)
    return (torch.where(which, there, own), *inputs[1:])


def _row_of(reading: Reading[_Group], patch: Patch) -> tuple[int, int, tuple[Head, ...]]:
    return reading.at[patch.into][1], reading.at[patch.out_of][1], patch.heads


def _joined(groups: list[_Group], at: list[tuple[int, int]]) -> list[_Group]:
    """Put groups of one length together, so that a patch may go between any two of their texts."""
    joined, where = list[_Group](), dict[int, tuple[int, int]]()
    for number, group in enumerate(groups):
        if joined and joined[-1].ids.shape[1] == group.ids.shape[1]:
            last = joined.pop()
            where[number] = (len(joined), len(last.ids))
            joined.append(
                _Group(
                    torch.cat([last.ids, group.ids]),
                    torch.cat([last.answers, group.answers]),
                    [torch.cat(both) for both in zip(last.heads, group.heads, strict=True)],
                    [torch.cat(both) for both in zip(last.entering, group.entering, strict=True)],
                    group.in_tuple,
                )
            )
        else:
            where[number] = (len(joined), 0)
            joined.append(group)
    for place, (number, row) in enumerate(at):
        group_number, offset = where[number]
        at[place] = (group_number, offset + row)
    return joined
