"""Signs of deception: are statements to mislead told from truthful ones, in another domain and without the instruction?

A statement is false after an instruction to mislead, and true after one to be truthful. A direction is fitted on those
of one domain, on the tokens of their endings, and read in another domain, once as they are and once with the words of
the instruction deleted. Only what holds both ways counts, and only beyond what the text alone tells. A direction that
is read where it was fitted is no sign of anything: published ones collapse in another domain, and when what gives the
text away is deleted.

After: N. Goldowsky-Dill et al., "Detecting Strategic Deception Using Linear Probes" (2025, arXiv 2502.03407); textual
leakage: arXiv 2509.21344 (2025); choice of prompts: arXiv 2602.01425 (2026).
"""

from __future__ import annotations

from interpret.probes.deception.prompt_sets import read_statement_set
from interpret.probes.deception.study import Study
from interpret.probes.deception.writing import write_all
from interpret.probes.directions.across_domains import AcrossDomains
from interpret.probes.own_texts import Question
from interpret.probes.seed_parts import SeedParts

__all__ = ["SignsOfDeception"]


class SignsOfDeception(AcrossDomains):
    """Fit a direction in one domain; read it in another, with the instruction's words and without.

    It reports one measurement: what is told both ways beyond what the text alone tells.
    """

    question = Question(
        key="deception.signs",
        parts=SeedParts("statements"),
        reads="reads the prompt set that it is told, and no prompts",
        read_texts=read_statement_set,
        study=Study,
        write=write_all,
    )
