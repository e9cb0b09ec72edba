"""Worlds in which it cannot always be told who asked, or which words were the answer: a kind for each.

Apart from `trace_worlds`, whose worlds are as frequent as in life: of these, most may only be flagged. Their maker
knows the truth all the same, so that nothing else may be shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Final

from tests.evidence.trace_worlds import (
    PART_BREAK,
    Say,
    Scene,
    World,
    add_call,
    make_history,
    open_frame,
    run_turn,
    texts_of_root,
)

_CONTEXTS: Final = (
    "The customer has a {0} since {1}.", "Terms of the {0}, page {1}.", "Profile: {0}, {1}.", "客户持有{0}，编号{1}。",
)  # fmt: skip
_REVISIONS: Final = (
    "Revise your answer.", "Please double-check your answer.", "Improve the draft.", "Try again.", "请修改你的回答。",
    "Reflect on your previous answer.", "Now check it again.",
)  # fmt: skip
_PREAMBLES: Final = ("Let me look at the {0} {1}.", "One moment, {1}.", "我查一下{0} {1}。")
ANY_CONVENTION: Final = ("genai", "legacy", "events", "openinference")


def make_odd_world(seed: int) -> World:
    """Return one trace of these kinds and the truth about it, the same for the same seed."""
    random = Random(seed)
    kind, conventions = random.choice(tuple(_KINDS.items()))
    scene = Scene(random, random.choice(conventions))
    world = kind(scene)
    random.shuffle(world.spans)
    world.story = f"odd seed {seed}: {scene.dialect}; {kind.__name__}; {', '.join(scene.story)}"
    return world


def _root(scene: Scene) -> str:
    """Open a server's span, or a frame that will tell nothing, for the root."""
    return str(open_frame(scene, "", scene.random.choice(("server", "chain")))["span_id"])


def _in_a_row(scene: Scene) -> World:
    """A program, or the person, says something before the question in a message of its own."""
    question, answer = scene.question(), scene.answer()
    context = scene.new(_CONTEXTS)
    root = open_frame(scene, "", scene.random.choice(("server", "agent", "chain")))
    tells = "http.request.method" not in root["attributes"] and scene.chance(0.4)
    before: list[Say] = [*make_history(scene), ("user", context)]
    run_turn(scene, root["span_id"], before, question, answer, is_agent=True)
    scene.close(root, **(texts_of_root(scene, [], question, answer) if tells else {}))
    return World(scene.spans, question, answer, 1, tells, "")


def _in_parts(scene: Scene) -> World:
    """A context and the question are parts of one message."""
    question, answer = scene.question(), scene.answer()
    both = PART_BREAK.join((scene.new(_CONTEXTS), question))
    add_call(scene, _root(scene), [*make_history(scene), ("user", both)], answer)
    return World(scene.spans, question, answer, 1, False, "")


def _revised(scene: Scene) -> World:
    """A program has the model look at its answer again, in calls or agents that remember, or in one that is left."""
    question, answer = scene.question(), scene.answer()
    root = open_frame(scene, "", "server")
    said: list[Say] = [("user", question)]
    as_agents = scene.chance(0.4)
    for _ in range(scene.random.randint(1, 3)):
        draft = scene.answer()
        _answer(scene, root["span_id"], said, draft, as_agent=as_agents)
        said = [*said, ("assistant", draft), ("user", scene.random.choice(_REVISIONS))]
    _answer(scene, root["span_id"], said, answer, as_agent=as_agents)
    if scene.chance(0.3):
        scene.story.append("only the last was kept")
        scene.spans[1 : -2 if as_agents else -1] = []
    scene.close(root)
    return World(scene.spans, question, answer, 1, False, "")


def _answer(scene: Scene, parent: str, said: list[Say], answer: str, *, as_agent: bool) -> None:
    if not as_agent:
        add_call(scene, parent, said, answer)
        return
    agent = open_frame(scene, parent, "agent", "writer")
    add_call(scene, agent["span_id"], said, answer)
    scene.close(agent)


def _lost_parent(scene: Scene) -> World:
    """The span of an agent is lost, and that of its sub-agent is not."""
    question, answer = scene.question(), scene.answer()
    root = _root(scene)
    agent = open_frame(scene, root, "agent")
    run_turn(scene, agent["span_id"], make_history(scene), question, answer, is_agent=True)
    below = {span["span_id"] for span in scene.spans if span["parent_span_id"] == agent["span_id"]}
    lost = {agent["span_id"]}
    if scene.chance(0.7):
        scene.story.append("its own calls too")
        lost |= {one["span_id"] for one in scene.spans if one["span_id"] in below and one["name"] == "chat m"}
    kept = [span for span in scene.spans if span["span_id"] not in lost]
    return World(kept, question, answer, 1, False, "")


def _called_again(scene: Scene) -> World:
    """A tool is asked for the same again, under the same id, until it has something else to say."""
    question, answer = scene.question(), scene.answer()
    root, times = _root(scene), scene.random.randint(2, 4)
    said: list[Say] = [("user", question)]
    in_spans = scene.chance(0.5)
    for _ in range(times):
        add_call(scene, root, said, None, tool=("call_0", "state"))
        if in_spans:
            told = {"gen_ai.tool.name": "state", "gen_ai.tool.call.id": "call_0"}
            more = {"gen_ai.tool.call.arguments": '{"n": 1}', "gen_ai.tool.call.result": "busy"}
            operation = {"gen_ai.operation.name": "execute_tool"}
            scene.close(scene.open(root, "execute_tool state", **operation, **told, **more))
        said = [*said, ("assistant:call_0", "state"), ("tool:call_0", "busy")]
    add_call(scene, root, said, answer)
    return World(scene.spans, question, answer, 1, False, "", n_calls=times)


def _with_preamble(scene: Scene) -> World:
    """An agent says something before its answer."""
    question, answer = scene.question(), scene.answer()
    gave = [
        {"role": "assistant", "parts": [{"type": "text", "content": text}]}
        for text in (scene.new(_PREAMBLES), answer)
    ]
    asked = [{"role": "user", "parts": [{"type": "text", "content": question}]}]
    root = open_frame(scene, "", "agent")
    texts = {"gen_ai.input.messages": json.dumps(asked), "gen_ai.output.messages": json.dumps(gave)}
    scene.close(root, **texts)
    return World(scene.spans, question, answer, 1, True, "", must_flag="words_before_answer")


def _agents_as_users(scene: Scene) -> World:
    """In a chat of agents each message is a user's that bears a name, the person's too."""
    question, answer = scene.question(), scene.answer()
    said: list[Say] = [("user@admin", question)]
    for name in scene.random.sample(("planner", "reader", "critic", "coder"), scene.random.randint(1, 3)):
        said.append((f"user@{name}", scene.answer()))
        if scene.chance(0.3):
            said.append(("assistant", scene.answer()))
    if said[-1][0] == "assistant":
        said.append(("user@critic", scene.answer()))
    add_call(scene, _root(scene), said, answer)
    return World(scene.spans, question, answer, 1, False, "")


def _first_and_last(scene: Scene) -> World:
    """Of a trace of several turns the application declares the first question and the last answer."""
    turns = [(scene.question(), scene.answer()) for _ in range(scene.random.randint(2, 3))]
    remembers = scene.chance(0.5)
    said: list[dict[str, str]] = []
    declared = {"langfuse.trace.input": turns[0][0], "langfuse.trace.output": turns[-1][1]}
    root = scene.open("", "session", **{"langfuse.observation.type": "span"}, **declared)
    for question, answer in turns:
        asked = {"role": "user", "content": question}
        said = [*said, asked] if remembers else [asked]
        told = {"langfuse.observation.input": json.dumps(said), "langfuse.observation.output": answer}
        scene.close(scene.open(root["span_id"], "m", **{"langfuse.observation.type": "generation"}, **told))
        said = [*said, {"role": "assistant", "content": answer}]
    scene.close(root)
    question, answer = turns[-1]
    return World(scene.spans, question, answer, len(turns), True, "")


_KINDS: Final[dict[Callable[[Scene], World], tuple[str, ...]]] = {
    _in_a_row: ANY_CONVENTION,
    _in_parts: ("genai",),
    _revised: ANY_CONVENTION,
    _lost_parent: ANY_CONVENTION,
    _called_again: ("genai",),
    _with_preamble: ("genai",),
    _agents_as_users: ("genai",),
    _first_and_last: ("langfuse",),
}
"""Each kind with the conventions that can say it."""
