"""A probe of somebody else's: how much attention rests on the first token of a prompt. It reads what entropy reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interpret import statistics
from interpret.contracts import (
    ClaimLevel,
    Comparison,
    ComparisonKind,
    HoldsFor,
    Measurement,
    ProbeSpecification,
    Stability,
    Want,
)
from interpret.probes.forward import kept
from interpret.probes.prompts import batches_of, distinct, tokenize
from interpret.probes.session import ModelSession
from interpret.registry import ProbeEntry

KEY = "acme.resting"
ENTRY = ProbeEntry(
    path="tests.probes.resting.RestingAttention",
    title="Attention that rests",
    unit="share of attention",
    reads_prompts=True,
    intervenes=False,
    wants=frozenset({Want.ATTENTION}),
)


class RestingAttention:
    code_version = "1"

    def check(self, specification: ProbeSpecification) -> None:
        del specification

    def parts(self, specification: ProbeSpecification) -> tuple[str, ...]:
        del specification
        return ("model", "dead model")

    def measure(self, specification: ProbeSpecification, models: ModelSession, part: str) -> dict[str, Any]:
        loaded = models.model(specification.model_digest)
        prompts = tokenize(loaded, distinct(specification.inputs), chat=True, limit=256)
        if part == "dead model":
            loaded = models.dead(specification.model_digest, specification.seed)
        values = [0.0] * len(prompts)
        for batch, ids, lengths in batches_of(prompts):
            attention = kept(models.passes.clean(loaded, ids, {Want.ATTENTION}, lengths).attention)
            for row, index in enumerate(batch):
                values[index] = float(attention[:, :, row, lengths[row] - 1, 0].mean())
        return {"values": values, "tokens": [len(prompt.ids) for prompt in prompts]}

    def report(
        self, specification: ProbeSpecification, measured: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Measurement, ...]:
        own, even = measured["model"]["values"], [1 / tokens for tokens in measured["model"]["tokens"]]
        value, uniform, dead = (
            statistics.estimate_mean(values, seed=specification.seed, unit="prompts")
            for values in (own, even, measured["dead model"]["values"])
        )
        return (
            Measurement(
                statistic="resting",
                unit="share of attention",
                level=ClaimLevel.DESCRIPTIVE,
                estimate=value,
                baseline=Comparison(ComparisonKind.BASELINE, "even attention", uniform),
                null=Comparison(ComparisonKind.NULL, "a dead model", dead),
                holds_for=HoldsFor(
                    specification.model_digest, specification.dataset_digest, ("en",), "all heads"
                ),
                stability=Stability(specification.seed, specification.seed + 1, value, True, "nothing"),
                supports="This is how much attention rests.",
                does_not_show="What it is for.",
            ),
        )
