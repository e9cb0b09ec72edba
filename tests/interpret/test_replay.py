"""A finding is measured again by the probe that made it, and says where it cannot be."""

from __future__ import annotations

import pytest

from interpret.errors import ProbeError
from interpret.models import Finding, ProbeRun
from interpret.services.execution import execute_probe_run
from interpret.services.queueing import queue_probe_run
from interpret.services.replay import replay_finding
from tests.factories import World, acting
from tests.interpret.conftest import StandInProbe
from tests.interpret.measurements import make_measurement, make_result

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
