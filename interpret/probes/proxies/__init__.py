"""Proxies for a sensitive attribute: can it be read off the model where it answers, and does the answer use it?

Pairs of texts of a copilot differ in nothing but the words of one side of an attribute for those of the other. A
direction is fitted on half of them, and in the other half, of other templates and other words, it is read, removed, and
exchanged between the two sides of a pair. That it can be read is held against what the text alone tells; that it is
used, against random directions along which as much is changed.

After: "Fair outputs, biased internals" (2026, arXiv 2605.15217), which puts a removed direction back and finds that
models may hold what their answers do not show; S. Marks and M. Tegmark, "The Geometry of Truth" (2023, arXiv
2310.06824), the difference in means; Y. Elazar et al., "Amnesic Probing" (2021, TACL 9): what can be read need not be
used.
"""

from __future__ import annotations

from typing import Final

from interpret.probes.own_texts import AgainstDrawn, Drawn, Question
from interpret.probes.proxies.prompt_sets import read_prompt_set
from interpret.probes.proxies.study import Study
from interpret.probes.proxies.writing import Numbers, write_all
from interpret.probes.seed_parts import SeedParts

__all__ = ["AttributeProxies"]

CHANGES: Final = ("removed", "exchanged")  # what is done along a direction


class AttributeProxies(AgainstDrawn):
    """Fit a direction on half of the pairs; read, remove and exchange it in the other.

    It reports three measurements: that the attribute can be read, and what removing and exchanging it does.
    """

    code_version = "1"
    question = Question(
        key="attribute.proxies",
        parts=SeedParts("pairs", "random directions"),
        reads="reads the prompt set that it is told, and no prompts",
        read_texts=read_prompt_set,
        study=Study,
        write=write_all,
    )
    drawn = Drawn(Numbers, CHANGES, found="found", once=False)
