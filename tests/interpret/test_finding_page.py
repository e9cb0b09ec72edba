"""A finding's page: what it says and does not, drawn from what is stored, whatever shape that has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from evidence.models import ArtefactKind
from evidence.services import registry
from interpret import verdict_reasons
from interpret.contracts import ClaimLevel, ComparisonKind, Measurement, Status
from interpret.models import Finding, ProbeRun
from interpret.pages import reasons
from interpret.services.execution import execute_probe_run
from interpret.services.queueing import queue_probe_run
from tests.factories import World, acting, make_world, manifest
from tests.interpret.conftest import INPUTS, StandInProbe
from tests.interpret.measurements import (
    make_comparison,
    make_measurement,
    make_measurement_of,
    make_result,
    make_tested,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]

HOSTILE = "<script>alert(1)</script>\u202e&\"'"
DETAILS: dict[str, Any] = {
    "dose_response": [
        {"dose": 0.25, "value": 0.1, "low": 0.0, "high": 0.2},
        {"dose": 1, "value": 0.5, "low": 0.4, "high": 0.6, "control": 0.05},
        {
            "dose": 2,
            "value": 0.7,
            "low": 0.5,
            "high": 0.8,
            "control": 0.06,
            "control_low": 0.02,
            "control_high": 0.11,
        },
    ],
    "heat_map": {
        "rows": ["0", "1"],
        "columns": ["a", "b", "c"],
        "row": "layer",
        "column": "head",
        "unit": "share",
        "values": [[0.1, -0.2, 0.3], [0.0, 0.7731, 0.2]],
    },
}
MAX_QUERIES = 25

Find = Callable[..., list[Finding]]


@pytest.fixture
def find(world: World, probe: StandInProbe) -> Find:
    """Have the stand-in probe report these measurements, and return the findings."""

    def measure(*measurements: Measurement, name: str = "entropy.next_token", seed: int = 0) -> list[Finding]:
        probe.result = lambda: make_result(*measurements)
        inputs = INPUTS if name == "entropy.next_token" else None
        run = queue_probe_run(release=world.release, probe=name, principal=acting(), inputs=inputs, seed=seed)
        execute_probe_run(run.pk)
        return list(Finding.objects.filter(run=run).order_by("ordinal"))

    return measure


@pytest.fixture
def researcher(world: World) -> Client:
    client = Client()
    client.force_login(world.people["researcher"])
    return client


def page_of(client: Client, finding: Finding) -> str:
    answer = client.get(reverse("admin:finding", args=[finding.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("status", list(Status))
def test_each_status_is_said_with_its_reason_and_what_it_does_not_show(
    find: Find, researcher: Client, status: Status
) -> None:
    (finding,) = find(make_measurement_of(status))
    assert finding.status == status
    page = page_of(researcher, finding)
    assert finding.verdict is not None
    said = finding.verdict["reason"] if status is not Status.INVALID else "lacks a dead model"
    assert said in page
    assert "That it matters." in page
    assert ("Supported, on what" in page) == (status is Status.SUPPORTED)
    assert ("Less than matters, on what" in page) == (status is Status.NOT_SUPPORTED)
    assert ("too small to matter" in page) == (status not in {Status.DESCRIBED, Status.INVALID})


@pytest.mark.parametrize(
    "told", [HOSTILE, [{"code": "of tomorrow", "values": {}, "nulls": []}], [1], {"code": 1}]
)
def test_reasons_that_nobody_knows_are_said_in_the_english_beside_them(
    find: Find, researcher: Client, told: Any
) -> None:
    (made,) = find(make_measurement())
    judged = store(
        made.run, 9, verdict={**(made.verdict or {}), "because": told, "reason": "as it was stored"}
    )
    assert '<span lang="en">as it was stored</span>' in page_of(researcher, judged)


def test_reasons_are_said_in_the_readers_language(find: Find, researcher: Client) -> None:
    (finding,) = find(make_measurement())
    answer = researcher.get(
        reverse("admin:finding", args=[finding.pk]), headers={"Accept-Language": "zh-Hans"}
    )
    assert "比死模型、打乱的顺序、仅文本多出 0.5 以上" in answer.content.decode()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "lacks a dead model, another order, random sets of as many parts"),
        ("zh-hans", "缺少 死模型、打乱的顺序、同样数量的随机部分组"),
    ],
)
def test_what_a_claim_lacks_is_said_in_words(language: str, said: str) -> None:
    lacks = {"code": "lacks", "values": {"missing": "dead_model, shuffled_order, random_sets"}, "nulls": []}
    with translation.override(language):
        assert reasons.read_reasons({"because": [lacks]}, "because", "reason") == reasons.Said(said)


@pytest.mark.parametrize("values", [{"missing": 7}, {"missing": None}, [], {}])
def test_what_names_nothing_that_is_missing_is_said_in_the_english_beside_it(values: object) -> None:
    told = {"because": [{"code": "lacks", "values": values, "nulls": []}], "reason": "as stored"}
    assert reasons.read_reasons(told, "because", "reason") == reasons.Said("as stored", "en")


def test_pages_have_words_for_each_reason_and_they_are_those_that_are_stored() -> None:
    with translation.override("en"):
        assert {code: str(words) for code, words in reasons.WORDS.items()} == verdict_reasons.WORDS
        assert {kind: str(words) for kind, words in reasons.NULLS.items()} == verdict_reasons.NULLS


def test_the_whiskers_hold_value_baseline_nulls_control_and_second_seed(
    find: Find, researcher: Client
) -> None:
    (finding,) = find(
        make_measurement(
            level=ClaimLevel.INTERVENTIONAL,
            control=make_comparison(ComparisonKind.CONTROL, 0.125),
            tested=make_tested(random_sets=tuple(0.1 + 0.01 * i for i in range(19))),
            fire_counts={"blocks.0": 3},
        )
    )
    page = page_of(researcher, finding)
    drawn = page[page.index('id="tb-compared"') : page.index("<details>")]
    for row in ("Measured", "Second seed", "Baseline", "Null", "Dead model", "Shuffled order", "Text alone",
                "Control"):  # fmt: skip
        assert f">{row}</text>" in drawn
    assert drawn.count('r="2"') == 2 * 19  # one drawing for wide pages and one for narrow ones
    assert "2.05 [1.95, 2.15], n 20" in drawn


def test_doses_and_heat_map_are_drawn_where_they_are(find: Find, researcher: Client) -> None:
    plain, rich = find(make_measurement(), make_measurement(statistic="rich", details=DETAILS))
    assert "Response to the dose" not in page_of(researcher, plain)
    page = page_of(researcher, rich)
    assert "layer 1, head b: 0.773 share" in page  # the title of a cell
    assert "0.7731" in page  # the table
    assert "1: 0.5 [0.4, 0.6]" in page
    assert "control of the same dose: 0.05</title>" in page
    assert "control of the same dose: 0.06 [0.02, 0.11]</title>" in page
    assert "0.06 [0.02, 0.11]</td>" in page
    assert "nothing is judged by it." in page


@pytest.mark.parametrize(
    ("beside", "shown"),
    [
        ({"what": "one feature of dictionary d", "value": 0.5}, ["one feature of dictionary d", "0.5"]),
        ({"what": "no dictionary for this layer", "value": None}, ["no dictionary for this layer"]),
        ({"what": HOSTILE, "value": 0.5}, ["&lt;script&gt;"]),
        ({"value": 0.5}, []),
        ("much", []),
    ],
)
def test_what_stands_beside_is_shown_as_a_description_and_decides_nothing(
    find: Find, researcher: Client, beside: Any, shown: list[str]
) -> None:
    (plain,) = find(make_measurement())
    (finding,) = find(make_measurement(details={"beside": beside}), seed=1)
    page = page_of(researcher, finding)
    assert ("no verdict rests on it" in page) == bool(shown)
    assert all(text in page for text in shown)
    assert "<script>alert(1)" not in page
    assert (finding.status, finding.rung) == (plain.status, plain.rung)


BROKEN: list[Any] = [
    {"dose_response": "many"},
    {"dose_response": [{"dose": "a lot", "value": 1, "low": 0, "high": 2}]},
    {"dose_response": [{"dose": 1, "value": 1, "low": 3, "high": 2}]},
    {"dose_response": [{"dose": 1, "value": 1, "low": 0, "high": 2}] * 2},
    {"dose_response": [{"dose": 1, "value": 1, "low": 0, "high": 2}]},
    {
        "dose_response": [
            {"dose": d, "value": 1, "low": 0, "high": 2, "control": 1, "control_low": 0} for d in (1, 2)
        ]
    },
    {
        "dose_response": [
            {"dose": d, "value": 1, "low": 0, "high": 2, "control": 1, "control_low": 2, "control_high": 0}
            for d in (1, 2)
        ]
    },
    {"heat_map": [[1, 2]]},
    {"heat_map": {**DETAILS["heat_map"], "values": [[1, 2], [3]]}},
    {"heat_map": {**DETAILS["heat_map"], "values": [[1, 2, None], [3, 4, 5]]}},
    {"heat_map": {**DETAILS["heat_map"], "rows": []}},
    {"heat_map": {**DETAILS["heat_map"], "unit": 7}},
    {"heat_map": {**DETAILS["heat_map"], "rows": ["\x01", "b"]}},
]


@pytest.mark.parametrize("details", BROKEN)
def test_details_of_another_shape_are_not_drawn_and_said_so(
    find: Find, researcher: Client, details: Any
) -> None:
    (finding,) = find(make_measurement(details=details))
    page = page_of(researcher, finding)
    assert "Not drawn, because it has not the shape it should have" in page
    assert "Beside what it must differ from" in page  # the rest is there


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"baseline": [], "null": "none", "control": 3, "stability": ["x"], "holds_for": 1, "provenance": []},
        {"baseline": {"what": 1}, "null": {"what": "w", "estimate": {"value": "x"}}, "stability": {"second": 5}},
        {"internals": [], "verdict": None},
        {"verdict": {"smallest_effect": 10**400, "level": 10**400, "history": {"runs_before": 10**400},
                     "differences": {"dead_model": {"value": 1, "low": 0, "high": 2}, "shuffled_order": {},
                                     "text_only": {}}}},
        {"internals": {"tested": {"units": [1]}, "per_item": {"a": 1}, "details": [2]}},
        {"internals": {"tested": {"units": [{"cluster": "c", "text": "t", "nulls": {"dead_model": 1e308}},
                                            {"cluster": "d", "text": "u", "nulls": {"dead_model": -1e308}}],
                                  "smallest_effect": 1, "random_sets": []}}},
        {"internals": {"per_item": [{"id": "a", "value": 10**400}]}},
        {"value": 1e308, "low": -1e308, "high": 1e308},
    ],
)  # fmt: skip
def test_whatever_is_stored_the_page_opens(find: Find, researcher: Client, stored: dict[str, Any]) -> None:
    (finding,) = find(make_measurement())
    assert "odd" in page_of(researcher, store(finding.run, 9, **stored))
    for name in ("admin:findings", "admin:tried"):
        assert "odd" in researcher.get(reverse(name)).content.decode()


def store(run: ProbeRun, ordinal: int, **stored: Any) -> Finding:
    """Store a finding as the probes of before, or of somebody else, might have."""
    columns: dict[str, Any] = {
        "title": "odd", "statistic": "s", "unit": "share", "value": 0.5, "low": 0.4, "high": 0.6, "confidence": 0.95,
        "n": 9, "status": "supported", "rung": "associational", "supports": "s", "does_not_show": "d",
        "digest": "0" * 64, "observed_at": timezone.now(), "baseline": {}, "null": {}, "stability": {},
        "holds_for": {}, "provenance": {},
    }  # fmt: skip
    return Finding.objects.create(run=run, ordinal=ordinal, **{**columns, **stored})


def test_words_of_others_are_escaped(find: Find, researcher: Client) -> None:
    details = {"heat_map": {**DETAILS["heat_map"], "rows": [HOSTILE, "1"], "row": HOSTILE, "unit": HOSTILE}}
    (made,) = find(make_measurement())
    finding = store(
        made.run, 9, title=HOSTILE, statistic=HOSTILE, unit=HOSTILE, supports=HOSTILE, does_not_show=HOSTILE,
        family=HOSTILE, baseline={"what": HOSTILE, "estimate": {"value": 1, "low": 0, "high": 2, "n": 3}},
        stability={"what": HOSTILE, "agrees": False}, verdict={"reason": HOSTILE, "why": HOSTILE, "second": HOSTILE,
        "differences": {"dead_model": {"value": HOSTILE}, "shuffled_order": 1, "text_only": 1}},
        holds_for={"site": HOSTILE, "languages": [HOSTILE], "slice": {HOSTILE: HOSTILE}},
        provenance={"versions": {HOSTILE: HOSTILE}, "fire_counts": {HOSTILE: 1}},
        internals={"per_item": [{"id": HOSTILE, "value": 1}], "details": details},
    )  # fmt: skip
    for address in (
        reverse("admin:finding", args=[finding.pk]),
        reverse("admin:findings"),
        reverse("admin:tried"),
        reverse("admin:interpret_proberun_change", args=[made.run.pk]),
    ):
        page = researcher.get(address).content.decode()
        assert "<script>alert" not in page, address
        assert "&lt;script&gt;alert" in page, address


def test_the_second_seeds_own_verdict_is_shown_where_there_is_one(find: Find, researcher: Client) -> None:
    (made,) = find(make_measurement())
    assert "Second seed: it agrees." in page_of(researcher, made)
    said = {"second_because": [], "second_reason": "it does not clear 0.5"}  # from before there were codes
    verdict = {**(made.verdict or {}), "second": "inconclusive", **said}
    judged = store(made.run, 9, verdict=verdict, stability={**made.stability, "p_value": 0.0421})
    page = page_of(researcher, judged)
    assert "it does not clear 0.5" in page
    assert "p 0.0421" in page
    assert "Second seed: it agrees." not in page


def test_another_model_makes_it_stale_and_the_page_says_for_which_release(
    find: Find, researcher: Client, world: World
) -> None:
    (finding,) = find(make_measurement())
    assert "r1, pins what it was measured on" in page_of(researcher, finding)
    release_with_another_model(world)
    page = page_of(researcher, finding)
    assert "the newest release, r2, pins another version in:" in page
    assert "<code>model</code>" in page


def release_with_another_model(world: World) -> None:
    pins = [
        registry.PinSpec(slot=pin.slot, kind=pin.kind, key=pin.key, label="2", digest="9" * 64)
        if pin.kind == ArtefactKind.MODEL
        else pin
        for pin in manifest(world.system.key).pins
    ]
    registry.register_release(
        system=world.system, manifest=registry.ReleaseManifest("r2", pins), principal=acting()
    )


def test_the_list_is_narrowed_by_status_probe_release_and_staleness(
    find: Find, researcher: Client, world: World
) -> None:
    find(make_measurement_of(Status.SUPPORTED), make_measurement_of(Status.NOT_SUPPORTED))
    find(make_measurement_of(Status.DESCRIBED), name="induction.heads")

    def listed(**asked: str) -> list[str]:
        shown = researcher.get(reverse("admin:findings"), asked).context["shown"]
        return [finding.status for finding, _, _ in shown]

    assert listed() == ["described", "not_supported", "supported"]
    assert listed(status="supported", release="all") == ["supported"]
    assert listed(probe="induction.heads") == ["described"]
    assert listed(release="r1", stale="no") == ["described", "not_supported", "supported"]
    assert listed(stale="yes") == []
    release_with_another_model(world)
    assert listed(stale="no") == []
    assert listed(stale="yes", status="described") == ["described"]
    assert listed(release="r2") == []
    for unknown in ({"status": "good"}, {"probe": "none"}, {"stale": "maybe"}, {"system": "none"}):
        assert researcher.get(reverse("admin:findings"), unknown).status_code == 404
    assert researcher.get(reverse("admin:findings"), {"rung": "x"}).status_code == 422


def test_the_ledger_has_what_failed_and_what_waits(
    find: Find, researcher: Client, world: World, probe: StandInProbe
) -> None:
    find(make_measurement())
    failed = queue_probe_run(release=world.release, probe="induction.heads", principal=acting(), seed=1)
    ProbeRun.objects.filter(pk=failed.pk).update(state="failed", error="hook_never_fired: none of its hooks")
    queue_probe_run(release=world.release, probe="induction.heads", principal=acting(), seed=2)
    answer = researcher.get(reverse("admin:tried"))
    assert [run.state for run in answer.context["rows"]] == ["queued", "failed", "done"]
    page = answer.content.decode()
    assert "hook_never_fired" in page
    assert "q 0.002, level" in page
    model = answer.context["model"]
    assert researcher.get(reverse("admin:tried"), {"model": model}).status_code == 200
    assert researcher.get(reverse("admin:tried"), {"model": "f" * 64}).status_code == 404


def addresses(finding: Finding) -> Iterator[str]:
    yield reverse("admin:finding", args=[finding.pk])
    yield reverse("admin:findings")
    yield reverse("admin:tried")


@pytest.mark.parametrize("role", ["author", "approver", "auditor", "operator", "reviewer"])
def test_without_the_right_there_is_nothing(find: Find, world: World, role: str) -> None:
    (finding,) = find(make_measurement())
    client = Client()
    client.force_login(world.people[role])
    for address in addresses(finding):
        answer = client.get(address)
        assert answer.status_code == 404, address
        assert "test.statistic" not in answer.content.decode()


def test_a_researcher_of_another_system_finds_nothing(find: Find, world: World) -> None:
    (finding,) = find(make_measurement())
    other = make_world("aml-copilot")
    client = Client()
    client.force_login(other.people["researcher"])
    assert client.get(reverse("admin:finding", args=[finding.pk])).status_code == 404
    for name in ("admin:findings", "admin:tried"):
        assert client.get(reverse(name), {"system": world.system.key}).status_code == 404
        assert "test.statistic" not in client.get(reverse(name)).content.decode()


def test_pages_cost_few_queries_however_much_was_found(find: Find, researcher: Client) -> None:
    for seed in range(4):
        found = find(*(make_measurement(details=DETAILS) for _ in range(4)), seed=seed)
    for address in addresses(found[0]):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert researcher.get(address).status_code == 200
        assert len(asked) <= MAX_QUERIES, f"{address}: {len(asked)}"


def test_records_lead_to_the_pages(find: Find, researcher: Client) -> None:
    (finding,) = find(make_measurement())
    page = reverse("admin:finding", args=[finding.pk])
    for record in (finding, finding.run):
        address = reverse(f"admin:interpret_{record._meta.model_name}_change", args=[record.pk])
        assert f'href="{page}"' in researcher.get(address).content.decode()
    assert (
        reverse("admin:findings")
        in researcher.get(reverse("admin:interpret_finding_changelist")).content.decode()
    )
    assert str(finding) == "test.statistic at final logits"
