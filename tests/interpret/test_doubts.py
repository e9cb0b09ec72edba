"""Doubts that findings open: in the same transaction, told in plain words, answered by people who see no finding."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation
from rest_framework.test import APIClient

from evidence.models import AuditEvent, Defeater, DefeaterAnswer, Evidence, Release
from evidence.services import registry
from evidence.services.defeaters import answer_defeater
from interpret.contracts import Status
from interpret.models import Finding, ProbeRun
from interpret.selectors.plain_summaries import told_of_release
from interpret.services.attachment import attach_findings, attach_findings_of, open_earlier_doubts
from interpret.services.queueing import queue_probe_run
from interpret.tasks import run_probe
from tests.factories import World, acting, make_world, manifest
from tests.interleaving import interleave, raise_problems
from tests.interpret.conftest import INPUTS, StandInProbe
from tests.interpret.measurements import make_measurement_of, make_result

pytestmark = pytest.mark.usefixtures("sent")

ADDRESS: Final = "/api/v1/defeaters"
TOLD_OF_INSIDE: Final = re.compile(r"\d|layer|head|feature|token|nats|statistic", re.IGNORECASE)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def run(world: World, probe: StandInProbe) -> ProbeRun:
    """A run of which each status is a finding, not put forward yet; its only counter one opens the doubt."""
    probe.result = lambda: make_result(*(make_measurement_of(status) for status in Status))
    asked = queue_probe_run(
        release=world.release, probe="entropy.next_token", principal=acting(), inputs=INPUTS
    )
    run_probe(asked.pk)
    return asked


@pytest.fixture
def doubt(run: ProbeRun) -> Defeater:
    attach_findings()
    return Defeater.objects.get()


def client_of(world: World, role: str) -> Any:
    client = APIClient()
    client.force_login(world.people[role])
    return client


def listed(world: World, role: str = "approver", **asked: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client_of(world, role).get(ADDRESS, asked).json()["results"]
    return rows


def another_release(world: World, name: str, slot: str) -> Release:
    pins = [
        registry.PinSpec(pin.slot, pin.kind, pin.key, "2", "9" * 64) if pin.slot == slot else pin
        for pin in manifest().pins
    ]
    return registry.register_release(
        principal=acting(), system=world.system, manifest=registry.ReleaseManifest(name, pins)
    )


# Opening.


def test_a_finding_that_counters_opens_a_doubt_about_its_release(doubt: Defeater, world: World) -> None:
    assert Finding.objects.get(digest=doubt.evidence.digest).status == "not_supported"
    assert doubt.release == world.release
    assert Evidence.objects.filter(defeater=None).get().role == "supporting"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(3))
def test_two_workers_who_put_one_run_forward_open_one_doubt(run: ProbeRun, seed: int) -> None:
    raced = interleave(seed, [lambda: attach_findings_of(run.pk)] * 2)
    raise_problems(raced)
    assert sorted(each.result for each in raced) == [False, True]
    assert Defeater.objects.count() == AuditEvent.objects.filter(verb="defeater.opened").count() == 1


def test_what_countered_before_is_doubted_from_the_next_beat_on(
    run: ProbeRun, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr("evidence.services.items.open_defeater", lambda **_: None)
        attach_findings()
    last = AuditEvent.objects.latest("pk").pk
    assert (open_earlier_doubts(), open_earlier_doubts()) == (1, 0)
    opened = Defeater.objects.get()
    assert (opened.evidence.role, opened.release) == ("counter", world.release)
    assert opened.opened_at > opened.evidence.received_at, "nobody is said to have known of it before"
    assert AuditEvent.objects.get(pk__gt=last).verb == "defeater.opened"


# What others are told.


@pytest.mark.parametrize("role", ["approver", "auditor", "author", "reviewer", "researcher"])
def test_the_list_tells_it_in_plain_words(world: World, doubt: Defeater, role: str) -> None:
    (row,) = listed(world, role)
    assert set(row) == {
        "id", "system", "release", "opened_on", "state", "says", "tested", "does_not_show", "answers",
    }  # fmt: skip
    assert (row["id"], row["state"], row["release"]) == (doubt.pk, "open", world.release.name)
    assert row["opened_on"] == doubt.opened_at.date().isoformat(), "a moment would tell when a worker ended"
    assert not TOLD_OF_INSIDE.search(f"{row['says']} {row['tested']} {row['does_not_show']}")


def test_filters_narrow_by_system_release_and_state(world: World, doubt: Defeater) -> None:
    same, other = another_release(world, "same-model", "policy"), another_release(world, "new-model", "model")
    assert [len(listed(world, release=release.name)) for release in (doubt.release, same, other)] == [1, 1, 0]
    assert [len(listed(world, state=state)) for state in ("open", "expired", "rebutted")] == [1, 0, 0]
    assert [len(listed(world, system=key)) for key in (world.system.key, "other")] == [1, 0]
    client = client_of(world, "approver")
    assert client.get(ADDRESS, {"status": "open"}).json()["code"] == "invalid_input"
    assert client.get(ADDRESS, {"state": "opn"}).json()["errors"][0]["nearest"] == "open"


def test_another_systems_people_find_none(world: World, doubt: Defeater) -> None:
    stranger = make_world("aml-copilot")
    assert listed(stranger) == listed(stranger, release=world.release.name) == []
    answered = client_of(stranger, "approver").post(
        f"{ADDRESS}/{doubt.pk}/answers", {"kind": "rebutted", "words": "w"}, format="json"
    )
    assert answered.status_code == 404


def test_a_page_of_doubts_takes_as_many_questions_as_one(
    world: World, doubt: Defeater, django_assert_max_num_queries: Any
) -> None:
    for seed in range(2, 6):
        again = queue_probe_run(
            release=world.release, probe="entropy.next_token", principal=acting(), inputs=INPUTS, seed=seed
        )
        run_probe(again.pk)
    attach_findings()
    client = client_of(world, "approver")
    with django_assert_max_num_queries(14):
        assert len(client.get(ADDRESS).json()["results"]) == 5


# Answering.


def test_an_approver_who_sees_no_finding_answers_by_api(world: World, doubt: Defeater) -> None:
    said = {"kind": "accepted", "words": "剩余风险可接受", "expires_at": "2999-01-01T00:00:00Z"}
    client = client_of(world, "approver")
    answered = client.post(f"{ADDRESS}/{doubt.pk}/answers", said, format="json")
    assert answered.status_code == 201
    (row,) = listed(world)
    assert (row["state"], row["answers"]) == ("accepted", [answered.json()])
    late = {"kind": "rebutted", "words": "read nothing before"}
    assert client.post(f"{ADDRESS}/{doubt.pk}/answers", late, format="json").status_code == 409
    late["replaces"] = answered.json()["id"]
    assert client.post(f"{ADDRESS}/{doubt.pk}/answers", late, format="json").status_code == 201
    assert [each["kind"] for each in listed(world)[0]["answers"]] == ["accepted", "rebutted"]


def test_whoever_asked_for_the_run_does_not_answer(world: World, probe: StandInProbe) -> None:
    probe.result = lambda: make_result(make_measurement_of(Status.NOT_SUPPORTED))
    asked = queue_probe_run(
        release=world.release, probe="induction.heads", principal=world.principal("researcher")
    )
    run_probe(asked.pk)
    attach_findings()
    world.people["researcher"].groups.set(world.people["approver"].groups.all())  # their role, since
    refused = client_of(world, "researcher").post(
        f"{ADDRESS}/{Defeater.objects.get().pk}/answers", {"kind": "rebutted", "words": "w"}, format="json"
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "access_denied")
    assert not DefeaterAnswer.objects.exists()


# Pages.


def test_the_panel_of_a_release_says_how_many_doubts_stand(
    world: World, doubt: Defeater, client: Client
) -> None:
    client.force_login(world.people["approver"])
    page = f"/admin/evidence/release/{world.release.pk}/change/"
    assert "1 doubt stands" in client.get(page).content.decode()
    assert [each.standing for each in told_of_release(world.release)] == [1, 0]
    answer_defeater(
        principal=world.principal("approver"), defeater=doubt, kind="mitigated", words="another tokenizer"
    )
    assert "No doubt of it stands" in client.get(page).content.decode()
    assert [each.standing for each in told_of_release(world.release)] == [0, 0]


def test_the_front_page_of_an_approver_counts_what_they_may_answer(
    world: World, doubt: Defeater, client: Client
) -> None:
    client.force_login(world.people["approver"])
    body = " ".join(client.get("/admin/").content.decode().split())
    assert "<strong>1</strong> <span>Doubts to answer</span> <small>since today</small>" in body
    answer_defeater(
        principal=world.principal("approver"), defeater=doubt, kind="rebutted", words="measured again"
    )
    body = " ".join(client.get("/admin/").content.decode().split())
    assert "<strong>0</strong> <span>Doubts to answer</span></a>" in body


def test_an_approver_answers_on_the_page(world: World, doubt: Defeater, client: Client) -> None:
    client.force_login(world.people["approver"])
    page, form = _addresses(doubt)
    assert form in client.get(page).content.decode()
    refused = client.post(form, {"kind": "rebutted", "words": ""})
    assert refused.status_code == 422
    until = {"kind": "rebutted", "words": "typed with care", "expires_at": "2999-01-01"}
    answered = client.post(form, until)
    assert (answered.status_code, "typed with care" in answered.content.decode()) == (422, True)
    done = client.post(form, {**until, "kind": "accepted"}, follow=True).content.decode()
    assert "Your answer is on record." in done
    assert "typed with care" in done
    assert "2999" in done
    again = client.post(form, {"kind": "rebutted", "words": "without a look"})  # sent from a page of before
    assert again.status_code == 409
    newest = str(DefeaterAnswer.objects.get().pk)
    assert f'value="{newest}"' in client.get(form).content.decode()
    client.post(form, {"kind": "reopened", "words": "it came back", "replaces": newest})
    assert listed(world)[0]["state"] == "open"


@pytest.mark.parametrize(("role", "sees"), [("author", False), ("researcher", True)])
def test_others_read_it_and_are_offered_no_answer(
    world: World, doubt: Defeater, client: Client, role: str, sees: bool
) -> None:
    client.force_login(world.people[role])
    page, form = _addresses(doubt)
    body = client.get(page).content.decode()
    assert "stands until a named person answers" in body
    assert form not in body
    assert (reverse("admin:evidence_evidence_change", args=[doubt.evidence_id]) in body) is sees
    assert client.get(form).status_code == 403


def test_the_list_is_narrowed_to_what_stands_and_to_a_release(
    world: World, doubt: Defeater, client: Client
) -> None:
    client.force_login(world.people["approver"])
    address = reverse("admin:evidence_defeater_changelist")
    other = another_release(world, "new-model", "model")
    elsewhere = make_world("aml-copilot").release
    asked: list[dict[str, Any]] = [
        {"state": "standing"},
        {"state": "rebutted"},
        {"against": doubt.release_id},
        {"against": other.pk},
    ]
    found = [client.get(address, each).context["cl"].result_count for each in asked]
    assert found == [1, 0, 1, 0]
    for unknown in (elsewhere.pk, "r1", 0):
        assert client.get(address, {"against": unknown}).status_code == 302


@pytest.mark.parametrize("key", ["", "0", "x", "9" * 30])
def test_the_form_of_no_doubt_is_not_found(world: World, client: Client, key: str) -> None:
    client.force_login(world.people["approver"])
    form = reverse("admin:evidence_defeateranswer_add")
    assert client.get(form, {"defeater": key}).status_code == 404
    assert client.get(form)["Location"] == f"{reverse('admin:evidence_defeater_changelist')}?state=standing"


def _addresses(doubt: Defeater) -> tuple[str, str]:
    page = reverse("admin:evidence_defeater_change", args=[doubt.pk])
    return page, f"{reverse('admin:evidence_defeateranswer_add')}?defeater={doubt.pk}"
