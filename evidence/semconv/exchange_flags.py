"""What is flagged of the exchanges of a trace: what is absent, unsure, cut or refused, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from evidence.semconv.dialects import Operation
from evidence.semconv.draft import Absent, Exchange, Told
from evidence.semconv.given import read_given
from evidence.semconv.span_view import FlagSink
from evidence.semconv.steps import Step, Tree
from evidence.semconv.turns import CUT_REASONS, is_filter

_REASONS: Final = {
    Absent.NOT_RECORDED: "the sender recorded nothing of it",
    Absent.NOT_RECOGNISED: "what is there is in no form that is known",
    Absent.CALL_FAILED: "the model call failed",
    Absent.FILTERED: "a content filter stopped it",
    Absent.CUT: "the token limit was reached before any text",
    Absent.OPEN_TOOL_CALL: "it ended on a tool call that nothing answered",
}
_CODES: Final = {
    Absent.NOT_RECORDED: "content_not_recorded",
    Absent.FILTERED: "stopped_by_filter",
    Absent.CUT: "cut_at_token_limit",
    Absent.OPEN_TOOL_CALL: "open_tool_call",
}
_SHOWN_LENGTH: Final = 60  # characters of a text that a flag quotes
_SPEAKING: Final = (
    "llm",
    "gen_ai",
    "genai",
    "prompt",
    "completion",
    "model",
    "input",
    "output",
    "chat",
    "agent",
)
_MOST_NAMED: Final = 4  # attributes that a flag names


def flag_unsure(exchange: Exchange, tree: Tree, flags: FlagSink) -> None:
    """Flag what an exchange lacks, what is unsure of it, and what of it is not shown."""
    span_id, reason = exchange.span_id, exchange.finish_reason.lower()
    _flag_absence("question", exchange.question, span_id, flags)
    _flag_absence("answer", exchange.answer, span_id, flags)
    if exchange.answer.text and reason in CUT_REASONS:
        flags.add("cut_at_token_limit", "the answer was cut at the token limit", span_id)
    if exchange.answer.text and is_filter(reason):
        flags.add("stopped_by_filter", "a content filter stopped the answer", span_id)
    if exchange.answer.text and exchange.answer.others and _are_choices(exchange.answer):
        count = len(exchange.answer.others) + 1
        flags.add(
            "several_choices", f"the model gave {count} choices; the first is taken as the answer", span_id
        )
    if exchange.refused:
        flags.add("refused", "the model refused", span_id)
    if exchange.answer.text and not exchange.answer_is_prose:
        flags.add(
            "answer_not_prose", "the answer is JSON, code or numbers: no claims are derived from it", span_id
        )
    for one in exchange.attachments:
        flags.add("attachment_not_shown", f"{one.media_type} from the {one.role}", one.span_id)
    _flag_earlier_words(exchange, tree, flags)


def _flag_earlier_words(exchange: Exchange, tree: Tree, flags: FlagSink) -> None:
    """Flag an answer that an agent gave after other words, which the person may have seen as well."""
    answer = exchange.answer
    step = tree.by_id.get(answer.source.span_id) if answer.source else None
    if step is None or not step.has_content or (given := read_given(step)).text != answer.text:
        return
    if given.earlier:
        detail = f"before its answer the agent said: {given.earlier[0][:_SHOWN_LENGTH]}"
        flags.add("words_before_answer", detail, exchange.span_id)


def _are_choices(told: Told) -> bool:
    return all(other.source == told.source for other in told.others)


def _flag_absence(field: str, told: Told, span_id: str, flags: FlagSink) -> None:
    if told.absent is None:
        return
    if told.absent is Absent.AMBIGUOUS:
        texts = " | ".join(other.text[:_SHOWN_LENGTH] for other in told.others)
        flags.add(f"ambiguous_{field}", f"{len(told.others)} texts could be the {field}: {texts}", span_id)
        return
    flags.add(f"{field}_absent", f"{told.absent}: {_REASONS[told.absent]}", span_id)
    if code := _CODES.get(told.absent):
        flags.add(code, f"{field}: {_REASONS[told.absent]}", span_id)


def flag_unrecognised(tree: Tree, exchanges: Iterable[Exchange], flags: FlagSink) -> None:
    """Flag by name what holds something that looks like content, in no convention that is known."""
    empty = [one for one in exchanges if Absent.NOT_RECORDED in {one.question.absent, one.answer.absent}]
    unread = (
        [step for step in tree.steps if step.has_content and _unread(step)] if _any_unread(exchanges) else []
    )
    for step in unread:
        flags.add(
            "not_recognised",
            f"{_scope(step)}: {_unread(step)} is in no form that is known",
            step.span.span_id,
        )
    if not empty or any(step.operation not in {None, Operation.OTHER} for step in tree.steps):
        return
    for scope, keys in sorted(_looks_like_content(tree.steps).items()):
        flags.add("not_recognised", f"{scope}: no convention that is known; it has {', '.join(keys)}")


def _any_unread(exchanges: Iterable[Exchange]) -> bool:
    return any(Absent.NOT_RECOGNISED in {one.question.absent, one.answer.absent} for one in exchanges)


def _unread(step: Step) -> str:
    return step.answered.unread_attribute or step.asked.unread_attribute


def _scope(step: Step) -> str:
    return f"scope {step.span.scope!r}" if step.span.scope else f"span {step.span.name!r}"


def _looks_like_content(steps: Sequence[Step]) -> dict[str, list[str]]:
    """Return the attributes that look as if an AI application had spoken, by the scope they are from."""
    found: dict[str, list[str]] = {}
    for step in steps:
        keys = [key for key in sorted(step.span.attributes) if any(word in key.lower() for word in _SPEAKING)]
        if keys:
            named = found.setdefault(_scope(step), [])
            named += [key for key in keys if key not in named][: _MOST_NAMED - len(named)]
    return found
