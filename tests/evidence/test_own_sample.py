"""A sample that somebody draws for themselves: the same from the same seed, of what they may see."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from evidence.evals.corrected import drawn_order
from evidence.models import AuditEvent, Release, Trace
from evidence.selectors.own_samples import draw_own_sample
from evidence.selectors.sampling import id_of
from evidence.services.disposal.erasure import erase_trace_payload
from tests.e2e.cases import make_trace
from tests.factories import World, acting, make_world

pytestmark = pytest.mark.django_db

SEED = "noted on Tuesday, 早上"


@pytest.fixture
def sampled(world: World) -> World:
    for _ in range(12):
        make_trace(world)
    return world


def show(person: User, release: Release, asked: dict[str, str], status: int = 200) -> Any:
    client = Client()
    client.force_login(person)
    answer = client.get(reverse("admin:own_sample", args=[release.pk]), asked)
    assert answer.status_code == status, answer.content.decode()
    return answer


def test_it_is_the_beginning_of_the_order_that_seed_and_ids_give(sampled: World) -> None:
    ids = [id_of(trace.trace_id, trace.revision) for trace in Trace.objects.all()]
    drawn = draw_own_sample(Trace.objects.all(), seed=SEED, n=5)
    assert drawn.population == 12
    assert [trace.answer_id for trace in drawn.drawn] == drawn_order(SEED, ids)[:5]
    by_hand = sorted(ids, key=lambda one: sha256(f"{SEED}\n{one}".encode()).hexdigest())
    assert [trace.answer_id for trace in drawn.drawn] == by_hand[:5]
    assert [
        trace.answer_id for trace in draw_own_sample(Trace.objects.all(), seed="else", n=5).drawn
    ] != by_hand[:5]


def test_a_later_revision_stands_for_its_answer(sampled: World) -> None:
    first = Trace.objects.earliest("pk")
    make_trace(sampled)
    newer = Trace(**{field.attname: getattr(first, field.attname) for field in Trace._meta.concrete_fields})
    newer.pk, newer.revision = None, 2
    Trace.objects.bulk_create([newer])
    drawn = draw_own_sample(Trace.objects.all(), seed=SEED, n=200)
    ids = {trace.answer_id for trace in drawn.drawn}
    assert id_of(first.trace_id, 2) in ids
    assert id_of(first.trace_id, 1) not in ids
    assert drawn.population == len(ids) == 13


def test_the_page_draws_the_same_again_and_stores_nothing(sampled: World) -> None:
    auditor, events = sampled.people["auditor"], AuditEvent.objects.count()
    asked = {"seed": SEED, "n": "4"}
    told = show(auditor, sampled.release, asked).context["sample"]
    again = show(auditor, sampled.release, asked).context["sample"]
    assert [trace.pk for trace in told.drawn] == [trace.pk for trace in again.drawn]
    assert (len(told.drawn), told.population) == (4, 12)
    page = show(auditor, sampled.release, asked).content.decode()
    assert all(reverse("admin:evidence_trace_change", args=[trace.pk]) in page for trace in told.drawn)
    assert f"at most {told.most_if_none} of the 12 are wrong" in page
    assert AuditEvent.objects.count() == events
    dossier = Client()
    dossier.force_login(auditor)
    link = reverse("admin:own_sample", args=[sampled.release.pk])
    assert link in dossier.get(reverse("admin:dossier", args=[sampled.release.pk])).content.decode()


def test_what_was_erased_is_drawn_and_said_so(sampled: World) -> None:
    """It left no hole in the population, and nobody can find it right."""
    one = Trace.objects.earliest("pk")
    erase_trace_payload(principal=acting(), system=sampled.system, trace_id=one.trace_id, reason="request 1")
    page = show(sampled.people["auditor"], sampled.release, {"seed": SEED}).content.decode()
    assert f"{one.trace_id.hex}/1" in page
    assert page.count("<td>erased</td>") == 1
    assert "counts as wrong" in page


def test_it_draws_from_the_days_and_systems_asked_for_alone(sampled: World) -> None:
    auditor = sampled.people["auditor"]
    before = show(auditor, sampled.release, {"seed": "x", "from": "2020-01-01", "to": "2020-01-03"})
    assert (before.context["sample"].population, list(before.context["sample"].drawn)) == (0, [])
    show(make_world("aml-copilot").people["auditor"], sampled.release, {"seed": "x"}, 404)
    show(sampled.people["operator"], sampled.release, {"seed": "x"}, 403)


def test_what_cannot_be_drawn_is_refused_with_what_to_do(sampled: World, settings: Any) -> None:
    auditor = sampled.people["auditor"]
    for wrong in ({"n": "0"}, {"n": "201"}, {"n": "many"}, {"seed": "x" * 201}, {"size": "4"}):
        show(auditor, sampled.release, {"seed": "x", **wrong}, 422)
    assert "sample" not in show(auditor, sampled.release, {}).context
    settings.SAMPLING_MAX_ANSWERS = 11
    assert "draw from fewer days" in show(auditor, sampled.release, {"seed": "x"}, 422).content.decode()
