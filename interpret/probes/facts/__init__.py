"""Where is a fact when it is told? Causal tracing of facts that a model demonstrably knows.

A fact is known where its end beats the ends of all other facts of its kind, in two ways of saying it. In two other ways
the subject is exchanged for another's of equal length, and the residual stream at the subject's last token is restored
from the true statement, through a window of layers that other facts proposed. Whether the answer comes back is held
against a third subject's residual in the same place, a dead model, another order, and other places and layers.

After: K. Meng et al., "Locating and Editing Factual Associations in GPT" (2022, arXiv 2202.05262); P. Hase et al.,
"Does Localization Inform Editing?" (2023, arXiv 2301.04213): it does not.
"""

from __future__ import annotations

from interpret.probes.facts.statements import read_facts
from interpret.probes.facts.study import Study
from interpret.probes.facts.writing import Numbers, write_all
from interpret.probes.own_texts import AgainstDrawn, Drawn, Question
from interpret.probes.seed_parts import SeedParts

__all__ = ["FactTracing"]


class FactTracing(AgainstDrawn):
    """Find which facts a model knows, and restore them where their subject ends.

    It reports one measurement: what restoring a fact's subject does. A model that knows next to none of the facts is
    refused (`FactsUnknown`).
    """

    code_version = "1"
    question = Question(
        key="fact.tracing",
        parts=SeedParts("facts", "random places"),
        reads="states its own facts, and reads no prompts",
        read_texts=read_facts,
        study=Study,
        write=write_all,
    )
    drawn = Drawn(Numbers, ("moved",), found="found", once=True)
