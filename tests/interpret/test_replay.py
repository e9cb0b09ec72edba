"""A finding is measured again by the probe that made it, and says where it cannot be."""

from __future__ import annotations

import pytest

from evidence.services.disposal.blob_removal import delete_files
from evidence.services.disposal.erasure import erase_trace_payload
from interpret.contracts import ComparisonKind, ProbeResult
from interpret.errors import BadSpecification, ProbeError
from interpret.models import Finding, ProbeRun
from interpret.services.execution import execute_probe_run
from interpret.services.queueing import queue_probe_run
from interpret.services.replay import replay_finding
from tests.e2e.cases import make_trace
from tests.factories import World, acting
from tests.interpret.conftest import StandInProbe
from tests.interpret.measurements import make_comparison, make_estimate, make_measurement, make_result

pytestmark = pytest.mark.usefixtures("sent")


@pytest.fixture
def finding(world: World, probe: StandInProbe) -> Finding:
    """The second of two that a run reported."""
    probe.result = lambda: make_result(make_measurement(), make_measurement(statistic="test.second"))
    run = queue_probe_run(release=world.release, probe="induction.heads", principal=acting())
    execute_probe_run(run.pk)
    finding: Finding = ProbeRun.objects.get(pk=run.pk).findings.get(ordinal=2)
    return finding


def test_the_same_probe_gives_the_same_finding(finding: Finding) -> None:
    assert replay_finding(finding).agrees


def test_a_finding_that_was_changed_in_the_store_is_not_replayed(finding: Finding) -> None:
    finding.value += 0.25  # as if its row had been changed past the triggers
    with pytest.raises(ProbeError, match="its digest does not fit its content"):
        replay_finding(finding)


def test_a_probe_that_reports_fewer_findings_says_so(finding: Finding, probe: StandInProbe) -> None:
    probe.result = lambda: make_result(make_measurement())
    with pytest.raises(ProbeError, match="now reports 1 findings; this was 2"):
        replay_finding(finding)


@pytest.mark.parametrize(
    ("changes", "moved"),
    [
        ({"estimate": make_estimate(2.0, half_width=0.2)}, "interval, interval's end"),
        ({"p_value": 0.002}, "p"),
        ({"null": make_comparison(ComparisonKind.NULL, 0.5)}, "null"),
        ({"estimate": make_estimate(2.5)}, "value, interval, interval's end"),
    ],
)
def test_a_number_that_comes_out_otherwise_is_named(
    finding: Finding, probe: StandInProbe, changes: dict[str, object], moved: str
) -> None:
    again = make_measurement(**{"statistic": "test.second", **changes})
    probe.result = lambda: make_result(make_measurement(), again)
    replayed = replay_finding(finding)
    assert (replayed.replayed_verdict, replayed.differs) == (f"supported with another {moved}", True)


def test_a_probe_that_no_longer_takes_what_it_was_asked_is_not_the_same(
    finding: Finding, probe: StandInProbe
) -> None:
    def refuse() -> ProbeResult:
        raise BadSpecification("induction.heads has no parameter 'min_prompts'")

    probe.result, probe.code_version = refuse, "2"
    replayed = replay_finding(finding)
    assert replayed.differs
    assert replayed.explain() == (
        f"finding {finding.pk}: stored supported, replayed refused: induction.heads has no parameter"
        " 'min_prompts'; the code is now 2, it was 1"
    )


def test_a_finding_on_prompts_that_were_erased_says_so(world: World, probe: StandInProbe) -> None:
    asked = make_trace(world)
    run = queue_probe_run(release=world.release, probe="entropy.next_token", principal=acting())
    execute_probe_run(run.pk)
    [finding] = ProbeRun.objects.get(pk=run.pk).findings.all()
    assert replay_finding(finding).agrees
    report = erase_trace_payload(
        system=world.system, trace_id=asked.trace_id, reason="request 1", principal=acting()
    )
    delete_files(report.removed_blobs)  # as the commit does
    replayed = replay_finding(finding)
    assert (replayed.replayed_verdict, replayed.differs) == ("erased", False)
