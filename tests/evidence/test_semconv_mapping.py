"""What a trace's spans are taken to mean, in each convention, and that their order never matters."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.semconv.draft import TraceDraft, VersionRef
from evidence.semconv.mapping import digest_trace, map_trace
from tests.evidence.semconv_spans import ANSWER, ROOT_ID, make_root, make_span, make_trace


def codes(draft: TraceDraft) -> list[str]:
    return [flag.code for flag in draft.flags]


def test_a_complete_trace_tells_all_its_nouns() -> None:
    draft = map_trace(make_trace())
    assert (draft.status, draft.root_span_id, draft.span_count) == ("complete", ROOT_ID, 5)
    assert (draft.name, draft.environment, draft.release) == ("credit assistant", "production", "2026.11")
    assert (draft.question, draft.answer) == ("What does an overdraft cost?", ANSWER)
    assert (draft.language, draft.risk_tier, draft.limitations) == ("en", "high", ("Rates change.",))
    assert draft.confidence_factors[0]["factor"] == "retrieval_score"
    assert draft.has_prompt
    assert [(one.document_ref, one.rank, one.score) for one in draft.retrievals] == [
        ("RATE-1", 0, 3.5),
        ("FEE-1", 1, None),
    ]
    (check,) = draft.policy_checks
    assert (check.rule, check.decision, check.reason) == ("prohibited_claims", "escalate", "high amount")
    assert check.version == VersionRef("policy", "policy", "lending", "7", "")
    (call,) = draft.tool_calls
    assert (call.tool, call.arguments, call.result) == ("rate_table", {"product": "overdraft"}, "15%")
    assert [(claim.start, claim.end, claim.material) for claim in draft.claims] == [
        (0, 36, True),
        (37, 57, None),
    ]
    assert draft.claims[0].citations[0].document_ref == "RATE-1"
    assert {(ref.slot, ref.key, ref.label, ref.digest[:1]) for ref in draft.versions} == {
        ("index", "policies", "2026-11", "1"),
        ("model", "smollm2", "", "2"),
        ("prompt", "credit-answer", "1.2.0", ""),
        ("tool:rate_table", "rate_table", "3", ""),
        ("policy", "lending", "7", ""),
    }
    assert codes(draft) == []


@settings(deadline=None)
@given(st.permutations(make_trace()), st.lists(st.integers(0, 4), max_size=10), st.integers(0, 5))
def test_any_order_split_and_repetition_give_the_same_draft(
    shuffled: list[dict[str, Any]], repeated: list[int], cut: int
) -> None:
    again = [shuffled[i] for i in repeated]
    assert map_trace([*shuffled[cut:], *again, *shuffled[:cut]]) == map_trace(make_trace())


def attribute_values() -> st.SearchStrategy[Any]:
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
    values = st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=6,
    )
    said = st.builds(
        lambda role, content, key: {"role": role, key: content},
        st.sampled_from(["user", "assistant", "tool", "system", 3, None]),
        values,
        st.sampled_from(["content", "parts", "tool_calls", "message", "data"]),
    )
    values |= st.lists(said, max_size=3)
    return values | values.map(json.dumps)


ATTRIBUTE_KEYS = st.sampled_from([
    "tracebinder.claims", "tracebinder.confidence.factors", "tracebinder.limitations", "tracebinder.answer",
    "tracebinder.question", "tracebinder.language", "tracebinder.risk_tier", "tracebinder.release",
    "tracebinder.policy.decision", "tracebinder.policy.rule", "tracebinder.model.digest",
    "tracebinder.index.digest", "gen_ai.operation.name", "gen_ai.request.model", "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.retrieval.documents", "gen_ai.tool.name", "gen_ai.tool.call.arguments", "gen_ai.prompt",
    "gen_ai.prompt.0.role",
    "gen_ai.prompt.0.content", "openinference.span.kind", "input.value", "output.value",
    "retrieval.documents.0.document.id",
    "llm.input_messages.0.message.role", "llm.input_messages.0.message.content", "gen_ai.data_source.id",
    "gen_ai.completion", "gen_ai.completion.0.content", "gen_ai.system", "gen_ai.response.finish_reasons",
    "gen_ai.tool.call.id", "gen_ai.tool.call.result", "gen_ai.system_instructions", "gen_ai.usage.input_tokens",
    "gen_ai.usage.cost", "session.id", "gen_ai.agent.name", "llm.output_messages.0.message.content",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.name", "retrieval.documents.0.document.metadata",
    "reranker.output_documents.0.document.id", "tool.parameters",
])  # fmt: skip


@settings(deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "span_id": st.sampled_from(["a" * 16, "b" * 16, "c" * 16]),
                "parent_span_id": st.sampled_from(["", "a" * 16, "d" * 16]),
                "start_ns": st.integers(0, 3),
                "attributes": st.dictionaries(ATTRIBUTE_KEYS, attribute_values(), max_size=8),
                "events": st.lists(
                    st.fixed_dictionaries(
                        {
                            "name": st.sampled_from(
                                ["gen_ai.user.message", "gen_ai.choice", "gen_ai.content.prompt", "x"]
                            ),
                            "attributes": st.dictionaries(
                                st.sampled_from(["content", "message"]), attribute_values()
                            ),
                        }
                    ),
                    max_size=2,
                ),
            }
        ),
        min_size=1,
        max_size=4,
    ),
    st.randoms(use_true_random=False),
)
def test_no_attribute_value_breaks_the_mapping_or_its_determinism(
    rows: list[dict[str, Any]], random: Any
) -> None:
    spans = [
        make_span(
            row["span_id"],
            parent=row["parent_span_id"],
            start=row["start_ns"],
            attributes=row["attributes"],
            events=row["events"],
        )
        for row in rows
    ]
    shuffled = random.sample(spans, len(spans))
    assert map_trace(shuffled) == map_trace(spans)
    json.dumps([claim.text for claim in map_trace(spans).claims], ensure_ascii=False).encode()


def test_the_digest_tells_other_content_and_other_spans_apart() -> None:
    whole = [("a", "1"), ("b", "2")]
    assert digest_trace(whole) == digest_trace([*reversed(whole), ("a", "1")])
    assert len({digest_trace(whole), digest_trace(whole[:1]), digest_trace([("a", "1"), ("b", "3")])}) == 3


def test_a_trace_without_its_root_is_incomplete_and_still_read() -> None:
    draft = map_trace(make_trace()[1:])
    assert (draft.status, draft.root_span_id, draft.answer) == ("incomplete", "", "model text")
    assert "no_root" in codes(draft)


def test_an_agent_below_an_http_span_speaks_for_the_trace() -> None:
    server = make_span("00000000000000f0", parent="", name="POST /ask", start=0)
    spans = [server, *make_trace()]
    spans[1] = make_span(
        ROOT_ID, parent="00000000000000f0", name="agent", attributes=make_root()["attributes"]
    )
    draft = map_trace(spans)
    assert (draft.name, draft.status, draft.answer) == ("agent", "complete", ANSWER)
    assert draft.release == "2026.11"


def test_conventions_before_1_36_are_read() -> None:
    spans = [
        make_span(ROOT_ID, parent="", name="root", start=1),
        make_span(
            "00000000000000b1",
            attributes={
                "gen_ai.system": "openai",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.response.model": "gpt-4o-2024-08-06",
            },
            events=[
                {"name": "gen_ai.user.message", "attributes": {"content": "old question"}},
                {
                    "name": "gen_ai.choice",
                    "attributes": {"message": {"role": "assistant", "content": "old answer"}},
                },
            ],
        ),
    ]
    draft = map_trace(spans)
    assert (draft.question, draft.answer, draft.has_prompt) == ("old question", "old answer", True)
    assert draft.versions == (VersionRef("model", "model", "gpt-4o", "gpt-4o-2024-08-06", ""),)


def test_indexed_prompts_and_completions_are_read() -> None:
    attributes = {
        "gen_ai.system": "openai",
        "gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": "be kind",
        "gen_ai.prompt.1.role": "user", "gen_ai.prompt.1.content": "indexed question",
        "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "indexed answer",
    }  # fmt: skip
    draft = map_trace([make_span(ROOT_ID, parent="", attributes=attributes)])
    assert (draft.question, draft.answer) == ("indexed question", "indexed answer")


def test_openinference_is_read() -> None:
    spans = [
        make_span(ROOT_ID, parent="", name="chain", start=1, attributes={
            "openinference.span.kind": "CHAIN", "input.value": "oi question", "output.value": "oi answer"}),
        make_span("00000000000000b1", start=2, attributes={
            "openinference.span.kind": "RETRIEVER", "input.value": "search",
            "retrieval.documents.0.document.id": "D-0", "retrieval.documents.0.document.score": 0.5,
            "retrieval.documents.10.document.id": "D-10", "retrieval.documents.2.document.id": "D-2"}),
        make_span("00000000000000b2", start=3, attributes={
            "openinference.span.kind": "LLM", "llm.model_name": "m",
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.contents.0.message_content.text": "put to the model"}),
        make_span("00000000000000b3", start=4, attributes={
            "openinference.span.kind": "TOOL", "tool.name": "calc",
            "input.value": "{\"a\": 1}", "output.value": "2"}),
    ]  # fmt: skip
    draft = map_trace(spans)
    assert (draft.question, draft.answer, draft.has_prompt) == ("oi question", "oi answer", True)
    assert [one.document_ref for one in draft.retrievals] == ["D-0", "D-2", "D-10"]
    assert draft.retrievals[0].query == "search"
    assert [(call.tool, call.arguments, call.result) for call in draft.tool_calls] == [("calc", {"a": 1}, 2)]


@pytest.mark.parametrize(
    ("attribute", "value", "code"),
    [
        ("tracebinder.claims", "[{", "malformed_attribute"),
        ("tracebinder.claims", "{}", "malformed_attribute"),
        ("tracebinder.claims", [{"start": 1}], "malformed_attribute"),
        ("tracebinder.claims", [{"text": "not in the answer"}], "claim_not_in_answer"),
        ("tracebinder.claims", [{"text": "Students pay no fee.", "start": 0, "end": 5}], "claim_moved"),
        (
            "tracebinder.claims",
            [{"text": "Students pay no fee.", "citations": [{"quote": "x"}]}],
            "malformed_attribute",
        ),
        (
            "tracebinder.claims",
            {"tracebinder.blob": "sha256:00", "bytes": 1, "media_type": "x"},
            "value_in_blob",
        ),
        (
            "tracebinder.confidence.factors",
            [{"factor": "f", "value": 1, "direction": "sideways"}],
            "malformed_attribute",
        ),
        ("tracebinder.limitations", [1], "malformed_attribute"),
        ("tracebinder.risk_tier", "gigantic", "malformed_attribute"),
        ("tracebinder.model.digest", "md5:1234", "malformed_attribute"),
        ("tracebinder.release", "r" * 101, "attribute_cut"),
    ],
)
def test_a_bad_value_of_ours_becomes_a_flag_on_the_trace(attribute: str, value: object, code: str) -> None:
    draft = map_trace([make_root(**{attribute: value}), *make_trace()[1:]])
    assert code in codes(draft)
    assert draft.answer == ANSWER


def test_one_bad_claim_does_not_take_the_good_ones_with_it() -> None:
    claims = [{"text": "Students pay no fee."}, 7, {"text": "The overdraft rate is 15% per annum."}]
    draft = map_trace([make_root(**{"tracebinder.claims": claims})])
    assert [claim.start for claim in draft.claims] == [37, 0]


@pytest.mark.parametrize(
    ("attribute", "value", "told"),
    [
        ("tracebinder.claims", [{"text": " "}], "tracebinder.claims[0] has no text"),
        (
            "tracebinder.claims",
            [{"text": "no fee", "material": "yes"}],
            "[0].material is neither true nor false",
        ),
        ("tracebinder.claims", [{"text": "no fee", "citations": "D1"}], "[0].citations is no list"),
        ("tracebinder.claims", [{"text": "no fee", "citations": ["D1"]}], "[0].citations[0] is no object"),
        (
            "tracebinder.claims",
            [{"text": "no fee", "citations": [{"document": "D1", "quote": 4}]}],
            "[0].citations[0].quote is no text",
        ),
        ("tracebinder.confidence.factors", [7], "tracebinder.confidence.factors[0]: is no object"),
        ("tracebinder.confidence.factors", [{"direction": "raises", "value": 1}], "[0]: has no factor"),
        (
            "tracebinder.confidence.factors",
            [{"factor": "f", "direction": "raises", "value": []}],
            "[0]: value is no number and no text",
        ),
        ("tracebinder.limitations", ["ok", " "], "tracebinder.limitations[1] is no text"),
    ],
)
def test_a_flag_says_which_part_is_wrong_and_how(attribute: str, value: object, told: str) -> None:
    draft = map_trace([make_root(**{attribute: value})])
    assert any(told in flag.detail for flag in draft.flags if flag.code == "malformed_attribute"), draft.flags


def test_a_limitation_may_be_a_single_text() -> None:
    assert map_trace([make_root(**{"tracebinder.limitations": "Rates change."})]).limitations == (
        "Rates change.",
    )
    assert map_trace([make_root(**{"tracebinder.limitations": "  "})]).limitations == ()


def test_a_citation_without_a_document_is_kept_to_be_unresolvable() -> None:
    claims = [{"text": "Students pay no fee.", "citations": [{"quote": "no fee"}]}]
    (claim,) = map_trace([make_root(**{"tracebinder.claims": claims})]).claims
    assert [(one.document_ref, one.quote) for one in claim.citations] == [("", "no fee")]


def test_an_unknown_policy_decision_is_flagged_and_never_counted_as_a_check() -> None:
    gate = make_span(
        "00000000000000b9", name="policy_check limits", attributes={"tracebinder.policy.decision": "maybe"}
    )
    draft = map_trace([make_root(), gate])
    assert draft.policy_checks == ()
    assert "policy_decision_unknown" in codes(draft)


def test_a_bare_name_is_completed_by_the_span_that_knows_more() -> None:
    spans = [make_root(**{"gen_ai.request.model": "smollm2"}), *make_trace()[1:]]
    models = [ref for ref in map_trace(spans).versions if ref.kind == "model"]
    assert [(ref.key, ref.digest) for ref in models] == [("smollm2", "2" * 64)]


def test_two_versions_of_one_prompt_are_both_kept_and_flagged() -> None:
    other = make_span(
        "00000000000000c1", attributes={"gen_ai.prompt.name": "credit-answer", "gen_ai.prompt.version": "2"}
    )
    draft = map_trace([*make_trace(), other])
    assert len([ref for ref in draft.versions if ref.kind == "prompt"]) == 2
    assert "several_versions" in codes(draft)


def test_a_name_without_a_version_is_flagged() -> None:
    draft = map_trace([make_root(**{"gen_ai.request.model": "gpt-4o"})])
    assert "version_not_stated" in codes(draft)


def test_text_that_the_database_cannot_hold_is_escaped() -> None:
    claims = '[{"text": "a\\u0000b \\ud800", "citations": []}]'
    (claim,) = map_trace([make_root(**{"tracebinder.claims": claims})]).claims
    assert claim.text == "a\\u0000b \\ud800"
    claim.text.encode()


def test_a_reused_span_id_keeps_the_first_and_is_flagged() -> None:
    first, *rest = make_trace()
    second = make_span(ROOT_ID, parent="", name="impostor", start=2)
    draft = map_trace([second, first, *rest])
    assert draft.name == "credit assistant"
    assert "span_id_reused" in codes(draft)
    assert draft == replace(map_trace([first, *rest]), flags=draft.flags)


def test_no_spans_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one span"):
        map_trace([])
