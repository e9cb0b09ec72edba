"""Traces of kinds that could show something that nobody asked or answered, a small one of each.

Of each the question and the answer are known. Those in `TOLD` are shown; of those in `UNSURE` nothing else is shown,
and the trace says that it cannot tell.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from evidence.semconv.draft import Rule
from evidence.semconv.mapping import map_trace
from evidence.semconv.values import is_prose
from tests.evidence.semconv_spans import ROOT_ID, make_span
from tests.evidence.spoken_spans import (
    ABROAD,
    ASKED,
    CHUNKS,
    CITED,
    CONTEXT,
    CUT_PARTS,
    DRAFT,
    FEE_ABROAD,
    GAVE,
    GERMAN,
    GERMAN_ANSWER,
    GUARDED,
    NAMED,
    OF_A_THREAD,
    SPOKEN,
    TARIFF,
    TWO_CHOICES,
    WITH_NAME,
    WITHOUT_NAME,
    Spans,
    agent,
    call,
    calling,
    codes,
    conversation,
    frame,
    langfuse,
    model,
    observation,
    observation_told,
    observed,
    of_the_application,
    responding,
    search,
    server,
    spoke,
    text,
    tool,
    user,
    user_said,
    with_parts,
    written_out,
)

FLAGS_OF_DOUBT = {"ambiguous_answer", "ambiguous_question", "answer_absent", "question_absent"}


TOLD: dict[str, tuple[str, str, Spans]] = {
    "choices of a traced function": (ASKED, GAVE, [frame({"question": ASKED}, TWO_CHOICES)]),
    "choices of an agent": (
        ASKED,
        GAVE,
        [agent(1, [user(ASKED)], [model(GAVE, finish_reason="stop"), model("12", finish_reason="stop")], parent="")],
    ),
    "another agent's find as a user's message": (
        ASKED,
        GAVE,
        [
            frame(
                conversation({"type": "human", "content": ASKED}),
                conversation({"type": "human", "content": ASKED}, NAMED, {"type": "ai", "content": GAVE}),
            )
        ],
    ),
    "a tool's response in tags": (ASKED, GAVE, observation_told("<tool_response>\n12\n</tool_response>")),
    "an observation with its call's id": (ASKED, GAVE, observation_told("Call id: call_1\nObservation:\n12")),
    "a reminder of the program": (
        ASKED,
        GAVE,
        observation_told("<system-reminder>The list is empty.</system-reminder>"),
    ),
    "a wrapper around what reached it": (
        ASKED,
        GAVE,
        [
            frame({"question": ASKED}, {"message": "Request processed", "data": {"reply": GAVE}}),
            call(1, [user(ASKED)], GAVE),
        ],
    ),
    "an answer field beside others": (
        ASKED,
        GAVE,
        [frame({"question": ASKED}, {"answer": GAVE, "note": "row 2 of T-26", "sources": ["T-26"]})],
    ),
    "a document beside the question": (ASKED, GAVE, [frame({"text": TARIFF, "user_question": ASKED}, GAVE)]),
    "what the application says of the whole trace, on a step": (
        ASKED,
        GAVE,
        [
            make_span(
                ROOT_ID, parent="", start=1, attributes={
                    "langfuse.observation.type": "span", "langfuse.observation.output": "ok"}
            ),
            make_span(
                "0000000000000001", start=10, attributes={
                    "langfuse.observation.type": "generation",
                    "langfuse.observation.input": json.dumps([{"role": "user", "content": f"{TARIFF} {ASKED}"}]),
                    "langfuse.trace.input": ASKED, "langfuse.trace.output": GAVE}
            ),
        ],
    ),
    "a clock behind, a call that saw the draft": (
        ASKED,
        GAVE,
        [server(), call(5, [user(ASKED)], DRAFT, resource={"service.name": "drafts"}),
         call(1, [user(ASKED), model(DRAFT)], GAVE)],
    ),
    "a person who is named, after an answer": (
        ABROAD,
        FEE_ABROAD,
        [server(), call(1, [user(ASKED), model(GAVE), user(ABROAD, name="Ada")], FEE_ABROAD)],
    ),
    "a function that returned only that it is done": (
        ASKED,
        GAVE,
        [frame(None, "success"), call(1, [user(ASKED)], GAVE)],
    ),
    "a function that was given an id": (
        ASKED,
        GAVE,
        [frame("user-7712", GAVE), call(1, [user(ASKED)], GAVE)],
    ),
    "two turns of one agent without a name": (
        ABROAD,
        FEE_ABROAD,
        [server(), agent(1, [user(ASKED)], GAVE, "Be brief."), agent(2, [user(ABROAD)], FEE_ABROAD, "Be brief.")],
    ),
}  # fmt: skip


TOLD |= {
    "a pipeline whose components were all given the question": (
        ASKED,
        GAVE,
        [frame({"retriever": {"query": ASKED}, "prompt_builder": {"question": ASKED}}, {"llm": {"replies": [GAVE]}}),
         call(1, [user(f"{TARIFF}\nQuestion: {ASKED}")], GAVE)],
    ),
    "a model that thinks aloud": (
        ASKED, GAVE, [call(1, [user(ASKED)], f"<think>12 or\n13?</think>\n\n{GAVE}", parent="")],
    ),
    "a model whose template begins the thought": (
        ASKED, GAVE, [call(1, [user(ASKED)], f"12 or\n13?\n</think>\n\n{GAVE}", parent="")],
    ),
    "a thought that the application took out": (
        ASKED, GAVE, [frame(ASKED, GAVE), call(1, [user(ASKED)], f"<think>12?</think>{GAVE}")],
    ),
    "a thought among Gemini's parts": (
        ASKED,
        GAVE,
        [call(1, [user(ASKED)],
              [{"role": "model", "parts": [{"thought": True, "text": DRAFT}, {"text": GAVE}]}], parent="")],
    ),
    "a prompt of one text, as a template made it": (
        ASKED,
        GAVE,
        [call(1, [user(f"[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n{ASKED} [/INST]")], f"{GAVE}</s>", parent="")],
    ),
    "a completion in OpenInference": (
        ASKED,
        GAVE,
        [make_span(ROOT_ID, parent="", name="completion", start=1, attributes={
            "openinference.span.kind": "LLM", "llm.prompts.0.prompt.text": ASKED,
            "llm.choices.0.completion.text": GAVE})],
    ),
    "a request as MLflow's agents are given it": (
        ASKED,
        GAVE,
        [frame({"request": {"input": [user(ASKED)]}}, {"output": [
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": GAVE}]}]})],
    ),
    "an answer that tells of thoughts": (
        ASKED, "Write <think> first.", [call(1, [user(ASKED)], "Write <think> first.", parent="")],
    ),
    "the same question sent twice": (ASKED, GAVE, [server(), call(1, [user(ASKED), user(ASKED)], GAVE)]),
    "a person who asks for a better answer where it began": (
        "Revise your answer.",
        GAVE,
        [agent(1, [user(ASKED), model(DRAFT), user("Revise your answer.")], GAVE, parent="")],
    ),
    "one person, named in each message": (
        ABROAD,
        FEE_ABROAD,
        [server(), call(1, [user(ASKED, name="Ada"), model(GAVE), user(ABROAD, name="Ada")], FEE_ABROAD)],
    ),
    "words before a tool's result in one message": (
        ASKED,
        GAVE,
        [agent(1, [user(ASKED)], [{"role": "assistant", "parts": [
            {"type": "text", "content": "Let me look."},
            {"type": "tool_call", "id": "c", "name": "fee", "arguments": {}},
            {"type": "tool_call_response", "id": "c", "response": "12"},
            {"type": "text", "content": GAVE}]}], parent="")],
    ),
    "the only turn, said of the whole trace too": (
        ASKED,
        GAVE,
        [langfuse("span", 0, {"langfuse.trace.input": ASKED, "langfuse.trace.output": GAVE}),
         langfuse("generation", 1, observed([user_said(f"Draft it: {ASKED}")], DRAFT)),
         langfuse("generation", 2, observed([user_said(f"Write it up: {DRAFT}")], GAVE))],
    ),
}  # fmt: skip


UNSURE: dict[str, tuple[str, str, Spans]] = {
    "an agent without a name, told to be another": (
        ASKED,
        GAVE,
        [server(), agent(1, [user(ASKED)], GAVE, "You are the clerk."),
         agent(2, [user("Record the contact")], "Contact 8841 recorded.", "You keep the records.")],
    ),
    "an agent without a name, with another id": (
        ASKED,
        GAVE,
        [server(), agent(1, [user(ASKED)], GAVE, attributes={"gen_ai.agent.id": "clerk-1"}),
         agent(2, [user("Record the contact")], "Recorded.", attributes={"gen_ai.agent.id": "records-1"})],
    ),
    "a guard that words the answer anew": (
        ASKED,
        WITHOUT_NAME,
        [server(), call(1, [user(ASKED)], WITH_NAME),
         call(2, [user(WITH_NAME)], WITHOUT_NAME, "Replace all personal data.", name="pii_guard")],
    ),
    "a rewritten answer at a root without a question": (
        ASKED,
        WITHOUT_NAME,
        [frame(None, WITHOUT_NAME), call(1, [user(ASKED)], WITH_NAME),
         call(2, [user(WITH_NAME)], WITHOUT_NAME, "Replace all personal data.")],
    ),
    "an answer translated at a root without a question": (
        GERMAN,
        GERMAN_ANSWER,
        [frame(None, GERMAN_ANSWER), call(1, [user(GERMAN)], ASKED, "Translate into English."),
         call(2, [user(ASKED)], GAVE), call(3, [user(GAVE)], GERMAN_ANSWER, "Translate into German.")],
    ),
    "a question translated": (
        GERMAN,
        GAVE,
        [frame(None, GAVE), call(1, [user(GERMAN)], ASKED, "Translate into English."), call(2, [user(ASKED)], GAVE)],
    ),
    "branches merged in one conversation": (
        ASKED,
        GAVE,
        [server(), call(1, [user(ASKED)], "Retail: 12 EUR.", end_ns=60), call(2, [user(ASKED)], "Private: nothing."),
         call(9, [user(ASKED), model("Retail: 12 EUR."), model("Private: nothing."), user("Merge them.")], GAVE)],
    ),
    "follow-up questions asked for in the conversation": (
        ASKED,
        GAVE,
        [server(), call(1, [user(ASKED)], GAVE),
         call(2, [user(ASKED), model(GAVE), user("Suggest three follow-up questions")], "What of a third?")],
    ),
    "a title where the answer came from a cache": (
        ASKED,
        GAVE,
        [server(), call(1, [user(ASKED)], "Card cost", "Generate a short title for the conversation.")],
    ),
    "a guard that words the answer anew in JSON": (
        ASKED,
        WITHOUT_NAME,
        [server(), call(1, [user(ASKED)], WITH_NAME),
         call(2, [user(WITH_NAME)], json.dumps({"safe": False, "text": WITHOUT_NAME}), name="output_guard")],
    ),
    "a judge that was told to improve the answer": (
        ASKED,
        GAVE,
        [server(), call(1, [user(ASKED)], "The card costs 12 EUR."),
         call(2, [user("The card costs 12 EUR.")], GAVE, "Evaluate the answer and improve it.", name="verifier")],
    ),
    "an agent named like any, told to be another": (
        ASKED,
        GAVE,
        [server(), agent(1, [user(ASKED)], GAVE, "Be a clerk.", attributes={"gen_ai.agent.name": "assistant"}),
         agent(2, [user("Note it.")], "Noted.", "Keep notes.", attributes={"gen_ai.agent.name": "assistant"})],
    ),
    "an agent that kept silent, and its sub-agent": (
        ASKED,
        GAVE,
        [agent(1, [user(ASKED)], None, parent=""),
         agent(2, [user("find the tariff")], "The fee is 12.", parent=f"{1:016x}")],
    ),
    "a code that no model said": (
        ASKED,
        "ESCALATED",
        [frame(ASKED, "ESCALATED"), call(1, [user(ASKED)], "A person should look at this.")],
    ),
    "a frame that says how it began and how it ended": (
        ABROAD,
        FEE_ABROAD,
        [frame(ASKED, FEE_ABROAD), call(1, [user(ASKED)], GAVE),
         call(2, [user(ASKED), model(GAVE), user(ABROAD)], FEE_ABROAD)],
    ),
    "a guard that stopped it": (
        ASKED,
        "That I may not tell.",
        [server(), call(1, [user(ASKED)], "BLOCK", name="input_guardrail")],
    ),
    "a router before a call that is not recorded": (
        ASKED,
        GAVE,
        [server(), call(1, [user(ASKED)], "cards", "Classify the question."), call(2, [], None)],
    ),
    "a prompt around question and documents": (
        ASKED,
        GAVE,
        [server(), search(1), call(2, [user(f"Context:\n{TARIFF}\nQuestion: {ASKED}")], GAVE)],
    ),
    "what a tool found as a user's message": (
        ASKED,
        GAVE,
        [server(), *observation("The fee of card number two is EUR 12."),
         tool(1, "The fee of card number two is EUR 12.") | {"span_id": "00000000000000f1", "start_ns": 16}],
    ),
    "a wrapper of words that nobody knows": (
        ASKED,
        GAVE,
        [frame({"question": ASKED}, {"success": True, "message": "OK", "data": {"assistant_reply": GAVE}})],
    ),
    "a state with a note and a report": (
        ASKED,
        GAVE,
        [frame({"question": ASKED}, {"draft": DRAFT, "output": "draft ready", "final_report": GAVE})],
    ),
    "an instruction beside its input": (
        f"Put this plainly: {TARIFF}",
        GAVE,
        [frame({"instruction": "Put this plainly:", "input": TARIFF}, GAVE)],
    ),
    "a prompt beside what was said": (
        ASKED,
        GAVE,
        [frame({"prompt": "You are a helpful bank clerk.", "utterance": ASKED}, GAVE)],
    ),
    "a conversation given back as it was": (
        ABROAD,
        "",
        [frame(
            conversation(*({"role": role, "content": words} for role, words in (
                ("user", ASKED), ("assistant", GAVE), ("user", ABROAD)))),
            conversation({"role": "user", "content": ASKED}, {"role": "assistant", "content": GAVE}))],
    ),
    "clocks that put the second turn first": (
        ABROAD,
        FEE_ABROAD,
        [server(), agent(5, [user(ASKED)], GAVE),
         agent(1, [user(ASKED), model(GAVE), user(ABROAD)], FEE_ABROAD)],
    ),
    "an answer of which the root kept the beginning": (
        ASKED,
        GAVE,
        [frame(ASKED, f"{GAVE[:20]}..."), call(1, [user(ASKED)], GAVE)],
    ),
    "a picture without words, after another question": (
        "",
        "It is a cat.",
        [server(), call(1, [user(ASKED), model(GAVE), {"role": "user", "parts": [
            {"type": "uri", "mime_type": "image/png", "uri": "s3://bucket/cat.png"}]}], "It is a cat.")],
    ),
    "two messages of a user in a row": (
        f"{CONTEXT}\n{ASKED}",
        GAVE,
        [server(), call(1, [user(CONTEXT), user(ASKED)], GAVE)],
    ),
    "a prompt around words of a frame that is in no form that is known": (
        ASKED,
        GAVE,
        [frame({"event": {"user_q": ASKED, "tenant": "acme"}}, GAVE),
         call(1, [user(f"You work for a bank. Reply to this: {ASKED}")], GAVE)],
    ),
    "a prompt around words of a frame that no dialect knows": (
        ASKED,
        GAVE,
        [make_span(ROOT_ID, parent="", name="run", start=1, attributes={"acme.request": json.dumps({"q": ASKED})}),
         call(1, [user(f"You work for a bank. Reply to this: {ASKED}")], GAVE)],
    ),
    "two messages of a user in a row, at an agent": (
        f"{CONTEXT}\n{ASKED}",
        GAVE,
        [agent(1, [user(ABROAD), model(FEE_ABROAD), user(CONTEXT), user(ASKED)], GAVE, parent="")],
    ),
    "a context and a question in one message": (
        ASKED,
        GAVE,
        [server(), call(1, [with_parts(CONTEXT, ASKED)], GAVE)],
    ),
    "a program that asks for a better answer": (
        ASKED,
        GAVE,
        [server(), call(1, [user(ASKED)], DRAFT),
         call(2, [user(ASKED), model(DRAFT), user("Revise your answer.")], GAVE)],
    ),
    "a program that asks for a better answer, told by the last call alone": (
        ASKED,
        GAVE,
        [server(), call(2, [user(ASKED), model(DRAFT), user("Please double-check your answer.")], GAVE)],
    ),
    "an agent that a program runs again": (
        ASKED,
        GAVE,
        [server(), agent(1, [user(ASKED)], DRAFT, attributes={"gen_ai.agent.name": "writer"}),
         agent(2, [user(ASKED), model(DRAFT), user("请重新检查你的回答。")], GAVE,
               attributes={"gen_ai.agent.name": "writer"})],
    ),
    "agents that all speak as named users": (
        ASKED,
        GAVE,
        [server(), call(1, [user(ASKED, name="admin"), user("Look at T-26.", name="planner"),
                            user("It says 12.", name="reader")], GAVE)],
    ),
    "an agent that answers another agent named as a user": (
        ASKED,
        GAVE,
        [server(), call(1, [user(ASKED, name="admin"), model(DRAFT), user("Too short.", name="critic")], GAVE)],
    ),
    "a sub-agent whose agent was lost": (
        ASKED,
        GAVE,
        [server(), agent(2, [user("find the tariff")], "T-26 says 12.", parent="00000000000000ff")],
    ),
    "two agents of two lost parents": (
        ASKED,
        GAVE,
        [agent(1, [user("find the tariff")], "T-26 says 12.", parent="00000000000000fe"),
         agent(2, [user("check the date")], "Of January.", parent="00000000000000ff")],
    ),
    "the first question and the last answer said of two turns": (
        ABROAD,
        FEE_ABROAD,
        [langfuse("span", 0, {"langfuse.trace.input": ASKED, "langfuse.trace.output": FEE_ABROAD}),
         langfuse("generation", 1, observed([user_said(ASKED)], GAVE)),
         langfuse("generation", 2, observed([user_said(ABROAD)], FEE_ABROAD))],
    ),
    "the first question and the last answer said of a turn with its history": (
        ABROAD,
        FEE_ABROAD,
        [langfuse("span", 0, {"langfuse.trace.input": ASKED, "langfuse.trace.output": FEE_ABROAD}),
         langfuse("generation", 1, observed(
             [user_said(ASKED), {"role": "assistant", "content": GAVE}, user_said(ABROAD)], FEE_ABROAD))],
    ),
}  # fmt: skip


TOLD |= {
    **{
        f"a tool that speaks as {role}": (
            ASKED,
            GAVE,
            [call(1, [user(ASKED), model("fee(2)"), {"role": role, "content": "It is EUR 12."}], GAVE, parent="")],
        )
        for role in ("tool-response", "observation", "ipython", "environment")
    },
    "a model that speaks as a bot": (
        ABROAD,
        FEE_ABROAD,
        [call(1, [user(ASKED), {"role": "bot", "content": GAVE}, user(ABROAD)], FEE_ABROAD, parent="")],
    ),
    "words that cite, of Bedrock": (
        ASKED,
        f"By the tariff: {GAVE}",
        [call(1, [user(ASKED)], [{"role": "assistant", "content": CITED}], parent="")],
    ),
    "a sentence in pieces, as Anthropic cites": (
        ASKED, GAVE, [call(1, [user(ASKED)], [{"role": "assistant", "content": CHUNKS}], parent="")],
    ),
    "words that a guard is to look at": (ASKED, GAVE, [call(1, [GUARDED], GAVE, parent="")]),
    "what was said aloud": (ASKED, GAVE, [call(1, SPOKEN[:1], SPOKEN[1:], parent="")]),
    "an answer aloud, as OpenAI's chat gives it": (
        ASKED,
        GAVE,
        [call(1, [user(ASKED)], [{"role": "assistant", "content": None, "audio": {"transcript": GAVE}}], parent="")],
    ),
    "a message of OpenAI's threads": (ASKED, GAVE, [call(1, [user(ASKED)], [OF_A_THREAD], parent="")]),
    "a model call of Semantic Kernel": (ASKED, GAVE, [spoke(1, "chat.completions", [user(ASKED)], GAVE, parent="")]),
    "a model call under a name of its own": (
        ASKED,
        GAVE,
        [server(), call(1, [user(ASKED)], "fees", name="classify intent"), spoke(2, "responses", [user(ASKED)], GAVE)],
    ),
    "an application's own results and events": (
        ASKED,
        GAVE,
        [of_the_application(final_result="success", events=json.dumps([user_said("pressed the button")])),
         call(1, [user(ASKED)], GAVE)],
    ),
}  # fmt: skip


UNSURE |= {
    "a role that nobody knows after the question": (
        ASKED,
        GAVE,
        [call(1, [user(ASKED), model(DRAFT), {"role": "critic", "content": "Too short."}], GAVE, parent="")],
    ),
    "a conversation written out": (ASKED, GAVE, written_out(f"System: Be brief.\nHuman: {ASKED}")),
    "a conversation in small letters": (ASKED, GAVE, written_out(f"user: Hello\nassistant: Hi\nuser: {ASKED}")),
    "someone who asks to go on": ("Continue", GAVE, [call(1, [user(ASKED), model(DRAFT), user("Continue")], GAVE)]),
    "someone who asks as a tool does": (
        "Observation: my card is blue. Why?",
        GAVE,
        [call(1, [user("Observation: my card is blue. Why?")], GAVE, parent="")],
    ),
    "parts of a message that were cut": (
        "",
        GAVE,
        [make_span(ROOT_ID, parent="", start=1, attributes={
            "gen_ai.operation.name": "chat", "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": CUT_PARTS,
            "gen_ai.completion.0.content": GAVE})],
    ),
    "an answer that was begun for the model": (
        ASKED, GAVE, [call(1, [user(ASKED), model("A second card")], " costs 12 EUR a year.", parent="")],
    ),
    "a prompt that is all a system's": (
        ASKED, GAVE, [call(1, [text("system", ASKED)], GAVE, parent="")],
    ),
    "an agent that handed over": (
        ASKED,
        GAVE,
        [agent(1, [user(ASKED)], None, parent=""),
         call(2, [user(ASKED)], [calling("transfer_to_fees", {})], parent=f"{1:016x}"),
         agent(3, [user(ASKED)], GAVE, parent=f"{1:016x}")],
    ),
    "a thought that was never closed": (
        ASKED, GAVE, [call(1, [user(ASKED)], f"<think>\nThe tariff says 12.\n\n{GAVE}", parent="")],
    ),
    "an answer of white space": (ASKED, "", [call(1, [user(ASKED)], "  \n", parent="")]),
}  # fmt: skip


@pytest.mark.parametrize("kind", TOLD)
def test_what_was_asked_and_answered_is_shown(kind: str) -> None:
    question, answer, spans = TOLD[kind]
    draft = map_trace(spans)
    assert (draft.question, draft.answer) == (question, answer)
    assert codes(draft).isdisjoint(FLAGS_OF_DOUBT)


@pytest.mark.parametrize("kind", UNSURE)
def test_what_cannot_be_told_is_not_shown_as_if_it_could(kind: str) -> None:
    question, answer, spans = UNSURE[kind]
    draft = map_trace(spans)
    for exchange in draft.exchanges:
        assert exchange.question.text in {"", question, *([ASKED] if question == ABROAD else [])}
        assert exchange.answer.text in {"", answer, *([GAVE] if answer == FEE_ABROAD else [])}
    assert codes(draft) & FLAGS_OF_DOUBT


def test_a_prompt_around_documents_names_what_was_searched_for_as_a_candidate() -> None:
    question, _, spans = UNSURE["a prompt around question and documents"]
    (exchange,) = map_trace(spans).exchanges
    searched = exchange.question.others[0]
    assert (searched.text, searched.source.attribute) == (question, "gen_ai.retrieval.query.text")


def test_a_prompt_around_what_a_frame_was_given_names_both_as_candidates() -> None:
    _, _, spans = UNSURE["a prompt around words of a frame that no dialect knows"]
    (exchange,) = map_trace(spans).exchanges
    assert [(one.text, one.source.span_id, one.source.attribute) for one in exchange.question.others] == [
        (ASKED, ROOT_ID, "acme.request"),
        (f"You work for a bank. Reply to this: {ASKED}", f"{1:016x}", "gen_ai.input.messages"),
    ]


def test_a_question_that_a_frame_was_given_word_for_word_is_told() -> None:
    given = make_span(
        ROOT_ID,
        parent="",
        name="run",
        start=1,
        attributes={"acme.request": json.dumps({"q": ASKED, "of": "a card"})},
    )
    assert map_trace([given, call(1, [user(ASKED)], GAVE)]).question == ASKED


def test_a_thought_that_was_cut_is_no_answer() -> None:
    cut = [model("<think>Is it 12", finish_reason="length")]
    draft = map_trace([call(1, [user(ASKED)], cut, parent="")])
    assert draft.answer == ""
    assert "cut_at_token_limit" in codes(draft)


def test_what_is_said_of_the_whole_trace_counts_as_declared() -> None:
    _, _, spans = TOLD["what the application says of the whole trace, on a step"]
    (exchange,) = map_trace(spans).exchanges
    assert exchange.answer.source is not None
    assert (exchange.answer.source.attribute, exchange.answer.source.rule) == (
        "langfuse.trace.output",
        Rule.DECLARED,
    )


@pytest.mark.parametrize(
    ("reason", "flag"),
    [
        ("content_filter", "stopped_by_filter"),
        ("SAFETY", "stopped_by_filter"),
        ("guardrail_intervened", "stopped_by_filter"),
        ("MAX_TOKENS", "cut_at_token_limit"),
    ],
)
def test_an_agent_ends_as_the_call_below_it_ended(reason: str, flag: str) -> None:
    spans = [frame(ASKED, "A second"), call(1, [user(ASKED)], [model("A second", finish_reason=reason)])]
    draft = map_trace(spans)
    assert draft.answer == "A second"
    assert flag in codes(draft)


def test_an_answer_that_google_prohibits_was_stopped_by_a_filter() -> None:
    empty = {"role": "assistant", "parts": [], "finish_reason": "PROHIBITED_CONTENT"}
    draft = map_trace([server(), call(1, [user(ASKED)], [empty])])
    assert "stopped_by_filter" in codes(draft)


def test_words_before_an_answer_are_flagged_with_what_they_were() -> None:
    spans = [agent(1, [user(ASKED)], [model("Let me see."), model(GAVE)], parent="")]
    draft = map_trace(spans)
    assert draft.answer == GAVE
    (flag,) = [flag for flag in draft.flags if flag.code == "words_before_answer"]
    assert "Let me see." in flag.detail


def test_a_question_after_one_that_was_never_answered_is_a_turn_of_its_own() -> None:
    failed = call(1, [user(ASKED)], None, status_code=2)
    draft = map_trace([server(), failed, call(2, [user(ASKED), user(ABROAD)], FEE_ABROAD)])
    told = [(one.question.text, one.answer.text) for one in draft.exchanges]
    assert told == [(ASKED, ""), (ABROAD, FEE_ABROAD)]
    assert "ambiguous_question" not in codes(draft)


def test_a_question_in_two_messages_shows_both() -> None:
    _, _, spans = UNSURE["two messages of a user in a row"]
    (exchange,) = map_trace(spans).exchanges
    assert {one.text for one in exchange.question.others} == {ASKED, CONTEXT}


def test_what_a_span_of_a_lost_parent_said_is_a_candidate_and_the_flag_names_it() -> None:
    _, _, spans = UNSURE["a sub-agent whose agent was lost"]
    draft = map_trace(spans)
    (exchange,) = draft.exchanges
    assert [one.text for one in exchange.answer.others] == ["T-26 says 12."]
    assert [flag.span_id for flag in draft.flags if flag.code == "parent_missing"] == [f"{2:016x}"]


def test_what_stands_alone_below_a_parent_that_never_came_is_shown_with_a_flag() -> None:
    draft = map_trace([agent(1, [user(ASKED)], GAVE, parent="00000000000000ff")])
    assert (draft.question, draft.answer) == (ASKED, GAVE)
    assert {"no_root", "parent_missing"} <= codes(draft)


def test_how_an_answer_was_to_begin_is_no_answer_where_the_call_failed() -> None:
    said = (("gen_ai.user.message", ASKED), ("gen_ai.assistant.message", "The fee is"))
    events = [{"name": name, "attributes": {"content": words}} for name, words in said]
    attributes = {"gen_ai.operation.name": "chat"}
    draft = map_trace([make_span(ROOT_ID, parent="", attributes=attributes, events=events, status_code=2)])
    assert (draft.question, draft.answer) == (ASKED, "")


def test_a_picture_after_the_words_is_of_the_same_turn() -> None:
    picture = {
        "role": "user",
        "parts": [{"type": "uri", "mime_type": "image/png", "uri": "s3://bucket/card.png"}],
    }
    draft = map_trace([server(), call(1, [user(ASKED), picture], GAVE)])
    (exchange,) = draft.exchanges
    assert (draft.question, [one.media_type for one in exchange.attachments]) == (ASKED, ["image/png"])


def test_a_person_may_quote_some_of_what_a_tool_found() -> None:
    again = "Why is it due in January of each year, and not in December?"
    found = "due in January of each year"
    first = [user(ASKED), calling("fee", {"n": 2}), responding(found)]
    spans = [
        server(),
        call(1, first[:1], [calling("fee", {"n": 2})]),
        tool(2, found),
        call(3, first, GAVE),
        call(4, [*first, model(GAVE), user(again)], FEE_ABROAD),
    ]
    assert [one.question.text for one in map_trace(spans).exchanges] == [ASKED, again]


def test_what_a_model_said_beside_a_code_names_the_call_that_said_it() -> None:
    _, _, spans = UNSURE["a code that no model said"]
    (exchange,) = map_trace(spans).exchanges
    assert [(one.text, one.source.span_id) for one in exchange.answer.others] == [
        ("ESCALATED", ROOT_ID),
        ("A person should look at this.", f"{1:016x}"),
    ]


def test_an_answer_after_which_a_provider_left_a_call_open_is_open() -> None:
    items = [
        {"type": "mcp_call", "id": "mc_1", "name": "fee", "arguments": "{}", "output": "12"},
        {"type": "function_call", "call_id": "f1", "name": "tax", "arguments": "{}"},
    ]
    draft = map_trace([call(1, [user(ASKED)], items, parent="")])
    assert draft.answer == ""
    assert "open_tool_call" in codes(draft)


def test_declared_claims_are_those_of_the_answer_that_is_shown() -> None:
    turns = [
        agent(number, [], None, attributes={
            "tracebinder.question": question, "tracebinder.answer": answer,
            "tracebinder.claims": json.dumps([{"text": answer}])})
        for number, question, answer in ((1, ASKED, GAVE), (2, ABROAD, FEE_ABROAD))
    ]  # fmt: skip
    draft = map_trace([server(), *turns])
    assert (draft.answer, [claim.text for claim in draft.claims]) == (FEE_ABROAD, [FEE_ABROAD])
    assert any(flag.code == "several_values" and "tracebinder.claims" in flag.detail for flag in draft.flags)


@pytest.mark.parametrize(
    "part",
    [
        {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/v.mp4"}}}},
        {"type": "search_result", "source": "https://bank/t", "content": [{"type": "text", "text": TARIFF}]},
        {"type": "container_upload", "file_id": "f1"},
    ],
)
def test_a_part_of_a_kind_that_is_not_known_is_flagged(part: dict[str, Any]) -> None:
    asked = {"role": "user", "content": [part, {"type": "text", "text": ASKED}]}
    draft = map_trace([call(1, [asked], GAVE, parent="")])
    assert (draft.question, draft.answer) == (ASKED, GAVE)
    (flag,) = [flag for flag in draft.flags if flag.code == "attachment_not_shown"]
    assert flag.detail.partition(" ")[0] in {"mp4", part.get("type")}


def test_marks_of_a_template_that_a_person_may_have_written_are_flagged() -> None:
    prompt = (
        f"<|im_start|>system\nObey.<|im_end|>\n<|im_start|>user\n{ASKED}<|im_end|>\n<|im_start|>assistant\n"
    )
    draft = map_trace([call(1, [user(prompt)], GAVE, parent="")])
    assert draft.question == ASKED
    assert "question_from_template" in codes(draft)


def test_an_object_as_python_shows_it_is_no_answer() -> None:
    spans = [frame({"question": ASKED}, f"Prediction(\n    answer='{GAVE}'\n)"), call(1, [user(ASKED)], GAVE)]
    draft = map_trace(spans)
    source = draft.exchanges[0].answer.source
    assert source is not None
    assert (draft.answer, source.rule) == (GAVE, Rule.REACHED_ROOT)


def test_hostile_text_is_judged_at_once() -> None:
    assert not is_prose("{" + '"' * 1_000_000 + ":")
    assert is_prose("{" + '"' * 1_000_000)


@pytest.mark.parametrize(
    "said",
    [
        '<tool_call>\n{"name": "fee", "arguments": {}}\n</tool_call>',
        '<|python_tag|>{"name": "fee", "parameters": {}}',
        '[TOOL_CALLS] [{"name": "fee", "arguments": {}}]',
    ],
)
def test_a_call_that_a_server_left_in_the_text_is_open_and_no_answer(said: str) -> None:
    (exchange,) = (draft := map_trace([call(1, [user(ASKED)], said, parent="")])).exchanges
    assert (exchange.answer.text, [one.text for one in exchange.answer.others]) == ("", [said])
    assert "open_tool_call" in codes(draft)


def test_what_a_program_began_and_the_model_ended_is_a_candidate() -> None:
    _, _, spans = UNSURE["an answer that was begun for the model"]
    (exchange,) = map_trace(spans).exchanges
    assert GAVE in [one.text for one in exchange.answer.others]


def test_what_an_agent_said_that_another_handed_over_to_is_a_candidate() -> None:
    _, _, spans = UNSURE["an agent that handed over"]
    (exchange,) = map_trace(spans).exchanges
    assert [(one.text, one.source.span_id) for one in exchange.answer.others] == [(GAVE, f"{3:016x}")]
