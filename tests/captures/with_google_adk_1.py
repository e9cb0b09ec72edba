"""Google's Agent Development Kit before its second version: what was said in attributes of its own."""

from __future__ import annotations

from functools import partial

from capturing import main
from with_google_adk import run, with_history, with_subagent, with_tool

if __name__ == "__main__":
    every = {"tool": with_tool, "history": with_history, "subagent": with_subagent}
    off = {"ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS": "false"}
    main(
        "google_adk_1",
        {
            **{name: partial(run, scenario, {}) for name, scenario in every.items()},
            "content_off": partial(run, with_tool, off),
        },
    )
