"""What the judgement pane asks, and how what a reviewer says in it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest
from django.utils.translation import get_language, gettext_lazy
from django_stubs_ext import StrOrPromise

from evidence.admin.frame.words import in_words
from evidence.admin.review.answer import ClaimCard
from evidence.citations.difference import Run, diff_words
from evidence.errors import Fault, InvalidInput
from evidence.models import ClaimJudgement, ReasonCode, Review, Trace
from evidence.pages.review_desk.address import address_of
from evidence.pages.sent_forms import check_names
from evidence.selectors.review_reasons import reasons_of
from evidence.services.review_drafts import Opened
from evidence.worded import worded

_MOST_COMPARED: Final = 20_000  # code points of an answer
_MOST_OF_PAGE: Final = 36  # characters
_CLAIM_FIELD: Final = "claim-"  # before the ordinal of a claim
_PAGE: Final = "page"  # which opened page it is
_READ: Final = "read"  # when the draft was saved that it shows; empty: there was none
WRITTEN: Final = ("rationale", "corrected_answer")  # in words of one's own
_WORDS: Final = ("decision", "reason_code", "reason", *WRITTEN)

# The key of each decision, and what it means.
DECISIONS: Final[Mapping[str, tuple[str, StrOrPromise]]] = {
    Review.Decision.APPROVE: ("a", gettext_lazy("the answer stands")),
    Review.Decision.OVERRIDE: ("v", gettext_lazy("it should have said something else")),
    Review.Decision.REJECT: ("x", gettext_lazy("it must not be used")),
    Review.Decision.ESCALATE: ("e", gettext_lazy("others must decide")),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose, as the form shows it."""

    value: str
    words: StrOrPromise
    is_chosen: bool
    key: str = ""
    help: StrOrPromise = ""


@dataclass(frozen=True, slots=True)
class ReasonChoices:
    """The reasons to choose from, and the field they fill."""

    field: str
    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim with what the reviewer has said of it so far."""

    card: ClaimCard
    field: str
    choices: list[Choice]
    address: str
    is_current: bool


def check_said(request: HttpRequest, trace: Trace) -> None:
    """Refuse a field that the pane does not have, as one for a claim that this answer does not make.

    Raises:
        InvalidInput: naming each.
    """
    claims = trace.claims.values_list("ordinal", flat=True)
    check_names(
        request, also=["act", _PAGE, _READ, *_WORDS, *(f"{_CLAIM_FIELD}{ordinal}" for ordinal in claims)]
    )


def read_said(request: HttpRequest, trace: Trace) -> dict[str, Any]:
    """Return what the form says, as a draft keeps it; the answer itself is no correction of it."""
    post = request.POST
    said = {name: text for name in _WORDS if (text := post.get(name, "").replace("\r\n", "\n").strip())}
    if said.get("corrected_answer", "").split() == trace.answer.split():
        said.pop("corrected_answer", None)
    claims = {name.removeprefix(_CLAIM_FIELD): post[name] for name in post if name.startswith(_CLAIM_FIELD)}
    return {**said, "claims": claims}


def read_opened(request: HttpRequest) -> Opened:
    """Return which page it was sent from, and what that was filled with."""
    read = request.POST.get(_READ, "")
    try:
        saved_at = datetime.fromisoformat(read) if read else None
    except ValueError as exc:
        raise InvalidInput(
            faults=[Fault("body", _READ, "invalid", worded("when a draft was saved"))]
        ) from exc
    return Opened(request.POST.get(_PAGE, "")[:_MOST_OF_PAGE], saved_at)


def compare_correction(trace: Trace, said: Mapping[str, Any]) -> tuple[Run, ...]:
    """Return how the corrected answer differs from the one that is judged, word by word; nothing where none is given.

    Nor of a long answer, as `is_too_long` says: to compare it takes longer than a key waits.
    """
    corrected = said.get("corrected_answer", "")
    if not corrected or is_too_long(trace, said):
        return ()
    return diff_words(trace.answer, corrected, exact=True)


def is_too_long(trace: Trace, said: Mapping[str, Any]) -> bool:
    """Whether there is a corrected answer that is not compared with the one that is judged."""
    corrected = said.get("corrected_answer", "")
    return bool(corrected) and max(len(corrected), len(trace.answer)) > _MOST_COMPARED


def ask_of_claim(trace: Trace, card: ClaimCard, said: Mapping[str, Any], *, is_current: bool) -> Judged:
    """Return what is asked of a claim, with what was said so far."""
    given = said.get("claims", {}).get(str(card.claim.ordinal))
    choices = [
        Choice(value, in_words(value), value == given, str(number))
        for number, value in enumerate(ClaimJudgement.Judgement.values, start=1)
    ]
    address = address_of(trace, claim=card.number)
    return Judged(card, f"{_CLAIM_FIELD}{card.claim.ordinal}", choices, address, is_current)


def beside_current(claims: Sequence[Judged]) -> dict[str, str]:
    """Return where the claims before and after the one that is looked at lead; empty where there is none."""
    at = next((place for place, each in enumerate(claims) if each.is_current), None)
    if at is None:
        return {"claim_before": "", "claim_after": ""}
    before, after = claims[max(0, at - 1) : at], claims[at + 1 : at + 2]
    return {
        "claim_before": before[0].address if before else "",
        "claim_after": after[0].address if after else "",
    }


def decision_choices(said: Mapping[str, Any]) -> list[Choice]:
    """Return the decisions, the one that was made chosen."""
    return [
        Choice(value, in_words(value), said.get("decision") == value, key, meaning)
        for value, (key, meaning) in DECISIONS.items()
    ]


def reason_choices(trace: Trace, said: Mapping[str, Any]) -> ReasonChoices:
    """Return the reasons of the system's own list, or the common ones; the one that was given chosen."""
    listed = reasons_of(trace.system)
    if listed is not None:
        language = get_language() or "en"
        own = [
            Choice(
                each.code,
                each.in_language(language),
                said.get("reason") == each.code,
                help=in_words(each.kind),
            )
            for each in listed.reasons
        ]
        return ReasonChoices("reason", own)
    codes = [code for code in ReasonCode if code is not ReasonCode.NONE]
    common = [Choice(code.value, in_words(code), said.get("reason_code") == code.value) for code in codes]
    return ReasonChoices("reason_code", common)
