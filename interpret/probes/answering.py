"""What a model answers after a text, and what it would with its inside changed where the answer is given.

The site is the residual stream after one layer, at the last token. What comes before that token is computed once for a
text; a change then costs one token through the layers above it. Nothing is believed of a change until noise in its
place has been shown to move the answer (decision 0068).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from interpret.errors import InterventionWithoutEffect, ProbeError
from interpret.probes.devices import to_device, to_numpy
from interpret.probes.few_words import read_out_few, remembered_of
from interpret.probes.forward import MOVED, ForwardPasses
from interpret.probes.hooks import Hook, StandIn, counted_hooks, standing_in
from interpret.probes.one_pass import Floats
from interpret.probes.sites import blocks_of, check_layers
from interpret.probes.weights import LoadedModel

Array: TypeAlias = NDArray[np.float64]
Answer: TypeAlias = int | tuple[int, ...]  # the token, or any of the tokens, with which it begins
SAME: Final = 1e-3  # log-odds: by so little may the last token alone differ from the whole pass, by rounding
REMEMBERED_TOKENS: Final = 4096  # that one batch carries along: 190 MB in SmolLM2


@dataclass(frozen=True, slots=True)
class _Group:
    """Texts of one length that were read together.

    Attributes:
        before: what the model remembers of all their tokens but the last: a transformers cache.
    """

    last: torch.Tensor  # (text, 1)
    before: Any
    tokens: int


@dataclass(frozen=True, slots=True)
class Reading:
    """Texts as read at the site, in the order given.

    Attributes:
        residual: (text, width).
        odds: (text,), natural logarithm of p(first answer) / p(second answer).
    """

    residual: Floats
    odds: Array
    groups: tuple[_Group, ...]
    at: tuple[tuple[int, int], ...]  # of each text: its group, and its row there


class AnswerSite:
    """The residual after `layer` at the last token of texts, and the answer that follows."""

    def __init__(
        self, passes: ForwardPasses, loaded: LoadedModel, layer: int, answers: tuple[Answer, Answer]
    ) -> None:
        """Read and change there, in this model; `answers` are those whose odds are taken.

        Raises:
            SiteUnknown: the model has no such layer.
        """
        check_layers(loaded, [layer])
        self._passes, self._loaded, self._answers = (
            passes,
            loaded,
            (_tokens_of(answers[0]), _tokens_of(answers[1])),
        )
        self._few, columns = read_out_few(loaded, [token for some in self._answers for token in some])
        first = len(self._answers[0])
        self._columns = columns[:first], columns[first:]
        self.layer, self.fired = layer, Counter[str]()  # hook -> calls
        self._proven, self._compared = False, False
        self._in_tuple = False  # whether this architecture's layers return a tuple

    def read(self, texts: Sequence[Sequence[int]]) -> Reading:
        """Read texts of any length, each of at least two tokens.

        Raises:
            HookNeverFired: the layer was not reached.
            ProbeError: the last token by itself does not give what the whole text does.
        """
        by_length = defaultdict[int, list[int]](list)
        for number, text in enumerate(texts):
            by_length[len(text)].append(number)
        groups, at = list[_Group](), [(0, 0)] * len(texts)
        residual = np.zeros((len(texts), self._loaded.shape.width), dtype=np.float32)
        odds = np.zeros(len(texts))
        for length, numbers in sorted(by_length.items()):
            if length < 2:
                raise ProbeError("a text of one token has nothing before its last")
            group, residual[numbers], odds[numbers] = self._read([texts[number] for number in numbers])
            for row, number in enumerate(numbers):
                at[number] = (len(groups), row)
            groups.append(group)
        return Reading(residual, odds, tuple(groups), tuple(at))

    def changed(self, reading: Reading, texts: Sequence[int], instead: Floats) -> Array:
        """Return the log-odds after texts of a reading with the residual replaced. Shape (change,).

        Args:
            texts: of each change, which text, by its place in the reading.
            instead: (change, width).

        Raises:
            HookNeverFired: a change did not take place.
            InterventionWithoutEffect: with noise in the place of the residual, the answer does not move.
            ProbeError: what is to stand there is not finite.
        """
        if instead.shape != (len(texts), self._loaded.shape.width) or not np.isfinite(instead).all():
            raise ProbeError(f"a change is finite numbers of the residual's width, not {instead.shape}")
        if not self._proven:
            self._prove(reading)
            self._proven = True
        return self._changed(reading, texts, instead)

    def _prove(self, reading: Reading) -> None:
        scale = float(np.linalg.norm(reading.residual[0])) / np.sqrt(reading.residual.shape[1])
        noise = np.random.default_rng(0).standard_normal(reading.residual[:1].shape) * scale
        both = np.concatenate([reading.residual[:1], noise.astype(np.float32)])
        as_it_is, moved = self._changed(reading, [0, 0], both)
        if not abs(moved - as_it_is) > MOVED:
            raise InterventionWithoutEffect(
                f"after layer {self.layer}: with noise in the residual's place, the log-odds of the answers moved by"
                f" {abs(moved - as_it_is):.1e}: nothing reads it, or the hook is not where the model runs"
            )
        if not abs(as_it_is - reading.odds[0]) <= SAME:
            raise ProbeError(
                f"after layer {self.layer}: with its own residual put back, the log-odds are"
                f" {abs(as_it_is - reading.odds[0]):.1e} from the unchanged model's"
            )

    def _changed(self, reading: Reading, texts: Sequence[int], instead: Floats) -> Array:
        by_group = defaultdict[int, list[int]](list)
        for number, text in enumerate(texts):
            by_group[reading.at[text][0]].append(number)
        odds = np.zeros(len(texts))
        for place, numbers in by_group.items():
            group = reading.groups[place]
            most = max(1, REMEMBERED_TOKENS // group.tokens)
            for start in range(0, len(numbers), most):
                some = numbers[start : start + most]
                rows = [reading.at[texts[number]][1] for number in some]
                odds[some] = self._change(group, rows, instead[some])
        return odds

    @torch.inference_mode()
    def _read(self, texts: Sequence[Sequence[int]]) -> tuple[_Group, Floats, Array]:
        ids = to_device(np.asarray(texts, dtype=np.int64), self._loaded.device)
        before = self._loaded.model.base_model(input_ids=ids[:, :-1], use_cache=True).past_key_values
        group = _Group(ids[:, -1:], before, ids.shape[1])
        kept: dict[str, Floats] = {}

        def keep(output: Any) -> None:
            self._in_tuple = isinstance(output, tuple)
            kept["residual"] = to_numpy(_stream(output)[:, -1].float()).copy()

        block = blocks_of(self._loaded)[self.layer]
        odds = self._last(group, list(range(len(texts))), [Hook(f"layer {self.layer}", block, keep)], [])
        self._passes.made += 1
        if not self._compared:
            self._compare(ids[:1], float(odds[0]))
            self._compared = True
        return group, kept["residual"], odds

    def _compare(self, ids: torch.Tensor, odds: float) -> None:
        """Raise unless the whole text, in one pass that remembers nothing, gives these log-odds."""
        logits = self._loaded.model(input_ids=ids, use_cache=False).logits
        whole = float(_odds(logits, *self._answers)[0])
        self._passes.made += 1
        if not abs(whole - odds) <= SAME:
            raise ProbeError(
                f"the last token by itself gives log-odds {abs(whole - odds):.1e} from the whole text's: this"
                f" {self._loaded.shape.architecture} model remembers more or less than what it has read"
            )

    @torch.inference_mode()
    def _change(self, group: _Group, rows: list[int], instead: Floats) -> Array:
        blocks, new = blocks_of(self._loaded), to_device(instead, self._loaded.device)[:, None]

        def replace(output: Any) -> Any:
            stream = new.to(_stream(output).dtype)
            return (stream, *output[1:]) if isinstance(output, tuple) else stream

        hook = Hook(f"after layer {self.layer}", blocks[self.layer], replace, changes=True)
        skipped = [
            StandIn(block, partial(_pass_on, in_tuple=self._in_tuple)) for block in blocks[: self.layer + 1]
        ]
        return self._last(group, rows, [hook], skipped)

    def _last(
        self, group: _Group, rows: list[int], hooks: Sequence[Hook], skipped: Sequence[StandIn]
    ) -> Array:
        """Run the last token of some texts; what is remembered of them stays as it is."""
        numbers = to_device(np.asarray(rows), self._loaded.device)
        before = remembered_of(group.before, numbers, above=len(skipped))
        few = [] if self._few is None else [self._few]
        with standing_in([*skipped, *few]), counted_hooks(hooks) as fired:
            out = self._loaded.model(input_ids=group.last[rows], past_key_values=before, use_cache=True)
        self._passes.made += 1
        self.fired.update(fired)
        return _odds(out.logits, *self._columns)


def _odds(logits: torch.Tensor, first: list[int], second: list[int]) -> Array:
    """Return the log-odds of the words in some columns over those in others, at the last token."""
    last = logits[:, -1].double()
    odds: Array = to_numpy(last[:, first].logsumexp(dim=-1) - last[:, second].logsumexp(dim=-1))
    return odds


def _tokens_of(answer: Answer) -> list[int]:
    return [answer] if isinstance(answer, int) else list(answer)


def _stream(output: Any) -> torch.Tensor:
    stream: torch.Tensor = output[0] if isinstance(output, tuple) else output
    return stream


def _pass_on(hidden: torch.Tensor, *_: Any, in_tuple: bool, **__: Any) -> Any:
    return (hidden,) if in_tuple else hidden
