"""Traceloop's SDK and OpenLLMetry: workflows, tasks, agents and tools with their input and output as JSON.

Its model calls follow the GenAI conventions, current or before 1.36.
"""

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

TRACELOOP: Final = Dialect(
    title="Traceloop / OpenLLMetry",
    operations=OperationNames(
        attribute="traceloop.span.kind",
        values={
            "workflow": Operation.CHAIN,
            "task": Operation.CHAIN,
            "agent": Operation.AGENT,
            "tool": Operation.TOOL,
        },
        name_prefixes={"vector_db_retrieve": Operation.RETRIEVAL},
    ),
    attributes={
        Meaning.INPUT_TEXT: ("traceloop.entity.input", "gen_ai.task.input"),
        Meaning.OUTPUT_TEXT: ("traceloop.entity.output", "gen_ai.task.output"),
        Meaning.AGENT_NAME: ("traceloop.entity.name",),
        Meaning.RETRIEVAL_QUERY: ("gen_ai.task.input", "traceloop.entity.input"),
        Meaning.TOOL_ARGUMENTS: ("traceloop.entity.input",),
        Meaning.TOOL_RESULT: ("traceloop.entity.output",),
        Meaning.CONVERSATION_ID: (
            "traceloop.association.properties.conversation_id",
            "traceloop.association.properties.chat_id",
            "traceloop.association.properties.thread_id",
        ),
        Meaning.SESSION_ID: ("traceloop.association.properties.session_id",),
        Meaning.USER_ID: ("traceloop.association.properties.user_id",),
    },
    versions={
        "prompt": VersionAttributes(name=("traceloop.prompt.key",), label=("traceloop.prompt.version",)),
        "tool": VersionAttributes(name=("traceloop.entity.name",)),
    },
    documents=Documents(attributes=("gen_ai.task.output",)),
)
