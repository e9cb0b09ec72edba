"""Attacks of several steps: one person with two tokens, another tenant's names, and requests that are sent again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Final

from django.contrib.auth.models import User
from django.utils import timezone
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from evidence.access import principal_of_command_line, principal_of_token
from evidence.models import EvalRun, GateTransition, IngestBatch, Scope, Span, Waiver
from evidence.services.people.tokens import IssuedToken, issue_token
from requirements.models import RequirementTransition
from tests.attack.wire import Answer, Send, bearer, session_of
from tests.evidence.eval_files import eval_file
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span
from tests.factories import World, ask_for_waiver, make_world
from tests.requirements.builders import requirement_file

_JSON: Final = {"Content-Type": "application/json"}
Story = Callable[[Send, World], Iterator[str]]


def play(send: Send, room: Callable[[], AbstractContextManager[World]]) -> dict[str, list[str]]:
    """Play each story in a world of its own, and return what was reached that may not be, by the story's name."""
    found = {}
    for story in STORIES:
        with room() as world:
            found[(story.__doc__ or "").partition(".")[0]] = list(story(send, world))
    return found


def _post(
    send: Send, path: str, headers: Mapping[str, str], body: Mapping[str, object] | bytes, **more: str
) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return send("POST", path, {**_JSON, **headers, **more}, raw)


def _both(world: World) -> User:
    """Somebody who may propose and approve, as a small team has them."""
    return world.join("both", "author", "approver")


def _token(world: World, person: User, *scopes: Scope) -> IssuedToken:
    return issue_token(
        principal=principal_of_command_line(), name="t", owner=person, scopes=scopes, systems=[world.system],
        expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip


def approve_a_gate_of_ones_own(send: Send, world: World) -> Iterator[str]:
    """a gate that one proposed with one token and approves with another, or signed in."""
    both, system = _both(world), {"system": world.system.key}
    first, second = (bearer(_token(world, both, Scope.IMPORT, Scope.READ).text) for _ in range(2))
    proposed = _post(send, "/api/v1/gates", first, {**system, "key": "g", "criteria": [{"requirement": "b"}]})
    if proposed.status != 201:
        yield f"the gate was not proposed, so nothing was shown: {proposed.status} {proposed.content[:200]!r}"
    for headers in (second, session_of(both)):
        step = {**system, "to_state": "approved", "reason": "r"}
        _post(send, "/api/v1/gates/g/versions/1/transitions", headers, step)
        if GateTransition.objects.filter(to_state="approved").exists():
            yield "one person proposed and approved a gate"


def approve_a_requirement_of_ones_own(send: Send, world: World) -> Iterator[str]:
    """a requirement that one wrote with a token and approves with another, or signed in."""
    both, system = _both(world), {"system": world.system.key}
    first, second = (bearer(_token(world, both, Scope.IMPORT, Scope.READ).text) for _ in range(2))
    path = f"/api/v1/requirements/import?system={world.system.key}"
    _post(send, path, first, requirement_file(), **{"Content-Type": "application/yaml"})
    steps = "/api/v1/requirements/r/versions/1/transitions"
    asked = _post(send, steps, first, {**system, "to_state": "in_review", "reason": "r"})
    if asked.status >= 300:
        yield f"nobody was asked for an approval, so nothing was shown: {asked.status} {asked.content[:200]!r}"
    for headers in (second, session_of(both)):
        _post(send, steps, headers, {**system, "to_state": "approved", "reason": "r"})
        if RequirementTransition.objects.filter(to_state="approved").exists():
            yield "one person wrote and approved a requirement"


def waive_what_ones_token_asked_for(send: Send, world: World) -> Iterator[str]:
    """a waiver that one's own token asked for."""
    both = _both(world)
    token = _token(world, both, Scope.IMPORT).token
    asked = ask_for_waiver(world, "r/c", asker=principal_of_token(token))
    step = f"/api/v1/waiver-requests/{asked.pk}/transitions"
    _post(send, step, session_of(both), {"to_state": "granted"})
    if Waiver.objects.exists():
        yield "one person asked for a waiver and granted it"


def _export(send: Send, token: str, request: ExportTraceServiceRequest, **more: str) -> Answer:
    headers = {"Content-Type": PROTOBUF, **more}
    return _post(send, "/v1/traces", bearer(token), request.SerializeToString(), **headers)


def write_spans_into_a_trace_of_others(send: Send, world: World) -> Iterator[str]:
    """spans with the id of another tenant's trace."""
    other = make_world("aml-copilot")
    theirs = other.token(Scope.INGEST)
    for key, token in ((world.system.key, world.token(Scope.INGEST)), (other.system.key, theirs)):
        _export(send, token, make_request(make_span(attributes={"by": key}), system=key))
    owners = set(Span.objects.values_list("system__key", flat=True))
    if owners != {world.system.key, other.system.key}:
        yield f"spans of one trace id are kept for each tenant by itself, and were kept for {owners}"
    _export(send, theirs, make_request(make_span(), system=world.system.key))
    if Span.objects.filter(system=world.system).count() != 1:
        yield "a token wrote spans of a system that is not its own"


def use_the_run_key_of_others(send: Send, world: World) -> Iterator[str]:
    """the run key of another tenant, and one's own with another file."""
    other = make_world("aml-copilot")
    for whose, values in ((world, [1.0]), (other, [0.0]), (other, [1.0])):
        path = f"/api/v1/eval-runs?system={whose.system.key}"
        file = eval_file(values, system=whose.system.key)
        _post(send, path, bearer(whose.token(Scope.PUSH_EVAL)), file)
    runs = EvalRun.objects.order_by("pk").values_list("system__key", flat=True)
    if list(runs) != [world.system.key, other.system.key]:
        yield f"one run for each tenant is on record, and no second of a key: {list(runs)}"


def send_again(send: Send, world: World) -> Iterator[str]:
    """the same request again, and another with the same idempotency key."""
    token = world.token(Scope.INGEST)
    requests = [make_request(make_span(name=name)) for name in ("one", "one", "two")]
    answers = [_export(send, token, request, **{"Idempotency-Key": "the-same"}) for request in requests]
    batches = IngestBatch.objects.count()
    if answers[0].content != answers[1].content or batches != 2:
        yield f"{batches} batches are on record for two requests, of which one was sent again"


STORIES: Final[tuple[Story, ...]] = (
    approve_a_gate_of_ones_own,
    approve_a_requirement_of_ones_own,
    waive_what_ones_token_asked_for,
    write_spans_into_a_trace_of_others,
    use_the_run_key_of_others,
    send_again,
)
