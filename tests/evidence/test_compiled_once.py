"""What is kept of a statement about a person is what Django would put together anew, at any time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DEFAULT_DB_ALIAS

from evidence import clock, compiled_once
from evidence.compiled_once import compiled_for
from evidence.models import Release
from evidence.selectors.review_tasks import releases_to_judge_blind
from tests.e2e.cases import make_task
from tests.evidence.test_blinding import colleague, say, signed_in
from tests.factories import World

pytestmark = pytest.mark.django_db


def test_it_depends_on_nothing_but_the_person(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [world.people["reviewer"], colleague(world, "second", "reviewer")]
    kept = {person.pk: compiled_for(person, releases_to_judge_blind) for person in people}
    say(signed_in(people[0]), make_task(world))
    later = clock.now() + timedelta(days=400)
    monkeypatch.setattr(clock, "now", lambda: later)
    compiled_once._statement_of.cache_clear()
    for person in people:
        anew = releases_to_judge_blind(person).query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
        assert (kept[person.pk].sql, tuple(kept[person.pk].params)) == (anew[0], tuple(anew[1]))
        again = compiled_for(person, releases_to_judge_blind)
        assert (again.sql, again.params) == (kept[person.pk].sql, kept[person.pk].params)


def test_it_finds_what_the_query_finds(world: World) -> None:
    task = make_task(world)
    say(signed_in(world.people["reviewer"]), task)
    for name, blind in (("second", [task.trace.release]), ("reviewer", [])):
        person = world.people.get(name) or colleague(world, name, "reviewer")
        found = Release.objects.filter(pk__in=compiled_for(person, releases_to_judge_blind))
        assert list(found) == list(Release.objects.filter(pk__in=releases_to_judge_blind(person))) == blind
