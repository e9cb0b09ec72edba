"""Labels of people: who gives them, how they come in, and in which order answers are labelled."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from evidence.access import principal_of_user
from evidence.errors import AccessDenied, ConflictingContent, InvalidInput
from evidence.evals.corrected import drawn_order
from evidence.models import AuditEvent, EvalRun, EvalSample, Label, LabelSet, Scope
from evidence.selectors.labels import draw_sheet, seed_of
from evidence.services.labels import LabelDraft, record_labels
from tests.evidence.eval_files import eval_file, post
from tests.factories import World, acting, make_world, register_release, retract
from tests.factories import manifest as pins
from tests.kept_scenes import kept_scene

pytestmark = pytest.mark.django_db

JUDGE = {"key": "llm", "label": "1"}
SHARE = {"kind": "proportion", "direction": "higher", "unit": "share"}


@pytest.fixture
@kept_scene
def run(world: World) -> EvalRun:
    return post(world, eval_file([0.25] * 60, judge=JUDGE)).run


def say(world: World, run: EvalRun, *drafts: LabelDraft, role: str = "reviewer") -> LabelSet:
    return record_labels(principal=world.principal(role), run=run, labels=drafts)


def signed_in(world: World, role: str = "reviewer") -> APIClient:
    client = APIClient()
    client.force_login(world.people[role])
    return client


def body(world: World, run: EvalRun, **over: Any) -> dict[str, Any]:
    said = {"sample": "0", "metric": "grounded", "value": 1.0, **over}
    return {"system": world.system.key, "run_key": run.run_key, "labels": [said]}


def test_labels_are_stored_with_who_said_them_and_their_event(world: World, run: EvalRun) -> None:
    stored = say(world, run, LabelDraft("0", "grounded", 1.0), LabelDraft("1", "grounded", None))
    assert stored.labelled_by == world.principal("reviewer").actor
    assert list(stored.labels.order_by("pk").values_list("sample_id", "value")) == [("0", 1.0), ("1", None)]
    event = AuditEvent.objects.get(verb="labels.recorded")
    assert (event.object_digest, event.actor) == (stored.digest, stored.labelled_by)


def test_the_same_labels_sent_again_add_nothing_and_a_changed_mind_does(world: World, run: EvalRun) -> None:
    one = [LabelDraft("0", "grounded", 1.0), LabelDraft("1", "grounded", 0.0)]
    first = say(world, run, *one)
    assert say(world, run, *reversed(one)) == first
    changed = say(world, run, LabelDraft("0", "grounded", 0.0))
    assert say(world, run, *one).pk > changed.pk
    assert (LabelSet.objects.count(), Label.objects.count()) == (3, 5)


@pytest.mark.parametrize(
    ("draft", "code"),
    [
        (LabelDraft("0", "fluent", 1.0), "not_judged"),
        (LabelDraft("0", "latency", 1.0), "not_judged"),
        (LabelDraft("9999", "grounded", 1.0), "unknown_sample"),
        (LabelDraft("0", "grounded", 1.5), "out_of_range"),
        (LabelDraft("0", "grounded", float("nan")), "out_of_range"),
    ],
)
def test_what_is_no_label_of_an_answer_is_refused_by_its_place(
    world: World, draft: LabelDraft, code: str
) -> None:
    metrics = {"grounded": SHARE, "latency": {**SHARE, "judge": None}}
    run = post(world, eval_file(judge=JUDGE, metrics=metrics)).run
    with pytest.raises(InvalidInput) as refused:
        say(world, run, LabelDraft("1", "grounded", 1.0), draft)
    (fault,) = refused.value.faults
    assert fault.code == code
    assert fault.path.startswith("labels[1]")
    assert not LabelSet.objects.exists()


def test_two_labels_of_one_answer_in_a_set_and_no_label_are_refused(world: World, run: EvalRun) -> None:
    with pytest.raises(InvalidInput, match="labelled above"):
        say(world, run, LabelDraft("0", "grounded", 1.0), LabelDraft("0", "grounded", 0.0))
    with pytest.raises(InvalidInput, match="at least one"):
        say(world, run)


def test_nobody_labels_what_they_put_on_record_or_what_was_retracted(world: World, run: EvalRun) -> None:
    both = principal_of_user(world.join("both", "author", "reviewer"))
    register_release(world.system, pins(name="r2"), both)
    own = post(world, eval_file(judge=JUDGE, release="r2", run_key="own")).run
    drafts = [LabelDraft("0", "grounded", 1.0)]
    with pytest.raises(AccessDenied, match="another person must label"):
        record_labels(principal=both, run=own, labels=drafts)
    record_labels(principal=both, run=run, labels=drafts)
    retract(run)
    with pytest.raises(ConflictingContent, match="retracted"):
        record_labels(principal=both, run=run, labels=[LabelDraft("1", "grounded", 1.0)])


def test_a_person_labels_by_api_and_a_token_does_not(world: World, run: EvalRun) -> None:
    answer: Any = signed_in(world).post("/api/v1/label-sets", body(world, run), format="json")
    assert answer.status_code == 201, answer.json()
    assert answer.json()["n_labels"] == 1
    headers = world.headers(Scope.REVIEW)
    refused: Any = APIClient().post("/api/v1/label-sets", body(world, run), format="json", **headers)
    assert refused.status_code == 403
    listed: Any = APIClient().get("/api/v1/label-sets?run_key=run-1", **world.headers(Scope.READ))
    assert [each["run_key"] for each in listed.json()["results"]] == ["run-1"]
    said: Any = APIClient().get(
        f"/api/v1/labels?label_set={answer.json()['id']}", **world.headers(Scope.READ)
    )
    (one,) = said.json()["results"]
    assert (one["sample"], one["value"], one["labelled_by"]) == ("0", 1.0, world.principal("reviewer").actor)
    wrong: Any = signed_in(world).post(
        "/api/v1/label-sets", body(world, run, metric="groundd"), format="json"
    )
    assert wrong.status_code == 422
    assert "'grounded'" in wrong.json()["detail"]


def test_the_sheet_draws_answers_and_does_not_tell_what_the_judge_said(world: World, run: EvalRun) -> None:
    order = drawn_order(seed_of(run), [str(k) for k in range(60)])
    path = f"/api/v1/eval-runs/{run.pk}/label-sheet"
    answer: Any = signed_in(world).get(f"{path}?n=5")
    sheet = answer.json()
    assert [each["sample"] for each in sheet["answers"]] == order[:5]
    assert sheet["metric"] == "grounded"
    assert "0.25" not in answer.content.decode()
    say(world, run, *(LabelDraft(name, "grounded", 1.0) for name in order[:3]))
    again: Any = signed_in(world).get(f"{path}?n=2&metric=grounded")
    assert [each["sample"] for each in again.json()["answers"]] == order[3:5]
    other: Any = signed_in(world).get(f"{path}?metric=groundd")
    assert other.status_code == 422
    assert signed_in(world, "author").get(path).status_code == 403


def test_nothing_of_another_system_is_drawn_or_labelled(world: World, run: EvalRun) -> None:
    other = make_world("other")
    assert signed_in(other).get(f"/api/v1/eval-runs/{run.pk}/label-sheet").status_code == 404
    assert signed_in(other).post("/api/v1/label-sets", body(world, run), format="json").status_code == 404


def test_an_answer_without_a_score_is_not_on_the_sheet(world: World) -> None:
    run = post(world, eval_file([1.0, None, 1.0], judge=JUDGE)).run
    drawn = draw_sheet(run, "grounded", "person:nobody", 10)
    assert {each.sample_id for each in drawn} == {"0", "2"}


def test_a_reviewer_labels_on_the_page_as_drawn(world: World, run: EvalRun) -> None:
    client = Client(headers={"Accept": "text/html"})
    client.force_login(world.people["reviewer"])
    address = f"/admin/label-sheet/{run.pk}/"
    page = client.get(address)
    shown = [one.sample for one in page.context["shown"]]
    assert [sample.sample_id for sample in shown] == drawn_order(seed_of(run), [str(k) for k in range(60)])[
        :20
    ]
    assert "0.25" not in page.content.decode()
    said = {f"label-{shown[0].pk}": "yes", f"label-{shown[1].pk}": "no", f"label-{shown[2].pk}": "unclear"}
    after = client.post(address, said, follow=True)
    values = Label.objects.order_by("pk").values_list("sample_id", "value")
    assert dict(values) == dict(zip([each.sample_id for each in shown[:3]], [1.0, 0.0, None], strict=True))
    assert after.context["shown"][0].sample.sample_id == shown[3].sample_id
    nothing = client.post(address, {}, follow=True)
    assert "at least one answer" in nothing.content.decode()


def test_the_page_is_a_reviewers_and_of_metrics_that_a_judge_gave(world: World, run: EvalRun) -> None:
    client = Client(headers={"Accept": "text/html"})
    client.force_login(world.people["author"])
    assert client.get(f"/admin/label-sheet/{run.pk}/").status_code == 403
    client.force_login(world.people["reviewer"])
    assert client.get(f"/admin/label-sheet/{run.pk}/?metric=fluent").status_code == 404
    without = post(world, eval_file(run_key="run-2"), principal=acting("token:ci")).run
    assert client.get(f"/admin/label-sheet/{without.pk}/").status_code == 404
    for shown, leads in ((run, True), (without, False)):
        page = client.get(reverse("admin:evidence_evalrun_change", args=[shown.pk])).content.decode()
        assert (f"/admin/label-sheet/{shown.pk}/" in page) is leads


# What colleagues said of an answer would lead whoever labels it next.


def listed(client: APIClient, name: str) -> list[dict[str, Any]]:
    return list(client.get(f"/api/v1/{name}").json()["results"])


def test_whoever_labels_reads_colleagues_once_they_have_said_their_own(world: World, run: EvalRun) -> None:
    say(world, run, LabelDraft("0", "grounded", 0.0), LabelDraft("1", "grounded", 1.0))
    second = world.join("second", "reviewer")
    client = APIClient()
    client.force_login(second)
    assert (listed(client, "labels"), listed(client, "label-sets")) == ([], [])
    mine = principal_of_user(second)
    record_labels(principal=mine, run=run, labels=[LabelDraft("0", "grounded", 1.0)])
    assert {(each["sample"], each["value"]) for each in listed(client, "labels")} == {("0", 0.0), ("0", 1.0)}
    assert [each["labelled_by"] for each in listed(client, "label-sets")] == [mine.actor]
    record_labels(principal=mine, run=run, labels=[LabelDraft("1", "grounded", None)])
    assert len(listed(client, "labels")) == 4
    assert len(listed(client, "label-sets")) == 3


def test_no_filter_and_no_page_tells_a_reviewer_of_labels_to_come(world: World, run: EvalRun) -> None:
    stored = say(world, run, LabelDraft("0", "grounded", 0.0))
    second = world.join("second", "reviewer")
    client = APIClient()
    client.force_login(second)
    assert client.get(f"/api/v1/labels?label_set={stored.pk}").json()["results"] == []
    person = Client()
    person.force_login(second)
    for name, row in (("label", stored.labels.get()), ("labelset", stored)):
        page = person.get(reverse(f"admin:evidence_{name}_changelist"))
        assert page.status_code == 200
        assert page.context["cl"].result_count == 0
        change = person.get(reverse(f"admin:evidence_{name}_change", args=[row.pk]))
        assert change.status_code in {302, 404}


@pytest.mark.parametrize("role", ["author", "approver", "auditor"])
def test_those_who_label_nothing_read_what_was_said(world: World, run: EvalRun, role: str) -> None:
    say(world, run, LabelDraft("0", "grounded", 0.0))
    assert [each["value"] for each in listed(signed_in(world, role), "labels")] == [0.0]


def test_labels_of_a_run_that_nobody_labels_any_more_are_open_to_read(world: World, run: EvalRun) -> None:
    say(world, run, LabelDraft("0", "grounded", 0.0))
    retract(run)
    client = APIClient()
    client.force_login(world.join("second", "reviewer"))
    assert len(listed(client, "labels")) == len(listed(client, "label-sets")) == 1


def test_the_sheet_refuses_what_is_no_answer_of_its_run_and_keeps_what_was_said(
    world: World, run: EvalRun, client: Client
) -> None:
    client.force_login(world.people["reviewer"])
    address = f"/admin/label-sheet/{run.pk}/"
    first, second = (f"label-{one.sample.pk}" for one in client.get(address).context["shown"][:2])
    other = post(world, eval_file([0.5] * 3, judge=JUDGE, run_key="run-2")).run
    foreign = f"label-{EvalSample.objects.filter(run=other).latest('pk').pk}"
    for name, value in {
        "lable-1": "no",
        foreign: "no",
        "label-": "no",
        "label-x": "no",
        second: "maybe",
    }.items():
        answer = client.post(address, {first: "yes", name: value})
        page = answer.content.decode()
        assert answer.status_code == 422, name
        assert name in page.split("Invalid input", 1)[1]
        assert f'name="{first}" value="yes" checked' in page
        assert not Label.objects.exists()
    assert client.post(address, {"made_from": "claims", "made_form": "x"}).status_code == 422
    assert client.post(address, {first: "yes"}).status_code == 302
    assert Label.objects.count() == 1
