"""The measuring part: proposes heads on some pairs by attribution, and patches them exactly in others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from interpret.contracts import ProbeSpecification
from interpret.errors import ProbeError
from interpret.probes.answer_texts import Array
from interpret.probes.dose import SHARES, WHOLE, by_dose, places_of_placebos
from interpret.probes.head_patching import HeadPatching, Patch
from interpret.probes.head_sets import draw_other_sets, head_at, rows_of, those_that_do_something
from interpret.probes.integrated import STEPS, Attribution, attribute
from interpret.probes.paths.sentences import Material, Pair, SentenceSet, pair_up
from interpret.probes.session import ModelSession
from interpret.probes.sites import Head
from interpret.probes.tokenization import digest_of_tokenizer
from interpret.probes.weights import LoadedModel

FIRST, SECOND, OTHER_FIRST, OTHER_SECOND = range(4)  # of a pair's texts, as in `Pair.texts`
HALFWAY: Final = (1,)  # steps: one gradient in the middle, without integration


@dataclass(frozen=True, slots=True)
class Proposed:
    """What attribution on the finding pairs proposed, best first, and which of it does something when it is patched.

    Attributes:
        scores: (layer * head,), mean over pairs, in log-odds.
        halfway: the same by one gradient.
    """

    heads: tuple[Head, ...]
    chosen: tuple[Head, ...]
    scores: Array
    halfway: Array
    attribution: Attribution


@dataclass(frozen=True, slots=True)
class Moved:
    """How far patches move the answers of pairs, in log-odds; arrays are (set of heads, pair).

    Attributes:
        denoised: from the second text's answer towards the first's, with heads of the first.
        noised: from the first's towards the second's, with heads of the second.
    """

    denoised: Array
    noised: Array

    @property
    def lesser(self) -> Array:
        """Return how far it moves towards the other answer, of both ways the lesser."""
        lesser: Array = np.minimum(self.denoised, self.noised)
        return lesser

    @property
    def back(self) -> Array:
        """Return how far it moves the other way."""
        lesser: Array = -np.maximum(self.denoised, self.noised)
        return lesser

    def either_way(self) -> Array:
        """Return what each set comes to over all pairs, in the way that gives more. Shape (set,)."""
        more: Array = np.maximum(self.lesser.mean(axis=1), self.back.mean(axis=1))
        return more


class _Seen:
    """Texts of pairs, as one model reads them, and what patches between them do."""

    def __init__(
        self, patching: HeadPatching, texts: Sequence[Sequence[tuple[int, ...]]], pairs: Sequence[Pair]
    ):
        """Read texts, (text of a pair, pair)."""
        self._patching, self._pairs = patching, len(pairs)
        answers = [pair.answers for pair in pairs] * len(texts)
        self.reading = patching.read([text for each in texts for text in each], answers)
        self.odds: Array = self.reading.odds.reshape(len(texts), len(pairs))

    def exchanged(
        self,
        sets: Sequence[tuple[Head, ...]],
        first: int = FIRST,
        second: int = SECOND,
        share: float = WHOLE,
    ) -> Moved:
        """Exchange sets of heads, or a share of what they give, between two texts of each pair."""
        denoised, noised = (
            self._into(into, out_of, sets, share) for into, out_of in ((second, first), (first, second))
        )
        return Moved(denoised - self.odds[second], self.odds[first] - noised)

    def _into(self, into: int, out_of: int, sets: Sequence[tuple[Head, ...]], share: float) -> Array:
        pairs = range(self._pairs)
        patches = [
            Patch(into * self._pairs + pair, out_of * self._pairs + pair, heads)
            for heads in sets
            for pair in pairs
        ]
        return self._patching.patched(self.reading, patches, share).reshape(len(sets), self._pairs)


class Study:
    """One language and one seed's pairs, on a model and its dead copy."""

    def __init__(
        self,
        sentences: SentenceSet,
        models: ModelSession,
        specification: ProbeSpecification,
        given: Mapping[str, float],
        *,
        again: int,
    ) -> None:
        """Make the pairs of the first seed (`again` 0) or of the second (1), which reports on the same heads.

        Raises:
            StructureUntold, PairsUnequal: as `pair_up`.
        """
        self._models, self._specification, self._given = models, specification, given
        self._language, self._seed = sentences.language, specification.seed + again
        self._loaded = models.model(specification.model_digest)
        pairs, tokenizer = int(given["pairs"]), self._loaded.tokenizer
        self._material: Material = pair_up(sentences, tokenizer, pairs, seed=specification.seed, again=again)
        self._before = Study(sentences, models, specification, given, again=0) if again else None

    def living(self) -> dict[str, Any]:
        """Patch the chosen heads in the reporting pairs, in order and in another one, and heads one by one."""
        proposed, patching = self._proposed(), HeadPatching(self._models.passes, self._loaded)
        chosen, report = proposed.chosen, self._material.report
        seen = self._see(patching, report, 4)
        moved = seen.exchanged([chosen])
        neutral = [
            seen.exchanged([chosen], one, other)
            for one, other in ((FIRST, OTHER_FIRST), (SECOND, OTHER_SECOND))
        ]
        shuffled = self._see(patching, report, 2, shuffled=True).exchanged([chosen])
        others = [np.abs(way) for each in neutral for way in (each.denoised, each.noised)]
        checked = self._checked(proposed)
        told = {
            "chosen": [str(head) for head in chosen],
            "proposed": [str(head) for head in proposed.heads],
            "texts": [pair.digest() for pair in report],
            "clusters": [pair.cluster for pair in report],
            "found_on": self.found_on(),
            "left_out": self._material.left_out,
            "tokenizer_digest": digest_of_tokenizer(self._loaded.tokenizer),
            "moved": moved.lesser[0].tolist(),
            "ways": [float(way.mean()) for way in (moved.denoised, moved.noised)],
            "shuffled": shuffled.lesser[0].tolist(),
            "neutral": np.max(others, axis=0)[0].tolist(),
            "odds": [float(seen.odds[text].mean()) for text in (FIRST, SECOND)],
            "steps": proposed.attribution.steps,
            "error": proposed.attribution.error,
            "fired": dict(patching.fired),
        }
        one_by_one = self._one_by_one(proposed, checked, seen.exchanged([(head,) for head in checked]))
        return told | one_by_one | ({} if self._before else self._doses(seen, proposed))

    def dead(self) -> dict[str, Any]:
        """Search the dead copy likewise, and patch as many of its best heads; JSON values."""
        chosen = self._proposed().chosen
        loaded = self._models.dead(self._specification.model_digest, self._seed)
        attribution = self._attribute(loaded, STEPS[:1])
        best = _best(attribution.heads.mean(axis=0), loaded, len(chosen))
        seen = self._see(HeadPatching(self._models.passes, loaded), self._material.report, 2)
        return {"moved": seen.exchanged([best]).lesser[0].tolist(), "heads": [str(head) for head in best]}

    def control(self, part: slice) -> dict[str, Any]:
        """Patch a part of the random sets of as many heads; JSON values: what each comes to, in either way."""
        proposed = self._proposed()
        sets, moved = self._other_sets(proposed)[part], list[float]()
        if sets:
            seen = self._see(HeadPatching(self._models.passes, self._loaded), self._material.report, 2)
            moved = seen.exchanged(sets).either_way().tolist()
        return {"chosen": [str(head) for head in proposed.chosen], "moved": moved}

    def _other_sets(self, proposed: Proposed) -> list[tuple[Head, ...]]:
        asked = int(self._given["control_draws"])
        return draw_other_sets(self._loaded, proposed.heads, proposed.chosen, asked, seed=self._seed)

    def _doses(self, seen: _Seen, proposed: Proposed) -> dict[str, Any]:
        """Exchange less than all of what the chosen heads give, and some of the random sets; JSON values."""
        sets = self._other_sets(proposed)
        placebos = [sets[place] for place in places_of_placebos(len(sets))]
        return {
            "doses": by_dose(
                {dose: seen.exchanged([proposed.chosen], share=dose).lesser[0] for dose in SHARES}
            ),
            "placebo_doses": by_dose(
                {dose: seen.exchanged(placebos, share=dose).either_way() for dose in SHARES}
            ),
        }

    def _proposed(self) -> Proposed:
        """Return what the first seed proposed and chose; a process searches once."""
        asked = self._specification
        key = ("paths", self._language, asked.model_digest, asked.seed, tuple(sorted(self._given.items())))
        proposed: Proposed = self._models.remembered(key, (self._before or self).search)
        return proposed

    def found_on(self) -> list[str]:
        """Return the digests of the texts that the first seed searched, and their templates."""
        if self._before:
            return self._before.found_on()
        return sorted({name for pair in self._material.find for name in (pair.digest(), pair.cluster)})

    def search(self) -> Proposed:
        """Attribute on the finding pairs, and ask by exact patching there which heads do something."""
        attribution, wanted = self._attribute(self._loaded, STEPS), int(self._given["heads"])
        scores = attribution.heads.mean(axis=0)
        if wanted * 2 > scores.size:
            raise ProbeError(f"{scores.size} heads: too few to report {wanted} and draw as many others")
        heads = _best(scores, self._loaded, wanted)
        seen = self._see(HeadPatching(self._models.passes, self._loaded), self._material.find, 2)

        def moves(some: tuple[Head, ...]) -> float:
            return float(seen.exchanged([some]).lesser.mean())

        chosen = those_that_do_something(heads, moves, self._given["smallest_shift"])
        halfway = self._attribute(self._loaded, HALFWAY, incomplete=True).heads.mean(axis=0)
        return Proposed(heads, chosen, scores, halfway, attribution)

    def _attribute(
        self, loaded: LoadedModel, steps: Sequence[int], *, incomplete: bool = False
    ) -> Attribution:
        """Attribute the answer's change; of a dead model, and of one gradient, whatever it lacks."""
        pairs = self._material.find
        texts = [pair.texts[FIRST] for pair in pairs], [pair.texts[SECOND] for pair in pairs]
        return attribute(
            self._models.passes,
            loaded,
            texts,
            [pair.answers for pair in pairs],
            steps=steps,
            incomplete=incomplete or loaded is not self._loaded,
        )

    def _see(
        self, patching: HeadPatching, pairs: Sequence[Pair], texts: int, *, shuffled: bool = False
    ) -> _Seen:
        """Read so many texts of each pair, all in the same other order where they are `shuffled`."""
        rng = np.random.default_rng(self._seed)
        orders = [_order(len(pair.texts[0]), rng, shuffled=shuffled) for pair in pairs]
        read = [
            [
                tuple(pair.texts[text][place] for place in order)
                for pair, order in zip(pairs, orders, strict=True)
            ]
            for text in range(texts)
        ]
        return _Seen(patching, read, pairs)

    def _checked(self, proposed: Proposed) -> tuple[Head, ...]:
        """Return the proposed heads and others, drawn, that are patched one by one."""
        everywhere = [head_at(row, self._loaded) for row in range(proposed.scores.size)]
        others = [head for head in everywhere if head not in proposed.heads]
        many = min(len(others), max(0, int(self._given["checked_heads"]) - len(proposed.heads)))
        drawn = np.random.default_rng(self._specification.seed).choice(len(others), many, replace=False)
        return (*proposed.heads, *(others[place] for place in sorted(drawn.tolist())))

    def _one_by_one(self, proposed: Proposed, checked: Sequence[Head], moved: Moved) -> dict[str, Any]:
        rows = rows_of(checked, self._loaded)
        return {
            "checked": [str(head) for head in checked],
            "attributed": proposed.scores[rows].tolist(),
            "halfway": proposed.halfway[rows].tolist(),
            "patched": ((moved.denoised + moved.noised) / 2).tolist(),  # (head, pair)
        }


def _best(scores: Array, loaded: LoadedModel, many: int) -> tuple[Head, ...]:
    """Return the heads to which most of the answer's change is given, best first."""
    best = np.argsort(-scores, kind="stable")[:many]
    return tuple(head_at(int(row), loaded) for row in best)


def _order(tokens: int, rng: np.random.Generator, *, shuffled: bool) -> list[int]:
    """Return the places of the tokens, or the same in another order, whose last token is another one."""
    order = np.arange(tokens)
    while shuffled and order[-1] == tokens - 1:
        order = rng.permutation(tokens)
    return [int(place) for place in order]
