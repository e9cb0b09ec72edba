from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from evidence.digests import digest_of
from evidence.errors import InvalidInput
from evidence.models import ArtefactVersion, AuditEvent, DigestBasis, System, Trace
from evidence.services import audit, registry
from interpret.errors import BadSpecification, ModelMissing, UnknownProbe
from interpret.models import ProbeRun, ProbeSpec
from interpret.services.execution import specification_of
from interpret.services.queueing import queue_probe_run
from interpret.tasks import run_probe
from tests.factories import ACTOR, World, acting, make_world, manifest, second_release
from tests.interpret.conftest import INPUTS


def queue(world: World, **changes: Any) -> ProbeRun:
    return queue_probe_run(
        **{"release": world.release, "probe": "induction.heads", "principal": acting(), "seed": 4, **changes}
    )


def test_a_queued_run_is_versioned_audited_and_sent_after_the_commit(
    world: World, sent: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        run = queue(world, parameters={"heads": 2})
    assert sent == []
    callbacks[0]()
    assert sent == [run.pk]
    assert run.state == ProbeRun.State.QUEUED
    version = run.spec.artefact_version
    assert version.artefact.kind == "probe"
    assert version.digest == digest_of(specification_of(run).as_json())
    assert run.spec.parameters["heads"] == 2
    assert run.spec.parameters["length"] == 48  # the defaults are written down too
    assert AuditEvent.objects.get(verb="probe_run.queued").object_id == str(run.pk)


def test_a_run_is_on_record_although_no_broker_takes_it(
    world: World, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def refuse(_: int) -> None:
        raise ConnectionError

    monkeypatch.setattr(run_probe, "delay", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        run = queue(world)
    assert ProbeRun.objects.get(pk=run.pk).state == ProbeRun.State.QUEUED


def test_the_same_request_again_is_the_same_run(world: World) -> None:
    assert queue(world) == queue(world)
    assert ProbeRun.objects.count() == ProbeSpec.objects.count() == 1


def test_another_seed_is_another_specification(world: World) -> None:
    assert queue(world).spec != queue(world, seed=5).spec


def test_a_failed_run_may_be_asked_for_again(world: World) -> None:
    first = queue(world)
    ProbeRun.objects.filter(pk=first.pk).update(state=ProbeRun.State.FAILED)
    second = queue(world)
    assert second != first
    assert second.spec == first.spec


def test_two_pending_runs_of_one_measurement_are_refused_by_the_database(world: World) -> None:
    run = queue(world)
    with pytest.raises(IntegrityError, match="interpret_proberun_one_pending"):
        ProbeRun.objects.create(spec=run.spec, release=run.release, queued_by=ACTOR)


def test_nothing_is_queued_without_its_audit_event(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise IntegrityError

    monkeypatch.setattr(audit, "record", refuse)
    with pytest.raises(IntegrityError):
        queue(world)
    assert not ProbeRun.objects.exists()
    assert not ProbeSpec.objects.exists()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"probe": "induction.head"}, UnknownProbe, "did you mean 'induction.heads'"),
        ({"parameters": {"head": 1}}, BadSpecification, "no parameter 'head'"),
        ({"parameters": {"heads": "4"}}, BadSpecification, "is a number"),
        ({"parameters": {"heads": 1000}}, BadSpecification, "may be 1 to 64"),
        ({"seed": 2**31}, BadSpecification, "seed"),
        ({"inputs": INPUTS}, BadSpecification, "reads no prompts"),
        ({"probe": "entropy.next_token"}, BadSpecification, "has no traces"),
        ({"probe": "entropy.next_token", "inputs": []}, BadSpecification, "give `inputs`"),
    ],
)
def test_what_cannot_be_measured_is_refused_whole(
    world: World, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        queue(world, **changes)
    assert not ProbeRun.objects.exists()
    assert not ArtefactVersion.objects.filter(artefact__kind="probe").exists()


def test_a_release_that_knows_its_model_by_label_only_cannot_be_probed(world: World) -> None:
    version = registry.ensure_version(
        system=world.system,
        kind="model",
        key="other",
        label="latest",
        digest="7" * 64,
        basis=DigestBasis.LABEL,
        actor=ACTOR,
    )
    pin = registry.PinSpec(slot="model", kind="model", key="other", label="latest", digest=version.digest)
    release = registry.register_release(
        system=world.system, manifest=registry.ReleaseManifest("r2", [pin]), principal=acting()
    )
    with pytest.raises(BadSpecification, match="only by the label"):
        queue(world, release=release)


def test_a_release_without_a_model_cannot_be_probed(world: World) -> None:
    pins = [pin for pin in manifest("x").pins if pin.slot != "model"]
    release = registry.register_release(
        system=world.system, manifest=registry.ReleaseManifest("r3", pins), principal=acting()
    )
    with pytest.raises(BadSpecification, match="pins no model"):
        queue(world, release=release)


def see_model(system: System, digest: str, **changes: Any) -> None:
    """Have a version be known that nobody vouched for, as a trace may name it."""
    registry.ensure_version(
        **{
            "system": system, "kind": "model", "key": "seen", "label": digest[:8], "digest": digest,
            "actor": ACTOR, **changes,
        }
    )  # fmt: skip


def test_a_run_names_only_models_that_its_own_system_vouched_for(world: World) -> None:
    see_model(world.system, "5" * 64)
    elsewhere = make_world("elsewhere").release.pins.get(slot="model").version.digest
    ours = world.release.pins.get(slot="model").version.digest
    newer = second_release(world)
    refused = ["5" * 64, *({elsewhere} - {ours}), newer.pins.get(slot="prompt").version.digest]
    for digest in refused:
        with pytest.raises(ModelMissing, match=f"against: no model {digest} is registered or pinned"):
            queue(world, release=newer, probe="model.drift", parameters={"against": digest})
    assert not ProbeRun.objects.exists()
    run = queue(world, release=newer, probe="model.drift", parameters={"against": ours})
    assert specification_of(run).parameters["against"] == ours
    assert run.spec.model_version.digest != ours


@pytest.mark.parametrize(
    ("against", "message"),
    [
        (None, "against is to be given"),
        ("smollm2", "64 lower-case hex digits, not 'smollm2'"),
        ("A" * 64, "64 lower-case hex digits"),
        (7, "64 lower-case hex digits, not 7"),
    ],
)
def test_a_model_is_named_by_its_digest(world: World, against: object, message: str) -> None:
    given = {} if against is None else {"against": against}
    with pytest.raises(BadSpecification, match=message):
        queue(world, probe="model.drift", parameters=given)


def test_a_model_is_not_compared_with_itself(world: World) -> None:
    pinned = world.release.pins.get(slot="model").version.digest
    with pytest.raises(BadSpecification, match="there is nothing to compare"):
        queue(world, probe="model.drift", parameters={"against": pinned})


def test_given_prompts_become_a_dataset_version_and_come_back_as_they_were(world: World) -> None:
    run = queue(world, probe="entropy.next_token", inputs=INPUTS)
    assert run.spec.dataset_version is not None
    specification = specification_of(run)
    assert specification.inputs == INPUTS
    assert specification.dataset_digest == run.spec.dataset_version.digest
    assert specification.model_digest == run.spec.model_version.digest


def test_without_given_prompts_the_release_s_questions_are_taken(world: World) -> None:
    for language in ("en", "zh-Hans"):
        now = timezone.now()
        Trace.objects.create(
            system=world.system, release=world.release, trace_id=uuid.uuid4(), revision=1, digest="0" * 64,
            status="complete", name="answer", started_at=now, ended_at=now, span_count=1, risk_tier="low",
            question=f"asked in {language}", language=language, assembler_version="1", sealed_at=now,
        )  # fmt: skip
    inputs = specification_of(queue(world, probe="entropy.next_token")).inputs
    assert {(item.text, item.language) for item in inputs} == {
        ("asked in en", "en"),
        ("asked in zh-Hans", "zh-Hans"),
    }


def test_more_inputs_than_a_run_may_have_are_refused_and_the_limit_named(
    world: World, sent: list[int], settings: Any
) -> None:
    settings.MAX_PROBE_INPUTS = len(INPUTS) - 1
    with pytest.raises(InvalidInput, match="4 are named, and TRACEBINDER_MAX_PROBE_INPUTS allows 3"):
        queue(world, probe="entropy.next_token", inputs=INPUTS)
    assert not ProbeRun.objects.exists()
    settings.MAX_PROBE_INPUTS = len(INPUTS)
    assert queue(world, probe="entropy.next_token", inputs=INPUTS)
