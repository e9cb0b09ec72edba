"""A verdict stores the digests of its inputs and the version of its code, and comes out the same again."""

from __future__ import annotations

import io

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.models import Model

from config.replay import REPLAYERS, replayer_of
from evidence.models import Citation
from tests.evidence.binder_world import fill
from tests.factories import World
from tests.invariants.walk import our_models

pytestmark = pytest.mark.django_db

CODE_VERSION = ("code_version", "checker_version", "assembler_version", "provenance")
INPUTS = ("inputs_digest", "digest")


def test_each_model_that_holds_a_verdict_can_be_replayed() -> None:
    judged = set()
    for model in our_models():
        names = {field.name for field in model._meta.get_fields()}
        if "verdict" in names or "rung" in names or "assembler_version" in names:
            judged.add(model._meta.label)
            assert names & set(CODE_VERSION), f"{model.__name__} does not say which code gave its verdict"
            assert names & set(INPUTS), f"{model.__name__} does not say what its verdict rests on"
    assert judged == set(REPLAYERS)
    assert all(callable(replayer_of(label)) for label in REPLAYERS)


def test_every_verdict_of_a_filled_store_comes_out_the_same(world: World) -> None:
    fill(world)
    replayed = dict.fromkeys(REPLAYERS, 0)
    for label in set(REPLAYERS) - {
        "interpret.Finding"
    }:  # tests/probes measures a finding twice, with a model
        for row in _rows(label):
            again = replayer_of(label)(row)
            assert again.agrees, again.explain()
            replayed[label] += 1
    assert all(count for label, count in replayed.items() if label != "interpret.Finding"), replayed


def test_the_command_names_a_verdict_that_does_not_come_out_the_same(world: World) -> None:
    fill(world)
    citation = _rows("evidence.Citation")[0]
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE; SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE evidence_citation DISABLE TRIGGER USER")  # somebody who owns the database
        cursor.execute("UPDATE evidence_citation SET quote = 'something else' WHERE id = %s", [citation.pk])
        cursor.execute("ALTER TABLE evidence_citation ENABLE TRIGGER USER")
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 verdicts did not come out the same"):
        call_command("replay", "evidence.Citation", pk=citation.pk, stdout=out)
    assert f"citation {citation.pk}" in out.getvalue()


def _rows(label: str) -> list[Model]:
    """The rows the product made: some of the test world's traces are inserted as they would come out."""
    rows = apps.get_model(label)._default_manager.all()
    if label == "evidence.Trace":
        rows = rows.exclude(assembler_version="test")
    if label == "evidence.Citation":
        rows = Citation.objects.exclude(claim__trace__assembler_version="test")
    return list(rows)
