"""Who may do what with the inside of models. How an act is written: `evidence.acts`."""

from __future__ import annotations

from evidence.access import Principal
from evidence.acts import as_question, check_of_system, check_signed_in
from evidence.errors import ConflictingContent, NotFound
from evidence.models import Release, Scope, System
from evidence.worded import Coded, worded
from interpret.models import Feature, ProbeRun


def check_can_queue_probe_run(principal: Principal, release: Release) -> None:
    """Have a release's model probed: a researcher. To anybody else there are no probes."""
    principal.require(Scope.PROBE)
    if not principal.sees_internals:
        raise NotFound(
            worded("There are no probes here for you: running one needs interpret.view_internals.")
        )
    check_of_system(principal, release.system)


def check_can_cancel_probe_run(principal: Principal, run: ProbeRun) -> None:
    """Stop a run that is not over: whoever could have asked for it."""
    check_can_queue_probe_run(principal, run.release)
    if run.state in {ProbeRun.State.DONE, ProbeRun.State.FAILED}:
        raise ConflictingContent(
            worded(
                "Probe run %(run)s is %(state)s: there is nothing left to cancel.",
                run=run.pk,
                state=Coded(run.state),
            )
        )


def check_can_register_dictionary(principal: Principal, system: System) -> None:
    """Put a dictionary of one of a system's models on record: a researcher. To anybody else there are none."""
    principal.require(Scope.PROBE)
    if not principal.sees_internals:
        raise NotFound(worded("There are no dictionaries here for you: they need interpret.view_internals."))
    check_of_system(principal, system)


def check_can_label_feature(principal: Principal, feature: Feature) -> None:
    """Say what a feature answers to: a person who could have put its dictionary on record, under their own name."""
    check_signed_in(principal, worded("Labelling a feature"))
    check_can_register_dictionary(principal, feature.dictionary.system)


can_label_feature = as_question(check_can_label_feature)
can_register_dictionary = as_question(check_can_register_dictionary)
can_cancel_probe_run = as_question(check_can_cancel_probe_run)
can_queue_probe_run = as_question(check_can_queue_probe_run)
