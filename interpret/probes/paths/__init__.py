"""Which heads does an answer run through? Proposed by attribution, and only then shown by exact patching.

In made-up sentences two people are named, one of them again; the other comes next. Integrated gradients propose heads
on half of them. In the other half, of other templates and other names, what these heads give in one sentence is put in
its place in one where the other person is named again, and back; whether the answer moves both ways is held against
random sets of as many heads, a dead model, another order, and sentences that differ in a word which is no name.

After: K. Wang et al., "Interpretability in the Wild" (2022, arXiv 2211.00593), the sentences' form and the exchange;
M. Hanna et al., "Have Faith in Faithfulness" (2024, arXiv 2403.17806), integrated gradients before exact patching.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from interpret.contracts import Measurement, ProbeSpecification
from interpret.errors import BadSpecification
from interpret.parts import shared
from interpret.probes.paths.sentences import SentenceSet, read_sentences
from interpret.probes.paths.study import Study
from interpret.probes.paths.writing import Numbers, write_all
from interpret.probes.seed_parts import DEAD, SEEDS, SeedParts
from interpret.probes.session import ModelSession
from interpret.registry import fill_choices, fill_parameters

__all__ = ["AnswerPath"]

KEY: Final = "answer.path"
PARTS: Final = SeedParts("pairs", "random heads")


class AnswerPath:
    """Propose heads by attribution on half of the pairs; patch them exactly in the other."""

    code_version = "1"

    def check(self, specification: ProbeSpecification) -> None:
        """Raise `BadSpecification` where a parameter does not fit, or inputs are given."""
        fill_parameters(KEY, specification.parameters)
        _sentences(specification)
        if specification.inputs:
            raise BadSpecification(f"{KEY} writes its own sentences, and reads no prompts")

    def parts(self, specification: ProbeSpecification) -> tuple[str, ...]:
        """Return, for each seed, the pairs, the dead model, and the random sets of heads, so many at a time."""
        return PARTS.of(_draws(specification))

    def measure(self, specification: ProbeSpecification, models: ModelSession, part: str) -> dict[str, Any]:
        """Measure one seed's pairs, its dead model's, or some of its random sets.

        Raises:
            StructureUntold, PairsUnequal: the model's tokenizer does not let the pairs be made.
            AttributionIncomplete: attributions do not add up to what they are parts of.
            HookNeverFired, InterventionWithoutEffect: a patch did not take place, or moves nothing.
        """
        seed, what = part.split(": ")
        given = fill_parameters(KEY, specification.parameters)
        study = Study(_sentences(specification), models, specification, given, again=SEEDS.index(seed))
        if what == PARTS.texts:
            return study.living()
        if what == DEAD:
            return study.dead()
        return study.control(PARTS.drawn_in(what))

    def report(
        self, specification: ProbeSpecification, measured: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Measurement, ...]:
        """Return two measurements: what exact patching does, and how well the attribution foretold it.

        Raises:
            ProbeError: workers found different heads.
        """
        draws = _draws(specification)
        shared(measured, [part for seed in SEEDS for part in PARTS.living(seed, draws)], "chosen")
        first, second = (Numbers(*PARTS.put_together(seed, draws, measured, ("moved",))) for seed in SEEDS)
        given = fill_parameters(KEY, specification.parameters)
        return write_all(specification, _sentences(specification), given, first, second)


def _sentences(specification: ProbeSpecification) -> SentenceSet:
    return read_sentences(fill_choices(KEY, specification.parameters)["language"])


def _draws(specification: ProbeSpecification) -> int:
    return int(fill_parameters(KEY, specification.parameters)["control_draws"])
