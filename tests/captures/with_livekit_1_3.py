"""LiveKit Agents before it told of agents and tools in GenAI's words."""

from __future__ import annotations

from functools import partial

from capturing import main
from with_livekit import cut, run, with_handoff, with_history, with_tool

if __name__ == "__main__":
    every = {"tool": with_tool, "history": with_history, "handoff": with_handoff, "cut": cut}
    main("livekit_1_3", {name: partial(run, scenario) for name, scenario in every.items()})
