"""The worked erasure of the operator's guide is what the commands print, digests and times aside."""

from __future__ import annotations

import json
import re
import uuid
from io import StringIO

import pytest
from django.core.management import call_command

from evidence.models import Erasure, Scope
from tests.evidence.eval_files import eval_file, post
from tests.evidence.subjects import LONG, SECRET, THEIRS, send, span_of
from tests.factories import World
from tests.invariants.walk import REPOSITORY

GUIDE = REPOSITORY / "docs" / "guides" / "operator.md"
MINE = uuid.UUID("4bf92f3577b34da6a3ce929d0e0e4736")
OTHER = uuid.UUID("00f067aa0ba902b7a3ce929d0e0e4736")


def blocks_of_guide() -> list[str]:
    """Return what the commands are said to print, in order: each text block that stands after a command."""
    section = GUIDE.read_text().partition("## A worked erasure")[2].partition("\n## ")[0]
    return re.findall(r"```text\n(.*?)```", section, flags=re.DOTALL)


def matches(said: str, printed: str) -> bool:
    """Whether a text is the one of the guide, in which `…` is anything within a line."""
    pattern = "[^\n]*".join(re.escape(part) for part in said.strip().split("…"))
    return re.fullmatch(pattern, printed.strip()) is not None


@pytest.mark.django_db
def test_the_worked_erasure_of_the_operators_guide(world: World) -> None:
    world.token(Scope.INGEST)
    send(span_of(MINE, SECRET, statement=LONG), span_of(OTHER, THEIRS, statement=LONG))
    document = json.loads(eval_file())
    document["samples"][3]["input"] = SECRET
    post(world, json.dumps(document).encode())
    asked = ("--system", world.system.key, "--trace", MINE.hex, "--reason", "request 2026-17")
    by = ("--by", world.people["operator"].username)
    planned, done = StringIO(), StringIO()
    call_command("erase", *asked, *by, "--plan", stdout=planned)
    assert not Erasure.objects.exists()
    agreed = planned.getvalue().split()[-1]
    call_command("erase", *asked, *by, "--as-planned", agreed, stdout=done)
    plan, certificate = blocks_of_guide()
    assert matches(plan, planned.getvalue())
    assert matches(certificate, done.getvalue())
    assert SECRET not in done.getvalue()
