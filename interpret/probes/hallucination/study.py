"""The measuring part: fits directions on answers of one domain, and reads them in those of another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from interpret import statistics
from interpret.contracts import ProbeSpecification, Want
from interpret.probes.answer_texts import by_length
from interpret.probes.directions.changing import in_another_order
from interpret.probes.directions.reading import Array, fit_readout
from interpret.probes.forward import kept
from interpret.probes.hallucination.answers import BACKED, UNBACKED, Answer, Domains, write_answers
from interpret.probes.hallucination.prompt_sets import ClaimSet
from interpret.probes.hallucination.separation import area_by_fact, best_way_round, share_side_by_side
from interpret.probes.session import ModelSession
from interpret.probes.tokenization import digest_of_tokenizer
from interpret.probes.weights import LoadedModel

OWN, AFTER = "own", "after"  # the claim's own words, and what follows them: the same words on both sides
READINGS: Final = (OWN, AFTER)
TEXTS: Final = len(UNBACKED) + len(BACKED)  # of a fact
SHUFFLES: Final = 99  # of the labels that the direction is fitted with


@dataclass(frozen=True, slots=True)
class Seen:
    """Answers as one model reads them.

    Attributes:
        residual: of each reading, the mean over its tokens. Shape (text of a fact, fact, width).
        outputs: by name, what the model's output says of a claim; nats. Shape (text of a fact, fact).
    """

    residual: Mapping[str, Array]
    outputs: Mapping[str, Array]


class Study:
    """One set of facts and one seed's domains, on a model and its dead copy."""

    def __init__(
        self,
        prompts: ClaimSet,
        models: ModelSession,
        specification: ProbeSpecification,
        given: Mapping[str, float],
        *,
        again: int,
    ) -> None:
        """Fit on the first domain and report on the second (`again` 0), or the other way round (1).

        Raises:
            StructureUntold, PairsUnequal: as `write_answers`.
        """
        self._models, self._specification, self._given = models, specification, given
        self._seed = specification.seed + again
        self._loaded = models.model(specification.model_digest)
        self.layer = int(given["depth"] * (self._loaded.shape.layers - 1))
        self._domains: Domains = write_answers(
            prompts, self._loaded.tokenizer, int(given["answers"]), seed=specification.seed, again=again
        )

    def living(self) -> dict[str, Any]:
        """Read the answers of both domains, in order and in another one; JSON values."""
        fit, report = self._domains.fit, self._domains.report
        fitted, seen = self._see(self._loaded, fit), self._see(self._loaded, report, outputs=True)
        directions = {name: _fit(fitted.residual[name]) for name in READINGS}
        told = {name: _area(seen.residual[name] @ directions[name]) for name in READINGS}
        rivals = {name: best_way_round(_area(each)) for name, each in seen.outputs.items()}
        shuffled = self._see(self._loaded, report, shuffled=True).residual
        return {
            "texts": [each.pair.digest() for each in report],
            "clusters": [each.pair.cluster for each in report],
            "found_on": [name for each in fit for name in (each.pair.digest(), each.pair.cluster)],
            "fitted": len(fit),
            "left_out": self._domains.left_out,
            "tokenizer_digest": digest_of_tokenizer(self._loaded.tokenizer),
            "layer": self.layer,
            "told": {name: each.tolist() for name, each in told.items()},
            "shuffled": {name: _area(shuffled[name] @ directions[name]).tolist() for name in READINGS},
            "rivals": {name: each.tolist() for name, each in rivals.items()},
            "p_value": max(
                statistics.p_from_sign_flips(
                    mine - theirs, seed=self._seed, permutations=int(self._given["permutations"])
                )
                for mine in told.values()
                for theirs in rivals.values()
            ),
            "rows": {
                "across": {name: float(each.mean()) for name, each in told.items()},
                "within": {name: _within(fitted.residual[name]) for name in READINGS},
                "side_by_side": {
                    name: share_side_by_side(*_sides(seen.residual[name] @ directions[name]))
                    for name in READINGS
                },
                "labels_shuffled": {
                    name: self._labels_shuffled(fitted.residual[name], seen.residual[name])
                    for name in READINGS
                },
                "rivals": {name: float(each.mean()) for name, each in rivals.items()},
                "balanced": self._balanced(),
                "texts_compared": float(_area(_by_comparison(report)).mean()),
            },
        }

    def dead(self) -> dict[str, Any]:
        """Fit and read likewise in the dead copy; JSON values."""
        loaded = self._models.dead(self._specification.model_digest, self._seed)
        fitted, seen = (self._see(loaded, some) for some in (self._domains.fit, self._domains.report))
        return {name: _area(seen.residual[name] @ _fit(fitted.residual[name])).tolist() for name in READINGS}

    def _balanced(self) -> dict[str, float]:
        """Return how well the texts' lengths and words tell: 0.5, or the facts do not balance what they should."""
        fit, report = self._domains.fit, self._domains.report
        lengths = np.array([[len(text) for text in row] for row in _rows(report)], dtype=np.float64)
        scores = {"length": lengths, "words": _by_words(fit, report)}
        return {name: float(best_way_round(_area(each)).mean()) for name, each in scores.items()}

    def _labels_shuffled(self, fitted: Array, seen: Array) -> float:
        """Return how well directions tell that are fitted with the labels of facts exchanged at random, on average."""
        rng, apart = np.random.default_rng(self._seed), _apart(fitted)
        signs = rng.choice((-1.0, 1.0), (SHUFFLES, len(apart)))
        areas = [float(_area(seen @ fit_readout(apart * each[:, None]).direction).mean()) for each in signs]
        return float(np.mean(areas))

    def _see(
        self, loaded: LoadedModel, answers: Sequence[Answer], *, outputs: bool = False, shuffled: bool = False
    ) -> Seen:
        """Read all texts of some answers; with `outputs` what the model says of their next tokens too."""
        rows = _rows(answers)
        if shuffled:
            rows = in_another_order(rows, np.random.default_rng(self._seed))
        texts, count = [text for row in rows for text in row], len(answers)
        residual = {name: np.zeros((len(texts), loaded.shape.width)) for name in READINGS}
        said = {name: np.zeros(len(texts)) for name in OUTPUTS} if outputs else {}
        wants = {Want.SURPRISAL, Want.ENTROPY} if outputs else ()
        for places in by_length(texts):
            ids = np.asarray([texts[place] for place in places], dtype=np.int64)
            out = self._models.passes.clean(loaded, ids, wants, layers=[self.layer])
            for row, place in enumerate(places):
                ranges = _ranges(answers[place % count])
                for name, (start, stop) in ranges.items():
                    residual[name][place] = out.residual[self.layer][row, start:stop].mean(axis=0)
                    if outputs:  # a token is foretold at the one before it
                        foretold = slice(start - 1, stop - 1)
                        said[f"surprisal {name}"][place] = kept(out.surprisal)[row, foretold].mean()
                        said[f"entropy {name}"][place] = kept(out.entropy)[row, foretold].mean()
        shape = TEXTS, count
        return Seen(
            {name: each.reshape(*shape, -1) for name, each in residual.items()},
            {name: each.reshape(shape).round(DIGITS) for name, each in said.items()},
        )


OUTPUTS: Final = tuple(f"{what} {name}" for what in ("surprisal", "entropy") for name in READINGS)
DIGITS: Final = 4  # of nats: what texts that begin alike differ in beyond is rounding


def _ranges(answer: Answer) -> dict[str, tuple[int, int]]:
    return {OWN: answer.own, AFTER: (answer.own[1], answer.length)}


def _rows(answers: Sequence[Answer]) -> list[list[Sequence[int]]]:
    return [[each.pair.texts[text] for each in answers] for text in range(TEXTS)]


def _sides(scores: Array) -> tuple[Array, Array]:
    return scores[list(UNBACKED)], scores[list(BACKED)]


def _area(scores: Array) -> Array:
    return area_by_fact(*_sides(scores))


def _apart(residual: Array) -> Array:
    """Return of each fact the mean where it is not backed less where it is. Shape (fact, width)."""
    unbacked, backed = _sides(residual)
    apart: Array = unbacked.mean(axis=0) - backed.mean(axis=0)
    return apart


def _fit(residual: Array) -> Array:
    return fit_readout(_apart(residual)).direction


def _within(residual: Array) -> float:
    """Return how well claims are told by others of their own domain, half by half."""
    half = residual.shape[1] // 2
    return float(_area(residual[:, half:] @ _fit(residual[:, :half])).mean())


def _by_words(fit: Sequence[Answer], report: Sequence[Answer]) -> Array:
    """Return what a direction says that is fitted likewise on how often each token stands in a text."""
    fitted, reported = ([[Counter(text) for text in row] for row in _rows(some)] for some in (fit, report))
    names = sorted({token for row in fitted for each in row for token in each})
    counted, asked = (
        np.array([[[each[name] for name in names] for each in row] for row in rows], dtype=np.float64)
        for rows in (fitted, reported)
    )
    scale = counted.std(axis=(0, 1))
    scale[scale == 0] = 1.0
    scores: Array = (asked / scale) @ _fit(counted / scale)
    return scores


def _by_comparison(answers: Sequence[Answer]) -> Array:
    """Return 1 where a claim is not found in its source by comparing the texts."""
    return np.array([[float(not each.in_source[text]) for each in answers] for text in range(TEXTS)])
