"""What an act and a door are, how each kind of door is taken, and what the acts of several files share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.contrib.messages import get_messages
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone
from google.rpc.status_pb2 import Status

from evidence.errors import AccessDenied, ConflictingContent, InvalidInput, NotFound
from evidence.models import Scope
from evidence.services import readings
from requirements.errors import SelfApproval, TransitionNotAllowed
from tests.evidence.otlp_bodies import PROTOBUF
from tests.factories import World
from tests.invariants.who import COMMAND_LINE, STRANGER, SUPERUSER, TOKEN_WITH, Who

ALLOWED: Final = ""  # what a door answers that let somebody through; otherwise the code of the error


Door = Callable[[World, Who, Any], str]  # the last one is what `prepare` made


def nothing(world: World) -> None:
    """Prepare nothing."""
    del world


@dataclass(frozen=True)
class Act:
    """One act, or one step of it."""

    check: str  # "evidence.acts.check_can_review"
    allowed: frozenset[str]  # names of `who.EVERYBODY`
    service: Door
    api: Door | None = None
    admin: Door | None = None
    command: Door | None = None
    prepare: Callable[[World], Any] = nothing
    scopes: tuple[Scope, ...] = (Scope.READ,)  # of the token with them
    owner: str = ""  # role of the person who owns the tokens; empty: whoever may have each
    step: str = ""

    @property
    def label(self) -> str:
        """Return the name of the test."""
        app, _, check = self.check.partition(".acts.check_can_")
        return f"{app}.{check}" + (f" ({self.step})" if self.step else "")


def serve(call: Callable[..., object]) -> Door:
    """Return the door that is a service, or the check where an act has none of its own."""

    def door(world: World, who: Who, made: Any) -> str:
        call(world, who.principal, made)
        return ALLOWED

    return door


def post(path: Callable[[World, Any], str], body: Callable[[World, Any], Any], **headers: Any) -> Door:
    """Return the door that is an address of the API."""

    def door(world: World, who: Who, made: Any) -> str:
        sent = body(world, made)
        if isinstance(sent, bytes):
            kind = headers.get("content_type", "application/octet-stream")
            answer: Any = who.api.post(path(world, made), sent, content_type=kind)
        else:
            answer = who.api.post(path(world, made), sent, format="json", **headers)
        return ALLOWED if answer.status_code < 300 else _code_of(answer)

    return door


def _code_of(answer: Any) -> str:
    if answer.headers.get("Content-Type") == PROTOBUF:
        return str(Status.FromString(answer.content).message.partition(":")[0])
    return str(answer.json()["code"])


def get(path: Callable[[World, Any], str]) -> Door:
    """Return the door that is read."""

    def door(world: World, who: Who, made: Any) -> str:
        answer: Any = who.api.get(path(world, made))
        return ALLOWED if answer.status_code == 200 else str(answer.json()["code"])

    return door


_TITLES = {
    error.title: error.code
    for error in (
        AccessDenied,
        ConflictingContent,
        InvalidInput,
        NotFound,
        SelfApproval,
        TransitionNotAllowed,
    )
}


@dataclass(frozen=True)
class Browse:
    """The door that is a page of the admin.

    Args:
        done: whether it happened, where the page answers alike (a field that is not open is left as it was).
    """

    address: Callable[[World, Any], str]
    data: Callable[[World, Any], dict[str, Any]]
    done: Callable[[World, Any], bool] | None = None

    def __call__(self, world: World, who: Who, made: Any) -> str:
        answer: Any = who.browser.post(self.address(world, made), self.data(world, made))
        told = _told_by(who, answer)
        if told == "" and answer.status_code == 302:  # what it leads to says the rest
            answer = who.browser.get(answer.headers["Location"], follow=True)
            told = _told_by(who, answer)
        if answer.status_code == 403:
            return AccessDenied.code
        if answer.status_code == 404:
            return NotFound.code
        if self.done is not None:
            return ALLOWED if self.done(world, made) else AccessDenied.code
        if "Select a valid choice" in answer.content.decode():
            return NotFound.code  # another system's choice is not offered
        return next((code for title, code in _TITLES.items() if title in (told or "")), ALLOWED)


browse = Browse


def _told_by(who: Who, answer: Any) -> str | None:
    """Return the messages that an answer shows, or that the page it leads to would show; None: HTTP does not tell."""
    request = getattr(answer, "wsgi_request", None)
    if request is None:
        return None
    who.browser.cookies.pop("messages", None)  # they are read here
    return " ".join(map(str, get_messages(request)))


def command(*arguments: Callable[[World, Any], list[str]]) -> Door:
    """Return the door that is a command, which names the person."""

    def door(world: World, who: Who, made: Any) -> str:
        words = [word for part in arguments for word in part(world, made)]
        try:
            call_command(*words, "--by", who.person.username, verbosity=0)
        except CommandError as exc:
            return NotFound.code if "There is no" in str(exc) else AccessDenied.code
        return ALLOWED

    return door


def named(world: World, **values: Any) -> dict[str, Any]:
    """Return a body that names the system."""
    return {"system": world.system.key, **values}


def later() -> Any:
    """Return a time that has not come."""
    return timezone.now() + timedelta(days=7)


def reading_proposal(world: World) -> Any:
    """A version of how traces are read that waits for an approver, proposed by the world's author."""
    return readings.propose_reading(
        principal=world.principal("author"), system=world.system, document={"leave_out": [{"span": "title"}]}
    )


def version_page(_: World, version: Any) -> str:
    return reverse("admin:evidence_artefactversion_change", args=[version.pk])


AUTHORS: Final = frozenset({"author", TOKEN_WITH})  # what takes the scope `import`


MACHINES: Final = frozenset({TOKEN_WITH})  # what takes a scope that no role holds


OPERATORS: Final = frozenset({"operator"})  # of this system


ANYWHERE: Final = frozenset(
    {"operator", SUPERUSER, STRANGER, COMMAND_LINE}
)  # administers what is of no system
