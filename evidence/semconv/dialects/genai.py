"""OpenTelemetry's conventions for generative AI since 1.36: opentelemetry.io/docs/specs/semconv/gen-ai."""

from __future__ import annotations

from typing import Final

from evidence.semconv.dialects.contract import (
    Dialect,
    Documents,
    Meaning,
    Messages,
    Operation,
    OperationNames,
    VersionAttributes,
)

_DOCUMENTS: Final = "gen_ai.retrieval.documents"

GENAI: Final = Dialect(
    title="OpenTelemetry GenAI",
    operations=OperationNames(
        attribute="gen_ai.operation.name",
        closed=True,
        values={
            "invoke_agent": Operation.AGENT,
            "invoke_workflow": Operation.CHAIN,
            "chat": Operation.CHAT,
            "text_completion": Operation.CHAT,
            "generate_content": Operation.CHAT,
            "embeddings": Operation.EMBEDDING,
            "retrieval": Operation.RETRIEVAL,
            "execute_tool": Operation.TOOL,
        },
        implied={_DOCUMENTS: Operation.RETRIEVAL},
    ),
    attributes={
        Meaning.PROMPT_RECORDED: ("gen_ai.input.messages", "gen_ai.system_instructions"),
        Meaning.SYSTEM_TEXT: ("gen_ai.system_instructions",),
        Meaning.FINISH_REASON: ("gen_ai.response.finish_reasons",),
        Meaning.AGENT_NAME: ("gen_ai.agent.name", "gen_ai.workflow.name", "gen_ai.prompt.name"),
        Meaning.AGENT_ID: ("gen_ai.agent.id",),
        Meaning.MODEL_ANSWERED: ("gen_ai.response.model",),
        Meaning.RETRIEVAL_QUERY: ("gen_ai.retrieval.query.text",),
        Meaning.TOOL_ARGUMENTS: ("gen_ai.tool.call.arguments",),
        Meaning.TOOL_RESULT: ("gen_ai.tool.call.result",),
        Meaning.TOOL_CALL_ID: ("gen_ai.tool.call.id",),
        Meaning.TOOL_ERROR: ("error.type",),
        Meaning.EXCEPTION: ("exception.message", "exception.type"),
        Meaning.CONVERSATION_ID: ("gen_ai.conversation.id",),
        Meaning.SESSION_ID: ("session.id",),
        Meaning.USER_ID: ("user.id", "enduser.id"),
        Meaning.INPUT_TOKENS: ("gen_ai.usage.input_tokens",),
        Meaning.OUTPUT_TOKENS: ("gen_ai.usage.output_tokens",),
        Meaning.COST: ("gen_ai.usage.cost",),
        Meaning.ENVIRONMENT: ("deployment.environment.name",),
    },
    versions={
        "model": VersionAttributes(name=("gen_ai.request.model",)),
        "prompt": VersionAttributes(name=("gen_ai.prompt.name",), label=("gen_ai.prompt.version",)),
        "index": VersionAttributes(name=("gen_ai.data_source.id",)),
        "tool": VersionAttributes(name=("gen_ai.tool.name",)),
    },
    asked=Messages(attributes=("gen_ai.input.messages",)),
    answered=Messages(attributes=("gen_ai.output.messages",)),
    documents=Documents(attributes=(_DOCUMENTS,)),
    detail_events=frozenset({"gen_ai.client.inference.operation.details"}),
)
