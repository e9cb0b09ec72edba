"""Which heads does an answer run through? Proposed by attribution, and only then shown by exact patching.

In made-up sentences two people are named, one of them again; the other comes next. Integrated gradients propose heads
on half of them. In the other half, of other templates and other names, what these heads give in one sentence is put in
its place in one where the other person is named again, and back; whether the answer moves both ways is held against
random sets of as many heads, a dead model, another order, and sentences that differ in a word which is no name.

After: K. Wang et al., "Interpretability in the Wild" (2022, arXiv 2211.00593), the sentences' form and the exchange;
M. Hanna et al., "Have Faith in Faithfulness" (2024, arXiv 2403.17806), integrated gradients before exact patching.
"""

from __future__ import annotations

from interpret.probes.own_texts import AgainstDrawn, Drawn, Question
from interpret.probes.paths.sentences import read_sentences
from interpret.probes.paths.study import Study
from interpret.probes.paths.writing import Numbers, write_all
from interpret.probes.seed_parts import SeedParts

__all__ = ["AnswerPath"]


class AnswerPath(AgainstDrawn):
    """Propose heads by attribution on half of the pairs; patch them exactly in the other.

    It reports two measurements: what exact patching does, and how well the attribution foretold it. Attributions that
    do not add up are refused (`AttributionIncomplete`).
    """

    code_version = "1"
    question = Question(
        key="answer.path",
        parts=SeedParts("pairs", "random heads"),
        reads="writes its own sentences, and reads no prompts",
        read_texts=read_sentences,
        study=Study,
        write=write_all,
    )
    drawn = Drawn(Numbers, ("moved",), found="chosen", once=True)
