"""Real libraries, run against a model server of our own: what their bodies show is what was asked, answered and done.

`tests/captures/` has the script of each library; `make soak` runs them anew, each in an environment of its own.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.evidence.capture_truths import PAGE, Verdict, judge, judged, page
from tests.evidence.captured import captures

_SILENT = {"question flagged", "answer flagged"}
# What a library did not send, or sent in a way that leaves it open. Anything else that is not right is a fault.
NOT_RIGHT = {
    # Content was switched off. Names of tools are told, their arguments are not.
    ("agent_framework", "content_off"): {*_SILENT, "tools flagged"},
    ("google_adk", "content_off"): {*_SILENT, "tools flagged"},
    ("google_adk_1", "content_off"): {*_SILENT, "tools flagged"},
    ("livekit", "content_off"): {*_SILENT, "tools flagged"},
    ("openai_v2", "off_history"): _SILENT,
    ("openai_v2", "old_off_history"): _SILENT,
    ("openinference_openai", "content_off"): _SILENT,
    ("pydantic_ai", "content_off"): {*_SILENT, "tools flagged"},
    ("semantic_kernel", "content_off"): {*_SILENT, "tools flagged"},
    ("traceloop", "content_off"): _SILENT,
    ("vercel_ai_4", "content_off"): _SILENT,
    ("vercel_ai_5", "content_off"): _SILENT,
    ("vercel_ai_6", "content_off"): _SILENT,
    # Two messages of one model call, of which nothing says that they are choices: both are shown.
    ("langfuse", "choices"): {"answer flagged"},
    ("openinference_openai", "choices"): {"answer flagged"},
    # What is asked stands in log records that were not sent, or in a prompt that the library wrote around it.
    ("semantic_kernel", "span_tool"): {"question flagged"},
    ("openinference_crewai", "tool"): {"question flagged"},
    # A refusal that the library leaves out, or tells as a filter's.
    ("genkit", "refused"): {"answer flagged"},
    ("openai_v2", "old_events_refused"): {"answer flagged"},
    ("openai_v2", "span_refused"): {"answer flagged"},
    ("pydantic_ai", "refused"): {"answer flagged"},
    # A failed call whose span is marked as well; one that says neither what was asked nor of which model.
    ("langsmith", "failed"): {"errors flagged"},
    ("openai_agents", "failed"): {"model flagged", "question flagged"},
    # A tool's result that stands in another trace, or nowhere.
    ("mlflow", "tool"): {"tools missing"},
    ("mlflow", "responses"): {"tools missing"},
    ("traceloop", "responses"): {"tools missing"},
    ("openinference_smolagents", "subagent"): {"tools missing"},
    # Ids that the library keeps to itself.
    ("mlflow", "workflow"): {"ids missing"},
    ("openai_agents", "history"): {"ids missing"},
}


@pytest.mark.parametrize(("library", "scenario"), captures())
def test_nothing_false_is_shown(library: str, scenario: str) -> None:
    for truth, draft, verdicts in judged(library, scenario):
        wrong = {name for name, verdict in verdicts.items() if verdict is Verdict.WRONG}
        assert not wrong, (
            truth,
            draft.question,
            draft.answer,
            draft.tool_calls,
            draft.retrievals,
            draft.versions,
        )


@pytest.mark.parametrize(("library", "scenario"), captures())
def test_what_a_library_sent_is_told(library: str, scenario: str) -> None:
    told = {
        (name, verdict) for _, _, verdicts in judged(library, scenario) for name, verdict in verdicts.items()
    }
    less = {f"{name} {verdict}" for name, verdict in told if verdict is not Verdict.RIGHT}
    assert less == NOT_RIGHT.get((library, scenario), set())


def test_the_table_in_the_reference_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.evidence.capture_truths"


def test_a_reading_that_says_something_else_is_wrong() -> None:
    truth, draft, verdicts = judged("traceloop", "workflow")[0]
    assert set(verdicts.values()) == {Verdict.RIGHT}
    told = judge(
        truth, replace(draft, question="Another?", answer="It is 78 EUR.", tool_calls=(), user_ids=())
    )
    assert told["question"] is told["answer"] is Verdict.WRONG
    assert told["tools"] is told["ids"] is Verdict.MISSING
    assert judge(replace(truth, model="gpt-4o", tools=()), draft)["tools"] is Verdict.WRONG
    assert judge(replace(truth, model="gpt-4o"), draft)["model"] is Verdict.WRONG
