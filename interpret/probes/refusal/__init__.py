"""A direction of refusal: is it where a copilot answers, do refusals run through it, and does pressing lower it?

Pairs of requests have one template and words of the same kind: one that a policy forbids, and a near miss that it
allows. A direction is fitted on half of them, and in the other half, of other templates and other requests, it is read,
exchanged between the two of a pair, and read again where something is said after the request that presses for it. That
it can be read is held against what the text alone tells; that refusals run through it, against random directions along
which as much is changed; that pressing lowers it, against placebos: as long a saying that presses for nothing.

After: A. Arditi et al., "Refusal in Language Models Is Mediated by a Single Direction" (2024, arXiv 2406.11717);
T. Wollschläger et al., "The Geometry of Refusal" (2025, arXiv 2502.17420): there are several, so no direction is *the*
one.
"""

from __future__ import annotations

from interpret.probes.own_texts import AgainstDrawn, Drawn, Question
from interpret.probes.refusal.prompt_sets import read_refusal_set
from interpret.probes.refusal.study import Study
from interpret.probes.refusal.writing import ABLATED, ADDED, Numbers, write_all
from interpret.probes.seed_parts import SeedParts

__all__ = ["RefusalDirection"]


class RefusalDirection(AgainstDrawn):
    """Fit a direction on half of the requests; read and exchange it in the other, and read it in contexts.

    It reports four measurements: that it can be read, what removing and adding it does, and what pressing does.
    """

    code_version = "1"
    question = Question(
        key="refusal.direction",
        parts=SeedParts("requests", "random directions"),
        reads="reads the prompt set that it is told, and no prompts",
        read_texts=read_refusal_set,
        study=Study,
        write=write_all,
    )
    drawn = Drawn(Numbers, (ABLATED, ADDED), found="found", once=False)
