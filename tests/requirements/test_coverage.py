"""What is covered is told alike everywhere, and a change says beforehand what it makes suspect."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags
from rest_framework.test import APIClient

from evidence import clock
from evidence.models import Evidence, EvidenceLink, Release, Scope
from evidence.services import registry
from evidence.services.gates import CriterionReference
from requirements.covered import Judged, Standing, is_covered, standing_of
from requirements.errors import ConflictingBaseline, SelfSignOff
from requirements.models import Assessment, Baseline
from requirements.pages import coverage as pages
from requirements.selectors.coverage import Doubt, cover
from requirements.selectors.impact import impact_of_release
from requirements.selectors.requirements import approved_versions
from requirements.selectors.standings import standing
from requirements.services.assessment import assess_for_gate, assess_release
from requirements.services.baselines import freeze_baseline, sign_off_baseline
from requirements.services.requirements import import_requirements
from tests.factories import World, acting
from tests.requirements.builders import APPROVER, AUTHOR, approve, make_criterion, make_trace, make_traces
from tests.requirements.links_world import change, put, tie, told
from tests.requirements.test_links import go_live, release

pytestmark = pytest.mark.django_db

CASES = {
    case["id"]: case
    for case in json.loads((Path(__file__).parent / "data/link_cases.json").read_text(encoding="utf-8"))
}
NOW = timezone.now()


def judged(key: str, verdict: str, **over: Any) -> Judged:
    return Judged(key, "answers.confidence_and_limits", "", 1, 30, verdict, observed_to=NOW, **over)


def test_five_criteria_of_which_two_ran_are_no_pass() -> None:
    case = CASES["mapped-but-not-run"]
    words = {"met": "met", "not assessed": "", "stale": "stale"}
    criteria = [
        judged(key, words[state])
        for key, _, state in (told.partition(" ") for told in case["given"]["criteria"])
    ]
    assert standing_of(criteria, NOW, suspect=False) is Standing.UNTESTED
    shows = case["expect"]["shows"]
    assert [each.key for each in criteria if each.is_missing] == shows["missing"]
    assert [each.key for each in criteria if each.is_stale(NOW)] == shows["stale"]


def test_age_and_verdict_are_two_things_and_no_mechanistic_finding_covers() -> None:
    later = NOW + timedelta(days=31)
    assert standing_of([judged("c", "met")], NOW, suspect=False) is Standing.MET
    assert standing_of([judged("c", "met")], NOW, suspect=True) is Standing.SUSPECT
    assert standing_of([judged("c", "met")], later, suspect=False) is Standing.STALE
    failed = judged("c", "not_met")
    assert standing_of([failed], later, suspect=False) is Standing.NOT_MET
    assert failed.stale_since(later) == NOW + timedelta(days=30)
    assert is_covered([judged("c", "met")], "grounding", NOW)
    assert not is_covered([judged("c", "met")], "grounding", later)
    assert not is_covered([judged("c", "met")], "mechanistic", NOW)
    assert not is_covered([], "product", NOW)


def test_what_nothing_was_observed_of_is_untested_whoever_assessed_it() -> None:
    empty = Judged("c", "evals.metric", "", 1, 30, "insufficient", n=0)
    assert standing_of([empty], NOW, suspect=False) is Standing.UNTESTED
    assert not is_covered([empty], "product", NOW)
    assert (empty.told, empty.is_stale(NOW)) == ("untested", False)
    few = judged("c", "insufficient", n=3)
    assert standing_of([few], NOW, suspect=False) is Standing.INSUFFICIENT
    assert is_covered([few], "product", NOW)


def test_an_age_limit_of_before_that_no_calendar_holds_is_never_over() -> None:
    ancient = Judged("c", "evals.metric", "", 1, 2**31 - 1, "met", n=9, observed_to=NOW)
    assert ancient.stale_since(NOW) is None


@pytest.fixture
def covered(world: World) -> World:
    """R1 is met and R2 has too few traces; R3 has no criterion."""
    put(world.system, "R1", min_n=11)
    put(world.system, "R2", min_n=500)
    bare = b"format: tracebinder.requirements/1\nrequirements:\n  - {key: R3, statement: The answer must be kept., risk_tier: low, layer: product, owner: po, review_every_days: 9, criteria: []}\n"  # noqa: E501
    result = import_requirements(
        principal=acting(AUTHOR), system=world.system, source=bare, file_name="r.yaml"
    )
    approve(result.requirements[0].version)
    make_traces(world, 16)
    assess(world, world.release)
    return world


def assess(world: World, release: Release) -> None:
    as_of = clock.read_moment()
    assess_release(
        principal=acting(), release=release, versions=approved_versions(world.system, as_of), as_of=as_of
    )


def test_numbers_lists_pages_files_and_gates_say_the_same(covered: World) -> None:
    """The case `count-and-list-agree`, on every surface there is."""
    system, found = covered.system, cover(covered.release)
    names = {each.key for each in found.covered}
    assert (names, [each.key for each in found.orphans]) == ({"R1", "R2"}, ["R3"])
    client = APIClient()
    client.credentials(**covered.headers(Scope.READ))
    asked = {"system": system.key, "release": covered.release.name}
    body = client.get("/api/v1/coverage", asked).json()
    counts = body["counts"]
    assert counts["covered"] + len(body["uncovered"]) == counts["total"] == len(body["requirements"]) == 3
    assert {each["key"] for each in body["requirements"] if each["covered"]} == names
    assert sum(body["standings"].values()) == sum(each["total"] for each in body["layers"]) == counts["total"]
    lines = list(csv.DictReader(io.StringIO(client.get("/api/v1/coverage.csv", asked).content.decode())))
    assert {line["requirement"] for line in lines if line["covered"] == "yes"} == names
    assert {line["requirement"]: line["standing"] for line in lines} == {
        each["key"]: each["standing"] for each in body["requirements"]
    }
    alone = client.get("/api/v1/coverage.html", asked).content.decode()
    browser = Client()
    browser.force_login(covered.people["author"])
    address = reverse("admin:coverage", args=[covered.release.pk])
    page = browser.get(address).content.decode()
    for text in (alone, page):
        assert "2 of 3 covered" in text
        assert "1 not covered" in text
    listed = browser.get(address, {"covered": "no"})
    assert [each.key for each in listed.context["rows"]] == body["uncovered"] == ["R3"]
    met = browser.get(address, {"standing": "met"})
    findings = assess_for_gate(
        system=system, references=[CriterionReference(requirement="R1"), CriterionReference(requirement="R2")],
        release=covered.release, as_of=clock.read_moment(), actor="user:olga", store=False,
    )  # fmt: skip
    assert {each.criterion.partition("/")[0] for each in findings if each.verdict == "met"} == {
        each.key for each in met.context["rows"]
    }
    assert len(met.context["rows"]) == body["standings"]["met"]


def test_a_failure_that_is_old_stays_a_failure_as_its_assessment_says(world: World) -> None:
    make_criterion(world, max_age_days=30, threshold=0.99)
    make_traces(world, 40, age=timedelta(days=60), has_confidence=False, has_limitations=False)
    assess(world, world.release)
    stored = Assessment.objects.get()
    (found,) = cover(world.release).requirements
    assert (stored.verdict, standing(stored, clock.now()).verdict) == ("stale", "not_met")
    assert found.standing is Standing.NOT_MET
    assert found.criteria[0].stale_since(clock.now()) == standing(stored, clock.now()).stale_since


def test_of_a_version_that_is_superseded_nothing_passes_in_a_baseline_as_at_a_gate(covered: World) -> None:
    system = covered.system
    freeze_baseline(
        principal=acting(AUTHOR), system=system, name="b", versions=approved_versions(system, clock.read_moment())
    )  # fmt: skip
    change(system, "R1")
    found = {each.key: each for each in cover(covered.release, Baseline.objects.get()).requirements}
    findings = assess_for_gate(
        system=system, references=[CriterionReference(baseline="b")], release=covered.release,
        as_of=clock.read_moment(), actor="user:olga", store=False,
    )  # fmt: skip
    assert {each.criterion: each.verdict for each in findings} == {
        f"{key}/{each.key}": each.verdict for key, one in found.items() for each in one.criteria
    }
    assert (found["R1"].standing, found["R1"].is_covered) == (Standing.UNTESTED, False)
    assert "R1 v1 is superseded, not approved" in found["R1"].criteria[0].detail


def test_coverage_costs_the_same_for_more_requirements(
    covered: World, django_assert_num_queries: Any
) -> None:
    put(covered.system, "S1", "S2", "S3")
    tie(covered.system, "S1>S2")
    with django_assert_num_queries(6):
        assert len(cover(covered.release).requirements) == 6
    change(covered.system, "S1")
    found = {each.key: each for each in cover(covered.release).requirements}
    assert found["S2"].suspect_because == ("S1>S2: S1: v1 -> v2",)
    assert found["S1"].suspect_because == (), "a parent is not suspect because it moved"


def test_what_makes_several_links_suspect_is_said_once(covered: World) -> None:
    moved, above = "S1: v1 -> v2", "S1>S2"
    one = replace(
        cover(covered.release).requirements[0],
        doubts=(
            Doubt("S1>S2", (moved,), is_below=False),
            Doubt("S1>S2/c", (moved,), is_below=False),
            Doubt("S2>S3", (above,), is_below=True),
            Doubt("S2>S4", (above,), is_below=True),
        ),
    )
    told = render_to_string("pages/covered_rows.html", {"rows": [one], "coverage": cover(covered.release)})
    assert " ".join(strip_tags(told.replace("</div>", " ")).split()).endswith(
        "S1: v1 -&gt; v2 (S1&gt;S2, S1&gt;S2/c) below S1&gt;S2 (S2&gt;S3, S2&gt;S4)"
    )
    assert one.suspect_because[0] == "S1>S2: S1: v1 -> v2", "the file and the API say it of each link"


def test_what_a_release_would_make_suspect_is_told_before_it_goes_live(
    covered: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another prompt of the same model: its links, the criteria judged on what is live, the evidence measured on it."""
    system = covered.system
    one = release(covered, "x1", model="a" * 64, prompt="b" * 64)
    go_live(covered, one, 30)
    make_trace(covered, release=one)
    assess(covered, one)
    tie(system, "R1>prompt", "satisfies", downstream="prompt")
    tie(system, "R1>model", "satisfies", downstream="model")
    prompt = one.pins.get(slot="prompt").version
    item = Evidence.objects.create(
        system=system, layer="behavioural", role="primary", kind="eval_run", title="run 1", source="evidence.EvalRun:1",
        digest="e" * 64, owner="user:ana", review_every_days=9, observed_from=NOW, observed_to=NOW, collected_at=NOW,
        received_at=NOW,
    )  # fmt: skip
    EvidenceLink.objects.create(evidence=item, slot="prompt", version=prompt)
    two = release(covered, "x2", model="a" * 64, prompt="c" * 64)
    client = APIClient()
    client.credentials(**covered.headers(Scope.GATE))
    asked = {"system": system.key, "release": "x2"}
    body = client.get("/api/v1/impact", asked).json()
    assert [each["name"] for each in body["links"]] == ["R1>prompt:prompt"]
    assert body["links"][0]["because"] == ["prompt:prompt: v1 -> v2"]
    assert [each["name"] for each in body["criteria"]] == ["R1/c", "R2/c"]
    assert [each["title"] for each in body["evidence"]] == ["run 1"]
    assert "1 links, 2 criteria and 1 evidence items become suspect" in body["summary"]
    by_pin = client.get("/api/v1/impact", {"system": system.key, "pins": f"prompt:prompt={'d' * 64}"}).json()
    assert [each["name"] for each in by_pin["links"]] == ["R1>prompt:prompt"]
    assert client.get("/api/v1/impact", {"system": system.key, "release": "x1"}).json()["n_links"] == 0
    assert client.get("/api/v1/impact", {"system": system.key}).status_code == 422
    misspelt = client.get("/api/v1/impact", {"system": system.key, "pins": f"promt:prompt={'d' * 64}"}).json()
    assert misspelt["detail"] == "No release pins a 'promt'; did you mean 'prompt'?"
    browser = Client()
    browser.force_login(covered.people["author"])
    page = browser.get(reverse("admin:impact", args=[two.pk])).content.decode()
    assert "1 links, 2 criteria and 1 evidence items become suspect" in page
    assert "R1/c" in page
    assert "R2/c" in page
    monkeypatch.setattr(pages, "_ON_A_PAGE", 1)
    second = browser.get(reverse("admin:impact", args=[two.pk]), {"criteria": 2}).content.decode()
    assert "R1/c" not in second
    assert "R2/c" in second
    assert "2 to 2 of 2" in second
    assert not told(system)["suspect_direct"], "asking changes nothing"
    go_live(covered, two, 20)
    assert told(system)["suspect_direct"] == ["R1>prompt:prompt"], "and then it is as it was told"


def test_a_release_that_only_pins_one_thing_more_is_assessed_anew_too(world: World) -> None:
    put(world.system, "R1", min_n=11)
    one = release(world, "x1", model="a" * 64)
    two = release(world, "x2", model="a" * 64, tool="b" * 64)
    go_live(world, one, 30)
    make_traces(world, 12, release=one)
    assess(world, one)
    assert [each.name for each in impact_of_release(acting(), two).criteria] == ["R1/c"]
    assert impact_of_release(acting(), one).is_empty


def test_what_a_release_leaves_out_is_told_in_the_version_that_would_count_then(covered: World) -> None:
    """A prompt that was linked before it was live, and that no release pins any more, counts in its newest version."""
    system = covered.system
    one = release(covered, "x1", model="a" * 64, prompt="b" * 64)
    tie(system, "R1>prompt", "satisfies", downstream="prompt")
    go_live(covered, one, 30)
    newer = registry.ensure_version(
        system=system, kind="prompt", key="prompt", label="z", digest="e" * 64, actor="user:eve"
    )
    registry.register_version(principal=acting(APPROVER), version=newer)
    assert told(system)["clean"] == ["R1>prompt:prompt"]
    two = release(covered, "x2", model="a" * 64, prompt="f" * 64)
    before = [each.name for each in impact_of_release(acting(), two).links]
    go_live(covered, two, 20)
    assert before == told(system)["suspect_direct"] == ["R1>prompt:prompt"]


def test_what_another_wording_would_make_suspect_is_told_before_it_is_approved(covered: World) -> None:
    put(covered.system, "K")
    tie(covered.system, "R1>K")
    put(covered.system, "R1", statement='"The answer must say another thing."', approved=False)
    client = APIClient()
    client.credentials(**covered.headers(Scope.READ))
    asked = {"system": covered.system.key, "requirement": "R1", "version": "2"}
    body = client.get("/api/v1/impact", asked).json()
    assert [(each["name"], each["because"]) for each in body["links"]] == [("R1>K", ["R1: v1 -> v2"])]


def test_a_baseline_is_frozen_across_files_compared_and_signed_off_by_another(covered: World) -> None:
    system = covered.system
    client = APIClient()
    client.credentials(**covered.headers(Scope.IMPORT))
    made = client.post(
        "/api/v1/baselines", {"system": system.key, "name": "b1", "all_approved": True}, format="json"
    )
    assert (made.status_code, made.json()["members"]) == (201, ["R1 v1", "R2 v1", "R3 v1"])
    reader = APIClient()
    reader.credentials(**covered.headers(Scope.READ))
    with CaptureQueriesContext(connection) as asked:
        (listed,) = reader.get("/api/v1/baselines").json()["results"]
    assert listed["members"] == made.json()["members"]
    assert sum('"requirements_baselinemember"' in each["sql"] for each in asked) == 1
    change(system, "R2")
    versions = [
        each for each in approved_versions(system, clock.read_moment()) if each.requirement.key != "R3"
    ]
    with pytest.raises(ConflictingBaseline, match=r"R3 v1 missing; R2 v1 -> v2 of another version"):
        freeze_baseline(principal=acting(AUTHOR), system=system, name="b1", versions=versions)
    freeze_baseline(principal=acting(AUTHOR), system=system, name="b2", versions=versions)
    diff = reader.get("/api/v1/baselines/diff", {"system": system.key, "before": "b1", "after": "b2"}).json()
    assert [each["key"] for each in diff["removed"]] == ["R3"]
    assert [(each["before"]["version"], each["after"]["version"]) for each in diff["changed"]] == [(1, 2)]
    assert diff["n_same"] == 1
    b2 = Baseline.objects.get(name="b2")
    with pytest.raises(SelfSignOff):
        sign_off_baseline(principal=acting(AUTHOR), baseline=b2, digest=b2.digest)
    browser = Client()
    browser.force_login(covered.people["approver"])
    b1 = Baseline.objects.get(name="b1")
    page = browser.get(reverse("admin:baseline", args=[b2.pk]), {"before": b1.pk}).content.decode()
    assert "Sign this baseline off" in page
    browser.post(
        reverse("admin:baseline", args=[b2.pk]), {"digest": b2.digest, "reason": "read"}, follow=True
    )
    assert b2.sign_offs.get().reason == "read"
    assert sign_off_baseline(principal=acting(APPROVER), baseline=b2, digest=b2.digest).signed_by == APPROVER


@pytest.mark.parametrize(
    "members", [[{"key": "R1", "version": 1}, {"key": "R1", "version": 2}], [{"key": "R2"}, {"key": "R2"}]]
)
def test_a_baseline_holds_one_version_of_a_requirement(covered: World, members: list[dict[str, Any]]) -> None:
    change(covered.system, "R1")
    client = APIClient()
    client.credentials(**covered.headers(Scope.IMPORT))
    sent = {"system": covered.system.key, "name": "b", "members": members}
    answer = client.post("/api/v1/baselines", sent, format="json")
    assert (answer.status_code, Baseline.objects.count()) == (422, 0)
    assert members[0]["key"] in answer.json()["detail"]


def test_the_form_of_a_link_speaks_chinese(covered: World) -> None:
    client = Client(headers={"accept-language": "zh-CN"})
    client.force_login(covered.people["author"])
    page = client.get(reverse("admin:links")).content.decode()
    options = re.findall(r"<option value=\"[a-z_]+\"[^>]*>([^<]*)</option>", page)
    assert len(options) > 20
    assert not [each for each in options if re.search("[a-z]", each)]


def test_links_are_shown_added_and_cleared_on_their_pages(covered: World) -> None:
    system = covered.system
    author, approver = Client(), Client()
    author.force_login(covered.people["author"])
    approver.force_login(covered.people["approver"])
    sent = {
        "system": system.key, "kind": "derives", "upstream_kind": "requirement", "upstream_key": "R1",
        "downstream_kind": "requirement", "downstream_key": "R2",
    }  # fmt: skip
    refused = author.post(reverse("admin:links"), sent | {"downstream_key": "R22", "reason": "it does"})
    page = refused.content.decode()
    assert refused.status_code == 422
    assert "There is no requirement “R22” in this system." in page
    for typed in (
        'name="upstream_key" value="R1"',
        'value="R22"',
        'value="it does"',
        'value="derives" selected',
    ):
        assert typed in page, "what was typed is lost"
    assert (
        "R1 &gt; R2 (derives) is on record"
        in author.post(reverse("admin:links"), sent, follow=True).content.decode()
    )
    change(system, "R1")
    page = approver.get(reverse("admin:links"), {"system": system.key}).content.decode()
    assert "R1: v1 -&gt; v2" in page
    row = next(iter(cover(covered.release).suspect_links))
    address = reverse("admin:link", args=[row.link_id])
    assert "It holds: clear the link" in approver.get(address).content.decode()
    said = {
        "act": "clear",
        "reason": "read both",
        "upstream": row.upstream.digest,
        "downstream": row.downstream.digest,
    }
    approver.post(address, said, follow=True)
    assert told(system)["clean"] == ["R1>R2"]
    assert "read both" in author.get(address).content.decode()
