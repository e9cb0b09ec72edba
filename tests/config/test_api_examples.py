"""Every operation of the API has examples, and they are what it takes and answers.

Where an answer has changed on purpose: `make examples`, and read what git shows.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import Resolver404, resolve
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient

from config import api_examples
from config.api_examples import AS_ANSWERED, AS_BYTES, AS_SENT, FOLDER, IN_PART, read_example
from tests.api_scenes import READ, STORED, Asked, answer_to
from tests.factories import World, make_world
from tests.invariants.test_04_acknowledged_is_durable import Sent

TAKES_DOWN: Final = bool(os.environ.get("TRACEBINDER_TAKE_DOWN"))
MOST_NAMED: Final = 3  # texts in a list, or objects that have names of their own; more are shown by the first
SHOWN_BYTES: Final = 48  # of what is no text
SHOWN_CHARACTERS: Final = 600  # of a page
# What differs each time: a time, an id, a digest, a signature; and how long something took.
CHANGING: Final = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)|[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-fA-F]{12,}\b|[A-Za-z0-9+/=_-]{40,}|\d+"
)


@dataclass(frozen=True)
class Operation:
    """One method of one address, as the schema has it."""

    id: str
    method: str
    template: str
    said: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name of its address, of which a parameter is a number, a UUID, or anything."""
        for value in ("1", str(UUID(int=1))):
            try:
                return str(resolve(re.sub(r"{\w+}", value, self.template)).url_name)
            except Resolver404:
                continue
        raise AssertionError(self.template)

    @property
    def takes(self) -> Mapping[str, Any]:
        """What its body may be, by media type."""
        found: Mapping[str, Any] = self.said.get("requestBody", {}).get("content", {})
        return found

    @property
    def answers(self) -> Iterator[tuple[str, str, Any]]:
        """Status, media type and what is said of each body that it answers where all is well."""
        for status, answer in self.said["responses"].items():
            if status.startswith("2"):
                for media_type, content in answer.get("content", {}).items():
                    yield status, media_type, content


@cache
def schema() -> Mapping[str, Any]:
    drawn: Any = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    found: Mapping[str, Any] = json.loads(json.dumps(drawn, default=str))
    return found


@cache
def operations() -> Mapping[str, Operation]:
    found = [
        Operation(said["operationId"], method, template, said)
        for template, methods in schema()["paths"].items()
        for method, said in methods.items()
    ]
    return {each.id: each for each in found}


@cache
def closed() -> Mapping[str, Any]:
    """The components of the schema, of which an object has no field that is not said."""
    shut = {}
    for name, component in schema()["components"]["schemas"].items():
        is_open = "properties" not in component or "additionalProperties" in component
        shut[name] = component if is_open else {**component, "additionalProperties": False}
    return {"schemas": shut}


def faults(said: Any, value: object) -> list[str]:
    validator = Draft202012Validator({**said["schema"], "components": closed()})
    return [f"{each.json_path}: {each.message}" for each in validator.iter_errors(value)]


# --- What was taken down ---------------------------------------------------------------------------------------


def test_every_operation_has_an_example_of_each_body() -> None:
    assert len(operations()) > 120
    for each in operations().values():
        bodies = [content for _, _, content in each.answers]
        assert any("examples" in content for content in bodies), f"{each.id}: no answer; `make examples`"
        if each.takes:
            assert any("examples" in content for content in each.takes.values()), f"{each.id}: no request"


def test_no_example_is_left_of_an_operation_that_is_gone() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(operations())


@pytest.mark.parametrize(
    "changed",
    [{"status": "299"}, {"response": "text/none"}, {"request": "text/none"}],
    ids=lambda each: next(iter(each)),
)
def test_an_example_that_no_longer_fits_is_left_out_and_the_rest_of_the_schema_is_told(
    changed: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a file fails the tests above; it is no reason to answer a reader of the API's documents with 500."""
    stale = next(each for each in operations().values() if each.takes and "response" in read_example(each.id))
    example = json.loads(json.dumps(read_example(stale.id)))
    for part, media_type in changed.items():
        example |= (
            {part: media_type} if part == "status" else {part: example[part] | {"media_type": media_type}}
        )
    kept = api_examples.read_example
    monkeypatch.setattr(api_examples, "read_example", lambda key: example if key == stale.id else kept(key))
    drawn: Any = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    said = drawn["paths"][stale.template][stale.method]
    part = next(iter(changed))
    answer = next(iter(said["responses"][read_example(stale.id)["status"]]["content"].values()))
    body = next(iter(said["requestBody"]["content"].values()))
    assert ("examples" in answer, "examples" in body) == (part == "request", part != "request")
    other = next(
        each for each in operations().values() if each.id != stale.id and "request" in read_example(each.id)
    )
    shown = drawn["paths"][other.template][other.method]["requestBody"]["content"]
    assert any("examples" in content for content in shown.values())


def test_each_example_is_what_the_schema_says() -> None:
    found = []
    for each in operations().values():
        contents = [*each.takes.values(), *(content for _, _, content in each.answers)]
        for content in contents:
            for example in content.get("examples", {}).values():
                found += [f"{each.id}: {fault}" for fault in faults(content, example["value"])]
    assert found == []


def test_what_may_be_null_is_said_as_readers_of_today_know_it() -> None:
    assert '"nullable":' not in json.dumps(schema())


def test_each_list_shows_one() -> None:
    listed = [each for each in operations() if each.endswith("_list")]
    assert len(listed) > 40
    answered = {each: read_example(each)["response"]["value"] for each in listed}
    rows = {each: value if isinstance(value, list) else value["results"] for each, value in answered.items()}
    assert [each for each in listed if not rows[each]] == []


def test_an_example_that_is_not_of_the_schema_is_found() -> None:
    (content,) = (content for _, _, content in operations()["baselines_diff_retrieve"].answers)
    (example,) = content["examples"].values()
    assert faults(content, {**example["value"], "surprise": 1}) != []
    assert faults(content, {}) != []


@pytest.mark.django_db
def test_the_schema_reads_no_row_and_is_the_same_whoever_asks() -> None:
    with CaptureQueriesContext(connection) as asked:
        (stranger, again) = (APIClient().get("/api/schema").content for _ in range(2))
    assert asked.captured_queries == []
    member = APIClient()
    member.force_login(make_world().people["researcher"])
    assert stranger == again == member.get("/api/schema").content


# --- What is answered now --------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("operation_id", sorted(operations()))
def test_the_api_takes_and_answers_what_its_example_shows(world: World, operation_id: str) -> None:
    operation = operations()[operation_id]
    scenes: Any = READ if operation.method == "get" else STORED
    request = scenes[operation.name](world)
    answer = answer_to(world, request)
    assert 200 <= answer.status_code < 300, answer.content
    taken = take_down(operation, request, answer)
    if TAKES_DOWN:
        keep(operation_id, taken)
    assert outline(taken) == outline(read_example(operation_id)), "`make examples`, and read what git shows"


def take_down(operation: Operation, request: Sent | Asked, answer: Any) -> dict[str, Any]:
    """Return what was sent and answered, as the file of its operation holds it."""
    path, _, query = request.path.partition("?")
    asked = dict(pair.split("=") for pair in query.split("&") if pair)
    pattern = re.sub(
        r"{(\w+)}", r"(?P<\1>.+)", re.escape(operation.template).replace(r"\{", "{").replace(r"\}", "}")
    )
    in_path = re.fullmatch(pattern, path)
    assert in_path, f"{path} is no address of {operation.template}"
    taken: dict[str, Any] = {
        "parameters": in_path.groupdict() | asked, "status": str(answer.status_code),
    }  # fmt: skip
    if isinstance(request, Asked):
        taken["parameters"] |= request.query
    elif operation.takes:
        taken["request"] = {
            "media_type": request.content_type, "summary": AS_SENT, "value": _sent(request),
        }  # fmt: skip
    taken["response"] = _answered(answer)
    return taken


def _sent(request: Sent) -> Any:
    if not isinstance(request.body, bytes):
        return json.loads(json.dumps(request.body, default=str))
    return json.loads(request.body) if request.content_type == "application/json" else request.body.decode()


def _answered(answer: Any) -> dict[str, Any]:
    media_type = answer["Content-Type"].partition(";")[0]
    with closing(answer):  # which holds a file until then
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if media_type == "application/json":
        summary, value = AS_ANSWERED, first_of_each(json.loads(body))
    elif media_type in {"application/zip", "application/octet-stream"}:
        summary, value = AS_BYTES, body[:SHOWN_BYTES].decode("latin-1")
    else:
        summary, value = IN_PART, body.decode()[:SHOWN_CHARACTERS]
    return {"media_type": media_type, "summary": summary, "value": value}


def first_of_each(value: Any) -> Any:
    """Return a document with no more than the first of each long list, and of what lists objects by name."""
    if isinstance(value, dict):
        is_table = len(value) > MOST_NAMED and all(isinstance(inner, dict) for inner in value.values())
        shown = list(value.items())[: 1 if is_table else None]
        return {name: first_of_each(inner) for name, inner in shown}
    if isinstance(value, list):
        is_short = all(not isinstance(inner, dict | list) for inner in value) and len(value) <= MOST_NAMED
        return [first_of_each(inner) for inner in value[: None if is_short else 1]]
    return value


def keep(operation_id: str, taken: Mapping[str, Any]) -> None:
    """Write the file of an operation, unless it shows the same but for what is new each time."""
    if outline(taken) != outline(read_example(operation_id)):
        FOLDER.mkdir(exist_ok=True)
        text = json.dumps(taken, ensure_ascii=False, indent=1)
        (FOLDER / f"{operation_id}.json").write_text(f"{text}\n", encoding="utf-8")
        read_example.cache_clear()


def outline(taken: Mapping[str, Any]) -> Any:
    """Return what must not change: what is sent, but for times and ids, and the shape of what is answered."""
    response = taken.get("response", {})
    return {
        **{name: steady(value) for name, value in taken.items() if name != "response"},
        "response": {**response, "value": shape_of(response.get("value"))},
    }


def steady(value: Any) -> Any:
    """Return a document without what is new each time."""
    if isinstance(value, dict):
        return {CHANGING.sub("…", name): steady(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [steady(inner) for inner in value]
    if isinstance(value, str):
        return CHANGING.sub("…", value)
    return "…" if isinstance(value, int | float) and not isinstance(value, bool) else value


def shape_of(value: Any) -> Any:
    """Return the names and kinds of what a document holds."""
    if isinstance(value, dict):
        return {CHANGING.sub("…", name): shape_of(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape_of(inner) for inner in value]
    if value is None or isinstance(value, bool):
        return type(value).__name__
    return "number" if isinstance(value, int | float) else "text"
