"""Confidence factors and limitations: measured on this answer, each with what it was measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from examples.common.generation import Completion
from examples.common.retrieval import Hit
from examples.common.structure import Claim, share_of_words

MARGIN_RAISES: Final = 0.25  # of the best score: the first document stands clear of the second
PROBABILITY_RAISES: Final = 0.75
AGREEMENT_RAISES: Final = 0.5


@dataclass(frozen=True, slots=True)
class Factor:
    """One measured reason to trust an answer more or less; never a probability of being right."""

    factor: str
    value: float
    unit: str
    direction: Literal["raises", "lowers"]
    source: str  # what it was measured on, and from where on it raises

    def as_dict(self) -> dict[str, Any]:
        """Return it as the attribute `tracebinder.confidence.factors` wants it."""
        return asdict(self)


def measure_confidence(*, hits: Sequence[Hit], answer: Completion, quote: Completion) -> list[Factor]:
    """Measure the three factors of an answer."""
    return [
        _factor(
            "retrieval_score_margin",
            score_margin(hits),
            MARGIN_RAISES,
            "best document's BM25 score over the next",
        ),
        _factor(
            "mean_token_probability",
            answer.mean_token_probability,
            PROBABILITY_RAISES,
            f"{answer.output_tokens} generated tokens of the answer",
        ),
        _factor(
            "answer_quote_agreement",
            share_of_words(answer.text, quote.text),
            AGREEMENT_RAISES,
            "shared words (Jaccard) of the answer and the quote generated for it",
        ),
    ]


def score_margin(hits: Sequence[Hit]) -> float:
    """Return (best - next) / best over the best scores of different documents, in [0, 1].

    0 where nothing was found, 1 where only one document was.
    """
    best: dict[str, float] = {}
    for hit in hits:
        best.setdefault(hit.passage.document.id, hit.score)
    scores = sorted(best.values(), reverse=True)
    if not scores:
        return 0.0
    return (scores[0] - scores[1]) / scores[0] if len(scores) > 1 else 1.0


def list_limitations(
    *, language: str, hits: Sequence[Hit], answer: Completion, claims: Sequence[Claim], unread_decision: bool
) -> list[str]:
    """Say what limits this answer, as far as the application can see it itself."""
    material = [claim for claim in claims if claim.material]
    uncited = sum(not claim.citations for claim in material)
    chinese = language.startswith("zh")
    found = [
        (True, "Written by a language model of 135 million parameters; checked by no person."),
        (not hits, "No passage of the index shares a term with the question."),
        (answer.finish_reason == "length", f"Cut off at the budget of {answer.output_tokens} tokens."),
        (not material, "The answer makes no material claim."),
        (uncited > 0, f"{uncited} of {len(material)} material claims repeat no retrieved passage."),
        (chinese, "The model was trained mainly on English; this question is in Chinese."),
        (chinese and not _is_chinese(answer.text), "The question is in Chinese, the answer is not."),
        (unread_decision, "The model was asked to decide and named no single choice."),
    ]
    return [text for applies, text in found if applies]


def _factor(name: str, value: float, raises_from: float, source: str) -> Factor:
    direction: Literal["raises", "lowers"] = "raises" if value >= raises_from else "lowers"
    return Factor(name, round(value, 4), "share", direction, f"{source}; raises from {raises_from}")


def _is_chinese(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    return sum(character >= "\u4e00" for character in letters) * 2 > len(letters)
