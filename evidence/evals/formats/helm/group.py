"""One split under one perturbation: which statistics are its metrics, which way is better, what an instance came to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from evidence.evals.contracts import Direction
from evidence.evals.foreign.collected import Collected
from evidence.evals.foreign.texts import number_in
from evidence.evals.measurements import RemarkCode

# Counts, times and settings, which HELM writes among the scores.
_NO_SCORE: Final = re.compile(
    r"num_.*|batch_size|finish_reason_.*|inference_.*|training_.*|prompt_truncated|predicted_index|platt_.*|max_prob|logprob"
)
_EXACT: Final = frozenset(
    {"exact_match", "quasi_exact_match", "prefix_exact_match", "quasi_prefix_exact_match", "exact_match_indicator",
     "final_number_exact_match"}
)  # fmt: skip
_SHARES: Final = re.compile(
    r"f1_score|f1_set_match|iou_set_match|rouge_[12lL]|bleu_[14]|math_equiv.*|.*_accuracy"
)
_LOWER: Final = re.compile(
    r"bits_per_byte|perplexity|absolute_value_difference|distance|edit_distance|.*toxic.*|.*bias.*|ece.*|.*error_rate|wer|cer"
)


@dataclass(slots=True)
class Group:
    """One split under one perturbation."""

    kept: Collected
    places: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    has: set[tuple[int, int, str]] = field(default_factory=set)  # attempts that have a metric
    unread: set[str] = field(default_factory=set)
    assumed: set[str] = field(default_factory=set)


def is_no_score(name: str) -> bool:
    """Whether a statistic is a count, a time or a setting."""
    return _NO_SCORE.fullmatch(name) is not None


def declare(group: Group, name: str) -> str:
    """Declare a metric, and say where nobody says which way is better."""
    plain = name.partition("@")[0]
    lower, share = bool(_LOWER.fullmatch(plain)), bool(_SHARES.fullmatch(plain))
    if not (lower or share or plain in _EXACT) and name not in group.assumed:
        group.assumed.add(name)
        group.kept.remark(RemarkCode.DIRECTION_ASSUMED, f"{name}: the files do not say which way is better")
    direction = Direction.LOWER if lower else Direction.HIGHER
    return group.kept.declare(name, proportion=plain in _EXACT, share=share, direction=direction)


def value_of(stat: Mapping[str, Any]) -> object:
    """Return the mean of a statistic, which is over the answers of one instance in one trial."""
    count = number_in(stat.get("count"))
    if count == 0:
        return None
    mean, total = stat.get("mean"), number_in(stat.get("sum"))
    return total / count if mean is None and count and total is not None else mean
