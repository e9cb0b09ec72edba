"""What a probe reads: the words the model was really asked, as applications of any kind wrote them down."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from evidence.digests import sha256_hex
from evidence.models import ArtefactVersion
from evidence.otlp.values import VERSION_KEY
from evidence.services import registry
from evidence.services.blobs import read_blob
from interpret.contracts import ProbeInput
from interpret.errors import BadSpecification
from interpret.services.prompts import collect_answer_prompts, read_inputs, store_inputs
from tests.e2e.cases import make_trace
from tests.evidence.semconv_spans import make_span
from tests.evidence.stored_spans import store_spans
from tests.factories import ACTOR, World

pytestmark = pytest.mark.django_db
CONTENT = [
    {"role": "system", "content": "Answer from the documents."},
    {"role": "user", "content": "An earlier question"},
    {"role": "assistant", "content": "An earlier answer"},
    {"role": "user", "content": "What does a loan cost?"},
]
PARTS = [
    {"role": "system", "parts": [{"type": "text", "content": "Answer from the documents."}]},
    {
        "role": "user",
        "parts": [7, {"type": "text", "text": "What does"}, {"content": "a loan cost?"}],
    },
]


def chat(trace_id: UUID, world: World, messages: Any, start: int = 10, span_id: str = "0a" * 8) -> None:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": messages}
    store_spans(world.system, trace_id, [make_span(span_id, start=start, attributes=attributes)])


def asked(world: World, messages: Any) -> tuple[str, str]:
    """Return instruction and text of the one trace that was sent with these messages."""
    trace = make_trace(world)
    chat(trace.trace_id, world, messages)
    (found,) = collect_answer_prompts(world.release)
    assert found.id == trace.trace_id.hex
    return found.instruction, found.text


@pytest.mark.parametrize("messages", [CONTENT, json.dumps(CONTENT)])
def test_the_users_last_words_are_the_prompt(world: World, messages: Any) -> None:
    assert asked(world, messages) == ("Answer from the documents.", "What does a loan cost?")


def test_parts_are_read_as_content_is(world: World) -> None:
    assert asked(world, PARTS) == ("Answer from the documents.", "What does\na loan cost?")


@pytest.mark.parametrize(
    "messages",
    [
        "no JSON",
        "{",
        17,
        {"role": "user"},
        ["words"],
        [{"role": "user", "content": None}],
        [{"content": 4}],
        None,
    ],
)
def test_what_is_no_list_of_messages_leaves_the_question(world: World, messages: Any) -> None:
    trace = make_trace(world)
    chat(trace.trace_id, world, messages)
    (found,) = collect_answer_prompts(world.release)
    assert (found.instruction, found.text) == ("", trace.question)


def test_the_first_of_several_calls_is_what_was_asked(world: World) -> None:
    trace = make_trace(world)
    later = [{"role": "user", "content": "Rewrite the answer"}]
    chat(trace.trace_id, world, later, start=50, span_id="0b" * 8)
    chat(trace.trace_id, world, CONTENT, start=10)
    (found,) = collect_answer_prompts(world.release)
    assert found.text == "What does a loan cost?"


def test_prompts_of_any_convention_are_read(world: World) -> None:
    trace = make_trace(world)
    attributes = {
        "openinference.span.kind": "LLM",
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.0.message.content": "Answer from the documents.",
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.content": "What does a loan cost?",
    }
    store_spans(world.system, trace.trace_id, [make_span("0a" * 8, start=10, attributes=attributes)])
    (found,) = collect_answer_prompts(world.release)
    assert (found.instruction, found.text) == ("Answer from the documents.", "What does a loan cost?")


def test_what_a_guard_was_asked_first_is_not_what_was_asked(world: World) -> None:
    trace = make_trace(world)
    guard = {"tracebinder.policy.decision": "allow", "tracebinder.policy.rule": "input"}
    asked_guard = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": [{"role": "user", "content": "Safe?"}],
    }
    store_spans(
        world.system,
        trace.trace_id,
        [
            make_span("0c" * 8, start=1, attributes=guard),
            make_span("0d" * 8, start=2, parent="0c" * 8, attributes=asked_guard),
        ],
    )
    chat(trace.trace_id, world, CONTENT, start=50)
    (found,) = collect_answer_prompts(world.release)
    assert found.text == "What does a loan cost?"


def test_of_two_versions_of_a_span_the_one_that_stands_is_read(world: World) -> None:
    trace = make_trace(world)
    snapshot, finished = (
        [{"role": "user", "content": text}] for text in ("What does", "What does a loan cost?")
    )
    first = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": snapshot}
    of = {"span_id": "0a" * 8}
    later = {**first, "gen_ai.input.messages": finished, VERSION_KEY: of}
    store_spans(
        world.system,
        trace.trace_id,
        [
            make_span("0a" * 8, start=10, attributes=first, end_ns=20),
            make_span("0e" * 8, start=10, attributes=later, end_ns=90),
        ],
    )
    (found,) = collect_answer_prompts(world.release)
    assert found.text == "What does a loan cost?"


def test_the_same_text_after_different_instructions_is_one_cluster(world: World) -> None:
    question = {"role": "user", "content": "What does a loan cost?"}
    asked = [
        [{"role": "system", "content": "Today is Monday."}, question],
        [{"role": "system", "content": "Today is Tuesday."}, question],
        [{"role": "user", "content": "And a card?"}],
    ]
    for number, messages in enumerate(asked):
        chat(make_trace(world).trace_id, world, messages, span_id=f"{number + 1:016x}")
    found = collect_answer_prompts(world.release)
    alike = [item for item in found if item.text == "What does a loan cost?"]
    assert {item.cluster for item in alike} == {alike[0].id}
    assert [item.cluster for item in found if item not in alike] == [""]


def test_the_very_same_prompt_of_two_traces_is_one_text_and_needs_no_cluster(world: World) -> None:
    for number in range(2):
        chat(make_trace(world).trace_id, world, CONTENT, span_id=f"{number + 1:016x}")
    found = collect_answer_prompts(world.release)
    assert [item.cluster for item in found] == ["", ""]
    assert len({(item.instruction, item.text, item.continuation) for item in found}) == 1


def test_a_release_without_traces_has_nothing_to_read(world: World) -> None:
    assert collect_answer_prompts(world.release) == ()
    with pytest.raises(BadSpecification, match="has no traces to take prompts from"):
        store_inputs(release=world.release, inputs=(), actor=ACTOR)


def test_stored_inputs_are_read_back_and_kept_once(world: World) -> None:
    inputs = (ProbeInput(uuid4().hex, "一个问题", "zh-Hans", instruction="i"),)
    version = store_inputs(release=world.release, inputs=inputs, actor=ACTOR)
    assert store_inputs(release=world.release, inputs=inputs, actor=ACTOR) == version
    assert read_inputs(version) == inputs
    bare: ArtefactVersion = registry.ensure_version(
        system=world.system, kind="dataset", key="bare", label="1", digest="7" * 64, actor=ACTOR
    )
    with pytest.raises(BadSpecification, match="keeps no inputs"):
        read_inputs(bare)


def test_inputs_without_a_cluster_keep_the_digest_that_they_had_before_there_were_any(world: World) -> None:
    inputs = (ProbeInput("p1", "一个问题", "zh-Hans", instruction="i"), ProbeInput("p2", "b", "en", "c"))
    before = (
        b'[{"continuation":null,"id":"p1","instruction":"i","language":"zh-Hans","text":"\xe4\xb8\x80\xe4\xb8\xaa'
        b'\xe9\x97\xae\xe9\xa2\x98"},{"continuation":"c","id":"p2","instruction":"","language":"en","text":"b"}]'
    )
    version = store_inputs(release=world.release, inputs=inputs, actor=ACTOR)
    assert version.digest == sha256_hex(before)
    assert version.blob_id is not None
    assert read_blob(version.blob_id) == before
    named = tuple(replace(item, cluster="a document") for item in inputs)
    other = store_inputs(release=world.release, inputs=named, actor=ACTOR)
    assert other.digest != version.digest
    assert read_inputs(other) == named
