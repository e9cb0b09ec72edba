"""The reviewer's page: what it shows to whom, and that a judgement goes through the service."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from evidence.access import principal_of_user
from evidence.admin.frame.display import BAD, GOOD, WARN
from evidence.admin.review.answer import CitationCard, ClaimCard, cut_answer, read_claims
from evidence.digests import sha256_hex
from evidence.models import (
    Adjudication,
    Citation,
    Claim,
    Evidence,
    EvidenceLink,
    Membership,
    Review,
    ReviewTask,
    SourceDocument,
)
from evidence.services import reviews
from tests.e2e.cases import make_task, make_trace
from tests.factories import World, make_person, make_world


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page_of(person: User, task: ReviewTask) -> str:
    response = signed_in(person).get(reverse("admin:evidence_reviewtask_change", args=[task.pk]))
    assert response.status_code == 200
    return response.content.decode()


def colleague(world: World, name: str, role: str = "reviewer") -> User:
    person = make_person(name, role)
    Membership.objects.create(system=world.system, user=person)
    return person


def test_nobody_reads_anothers_judgement_before_giving_their_own(world: World) -> None:
    task, first, second = make_task(world), world.people["reviewer"], colleague(world, "second")
    reviews.record_review(
        trace=task.trace,
        principal=principal_of_user(first),
        decision="reject",
        reason_code="unclear",
        rationale="Muddled.",
    )
    before = page_of(second, task)
    assert "Muddled." not in before
    assert "1 colleague reviewed this answer" in before
    reviews_list = signed_in(second).get(reverse("admin:evidence_review_changelist"))
    assert reviews_list.context["cl"].result_count == 0
    reviews.record_review(trace=task.trace, principal=principal_of_user(second), decision="approve")
    assert "Muddled." in page_of(second, task)
    assert "Muddled." in page_of(world.people["auditor"], task)


def test_a_third_person_settles_a_disagreement(world: World) -> None:
    task = make_task(world)
    reviews.record_review(trace=task.trace, principal=world.principal("reviewer"), decision="approve")
    second = colleague(world, "second")
    reviews.record_review(
        trace=task.trace, principal=principal_of_user(second), decision="reject", reason_code="unclear"
    )
    assert "Settle the disagreement" not in page_of(second, task)
    third = colleague(world, "third")
    assert "Settle the disagreement" in page_of(third, task)
    data = {"adjudicate": "1", "decision": "reject", "rationale": "The fee is invented."}
    address = reverse("admin:evidence_reviewtask_change", args=[task.pk])
    assert signed_in(third).post(address, data).status_code == 302
    assert Adjudication.objects.get(task=task).adjudicator == third


def test_a_judgement_is_refused_with_the_services_own_sentence_and_nothing_is_stored(world: World) -> None:
    task = make_task(world)
    address = reverse("admin:evidence_reviewtask_change", args=[task.pk])
    data = {"review": "1", "decision": "override", "reason_code": "wrong_fact", "rationale": "kept words"}
    response = signed_in(world.people["reviewer"]).post(address, data)
    assert response.status_code == 422
    assert "An override says what the answer should have been" in response.content.decode()
    assert "kept words" in response.content.decode()
    assert not Review.objects.exists()


@pytest.mark.parametrize("role", ["auditor", "author", "approver", "researcher"])
def test_only_reviewers_judge(world: World, role: str) -> None:
    task = make_task(world)
    address = reverse("admin:evidence_reviewtask_change", args=[task.pk])
    assert "Record my decision" not in page_of(world.people[role], task)
    assert (
        signed_in(world.people[role]).post(address, {"review": "1", "decision": "approve"}).status_code == 403
    )
    assert not Review.objects.exists()


def test_a_trace_nobody_asked_about_can_be_reviewed(world: World) -> None:
    trace = make_trace(world, risk="low")
    address = reverse("admin:evidence_trace_review", args=[trace.pk])
    client = signed_in(world.people["reviewer"])
    assert "Record my decision" in client.get(address).content.decode()
    response = client.post(address, {"review": "1", "decision": "approve"}, follow=True)
    assert "You have reviewed this answer." in response.content.decode()
    assert Review.objects.get().task.trace == trace


def test_an_operator_does_not_get_to_an_answer_by_its_review_address(world: World) -> None:
    trace = make_trace(world)
    address = reverse("admin:evidence_trace_review", args=[trace.pk])
    assert signed_in(world.people["operator"]).get(address).status_code == 403


def test_the_queue_puts_open_high_risk_tasks_first_and_offers_what_waits(world: World) -> None:
    old = timezone.now() - timedelta(days=9)
    low = make_task(world, risk="low")
    late = make_task(world, sealed_at=old)
    high = make_task(world)
    done = make_task(world, risk="low")
    reviews.record_review(trace=done.trace, principal=world.principal("reviewer"), decision="approve")
    reviews.record_review(trace=high.trace, principal=world.principal("reviewer"), decision="approve")
    client = signed_in(world.people["reviewer"])
    address = reverse("admin:evidence_reviewtask_changelist")

    def listed(**params: str) -> list[int]:
        return [task.pk for task in client.get(address, params).context["cl"].result_list]

    assert listed(standing="all") == [done.pk, high.pk, late.pk, low.pk]  # newest first
    assert listed(standing="open") == [late.pk, high.pk, low.pk]
    assert listed() == [late.pk, low.pk]
    assert listed(standing="overdue") == [late.pk]
    assert listed(standing="mine") == [done.pk, high.pk]
    assert listed(standing="closed") == [done.pk]


def test_text_of_an_answer_is_shown_and_never_run(world: World) -> None:
    trace = make_trace(world)
    hostile = '<script>alert("x")</script>'
    Claim.objects.create(
        trace=trace,
        ordinal=9,
        text=hostile,
        start=0,
        end=4,
        material=True,
        origin="derived",
        extractor_version="t",
    )
    page = signed_in(world.people["auditor"]).get(reverse("admin:evidence_trace_review", args=[trace.pk]))
    assert hostile not in page.content.decode()
    assert "&lt;script&gt;" in page.content.decode()


def test_a_quote_stands_in_its_place_counted_in_code_points(world: World) -> None:
    text = "前言🙂。" * 200 + "利率为 7.9%。" + "结尾。" * 200
    start = text.index("利率")
    trace = make_trace(world, language="zh-Hans")
    document = SourceDocument.objects.create(
        index_version=world.release.pins.get(slot="index").version, document_id="DOC-ZH", title="贷款",
        language="zh-Hans", digest=sha256_hex(text.encode()), text=text,
    )  # fmt: skip
    Citation.objects.create(
        claim=trace.claims.get(ordinal=1), ordinal=0, document_ref="DOC-1", quote="利率为 7.9%",
        score=1.0, threshold=0.85,
        verdict=Citation.Verdict.MISATTRIBUTED, document=SourceDocument.objects.get(document_id="DOC-1"),
        found_in=document, doc_start=start, doc_end=start + 8, checker_version="t", inputs_digest="0" * 64,
    )  # fmt: skip
    place = read_claims(trace)[1].citations[0].place
    assert place is not None
    assert place.document == document
    assert place.found == "利率为 7.9%"
    assert text[start - len(place.before) : start] == place.before
    assert place.after.startswith("。结尾。")
    assert place.cut_before


def test_overlapping_claims_each_keep_their_mark_and_no_text_is_lost() -> None:
    def card(ordinal: int, start: int, end: int) -> ClaimCard:
        return ClaimCard(Claim(ordinal=ordinal, start=start, end=end, material=True), ())

    answer = "One and two and three."
    pieces = cut_answer(answer, [card(0, 0, 11), card(1, 4, 15), card(2, 12, 999)])
    assert "".join(piece.text for piece in pieces) == answer
    assert [[card.number for card in piece.claims] for piece in pieces] == [[1], [1, 2], [2], [2, 3], [3]]
    assert [card.number for piece in pieces for card in piece.ends] == [1, 2, 3]


@pytest.mark.parametrize(
    ("verdicts", "standing", "tone"),
    [
        (["verbatim", "normalised"], "cited, found in its source", GOOD),
        (["verbatim", "not_found"], "1 of 2 citations found in their sources", WARN),
        (["not_found", "verbatim", "misattributed"], "1 of 3 citations found in their sources", WARN),
        (["not_found", "unresolvable"], "cited, not found in its source", BAD),
    ],
)
def test_a_claim_of_which_a_citation_failed_says_how_many_were_found(
    verdicts: list[str], standing: str, tone: str
) -> None:
    cards = tuple(
        CitationCard(Citation(verdict=verdict, score=1, threshold=0.9), None) for verdict in verdicts
    )
    card = ClaimCard(Claim(ordinal=0, material=True), cards)
    assert (card.standing, card.tone) == (standing, tone)


def test_mechanistic_evidence_is_shown_to_who_may_see_internals_alone(world: World) -> None:
    now = timezone.now()
    item = Evidence.objects.create(
        system=world.system, layer="mechanistic", role="supporting", kind="finding", title="Induction heads",
        source="interpret.Finding:1", digest="0" * 64, owner="r", review_every_days=90, observed_from=now,
        observed_to=now, collected_at=now, received_at=now,
    )  # fmt: skip
    version = world.release.pins.get(slot="model").version
    EvidenceLink.objects.create(evidence=item, slot="model", version=version)
    task = make_task(world)
    assert "Induction heads" in page_of(world.people["researcher"], task)
    for role in ("reviewer", "auditor", "approver", "author"):
        assert "Induction heads" not in page_of(world.people[role], task)
        client = signed_in(world.people[role])
        for noun in ("evidence", "evidencelink"):
            response = client.get(reverse(f"admin:evidence_{noun}_changelist"))
            assert response.context["cl"].result_count == 0, (role, noun)
        assert client.get(reverse("admin:evidence_evidence_change", args=[item.pk])).status_code == 404


def test_a_reviewer_of_another_system_finds_nothing(world: World) -> None:
    stranger = make_world("aml-copilot").people["reviewer"]
    task = make_task(world)
    client = signed_in(stranger)
    address = reverse("admin:evidence_reviewtask_change", args=[task.pk])
    assert client.get(address).status_code == 404
    client.post(address, {"review": "1", "decision": "approve"})
    assert not Review.objects.exists()
