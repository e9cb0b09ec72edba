"""The tools that were called: each call once, whether a span, a message or both tell of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from evidence.semconv.dialects import DIALECTS, Meaning, Operation, attributes_for
from evidence.semconv.draft import Rule, Source, ToolCallDraft, VersionRef
from evidence.semconv.hearing import may_call_tools
from evidence.semconv.messages import TOOL, USER, Part, PartKind, read_message
from evidence.semconv.span_view import LABEL_LENGTH, SpanView
from evidence.semconv.spelling import parse_json
from evidence.semconv.steps import Step
from evidence.semconv.values import given_in_call
from evidence.semconv.versions import tool_name_of, tool_version_of

_ARGUMENTS: Final = attributes_for(Meaning.TOOL_ARGUMENTS)
_RESULT: Final = attributes_for(Meaning.TOOL_RESULT)
_CALL_ID: Final = attributes_for(Meaning.TOOL_CALL_ID)
_ERROR_TYPE: Final = attributes_for(Meaning.TOOL_ERROR)
_ANSWER_TOOLS: Final = tuple(name for dialect in DIALECTS for name in dialect.answer_tools)
_ERROR: Final = 2  # OTLP status code
_MAX_WRAPS: Final = 4
_SPEAKING: Final = frozenset({Operation.CHAT, Operation.AGENT, Operation.CHAIN})


def read_tool_calls(
    steps: Sequence[Step], merged: Mapping[VersionRef, VersionRef]
) -> tuple[ToolCallDraft, ...]:
    """Return the tool calls with arguments and results, JSON where they are JSON, in time.

    Args:
        steps: all of the trace, each parent before its children.
        merged: what `versions.merge_versions` made of the versions that all spans of the trace name.
    """
    timed: list[tuple[int, ToolCallDraft]] = []
    ended: list[int] = []  # of each call of `timed`
    scopes: list[str] = []  # of each, the library that told of it first
    by_step: dict[int, int] = {}  # of a step, which call of `timed` it tells of
    by_key: dict[tuple[str, str, str], int] = {}
    for step in steps:
        if step.operation is not Operation.TOOL:
            continue
        call = _of_span(step.span, merged)
        known = _known_as(step, call, timed, by_step, by_key)
        if known is not None:
            began_after = step.span.start_ns >= ended[known]
            same_library = step.span.scope == scopes[known]
            known = (
                None
                if began_after and _is_another(call, timed[known][1], same_library=same_library)
                else known
            )
        if known is None:
            ended.append(step.span.end_ns)
            scopes.append(step.span.scope)
            by_step[id(step)] = len(timed)
            if call.call_id:
                by_key[call.call_id, call.tool, str(call.arguments)] = len(timed)
            timed.append((step.span.start_ns, call))
        else:
            by_step[id(step)] = known
            timed[known] = (timed[known][0], _completed(timed[known][1], call))
    asked = [(step, _of_part(step, part)) for step, part in _asked_for(steps)]
    timed = [(at, _as_asked(call, asked)) for at, call in timed]
    timed += _only_in_messages(steps, asked, [call for _, call in timed])
    return tuple(call for _, call in sorted(timed, key=lambda one: (one[0], one[1].span_id, one[1].call_id)))


def _known_as(
    step: Step,
    call: ToolCallDraft,
    timed: Sequence[tuple[int, ToolCallDraft]],
    by_step: Mapping[int, int],
    by_key: Mapping[tuple[str, str, str], int],
) -> int | None:
    """Return which call, already known, a span tells of again: from another library, from the tool's own server."""
    key = (call.call_id, call.tool, str(call.arguments))
    if call.call_id and (known := by_key.get(key)) is not None:
        return known
    above = step.parent
    if above is None or (number := by_step.get(id(above))) is None:
        return None
    outer = timed[number][1]
    same_id = not call.call_id or not outer.call_id or call.call_id == outer.call_id
    unsaid = call.arguments is None or outer.arguments is None or call.arguments == outer.arguments
    return number if same_id and unsaid and call.tool == outer.tool else None


def _is_another(call: ToolCallDraft, known: ToolCallDraft, *, same_library: bool) -> bool:
    """Whether a tool was called again, when it had ended, under an id that is numbered anew: both went well.

    Another library may tell of one call in a span of its own, after the first; the same one does not.
    """
    went_well = not call.error and not known.error and call.result is not None and known.result is not None
    return went_well and (same_library or call.result != known.result)


def _completed(known: ToolCallDraft, again: ToolCallDraft) -> ToolCallDraft:
    """Return a call with what another span of it adds. A later span without an error is a retry that went well."""
    return replace(
        known,
        arguments=again.arguments if known.arguments is None else known.arguments,
        result=again.result if known.result is None or (known.error and not again.error) else known.result,
        error=again.error and known.error,
        version=known.version or again.version,
    )


def _of_span(span: SpanView, merged: Mapping[VersionRef, VersionRef]) -> ToolCallDraft:
    version = tool_version_of(span)
    arguments, key = _arguments_of(span)
    result, answered = _unwrapped(span.json_or_text(*_RESULT))
    return ToolCallDraft(
        span_id=span.span_id,
        tool=tool_name_of(span),
        arguments=arguments,
        result=result,
        version=merged[version] if version else None,
        call_id=span.label(*_CALL_ID) or span.cut(answered, "tool call id", LABEL_LENGTH),
        error=_error_of(span) or _error_in(result),
        source=Source(span.span_id, key, Rule.STATED),
    )


def _arguments_of(span: SpanView) -> tuple[Any, str]:
    """Return what a tool was given; what describes the arguments it takes is none."""
    for key in _ARGUMENTS:
        if span.has(key) and not _is_schema(value := span.json_or_text(key)):
            return given_in_call(value) if isinstance(value, Mapping) else value, key
    return None, ""


def _unwrapped(value: Any, depth: int = 0) -> tuple[Any, str]:
    """Return what a tool gave back, without what a library put around it, and the id of the call it answers."""
    if (
        isinstance(value, list)
        and value
        and all(isinstance(one, Mapping) and one.keys() == {"text"} for one in value)
    ):
        return "\n".join(str(one["text"]) for one in value), ""  # Strands
    if not isinstance(value, Mapping) or depth > _MAX_WRAPS:
        return value, ""
    if "raw_output" in value and "tool_name" in value:  # LlamaIndex
        return value["raw_output"], ""
    if len(value) == 1 and isinstance(value.get("output"), Mapping | str):
        return _unwrapped(value["output"], depth + 1)
    if (message := read_message(value)) is None or message.role != TOOL:
        return value, ""
    part = next((part for part in message.parts if part.kind is PartKind.TOOL_RESPONSE), None)
    return (_json_or_text(part.value), part.call_id) if part else (value, "")


def _is_schema(value: Any) -> bool:
    return isinstance(value, Mapping) and (
        "$schema" in value or (value.get("type") == "object" and isinstance(value.get("properties"), Mapping))
    )


def _error_of(span: SpanView) -> str:
    if span.status_code != _ERROR:
        return span.text(*_ERROR_TYPE)
    return (
        span.status_message
        or span.text(*_ERROR_TYPE)
        or span.exception
        or "the tool's span ended with an error"
    )


def _error_in(result: Any) -> str:
    """Return what a result says went wrong, as the Model Context Protocol marks it."""
    if not isinstance(result, Mapping) or (result.get("isError") or result.get("is_error")) is not True:
        return ""
    content = result.get("content")
    texts = (
        [one.get("text") for one in content if isinstance(one, Mapping)]
        if isinstance(content, list)
        else [content]
    )
    return "\n".join(text for text in texts if isinstance(text, str)) or "the tool says that it failed"


def _as_asked(call: ToolCallDraft, asked: Sequence[tuple[Step, ToolCallDraft]]) -> ToolCallDraft:
    """Return a call with its arguments as the model gave them, where its span has only their values."""
    if not call.call_id or isinstance(call.arguments, Mapping):
        return call
    same = next((one for _, one in asked if (one.call_id, one.tool) == (call.call_id, call.tool)), None)
    return replace(call, arguments=same.arguments) if same and isinstance(same.arguments, Mapping) else call


def _only_in_messages(
    steps: Sequence[Step], asked: Sequence[tuple[Step, ToolCallDraft]], from_spans: Sequence[ToolCallDraft]
) -> list[tuple[int, ToolCallDraft]]:
    """Return the calls that models asked for and that no span of a tool tells of."""
    if not asked:
        return []
    numbers = _numbers_of(asked)
    reused = _reused_ids(call for _, call in asked) | {
        call.call_id for (_, call), number in zip(asked, numbers, strict=True) if number
    }
    told = Counter[tuple[str, str]]()
    ids = {_counted(call, reused, told) for call in from_spans if call.call_id}
    unnamed = [call for call in from_spans if not call.call_id]
    seen: set[tuple[str, str]] = set()
    calls: dict[tuple[str, str], tuple[int, ToolCallDraft]] = {}
    for (step, call), number in zip(asked, numbers, strict=True):
        same = next((one for one in unnamed if _is_same(one, call)), None)
        key = (
            _key_of(call, reused, number)
            if call.call_id
            else (step.span.span_id, f"{call.tool} {call.arguments}")
        )
        if key in ids or key in seen:
            continue
        seen.add(key)
        if same is not None:
            unnamed.remove(same)
            continue
        calls[key] = (step.span.end_ns, call)
    return _with_responses(calls, steps, reused) if calls else []


def _numbers_of(asked: Sequence[tuple[Step, ToolCallDraft]]) -> list[int]:
    """Return of each call how often its conversation had the same call under the same id before it.

    Two libraries, and a model that is asked again, tell of one call with the same conversation before it. A model that
    calls again has its first call in what it was shown.
    """
    told = Counter(call.call_id for _, call in asked)
    numbers, within = [], Counter[tuple[int, str, str]]()
    for step, call in asked:
        what = f"{call.tool} {call.arguments}"
        number = 0
        if call.call_id and told[call.call_id] > 1:
            number = _n_before(step, call.call_id, what) + within[id(step), call.call_id, what]
            within[id(step), call.call_id, what] += 1
        numbers.append(number)
    return numbers


def _n_before(step: Step, call_id: str, what: str) -> int:
    messages = step.answered.messages
    last = max((n for n, message in enumerate(messages) if message.role == USER), default=-1)
    before = messages[: last + 1] if last >= 0 else step.asked.messages
    parts = (part for message in before for part in message.of_kind(PartKind.TOOL_CALL))
    same = (_of_part(step, part) for part in parts if part.call_id == call_id)
    return sum(f"{one.tool} {one.arguments}" == what for one in same)


def _counted(call: ToolCallDraft, reused: set[str], told: Counter[tuple[str, str]]) -> tuple[str, str]:
    """Return the key of a call that comes after those of `told`, and count it there."""
    base = _key_of(call, reused)
    told[base] += 1
    return _key_of(call, reused, told[base] - 1)


def _reused_ids(calls: Iterable[ToolCallDraft]) -> set[str]:
    """Return the ids that different calls have: some servers number the calls of each response anew."""
    known: dict[str, str] = {}
    said = [(call.call_id, f"{call.tool} {call.arguments}") for call in calls if call.arguments is not None]
    return {call_id for call_id, what in said if call_id and known.setdefault(call_id, what) != what}


def _key_of(call: ToolCallDraft, reused: set[str], number: int = 0) -> tuple[str, str]:
    """Return what a call is known by: its id, and where the id has others, what it is and the how manieth of those."""
    return call.call_id, f"{call.tool} {call.arguments} {number}" if call.call_id in reused else ""


def _is_same(span_call: ToolCallDraft, asked: ToolCallDraft) -> bool:
    unsaid = span_call.arguments is None or asked.arguments is None
    return span_call.tool == asked.tool and (unsaid or span_call.arguments == asked.arguments)


def _asked_for(steps: Sequence[Step]) -> Iterator[tuple[Step, Part]]:
    """Return the calls in what models gave; a frame's are read only where no model call below it shows its own."""
    shown: set[int] = set()
    for step in reversed(steps):
        if step.operation not in _SPEAKING or not step.has_content:
            continue
        if id(step) not in shown and may_call_tools(step.span):
            yield from _in_messages(step)
        above: Step | None = step
        while above is not None and id(above) not in shown:
            shown.add(id(above))
            above = above.parent


def _in_messages(step: Step) -> Iterator[tuple[Step, Part]]:
    messages = step.answered.messages
    last = max((n for n, message in enumerate(messages) if message.role == USER), default=-1)
    for message in messages[last + 1 :]:
        for part in message.of_kind(PartKind.TOOL_CALL):
            if part.name and not _is_answer(part.name):
                yield step, part


def _is_answer(tool: str) -> bool:
    return any(tool == name or tool.startswith(f"{name}_") for name in _ANSWER_TOOLS)


def _of_part(step: Step, part: Part) -> ToolCallDraft:
    return ToolCallDraft(
        span_id=step.span.span_id,
        tool=step.span.cut(part.name, "tool name", LABEL_LENGTH),
        arguments=_json_or_text(part.value),
        result=None,
        version=None,
        call_id=step.span.cut(part.call_id, "tool call id", LABEL_LENGTH),
        source=Source(step.span.span_id, step.answered.attribute, Rule.MESSAGES),
    )


def _with_responses(
    calls: Mapping[tuple[str, str], tuple[int, ToolCallDraft]], steps: Sequence[Step], reused: set[str]
) -> list[tuple[int, ToolCallDraft]]:
    """Return calls with the responses that later messages hold for them."""
    responses: dict[tuple[str, str], Any] = {}
    for step in steps:
        if step.operation in _SPEAKING and step.has_content:
            for key, value in _responses_in(step, reused):
                responses.setdefault(key, value)
    return [
        (
            at,
            replace(call, result=_json_or_text(responses[key])) if responses.get(key) else call,
        )
        for key, (at, call) in calls.items()
    ]


def _responses_in(step: Step, reused: set[str]) -> Iterator[tuple[tuple[str, str], Any]]:
    """Yield what tools gave back, by the call that it answers: of calls with one id, the last before it."""
    open_calls: dict[str, tuple[str, str]] = {}
    told = Counter[tuple[str, str]]()
    for message in (*step.asked.messages, *step.answered.messages):
        for part in message.parts:
            if part.kind is PartKind.TOOL_CALL and part.call_id in reused:
                open_calls[part.call_id] = _counted(_of_part(step, part), reused, told)
            elif part.kind is PartKind.TOOL_RESPONSE and part.call_id not in reused:
                yield (part.call_id, ""), part.value
            elif part.kind is PartKind.TOOL_RESPONSE and part.call_id in open_calls:
                yield open_calls[part.call_id], part.value


def _json_or_text(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except (ValueError, RecursionError):
        return value
