"""How sure a model is of its next token: entropy and margin over the prompts it is asked.

Entropy: C. E. Shannon, "A Mathematical Theory of Communication" (1948), section 6, in nats. Margin:
probability of the likeliest token less that of the second. Both are described and not judged: a model that shows less
entropy is not a better one, and a dead model shows the least.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpret import statistics
from interpret.contracts import (
    ClaimLevel,
    Comparison,
    ComparisonKind,
    Estimate,
    HoldsFor,
    ItemValue,
    Measurement,
    ProbeSpecification,
    Stability,
    Want,
)
from interpret.errors import BadSpecification, ProbeError
from interpret.probes.forward import ForwardPasses
from interpret.probes.prompts import Prompt, batches_of, digest_of_prompts, distinct, tokenize
from interpret.probes.session import ModelSession
from interpret.probes.tokenization import digest_of_chat_template, digest_of_tokenizer
from interpret.probes.weights import LoadedModel
from interpret.registry import fill_parameters

KEY = "entropy.next_token"
MODEL, DEAD_MODEL = "model", "dead model"  # the parts of its work
DEAD = "the model with its weights shuffled inside each matrix"
MIN_SLICE = 4  # prompts: a slice with fewer is not reported, half of it could not be either
UNIT = {"entropy": "nats", "margin": "probability"}


@dataclass(frozen=True, slots=True)
class Values:
    """Entropy (nats) and margin (probability) of each prompt, in the order of the prompts."""

    entropy: NDArray[np.float64]
    margin: NDArray[np.float64]

    def of(self, statistic: str) -> NDArray[np.float64]:
        """Return the named statistic. Shape (prompt,)."""
        return self.entropy if statistic == "entropy" else self.margin

    def as_json(self) -> dict[str, Any]:
        """Return them as JSON values, which `from_json` takes."""
        return {"entropy": self.entropy.tolist(), "margin": self.margin.tolist()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Values:
        """Take them from what a part of the work gave."""
        return cls(np.asarray(values["entropy"]), np.asarray(values["margin"]))


class NextTokenEntropy:
    """Mean entropy and margin by language, beside a unigram guess and a dead model."""

    code_version = "4"

    def check(self, specification: ProbeSpecification) -> None:
        """Raise `BadSpecification` where a parameter does not fit, or there are too few prompts."""
        fill_parameters(KEY, specification.parameters)
        given = len(specification.inputs)
        if (n := len(distinct(specification.inputs))) < MIN_SLICE:
            raise BadSpecification(
                f"{KEY} needs at least {MIN_SLICE} different prompts; these {given} are {n}"
            )

    def parts(self, specification: ProbeSpecification) -> tuple[str, ...]:
        """Return the model and a dead copy of it."""
        del specification
        return (MODEL, DEAD_MODEL)

    def measure(self, specification: ProbeSpecification, models: ModelSession, part: str) -> dict[str, Any]:
        """Measure the prompts on the model, or on its dead copy.

        Raises:
            ProbeError: the model has no tokenizer, or a prompt no tokens.
        """
        given = fill_parameters(KEY, specification.parameters)
        digest, loaded = specification.model_digest, models.model(specification.model_digest)
        chat = bool(given["chat"])
        prompts = tokenize(loaded, distinct(specification.inputs), chat=chat, limit=int(given["max_tokens"]))
        if part == DEAD_MODEL:
            return measure(models.passes, models.dead(digest, specification.seed), prompts).as_json()
        return {
            **measure(models.passes, loaded, prompts).as_json(),
            "unigram": unigram_values(prompts).as_json(),
            "tokens": [len(prompt.ids) for prompt in prompts],
            "dataset_digest": specification.dataset_digest or digest_of_prompts(prompts),
            "tokenizer_digest": digest_of_tokenizer(loaded.tokenizer),
            "chat_template_digest": digest_of_chat_template(loaded.tokenizer) if chat else "",
        }

    def report(
        self, specification: ProbeSpecification, measured: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Measurement, ...]:
        """Return entropy and margin, of all prompts and by language, and the gap between the two main languages."""
        return _Writer(specification, measured[MODEL], Values.from_json(measured[DEAD_MODEL])).measurements()


def measure(passes: ForwardPasses, loaded: LoadedModel, prompts: Sequence[Prompt]) -> Values:
    """Run the prompts through the model, in batches of like length; one value of each statistic a prompt."""
    entropy, margin = np.zeros(len(prompts)), np.zeros(len(prompts))
    for batch, ids, lengths in batches_of(prompts):
        out = passes.clean(loaded, ids, {Want.ENTROPY}, lengths)
        if out.entropy is None or out.margin is None:
            raise ProbeError("a forward pass kept less than was asked of it")
        for row, index in enumerate(batch):
            at = list(prompts[index].positions)
            entropy[index] = out.entropy[row, at].mean()
            margin[index] = out.margin[row, at].mean()
    return Values(entropy, margin)


def unigram_values(prompts: Sequence[Prompt]) -> Values:
    """Return entropy and margin of guessing by how often each token occurs in the other prompts.

    A language's prompts are guessed from those of that language, where it has others.
    """
    entropy, margin = np.zeros(len(prompts)), np.zeros(len(prompts))
    by_language: dict[str, Counter[int]] = {}
    for prompt in prompts:
        by_language.setdefault(prompt.item.language, Counter()).update(prompt.ids)
    everything = sum(by_language.values(), Counter[int]())
    for index, prompt in enumerate(prompts):
        own = Counter(prompt.ids)
        others = (by_language[prompt.item.language] - own) or (everything - own) or own
        p = np.sort(np.array(list(others.values()), dtype=np.float64))[::-1] / others.total()
        entropy[index] = -(p * np.log(p)).sum()
        margin[index] = p[0] - (p[1] if p.size > 1 else 0.0)
    return Values(entropy, margin)


class _Writer:
    """The reporting part: turns numbers into measurements that say what they are."""

    def __init__(self, specification: ProbeSpecification, told: Mapping[str, Any], dead: Values) -> None:
        self._inputs, self._seed = distinct(specification.inputs), specification.seed
        self._real, self._dead, self._tokens = Values.from_json(told), dead, told["tokens"]
        self._unigram = Values.from_json(told["unigram"])
        self._languages = np.array([item.language for item in self._inputs])
        self._half = _random_half(self._languages, self._seed + 1)
        self._permutations = int(fill_parameters(KEY, specification.parameters)["permutations"])
        self._holds_for = HoldsFor(
            model_digest=specification.model_digest,
            dataset_digest=told["dataset_digest"],
            languages=tuple(sorted(set(self._languages.tolist()))),
            site="final logits",
            tokenizer_digest=told["tokenizer_digest"],
            chat_template_digest=told["chat_template_digest"],
        )

    def measurements(self) -> tuple[Measurement, ...]:
        """Entropy and margin, of all prompts and by language, and the gap between the two main languages."""
        counts = Counter(self._languages.tolist())
        reported = [language for language, n in counts.most_common() if n >= MIN_SLICE]
        slices = ["", *(reported if len(counts) > 1 else [])]
        drafts = [self._level_draft(statistic, part) for part in slices for statistic in UNIT]
        if len(reported) >= 2:
            drafts.append(self._gap_draft(*sorted(reported[:2])))
        left_out = sorted(set(counts) - set(reported))
        return tuple(self._finish(draft, left_out) for draft in drafts)

    def _level_draft(self, statistic: str, language: str) -> dict[str, Any]:
        mask = self._languages == language if language else np.full(len(self._inputs), fill_value=True)
        values, dead = self._real.of(statistic)[mask], self._dead.of(statistic)[mask]
        estimate, null = self._estimate(values), self._estimate(dead)
        where = f"prompts in {language}" if language else "all prompts"
        lengths = [tokens for tokens, used in zip(self._tokens, mask, strict=True) if used]
        return {
            "statistic": f"next_token.{statistic}",
            "unit": UNIT[statistic],
            "estimate": estimate,
            "baseline": Comparison(
                ComparisonKind.BASELINE,
                "guessing by how often each token occurs in the other prompts",
                self._estimate(self._unigram.of(statistic)[mask]),
            ),
            "null": Comparison(ComparisonKind.NULL, DEAD, null),
            "stability": self._stability_of_level(statistic, mask, estimate),
            "supports": f"This is the next-token {statistic} on {where}.",
            "does_not_show": "That less or more of it is better, or that what it says is right: a dead model is surer.",
            "per_item": self._items(values, mask),
            "slice": {"language": language} if language else {},
            "details": {"rank_correlation_with_prompt_length": statistics.rank_correlation(values, lengths)},
        }

    def _stability_of_level(self, statistic: str, mask: NDArray[np.bool_], estimate: Estimate) -> Stability:
        half = self._half
        kept = mask[half]
        second, agrees = estimate, False
        if kept.sum() >= 2:
            second = self._estimate(self._real.of(statistic)[half][kept], extra=1)
            agrees = second.overlaps(estimate)
        return Stability(
            seed=self._seed,
            second_seed=self._seed + 1,
            second=second,
            agrees=agrees,
            what="a random half of the prompts",
        )

    def _gap_draft(self, first: str, second: str) -> dict[str, Any]:
        a, b = self._languages == first, self._languages == second
        values, unigram = self._real.entropy, self._unigram.entropy
        estimate = statistics.estimate_difference(values[b], values[a], seed=self._seed, unit="prompts")
        shuffled = statistics.shuffled_differences(
            values[b], values[a], seed=self._seed, permutations=self._permutations
        )
        return {
            "statistic": "next_token.language_gap",
            "unit": "nats",
            "estimate": estimate,
            "baseline": Comparison(
                ComparisonKind.BASELINE,
                "the gap in guessing by how often each token occurs in that language's other prompts",
                statistics.estimate_difference(unigram[b], unigram[a], seed=self._seed, unit="prompts"),
            ),
            "null": Comparison(
                ComparisonKind.NULL,
                "language labels shuffled over the prompts",
                self._shuffled_gap(shuffled, estimate.n),
            ),
            "stability": self._stability_of_gap(values, (b, a), estimate),
            "supports": f"This is the next-token entropy of prompts in {second} less that of prompts in {first}.",
            "does_not_show": (
                "That the language causes it: the prompts differ in more than language, and tokens of the two"
                " scripts carry different amounts of text."
            ),
            "per_item": self._items(values[a | b], a | b),
            "slice": {"language": f"{second} minus {first}"},
            "details": {},
        }

    def _shuffled_gap(self, shuffled: NDArray[np.float64], n: int) -> Estimate:
        """Return the gaps of shuffled labels as an estimate: their mean, and where all but a few of them lie."""
        low, high = (float(x) for x in np.quantile(shuffled, statistics.ENDS))
        how = f"{self._permutations} shuffles of the language labels"
        return Estimate(float(shuffled.mean()), low, high, n, statistics.CONFIDENCE, how)

    def _stability_of_gap(
        self,
        values: NDArray[np.float64],
        sides: tuple[NDArray[np.bool_], NDArray[np.bool_]],
        estimate: Estimate,
    ) -> Stability:
        halves = [values[[i for i in self._half if side[i]]] for side in sides]
        enough = min(len(half) for half in halves) >= 2
        repeat = estimate
        if enough:
            repeat = statistics.estimate_difference(*halves, seed=self._seed + 1, unit="prompts")
        return Stability(
            seed=self._seed,
            second_seed=self._seed + 1,
            second=repeat,
            agrees=bool(enough and repeat.overlaps(estimate) and repeat.value * estimate.value > 0),
            what="a random half of the prompts",
        )

    def _finish(self, draft: dict[str, Any], left_out: list[str]) -> Measurement:
        languages = self._holds_for.languages
        part = draft.pop("slice")
        if part.get("language") in languages:
            languages = (part["language"],)
        return Measurement(
            **{**draft, "details": {**draft["details"], "languages_too_few_to_report": left_out}},
            level=ClaimLevel.DESCRIPTIVE,
            holds_for=replace(self._holds_for, languages=languages, slice=part),
        )

    def _estimate(self, values: NDArray[np.float64], extra: int = 0) -> Estimate:
        return statistics.estimate_mean(values, seed=self._seed + extra, unit="prompts")

    def _items(self, values: NDArray[np.float64], mask: NDArray[np.bool_]) -> tuple[ItemValue, ...]:
        ids = [item.id for item, used in zip(self._inputs, mask, strict=True) if used]
        return tuple(ItemValue(name, float(value)) for name, value in zip(ids, values, strict=True))


def _random_half(languages: NDArray[np.str_], seed: int) -> NDArray[np.int64]:
    """Draw half of each language's prompts, rounded up. Indices, sorted."""
    rng = np.random.default_rng(seed)
    chosen = []
    for language in np.unique(languages):
        where = np.flatnonzero(languages == language)
        chosen.append(rng.choice(where, -(-where.size // 2), replace=False))
    return np.sort(np.concatenate(chosen))
