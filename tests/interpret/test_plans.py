"""A plan of probes: all of them are asked for, or none."""

from __future__ import annotations

from threading import Barrier, Thread
from time import sleep
from typing import Any

import pytest
from django.db import IntegrityError, connection
from rest_framework.test import APIClient

from evidence.errors import InvalidInput
from evidence.models import Artefact, ArtefactVersion, AuditEvent
from evidence.services import audit
from interpret.contracts import ProbeInput
from interpret.errors import BadSpecification, UnknownProbe
from interpret.models import ProbeRun
from interpret.services import queueing
from interpret.services.execution import specification_of
from interpret.services.queueing import AskedProbe, queue_probe_plan, queue_probe_run
from tests.factories import World, acting
from tests.interpret.conftest import INPUTS

pytestmark = pytest.mark.usefixtures("sent")
OTHERS = tuple(ProbeInput(f"q{i}", f"another question {i}", "zh-Hans") for i in range(4))
ENTROPY, HEADS = AskedProbe("entropy.next_token"), AskedProbe("induction.heads")
PATTERNS = AskedProbe("attention.patterns")
BODY: dict[str, Any] = {
    "system": "credit-assistant",
    "release": "r1",
    "seed": 5,
    "probes": [
        {"probe": "induction.heads", "parameters": {"heads": 2}},
        {"probe": "entropy.next_token", "seed": 6},
        {"probe": "entropy.next_token"},
    ],
    "inputs": [{"id": each.id, "text": each.text, "language": each.language} for each in INPUTS],
}


def plan(world: World, *probes: AskedProbe, **changes: Any) -> list[ProbeRun]:
    return queue_probe_plan(
        **{"principal": acting(), "release": world.release, "probes": probes, "inputs": INPUTS, **changes}
    )


def researcher(world: World) -> APIClient:
    client = APIClient()
    client.force_login(world.people["researcher"])
    return client


def test_a_plan_is_answered_with_its_runs_in_the_order_asked(world: World) -> None:
    answer = researcher(world).post("/api/v1/probe-plans", BODY, format="json")
    assert answer.status_code == 201, answer.content
    runs = answer.json()["runs"]
    assert [(run["probe"], run["seed"]) for run in runs] == [
        ("induction.heads", 5),
        ("entropy.next_token", 6),
        ("entropy.next_token", 5),
    ]
    assert runs[0]["parameters"]["heads"] == 2
    assert [run["id"] for run in runs] == sorted(run["id"] for run in runs)
    assert AuditEvent.objects.filter(verb="probe_run.queued").count() == 3


def test_workers_are_told_of_each_run_in_that_order(
    world: World, sent: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        runs = plan(world, HEADS, ENTROPY)
    assert sent == [run.pk for run in runs]


def test_the_same_plan_again_in_another_order_is_the_same_runs(world: World) -> None:
    first, second = plan(world, HEADS, ENTROPY)
    assert plan(world, ENTROPY, HEADS) == [second, first]
    assert ProbeRun.objects.count() == 2


def test_a_plan_asks_as_single_requests_do(world: World) -> None:
    alone = queue_probe_run(
        principal=acting(), release=world.release, probe="entropy.next_token", inputs=INPUTS
    )
    assert plan(world, HEADS, ENTROPY)[1] == alone


def test_what_failed_is_asked_for_anew_and_the_rest_is_not(world: World) -> None:
    first, second = plan(world, HEADS, ENTROPY)
    ProbeRun.objects.filter(pk=first.pk).update(state=ProbeRun.State.FAILED)
    again, same = plan(world, HEADS, ENTROPY)
    assert again != first
    assert again.spec == first.spec
    assert same == second


def test_prompts_of_the_plan_are_for_those_that_read_some_and_name_none(world: World) -> None:
    _, shared, own = plan(world, HEADS, ENTROPY, AskedProbe("entropy.next_token", seed=1, inputs=OTHERS))
    assert (specification_of(shared).inputs, specification_of(own).inputs) == (INPUTS, OTHERS)
    assert ArtefactVersion.objects.filter(artefact__kind="probe_inputs").count() == 2


def test_prompts_of_the_traces_are_looked_up_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []

    def collect(release: object) -> tuple[ProbeInput, ...]:
        looked.append(release)
        return INPUTS

    monkeypatch.setattr(queueing, "collect_answer_prompts", collect)
    plan(world, ENTROPY, AskedProbe("entropy.next_token", seed=1), inputs=None)
    assert looked == [world.release]


@pytest.mark.parametrize(
    ("probes", "error", "message"),
    [
        ([], BadSpecification, "at least one probe"),
        ([HEADS, AskedProbe("induction.head")], UnknownProbe, r"probes\[1\]: no probe 'induction.head'"),
        ([ENTROPY, AskedProbe("induction.heads", {"head": 1})], BadSpecification, r"probes\[1\]: .*'head'"),
        (
            [HEADS, AskedProbe("induction.heads", inputs=INPUTS)],
            BadSpecification,
            r"probes\[1\]: .*no prompts",
        ),
        ([HEADS], BadSpecification, "No probe of this plan reads its `inputs`"),
        ([ENTROPY, HEADS, ENTROPY], BadSpecification, r"probes\[2\]: it asks the same as probes\[0\]"),
        (
            [ENTROPY, AskedProbe("entropy.next_token", {"chat": 1}, inputs=INPUTS)],
            BadSpecification,
            r"probes\[1\]: it asks the same",
        ),
        (
            [ENTROPY, AskedProbe("entropy.next_token", inputs=())],
            BadSpecification,
            r"probes\[1\]: .*`inputs`",
        ),
        ([ENTROPY, AskedProbe("induction.heads", seed=2**31)], BadSpecification, r"probes\[1\]: seed"),
        (
            [ENTROPY, AskedProbe("entropy.next_token", inputs=(*OTHERS, OTHERS[0]))],
            BadSpecification,
            r"probes\[1\]: two inputs have the same id",
        ),
        (
            [ENTROPY, AskedProbe("induction.heads", {"heads": 2.5})],
            BadSpecification,
            r"probes\[1\]: induction.heads.heads is a whole number, not 2.5",
        ),
    ],
)
def test_what_is_wrong_with_one_keeps_all_from_being_asked(
    world: World, sent: list[int], probes: list[AskedProbe], error: type[Exception], message: str
) -> None:
    before = AuditEvent.objects.count()
    with pytest.raises(error, match=message):
        plan(world, *probes)
    assert not ProbeRun.objects.exists()
    assert not Artefact.objects.filter(kind__in=["probe", "probe_inputs"]).exists()
    assert AuditEvent.objects.count() == before
    assert sent == []


def test_no_run_of_a_plan_stays_where_the_event_of_the_last_cannot_be_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, queued = audit.record, 0

    def refuse_the_second(**given: Any) -> Any:
        nonlocal queued
        queued += given["verb"] == "probe_run.queued"
        if queued == 2:
            raise IntegrityError
        return record(**given)

    monkeypatch.setattr(audit, "record", refuse_the_second)
    with pytest.raises(IntegrityError):
        plan(world, HEADS, ENTROPY)
    assert not ProbeRun.objects.exists()


def test_more_probes_or_prompts_than_there_may_be_are_refused_by_the_name_of_the_limit(
    world: World, settings: Any
) -> None:
    settings.MAX_PLAN_PROBES = 1
    with pytest.raises(InvalidInput, match="2 are named, and TRACEBINDER_MAX_PLAN_PROBES allows 1"):
        plan(world, HEADS, ENTROPY)
    settings.MAX_PROBE_INPUTS = len(INPUTS) - 1
    with pytest.raises(InvalidInput, match=r"probes\[0\]: .* TRACEBINDER_MAX_PROBE_INPUTS allows 3"):
        plan(world, ENTROPY)
    assert not ProbeRun.objects.exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"probe": []}, "probe"),
        ({"probes": [{"probe": "induction.heads", "parameter": {}}]}, "probes[0].parameter"),
        ({"probes": [{"probe": "induction.heads", "inputs": [{"id": "a"}]}]}, "probes[0].inputs[0].text"),
        ({"probes": []}, "probes"),
        ({"probes": [{"probe": "induction.heads", "seed": -1}]}, "probes[0].seed"),
    ],
)
def test_what_nobody_knows_is_refused_with_its_place(
    world: World, changes: dict[str, Any], told: str
) -> None:
    answer = researcher(world).post("/api/v1/probe-plans", {**BODY, **changes}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert told in [fault["path"] for fault in answer.json()["errors"]]
    assert not ProbeRun.objects.exists()


def test_the_prompts_that_a_plan_names_are_counted_together_before_any_is_looked_at(
    world: World, settings: Any
) -> None:
    settings.MAX_PROBE_INPUTS = 2 * len(INPUTS) - 1
    own = {"probe": "entropy.next_token", "seed": 9, "inputs": [7] * len(INPUTS)}
    answer = researcher(world).post(
        "/api/v1/probe-plans", {**BODY, "probes": [*BODY["probes"], own]}, format="json"
    )
    (fault,) = answer.json()["errors"]
    assert (answer.status_code, fault["code"]) == (422, "too_many")
    assert "8 are named, and TRACEBINDER_MAX_PROBE_INPUTS allows 7" in fault["message"]


def test_a_cluster_is_kept_with_its_prompt(world: World) -> None:
    inputs = [{**each, "cluster": f"document {i // 2}"} for i, each in enumerate(BODY["inputs"])]
    answer = researcher(world).post("/api/v1/probe-plans", {**BODY, "inputs": inputs}, format="json")
    run = ProbeRun.objects.get(pk=answer.json()["runs"][1]["id"])
    kept = [item.cluster for item in specification_of(run).inputs]
    assert kept == ["document 0", "document 0", "document 1", "document 1"]


@pytest.mark.django_db(transaction=True)
def test_two_plans_of_the_same_probes_in_two_orders_wait_for_each_other_and_answer_alike(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure, answers, start = queueing._ensure_spec, dict[int, list[int]](), Barrier(2)

    def ensure_slowly(*given: Any, **named: Any) -> Any:
        spec = ensure(*given, **named)
        sleep(0.2)  # seconds: the other one is at its first probe, too
        return spec

    def ask(number: int) -> None:
        start.wait()
        try:
            runs = plan(world, *((HEADS, PATTERNS), (PATTERNS, HEADS))[number], inputs=None)
            answers[number] = sorted(run.pk for run in runs)
        finally:
            connection.close()

    monkeypatch.setattr(queueing, "_ensure_spec", ensure_slowly)
    asking = [Thread(target=ask, args=[number]) for number in range(2)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert answers[0] == answers[1]
    assert ProbeRun.objects.count() == 2
