"""Files of other runners through the API: each is told by its content, stored, and says what it cannot say."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from evidence.models import EvalRun
from tests.evidence.eval_files import SAID, pusher
from tests.evidence.eval_readers import DATA, case
from tests.factories import World


@pytest.fixture
def push(world: World, api: APIClient) -> Any:
    return pusher(world, api)


def said_beside(*of_file: str) -> dict[str, str]:
    """Return what a poster says of a file that says some of it itself."""
    return {name: value for name, value in SAID.items() if name.removesuffix("_label") not in of_file}


@pytest.mark.parametrize(
    ("name", "of_file", "runs"),
    [
        ("promptfoo.jsonl", (), 2),
        ("junit.xml", ("commit",), 1),
        ("lm-eval.zip", ("suite", "evaluator", "commit", "observed_from", "observed_to"), 2),
        ("deepeval.json", (), 1),
        ("helm.zip", ("suite", "dataset"), 1),
        ("otel.jsonl", ("observed_from", "observed_to"), 1),
        ("mlflow.json", (), 1),
        ("langfuse.json", ("observed_from", "observed_to"), 1),
    ],
)
def test_each_runners_file_is_stored_once_its_poster_says_the_rest(
    push: Any, name: str, of_file: tuple[str, ...], runs: int
) -> None:
    raw = (DATA / name).read_bytes()
    answer = push(raw, release="r1", **said_beside(*of_file))
    assert answer.status_code == 201, answer.content
    assert EvalRun.objects.count() == runs
    assert {run.raw_id for run in EvalRun.objects.all()} == {EvalRun.objects.first().raw_id}  # type: ignore[union-attr]
    assert push(raw, release="r1", **said_beside(*of_file)).status_code == 200


def test_a_promptfoo_file_says_what_its_poster_has_to(push: Any) -> None:
    answer = push(case("promptfoo/two-providers.json"))
    assert answer.status_code == 422
    assert {each["path"] for each in answer.json()["errors"]} == {"suite", "dataset", "commit"}


def test_what_is_refused_by_name_says_what_to_send(push: Any) -> None:
    answer = push(case("promptfoo/two-providers.csv"), **SAID)
    assert answer.status_code == 422
    assert "--output results.json" in answer.content.decode()
    bomb = push(case("junit/entities.junit.xml"), **SAID)
    assert bomb.status_code == 422
    assert "DOCTYPE" in bomb.content.decode()


def test_a_lying_suite_is_flagged_beside_its_numbers(push: Any) -> None:
    body = push(case("junit/nested-both.junit.xml"), **said_beside("commit")).json()
    assert (body["n_error"], body["release"]) == (0, None)
    assert {each["code"] for each in body["remarks"]} == {"total_differs"}
    assert (99.0, "tests") in {(each["stated"], each["name"]) for each in body["totals"]}
    assert ("verifies:REQ-12", "yes") in {pair for each in body["scores"] for pair in each["slice"].items()}
