"""Everything there is, found by walking, so that new code is covered without being asked.

What an invariant does not reach yet stands in EXCEPTIONS with its reason, and nowhere else. The list may only
shrink: an entry that is no longer needed fails `test_exceptions.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from celery import current_app
from django.apps import apps
from django.urls import URLResolver, get_resolver

from evidence.models import StoredModel
from tests.invariants.service_graph import ServiceGraph

OUR_APPS: Final = ("evidence", "requirements", "interpret")
REPOSITORY: Final = Path(__file__).resolve().parents[2]

# (invariant, name) -> why it is not covered
EXCEPTIONS: Final[dict[tuple[str, str], str]] = {
    (
        "no-audit-event",
        "evidence.services.log.sequencing.sequence_events",
    ): "an event for each leaf would need a leaf, for ever",
    (
        "no-audit-event",
        "evidence.services.log.signing.sign_checkpoint",
    ): "likewise; a checkpoint is its own signed record",
    (
        "no-audit-event",
        "evidence.services.log.keeping.keep_attestations",
    ): "likewise: an event would need a checkpoint, which others would have to attest, for ever; each is signed itself",
    (
        "no-audit-event",
        "evidence.services.assembly.queue.begin_attempt",
    ): "counts on a work row that somebody tries; what comes of it is sealed or set aside, with an event",
    (
        "no-audit-event",
        "evidence.services.assembly.queue.take_attempts_back",
    ): "likewise: takes the count back",
    (
        "no-audit-event",
        "evidence.services.leased_work.find_to_send",
    ): "notes on a work row when the broker was last told; one statement, and nothing is decided by it",
    (
        "no-audit-event",
        "interpret.services.execution.find_runs_to_send",
    ): "likewise, of runs that somebody holds",
    (
        "no-audit-event",
        "evidence.services.binder_requests.keep_lease",
    ): "likewise how far a worker is; what comes of it has an event",
    (
        "no-audit-event",
        "requirements.services.due_assessments.assess_due",
    ): "likewise when a pair was looked at; what is found is an assessment, with an event",
    (
        "no-audit-event",
        "evidence.services.review_queue.take_next",
    ): "who is at an answer, for a quarter of an hour",
    ("no-audit-event", "evidence.services.review_queue.take"): "likewise",
    ("no-audit-event", "evidence.services.review_queue.hold_answer"): "likewise",
    (
        "no-audit-event",
        "evidence.services.review_queue.mend_queue",
    ): "what its rows are looked up by; whoever judges is on record",
    ("no-audit-event", "evidence.services.review_queue.put_back"): "likewise",
    ("no-audit-event", "evidence.services.review_queue.release_held"): "likewise",
    (
        "no-audit-event",
        "evidence.services.people.sessions.remove_ended_sessions",
    ): "a session that is over lets nobody in: that its row goes is no act",
    (
        "no-audit-event",
        "evidence.services.review_queue.requeue",
    ): "a place in a queue, in the transaction of the act that moves it, which has an event",
    (
        "no-audit-event",
        "evidence.services.review_drafts.save_draft",
    ): "what somebody is writing is theirs; what they say in the end is a review, with an event",
    (
        "no-audit-event",
        "evidence.services.review_drafts.decide",
    ): "likewise: it is not said until its time is over",
    ("no-audit-event", "evidence.services.review_drafts.take_back"): "likewise",
    ("no-audit-event", "evidence.services.review_drafts.discard"): "likewise",
    (
        "no-audit-event",
        "evidence.services.review_work.save_filter",
    ): "how one person looks at a list is theirs alone, and nothing is decided by it",
    ("no-audit-event", "evidence.services.review_work.delete_filter"): "likewise",
    (
        "no-audit-event",
        "evidence.services.people.token_uses.note_use",
    ): "that a token is in use, now and then: nothing is decided by it, and what the request does has its event",
}


def our_models() -> list[type[StoredModel]]:
    """Return every concrete model of our apps."""
    found = [
        model for app in OUR_APPS for model in apps.get_app_config(app).get_models(include_auto_created=False)
    ]
    return cast("list[type[StoredModel]]", found)  # test_02 shows that each is one


def is_excepted(invariant: str, name: str) -> bool:
    """Whether a name stands in the list, under this invariant."""
    return (invariant, name) in EXCEPTIONS


@cache
def service_graph() -> ServiceGraph:
    """Return the services of all apps, read once."""
    others = [
        path
        for app in (*OUR_APPS, "config", "examples")
        for path in (REPOSITORY / app).rglob("*.py")
        if "services" not in path.parts and "migrations" not in path.parts
    ]
    alone = [name for invariant, name in EXCEPTIONS if invariant == "no-audit-event"]
    return ServiceGraph([f"{app}.services" for app in OUR_APPS], others, judged_alone=alone)


def our_views() -> dict[str, Any]:
    """Return every named view outside the admin, by its name."""
    return {name: view for _, name, view in _addresses() if name}


# The same for everybody, whatever is stored: `tests/config/test_api_examples.py` holds that it reads no row.
SAYS_NOTHING_STORED: Final = "api/schema"


def our_urls() -> Iterator[tuple[str, Any]]:
    """Yield (route, view class or function) of every address outside the admin."""
    for route, _, view in _addresses():
        yield route, view


def _addresses() -> Iterator[tuple[str, str | None, Any]]:
    """Yield (route, name, view) of every address outside the admin."""

    def descend(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, str | None, Any]]:
        for entry in resolver.url_patterns:
            route = prefix + str(entry.pattern)
            if isinstance(entry, URLResolver):
                yield from descend(entry, route)
            elif entry.callback is not None:
                view = entry.callback
                yield route, entry.name, getattr(view, "cls", None) or getattr(view, "view_class", view)

    for route, name, view in descend(get_resolver(), ""):
        if not route.startswith("admin/"):
            yield route, name, view


def our_tasks() -> dict[str, Any]:
    """Return our Celery tasks by name."""
    current_app.loader.import_default_modules()
    return {name: task for name, task in current_app.tasks.items() if name.split(".")[0] in OUR_APPS}
