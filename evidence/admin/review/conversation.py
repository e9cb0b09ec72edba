"""The turns of a trace as people read them: what was asked and answered, where that was read, and why one is empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence.admin.frame.display import list_url
from evidence.admin.frame.words import in_words
from evidence.admin.review.answer import ClaimCard, Piece, cut_answer
from evidence.models import Trace
from evidence.semconv.draft import Absent, Rule

RULES: Final[Mapping[str, StrOrPromise]] = {
    Rule.DECLARED: _("the application declared it"),
    Rule.READING: _("the system says that its traces are read so"),
    Rule.AGENT_OUTPUT: _("what the root or the outermost agent was asked, or gave"),
    Rule.REACHED_ROOT: _("a model call on the main path, whose text is in what the root gave"),
    Rule.LAST_CALL: _("the last model call that is in no tool, guard, sub-agent or other helper"),
    Rule.MESSAGES: _("a message tells of it, and no span of its own does"),
    Rule.STATED: _("the span that did it says so"),
}
REASONS: Final[Mapping[str, StrOrPromise]] = {
    Absent.NOT_RECORDED: _("the sender did not record it"),
    Absent.NOT_RECOGNISED: _("there is content, in no form that is known"),
    Absent.CALL_FAILED: _("the model call failed"),
    Absent.FILTERED: _("a content filter stopped it"),
    Absent.CUT: _("the token limit was reached before any text"),
    Absent.OPEN_TOOL_CALL: _("it ended on a tool call that nothing answered"),
    Absent.AMBIGUOUS: _("several texts could be it, and none may be preferred"),
}
# Flags of the span that speaks for a turn which its reader must not miss.
NOTICES: Final[Mapping[str, StrOrPromise]] = {
    "cut_at_token_limit": _("Cut at the token limit: the model had not finished."),
    "stopped_by_filter": _("Stopped by a content filter: the model had not finished."),
    "refused": _("The model refused."),
    "question_from_template": _(
        "Taken out of one text that bore the marks of a chat template: the span holds all of it."
    ),
    "several_choices": _("The model gave several choices: this is the first, the others stand below it."),
    "words_before_answer": _("The agent said other words before these: the flags of the trace quote them."),
    "parent_missing": _(
        "The span that asked for this has not arrived: it may have been an agent, not the person."
    ),
    "answer_not_prose": _("No prose, but JSON, code or numbers: no claims are derived from it."),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text was read."""

    span_id: str
    attribute: str
    rule: StrOrPromise
    address: str  # of the span as it was sent


@dataclass(frozen=True, slots=True)
class Said:
    """A question or an answer; `reason` says why there is none."""

    text: str
    place: Place | None
    reason: StrOrPromise
    others: tuple[tuple[str, Place], ...]
    n_left_out: int = 0  # characters that are not shown, of the text and of the others

    @property
    def is_ambiguous(self) -> bool:
        """Whether several could be it, and the reader has to see them."""
        return not self.text and bool(self.others)


@dataclass(frozen=True, slots=True)
class Turn:
    """A question with its answer, which is cut at its claims."""

    number: int  # for people: from 1
    question: Said
    answer: Said
    pieces: Sequence[Piece]
    notices: Sequence[StrOrPromise]
    attachments: Sequence[Mapping[str, str]]


def read_turns(trace: Trace, cards: Sequence[ClaimCard]) -> list[Turn]:
    """Return the turns of a trace in time, at least one.

    A trace from before turns were told has one, and so has what is left of one that was erased.
    """
    if not trace.exchanges:
        return [_only_turn(trace, cards)]
    return [_turn(trace, place, told, cards) for place, told in enumerate(trace.exchanges, start=1)]


def shorten_turns(turns: Sequence[Turn], *, asked: int, said: int) -> list[Turn]:
    """Return turns of which no question, and no answer, has more characters than that; what is left out is counted."""
    return [
        replace(
            turn,
            question=_shorten(turn.question, asked),
            answer=_shorten(turn.answer, said),
            pieces=_first_pieces(turn.pieces, said),
        )
        for turn in turns
    ]


def _shorten(said: Said, most: int) -> Said:
    texts = (said.text, *(text for text, _ in said.others))
    others = tuple((text[:most], place) for text, place in said.others)
    n_left_out = sum(max(0, len(text) - most) for text in texts)
    return replace(said, text=said.text[:most], others=others, n_left_out=n_left_out)


def _first_pieces(pieces: Sequence[Piece], most: int) -> list[Piece]:
    shown, left = list[Piece](), most
    for piece in pieces:
        if left <= 0:
            break
        shown.append(piece if len(piece.text) <= left else replace(piece, text=piece.text[:left]))
        left -= len(piece.text)
    return shown


def _only_turn(trace: Trace, cards: Sequence[ClaimCard]) -> Turn:
    question, answer = (
        Said(text, None, "" if text else _("none recorded"), ()) for text in (trace.question, trace.answer)
    )
    return Turn(1, question, answer, cut_answer(trace.answer, cards), (), ())


def _turn(trace: Trace, number: int, told: Mapping[str, Any], cards: Sequence[ClaimCard]) -> Turn:
    answer = _said(trace, told["answer"])
    own = [card for card in cards if card.claim.exchange == told["number"]]
    flags = {flag["code"] for flag in trace.flags if flag.get("span_id") == told["span_id"]}
    return Turn(
        number=number,
        question=_said(trace, told["question"]),
        answer=answer,
        pieces=cut_answer(answer.text, own),
        notices=[sentence for code, sentence in NOTICES.items() if code in flags],
        attachments=told["attachments"],
    )


def _said(trace: Trace, told: Mapping[str, Any]) -> Said:
    return Said(
        text=told["text"],
        place=place_of(trace, told["source"]) if told["source"] else None,
        reason=REASONS.get(told["absent"], "") if told["absent"] else "",
        others=tuple((one["text"], place_of(trace, one["source"])) for one in told["others"]),
    )


def place_of(trace: Trace, source: Mapping[str, str]) -> Place:
    """Return where something was read, for people."""
    span_id = source["span_id"]
    address = list_url("evidence.span", trace_id__exact=trace.trace_id.hex, span_id__exact=span_id)
    rule = RULES.get(source["rule"], source["rule"])
    return Place(span_id, source["attribute"], rule, address)


def read_sources(trace: Trace) -> list[tuple[StrOrPromise, Place]]:
    """Return where prompt, model, documents and the other fields beside the turns were first read."""
    told: Iterable[tuple[str, Any]] = (trace.sources or {}).items()
    return [(in_words(field), place_of(trace, source)) for field, source in told if is_place(source)]


def is_place(source: Any) -> bool:
    """Whether something says where it was read: not what was erased, nor what is from before it was told."""
    return isinstance(source, dict) and "attribute" in source
