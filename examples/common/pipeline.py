"""One task from question to structured answer: retrieve, call tools, ask the model, read, apply the policy."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from opentelemetry.trace import Tracer

from examples.common import instrumentation
from examples.common.confidence import list_limitations, measure_confidence
from examples.common.copilot import Copilot
from examples.common.generation import Completion, GenerationRequest
from examples.common.outcome import Outcome
from examples.common.policy import Situation
from examples.common.retrieval import Hit
from examples.common.structure import cite, read_decision, split_claims
from examples.common.tasks import Task

PASSAGES: Final = 2  # shown to the model; the context of a small model is better short
NOT_RELEASED: Final = "Not released by the policy gate ({rule}): a person must answer."


@dataclass(frozen=True, slots=True)
class Model:
    """The model a task runs on: what it is, and how to ask it."""

    name: str
    digest: str
    complete: Callable[[str, GenerationRequest], Completion]  # (system key and task id, request)


def count_generations(task: Task) -> int:
    """Return how often `answer_task` asks the model: for an answer, a quote, and a decision where there are choices."""
    return 3 if task.choices else 2


def answer_task(copilot: Copilot, task: Task, model: Model, tracer: Tracer) -> Outcome:
    """Answer one task and record it as one trace.

    Raises:
        ToolError, PromptError: the task asks for what the copilot does not have.
    """
    started = time.perf_counter()
    with instrumentation.trace_run(tracer, copilot, task) as root:
        hits = instrumentation.trace_retrieval(tracer, copilot, task.question, top=PASSAGES)
        facts = _call_tools(copilot, task, tracer)
        ask = _Asking(copilot, task, model, tracer, hits, facts)
        answer = ask.field("answer")
        quote = ask.field("quote")
        decision_text = ask.field("decision", choices=", ".join(task.choices)).text if task.choices else None
        decision = read_decision(decision_text, task.choices) if decision_text is not None else None
        claims = cite(split_claims(answer.text), quote.text, [hit.passage for hit in hits])
        checks = copilot.policy.check(
            Situation(task.question, answer.text, task.language, task.risk_tier, facts)
        )
        for check in checks:
            instrumentation.trace_policy_check(tracer, copilot, check)
        limitations = list_limitations(
            language=task.language,
            hits=hits,
            answer=answer,
            claims=claims,
            unread_decision=bool(task.choices) and decision is None,
        )
        limitations += [NOT_RELEASED.format(rule=check.rule) for check in checks if check.decision == "deny"]
        outcome = Outcome(
            task=task.id,
            system=copilot.key,
            language=task.language,
            risk_tier=task.risk_tier,
            trace_id=format(root.get_span_context().trace_id, "032x"),
            question=task.question,
            answer=answer.text,
            quote=quote.text,
            decision=decision,
            claims=tuple(claims),
            confidence=tuple(f.as_dict() for f in measure_confidence(hits=hits, answer=answer, quote=quote)),
            limitations=tuple(limitations),
            policy=tuple(asdict(check) for check in checks),
            facts=facts,
            model_digest=model.digest,
            prompt_digest=copilot.prompt_for(task).digest,
            index_digest=copilot.index_digest,
            generated_tokens=ask.generated_tokens,
            seconds=round(time.perf_counter() - started, 3),
        )
        instrumentation.record_outcome(root, copilot, outcome)
    return outcome


class _Asking:
    """Asks the model for one field after another with the same passages and facts."""

    def __init__(
        self,
        copilot: Copilot,
        task: Task,
        model: Model,
        tracer: Tracer,
        hits: Sequence[Hit],
        facts: Mapping[str, Any],
    ) -> None:
        self._task, self._model, self._tracer = task, model, tracer
        self._key = f"{copilot.key}/{task.id}"
        self._prompt = copilot.prompt_for(task)
        self._values = {
            "passages": "\n".join(
                f"[{hit.passage.document.id}] {hit.passage.document.title}: {hit.passage.text}"
                for hit in hits
            ),
            "facts": render_facts(facts, task.language),
            "question": task.question,
        }
        self.generated_tokens = 0

    def field(self, name: str, **values: str) -> Completion:
        """Generate one field inside a chat span."""
        messages = self._prompt.render(name, self._task.language, **self._values, **values)
        request = GenerationRequest(messages, self._prompt.budget(name, self._task.language))
        with instrumentation.trace_chat(
            self._tracer,
            field=name,
            request=request,
            prompt=self._prompt,
            model_name=self._model.name,
            model_digest=self._model.digest,
        ) as span:
            completion = self._model.complete(self._key, request)
            instrumentation.record_completion(span, completion, self._model.name)
        self.generated_tokens += completion.output_tokens
        return completion


def render_facts(facts: Mapping[str, Any], language: str) -> str:
    """Return what the tools found as one line of the prompt; empty where there is nothing."""
    if not facts:
        return ""
    heading = "案件事实：" if language.startswith("zh") else "Facts of the case: "
    return heading + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items()) + "\n"


def _call_tools(copilot: Copilot, task: Task, tracer: Tracer) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for number, wanted in enumerate(task.tools, 1):
        tool = copilot.tools[wanted.name]
        facts |= instrumentation.trace_tool(tracer, tool, f"{task.id}-{number}", wanted.arguments)
    return facts
