"""The spans of a trace as a tree, and what each was there for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from evidence.semconv.computed_once import computed_once
from evidence.semconv.dialects import Meaning, Operation, attributes_for, version_attributes
from evidence.semconv.hearing import Heard, has_content, hear_answered, hear_asked, system_text
from evidence.semconv.helpers import Purpose, purpose_by_name
from evidence.semconv.span_view import SpanView
from evidence.semconv.system_reading import NO_READING, SpanPattern, SystemReading

_AGENT_NAME: Final = attributes_for(Meaning.AGENT_NAME)
_MODEL: Final = version_attributes("model").name
_BY_OPERATION: Final = {
    Operation.TOOL: Purpose.TOOL,
    Operation.POLICY: Purpose.GUARDRAIL,
    Operation.EMBEDDING: Purpose.EMBEDDING,
    Operation.RETRIEVAL: Purpose.RETRIEVAL,
    Operation.RERANK: Purpose.RETRIEVAL,
    Operation.EVALUATION: Purpose.EVALUATOR,
}


class Step:
    """One span in its tree. Its messages are read when they are first asked for."""

    def __init__(self, span: SpanView) -> None:
        self.span = span
        self.operation = span.operation  # what it did
        self.parent: Step | None = None
        self.children: list[Step] = []
        self.purpose = Purpose.MAIN  # by what it did, and what it is inside of
        self.kept: dict[str, Any] = {}  # what was read of it, by what read it (`given`)
        self.judged: tuple[Purpose | None] | None = None  # what `seems` found, once it was asked

    @computed_once
    def named(self) -> str:
        """What its agent, function or step is called, where the span says so."""
        return self.span.text(*_AGENT_NAME)

    @property
    def model(self) -> str:
        """Which model it called: some do nothing but guard or judge."""
        return self.span.text(*_MODEL) if self.operation is Operation.CHAT else ""

    @property
    def seems(self) -> Purpose | None:
        """What it is there for by its name and the names above it, which is weak evidence."""
        path: list[Step] = []
        step: Step | None = self
        while step is not None and step.judged is None:
            path.append(step)
            step = step.parent
        seems = step.judged[0] if step is not None and step.judged else None
        for step in reversed(path):
            if step.parent is not None:  # the root's name is that of the whole
                seems = seems or purpose_by_name(step.span.name, step.named, step.model)
            step.judged = (seems,)
        return seems

    @computed_once
    def has_content(self) -> bool:
        """Whether the span holds anything that was said. What is neither asked nor answered holds nothing."""
        return self.operation is not Operation.OTHER and has_content(self.span)

    @computed_once
    def asked(self) -> Heard:
        """What was put to it."""
        return hear_asked(self.span)

    @computed_once
    def answered(self) -> Heard:
        """What it gave."""
        return hear_answered(self.span)

    def and_below(self) -> list[Step]:
        """Return this step and all below it, in time."""
        found: list[Step] = []
        waiting = [self]
        while waiting:
            found.append(waiting.pop())
            waiting.extend(found[-1].children)
        return sorted(found, key=lambda step: (step.span.start_ns, step.span.span_id))

    @computed_once
    def system_text(self) -> str:
        """What its model was told to be."""
        return system_text(self.span, self.asked)


class Tree:
    """All spans of a trace. `tops` have no parent; `strays` have one that has not arrived."""

    def __init__(self, views: Sequence[SpanView], reading: SystemReading = NO_READING) -> None:
        self.steps = [Step(view) for view in views]
        self._reading = reading
        self.by_id = {step.span.span_id: step for step in self.steps}
        self.tops: list[Step] = []
        self.strays: list[Step] = []
        for step in self.steps:
            parent = self.by_id.get(step.span.parent_span_id)
            if parent is not None and parent is not step:
                step.parent = parent
                parent.children.append(step)
            elif step.span.parent_span_id:
                self.strays.append(step)
            else:
                self.tops.append(step)
        self.from_above: list[Step] = []  # all steps, each parent before its children
        self._place()

    def outermost_of(self, patterns: Iterable[SpanPattern]) -> list[Step]:
        """Return the steps that a system means by some patterns and that are inside of no other of them, in time."""
        meant = list(patterns)
        wanted = {
            id(step)
            for step in self.steps
            if step.purpose is not Purpose.LEFT_OUT and any(one.matches(step.span) for one in meant)
        }
        found = outermost(self.from_above, wanted)
        return sorted(found, key=lambda step: (step.span.start_ns, step.span.span_id))

    def _place(self) -> None:
        """Say of each step what it is there for, and cut the rings that parents may form."""
        seen: set[int] = set()
        for top in (*self.tops, *self.strays, *self.steps):
            if id(top) in seen:
                continue
            if top.parent is not None:  # only a ring is not reached from above
                top.parent.children.remove(top)
                top.parent = None
                self.strays.append(top)
            waiting = [top]
            while waiting:
                step = waiting.pop()
                seen.add(id(step))
                self.from_above.append(step)
                _place(step, self._reading)
                waiting.extend(reversed(step.children))


def items_of(steps: Iterable[Step]) -> list[Step]:
    """Return the nearest steps, at or below these, that can answer: model calls, agents, and frames with content.

    Frames without content are looked through; what is not on the main path is left out.
    """
    found: list[Step] = []
    waiting = list(steps)
    while waiting:
        step = waiting.pop()
        if step.purpose is not Purpose.MAIN:
            continue
        if _answers(step):
            found.append(step)
        else:
            waiting.extend(step.children)
    return sorted(found, key=lambda step: (step.span.start_ns, step.span.span_id))


def calls_below(step: Step) -> list[Step]:
    """Return the model calls on the main path at or below a step, in time."""
    found: list[Step] = []
    waiting = [step]
    while waiting:
        one = waiting.pop()
        if one.purpose is Purpose.MAIN:
            waiting.extend(one.children)
            if one.operation is Operation.CHAT:
                found.append(one)
    return sorted(found, key=lambda call: (call.span.start_ns, call.span.span_id))


def outermost(steps: Iterable[Step], wanted: set[int]) -> list[Step]:
    """Return the wanted steps that are inside of no other.

    Args:
        steps: each parent before its children.
        wanted: by `id`.
    """
    inside: set[int] = set()
    found = []
    for step in steps:
        if step.parent is not None and id(step.parent) in inside:
            inside.add(id(step))
        elif id(step) in wanted:
            inside.add(id(step))
            found.append(step)
    return found


def _answers(step: Step) -> bool:
    if step.operation is Operation.CHAT:
        return step.has_content or not any(child.operation is Operation.CHAT for child in step.children)
    return step.operation is Operation.AGENT or step.has_content


def _place(step: Step, reading: SystemReading) -> None:
    parent = step.parent
    if reading.leave_out and reading.leaves_out(step.span):
        step.purpose = Purpose.LEFT_OUT
        return
    own = _BY_OPERATION.get(step.operation) if step.operation else None
    if parent is None:
        step.purpose = own or Purpose.MAIN
        return
    step.purpose = parent.purpose if parent.purpose is not Purpose.MAIN else own or Purpose.MAIN
