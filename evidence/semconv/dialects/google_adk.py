"""Google's Agent Development Kit: the GenAI conventions, with what was said in attributes of its own."""

from __future__ import annotations

from typing import Final

from evidence.semconv.dialects.contract import Dialect, Meaning, Operation, OperationNames

GOOGLE_ADK: Final = Dialect(
    title="Google ADK",
    operations=OperationNames(implied={"gcp.vertex.agent.llm_request": Operation.CHAT}),
    attributes={
        Meaning.INPUT_TEXT: ("gcp.vertex.agent.llm_request",),
        Meaning.OUTPUT_TEXT: ("gcp.vertex.agent.llm_response",),
        Meaning.PROMPT_RECORDED: ("gcp.vertex.agent.llm_request",),
        Meaning.TOOL_ARGUMENTS: ("gcp.vertex.agent.tool_call_args",),
        Meaning.TOOL_RESULT: ("gcp.vertex.agent.tool_response",),
        Meaning.SESSION_ID: ("gcp.vertex.agent.session_id",),
    },
    withheld={"{}": ("gcp.vertex.agent.tool_call_args", "gcp.vertex.agent.tool_response")},
)
