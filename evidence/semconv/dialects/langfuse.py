"""Langfuse's SDK, version 3: observations with a type, and their input and output as JSON or text."""

from __future__ import annotations

from typing import Final

from evidence.semconv.dialects.contract import (
    Dialect,
    Documents,
    Meaning,
    Operation,
    OperationNames,
    VersionAttributes,
)

_INPUT: Final = "langfuse.observation.input"
_OUTPUT: Final = "langfuse.observation.output"
_USAGE: Final = "langfuse.observation.usage_details"
_COST: Final = "langfuse.observation.cost_details"

LANGFUSE: Final = Dialect(
    title="Langfuse SDK",
    operations=OperationNames(
        attribute="langfuse.observation.type",
        values={
            "generation": Operation.CHAT,
            "agent": Operation.AGENT,
            "chain": Operation.CHAIN,
            "span": Operation.CHAIN,
            "tool": Operation.TOOL,
            "retriever": Operation.RETRIEVAL,
            "embedding": Operation.EMBEDDING,
            "guardrail": Operation.POLICY,
            "evaluator": Operation.EVALUATION,
            "event": Operation.OTHER,
        },
    ),
    attributes={
        Meaning.INPUT_TEXT: ("langfuse.trace.input", _INPUT),
        Meaning.OUTPUT_TEXT: ("langfuse.trace.output", _OUTPUT),
        Meaning.WHOLE_QUESTION: ("langfuse.trace.input",),
        Meaning.WHOLE_ANSWER: ("langfuse.trace.output",),
        Meaning.PROMPT_RECORDED: (_INPUT,),
        Meaning.RETRIEVAL_QUERY: (_INPUT,),
        Meaning.TOOL_ARGUMENTS: (_INPUT,),
        Meaning.TOOL_RESULT: (_OUTPUT,),
        Meaning.TOOL_ERROR: ("langfuse.observation.status_message",),
        Meaning.SESSION_ID: ("langfuse.session.id",),
        Meaning.USER_ID: ("langfuse.user.id",),
        Meaning.INPUT_TOKENS: (f"{_USAGE}.input", f"{_USAGE}.input_tokens", f"{_USAGE}.prompt_tokens"),
        Meaning.OUTPUT_TOKENS: (
            f"{_USAGE}.output",
            f"{_USAGE}.output_tokens",
            f"{_USAGE}.completion_tokens",
        ),
        Meaning.COST: (f"{_COST}.total",),
    },
    versions={
        "model": VersionAttributes(name=("langfuse.observation.model.name",)),
        "prompt": VersionAttributes(
            name=("langfuse.observation.prompt.name",), label=("langfuse.observation.prompt.version",)
        ),
    },
    documents=Documents(attributes=(_OUTPUT,)),
    failures={"langfuse.observation.level": "ERROR"},
    unfolded=(_USAGE, _COST),
)
