"""Strands agents: the GenAI conventions before 1.36, with a tool's arguments and result in its events."""

from __future__ import annotations

from typing import Final

from evidence.semconv.dialects.contract import Dialect, Meaning

STRANDS: Final = Dialect(
    title="Strands agents",
    attributes={
        Meaning.TOOL_ARGUMENTS: ("event:gen_ai.tool.message.content",),
        Meaning.TOOL_RESULT: ("event:gen_ai.choice.message",),
    },
    lifted={"gen_ai.tool.message": ("content",), "gen_ai.choice": ("message",)},
)
