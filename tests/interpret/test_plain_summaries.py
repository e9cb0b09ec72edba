"""What people without the right to see findings are told of them: that they exist, and what they say in plain words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.models import OuterRef
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation
from rest_framework.test import APIClient

from evidence.models import Evidence, Release, Scope
from evidence.services import registry
from interpret import plain_words
from interpret.contracts import ClaimLevel, Status
from interpret.models import Finding
from interpret.plain_words import CLAIMS, TESTED
from interpret.selectors import plain_summaries
from interpret.selectors.calibration import FIGURES
from interpret.selectors.plain_summaries import told_of_release
from interpret.services.attachment import attach_findings
from interpret.services.queueing import queue_probe_run
from interpret.tasks import run_probe
from tests.e2e.cases import make_task
from tests.factories import World, acting, make_world, manifest
from tests.interpret.conftest import INPUTS, StandInProbe
from tests.interpret.measurements import make_measurement_of, make_result

pytestmark = pytest.mark.usefixtures("sent")

ADDRESS = "/api/v1/supporting-evidence"


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def release(world: World, probe: StandInProbe) -> Release:
    probe.result = lambda: make_result(*(make_measurement_of(status) for status in Status))
    run = queue_probe_run(
        release=world.release, probe="entropy.next_token", principal=acting(), inputs=INPUTS
    )
    run_probe(run.pk)
    attach_findings()
    return world.release


def another_release(world: World, name: str, *slots: str) -> Release:
    """Register a release that pins what the world's does, but for other versions in these slots."""
    pins = [
        registry.PinSpec(pin.slot, pin.kind, pin.key, "2", "9" * 64) if pin.slot in slots else pin
        for pin in manifest().pins
    ]
    found: Release = registry.register_release(
        principal=acting(), system=world.system, manifest=registry.ReleaseManifest(name, pins)
    )
    return found


def test_only_what_was_put_forward_is_told_and_what_counters_comes_first(release: Release) -> None:
    assert [each.role for each in told_of_release(release)] == ["counter", "supporting"]
    assert [each.findings for each in told_of_release(release)] == [1, 1]


def test_a_release_of_another_model_is_told_nothing(world: World, release: Release) -> None:
    assert told_of_release(another_release(world, "other-model", "model")) == []
    assert told_of_release(another_release(world, "other-prompt", "prompt")) == []  # the probe read prompts
    assert len(told_of_release(another_release(world, "other-policy", "policy"))) == 2


def test_findings_that_were_tested_alike_are_told_of_once(world: World, release: Release) -> None:
    again = queue_probe_run(
        release=release, probe="entropy.next_token", principal=acting(), inputs=INPUTS, seed=7
    )
    run_probe(again.pk)
    attach_findings()
    assert Evidence.objects.count() == 4
    assert [each.findings for each in told_of_release(release)] == [2, 2]


@pytest.mark.parametrize("role", ["auditor", "reviewer", "author", "approver"])
def test_the_api_tells_it_in_words_without_a_number(world: World, release: Release, role: str) -> None:
    client = APIClient()
    client.force_login(world.people[role])
    body = client.get(ADDRESS, {"system": world.system.key, "release": release.name}).json()
    assert [set(each) for each in body["results"]] == [
        {"role", "says", "tested", "does_not_show", "findings", "newest", "standing"}
    ] * 2
    for each in body["results"]:
        words = f"{each['says']} {each['tested']} {each['does_not_show']}"
        assert not re.search(r"\d|layer|head|feature|token|nats", words)
        assert "passes no gate" in words
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", each["newest"]), "a moment would tell when a worker ended"


def test_whoever_may_not_read_the_release_is_told_nothing(world: World, release: Release) -> None:
    asked = {"system": world.system.key, "release": release.name}
    assert APIClient().get(ADDRESS, asked).status_code == 401
    operator = APIClient()
    operator.force_login(world.people["operator"])
    assert operator.get(ADDRESS, asked).status_code == 403
    stranger = APIClient(**make_world("aml-copilot").headers(Scope.READ))
    assert stranger.get(ADDRESS, asked).status_code == 404


def test_the_page_of_a_release_says_it_in_the_readers_language(
    world: World, release: Release, client: Client
) -> None:
    client.force_login(world.people["reviewer"])
    page = f"/admin/evidence/release/{release.pk}/change/"
    assert "decides nothing" in client.get(page).content.decode()
    body = client.get(page, headers={"Accept-Language": "zh-Hans"}).content.decode()
    assert "在其模型内部发现了什么" in body
    assert "不决定任何事情" in body


def test_the_review_desk_tells_it_beside_an_answer_and_shows_findings_to_who_may_see_them(
    world: World, release: Release
) -> None:
    task = make_task(world)
    desk = f"{reverse('admin:judge_answer', args=[task.trace_id])}?tab=inside"
    pages = {}
    for person in (world.people["reviewer"], world.join("both", "reviewer", "researcher")):
        client = Client()
        client.force_login(person)
        pages[person.get_username()] = client.get(desk).content.decode()
    plain, both = pages.values()
    found = Finding.objects.latest("pk")
    for page in (plain, both):
        assert "decides nothing" in page
        assert all(each.does_not_show in page for each in told_of_release(release))
    address = reverse("admin:finding", args=[found.pk])
    assert address in both
    assert found.does_not_show in both
    assert address not in plain
    assert found.title not in plain


def test_every_statistic_that_claims_something_has_plain_words() -> None:
    calibrated = json.loads(FIGURES.read_text())["probes"]  # nothing claims that is not
    del calibrated["dictionary.claims"]  # no probe: pages say it in their own words
    assert {name for probe in calibrated.values() for name in probe["statistics"]} == set(CLAIMS)


STRONGER = re.compile(
    r"\b(caus\w+|because|understand\w*|know\w*|reason\w*|think\w*|cop(y|ies)|explain\w*|prove\w*|decide\w*)\b"
)


# How statistics end that come of changing the model.
CHANGES = ("_cost", ".removal", ".reinjection", ".ablation", ".addition", ".patching", ".restoring")


@pytest.mark.parametrize("statistic", CLAIMS)
def test_plain_words_say_no_more_than_was_tested(statistic: str) -> None:
    words = str(CLAIMS[statistic])
    assert not STRONGER.search(words)
    changed = bool(re.search("switched off|taken out|exchanged|put in", words))
    assert changed == statistic.endswith(CHANGES), "only what was changed matters"
    assert "made-up" in words


def test_what_counters_is_not_said_to_have_been_seen(release: Release) -> None:
    counter, supporting = told_of_release(release)
    assert supporting.tested.startswith("Seen, more than")
    assert "Seen" not in counter.tested
    assert counter.says.startswith("Something inside the model was looked for")  # it is of no probe of ours


@pytest.mark.parametrize("level", [ClaimLevel.INTERVENTIONAL, ClaimLevel.REPLICATED])
def test_of_an_ablation_it_is_said_what_probes_say_that_it_does_not_show(
    release: Release, level: ClaimLevel
) -> None:
    put_forward_beside(release, {"statistic": "patterns.previous_token_cost", "claim": str(level)})
    (told,) = (each for each in told_of_release(release) if "switched off" in each.says)
    assert "no other part does the same" in told.does_not_show


def test_a_concern_that_was_found_is_told_as_found_and_comes_first(release: Release) -> None:
    summary = {"statistic": "proxies.reinjection", "claim": "replicated", "status": "supported"}
    put_forward_beside(release, summary, role="counter")
    told = next(each for each in told_of_release(release) if "exchanged" in each.says)
    assert told.role == "counter"
    assert told.says.startswith("With what differs")
    assert "elsewhere" not in told.does_not_show
    assert told_of_release(release)[-1].role == "supporting"


def test_a_concern_that_was_shown_absent_supports_and_is_told_as_absent(release: Release) -> None:
    summary = {"statistic": "drift.output", "claim": "associational", "status": "not_supported"}
    put_forward_beside(release, summary)
    told = next(each for each in told_of_release(release) if "earlier model" in each.says)
    assert told.role == "supporting"
    assert told.says.startswith("Looked for, and not there")


def put_forward_beside(release: Release, summary: object, role: str = "supporting") -> Evidence:
    """Put another item forward for a finding that there is, with this summary."""
    item = Evidence.objects.filter(system=release.system, role="supporting").first()
    assert item is not None
    values = {field.attname: getattr(item, field.attname) for field in Evidence._meta.fields}
    others = {"id": None, "role": role, "source": f"{item.source}-{summary}"[:200], "summary": summary}
    return Evidence.objects.create(**{**values, **others})


@pytest.mark.parametrize(
    "summary",
    [
        {},
        [],
        "words",
        {"statistic": 7, "claim": "descriptive"},
        {"statistic": {"%(claim)s": 1}, "claim": None},
    ],
)
def test_a_summary_that_is_none_of_ours_is_told_of_without_its_words(
    world: World, release: Release, client: Client, summary: object
) -> None:
    put_forward_beside(release, summary)
    told = told_of_release(release)
    assert sum(each.findings for each in told) == 3
    assert [each.tested for each in told if "no plain words" not in each.says] == []
    client.force_login(world.people["reviewer"])
    assert client.get(f"/admin/evidence/release/{release.pk}/change/").status_code == 200


def test_what_a_probe_judged_itself_is_told_as_that(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_before = Finding.objects.filter(digest=OuterRef("digest"), verdict__isnull=True)
    monkeypatch.setattr(plain_summaries, "JUDGED", of_before)  # as if those with a verdict had none
    counter, supporting = told_of_release(release)
    assert counter.says.startswith("Looked for, and not found, by a rule that has been replaced")
    assert supporting.says.startswith("By a rule that has been replaced")
    assert {counter.tested, supporting.tested} == {str(plain_words.TESTED_BEFORE)}


def test_a_thousand_findings_take_as_many_queries_as_two(
    release: Release, django_assert_num_queries: Any
) -> None:
    with CaptureQueriesContext(connection) as asked:
        told_of_release(release)
    for number in range(200):
        put_forward_beside(
            release, {"statistic": "induction.prefix_match", "claim": "associational", "n": number}
        )
    with django_assert_num_queries(len(asked)):
        assert max(each.findings for each in told_of_release(release)) == 200


def test_each_way_of_testing_that_can_be_put_forward_has_words() -> None:
    assert set(TESTED) == set(ClaimLevel) - {ClaimLevel.DESCRIPTIVE}
