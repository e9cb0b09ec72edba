"""Asking for a measurement, and taking that back: what is asked is fixed here, before any worker hears of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import IntegrityError, transaction

from evidence import clock
from evidence.access import Principal
from evidence.limits import check_count
from evidence.models import ArtefactKind, ArtefactVersion, DigestBasis, Release
from evidence.probe_rules import ENDED_WITH_RUN
from evidence.services import audit, registry
from interpret import acts
from interpret.contracts import ProbeInput, ProbeSpecification
from interpret.errors import BadSpecification
from interpret.models import ProbePart, ProbeRun, ProbeSpec
from interpret.registry import describe, fill_choices, fill_parameters
from interpret.services.execution import digest_of_specification
from interpret.services.prompts import collect_answer_prompts, store_inputs
from interpret.tasks import run_probe

MODEL_SLOT = "model"


def queue_probe_run(
    *,
    principal: Principal,
    release: Release,
    probe: str,
    parameters: Mapping[str, object] | None = None,
    seed: int = 0,
    inputs: Sequence[ProbeInput] | None = None,
) -> ProbeRun:
    """Put a run on record and tell the interpret worker once that is committed.

    Asking again for a measurement that waits, runs or is done returns its run; one that failed or was cancelled gets a
    new run.

    Args:
        parameters: over the probe's defaults; see `interpret.registry.PROBES`.
        seed: from 0 to 2**31 - 2; the second seed is the next one.
        inputs: prompts for a probe that reads some; without them, those of the release's newest traces.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_queue_probe_run` does.
        UnknownProbe: there is no such probe.
        InvalidInput: there are too many inputs.
        BadSpecification: parameters, seed or inputs do not fit, or the release's model has no content digest.
    """
    acts.check_can_queue_probe_run(principal, release)
    actor = principal.actor
    with transaction.atomic():
        spec = _ensure_spec(
            release=release, probe=probe, parameters=parameters or {}, seed=seed, inputs=inputs, actor=actor
        )
        run, created = _ensure_run(spec=spec, release=release, actor=actor)
        if created:
            system, digest = release.system, spec.artefact_version.digest
            audit.record(verb="probe_run.queued", actor=actor, obj=run, system=system, digest=digest)
            # A broker that is away must not undo the request: beat sends the run again. Django logs the name of what
            # failed, which a `partial` has not.
            transaction.on_commit(lambda: run_probe.delay(run.pk), robust=True)
    return run


@transaction.atomic
def cancel_probe_run(*, principal: Principal, run: ProbeRun, reason: str = "") -> ProbeRun:
    """End a run that waits or is measured. A part in a worker's hands goes on to its end, and is not stored.

    Cancelling again changes nothing.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_cancel_probe_run` does.
    """
    held = ProbeRun.objects.select_for_update(of=("self",)).select_related(
        "release__system", "spec__artefact_version"
    ).get(pk=run.pk)  # fmt: skip
    acts.check_can_cancel_probe_run(principal, held)
    if held.state != ProbeRun.State.CANCELLED:
        held.state, held.finished_at, held.lease_until, held.lease_digest = (
            ProbeRun.State.CANCELLED, clock.now(), None, "",
        )  # fmt: skip
        held.save(update_fields=["state", "finished_at", "lease_until", "lease_digest"])
        held.parts.exclude(state=ProbePart.State.DONE).update(
            state=ProbePart.State.FAILED, error=ENDED_WITH_RUN, lease_until=None, lease_digest="",
            finished_at=held.finished_at,
        )  # fmt: skip
        held.parts.update(measured="")
        audit.record(
            verb="probe_run.cancelled", actor=principal.actor, obj=held, system=held.release.system,
            digest=held.spec.artefact_version.digest, payload={"reason": reason} if reason else None,
        )  # fmt: skip
    return held


def _ensure_spec(
    *,
    release: Release,
    probe: str,
    parameters: Mapping[str, object],
    seed: int,
    inputs: Sequence[ProbeInput] | None,
    actor: str,
) -> ProbeSpec:
    filled = {**fill_choices(probe, parameters), **fill_parameters(probe, parameters)}
    model = _model_of(release)
    dataset = _dataset(release=release, probe=probe, inputs=inputs, actor=actor)
    asked = ProbeSpecification(
        probe=probe,
        model_digest=model.digest,
        seed=seed,
        parameters=filled,
        dataset_digest=dataset.digest if dataset else "",
    )
    version = registry.ensure_version(
        system=release.system,
        kind=ArtefactKind.PROBE,
        key=probe,
        label=f"{model.label}, seed {seed}",
        digest=digest_of_specification(asked),
        actor=actor,
        name=describe(probe).title[:200],
        metadata={"model_digest": model.digest, "parameters": filled, "seed": seed},
    )
    spec, _ = ProbeSpec.objects.get_or_create(
        artefact_version=version,
        defaults={
            "system": release.system,
            "probe": probe,
            "parameters": filled,
            "seed": seed,
            "model_version": model,
            "dataset_version": dataset,
            "created_by": actor,
        },
    )
    return spec


def _ensure_run(*, spec: ProbeSpec, release: Release, actor: str) -> tuple[ProbeRun, bool]:
    live = ProbeRun.objects.filter(spec=spec, release=release).exclude(
        state__in=[ProbeRun.State.FAILED, ProbeRun.State.CANCELLED]
    )
    found = live.order_by("pk").first()
    if found is not None:
        return found, False
    try:
        with transaction.atomic():
            run = ProbeRun.objects.create(spec=spec, release=release, queued_by=actor, sent_at=clock.now())
    except IntegrityError:  # the same request, a moment earlier
        return live.get(), False
    return run, True


def _model_of(release: Release) -> ArtefactVersion:
    pin = release.pins.select_related("version").filter(slot=MODEL_SLOT).first()
    if pin is None:
        raise BadSpecification(f"Release {release.name} pins no model: there is nothing to probe.")
    if pin.version.digest_basis != DigestBasis.CONTENT:
        raise BadSpecification(
            f"Release {release.name} knows its model only by the label {pin.version.label!r}:"
            " register it with the digest of its file."
        )
    return pin.version


def _dataset(
    *, release: Release, probe: str, inputs: Sequence[ProbeInput] | None, actor: str
) -> ArtefactVersion | None:
    if not describe(probe).reads_prompts:
        if inputs:
            raise BadSpecification(f"{probe} makes its own sequences and reads no prompts.")
        return None
    chosen = collect_answer_prompts(release) if inputs is None else tuple(inputs)
    check_count(len(chosen), "MAX_PROBE_INPUTS", "The inputs of a probe run")
    return store_inputs(release=release, inputs=chosen, actor=actor)
