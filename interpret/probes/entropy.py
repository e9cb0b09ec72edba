"""How sure a model is of its next token: entropy and margin over the prompts it is asked.

Entropy: C. E. Shannon, "A Mathematical Theory of Communication" (1948), section 6, in nats. Margin:
probability of the likeliest token less that of the second. Both are described and not judged: a model that shows less
entropy is not a better one, and a dead model shows the least.
"""

from __future__ import annotations

from collections import Counter, defaultdict
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
from interpret.probes.prompts import (
    Prompt,
    batches_of,
    clusters_of,
    digest_of_prompts,
    distinct,
    mean_by_cluster,
    tokenize,
)
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
        """Raise `BadSpecification` where a parameter does not fit, or there are too few prompts or clusters of them."""
        fill_parameters(KEY, specification.parameters)
        given, different = len(specification.inputs), distinct(specification.inputs)
        clusters = len(set(clusters_of(different).tolist()))
        if len(different) < MIN_SLICE:
            raise BadSpecification(
                f"{KEY} needs at least {MIN_SLICE} different prompts; these {given} are {len(different)}"
            )
        if clusters < MIN_SLICE:
            raise BadSpecification(
                f"{KEY} needs different prompts of at least {MIN_SLICE} clusters; these {given} are of {clusters}"
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
    """Return entropy and margin of guessing by how often each token occurs in the prompts of other clusters.

    A language's prompts are guessed from those of that language, where it has others.
    """
    entropy, margin = np.zeros(len(prompts)), np.zeros(len(prompts))
    clusters = clusters_of([prompt.item for prompt in prompts]).tolist()
    all_of, own_of = (defaultdict[object, Counter[int]](Counter) for _ in range(2))  # by language; "": in any
    for prompt, cluster in zip(prompts, clusters, strict=True):
        for language in (prompt.item.language, ""):
            all_of[language].update(prompt.ids)
            own_of[language, cluster].update(prompt.ids)
    for index, (prompt, cluster) in enumerate(zip(prompts, clusters, strict=True)):
        alike, everything = (all_of[each] - own_of[each, cluster] for each in (prompt.item.language, ""))
        others = alike or everything or own_of["", cluster]
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
        self._clusters = clusters_of(self._inputs)
        alone = np.unique(self._clusters).size == len(self._inputs)
        self._unit, self._weighed = (
            ("prompts", "") if alone else ("clusters of prompts", ", each cluster counted once")
        )
        self._half = _random_half(self._languages, self._clusters, self._seed + 1)
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
        counts = self._clusters_by_language()
        reported = [language for language, n in counts.most_common() if n >= MIN_SLICE]
        slices = ["", *(reported if len(counts) > 1 else [])]
        drafts = [self._level_draft(statistic, part) for part in slices for statistic in UNIT]
        if len(reported) >= 2:
            drafts.append(self._gap_draft(*sorted(reported[:2])))
        left_out = sorted(set(counts) - set(reported))
        return tuple(self._finish(draft, left_out) for draft in drafts)

    def _clusters_by_language(self) -> Counter[str]:
        """Count the clusters that have a prompt in each language; languages in the order in which they come."""
        pairs = zip(self._languages.tolist(), self._clusters.tolist(), strict=True)
        return Counter(language for language, _ in dict.fromkeys(pairs))

    def _level_draft(self, statistic: str, language: str) -> dict[str, Any]:
        mask = self._languages == language if language else np.full(len(self._inputs), fill_value=True)
        values = self._real.of(statistic)[mask]
        estimate, null = (self._estimate(each.of(statistic), mask) for each in (self._real, self._dead))
        where = f"prompts in {language}" if language else "all prompts"
        lengths = [tokens for tokens, used in zip(self._tokens, mask, strict=True) if used]
        return {
            "statistic": f"next_token.{statistic}",
            "unit": UNIT[statistic],
            "estimate": estimate,
            "baseline": Comparison(
                ComparisonKind.BASELINE,
                "guessing by how often each token occurs in the other prompts",
                self._estimate(self._unigram.of(statistic), mask),
            ),
            "null": Comparison(ComparisonKind.NULL, DEAD, null),
            "stability": self._stability_of_level(statistic, mask, estimate),
            "supports": f"This is the next-token {statistic} on {where}{self._weighed}.",
            "does_not_show": "That less or more of it is better, or that what it says is right: a dead model is surer.",
            "per_item": self._items(values, mask),
            "slice": {"language": language} if language else {},
            "details": {"rank_correlation_with_prompt_length": statistics.rank_correlation(values, lengths)},
        }

    def _stability_of_level(self, statistic: str, mask: NDArray[np.bool_], estimate: Estimate) -> Stability:
        kept, second, agrees = mask & self._half, estimate, False
        if self._units_in(kept) >= 2:
            second = self._estimate(self._real.of(statistic), kept, extra=1)
            agrees = second.overlaps(estimate)
        return Stability(
            seed=self._seed,
            second_seed=self._seed + 1,
            second=second,
            agrees=agrees,
            what=f"a random half of the {self._unit}",
        )

    def _gap_draft(self, first: str, second: str) -> dict[str, Any]:
        a, b = self._languages == first, self._languages == second
        values, gap = self._real.entropy, self._pairing(b, a)
        estimate = self._difference(values, b, a)
        shuffled = statistics.shuffled_differences(
            *self._sides(values, b, a), seed=self._seed, permutations=self._permutations, pairs=gap
        )
        return {
            "statistic": "next_token.language_gap",
            "unit": "nats",
            "estimate": estimate,
            "baseline": Comparison(
                ComparisonKind.BASELINE,
                "the gap in guessing by how often each token occurs in that language's other prompts",
                self._difference(self._unigram.entropy, b, a),
            ),
            "null": Comparison(
                ComparisonKind.NULL,
                f"language labels shuffled over the {self._unit}",
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
            "details": {"clusters_in_both": len(gap)} if gap else {},
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
        halves = [side & self._half for side in sides]
        enough = min(self._units_in(half) for half in halves) >= 2
        repeat = estimate
        if enough:
            repeat = self._difference(values, halves[0], halves[1], extra=1)
        return Stability(
            seed=self._seed,
            second_seed=self._seed + 1,
            second=repeat,
            agrees=bool(enough and repeat.overlaps(estimate) and repeat.value * estimate.value > 0),
            what=f"a random half of the {self._unit}",
        )

    def _finish(self, draft: dict[str, Any], left_out: list[str]) -> Measurement:
        languages = self._holds_for.languages
        part = draft.pop("slice")
        if part.get("language") in languages:
            languages = (part["language"],)
        details = {
            **draft["details"],
            **self._told_clusters(draft["per_item"]),
            "languages_too_few_to_report": left_out,
        }
        return Measurement(
            **{**draft, "details": details},
            level=ClaimLevel.DESCRIPTIVE,
            holds_for=replace(self._holds_for, languages=languages, slice=part),
        )

    def _estimate(self, values: NDArray[np.float64], mask: NDArray[np.bool_], extra: int = 0) -> Estimate:
        """Return the mean over the clusters that are in the mask, each the mean of its prompts there."""
        units = mean_by_cluster(values[mask], self._clusters[mask])
        return statistics.estimate_mean(units, seed=self._seed + extra, unit=self._unit)

    def _difference(
        self, values: NDArray[np.float64], b: NDArray[np.bool_], a: NDArray[np.bool_], extra: int = 0
    ) -> Estimate:
        return statistics.estimate_difference(
            *self._sides(values, b, a), seed=self._seed + extra, unit=self._unit, pairs=self._pairing(b, a)
        )

    def _sides(self, values: NDArray[np.float64], *masks: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
        return [mean_by_cluster(values[mask], self._clusters[mask]) for mask in masks]

    def _pairing(self, b: NDArray[np.bool_], a: NDArray[np.bool_]) -> list[tuple[int, int]]:
        """Return where the clusters stand that are on both sides: translations of one text, say."""
        there, here = (np.unique(self._clusters[mask]).tolist() for mask in (b, a))
        return [(there.index(cluster), here.index(cluster)) for cluster in there if cluster in here]

    def _units_in(self, mask: NDArray[np.bool_]) -> int:
        return int(np.unique(self._clusters[mask]).size)

    def _told_clusters(self, reported: Sequence[ItemValue]) -> dict[str, Any]:
        """Return the number of each prompt's cluster, by which anybody can recompute the interval; none where none has.

        Not its name: what is found stays when prompts are erased.
        """
        if self._unit == "prompts":
            return {}
        numbers = dict(zip([item.id for item in self._inputs], self._clusters.tolist(), strict=True))
        return {"clusters": {each.id: numbers[each.id] for each in reported}}

    def _items(self, values: NDArray[np.float64], mask: NDArray[np.bool_]) -> tuple[ItemValue, ...]:
        ids = [item.id for item, used in zip(self._inputs, mask, strict=True) if used]
        return tuple(ItemValue(name, float(value)) for name, value in zip(ids, values, strict=True))


def _random_half(languages: NDArray[np.str_], clusters: NDArray[np.int64], seed: int) -> NDArray[np.bool_]:
    """Draw half of each language's clusters, rounded up; one of several languages is drawn with its first prompt's."""
    rng, (numbers, firsts) = np.random.default_rng(seed), np.unique(clusters, return_index=True)
    chosen = []
    for language in np.unique(languages[firsts]):
        where = numbers[languages[firsts] == language]
        chosen.append(rng.choice(where, -(-where.size // 2), replace=False))
    return np.isin(clusters, np.concatenate(chosen))
