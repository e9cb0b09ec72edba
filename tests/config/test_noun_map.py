"""The noun map tells the truth: of who writes, of who may, and of who sees."""

from __future__ import annotations

import re
import traceback
from collections import defaultdict
from textwrap import dedent
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model

from config.noun_uses import Uses, our_models, read_uses, uses_in
from evidence.models import Scope
from evidence.roles import ROLES, roles_that_see
from evidence.table_rules import NO_RIGHTS, log_rights, runtime_rights
from tests import factories
from tests.evidence.binder_world import fill
from tests.evidence.otlp_bodies import make_request, make_span
from tests.factories import World

NOBODY_WRITES: set[str] = set()  # the page would say "nothing yet"
WRITING = re.compile(r'^\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)"?')


def writers(source: str) -> dict[str, frozenset[str]]:
    """Who writes, in one file of this text."""
    uses = uses_in([("a.py", dedent(source))])
    assert not uses.untold, uses.untold
    return dict(uses.writers)


@pytest.fixture(scope="module")
def uses() -> Uses:
    return read_uses()


def test_every_write_of_the_product_is_of_a_known_noun_and_every_noun_is_written(uses: Uses) -> None:
    assert uses.untold == (), "say what the variable holds: annotate it, or write through the model's manager"
    assert {model._meta.label for model in our_models()} - set(uses.writers) == NOBODY_WRITES


@pytest.mark.django_db
def test_what_runs_writes_where_the_page_says_it_does(world: World, client: Any, uses: Uses) -> None:
    """Each statement that changes one of our tables comes from a file that the map names for it."""
    tables = {model._meta.db_table: model._meta.label for model in our_models()}
    said = uses.writers
    seen: dict[str, set[str]] = defaultdict(set)

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # Django's signature
        found = WRITING.match(sql)
        if found and found[1] in tables and (place := product_file()):
            seen[tables[found[1]]].add(place)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        fill(world)
        body = make_request(make_span()).SerializeToString()
        client.post("/v1/traces", body, content_type="application/x-protobuf", **world.headers(Scope.INGEST))
    assert len(seen) > 20
    assert {label: places - said[label] for label, places in seen.items() if places - said[label]} == {}


EVERY_WRITE = {"evidence/models/base.py", "evidence/array_insert.py", "evidence/prepared.py"}


def product_file() -> str:
    """The file of the product that is nearest to the statement, beyond what every write goes through."""
    base = f"{settings.BASE_DIR}/"
    for frame in reversed(traceback.extract_stack()):
        path = frame.filename.removeprefix(base)
        if path in EVERY_WRITE:
            continue
        if path != frame.filename and path.split("/")[0] in {
            "evidence",
            "requirements",
            "interpret",
            "config",
        }:
            return path
    return ""


def test_a_write_is_seen_through_variables_managers_and_sql() -> None:
    source = """
        from django.contrib.auth.models import User
        from evidence.models import EvalRun, Membership, Trace

        _COPY = "COPY evidence_span (id) FROM STDIN"

        def through_a_related_manager(run: EvalRun) -> None:
            run.samples.filter(metric="m").bulk_create([])

        def through_a_variable() -> None:
            held = Membership.objects.filter(pk=1)
            held.update(user=None)

        def of_others(user: User) -> None:
            user.save()
            {}.update({})
    """
    assert set(writers(source)) == {"evidence.EvalSample", "evidence.Membership", "evidence.Span"}
    assert uses_in([("a.py", dedent(source))]).readers.keys() >= {"evidence.EvalRun", "evidence.Trace"}


def test_a_write_nobody_can_place_is_not_passed_over() -> None:
    source = """
        from evidence.selectors.traces import find_trace

        def remove() -> None:
            trace = find_trace()
            trace.delete()
    """
    assert uses_in([("a.py", dedent(source))]).untold == ("a.py:6",)


@pytest.mark.django_db
@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_the_rights_shown_are_those_the_database_gives(model: type[Model]) -> None:
    for role, shown in (
        (settings.RUNTIME_ROLE, runtime_rights(model)),
        (settings.INTERPRET_ROLE, NO_RIGHTS),
        (settings.LOG_ROLE, log_rights(model)),
    ):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT right_name FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS right_name"
                " WHERE has_table_privilege(%s, %s, right_name)",
                [role, model._meta.db_table],
            )
            assert {name for (name,) in cursor.fetchall()} == set(filter(None, shown.split(", "))), role


@pytest.mark.django_db
def test_the_roles_shown_are_those_whose_people_may_look() -> None:
    people: dict[str, User] = {role: factories.make_person(f"{role}-x", role) for role in ROLES}
    for model in our_models():
        view = f"{model._meta.app_label}.view_{model._meta.model_name}"
        assert roles_that_see(model) == [role for role in ROLES if people[role].has_perm(view)], view


def test_each_noun_says_what_it_is() -> None:
    for model in our_models():
        said = (model.__doc__ or "").split("\n", 1)[0]
        assert said.endswith("."), f"{model._meta.label}: one sentence of docstring says what a row is"
        assert not said.startswith(f"{model.__name__}("), f"{model._meta.label} has Django's docstring"
