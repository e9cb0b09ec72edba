"""Who looks at which answer at the desk, and at which claim of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from evidence.access import Principal
from evidence.admin.review.answer import CitationCard, ClaimCard
from evidence.models import Trace
from evidence.pages.review_desk.address import address_of


@dataclass(frozen=True, slots=True)
class Looking:
    """What every tab is told."""

    request: HttpRequest
    principal: Principal
    trace: Trace
    cards: Sequence[ClaimCard]
    claim: ClaimCard | None

    def address(self, **parameters: object) -> str:
        """Return an address of the same answer and claim."""
        claim = self.claim.number if self.claim is not None else None
        return address_of(self.trace, claim=claim, **parameters)

    @property
    def citations(self) -> list[tuple[ClaimCard, CitationCard]]:
        """The citations of the answer, each with its claim."""
        return [(card, citation) for card in self.cards for citation in card.citations]
