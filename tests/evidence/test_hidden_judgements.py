"""Whatever a colleague judged, a reviewer who has yet to judge is told the same by every page, list and file.

A colleague judges one answer in each way there is, in worlds that are otherwise the same. Everything that a reviewer
can ask is asked in one of them; what read a table to which any of the judgements wrote is asked in each, and compared:
contents, their order and the status, and how many statements it took, so that the time tells as little. Digits and
digests are left out: keys and times differ from one world to the next whatever was said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evidence.actors import actor_of_user
from evidence.api.urls import urlpatterns as of_api
from evidence.models import ReviewTask
from evidence.pages.review_desk.address import Tab
from evidence.selectors.review_tasks import TaskStanding
from evidence.services import reviews
from tests.attack.tenants import rows_written
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
LEAST_THAT_READ: Final = 40  # addresses whose statements name a table to which a judgement writes
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
    yield from (f"{queue}?standing={standing}" for standing in TaskStanding)
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


@dataclass
class Asked:
    """What somebody is told after a reviewer judged, by where it stands in the order of questions."""

    wrote: set[str]  # tables to which the judgement wrote
    # An address and what it tells.
    answers: dict[int, tuple[str, tuple[Any, ...]]] = field(default_factory=dict)
    # Of the statements that answering took: all their words, and how many there were.
    named: dict[int, set[str]] = field(default_factory=dict)
    n_statements: dict[int, int] = field(default_factory=dict)


def asked_after(
    world: World,
    task: ReviewTask,
    way: str,
    person: User,
    *,
    is_replaced: bool = False,
    addresses_of: Callable[[World, ReviewTask, User], Iterable[str]] = addresses,
    places: Collection[int] | None = None,
) -> Asked:
    """Return what somebody is told after a reviewer judged so; nothing of it stays.

    Args:
        places: of the addresses that are asked; None: all.
    """
    before, counted = transaction.savepoint(), rows_written()
    judged = "stands" if way == "approve" else "does_not_stand"
    claims = dict.fromkeys(task.trace.claims.values_list("ordinal", flat=True), judged)
    reviews.record_review(
        principal=world.principal("reviewer"), trace=task.trace, decision=way, claims=claims, **WAYS[way]
    )
    wrote = {label for label, count in rows_written().items() if count != counted[label]}
    asked = Asked({apps.get_model(label)._meta.db_table for label in wrote})
    current = later_revision(world, task) if is_replaced else task
    client = Client()
    client.force_login(person)
    for place, address in enumerate(addresses_of(world, current, person)):
        if places is None or place in places:
            with CaptureQueriesContext(connection) as captured:
                asked.answers[place] = VARYING.sub("#", address), told(client, address)
            asked.n_statements[place] = len(captured)
            asked.named[place] = {word for each in captured for word in re.findall(r"\w+", each["sql"])}
    transaction.savepoint_rollback(before)
    return asked


@pytest.mark.parametrize(("ways", "is_replaced"), [(tuple(WAYS), False), (("approve", "reject"), True)])
def test_nothing_that_a_reviewer_can_ask_differs_by_what_a_colleague_judged(
    world: World, ways: tuple[str, ...], is_replaced: bool
) -> None:
    task = make_task(world)
    make_task(world)  # what waits beside it keeps its place
    assert task.reviews_required == 2
    person = colleague(world, "second", "reviewer")
    actor_of_user(person)  # what a person is called on record is drawn at random, once
    wrote = set().union(*(asked_after(world, task, way, person, places=()).wrote for way in ways))
    assert {"evidence_review", "evidence_auditevent"} <= wrote
    approved = asked_after(world, task, "approve", person, is_replaced=is_replaced)
    first = approved.answers
    assert len(first) > 100
    assert sum(answer[0] == 200 for _, answer in first.values()) > 80
    reads = {place for place, named in approved.named.items() if wrote & named}
    assert len(reads) > LEAST_THAT_READ
    for way in set(ways) - {"approve"}:
        judged = asked_after(world, task, way, person, is_replaced=is_replaced, places=reads)
        assert judged.answers.keys() == reads
        differing = [first[place][0] for place in reads if judged.answers[place] != first[place]]
        assert differing == [], way
        numbers = {place: (approved.n_statements[place], judged.n_statements[place]) for place in reads}
        assert [(first[place][0], n) for place, n in numbers.items() if len(set(n)) > 1] == [], way
    for address, answer in first.values():
        assert "zyzzyva" in address or "zyzzyva" not in answer[2], address


def test_what_is_compared_differs_for_whoever_may_read_it(world: World) -> None:
    task, person = make_task(world), world.people["auditor"]
    approved, rejected = (
        asked_after(world, task, way, person, addresses_of=lambda *_: OF_REVIEWS)
        for way in ("approve", "reject")
    )
    assert len(approved.answers) == len(OF_REVIEWS)
    assert [place for place, told in approved.answers.items() if told == rejected.answers[place]] == []
    for named in approved.named.values():
        assert "evidence_review" in named  # so that a question of theirs is asked after each judgement
