"""Span trees made at random by somebody who knows which question was asked and which answer was given.

Each world is one or more turns with a person, and around them what real applications do: agents with sub-agents, tools
with model calls inside, retrieval with a rewritten query, guardrails, titles, judges, retries, in three conventions.
Texts are unlike each other unless one is made from another, as in life.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from tests.evidence.semconv_spans import make_span

Span = dict[str, Any]
Say = tuple[str, str]
"""Role and text. `tool:<call id>` is a response, `assistant:<call id>` a call of that tool, `user@<name>` is named."""
PART_BREAK: Final = "\x1f"  # between texts that are parts of one message, in the current conventions

_SUBJECTS: Final = (
    "overdraft", "mortgage", "savings plan", "travel card", "deposit", "safe", "wire transfer", "pension", "loan",
    "notice account", "student account", "debit card", "standing order", "exchange rate", "guarantee", "透支", "房贷",
)  # fmt: skip
_QUESTIONS: Final = (
    "What does the {0} cost in {1}?", "Can I close my {0} {1}?", "and for {0} {1}?", "Who approves a {0} over {1}?",
    "How long does the {0} take from {1}?", "{0} {1} 的费用是多少？", "Write a note about {0} {1}.", "Is {0} {1} safe?",
    "Rate the {0} {1} for me.", "Which {0} suits {1}?",
)  # fmt: skip
_ANSWERS: Final = (
    "The {0} costs {1} EUR a year.", "No, not before {1}.", "Yes.", "It takes {1} days for a {0}.",
    "{0} 的费用为 {1} 欧元。", "{1} EUR",
    "Only the branch of {1} may, and only for a {0}.", "1. Sign {0}.\n2. Wait {1}.",
)  # fmt: skip


@dataclass
class World:
    """A trace and the truth about it."""

    spans: list[Span]
    question: str
    answer: str
    n_turns: int
    root_tells: bool  # the root carries its output
    story: str  # what was in it, for a failure's message
    n_calls: int | None = None  # how many calls of tools there were, where that is what is asked
    must_flag: str = ""  # what is flagged even where question and answer are told


@dataclass
class Scene:
    random: Random
    dialect: str
    spans: list[Span] = field(default_factory=list)
    clock: int = 10
    story: list[str] = field(default_factory=list)
    texts: set[str] = field(default_factory=set)

    def tick(self) -> int:
        self.clock += self.random.randint(1, 5)
        return self.clock

    def new(self, patterns: Sequence[str]) -> str:
        """Return a text that was not said yet."""
        while True:
            subject, number = self.random.choice(_SUBJECTS), str(self.random.randint(2, 9999))
            text = self.random.choice(patterns).format(subject, number)
            if text not in self.texts:
                self.texts.add(text)
                return text

    def question(self) -> str:
        return self.new(_QUESTIONS)

    def answer(self) -> str:
        return self.new(_ANSWERS)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def open(self, parent: str, name: str, **attributes: Any) -> Span:
        span = make_span(
            f"{len(self.spans) + 1:016x}", parent=parent, name=name, start=self.tick(), attributes=attributes
        )
        self.spans.append(span)
        return span

    def close(self, span: Span, **more: Any) -> None:
        span["attributes"].update({key: value for key, value in more.items() if value is not None})
        span["end_ns"] = self.tick()


def make_world(seed: int) -> World:
    """Return one trace and the truth about it, the same for the same seed."""
    random = Random(seed)
    scene = Scene(random, random.choice(("genai", "legacy", "events", "openinference")))
    shape = random.choices(
        (_one_turn, _several_turns, _pipeline, _handed_over, _failed_turn), (12, 4, 2, 1, 1)
    )[0]
    world = shape(scene)
    if scene.chance(0.1):
        _second_library(scene, world)
    random.shuffle(world.spans)
    world.story = f"seed {seed}: {scene.dialect}; {world.story}"
    return world


def _one_turn(scene: Scene) -> World:
    question, answer = scene.question(), scene.answer()
    history = make_history(scene)
    kind = scene.random.choice(("agent", "chain", "server"))
    tells = kind != "server" and scene.chance(0.6)
    scene.story.append(f"{kind}, {'with' if tells else 'without'} output")
    root = open_frame(scene, "", kind)
    within = root
    if scene.chance(0.2):
        scene.story.append("agent in it")
        within = open_frame(scene, root["span_id"], "agent", "clerk")
    run_turn(
        scene, within["span_id"], history, question, answer, is_agent=within is not root or kind == "agent"
    )
    if within is not root:
        scene.close(within, **(texts_of_root(scene, history, question, answer) if scene.chance(0.5) else {}))
    if tells and scene.chance(0.15):
        final = scene.answer()
        scene.story.append("polished")
        add_call(scene, root["span_id"], [("user", f"Say this in plain words: {answer}")], final)
        answer = final
    scene.close(root, **(texts_of_root(scene, history, question, answer) if tells else {}))
    if scene.chance(0.1):
        scene.story.append("title beside the root")
        _title(scene, "", question, answer)
    return World(scene.spans, question, answer, 1, tells, ", ".join(scene.story))


def _pipeline(scene: Scene) -> World:
    """Return a turn in which one agent's words are put to the next, whose words the person sees."""
    question, draft, answer = scene.question(), scene.answer(), scene.answer()
    root = open_frame(scene, "", scene.random.choice(("server", "chain")))
    tells = "http.request.method" not in root["attributes"] and scene.chance(0.5)
    scene.story.append(f"pipeline, {'with' if tells else 'without'} output")
    for name, asked, gave in (("finder", question, draft), ("writer", f"Write it up: {draft}", answer)):
        agent = open_frame(scene, root["span_id"], "agent", name)
        add_call(scene, agent["span_id"], [("user", asked)], gave)
        scene.close(agent, **(texts_of_root(scene, [], asked, gave) if scene.chance(0.6) else {}))
    scene.close(root, **(texts_of_root(scene, [], question, answer) if tells else {}))
    return World(scene.spans, question, answer, 1, tells, ", ".join(scene.story))


def _handed_over(scene: Scene) -> World:
    """Return a turn that one agent hands to another, which answers."""
    question, answer = scene.question(), scene.answer()
    scene.story.append("handed over")
    root = open_frame(scene, "", "server")
    first = open_frame(scene, root["span_id"], "agent", "desk")
    add_call(scene, first["span_id"], [("user", question)], None, tool=("h1", "transfer_to_clerk"))
    scene.close(first)
    second = open_frame(scene, root["span_id"], "agent", "clerk")
    add_call(scene, second["span_id"], [("user", question)], answer)
    scene.close(second)
    scene.close(root)
    return World(scene.spans, question, answer, 1, False, ", ".join(scene.story))


def _failed_turn(scene: Scene) -> World:
    """Return a turn that nobody answered: whatever a helper or a tool said is not the answer."""
    question = scene.question()
    scene.story.append("failed turn")
    root = open_frame(scene, "", scene.random.choice(("server", "agent")))
    said: list[Say] = [("user", question)]
    if scene.chance(0.5):
        said = _use_tools(scene, root["span_id"], said, is_agent=True)
    add_call(scene, root["span_id"], said, None, failed=True)
    if scene.chance(0.3):
        _title(scene, root["span_id"], question, "")
    root["status_code"] = 2
    scene.close(root)
    return World(scene.spans, question, "", 1, False, ", ".join(scene.story))


def _second_library(scene: Scene, world: World) -> None:
    """Let a second library write each model call again, below the first one's span."""
    scene.story.append("two libraries")
    for span in [one for one in scene.spans if one["name"] == "chat m"]:
        again = scene.open(span["span_id"], "chat m", **span["attributes"])
        again["events"] = span["events"]
        scene.clock = max(scene.clock, again["start_ns"])
        again["start_ns"], again["end_ns"] = span["start_ns"], span["end_ns"]
    world.story = ", ".join(scene.story)


def _several_turns(scene: Scene) -> World:
    """Return a session whose turns are agents of their own, or calls that remember each other."""
    turns = [(scene.question(), scene.answer()) for _ in range(scene.random.randint(2, 4))]
    root = open_frame(scene, "", "server")
    own_agents = scene.chance(0.6)
    scene.story.append(f"{len(turns)} turns as {'agents' if own_agents else 'calls'}")
    said: list[Say] = []
    for question, answer in turns:
        if own_agents:
            agent = open_frame(scene, root["span_id"], "agent", "clerk")
            run_turn(scene, agent["span_id"], said, question, answer, is_agent=True)
            tells = texts_of_root(scene, said, question, answer) if scene.chance(0.7) else {}
            scene.close(agent, **tells)
        else:
            add_call(scene, root["span_id"], [*said, ("user", question)], answer)
        said = [*said, ("user", question), ("assistant", answer)]
    scene.close(root)
    question, answer = turns[-1]
    return World(scene.spans, question, answer, len(turns), False, ", ".join(scene.story))


def make_history(scene: Scene) -> list[Say]:
    told = ("system", "You are a clerk of the bank. Answer from the passages.")
    said: list[Say] = [told] if scene.chance(0.6) else []
    for _ in range(scene.random.choice((0, 0, 1, 2))):
        said += [("user", scene.question()), ("assistant", scene.answer())]
    return said


def open_frame(scene: Scene, parent: str, kind: str, name: str = "desk") -> Span:
    if kind == "server":
        return scene.open(parent, "POST /ask", **{"http.request.method": "POST"})
    if scene.dialect == "openinference":
        return scene.open(
            parent, name, **{"openinference.span.kind": "AGENT" if kind == "agent" else "CHAIN"}
        )
    operation = "invoke_agent" if kind == "agent" else "invoke_workflow"
    return scene.open(
        parent, f"{operation} {name}", **{"gen_ai.operation.name": operation, "gen_ai.agent.name": name}
    )


def texts_of_root(scene: Scene, history: Sequence[Say], question: str, answer: str) -> dict[str, Any]:
    """Return what a root says of the turn, in one of the forms that frames of its convention use."""
    whole = [*history, ("user", question)] if scene.chance(0.5) else [("user", question)]
    if scene.dialect != "openinference":
        asked = json.dumps([_genai(role, text) for role, text in whole])
        return {
            "gen_ai.input.messages": asked if scene.chance(0.8) else None,
            "gen_ai.output.messages": json.dumps([_genai("assistant", answer)]),
        }
    form = scene.random.choice(("text", "messages", "state", "keys", "unknown"))
    if form == "text":
        return {"input.value": question, "output.value": answer}
    if form == "messages":
        return {
            "input.value": json.dumps(
                {"messages": [{"role": role, "content": text} for role, text in whole]}
            ),
            "output.value": json.dumps({"choices": [{"message": {"role": "assistant", "content": answer}}]}),
        }
    if form == "keys":
        return {
            "input.value": json.dumps({"question": question}),
            "output.value": json.dumps({"answer": answer}),
        }
    if form == "unknown":
        payload = {"payload": {"final_words": answer, "n": 3}}
        return {"output.value": json.dumps(payload, ensure_ascii=scene.chance(0.5))}
    kinds = {"user": "human", "assistant": "ai", "system": "system"}
    state = [
        {"type": kinds[role], "data": {"content": text}} for role, text in (*whole, ("assistant", answer))
    ]
    return {"input.value": json.dumps({"messages": whole}), "output.value": json.dumps({"messages": state})}


def run_turn(
    scene: Scene, parent: str, history: Sequence[Say], question: str, answer: str, *, is_agent: bool
) -> None:
    """Do all that leads from a question to its answer, below one frame."""
    asides: list[Callable[[], None]] = []
    if scene.chance(0.25):
        _guard(scene, parent, question, "safe")
    if scene.chance(0.3):
        _rewrite_and_search(scene, parent, question)
    said: list[Say] = [*history, ("user", question)]
    if scene.chance(0.5):
        said = _use_tools(scene, parent, said, is_agent=is_agent)
    if scene.chance(0.15):
        scene.story.append("failed attempt")
        add_call(scene, parent, said, None, failed=True)
    add_call(scene, parent, said, answer)
    if scene.chance(0.25):
        asides.append(lambda: _title(scene, parent, question, answer))
    if scene.chance(0.2):
        asides.append(lambda: _judge(scene, parent, question, answer))
    if scene.chance(0.15):
        asides.append(lambda: _guard(scene, parent, answer, "allowed"))
    scene.random.shuffle(asides)
    for aside in asides:
        aside()


def _guard(scene: Scene, parent: str, text: str, verdict: str) -> None:
    scene.story.append("guardrail")
    if scene.chance(0.5):
        gate = scene.open(parent, "policy_check input", **{"tracebinder.policy.decision": "allow"})
        add_call(scene, gate["span_id"], [("user", text)], verdict)
        scene.close(gate)
    else:
        told = ("system", "Decide whether the text is safe. Say safe or unsafe.")
        add_call(scene, parent, [told, ("user", text)], verdict)


def _rewrite_and_search(scene: Scene, parent: str, question: str) -> None:
    scene.story.append("rewriter")
    query = scene.new(("{0} {1} terms", "fee {0} {1}"))
    if scene.chance(0.5):
        add_call(scene, parent, [("user", f"Rewrite as a stand-alone search query: {question}")], query)
    else:
        add_call(scene, parent, [("system", "Reply in three words."), ("user", question)], query)
    names = {"gen_ai.operation.name": "retrieval", "gen_ai.retrieval.query.text": query}
    if scene.dialect == "openinference":
        names = {"openinference.span.kind": "RETRIEVER", "input.value": query}
    scene.close(scene.open(parent, "retrieval fees", **names))


def _title(scene: Scene, parent: str, question: str, answer: str) -> None:
    scene.story.append("title")
    ask = scene.random.choice((
        f"Write a title of at most four words for: {question}",
        f"Generate a short title for this conversation.\nUser: {question}\nAssistant: {answer}",
        f"Name it: {question} / {answer}",
        f"为以下对话生成标题：{question}",
    ))  # fmt: skip
    add_call(scene, parent, [("user", ask)], scene.new(("About {0} {1}", "{0} {1}")))


def _judge(scene: Scene, parent: str, question: str, answer: str) -> None:
    scene.story.append("judge")
    add_call(scene, parent, [("user", f"Grade the answer from 1 to 5.\nQ: {question}\nA: {answer}")], "4")


def _use_tools(scene: Scene, parent: str, said: list[Say], *, is_agent: bool) -> list[Say]:
    """Call a tool or a sub-agent, and return the messages that the model then sees."""
    call_id, finding = f"call-{len(scene.spans)}", scene.answer()
    add_call(scene, parent, said, scene.random.choice((None, "Let me look.")), tool=(call_id, "look_up"))
    if is_agent and scene.chance(0.5):
        scene.story.append("sub-agent")
        task = scene.question()
        agent = open_frame(scene, parent, "agent", "valuer")
        add_call(scene, agent["span_id"], [("user", task)], finding)
        scene.close(agent, **texts_of_root(scene, [], task, finding))
    else:
        scene.story.append("tool")
        kind = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "look_up",
            "gen_ai.tool.call.id": call_id,
        }
        if scene.dialect == "openinference":
            kind = {"openinference.span.kind": "TOOL", "tool.name": "look_up"}
        tool = scene.open(parent, "execute_tool look_up", **kind)
        if scene.chance(0.4):
            add_call(scene, tool["span_id"], [("user", scene.question())], finding)
        scene.close(tool)
    return [*said, (f"tool:{call_id}", finding)]


def add_call(
    scene: Scene,
    parent: str,
    said: Sequence[Say],
    gave: str | None,
    *,
    tool: tuple[str, str] | None = None,
    failed: bool = False,
) -> None:
    """Add one model call in the scene's convention."""
    asked = [_genai(role, text) for role, text in said]
    given = None if failed else _genai("assistant", gave or "", tool)
    writers = {"genai": _as_genai, "legacy": _as_legacy, "openinference": _as_openinference}
    if scene.dialect == "events":
        span = scene.open(
            parent, "chat m", **{"gen_ai.operation.name": "chat", "gen_ai.system": "az.ai.openai"}
        )
        span["events"] = _events(said, gave, tool, failed=failed)
    else:
        span = scene.open(parent, "chat m", **writers[scene.dialect](asked, given, said, gave, tool))
    if failed:
        span["status_code"], span["status_message"] = 2, "429 too many requests"
    scene.close(span)


def _genai(role: str, text: str, tool: tuple[str, str] | None = None) -> dict[str, Any]:
    role, _, call_id = role.partition(":")
    role, _, name = role.partition("@")
    if role == "tool":
        return {"role": role, "parts": [{"type": "tool_call_response", "id": call_id, "response": text}]}
    if call_id:  # of what a model called before
        text, tool = "", (call_id, text)
    texts = text.split(PART_BREAK) if text else []
    parts: list[dict[str, Any]] = [{"type": "text", "content": one} for one in texts]
    if tool:
        parts.append({"type": "tool_call", "id": tool[0], "name": tool[1], "arguments": {"n": 1}})
    return {"role": role, "parts": parts, **({"name": name} if name else {})}


def _as_genai(
    asked: list[Any], given: Any, said: Sequence[Say], gave: str | None, tool: tuple[str, str] | None
) -> dict[str, Any]:
    reason = "tool_call" if tool else "stop"
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.input.messages": json.dumps(asked, ensure_ascii=False),
        **({"gen_ai.output.messages": json.dumps([{**given, "finish_reason": reason}])} if given else {}),
    }


def _as_legacy(
    asked: list[Any], given: Any, said: Sequence[Say], gave: str | None, tool: tuple[str, str] | None
) -> dict[str, Any]:
    attributes = {"gen_ai.system": "openai", "gen_ai.request.model": "m", **_spread("gen_ai.prompt.{}", said)}
    if given:
        attributes |= _spread("gen_ai.completion.{}", [("assistant", gave or None)])
        if tool:
            prefix = "gen_ai.completion.0.tool_calls.0"
            attributes[f"{prefix}.id"], attributes[f"{prefix}.name"] = tool
        attributes["gen_ai.completion.0.finish_reason"] = "tool_calls" if tool else "stop"
    return attributes


def _spread(place: str, said: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """Return messages an attribute a field and numbered, as two conventions write them.

    Args:
        place: the name before the field, with braces for the number.
    """
    spread = {}
    for number, (role, text) in enumerate(said):
        spread[f"{place.format(number)}.role"] = role.partition(":")[0]
        if text is not None:
            spread[f"{place.format(number)}.content"] = text
    return spread


def _as_openinference(
    asked: list[Any], given: Any, said: Sequence[Say], gave: str | None, tool: tuple[str, str] | None
) -> dict[str, Any]:
    asked_at, given_at = "llm.input_messages.{}.message", "llm.output_messages.{}.message"
    attributes = {"openinference.span.kind": "LLM", "llm.model_name": "m", **_spread(asked_at, said)}
    if given:
        attributes |= _spread(given_at, [("assistant", gave or None)])
        if tool:
            prefix = "llm.output_messages.0.message.tool_calls.0.tool_call"
            attributes[f"{prefix}.id"], attributes[f"{prefix}.function.name"] = tool
    return attributes


def _events(
    said: Sequence[Say], gave: str | None, tool: tuple[str, str] | None, *, failed: bool
) -> list[dict[str, Any]]:
    events = [
        {"name": f"gen_ai.{role.partition(':')[0]}.message", "attributes": {"content": text}}
        for role, text in said
    ]
    if not failed:
        message: dict[str, Any] = {"role": "assistant"}
        if gave:
            message["content"] = gave
        if tool:
            message["tool_calls"] = [{"id": tool[0], "type": "function", "function": {"name": tool[1]}}]
        choice = {
            "index": 0,
            "finish_reason": "tool_calls" if tool else "stop",
            "message": json.dumps(message),
        }
        events.append({"name": "gen_ai.choice", "attributes": choice})
    return events
