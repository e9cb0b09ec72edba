"""Requirements by release say of each release what its coverage says, and tell nobody what could lead them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from evidence import clock
from evidence.models import GateDecision, Membership, Release
from requirements.covered import Standing
from requirements.models import AcceptanceCriterion, Baseline, RequirementVersion
from requirements.pages import by_release as pages
from requirements.selectors import by_release as selector
from requirements.selectors.coverage import CoveredRequirement, cover
from requirements.services.baselines import freeze_baseline
from requirements.services.requirements import import_requirements
from tests.e2e.cases import make_task
from tests.evidence.test_blinding import colleague, counted, say, signed_in, task  # noqa: F401  # fixtures
from tests.factories import World, acting, deploy, find_unmet, make_world, second_release
from tests.requirements.builders import AUTHOR, approve, make_criterion
from tests.requirements.links_world import tie
from tests.requirements.test_system_strips import judged
from tests.requirements.test_ways_to_verdicts import let_in

pytestmark = pytest.mark.django_db


API = "/api/v1/requirements/by-release"
BARE = b"format: tracebinder.requirements/1\nrequirements:\n  - {key: bare, statement: The answer must be kept., risk_tier: low, layer: grounding, owner: po, review_every_days: 9, criteria: []}\n"  # noqa: E501


@pytest.fixture
def releases(world: World) -> list[Release]:
    """Three releases, the newest first; the oldest is live."""
    deploy(world.release)
    between = second_release(world, "r2")
    return [second_release(world, "r3"), between, world.release]


@pytest.fixture
def filled(world: World, releases: list[Release]) -> list[AcceptanceCriterion]:
    """Requirements r0 to r4: met, then not met; too old; too few; untested; met, with a suspect link."""
    criteria = [make_criterion(world, key=f"r{n}") for n in range(5)]
    newest, between, oldest = releases
    long_ago = timezone.now() - timedelta(days=400)
    judged(criteria[0], oldest, "met", n=14)
    judged(criteria[0], between, "met")
    judged(criteria[0], newest, "not_met")
    for each in (oldest, between, newest):
        judged(criteria[1], each, "met", observed_to=long_ago)
        judged(criteria[2], each, "insufficient", n=3)
        judged(criteria[4], each, "met")
    tie(world.system, "r3>r4")
    change_of = make_criterion(world, key="r3", threshold=0.6)
    return [*criteria[:3], change_of, criteria[4]]


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def show(person: User, status: int = 200, **asked: Any) -> Any:
    answer = client_of(person).get(reverse("admin:by_release"), asked)
    assert answer.status_code == status, answer.content.decode()
    return answer


def keys(answer: Any) -> list[str]:
    return [row["of"].key for row in answer.context["shown"]]


def row_of(answer: Any, key: str) -> Any:
    return next(row for row in answer.context["shown"] if row["of"].key == key)


def names(answer: Any) -> list[str]:
    return [each.of.release.name for each in answer.context["columns"]]


def test_each_cell_is_what_coverage_says_of_its_release(
    world: World, releases: Sequence[Release], filled: Sequence[AcceptanceCriterion]
) -> None:
    matrix = selector.matrix_of(world.system, releases)
    rows = {row.key: place for place, row in enumerate(matrix.rows)}
    assert list(rows) == ["r0", "r1", "r2", "r3", "r4"]
    stood = set()
    for release, column in zip(releases, matrix.columns, strict=True):
        found = cover(release)
        assert column.by_standing() == found.by_standing()
        for one in found.requirements:
            cell, row = column.cell(rows[one.key]), matrix.rows[rows[one.key]]
            assert cell == (one.standing, one.stale_since, one.fresh_until, one.n)
            assert row == (
                one.key, one.version_id, one.number, one.layer, one.risk_tier, len(one.criteria), one.suspect_because
            )  # fmt: skip
            assert cell.stale_since == ages_of(one)
            stood.add(one.standing)
    assert stood == set(Standing), "the world has one of each"


def ages_of(one: CoveredRequirement) -> Any:
    return min((since for _, since in one.aged if since is not None), default=None)


def test_it_begins_with_what_is_live_and_the_newest_and_says_what_gates_decided(
    world: World, releases: Sequence[Release], filled: Sequence[AcceptanceCriterion]
) -> None:
    for number in range(4, 11):
        second_release(world, f"r{number}")
    find_unmet(world.release, "r0/c")
    answer = show(world.people["author"], system=world.system.key)
    assert names(answer) == ["r10", "r9", "r8", "r7", "r6", "r1"], "what is live is one of the six"
    page = answer.content.decode()
    assert "live in production" in page
    head = answer.context["columns"][-1]
    assert [each.decision.verdict for each in head.decisions] == ["fail"]
    assert reverse("admin:evidence_gatedecision_change", args=[head.decisions[0].decision.pk]) in page
    assert page.count("no gate decided") == 5


def test_releases_are_chosen_with_commas_or_again_and_refused_by_name(
    world: World, releases: Sequence[Release]
) -> None:
    author = world.people["author"]
    with_comma = second_release(world, "r4, hot")
    assert names(show(author, releases="r1, r3")) == ["r3", "r1"]
    assert names(show(author, releases=["r2", "r1,r3", ""])) == ["r3", "r2", "r1"]
    assert names(show(author, releases=with_comma.name)) == [with_comma.name]
    refused = show(author, 404, releases="r1,r33").content.decode()
    assert "r33" in refused
    assert "did you mean" in refused
    for number in range(5, 10):
        second_release(world, f"r{number}")
    many = show(author, 422, releases="r1,r2,r3,r5,r6,r7,r8").content.decode()
    assert "No more than 6 releases" in many
    assert "7" in many


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"standing": "mett"}, 422),
        ({"layer": "products"}, 422),
        ({"changed": "no"}, 422),
        ({"export": "xls"}, 422),
        ({"release": "r1"}, 422),
        ({"standing": ["met", "stale"]}, 422),
        ({"baseline": "b9"}, 404),
        ({"system": "of-others"}, 404),
        ({"q": "a\0b"}, 422),
        ({"releases": ","}, 422),
        ({"releases": ["r1", " , "]}, 422),
    ],
)
def test_what_nobody_knows_is_refused(world: World, wrong: dict[str, Any], status: int) -> None:
    make_world("of-others")
    show(world.people["author"], status, **wrong)


def test_rows_are_narrowed_by_what_they_come_to_in_any_column_by_layer_words_and_change(
    world: World, releases: Sequence[Release], filled: Sequence[AcceptanceCriterion]
) -> None:
    author = world.people["author"]
    assert keys(show(author)) == ["r0", "r1", "r2", "r3", "r4"]
    assert keys(show(author, standing="not_met")) == keys(show(author, changed="yes")) == ["r0"]
    assert keys(show(author, standing="met", releases="r1")) == ["r0"]
    assert keys(show(author, changed="yes", releases="r1")) == [], "one release alone changes nothing"
    assert keys(show(author, standing="untested")) == ["r3"]
    assert keys(show(author, standing="suspect")) == ["r4"]
    assert keys(show(author, layer="product", q="R2")) == ["r2"]
    assert keys(show(author, layer="grounding")) == []
    assert keys(show(author, q="criterion measures")) == ["r0", "r1", "r2", "r3", "r4"]
    assert keys(show(author, q="measures nothing")) == []
    page = show(author, standing="", layer="", changed="yes", q="").content.decode()
    assert "narrowed to 1" in page
    assert "changed: met in" in page


def test_a_cell_says_since_when_until_when_of_how_many_and_leads_to_what_was_found(
    world: World, releases: Sequence[Release], filled: Sequence[AcceptanceCriterion]
) -> None:
    answer = show(world.people["author"], releases="r1")
    rows = {row["of"].key: row for row in answer.context["shown"]}
    since = cover(world.release).requirements[1].stale_since
    assert since is not None
    assert rows["r1"]["cells"][0].age == f"stale since {since:%Y-%m-%d}"
    assert rows["r0"]["cells"][0].age.startswith("fresh until ")
    assert (rows["r0"]["cells"][0].n, rows["r2"]["cells"][0].n) == (14, 3)
    assert rows["r4"]["of"].suspect_because == ("r3>r4: r3: v1 -> v2",)
    assert "suspect link" in answer.content.decode()
    coverage = client_of(world.people["author"]).get(rows["r1"]["cells"][0].url)
    assert [each.key for each in coverage.context["rows"]] == ["r1"]
    assert coverage.context["release"] == world.release


def test_a_requirement_without_a_criterion_says_so(world: World) -> None:
    import_requirements(principal=acting(AUTHOR), system=world.system, source=BARE, file_name="bare.yaml")
    approve(RequirementVersion.objects.get(requirement__key="bare"))
    (row,) = show(world.people["author"]).context["shown"]
    assert (row["cells"][0].age, row["of"].n_criteria) == ("no criterion", 0)
    assert "n 0" not in row["cells"][0].told


def test_coverage_is_narrowed_to_a_requirement_that_it_has(world: World, filled: Any) -> None:
    author = client_of(world.people["author"])
    address = reverse("admin:coverage", args=[world.release.pk])
    assert [each.key for each in author.get(address, {"requirement": "r2"}).context["rows"]] == ["r2"]
    assert author.get(address, {"requirement": "r99"}).status_code == 404


def test_totals_are_of_all_requirements_and_lead_to_their_list(
    world: World,
    releases: Sequence[Release],
    filled: Sequence[AcceptanceCriterion],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pages, "_ON_A_PAGE", 2)
    author = world.people["author"]
    answer = show(author, releases="r1", page="2", standing="")
    assert keys(answer) == ["r2", "r3"]
    assert "3 to 4 of 5" in answer.content.decode()
    (column,) = answer.context["columns"]
    assert sum(n for _, n, _ in column.totals) == 5
    for _, n, url in column.totals:
        assert client_of(author).get(url).context["rows"].paginator.count == n


def test_a_baseline_is_compared_as_it_is_frozen(
    world: World, releases: Sequence[Release], filled: Sequence[AcceptanceCriterion]
) -> None:
    frozen = list(RequirementVersion.objects.filter(requirement__key__in=["r0", "r1"]).order_by("pk"))
    freeze_baseline(principal=acting(AUTHOR), system=world.system, name="b1", versions=frozen)
    make_criterion(world, key="r0", threshold=0.5)
    author = world.people["author"]
    answer = show(author, baseline="b1", releases="r1")
    assert [(row["of"].key, row["of"].number) for row in answer.context["shown"]] == [("r0", 1), ("r1", 1)]
    found = cover(world.release, Baseline.objects.get())
    assert [row["cells"][0].n for row in answer.context["shown"]] == [each.n for each in found.requirements]
    assert "baseline=b1" in answer.context["shown"][0]["cells"][0].url
    assert "b1" in client_of(author).get(answer.context["shown"][0]["cells"][0].url).content.decode()


def test_a_column_that_could_lead_a_reviewer_says_so_and_tells_nothing(
    world: World, task: Any, counted: AcceptanceCriterion  # noqa: F811  # fixtures
) -> None:  # fmt: skip
    other = second_release(world)
    judged(counted, other, "not_met")
    second = colleague(world, "second", "reviewer")
    whole = show(world.people["auditor"])
    row = row_of(whole, "r")
    assert row["cells"][0].was, "to others it says what changed"
    answer = show(second)
    assert [each.is_kept for each in answer.context["columns"]] == [False, True]
    assert answer.context["columns"][1].totals == []
    row = row_of(answer, "r")
    assert row["cells"][0].was == ""
    assert row["cells"][1] == "kept from you"
    assert "Judge those first" in answer.content.decode()
    (stands,) = {each.standing.value for each in cover(world.release).requirements if each.key == "r"}
    assert stands != "not_met"
    assert "r" in keys(show(world.people["auditor"], standing=stands))
    assert "r" not in keys(show(second, standing=stands))
    assert "r" in keys(show(world.people["auditor"], changed="yes"))
    assert keys(show(second, changed="yes")) == []
    (line,) = (each for each in lines(show(second, export="csv")) if each["requirement"] == "r")
    assert (line["r1 standing"], line["r1 n"], line["r2 standing"]) == ("kept_from_reader", "", "not_met")
    told = by_api(second)
    kept = told["releases"][1]
    assert (kept["release"], kept["is_kept"], kept["standings"]) == ("r1", True, None)
    (row,) = [each for each in told["requirements"] if each["key"] == "r"]
    assert row["releases"][1] == {
        "release": "r1", "standing": None, "stale_since": None, "fresh_until": None, "n": None
    }  # fmt: skip
    assert row["releases"][0]["standing"] == "not_met"
    ways: list[dict[str, Any]] = [{"standing": stands}, {"changed": "true"}]
    for narrowed in ways:
        assert "r" in [each["key"] for each in by_api(world.people["auditor"], **narrowed)["requirements"]]
        assert "r" not in [each["key"] for each in by_api(second, **narrowed)["requirements"]]
    say_what_waits(second, task)
    assert [each.is_kept for each in show(second).context["columns"]] == [False, False]


def say_what_waits(person: User, task: Any) -> None:  # noqa: F811  # a fixture elsewhere
    from rest_framework.test import APIClient

    client = APIClient()
    client.force_login(person)
    assert say(client, task, "approve").status_code == 201


def lines(answer: Any) -> list[dict[str, str]]:
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_all_of_it_is_written_as_a_file_of_which_no_cell_is_a_formula(
    world: World,
    releases: Sequence[Release],
    filled: Sequence[AcceptanceCriterion],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pages, "_ON_A_PAGE", 2)
    second_release(world, "=1+1")
    author = world.people["author"]
    found = lines(show(author, export="csv", releases=["=1+1", "r1"]))
    assert [line["requirement"] for line in found] == ["r0", "r1", "r2", "r3", "r4"], "of all pages"
    assert {line["'=1+1 standing"] for line in found} == {"untested"}
    by_key = {line["requirement"]: line for line in found}
    for one in cover(world.release).requirements:
        line = by_key[one.key]
        assert line["r1 standing"] == one.standing.value
        assert line["r1 n"] == str(one.n)
        assert line["r1 stale_since"] == (one.stale_since.isoformat() if one.stale_since else "")
        assert line["r1 fresh_until"] == (one.fresh_until.isoformat() if one.fresh_until else "")
    assert by_key["r4"]["suspect_because"] == "r3>r4: r3: v1 -> v2"
    assert [line["requirement"] for line in lines(show(author, export="csv", standing="suspect"))] == ["r4"]


def test_in_chinese(world: World, releases: Sequence[Release], filled: Sequence[AcceptanceCriterion]) -> None:
    client = client_of(world.people["author"])
    page = client.get(reverse("admin:by_release"), headers={"accept-language": "zh-hans"}).content.decode()
    for said in ("各发布版本的要求", "不满足", "可疑", "已变化", "自", "只有这一项算通过"):
        assert said in page, said
    words = re.sub(r"<[^>]*>", " ", page.partition('id="content-main"')[2])
    for english in ("release", "stale", "fresh", "live in", "changed", "met", "layer"):
        assert english not in words, english


def test_a_page_asks_as_much_for_many_requirements_as_for_few(
    world: World, releases: Sequence[Release], filled: Sequence[AcceptanceCriterion]
) -> None:
    client = client_of(world.people["author"])
    address = reverse("admin:by_release")
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for number in range(10, 16):
        judged(make_criterion(world, key=f"s{number}"), world.release, "met")
    with CaptureQueriesContext(connection) as many:
        assert len(keys(client.get(address))) == 11
    assert len(many) == len(few) <= 25


def test_evidence_ages_and_wordings_change_in_it(
    world: World, releases: Sequence[Release], monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(make_criterion(world, key="r0", max_age_days=30), world.release, "met")
    (column,) = selector.matrix_of(world.system, [world.release]).columns
    cell = column.cell(0)
    assert cell is not None
    assert cell.standing is Standing.MET
    assert cell.fresh_until is not None
    monkeypatch.setattr(clock, "now", lambda: timezone.now() + timedelta(days=31))
    (column,) = selector.matrix_of(world.system, [world.release]).columns
    assert column.cell(0) == (Standing.STALE, cell.fresh_until, None, 40)


# --- By API -----------------------------------------------------------------------------------------------------


def by_api(person: User, status: int = 200, **asked: Any) -> Any:
    answer = signed_in(person).get(API, {"system": "credit-assistant", **asked})
    assert answer.status_code == status, answer.content
    return answer.json()


moment = datetime.fromisoformat


def told_by_file(answer: Any) -> dict[tuple[str, str], tuple[str, str, str, str]]:
    """Return what the page's file says, by requirement and release."""
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    at = {name: place for place, name in enumerate(lines[0])}
    releases = [name.removesuffix(" standing") for name in lines[0] if name.endswith(" standing")]
    figures = ("standing", "stale_since", "fresh_until", "n")
    return {
        (line[at["requirement"]], release): tuple(line[at[f"{release} {each}"]] for each in figures)  # type: ignore[misc]
        for line in lines[1:]
        for release in releases
    }


def test_the_api_tells_of_each_cell_what_page_and_file_tell(
    world: World, releases: Sequence[Release], filled: Sequence[AcceptanceCriterion]
) -> None:
    author = world.people["author"]
    told = by_api(author)
    by_file = told_by_file(show(author, export="csv"))
    for row in told["requirements"]:
        for cell in row["releases"]:
            standing, stale, fresh, n = by_file[row["key"], cell["release"]]
            assert (cell["standing"], cell["n"]) == (standing, int(n)), row
            for ours, theirs in ((cell["stale_since"], stale), (cell["fresh_until"], fresh)):
                assert (ours and moment(ours)) == (moment(theirs) if theirs else None)
    assert len(told["requirements"]) * 3 == len(by_file) == 15
    page = show(author)
    assert [each["release"] for each in told["releases"]] == names(page) == ["r3", "r2", "r1"]
    for shown, column in zip(told["releases"], page.context["columns"], strict=True):
        assert {n for n in shown["standings"].values() if n} == {n for _, n, _ in column.totals}
        assert shown["environments"] == list(column.of.environments)
    assert told["n"] == page.context["n_all"]
    (suspect,) = [row for row in told["requirements"] if row["suspect_because"]]
    assert suspect["key"] == row_of(page, "r4")["of"].key


@pytest.mark.parametrize(
    ("asked", "by_page"),
    [
        ({"standing": "not_met"}, {}),
        ({"standing": "stale", "releases": "r2,r1"}, {}),
        ({"changed": "true"}, {"changed": "yes"}),
        ({"layer": "grounding"}, {}),
        ({"layer": "formal"}, {}),
    ],
)
def test_the_api_narrows_as_the_page_does(
    world: World, releases: Any, filled: Any, asked: dict[str, Any], by_page: dict[str, Any]
) -> None:
    author = world.people["author"]
    told = by_api(author, **asked)
    page = show(author, **{**asked, **by_page})
    assert [row["key"] for row in told["requirements"]] == keys(page)


def test_the_api_gives_all_of_it_page_by_page_and_one_requirement_by_its_key(
    world: World, releases: Any, filled: Any
) -> None:
    author = world.people["author"]
    found: list[str] = []
    after: dict[str, Any] = {}
    for _ in range(4):
        told = by_api(author, limit=2, **after)
        found += [row["key"] for row in told["requirements"]]
        if told["next"] is None:
            break
        after = {"after": told["next"]}
    assert found == ["r0", "r1", "r2", "r3", "r4"]
    (only,) = by_api(author, requirement="r3")["requirements"]
    assert only["key"] == "r3"
    by_api(author, 404, requirement="r9")


def test_the_api_tells_the_system_of_others_as_one_that_there_is_not(world: World, releases: Any) -> None:
    make_world("other-system")
    for system in ("other-system", "nobodys"):
        assert by_api(world.people["author"], 404, system=system)["code"] == "not_found"
    assert "did you mean" in by_api(world.people["author"], 404, releases="r33")["detail"]
    by_api(world.people["author"], 422, standing="nearly")
    by_api(world.people["author"], 422, releases="a,b,c,d,e,f,g")
    (fault,) = by_api(world.people["author"], 422, releases=",")["errors"]
    assert (fault["in"], fault["path"], fault["code"]) == ("query", "releases", "required")
    by_api(world.people["operator"], 403)


def test_ways_lead_there(world: World, filled: Any) -> None:
    author = client_of(world.people["author"])
    there = reverse("admin:by_release")
    for address in (
        reverse("admin:index"),
        reverse("admin:requirements_requirementversion_changelist"),
        reverse("admin:requirements_requirement_changelist"),
        reverse("admin:evidence_release_changelist"),
        reverse("admin:evidence_release_change", args=[world.release.pk]),
        reverse("admin:coverage", args=[world.release.pk]),
    ):
        assert f'href="{there}' in author.get(address).content.decode(), address
    operator = client_of(world.people["operator"])
    assert operator.get(there).status_code == 403
    assert f'href="{there}' not in operator.get(reverse("admin:evidence_release_changelist")).content.decode()


def test_a_decision_that_is_not_shown_is_still_the_last(world: World) -> None:
    """An older verdict of the gate would stand for it: what kept a release out for what let it in, or the other way."""
    make_criterion(world)
    let_in(world, "release")
    decision = GateDecision.objects.get()
    waiting = make_task(world)
    second = colleague(world, "second", "reviewer")
    say(signed_in(world.people["reviewer"]), waiting)
    decision.pk, decision.counts_reviews, decision.verdict = None, True, "fail"
    decision.decided_at = clock.now()
    decision.save(force_insert=True)
    told = [show(person).content.decode() for person in (world.people["auditor"], second)]
    assert "not shown before you have judged" not in told[0]
    assert "not shown before you have judged" in told[1]
    assert "no gate decided" not in told[1]
    by_others, by_second = (
        by_api(person)["releases"][0]["decisions"] for person in (world.people["auditor"], second)
    )
    assert [(each["verdict"], each["is_kept"]) for each in by_others] == [("fail", False)]
    assert by_second == [
        {"gate": "release", "is_kept": True, "id": None, "verdict": None, "decided_at": None}
    ]
    for page in told:
        assert "✓ pass" not in " ".join(re.sub("<[^>]+>", " ", page).split())


@pytest.mark.parametrize("failing", ["alpha", "delta"])
def test_where_what_is_kept_stands_does_not_tell_which_gate_failed(world: World, failing: str) -> None:
    make_criterion(world)
    gates = ["alpha", "beta", "gamma", "delta"]  # more than a column shows
    for gate in gates:
        let_in(world, gate)
    waiting = make_task(world)
    second = colleague(world, "second", "reviewer")
    say(signed_in(world.people["reviewer"]), waiting)
    for decision in GateDecision.objects.select_related("gate_version__artefact"):
        gate = decision.gate_version.artefact.key
        decision.pk, decision.counts_reviews, decision.decided_at = None, True, clock.now()
        decision.verdict = "fail" if gate == failing else "pass"
        decision.save(force_insert=True)
    told = by_api(second)["releases"][0]["decisions"]
    assert [each["gate"] for each in told] == sorted(gates)
    assert all(each["is_kept"] for each in told)
    (column,) = show(second).context["columns"]
    assert [each.decision.gate_version.artefact.key for each in column.decisions] == sorted(gates)[:3]
    by_auditor = by_api(world.people["auditor"])["releases"][0]["decisions"]
    assert by_auditor[0]["gate"] == failing, "what keeps it out stands first for whoever is shown it"


def test_a_search_of_too_many_words_is_refused(world: World, releases: Sequence[Release]) -> None:
    refused = show(world.people["author"], 422, q="word " * 51)
    assert "at most 50 words" in refused.content.decode()


def test_a_system_is_chosen_without_the_releases_of_another(world: World) -> None:
    author = world.people["author"]
    Membership.objects.create(user=author, system=make_world("other-system").system)
    page = show(author).content.decode()
    forms = re.findall(r"<form method=\"get\".*?</form>", page, re.DOTALL)
    (choosing,) = [form for form in forms if '<select name="system"' in form]
    assert "releases" not in choosing
