"""The pages of an eval run and of two beside each other: intervals drawn, worst first, and what newly fails."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from evidence.models import EvalRun
from tests.evidence.eval_files import eval_file, post
from tests.factories import World, make_world

pytestmark = pytest.mark.django_db
LANGUAGES = [{"language": "en"}, {"language": "zh-Hans"}]
DATASET = {"key": "tasks", "label": "2", "digest": "d" * 64}


@pytest.fixture
def runs(world: World) -> tuple[EvalRun, EvalRun]:
    """Return a run that is right on 60 items, and one that is wrong on 12 of the Chinese ones."""
    before = post(world, eval_file([1.0] * 60, run_key="old", slices=LANGUAGES)).run
    return before, post(world, eval_file([1.0] * 36 + [1.0, 0.0] * 12, run_key="new", slices=LANGUAGES)).run


def compare(client: Client, baseline: EvalRun, candidate: EvalRun, **more: str) -> tuple[int, str]:
    asked = {"baseline": str(baseline.pk), "candidate": str(candidate.pk), **more}
    answer = client.get(reverse("admin:compare_runs"), asked)
    return answer.status_code, answer.content.decode()


def test_a_run_shows_its_intervals_worst_slice_and_worst_samples(
    world: World, client: Client, runs: tuple[EvalRun, EvalRun]
) -> None:
    client.force_login(world.people["author"])
    page = client.get(reverse("admin:evidence_evalrun_change", args=[runs[1].pk])).content.decode()
    assert "whole run: 0.8 [" in page
    assert page.index("language=zh-Hans: 0.6 [") < page.index("language=en: 1 [")
    assert page.count(">q</td>") == 5  # worst samples, of twelve that failed
    assert f"baseline={runs[0].pk}&amp;candidate={runs[1].pk}" in page


def test_two_runs_are_shown_with_what_was_lost_where(
    world: World, client: Client, runs: tuple[EvalRun, EvalRun]
) -> None:
    client.force_login(world.people["author"])
    status, page = compare(client, *runs, margin="0.05")
    assert status == 200
    assert "</span> worse</span>" in page
    assert "</span> refuted</span>" in page  # that it is not worse than by the margin
    assert "12 newly failing" in page
    assert page.index("language=zh-Hans: -0.4 [") < page.index("language=en: 0 [")
    assert "60 items compared item by item, 60 independent units" in page


def test_what_cannot_be_compared_is_refused_with_the_reason(world: World, client: Client) -> None:
    client.force_login(world.people["author"])
    first = post(world, eval_file([1.0] * 4, run_key="a")).run
    other = post(world, eval_file([1.0] * 4, run_key="b", dataset=DATASET)).run
    status, page = compare(client, first, other)
    assert status == 409
    assert "the dataset of the baseline is" in page
    assert compare(client, first, first, margin="much")[0] == 422


def test_runs_of_systems_that_are_not_ones_own_are_not_there(world: World, client: Client) -> None:
    elsewhere = make_world("other-desk")
    foreign = post(elsewhere, eval_file([1.0], run_key="x", system="other-desk")).run
    own = post(world, eval_file([1.0], run_key="y")).run
    client.force_login(world.people["author"])
    assert compare(client, own, foreign)[0] == 404
    assert client.get(reverse("admin:compare_runs"), {"baseline": own.pk}).status_code == 422


def test_the_matrix_shows_the_newest_run_of_each_suite_with_n_and_interval(
    world: World, client: Client, runs: tuple[EvalRun, EvalRun]
) -> None:
    suite = {"key": "pressure", "label": "1", "digest": "5" * 64}
    metrics = {"held": {"kind": "proportion", "direction": "higher", "unit": "share"}}
    samples = [{"id": "a", "scores": {"held": {"status": "scored", "value": 1.0}}}]
    post(world, eval_file([1.0], run_key="other", suite=suite, metrics=metrics, samples=samples))
    client.force_login(world.people["author"])
    page = client.get(reverse("admin:eval_matrix")).content.decode()
    rows = [row for row in page.split("<tr>") if "behaviour</a>" in row or "pressure</a>" in row]
    assert len(rows) == 2  # the older run of the suite is not there
    assert "0.8 share [0." in rows[0]
    assert ", n 60</td><td>–</td>" in rows[0]
    assert "<td>–</td><td>1 share" in rows[1]
    by_language = client.get(reverse("admin:eval_matrix"), {"by": "language"}).content.decode()
    assert by_language.count("behaviour</a>") == 2
    assert "<td>zh-Hans</td><td>r1</td><td>0.6 share" in by_language
