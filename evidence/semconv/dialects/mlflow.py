"""MLflow tracing, exported over OTLP: each value is JSON, also a plain text."""

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

_INPUTS: Final = "mlflow.spanInputs"
_OUTPUTS: Final = "mlflow.spanOutputs"
_USAGE: Final = "mlflow.chat.tokenUsage"

MLFLOW: Final = Dialect(
    title="MLflow tracing",
    operations=OperationNames(
        attribute="mlflow.spanType",
        values={
            "AGENT": Operation.AGENT,
            "CHAIN": Operation.CHAIN,
            "WORKFLOW": Operation.CHAIN,
            "TASK": Operation.CHAIN,
            "UNKNOWN": Operation.CHAIN,
            "CHAT_MODEL": Operation.CHAT,
            "LLM": Operation.CHAT,
            "TOOL": Operation.TOOL,
            "RETRIEVER": Operation.RETRIEVAL,
            "RERANKER": Operation.RERANK,
            "EMBEDDING": Operation.EMBEDDING,
            "GUARDRAIL": Operation.POLICY,
            "EVALUATOR": Operation.EVALUATION,
            "PARSER": Operation.OTHER,
            "MEMORY": Operation.OTHER,
        },
    ),
    attributes={
        Meaning.INPUT_TEXT: (_INPUTS,),
        Meaning.OUTPUT_TEXT: (_OUTPUTS,),
        Meaning.PROMPT_RECORDED: (_INPUTS,),
        Meaning.RETRIEVAL_QUERY: (_INPUTS,),
        Meaning.TOOL_ARGUMENTS: (_INPUTS,),
        Meaning.TOOL_RESULT: (_OUTPUTS,),
        Meaning.SESSION_ID: ("mlflow.trace.session",),
        Meaning.USER_ID: ("mlflow.trace.user",),
        Meaning.INPUT_TOKENS: (f"{_USAGE}.input_tokens",),
        Meaning.OUTPUT_TOKENS: (f"{_USAGE}.output_tokens",),
    },
    versions={"model": VersionAttributes(name=("mlflow.llm.model", "model"))},
    documents=Documents(attributes=(_OUTPUTS,)),
    unfolded=(_USAGE,),
    quoted=("mlflow.spanType", "mlflow.llm.model", "model", "mlflow.trace.session", "mlflow.trace.user"),
)
