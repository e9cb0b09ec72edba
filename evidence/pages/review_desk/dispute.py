"""What reviewers see differently, side by side, for whoever settles it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise

from evidence.access import Principal, visible_to
from evidence.admin.frame.words import in_words
from evidence.admin.review.answer import ClaimCard
from evidence.admin.review.reason import REASON_JOINS, reason_in_words
from evidence.models import Review, Trace
from evidence.pages.review_desk.address import address_of
from evidence.selectors.claim_judgements import with_claim_judgements

_NOTHING_SAID = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was judged, and what each reviewer said of it, in the order of the columns."""

    title: StrOrPromise
    said: list[StrOrPromise]
    address: str = ""  # of the claim

    @property
    def differs(self) -> bool:
        """Whether they do not all say the same."""
        return len({str(each) for each in self.said}) > 1


@dataclass(frozen=True, slots=True)
class Dispute:
    """The reviews of an answer as aligned columns."""

    reviews: list[Review]
    rows: list[Row]


def compare_reviews(trace: Trace, principal: Principal, cards: Sequence[ClaimCard]) -> Dispute:
    """Return what the reviewers said: the decision and its reason, then the claims, those first that they differ on."""
    told = visible_to(Review.objects.filter(task__trace=trace), principal)
    reviews = list(with_claim_judgements(told).select_related("reviewer", *REASON_JOINS).order_by("pk"))
    decisions = Row(_("Decision"), [in_words(review.decision) for review in reviews])
    reasons = Row(
        _("Reason"),
        [reason_in_words(review) or _NOTHING_SAID for review in reviews],
    )
    claims = sorted(_claim_rows(trace, reviews, cards), key=lambda row: not row.differs)
    return Dispute(reviews, [decisions, reasons, *claims])


def _claim_rows(trace: Trace, reviews: Sequence[Review], cards: Sequence[ClaimCard]) -> list[Row]:
    judged = [{each.claim_id: each.judgement for each in review.claim_judgements.all()} for review in reviews]
    return [
        Row(
            _("Claim %(number)s") % {"number": card.number},
            [in_words(said[card.claim.pk]) if card.claim.pk in said else _NOTHING_SAID for said in judged],
            address_of(trace, claim=card.number),
        )
        for card in cards
        if any(card.claim.pk in said for said in judged)
    ]
