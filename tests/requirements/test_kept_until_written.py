"""A page that is kept shows what is stored: after each kind of row, of a writer still open, and as evidence ages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, Final

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evidence import clock
from evidence.kept_until_written import Found, every
from evidence.models import Release
from requirements.covered import Standing
from requirements.models import Baseline, RequirementVersion
from requirements.selectors import by_release, coverage, impact, known_names, links, system_strips
from requirements.services.baselines import freeze_baseline
from tests.factories import World, acting, make_world
from tests.in_flight import in_flight
from tests.requirements.builders import AUTHOR, make_criterion, make_traces
from tests.requirements.links_world import change, clear, put, tie
from tests.requirements.test_coverage import assess
from tests.requirements.test_links import go_live, register_suite, release

pytestmark = pytest.mark.django_db(transaction=True)

_TABLE: Final = re.compile(r'\b(?:FROM|JOIN)\s+"?((?:evidence|requirements)_\w+)', re.IGNORECASE)
_SYSTEM: Final = "evidence_system"  # joined to name it; nothing that is kept says anything of it


@pytest.fixture
def world(transactional_db: None) -> World:
    """A world that is committed, with two requirements of which one derives from the other."""
    world = make_world()
    put(world.system, "A", "B", min_n=1)
    tie(world.system, "A>B")
    return world


def shown(world: World) -> dict[str, Any]:
    """Return all that is kept, as pages ask for it."""
    release = Release.objects.get(pk=world.release.pk)
    principal = world.principal("auditor")
    found = coverage.cover(release)
    frozen = [coverage.cover(release, each).requirements for each in Baseline.objects.order_by("pk")]
    return {
        "baselines": frozen,
        "by_release": by_release.matrix_of(world.system, list(Release.objects.order_by("-pk"))),
        "coverage": (found.requirements, found.orphans, found.idle_suites, found.suspect_links),
        "links": tuple(links.standings_of(world.system)),
        "impact": impact.impact_of_release(principal, release),
        "drafts": tuple(known_names.drafts_of(world.system)),
        "strips": system_strips.strips_of(principal, [world.system.pk]),
    }


def said(found: dict[str, Any]) -> str:
    """Return that in words, without the time at which it was found."""
    return re.sub(r"\bat=datetime\.datetime\([^)]*\)", "", repr(found))


def afresh(world: World) -> dict[str, Any]:
    for kept in every:
        kept.forget()
    return shown(world)


def freeze(world: World) -> Baseline:
    versions = list(RequirementVersion.objects.filter(requirement__key="B"))
    return freeze_baseline(principal=acting(AUTHOR), system=world.system, name="b1", versions=versions)


def assessed(world: World) -> World:
    assess(world, world.release)
    return world


def writes(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield acts that each change something that is kept, by what they are."""
    yield "a draft", lambda: put(world.system, "A", "B", "C", approved=False, min_n=1)
    yield "an approval", lambda: put(world.system, "A", "B", "C", "D", min_n=1)
    yield "a trace and its assessment", lambda: [make_traces(world, 3), assessed(world)]
    yield "a wording that makes links suspect", lambda: change(world.system, "A")
    yield "a baseline", lambda: freeze(world)
    yield "a link that is cleared", lambda: clear(world.system, "A>B")
    yield "a suite that nothing reads", lambda: register_suite(world, "idle", "1")
    yield "a link to what is not live", lambda: tie(world.system, "D>model", "satisfies", downstream="model")
    yield "a release goes live", lambda: go_live(world, release(world, "x1", model="a" * 64), 5)


def test_after_each_kind_of_row_what_is_kept_is_what_is_found_afresh(world: World) -> None:
    release(world, "x0", model="b" * 64)
    before = said(shown(world))
    for name, write in writes(world):
        write()
        now = said(shown(world))
        assert now == said(afresh(world)), name
        assert now != before, f"{name} changes nothing that is kept, and so shows nothing"
        before = now


def test_what_a_writer_still_has_open_is_shown_once_it_is_committed(world: World) -> None:
    """Its rows have lower numbers than those that were read since it began."""
    with in_flight(lambda: put(world.system, "A", "B", "C", min_n=1)):
        make_traces(world, 3)
        assess(world, world.release)  # a later transaction, which is committed before
        assert len(coverage.cover(world.release).requirements) == 2
    assert len(coverage.cover(world.release).requirements) == 3


def test_evidence_grows_old_and_a_deployment_takes_effect_though_no_row_comes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_criterion(world, min_n=1)
    make_traces(world, 60)
    assess(world, world.release)
    one, two = (release(world, name, model=digest * 64) for name, digest in (("x1", "a"), ("x2", "b")))
    go_live(world, one, 5)
    tie(world.system, "A>model", "satisfies", downstream="model")
    go_live(world, two, -1)
    fresh = coverage.cover(world.release)
    assert fresh.by_standing()[Standing.MET] == 3
    assert not fresh.suspect_links
    monkeypatch.setattr(clock, "now", lambda: timezone.now() + timedelta(hours=2))
    assert [each.name for each in coverage.cover(world.release).suspect_links] == ["A>model:model"]
    monkeypatch.setattr(clock, "now", lambda: timezone.now() + timedelta(days=400))
    assert coverage.cover(world.release).by_standing()[Standing.STALE] == 1


def test_rows_of_another_system_and_traces_make_nothing_to_be_found_again(world: World) -> None:
    other = make_world("other-assistant")
    kept = coverage.cover(world.release).requirements
    put(other.system, "A", min_n=1)
    make_traces(world, 3)
    with CaptureQueriesContext(connection) as asked:
        assert coverage.cover(world.release).requirements is kept
    assert len(asked) == 1, "whether anything came"


def test_a_transaction_sees_what_it_wrote_itself(world: World) -> None:
    coverage.cover(world.release)
    with transaction.atomic():
        put(world.system, "A", "B", "C", min_n=1)
        assert len(coverage.cover(world.release).requirements) == 3
        transaction.set_rollback(True)
    assert len(coverage.cover(world.release).requirements) == 2


def test_what_is_kept_is_asked_about_in_every_table_that_it_is_read_from(world: World) -> None:
    freeze(world)
    for kept in every:
        read: set[str] = set()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kept, "get", partial(_noting, read))
            shown(world)
        assert read, "nothing that is shown asks for it"
        asked = {model._meta.db_table for model in kept.follows_from} | {_SYSTEM}
        assert read <= asked, f"{sorted(read - asked)}: name their models, or what is kept may be out of date"


def _noting(read: set[str], key: object, systems: object, find: Callable[[], Found[Any]]) -> Any:
    del key, systems
    with CaptureQueriesContext(connection) as asked:
        value = find().value
    for query in asked:
        read.update(_TABLE.findall(query["sql"]))
    return value
