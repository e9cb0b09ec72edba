"""An inside signal of hallucination: is there, in a claim that is not backed by its source, more than its words tell?

Each fact stands in four texts: either of two things is said, by the source and by the answer. So each claim and each
source is as often on one side as on the other, and no word tells which it is. A direction is fitted on answers of one
domain and read in another, at the tokens of the claim's own words and, by one fitted there, at what follows them,
which is the same on both sides. Only what both tell counts, beyond all that the model's output tells.

After: O. Obeso et al., "Real-Time Detection of Hallucinated Entities in Long-Form Generation" (2025, arXiv 2509.03531).
"""

from __future__ import annotations

from interpret.probes.directions.across_domains import AcrossDomains
from interpret.probes.hallucination.prompt_sets import read_claim_set
from interpret.probes.hallucination.study import Study
from interpret.probes.hallucination.writing import write_all
from interpret.probes.own_texts import Question
from interpret.probes.seed_parts import SeedParts

__all__ = ["SignsOfHallucination"]


class SignsOfHallucination(AcrossDomains):
    """Fit directions in one domain; read them in another, at the claim and after it.

    It reports one measurement: what both tell beyond all that the output tells.
    """

    question = Question(
        key="hallucination.signs",
        parts=SeedParts("answers"),
        reads="reads the prompt set that it is told, and no prompts",
        read_texts=read_claim_set,
        study=Study,
        write=write_all,
    )
