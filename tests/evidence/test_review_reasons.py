"""A system's own list of reasons: in versions, of the common kinds, and named by the reviews that give them."""

from __future__ import annotations

from typing import Any

import pytest

from evidence.errors import AccessDenied, InvalidInput
from evidence.models import ArtefactVersion, Review
from evidence.selectors.review_reasons import reasons_of
from evidence.services.review_reasons import ReasonDraft, set_reasons
from evidence.services.reviews import record_review
from tests.e2e.cases import make_task
from tests.evidence.test_blinding import colleague, signed_in
from tests.factories import World

RATE = ReasonDraft("rate_not_current", "wrong_fact", {"en": "Rate is not current", "zh_hans": "利率已过时"})
TONE = ReasonDraft("tone", "other", {"en": "Tone"})


def listed(world: World, *reasons: ReasonDraft) -> ArtefactVersion:
    return set_reasons(principal=world.principal("approver"), system=world.system, reasons=reasons)


def test_a_review_names_the_reason_its_kind_and_the_version_that_lists_it(world: World) -> None:
    first = listed(world, RATE, TONE)
    review = record_review(
        principal=world.principal("reviewer"), trace=make_task(world).trace, decision="reject",
        reason="rate_not_current",
    )  # fmt: skip
    assert (review.reason_code, review.reason, review.reasons_version) == (
        "wrong_fact", "rate_not_current", first,
    )  # fmt: skip
    assert listed(world, TONE).number == 2
    review.refresh_from_db()
    assert review.reasons_version == first
    newest = reasons_of(world.system)
    assert newest is not None
    assert [reason.code for reason in newest.reasons] == ["tone"]
    assert listed(world, TONE).number == 2, "the list in force, sent again, is the version on record"
    assert listed(world, RATE, TONE).number == 3, "a list of before, set again, is in force"
    again = record_review(
        principal=world.principal("reviewer"), trace=review.task.trace, decision="reject",
        reason="rate_not_current",
    )  # fmt: skip
    assert again == review, "what was said, sent again after the list changed, is what is on record"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"reason": "rate_not_curent"}, "rate_not_current"),
        ({"reason": "tone", "reason_code": "wrong_fact"}, "leave reason_code out"),
        ({}, "one of rate_not_current, tone"),
    ],
)
def test_a_reason_that_the_list_does_not_have_is_refused(
    world: World, said: dict[str, Any], told: str
) -> None:
    listed(world, RATE, TONE)
    task = make_task(world)
    with pytest.raises(InvalidInput, match=told):
        record_review(principal=world.principal("reviewer"), trace=task.trace, decision="reject", **said)
    assert not Review.objects.exists()


def test_without_a_list_the_common_kinds_are_given_and_no_other(world: World) -> None:
    task = make_task(world)
    with pytest.raises(InvalidInput, match="has no list of reasons"):
        record_review(
            principal=world.principal("reviewer"), trace=task.trace, decision="reject", reason="tone"
        )


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (ReasonDraft("Rate", "wrong_fact", {"en": "Rate"}), "small letters"),
        (ReasonDraft("rate", "wrong_fcat", {"en": "Rate"}), "wrong_fact"),
        (ReasonDraft("unclear", "other", {"en": "Unclear"}), "a kind of its own"),
        (ReasonDraft("rate", "other", {"zh_hans": "利率"}), "in English"),
        (ReasonDraft("rate", "other", {"en": "Rate", "fr": "Taux"}), "'fr' is none of"),
        (TONE, "stands above"),
    ],
)
def test_a_list_with_a_fault_is_refused_whole(world: World, reason: ReasonDraft, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        listed(world, TONE, reason)
    assert reasons_of(world.system) is None


def test_the_list_is_an_approvers_to_set(world: World) -> None:
    with pytest.raises(AccessDenied):
        set_reasons(principal=world.principal("reviewer"), system=world.system, reasons=[TONE])


def test_an_approver_writes_the_list_on_a_page_and_is_told_in_the_row_what_is_wrong(world: World) -> None:
    approver, address = (
        signed_in(world.people["approver"]),
        f"/admin/review-reasons/?system={world.system.key}",
    )
    rows = [
        ("rate_not_current", "wrong_fact", "Rate is not current", "利率已过时"),
        ("Tone", "other", "Tone", ""),
        ("", "other", "", ""),
    ]

    def send(*told: tuple[str, ...]) -> Any:
        form: dict[str, Any] = {"form-TOTAL_FORMS": len(told), "form-INITIAL_FORMS": 0}
        for number, row in enumerate(told):
            form |= {
                f"form-{number}-{name}": value
                for name, value in zip(("code", "kind", "en", "zh_hans"), row, strict=True)
            }
        return approver.post(address, form)

    refused = send(*rows)
    page = refused.content.decode()
    assert refused.status_code == 422
    assert (
        page.index("利率已过时")
        < page.index("small letters, digits and _, from a letter on")
        < page.index("form-2-code")
    )
    assert reasons_of(world.system) is None
    rows[1] = ("tone", "other", "Tone", "")
    assert send(*rows).status_code == 302
    stored = reasons_of(world.system)
    assert stored is not None
    assert [(each.code, each.words) for each in stored.reasons] == [
        ("rate_not_current", {"en": "Rate is not current", "zh_hans": "利率已过时"}), ("tone", {"en": "Tone"}),
    ]  # fmt: skip
    reviewer = signed_in(world.people["reviewer"])
    assert "利率已过时" in reviewer.get(address).content.decode()
    assert reviewer.post(address, {"form-TOTAL_FORMS": 0, "form-INITIAL_FORMS": 0}).status_code == 403


def test_the_page_that_shows_all_offers_the_systems_own_reasons(world: World) -> None:
    set_reasons(principal=world.principal("approver"), system=world.system, reasons=[RATE])
    task, reviewer = make_task(world, risk="low"), signed_in(world.people["reviewer"])
    address = f"/admin/evidence/reviewtask/{task.pk}/change/"
    assert "Rate is not current" in reviewer.get(address).content.decode()
    said = {"review": "1", "decision": "reject", "reason": RATE.code}
    assert reviewer.post(address, said).status_code == 302
    assert task.reviews.get().reason == RATE.code


def test_the_list_by_api_and_on_the_desk_in_both_languages(world: World) -> None:
    approver = signed_in(world.people["approver"])
    body: dict[str, Any] = {
        "system": world.system.key,
        "reasons": [{"code": "rate_not_current", "kind": "wrong_fact", "words": dict(RATE.words)}],
    }
    answer = approver.post("/api/v1/review-reasons", body, format="json")
    assert answer.status_code == 201, answer.content
    assert answer.json()["reasons"] == body["reasons"]
    assert approver.get("/api/v1/review-reasons").json()["results"] == [answer.json()]
    task, reviewer = make_task(world), signed_in(colleague(world, "one", "reviewer"))
    for language, words in (("en", "Rate is not current"), ("zh-hans", "利率已过时")):
        page = reviewer.get(f"/admin/review-desk/{task.trace_id}/", HTTP_ACCEPT_LANGUAGE=language)
        assert words in page.content.decode()
    sent = {"system": world.system.key, "trace_id": task.trace.trace_id.hex, "decision": "reject"}
    said = reviewer.post("/api/v1/reviews", {**sent, "reason": "rate_not_current"}, format="json")
    assert (said.status_code, said.json()["reason_code"]) == (201, "wrong_fact")
    judged = (f"/admin/evidence/reviewtask/{task.pk}/change/", "/admin/evidence/review/")
    for language, words in (("en", "Rate is not current"), ("zh-hans", "利率已过时")):
        for address in judged:
            assert words in reviewer.get(address, HTTP_ACCEPT_LANGUAGE=language).content.decode(), address
