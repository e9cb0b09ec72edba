"""Doubts that counter evidence opened, with all that was answered: those that stand come first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypedDict

from django.db.models import Prefetch, QuerySet

from evidence.binder.files import BinderFile, json_lines_file
from evidence.models import Defeater, DefeaterAnswer
from evidence.selectors.binder.scope import BinderScope, moment, read_by_keyset
from evidence.selectors.defeaters import STANDING, against, with_state


class AnswerDocument(TypedDict):
    """What somebody said; `replaces` names the answer before it, which counts no more."""

    id: str
    kind: str
    words: str
    answeredBy: str
    answeredAt: str
    expiresAt: str | None
    replaces: str | None


class DefeaterDocument(TypedDict):
    """A doubt, as a line of the file; `evidence/binder/schemas/defeater.json` says the same."""

    id: str
    evidence: str  # id of the line of evidence/counter.jsonl that opened it
    aroseOn: str
    aboutRelease: bool  # whether it is about the release of the binder
    openedAt: str
    state: str
    answers: list[AnswerDocument]


def defeaters_file(scope: BinderScope) -> BinderFile:
    """Return every doubt about the system, whatever release it is about, as each stood at `as_of`."""
    return json_lines_file(
        "evidence/defeaters.jsonl",
        lambda: _rows(scope),
        title="Doubts that counter evidence opened / 反面证据引发的质疑",
        schema="defeater",
        population="defeaters",
    )


def _rows(scope: BinderScope) -> Iterator[DefeaterDocument]:
    about = set(Defeater.objects.filter(against(scope.release)).values_list("pk", flat=True))
    known = DefeaterAnswer.objects.filter(scope.as_of.knew("created_at")).order_by("pk")
    defeaters = with_state(
        Defeater.objects.filter(scope.as_of.knew("opened_at"), evidence__system=scope.system), scope.as_of
    )
    defeaters = defeaters.select_related("release").prefetch_related(Prefetch("answers", known))
    for part in _standing_first(defeaters):
        for defeater in read_by_keyset(part):
            yield _defeater(defeater, vars(defeater)["state_now"], is_about=defeater.pk in about)


def _standing_first(defeaters: QuerySet[Any]) -> Iterator[QuerySet[Any]]:
    yield defeaters.filter(state_now__in=STANDING)
    yield defeaters.exclude(state_now__in=STANDING)


def _defeater(defeater: Defeater, state: str, *, is_about: bool) -> DefeaterDocument:
    return {
        "id": str(defeater.pk),
        "evidence": str(defeater.evidence_id),
        "aroseOn": defeater.release.name,
        "aboutRelease": is_about,
        "openedAt": moment(defeater.opened_at),
        "state": state,
        "answers": [_answer(answer) for answer in defeater.answers.all()],
    }


def _answer(answer: DefeaterAnswer) -> AnswerDocument:
    return {
        "id": str(answer.pk),
        "kind": answer.kind,
        "words": answer.words,
        "answeredBy": answer.answered_by,
        "answeredAt": moment(answer.created_at),
        "expiresAt": moment(answer.expires_at),
        "replaces": None if answer.replaces_id is None else str(answer.replaces_id),
    }
