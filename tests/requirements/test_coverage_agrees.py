"""Count, list, gate and export never disagree: over worlds that are drawn, on every surface, now and later."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from evidence import clock
from evidence.models import Scope
from evidence.selectors.binder.scope import BinderScope
from evidence.services.gates import CriterionReference
from requirements.covered import Standing
from requirements.pages import coverage as pages
from requirements.selectors import coverage as selector
from requirements.services.assessment import assess_for_gate
from requirements.services.baselines import freeze_baseline
from requirements.services.binder_sections import requirement_sections
from requirements.services.requirements import import_requirements
from tests.factories import World, acting
from tests.how_many import examples
from tests.requirements.builders import AUTHOR, approve, make_traces, retire
from tests.requirements.test_coverage import assess

pytestmark = pytest.mark.django_db

N = 9  # requirements of a world
_HEAD = "format: tracebinder.requirements/1\nrequirements:\n"
_ONE = """\
  - key: {key}
    statement: The answer must say {key}, wording {wording}.
    risk_tier: low
    layer: {layer}
    owner: po
    review_every_days: 9
    criteria: {criteria}
"""


def criteria_of(chance: Random) -> list[dict[str, Any]]:
    return [
        {
            "key": f"c{number}",
            "check": "answers.confidence_and_limits",
            "at_least": chance.choice([0.3, 0.6, 0.99]),
            "min_n": chance.choice([1, 11, 60]),
            "max_age_days": chance.choice([10, 30, 90]),
            "slices": chance.choice([[], [{"language": "zh-Hans"}], [{"language": "fr"}]]),
        }
        for number in range(chance.choice([0, 1, 1, 2]))
    ]


def write(world: World, name: str, chance: Random, wording: int) -> Any:
    """Import one requirement in a file of its own, as the chance has it, and return its version."""
    text = _ONE.format(
        key=name, wording=wording, criteria=json.dumps(criteria_of(chance)),
        layer=chance.choice(["product", "product", "grounding", "formal"]),
    )  # fmt: skip
    result = import_requirements(
        principal=acting(AUTHOR),
        system=world.system,
        source=(_HEAD + text).encode(),
        file_name=f"{name}.yaml",
    )
    return result.requirements[0].version


def draw(world: World, chance: Random) -> None:
    """Store traces of three languages and ages, and requirements of all standings, some assessed and some not.

    The baseline `b` has versions that were approved, and of which some are superseded or retired by now.
    """
    for language, age, n, good in (
        ("en", 1, 16, True),
        ("zh-Hans", 20, 14, chance.random() < 0.5),
        ("fr", 60, 14, True),
    ):
        make_traces(
            world, n, language=language, age=timedelta(days=age), has_confidence=good, has_limitations=good
        )
    approved = [write(world, f"R{number}", chance, 1) for number in range(N)]
    for version in approved:
        approve(version)
    freeze_baseline(principal=acting(AUTHOR), system=world.system, name="b", versions=approved)
    if chance.random() < 0.7:
        assess(world, world.release)
    for number, what in enumerate(
        chance.choices(["stays", "drafted", "superseded", "retired"], [5, 1, 1, 1], k=N)
    ):
        if what == "retired":
            retire(approved[number])
        elif what != "stays":
            version = write(world, f"R{number}", chance, 2)
            if what == "superseded":
                approve(version)
    write(world, "new", chance, 1)


class Surfaces:
    """What each surface says of the release, of everything approved or of a baseline."""

    def __init__(self, world: World, baseline: str) -> None:
        self._world, self._baseline = world, baseline
        self._api, self._browser = APIClient(), Client()
        self._api.credentials(**world.headers(Scope.READ))
        self._browser.force_login(world.people["author"])
        named = {"baseline": baseline} if baseline else {}
        self._asked = {"system": world.system.key, "release": world.release.name, **named}
        self._named = named

    def json(self) -> Any:
        return self._api.get("/api/v1/coverage", self._asked).json()

    def csv(self) -> list[dict[str, str]]:
        answer = self._api.get("/api/v1/coverage.csv", self._asked).content.decode()
        return list(csv.DictReader(io.StringIO(answer)))

    def alone(self) -> str:
        answer: bytes = self._api.get("/api/v1/coverage.html", self._asked).content
        return answer.decode()

    def listed(self, **narrowed: str) -> list[str]:
        """Return what the pages of a list hold, one after the other."""
        address = reverse("admin:coverage", args=[self._world.release.pk])
        keys: list[str] = []
        for page in range(1, N + 2):
            asked: dict[str, Any] = {**self._named, **narrowed, "page": page}
            rows = self._browser.get(address, asked).context["rows"]
            keys += [each.key for each in rows]
            if not rows.has_next():
                return keys
        raise AssertionError("a list without end")

    def binder(self, at: datetime) -> dict[str, Any]:
        """Return the documents of a binder as of a time, by key."""
        scope = BinderScope(
            self._world.system,
            self._world.release,
            self._baseline,
            at - timedelta(days=365),
            at,
            clock.as_of(at),
        )
        documents = [json.loads(b"".join(file.chunks)) for file in requirement_sections(scope)]
        return {document["key"]: document for document in documents}


def rows_of(page: str) -> Iterator[tuple[str, str, bool]]:
    """Yield key, standing and whether it is covered, of each row of the page that stands alone."""
    for row in re.findall(r"<tr><th scope=\"row\">.*?</tr>", page, re.DOTALL):
        cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        cells = [re.sub(r"<.*?>", "", cell).strip() for cell in cells]
        if re.fullmatch(r"\S+ v\d+", cells[0]):  # the others are of the layer map
            standing = "_".join(re.findall("[a-z]+", cells[2].lower()))  # without its sign
            yield cells[0].partition(" ")[0], standing, cells[3] == "yes"


def word(verdict: str, *, is_stale: bool, n: int) -> str:
    """Return a verdict as every surface can say it: in one word, of which an old pass is none."""
    if verdict in ("", "not_assessed") or (verdict == "insufficient" and not n):
        return "untested"
    return "stale" if verdict == "met" and is_stale else verdict


@pytest.mark.drawn
@pytest.mark.parametrize("seed", range(examples(1)))
def test_count_list_page_export_binder_and_gate_say_the_same_of_what_was_drawn(
    world: World, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(world, Random(seed))
    for baseline in ("", "b"):
        with transaction.atomic():
            check_every_surface(world, baseline, monkeypatch)
            transaction.set_rollback(True)  # what a gate stored of the one is not there for the other


def check_every_surface(drawn: World, baseline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """See that all say the same: of what was drawn, of the same when it is old, and of what a gate stored of it."""
    said = Surfaces(drawn, baseline)
    with monkeypatch.context() as short:
        short.setattr(pages, "_ON_A_PAGE", 4)
        check_what_is_shown(said, said.json())
    at = timezone.now() + timedelta(days=15)
    with monkeypatch.context() as later:  # nobody assessed anything since: what was met is old by now
        later.setattr(selector, "clock", SimpleNamespace(now=lambda: at))
        body = said.json()
        check_what_is_shown(said, body)
        check_binder(said.binder(at), body)
    as_of = clock.read_moment()
    references = (
        [CriterionReference(baseline=baseline)]
        if baseline
        else [
            CriterionReference(requirement=each["key"]) for each in body["requirements"] if each["criteria"]
        ]
    )
    findings = assess_for_gate(
        system=drawn.system,
        references=references,
        release=drawn.release,
        as_of=as_of,
        actor="user:ci",
        store=True,
    )
    body = said.json()
    check_what_is_shown(said, body)
    check_binder(said.binder(clock.now()), body)
    shown = {f"{key}/{criterion}": told for (key, criterion), told in words_of(body["requirements"]).items()}
    n = {f"{one['key']}/{each['key']}": each["n"] for one in body["requirements"] for each in one["criteria"]}
    assert {
        each.criterion: word(each.verdict, is_stale=False, n=n[each.criterion]) for each in findings
    } == shown


def words_of(rows: Any) -> dict[tuple[str, str], str]:
    """Return the word of each criterion, by requirement and criterion, as the JSON has them."""
    return {
        (one["key"], each["key"]): word(each["verdict"], is_stale=bool(each["stale_since"]), n=each["n"])
        for one in rows
        for each in one["criteria"]
    }


def check_what_is_shown(said: Surfaces, body: Any) -> None:
    """See that JSON, CSV, both pages and every number of them are of the same rows."""
    rows = body["requirements"]
    standings = {each["key"]: each["standing"] for each in rows}
    covered = [each["key"] for each in rows if each["covered"]]
    uncovered = [each["key"] for each in rows if not each["covered"]]
    assert body["counts"] == {"total": len(rows), "covered": len(covered), "uncovered": len(uncovered)}
    assert (said.listed(), said.listed(covered="yes"), said.listed(covered="no")) == (
        list(standings), covered, uncovered,
    )  # fmt: skip
    assert body["uncovered"] == uncovered
    counted = Counter(standings.values())
    for standing in Standing:
        assert body["standings"][standing.value] == counted[standing.value]
        assert said.listed(standing=standing.value) == [
            key for key, one in standings.items() if one == standing
        ]
    for layer in body["layers"]:
        of_layer = [each for each in rows if each["layer"] == layer["layer"]]
        assert (layer["total"], layer["covered"]) == (
            len(of_layer),
            sum(each["covered"] for each in of_layer),
        )
        assert layer["standings"] == {
            each.value: sum(one["standing"] == each for one in of_layer) for each in Standing
        }
    lines = said.csv()
    assert {line["requirement"]: (line["standing"], line["covered"] == "yes") for line in lines} == {
        each["key"]: (each["standing"], each["covered"]) for each in rows
    }
    assert {
        (line["requirement"], line["criterion"]): word(
            line["verdict"], is_stale=bool(line["stale_since"]), n=int(line["n"])
        )
        for line in lines
        if line["criterion"]
    } == words_of(rows)
    assert list(rows_of(said.alone())) == [(each["key"], each["standing"], each["covered"]) for each in rows]


def check_binder(documents: dict[str, Any], body: Any) -> None:
    """See that a binder holds the same requirements, and says of each criterion, and of a pass, what coverage says."""
    assert sorted(documents) == sorted(each["key"] for each in body["requirements"])
    for one in body["requirements"]:
        document = documents[one["key"]]
        passes = one["standing"] in ("met", "suspect")
        assert (document["status"] == "satisfied") == passes, (document["status"], one)
        if document["state"] != "approved":
            continue  # its criteria are in the binder as they were measured; what it comes to is above
        assert {
            each["key"]: word(each["verdict"], is_stale=False, n=each["n"]) for each in document["criteria"]
        } == {
            each["key"]: word(each["verdict"], is_stale=bool(each["stale_since"]), n=each["n"])
            for each in one["criteria"]
        }
