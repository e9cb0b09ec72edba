"""What was on record is told by commit, and only the clock tells it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from django.db import connection

from evidence.models import AppendOnlyModel
from tests.evidence.binder_world import fill
from tests.factories import World
from tests.invariants.walk import OUR_APPS, REPOSITORY, our_models

# Beside what `AsOf.knew` says of the row, and not in its place.
NO_KNOWLEDGE = {
    ("requirements/checks/population.py", "ended_at__lte"),  # the sender's clock, which may run ahead of ours
    # Whose time for review is over.
    ("requirements/checks/declared/reviews_within_time.py", "sealed_at__lte"),
    ("requirements/checks/declared/reviews_agreement.py", "due_at__lt"),
    ("requirements/services/assessment.py", "as_of__lte"),  # a date that the row is about
    ("requirements/services/binder_sections.py", "as_of__lte"),
    ("evidence/services/previous_binders.py", "as_of__lt"),  # likewise: which of two is the later
    ("evidence/selectors/waivers.py", "expires_at__gt"),
    # Which of a decision and a deployment looked later, both under the lock of the gate.
    ("evidence/services/gates/decision.py", "as_of__gt"),
}
COMPARISONS = ("__lt", "__lte", "__gt", "__gte", "__range")


def comparisons() -> Iterator[tuple[str, str]]:
    """Yield file and lookup of each comparison with something that was known as of a time."""
    for app in (*OUR_APPS, "config"):
        for path in sorted((REPOSITORY / app).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            tree = ast.parse(text if "as_of" in text and any(each in text for each in COMPARISONS) else "")
            for node in (each for each in ast.walk(tree) if isinstance(each, ast.keyword)):
                if str(node.arg).endswith(COMPARISONS) and "as_of" in ast.unparse(node):
                    yield str(path.relative_to(REPOSITORY)), str(node.arg)


def test_nothing_but_the_clock_tells_what_was_on_record() -> None:
    """A row's time is before its commit: a comparison of its own would find others a second later."""
    assert set(comparisons()) == NO_KNOWLEDGE


@pytest.mark.django_db
def test_every_row_carries_the_transaction_that_wrote_it(world: World) -> None:
    fill(world)
    models = [model for model in our_models() if issubclass(model, AppendOnlyModel)]
    filled = [model for model in models if model._default_manager.exists()]
    assert len(filled) > 30
    for model in filled:
        assert not model._default_manager.filter(xact_id=None).exists(), model._meta.label
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns "
            "WHERE column_name = 'xact_id' AND column_default LIKE '%tracebinder_xact_id()%'"
        )
        tables = {name for (name,) in cursor.fetchall()}
    assert {model._meta.db_table for model in models} <= tables
