"""Answering doubts."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse

from evidence.models import Defeater, Role
from evidence.services.defeaters import answer_defeater
from tests.evidence.binder_world import make_finding
from tests.factories import World
from tests.invariants.act_doors.taking import Act, browse, post, serve

SAID: Final[dict[str, Any]] = {"kind": "rebutted", "words": "measured again"}


def doubt(world: World) -> Defeater:
    """A doubt that a finding opened, which nobody of the world asked for."""
    return Defeater.objects.get(evidence=make_finding(world, Role.COUNTER))


def form_of(_: World, opened: Any) -> str:
    return f"{reverse('admin:evidence_defeateranswer_add')}?defeater={opened.pk}"


ACTS: Final[list[Act]] = [
    Act(
        "evidence.acts.check_can_answer_defeater",
        frozenset({"approver"}),
        serve(lambda _, who, opened: answer_defeater(principal=who, defeater=opened, **SAID)),
        api=post(lambda _, opened: f"/api/v1/defeaters/{opened.pk}/answers", lambda *_: SAID),
        admin=browse(form_of, lambda *_: SAID, lambda _, opened: opened.answers.exists()),
        prepare=doubt,
    ),
]
