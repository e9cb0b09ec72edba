"""Who may do what with the inside of models. How an act is written: `evidence.acts`."""

from __future__ import annotations

from evidence.access import Principal
from evidence.acts import as_question, check_of_system
from evidence.errors import ConflictingContent, NotFound
from evidence.models import Release, Scope
from interpret.models import ProbeRun


def check_can_queue_probe_run(principal: Principal, release: Release) -> None:
    """Have a release's model probed: a researcher. To anybody else there are no probes."""
    principal.require(Scope.PROBE)
    if not principal.sees_internals:
        raise NotFound("There are no probes here for you: running one needs interpret.view_internals.")
    check_of_system(principal, release.system)


def check_can_cancel_probe_run(principal: Principal, run: ProbeRun) -> None:
    """Stop a run that is not over: whoever could have asked for it."""
    check_can_queue_probe_run(principal, run.release)
    if run.state in {ProbeRun.State.DONE, ProbeRun.State.FAILED}:
        raise ConflictingContent(f"Probe run {run.pk} is {run.state}: there is nothing left to cancel.")


can_cancel_probe_run = as_question(check_can_cancel_probe_run)
can_queue_probe_run = as_question(check_can_queue_probe_run)
