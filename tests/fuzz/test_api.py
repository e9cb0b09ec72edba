"""Junk for every operation of the API, made from its own schema, as somebody who may do all of it and as nobody.

`make soak` runs many more examples of the same.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient
from schemathesis import GenerationMode, openapi
from schemathesis.core.result import Ok

from evidence.models import EvalRun, Membership, Scope, System
from evidence.roles import ROLES
from evidence.services.gates import CriterionReference
from tests.evidence.eval_files import eval_file
from tests.factories import World, acting, define_gate, make_person
from tests.fuzz.answers import check_answer
from tests.requirements.builders import make_criterion, make_trace

pytestmark = pytest.mark.django_db

NUMBER_OF_OPERATIONS: Final = 50  # at least; fewer would mean that the schema lost some
Send = Callable[[Any], Any]


@pytest.fixture
def known(world: World, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, list[Any]]:
    """What makes junk reach further than the first lookup: names and numbers of what is there, by field."""
    monkeypatch.setattr("evidence.tasks.export_binder.delay", lambda *_, **__: None)
    criterion, trace = make_criterion(world), make_trace(world)
    define_gate(
        principal=acting(), system=world.system, key="g", references=[CriterionReference(requirement="r")]
    )
    posted = f"/api/v1/eval-runs?system={world.system.key}&release=r1"
    headers: Any = world.headers(Scope.PUSH_EVAL)
    assert (
        APIClient().post(posted, eval_file(), content_type="application/json", **headers).status_code == 201
    )
    digests = [pin.version.digest for pin in world.release.pins.all()]
    return {
        "system": [world.system.key], "release": ["r1"], "trace_id": [trace.trace_id.hex, str(uuid.UUID(int=1))],
        "gate": ["g"], "key": ["g", "r"], "requirement": ["r"], "criterion_ref": [str(criterion)], "number": [1],
        "pk": [EvalRun.objects.get().pk], "from": digests, "to": digests, "environment": ["production"],
        "probe": ["entropy.next_token", "entropy.nexttoken"], "slot": ["model"], "kind": ["model"],
        "since": ["2026-01-01T00:00:00Z"], "until": ["2026-01-01T10:00:00Z"],
        "period_from": ["2026-01-01T00:00:00Z"], "period_to": ["2027-01-01T00:00:00Z"],
    }  # fmt: skip


def somebody(world: World) -> list[Send]:
    """Return ways to send as a person of every role, and as a token of every scope."""
    person, token = APIClient(raise_request_exception=False), APIClient(raise_request_exception=False)
    everything = make_person("everybody", *ROLES)
    for system in System.objects.all():
        Membership.objects.create(system=system, user=everything)
    person.force_login(everything)
    token.credentials(**world.headers(*Scope))
    return [lambda case: send(person, case), lambda case: send(token, case)]


def send(client: Any, case: Any) -> Any:
    """Send what schemathesis made, and undo what it did."""
    body, media = case.body, case.media_type or "application/json"
    if not isinstance(body, bytes):
        body = b"" if type(body).__name__ == "NotSet" else to_bytes(body, media)
    query = {name: value for name, value in case.query.items() if value is not None}
    with transaction.atomic(), head_put_back():
        savepoint = transaction.savepoint()
        extra = {"query_params": query, "headers": printable(case.headers)}
        response = client.generic(case.method, case.formatted_path, body, content_type=media, **extra)
        transaction.savepoint_rollback(savepoint)
    return response


@contextmanager
def head_put_back() -> Iterator[None]:
    """Put back the head of the log last published, which is a file: an export that is undone here would be ahead."""
    head = Path(django_settings.LOG_HEAD_FILE)
    before = head.read_bytes() if head.exists() else None
    yield
    if before is not None:
        head.write_bytes(before)
    else:
        head.unlink(missing_ok=True)


def to_bytes(body: Any, media: str) -> bytes:
    if isinstance(body, str) and "json" not in media:
        return body.encode("utf-8", "surrogatepass")
    return json.dumps(body).encode()


def printable(headers: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that a server would let through to us, without made-up tokens."""
    return {
        name: str(value)
        for name, value in headers.items()
        if str(value).isprintable() and str(value).isascii() and name.replace("-", "").isalnum()
        if name.lower() not in {"authorization", "cookie"}
    }


def season(draw: Callable[[Any], Any], value: Any, known: Mapping[str, list[Any]]) -> Any:
    """Put names of what is there in the place of most of the made-up ones."""
    if isinstance(value, dict):
        return {
            name: draw(st.sampled_from(known[name]))
            if name in known and draw(st.integers(0, 3))
            else season(draw, inner, known)
            for name, inner in value.items()
        }
    return [season(draw, inner, known) for inner in value] if isinstance(value, list) else value


@cache
def operations() -> list[Any]:
    """Return every operation of the schema, which takes seconds to draw up."""
    raw = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    found: list[Any] = list(openapi.from_dict(json.loads(json.dumps(raw, default=str))).get_all_operations())
    assert all(isinstance(one, Ok) for one in found), found
    return [one.ok() for one in found]


def fuzz(operation: Any, senders: list[Send], known: Mapping[str, list[Any]], examples: int) -> str:
    """Send junk to one operation, and return the first answer that is none, or nothing."""
    cases = st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )

    @settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=cases, data=st.data())
    def run(case: Any, data: Any) -> None:
        case.path_parameters = season(data.draw, case.path_parameters, known)
        case.query = season(data.draw, case.query, known)
        case.body = season(data.draw, case.body, known)
        sender = data.draw(st.sampled_from(senders))
        try:
            check_answer(sender(case))
        except Exception as exc:
            raise AssertionError(
                f"{case.method} {case.formatted_path} {case.query} {case.body!r}: {exc!r}"
            ) from exc

    try:
        run()
    except AssertionError as exc:
        return f"{operation.label}: {exc}"
    return ""


@pytest.mark.parametrize("examples", [2, pytest.param(100, marks=pytest.mark.soak)])
def test_junk_from_somebody_who_may_do_everything(
    world: World, known: Mapping[str, list[Any]], examples: int
) -> None:
    senders = somebody(world)
    faults = [fuzz(operation, senders, known, examples) for operation in operations()]
    assert len(faults) >= NUMBER_OF_OPERATIONS
    assert [fault for fault in faults if fault] == []


@pytest.mark.parametrize("examples", [2, pytest.param(20, marks=pytest.mark.soak)])
def test_junk_from_nobody(world: World, known: Mapping[str, list[Any]], examples: int) -> None:
    client = APIClient(raise_request_exception=False)
    faults = [
        fuzz(operation, [lambda case: send(client, case)], known, examples) for operation in operations()
    ]
    assert [fault for fault in faults if fault] == []
