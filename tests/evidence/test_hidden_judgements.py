"""Whatever a colleague judged, a reviewer who has yet to judge is told the same by every page, list and file.

A colleague judges one answer in each way there is, in worlds that are otherwise the same. Everything that a reviewer
can ask is asked in each, and compared: contents, their order and the status. Digits and digests are left out: keys and
times differ from one world to the next whatever was said.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from evidence.actors import actor_of_user
from evidence.api.urls import urlpatterns as of_api
from evidence.models import ReviewTask
from evidence.pages.review_desk.address import Tab
from evidence.selectors.review_tasks import Standing
from evidence.services import reviews
from tests.e2e.cases import make_task
from tests.evidence.test_blinding import colleague, later_revision
from tests.factories import World
from tests.invariants.walk import OUR_APPS

SAID: Final = "An uncommon word: zyzzyva."
WAYS: Final[Mapping[str, Mapping[str, Any]]] = {
    "approve": {"rationale": SAID},
    "override": {"reason_code": "wrong_fact", "rationale": SAID, "corrected_answer": "It costs zyzzyva."},
    "reject": {"reason_code": "unclear", "rationale": SAID},
    "escalate": {"reason_code": "policy_breach", "rationale": SAID},
}
VARYING: Final = re.compile(
    r"(?<=>)[^<>]*(?=</time>)|"  # "just now", "1 minute ago"
    r"[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-f]{12,64}\b|\d+|"
    r'name="csrfmiddlewaretoken" value="[^"]+"|nonce[-=]"?[\w+/=-]+|tb-[\w-]+\.[0-9a-f]+\.css'
)
HEADERS: Final = ("Location", "Content-Type")
OF_REVIEWS: Final = ("/admin/evidence/review/", "/admin/evidence/review/?export=csv", "/api/v1/reviews")


def addresses(world: World, task: ReviewTask, person: User) -> Iterator[str]:
    """Yield what a reviewer can ask."""
    desk, key = reverse("admin:judge_answer", args=[task.trace_id]), task.trace.trace_id.hex
    yield from (reverse("admin:index"), reverse("admin:records"), reverse("admin:review_desk"))
    yield from (desk, *(f"{desk}?tab={tab}&claim=2" for tab in Tab))
    yield reverse("admin:evidence_trace_review", args=[task.trace_id])
    yield reverse("admin:evidence_trace_change", args=[task.trace_id])
    yield reverse("admin:evidence_reviewtask_change", args=[task.pk])
    yield reverse("admin:review_agreement")
    yield from (f"{reverse('admin:search')}?q={word}" for word in ("zyzzyva", "loan", key))
    yield f"{reverse('admin:dossier', args=[world.release.pk])}"
    queue = reverse("admin:evidence_reviewtask_changelist")
    yield from (f"{queue}?standing={standing}" for standing in Standing)
    yield from (f"{reverse('admin:evidence_review_changelist')}?decision__exact={way}" for way in WAYS)
    for model in admin.site._registry:
        if model._meta.app_label in OUR_APPS and person.has_perm(
            f"{model._meta.app_label}.view_{model._meta.model_name}"
        ):
            listed = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            yield from (listed, f"{listed}?export=csv")
    for each in of_api:
        path = f"/api/v1/{each.pattern}"
        if "<" not in path:
            yield from (path, f"{path}?system={world.system.key}")
    yield from (f"/api/v1/reviews?system={world.system.key}&decision={way}" for way in WAYS)
    yield f"/api/v1/traces/{key}?system={world.system.key}"


def told(client: Client, address: str) -> tuple[Any, ...]:
    """Return everything that an answer tells, without what differs from one world to the next."""
    answer = client.get(address)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    headers = tuple(VARYING.sub("#", answer.get(name, "")) for name in HEADERS)
    return answer.status_code, headers, VARYING.sub("#", body.decode(errors="replace"))


def asked_after(
    world: World,
    task: ReviewTask,
    way: str,
    person: User,
    *,
    is_replaced: bool = False,
    only: Collection[str] = (),
) -> dict[str, Any]:
    """Return what somebody is told after a reviewer judged so; nothing of it stays.

    Args:
        only: addresses that are asked; empty: all.
    """
    before = transaction.savepoint()
    judged = "stands" if way == "approve" else "does_not_stand"
    claims = dict.fromkeys(task.trace.claims.values_list("ordinal", flat=True), judged)
    reviews.record_review(
        principal=world.principal("reviewer"), trace=task.trace, decision=way, claims=claims, **WAYS[way]
    )
    current = later_revision(world, task) if is_replaced else task
    client = Client()
    client.force_login(person)
    asked = enumerate(only or addresses(world, current, person))
    found = {f"{place} {VARYING.sub('#', address)}": told(client, address) for place, address in asked}
    transaction.savepoint_rollback(before)
    return found


@pytest.mark.parametrize(("ways", "is_replaced"), [(tuple(WAYS), False), (("approve", "reject"), True)])
def test_nothing_that_a_reviewer_can_ask_differs_by_what_a_colleague_judged(
    world: World, ways: tuple[str, ...], is_replaced: bool
) -> None:
    task = make_task(world)
    make_task(world)  # what waits beside it keeps its place
    assert task.reviews_required == 2
    person = colleague(world, "second", "reviewer")
    actor_of_user(person)  # what a person is called on record is drawn at random, once
    worlds = {way: asked_after(world, task, way, person, is_replaced=is_replaced) for way in ways}
    first = worlds["approve"]
    assert len(first) > 100
    assert sum(answer[0] == 200 for answer in first.values()) > 80
    assert {
        (way, address)
        for way, answers in worlds.items()
        for address in first
        if answers[address] != first[address]
    } == set()
    searched = {address for address in first if "zyzzyva" in address}
    assert [address for address in first if address not in searched and "zyzzyva" in first[address][2]] == []


def test_what_is_compared_differs_for_whoever_may_read_it(world: World) -> None:
    task, person = make_task(world), world.people["auditor"]
    approved, rejected = (
        asked_after(world, task, way, person, only=OF_REVIEWS) for way in ("approve", "reject")
    )
    assert len(approved) == len(OF_REVIEWS)
    assert [address for address in approved if approved[address] == rejected[address]] == []
