"""Restoring: the residual stream at one token of one text put in its place in another, through some layers.

As with heads (`head_patching`), nothing is believed of it until noise has been shown to move the answer, and a text's
own residual put back not to; and what comes before the first of the layers is not computed again.
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
from interpret.probes.resuming import from_residual
from interpret.probes.sites import blocks_of, check_layers
from interpret.probes.weights import LoadedModel


@dataclass(frozen=True, slots=True)
class Restoring:
    """The residual after layers `first` to `last`, at one token, out of one text into another; texts by place."""

    into: int
    out_of: int
    token: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Group:
    """Texts of one length; `residual` of each layer, (text, token, width)."""

    ids: torch.Tensor
    answers: torch.Tensor
    residual: list[torch.Tensor]
    in_tuple: bool


class TokenPatching:
    """Reads texts of one model, and restores the residual stream of one in another."""

    def __init__(self, passes: ForwardPasses, loaded: LoadedModel) -> None:
        """Restore in this model."""
        self._passes, self._loaded = passes, loaded
        self._proven = set[int]()  # layers
        self.fired = Counter[str]()  # hook -> calls

    def read(self, texts: Sequence[Tokens], answers: Sequence[Answers]) -> Reading[_Group]:
        """Read texts of any length, each of at least two tokens, and the residual after each layer.

        Raises:
            HookNeverFired: a layer was not reached.
        """
        odds, groups, at = np.zeros(len(texts)), list[_Group](), [(0, 0)] * len(texts)
        for places in by_length(texts):
            parts = list[tuple[_Group, Array]]()
            for rows in in_batches(places, len(texts[places[0]])):
                parts.append(self._read([texts[row] for row in rows], [answers[row] for row in rows]))
            for inner, row in enumerate(places):
                at[row] = (len(groups), inner)
            groups.append(_together([group for group, _ in parts]))
            odds[places] = np.concatenate([each for _, each in parts])
        return Reading(odds, tuple(groups), tuple(at))

    def restored(self, reading: Reading[_Group], wanted: Sequence[Restoring], share: float = WHOLE) -> Array:
        """Return the log-odds after each. Shape (restoring,).

        Args:
            share: how much of the way the residual goes to what is put there, in (0, 1].

        Raises:
            SiteUnknown: the model has no such layer.
            InterventionWithoutEffect: with noise at the last token, the answer does not move.
            ProbeError: a text has no such token, layers are in no order, or two texts are of unlike length.
        """
        check_layers(self._loaded, {layer for each in wanted for layer in (each.first, each.last)})
        by_group = defaultdict[int, list[int]](list)
        for number, each in enumerate(wanted):
            place = reading.at[each.into][0]
            if place != reading.at[each.out_of][0] or each.first > each.last:
                raise ProbeError(
                    "restoring is between texts of one length, from a layer to the same or a later one"
                )
            if not 0 <= each.token < reading.groups[place].ids.shape[1]:
                raise ProbeError(f"the text has no token {each.token}")
            by_group[place].append(number)
        for layer in {each.first for each in wanted} - self._proven:
            self._prove(reading, layer)
        odds = np.zeros(len(wanted))
        for place, numbers in by_group.items():
            numbers.sort(key=lambda number: wanted[number].first)
            group = reading.groups[place]
            for some in in_batches(numbers, group.ids.shape[1]):
                rows = [self._row(reading, wanted[number]) for number in some]
                odds[some] = self._restore(group, rows, share=share)
        return odds

    def _row(self, reading: Reading[_Group], each: Restoring) -> Restoring:
        """Return the same with the texts' rows in their group."""
        return Restoring(
            reading.at[each.into][1], reading.at[each.out_of][1], each.token, each.first, each.last
        )

    def _prove(self, reading: Reading[_Group], layer: int) -> None:
        """Raise unless noise at the last token moves the answer, and its own residual does not."""
        group = reading.groups[0]
        before = float(reading.odds[reading.at.index((0, 0))])
        last = Restoring(0, 0, group.ids.shape[1] - 1, layer, layer)
        again = float(self._restore(group, [last])[0])
        if not abs(again - before) <= SAME:
            raise ProbeError(
                f"after layer {layer}, with its own residual put back, the log-odds are {abs(again - before):.1e} from"
                f" the unchanged model's: this {self._loaded.shape.architecture} model's layers do more than read it"
            )
        own = group.residual[layer][:1]
        drawn = np.random.default_rng(0).standard_normal(own.shape).astype(np.float32)
        noise = to_device(drawn, self._loaded.device) * own.std()
        moved = abs(float(self._restore(group, [last], noise)[0]) - before)
        if not moved > MOVED:
            raise InterventionWithoutEffect(
                f"after layer {layer}: with noise at the last token, the log-odds of the answers moved by {moved:.1e}:"
                " nothing reads it, or the hook is not where the model runs"
            )
        self._proven.add(layer)

    @torch.inference_mode()
    def _read(self, texts: Sequence[Tokens], answers: Sequence[Answers]) -> tuple[_Group, Array]:
        ids = to_device(np.asarray(texts, dtype=np.int64), self._loaded.device)
        told = to_device(np.asarray(answers, dtype=np.int64), self._loaded.device)
        kept, tuples = dict[int, torch.Tensor](), set[bool]()

        def keep(layer: int, output: Any) -> None:
            tuples.add(isinstance(output, tuple))
            kept[layer] = _stream(output)

        blocks = blocks_of(self._loaded)
        hooks = [Hook(f"layer {layer}", block, partial(keep, layer)) for layer, block in enumerate(blocks)]
        with counted_hooks(hooks):
            odds = odds_after(self._loaded, ids, told)
        self._passes.made += 1
        return _Group(ids, told, [kept[layer] for layer in sorted(kept)], True in tuples), to_numpy(odds)

    @torch.inference_mode()
    def _restore(
        self,
        group: _Group,
        rows: Sequence[Restoring],
        instead: torch.Tensor | None = None,
        share: float = WHOLE,
    ) -> Array:
        """Return the log-odds of rows of one group; what is put there is `instead`, where it is given."""
        into, out_of = [row.into for row in rows], [row.out_of for row in rows]
        start, end = min(row.first for row in rows), max(row.last for row in rows)
        hooks = []
        for layer in range(start, end + 1):
            which = torch.zeros((len(rows), group.ids.shape[1], 1), dtype=torch.bool, device=group.ids.device)
            for number, row in enumerate(rows):
                which[number, row.token] = row.first <= layer <= row.last
            donor = group.residual[layer][out_of] if instead is None else instead
            call = partial(_put, which, donor, share)
            hooks.append(
                Hook(f"restore after layer {layer}", blocks_of(self._loaded)[layer], call, changes=True)
            )
        skipped = from_residual(self._loaded, start, group.residual[start][into], in_tuple=group.in_tuple)
        with standing_in(skipped), counted_hooks(hooks) as fired:
            odds = odds_after(self._loaded, group.ids[into], group.answers[into])
        self._passes.made += 1
        self.fired.update(fired)
        return to_numpy(odds)


def _stream(output: Any) -> torch.Tensor:
    stream: torch.Tensor = output[0] if isinstance(output, tuple) else output
    return stream


def _put(which: torch.Tensor, donor: torch.Tensor, share: float, output: Any) -> Any:
    """Put such a share of the donor's numbers at the tokens that `which` says: (row, token, 1)."""
    own = _stream(output)
    there = donor if share == WHOLE else torch.lerp(own, donor.expand_as(own), share)
    stream = torch.where(which, there, own)
    return (stream, *output[1:]) if isinstance(output, tuple) else stream


def _together(groups: Sequence[_Group]) -> _Group:
    return _Group(
        torch.cat([group.ids for group in groups]),
        torch.cat([group.answers for group in groups]),
        [torch.cat(layers) for layers in zip(*(group.residual for group in groups), strict=True)],
        groups[0].in_tuple,
    )
