"""Asking for a measurement, and taking that back: what is asked is fixed here, before any worker hears of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from django.db import IntegrityError, OperationalError, connection, transaction

from evidence import clock
from evidence.access import Principal
from evidence.database_errors import gave_way
from evidence.errors import HeldElsewhere, InvalidInput
from evidence.limits import check_count
from evidence.locks import Lock, hold, hold_each
from evidence.models import ArtefactKind, ArtefactVersion, DigestBasis, Release
from evidence.probe_rules import ENDED_WITH_RUN
from evidence.services import audit, registry
from evidence.worded import worded
from interpret import acts
from interpret.contracts import ProbeInput, ProbeSpecification, check_ids
from interpret.errors import BadSpecification, InterpretError, ModelMissing
from interpret.models import ProbePart, ProbeRun, ProbeSpec
from interpret.registry import check_whole, describe, fill_choices, fill_models, fill_parameters
from interpret.selectors.models import models_of
from interpret.services.execution import digest_of_specification
from interpret.services.prompts import collect_answer_prompts, digest_of_inputs, store_inputs
from interpret.tasks import run_probe

Inputs: TypeAlias = tuple[ProbeInput, ...]

MODEL_SLOT = "model"
CANCEL_PATIENCE = 5_000  # milliseconds that a cancellation waits for who holds the run


@dataclass(frozen=True, slots=True)
class AskedProbe:
    """One probe, as it is asked for.

    Attributes:
        parameters: over the probe's defaults; see `interpret.registry.PROBES`.
        seed: from 0 to 2**31 - 2; the second seed is the next one.
        inputs: prompts for a probe that reads some; None: those that the plan gives, or else those of the release's
            newest traces.
    """

    probe: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    seed: int = 0
    inputs: Inputs | None = None


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
        parameters, seed, inputs: as of an `AskedProbe`.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_queue_probe_run` does.
        UnknownProbe: there is no such probe.
        InvalidInput: there are too many inputs.
        BadSpecification: parameters, seed or inputs do not fit, or the release's model has no content digest.
        ModelMissing: nobody registered or pinned, in this system, a model that the parameters name.
    """
    acts.check_can_queue_probe_run(principal, release)
    asked = AskedProbe(probe, parameters or {}, seed, None if inputs is None else tuple(inputs))
    with transaction.atomic():
        hold(Lock.PROBE_QUEUE, release.system_id)
        model, chosen = model_to_probe(release), _choose_inputs(asked, release, of_plan=None)
        dataset = (
            None if chosen is None else store_inputs(release=release, inputs=chosen, actor=principal.actor)
        )
        spec = _ensure_spec(asked, release=release, model=model, dataset=dataset, actor=principal.actor)
        return _ensure_told(spec=spec, release=release, actor=principal.actor)


def queue_probe_plan(
    *,
    principal: Principal,
    release: Release,
    probes: Sequence[AskedProbe],
    inputs: Sequence[ProbeInput] | None = None,
) -> list[ProbeRun]:
    """Put a run of each probe on record, or none: what is wrong with one keeps all from being asked.

    Runs stand in the order asked, and workers are told of them in it. Of each probe holds what `queue_probe_run` says.

    Args:
        inputs: prompts for those probes that read some and name none themselves; without them, those of the release's
            newest traces, looked up once for all.

    Raises:
        AccessDenied, NotFound, UnknownProbe, InvalidInput, BadSpecification, ModelMissing: as `queue_probe_run`,
            naming it.
        InvalidInput: there are too many probes.
        BadSpecification: there are none, two ask the same, or nobody reads the `inputs`.
    """
    acts.check_can_queue_probe_run(principal, release)
    check_count(len(probes), "MAX_PLAN_PROBES", worded("The probes of a plan"))
    if not probes:
        raise BadSpecification(worded("A plan names at least one probe."))
    with transaction.atomic():
        hold(Lock.PROBE_QUEUE, release.system_id)
        specs = _ensure_each(
            probes, release, None if inputs is None else tuple(inputs), actor=principal.actor
        )
        return [_ensure_told(spec=spec, release=release, actor=principal.actor) for spec in specs]


@transaction.atomic
def cancel_probe_run(*, principal: Principal, run: ProbeRun, reason: str = "") -> ProbeRun:
    """End a run that waits or is measured. A part in a worker's hands goes on to its end, and is not stored.

    Cancelling again changes nothing.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_cancel_probe_run` does.
        HeldElsewhere: a worker that is storing something of it did not let go in time.
    """
    with _waiting_briefly(run):
        return _cancel(principal, run, reason)


def _cancel(principal: Principal, run: ProbeRun, reason: str) -> ProbeRun:
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


@contextmanager
def _waiting_briefly(run: ProbeRun) -> Iterator[None]:
    """Have what follows in this transaction wait for a lock no longer than `CANCEL_PATIENCE`."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {CANCEL_PATIENCE}")
    try:
        yield
    except OperationalError as exc:
        if not gave_way(exc):
            raise
        raise HeldElsewhere(
            worded(
                "A worker is storing something of run %(run)s, and has not ended within "
                "%(seconds)s seconds: cancel it again in a moment. Nothing was changed.",
                run=run.pk,
                seconds=f"{CANCEL_PATIENCE / 1000:g}",
            )
        ) from exc


def _ensure_each(
    probes: Sequence[AskedProbe], release: Release, of_plan: Inputs | None, *, actor: str
) -> list[ProbeSpec]:
    """Return the specification of each probe of a plan.

    Raises:
        UnknownProbe, InvalidInput, BadSpecification, ModelMissing: as `queue_probe_plan` does.
    """
    model, chosen = model_to_probe(release), _choose_each(probes, release, of_plan)
    datasets: dict[Inputs, ArtefactVersion] = {}
    specs: list[ProbeSpec] = []
    for number, (asked, inputs) in enumerate(zip(probes, chosen, strict=True)):
        with _naming(number):
            if inputs is not None and inputs not in datasets:
                datasets[inputs] = store_inputs(release=release, inputs=inputs, actor=actor)
            dataset = None if inputs is None else datasets[inputs]
            spec = _ensure_spec(asked, release=release, model=model, dataset=dataset, actor=actor)
            if spec in specs:
                raise BadSpecification(
                    worded(
                        "it asks the same as probes[%(number)s]: ask for it once.", number=specs.index(spec)
                    )
                )
            specs.append(spec)
    return specs


@contextmanager
def _naming(number: int) -> Iterator[None]:
    """Say of what is wrong with a probe of a plan which of them it is."""
    try:
        yield
    except (InterpretError, InvalidInput) as exc:
        raise type(exc)(f"probes[{number}]: {exc}") from exc


def _choose_each(
    probes: Sequence[AskedProbe], release: Release, of_plan: Inputs | None
) -> list[Inputs | None]:
    """Return what each probe of a plan reads, as `_choose_inputs` does, and hold what is to be stored of it.

    Raises:
        BadSpecification: as `_choose_inputs` does, or no probe reads the prompts of the plan.
    """
    given = of_plan is not None
    chosen: list[Inputs | None] = []
    for number, asked in enumerate(probes):
        with _naming(number):
            if of_plan is None and asked.inputs is None and describe(asked.probe).reads_prompts:
                of_plan = collect_answer_prompts(release)
            chosen.append(_choose_inputs(asked, release, of_plan=of_plan))
    if given and not any(asked.inputs is None and describe(asked.probe).reads_prompts for asked in probes):
        raise BadSpecification(worded("No probe of this plan reads its `inputs`: leave them out."))
    hold_each(Lock.BLOB, ((digest_of_inputs(read),) for read in set(chosen) if read))
    return chosen


def _choose_inputs(asked: AskedProbe, release: Release, *, of_plan: Inputs | None) -> Inputs | None:
    """Return the prompts that a probe is to read; None: it reads none.

    Raises:
        UnknownProbe, BadSpecification, InvalidInput: as `queue_probe_run` does of inputs.
    """
    if not describe(asked.probe).reads_prompts:
        if asked.inputs:
            raise BadSpecification(
                worded("%(probe)s makes its own sequences and reads no prompts.", probe=asked.probe)
            )
        return None
    chosen = of_plan if asked.inputs is None else asked.inputs
    if chosen is None:
        chosen = collect_answer_prompts(release)
    check_count(len(chosen), "MAX_PROBE_INPUTS", worded("The inputs of a probe run"))
    check_ids(chosen)
    return chosen


def _ensure_spec(
    asked: AskedProbe,
    *,
    release: Release,
    model: ArtefactVersion,
    dataset: ArtefactVersion | None,
    actor: str,
) -> ProbeSpec:
    probe, seed = asked.probe, asked.seed
    numbers = fill_parameters(probe, asked.parameters)
    check_whole(probe, numbers)
    others = fill_models(probe, asked.parameters, probed=model.digest)
    _check_models(others, release)
    filled = {**fill_choices(probe, asked.parameters), **others, **numbers}
    specification = ProbeSpecification(
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
        digest=digest_of_specification(specification),
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


def _check_models(named: Mapping[str, str], release: Release) -> None:
    """Refuse models that nobody vouched for in this system: whoever may probe one system names no other's models.

    Raises:
        ModelMissing: naming the first.
    """
    known = models_of(release.system).filter(digest__in=named.values()).values_list("digest", flat=True)
    for name, digest in named.items():
        if digest not in known:
            raise ModelMissing(
                worded(
                    "%(name)s: no model %(digest)s is registered or pinned by a release in "
                    "%(system_key)s, with the digest of its file",
                    name=name,
                    digest=digest,
                    system_key=release.system.key,
                )
            )


def _ensure_told(*, spec: ProbeSpec, release: Release, actor: str) -> ProbeRun:
    """Return the run of a measurement; where it is new, with its event, and told to workers once it is committed."""
    run, created = _ensure_run(spec=spec, release=release, actor=actor)
    if created:
        system, digest = release.system, spec.artefact_version.digest
        audit.record(verb="probe_run.queued", actor=actor, obj=run, system=system, digest=digest)
        # A broker that is away must not undo the request: beat sends the run again. Django logs the name of what
        # failed, which a `partial` has not.
        transaction.on_commit(lambda: run_probe.delay(run.pk), robust=True)
    return run


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


def model_to_probe(release: Release) -> ArtefactVersion:
    """Return the model that probes of a release measure.

    Raises:
        BadSpecification: the release pins none, or none by its bytes.
    """
    pin = release.pins.select_related("version__artefact").filter(slot=MODEL_SLOT).first()
    if pin is None:
        raise BadSpecification(
            worded(
                "Release %(release_name)s pins no model: there is nothing to probe.",
                release_name=release.name,
            )
        )
    if pin.version.digest_basis != DigestBasis.CONTENT:
        raise BadSpecification(
            worded(
                "Release %(release_name)s knows its model only by the label %(pin_version_label)s: "
                "register it with the digest of its file.",
                release_name=release.name,
                pin_version_label=repr(pin.version.label),
            )
        )
    return pin.version
