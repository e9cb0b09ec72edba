"""pydantic-ai in its formats 1 to 6, alone or under Logfire: what the GenAI conventions do not have of it.

Format 1 holds a model call's messages in the log records before 1.36, or in one attribute `events`; from format 2 on
they are those of the GenAI conventions. The agent's own span tells the whole conversation in each.
"""

from __future__ import annotations

from typing import Final

from evidence.semconv.dialects.contract import (
    Dialect,
    Meaning,
    Operation,
    OperationNames,
    VersionAttributes,
)

PYDANTIC_AI: Final = Dialect(
    title="pydantic-ai and Logfire",
    operations=OperationNames(
        implied=dict.fromkeys(("pydantic_ai.all_messages", "all_messages_events"), Operation.AGENT),
    ),
    attributes={
        Meaning.OUTPUT_TEXT: ("final_result",),
        Meaning.CONVERSATION: ("pydantic_ai.all_messages", "all_messages_events", "events"),
        Meaning.AGENT_NAME: ("agent_name",),
        Meaning.TOOL_ARGUMENTS: ("tool_arguments",),
        Meaning.TOOL_RESULT: ("tool_response",),
        Meaning.COST: ("operation.cost",),
    },
    versions={"model": VersionAttributes(name=("model_name",))},
    answer_tools=("final_result",),
)
