from __future__ import annotations

import json

import pytest

from evidence import clock
from evidence.models import AuditEvent, Evidence, Release
from evidence.selectors.binder.scope import AskedScope
from evidence.services import registry
from interpret.contracts import Status
from interpret.models import Finding, ProbeRun
from interpret.plain_words import CLAIMS
from interpret.registry import PROBES
from interpret.selectors.findings import is_stale, stale_slots
from interpret.services.attachment import attach_findings_of, role_of
from interpret.services.binder_sections import interpretability_sections
from interpret.services.queueing import queue_probe_run
from interpret.tasks import attach_findings, run_probe
from tests.evidence.binder_world import PERIOD
from tests.factories import ACTOR, World, acting, manifest
from tests.interpret.conftest import INPUTS, StandInProbe
from tests.interpret.measurements import make_measurement_of, make_result

pytestmark = pytest.mark.usefixtures("sent")


@pytest.fixture
def run(world: World, probe: StandInProbe) -> ProbeRun:
    probe.result = lambda: make_result(*(make_measurement_of(status) for status in Status))
    run = queue_probe_run(
        release=world.release, probe="entropy.next_token", principal=acting(), inputs=INPUTS
    )
    run_probe(run.pk)
    return run


def test_supported_findings_support_and_unsupported_ones_counter(run: ProbeRun) -> None:
    attach_findings()
    items = {item.source: item for item in Evidence.objects.all()}
    expected = {"supported": "supporting", "not_supported": "counter"}
    found = {
        finding.status: items[f"interpret.Finding:{finding.pk}"].role
        for finding in Finding.objects.all()
        if f"interpret.Finding:{finding.pk}" in items
    }
    assert found == expected  # inconclusive and invalid ones are put forward as nothing
    assert {item.layer for item in items.values()} == {"mechanistic"}
    assert {item.owner for item in items.values()} == {ACTOR}


def test_an_item_is_linked_to_model_prompt_and_index_of_the_release(run: ProbeRun, world: World) -> None:
    attach_findings()
    item = Evidence.objects.first()
    assert item is not None
    pins = dict(world.release.pins.values_list("slot", "version_id"))
    links = dict(item.links.values_list("slot", "version_id"))
    assert links == {slot: pins[slot] for slot in ("model", "prompt", "index")}


def test_attaching_twice_changes_nothing(run: ProbeRun) -> None:
    assert attach_findings_of(run.pk) is True
    assert attach_findings_of(run.pk) is False
    attach_findings()
    assert Evidence.objects.count() == 2
    assert AuditEvent.objects.filter(verb="evidence.attached").count() == 2


def test_a_run_that_is_not_done_has_nothing_to_attach(run: ProbeRun) -> None:
    ProbeRun.objects.filter(pk=run.pk).update(state=ProbeRun.State.RUNNING)
    assert attach_findings_of(run.pk) is False
    assert not Evidence.objects.exists()


def test_the_summary_has_the_interval_and_no_internals(run: ProbeRun) -> None:
    attach_findings()
    summary = Evidence.objects.filter(role="supporting").values_list("summary", flat=True).get()
    assert (summary["value"], summary["low"], summary["high"], summary["n"]) == (2.0, 1.9, 2.1, 20)
    assert summary["null"]["value"] == 0
    title = Evidence.objects.get(role="supporting").title
    assert title == "test.statistic: 2 [1.9, 2.1] nats, n=20, supported"
    assert not {"internals", "per_item", "site", "supports"} & set(summary)


@pytest.mark.parametrize(
    ("slot", "stale"), [("model", True), ("index", True), ("prompt", True), ("policy", False)]
)
def test_another_version_makes_a_finding_about_prompts_stale(
    run: ProbeRun, world: World, slot: str, stale: bool
) -> None:
    finding = run.findings.first()
    assert finding is not None
    assert not is_stale(finding, world.release)
    pins = [
        registry.PinSpec(slot=pin.slot, kind=pin.kind, key=pin.key, label="2", digest="9" * 64)
        if pin.slot == slot
        else pin
        for pin in manifest(world.system.key).pins
    ]
    newer = registry.register_release(
        system=world.system, manifest=registry.ReleaseManifest("r2", pins), principal=acting()
    )
    assert is_stale(finding, newer) is stale
    assert stale_slots(finding, newer) == ([slot] if stale else [])


@pytest.mark.parametrize(
    ("name", "slot", "stale"),
    [
        ("entropy.next_token", "model", True),
        ("entropy.next_token", "prompt", True),
        ("entropy.next_token", "policy", False),
        ("induction.heads", "model", True),
        ("induction.heads", "prompt", False),  # it makes its own texts
    ],
)
def test_a_binder_calls_stale_what_the_pages_do(
    world: World, probe: StandInProbe, name: str, slot: str, stale: bool
) -> None:
    inputs = INPUTS if name == "entropy.next_token" else None
    asked = queue_probe_run(release=world.release, probe=name, principal=acting(), inputs=inputs)
    run_probe(asked.pk)
    attach_findings()
    pins = [
        registry.PinSpec(slot=pin.slot, kind=pin.kind, key=pin.key, label="2", digest="9" * 64)
        if pin.slot == slot
        else pin
        for pin in manifest(world.system.key).pins
    ]
    newer = registry.register_release(
        system=world.system, manifest=registry.ReleaseManifest("r2", pins), principal=acting()
    )
    assert [told_in_binder(release) for release in (world.release, newer)] == [[False], [stale]]
    assert is_stale(Finding.objects.get(), newer) is stale


def told_in_binder(release: Release) -> list[bool]:
    """Return of each finding of a binder whether it is stale."""
    asked = AskedScope(system=release.system, release=release, period_from=PERIOD[0], period_to=PERIOD[1])
    files = interpretability_sections(asked.as_of_then(clock.read_moment()))
    return [json.loads(b"".join(each.chunks))["stale"] for each in files]


@pytest.mark.parametrize(
    ("probe", "statistic", "found", "role"),
    [
        ("induction.heads", "induction.ablation_cost", True, "supporting"),
        ("entropy.next_token", "entropy.mean", False, "counter"),
        ("attribute.proxies", "proxies.decodable", True, "supporting"),
        ("attribute.proxies", "proxies.reinjection", True, "counter"),
        ("model.drift", "drift.output", True, "counter"),
        ("model.drift", "drift.output", False, "supporting"),
        ("refusal.direction", "refusal.context", True, "counter"),
        ("gone", "gone.statistic", True, "supporting"),
    ],
)
def test_a_concern_that_is_found_counters_and_one_that_is_shown_absent_supports(
    probe: str, statistic: str, found: bool, role: str
) -> None:
    status = Finding.Status.SUPPORTED if found else Finding.Status.NOT_SUPPORTED
    assert role_of(probe, Finding(statistic=statistic, status=status)) == role


def test_each_concern_is_a_statistic_that_has_plain_words() -> None:
    assert {name for entry in PROBES.values() for name in entry.concerns} <= set(CLAIMS)
