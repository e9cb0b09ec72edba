"""What is true of each captured conversation, and how much of it a reading tells.

A scenario ends with the word for what was said in it, the same in each library (`tests/captures/conversations.py`).
What a library does otherwise, `OTHERWISE` says. `python -m tests.evidence.capture_truths` writes the table in
`docs/reference/semantic-conventions.md`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

from evidence.semconv.draft import TraceDraft
from evidence.semconv.mapping import map_trace
from tests.evidence.captured import CAPTURES, captures, traces_of

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "semantic-conventions.md"
BEGIN, END = "<!-- captures: begin -->", "<!-- captures: end -->"


class Verdict(StrEnum):
    """How a field of a reading stands to what is true."""

    RIGHT = "right"
    FLAGGED = "flagged"  # not told, and the trace says so and why
    MISSING = "missing"  # not told: the library did not send it, or it is not read
    WRONG = "wrong"


Tools = tuple[tuple[str, Any, str], ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """One trace. Of tools: name, arguments, and words of the result; of documents: the words, best first."""

    question: str = ""
    answer: str = ""
    model: str = "gpt-4o-mini"
    slot: str = "model"
    tools: Tools = ()
    documents: tuple[str, ...] = ()
    failed: bool = False
    ids: frozenset[str] = field(default_factory=frozenset)


TOOL: Final[Tools] = (("get_balance", {"account": "HL-9"}, "77"),)
HELLO: Final = Truth("Hello, I am Ann.", "Hello Ann.")
BALANCE: Final = Truth("What is the balance of HL-9?", "It is 77 EUR.")
WITH_TOOL: Final = replace(BALANCE, tools=TOOL)
LOAN: Final = Truth("Can I have a bridge loan of 38,500 EUR?", "Yes, up to 38,500 EUR against the flat.")
SILENT: Final = Truth(model="text-embedding-3-small", slot="embedding_model")
TRUTHS: Final[Mapping[str, Truth]] = {
    "history": BALANCE,
    "tool": WITH_TOOL,
    "client": WITH_TOOL,
    "responses": WITH_TOOL,
    "workflow": WITH_TOOL,
    "structure": WITH_TOOL,
    "handoff": replace(BALANCE, tools=(("transfer_to_clerk", None, "clerk"),)),
    "guardrail": WITH_TOOL,
    "title": BALANCE,
    "off": BALANCE,
    "subagent": LOAN,
    "choices": Truth("What is my card limit?", "The limit is 5,000 EUR."),
    "refused": Truth("Help me forge a payslip.", "I cannot help with that."),
    "cut": Truth("Write a poem of the river.", "The river"),
    "rewriting": Truth("and for students?", "Students pay no account fee until 27."),
    "retrieval": Truth(
        "Which card has no foreign fee?",
        "Only the Linden Travel card has no foreign fee.",
        documents=("The Linden Travel card has no foreign fee.", "The Linden Gold card costs 2 % abroad."),
    ),
    "failed": replace(BALANCE, answer="", model="broken", failed=True),
    "embedding": SILENT,
}
# Libraries that call tools themselves do so wherever a tool is offered.
_CALLING: Final = (
    "agent_framework", "google_adk", "google_adk_1", "langsmith", "openai_agents", "openinference_langchain",
    "livekit", "livekit_1_3", "semantic_kernel", "strands", "vercel_ai_4", "vercel_ai_5", "vercel_ai_6",
    "pydantic_ai", "pydantic_ai_1",
)  # fmt: skip
_WITHOUT_TOOLS: Final = {("pydantic_ai", "history"), ("pydantic_ai_1", "history")} | {
    (f"vercel_ai_{major}", kind) for major in (4, 5, 6) for kind in ("history", "off")
}
# Arguments of a sub-agent that is a tool are called as its library calls them.
_ASKED_VALUER: Final = {
    "agent_framework": "task",
    "genkit": "question",
    "google_adk": "request",
    "google_adk_1": "request",
    "openai_agents": "input",
    "langsmith": "question",
    "openinference_langchain": "question",
    "strands": "question",
    "pydantic_ai": "question",
    "pydantic_ai_1": "question",
}
_IDS: Final = {
    "google_adk": {"s-9"},
    "google_adk_1": {"s-9", "u-204"},
    "strands": {"s-9", "u-204"},
    "vercel_ai_4": {"s-9", "u-204"},
    "vercel_ai_5": {"s-9", "u-204"},
    "vercel_ai_6": {"s-9", "u-204"},
}
_IDS_OF: Final = {
    ("traceloop", "workflow"): {"s-9", "u-204"},
    ("langfuse", "workflow"): {"s-9", "u-204"},
    ("mlflow", "workflow"): {"s-9", "u-204"},
    ("openai_agents", "history"): {"thread-7"},
    **{
        (library, kind): {"thread-7"}
        for library in ("langsmith", "openinference_langchain")
        for kind in ("tool", "history", "title", "subagent")
    },
}
_BY_PLACE: Final[Tools] = (("get_balance", "HL-9", "77"),)  # a traced function that was called by place
_OF_PLUGIN: Final[Tools] = (("bank-get_balance", {"account": "HL-9"}, "77"),)
OTHERWISE: Final[Mapping[tuple[str, str], Truth]] = {
    **{
        (library, "handoff"): replace(BALANCE, tools=(("transfer_to_clerk", {}, ""), *TOOL))
        for library in ("livekit", "livekit_1_3")
    },
    **{("semantic_kernel", kind): replace(BALANCE, tools=_OF_PLUGIN) for kind in ("tool", "history", "off")},
    ("semantic_kernel", "subagent"): replace(
        LOAN, tools=(("ask_valuer-ask_valuer", {"messages": "What is the flat worth?"}, "55,000"),)
    ),
    ("openinference_crewai", "tool"): replace(WITH_TOOL, model=""),
    ("openinference_crewai", "inputs"): replace(LOAN, model=""),
    ("traceloop", "workflow"): replace(BALANCE, tools=_BY_PLACE),
    ("langfuse", "workflow"): replace(BALANCE, tools=_BY_PLACE),
    ("openinference_smolagents", "tool"): replace(
        BALANCE, tools=(*TOOL, ("final_answer", {"answer": "It is 77 EUR."}, "77"))
    ),
    ("openinference_smolagents", "subagent"): replace(
        LOAN,
        tools=(
            ("ask_valuer", {"task": "What is the flat worth?"}, "55,000"),
            *(
                ("final_answer", {"answer": said}, said)
                for said in ("The flat is worth 55,000 EUR.", LOAN.answer)
            ),
        ),
    ),
}
# Traces before the last one of a scenario, in order.
_EARLIER: Final[Mapping[tuple[str, str], tuple[Truth, ...]]] = {
    ("openinference_llama_index", "retrieval"): (replace(SILENT, model=""), SILENT),  # building the index
    ("traceloop_mcp", "tool"): (replace(SILENT, model=""),) * 2,  # client and server meet
    ("mlflow", "tool"): (replace(WITH_TOOL, answer=""),),
    ("mlflow", "responses"): (replace(WITH_TOOL, answer=""),),
}
_LATER: Final[Mapping[tuple[str, str], Truth]] = {
    ("mlflow", "tool"): BALANCE,
    ("mlflow", "responses"): BALANCE,
}


def truths_of(library: str, scenario: str, n_traces: int) -> list[Truth]:
    """Return what is true of each trace of a captured conversation."""
    kind = scenario.rsplit("_", 1)[-1]
    last = _LATER.get((library, kind)) or OTHERWISE.get((library, kind)) or _usual(library, kind)
    ids = frozenset(_IDS_OF.get((library, kind), _IDS.get(library, ())))
    earlier = _EARLIER.get((library, kind), (HELLO,) * (n_traces - 1))
    return [replace(truth, ids=ids) for truth in (*earlier, last)]


def _usual(library: str, kind: str) -> Truth:
    truth = TRUTHS[kind]
    if kind == "subagent" and library in _ASKED_VALUER:
        asked = {_ASKED_VALUER[library]: "What is the flat worth?"}
        return replace(truth, tools=(("ask_valuer", asked, "55,000"),))
    if truth == BALANCE and library in _CALLING and (library, kind) not in _WITHOUT_TOOLS:
        return replace(truth, tools=TOOL)
    return truth


FIELDS: Final = ("question", "answer", "model", "documents", "tools", "errors", "ids")
_SAID_SO: Final = frozenset({"content_not_recorded", "not_recognised"})


def judge(truth: Truth, draft: TraceDraft) -> dict[str, Verdict]:
    """Return how each field of a reading stands to what is true; a field of which nothing is true is left out."""
    codes = {flag.code for flag in draft.flags}
    verdicts = {
        "question": _judge_text(truth.question, draft.question, "question", codes),
        "answer": _judge_text(truth.answer, draft.answer, "answer", codes),
    }
    models = {ref.key for ref in draft.versions if ref.kind == "model" and ref.slot == truth.slot}
    if truth.model:
        verdicts["model"] = _judge({truth.model} == models, bool(models), codes)
    elif models:
        verdicts["model"] = Verdict.WRONG
    found = tuple(one.text for one in draft.retrievals)
    if truth.documents or found:
        verdicts["documents"] = _judge(found == truth.documents, bool(found), codes)
    if truth.tools or draft.tool_calls:
        verdicts["tools"] = _judge_tools(truth.tools, draft, codes)
    if truth.failed or draft.errors:
        told = bool(draft.errors)
        flagged = "answer_absent" in codes and not told
        verdicts["errors"] = (
            Verdict.FLAGGED if flagged else _judge(told and _may_fail(truth, codes), told, codes)
        )
    if truth.ids:
        ids = {*draft.conversation_ids, *draft.session_ids, *draft.user_ids}
        verdicts["ids"] = Verdict.RIGHT if truth.ids <= ids else Verdict.MISSING
    return {name: verdict for name, verdict in verdicts.items() if verdict is not None}


def _may_fail(truth: Truth, codes: set[str]) -> bool:
    return truth.failed or "stopped_by_filter" in codes


def _judge(right: bool, told: bool, codes: set[str]) -> Verdict:
    if right:
        return Verdict.RIGHT
    if told:
        return Verdict.WRONG
    return Verdict.FLAGGED if codes & _SAID_SO else Verdict.MISSING


def _judge_text(true: str, said: str, name: str, codes: set[str]) -> Verdict | None:
    if said.strip():
        return Verdict.RIGHT if said.strip() == true else Verdict.WRONG
    flagged = codes & {f"{name}_absent", f"ambiguous_{name}"}
    if not true:
        return None if flagged else Verdict.WRONG
    return Verdict.FLAGGED if flagged else Verdict.MISSING


def _judge_tools(true: Tools, draft: TraceDraft, codes: set[str]) -> Verdict:
    calls = draft.tool_calls
    if [call.tool for call in calls] != [tool for tool, _, _ in true]:
        return _judge(False, bool(calls), codes)
    if all(call.arguments is None and call.result is None for call in calls):
        return Verdict.FLAGGED if codes & _SAID_SO else Verdict.MISSING
    for call, (_, arguments, words) in zip(calls, true, strict=True):
        if call.arguments != arguments or (call.result is not None and words not in str(call.result)):
            return Verdict.WRONG
    return Verdict.RIGHT if all(call.result is not None for call in calls) else Verdict.MISSING


@cache
def judged(
    library: str, scenario: str, folder: Path = CAPTURES
) -> list[tuple[Truth, TraceDraft, dict[str, Verdict]]]:
    """Return each trace of a captured conversation with its truth and its verdicts. It is read once."""
    drafts = [map_trace(spans) for spans in traces_of(library, scenario, folder)]
    truths = truths_of(library, scenario, len(drafts))
    return [(truth, draft, judge(truth, draft)) for truth, draft in zip(truths, drafts, strict=True)]


def table() -> str:
    """Return the table of how much of each library's traces is told."""
    counts: dict[str, dict[str, Counter[Verdict]]] = {}
    for library, scenario in captures():
        fields = counts.setdefault(library, {name: Counter() for name in FIELDS})
        for _, _, verdicts in judged(library, scenario):
            for name, verdict in verdicts.items():
                fields[name][verdict] += 1
    lines = [f"| captured of | {' | '.join(FIELDS)} |", f"|---|{'---|' * len(FIELDS)}"]
    for library, fields in counts.items():
        cells = [_cell(fields[name]) for name in FIELDS]
        lines.append(f"| `{library}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(found: Counter[Verdict]) -> str:
    return ", ".join(f"{found[verdict]} {verdict}" for verdict in Verdict if found[verdict]) or "–"


def page() -> str:
    """Return the page with its table as it is now."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(table() + "\n")
