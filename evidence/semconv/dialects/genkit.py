"""Genkit: actions with a subtype, their input and output as JSON."""

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

_NAME: Final = "genkit:name"

GENKIT: Final = Dialect(
    title="Genkit",
    operations=OperationNames(
        attribute="genkit:metadata:subtype",
        values={
            "model": Operation.CHAT,
            "flow": Operation.CHAIN,
            "util": Operation.CHAIN,
            "tool": Operation.TOOL,
            "tool.v2": Operation.TOOL,
            "retriever": Operation.RETRIEVAL,
            "reranker": Operation.RERANK,
            "embedder": Operation.EMBEDDING,
            "evaluator": Operation.EVALUATION,
            "indexer": Operation.OTHER,
            "prompt": Operation.OTHER,
        },
        implied={"genkit:type": Operation.CHAIN},  # `generate`, which calls model and tools, has no subtype
    ),
    attributes={
        Meaning.INPUT_TEXT: ("genkit:input",),
        Meaning.OUTPUT_TEXT: ("genkit:output",),
        Meaning.AGENT_NAME: (_NAME,),
        Meaning.MODEL_CALLED: (_NAME,),
        Meaning.PROMPT_RECORDED: ("genkit:input",),
        Meaning.RETRIEVAL_QUERY: ("genkit:input",),
        Meaning.TOOL_ARGUMENTS: ("genkit:input",),
        Meaning.TOOL_RESULT: ("genkit:output",),
    },
    versions={"tool": VersionAttributes(name=(_NAME,))},
    documents=Documents(attributes=("genkit:output",)),
)
