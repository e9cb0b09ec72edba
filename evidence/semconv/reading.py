"""Which question was asked and which answer was given: the exchanges of a trace, each with where it was read.

Nothing is guessed: where several texts could be it and nothing prefers one, the field is empty and all are shown; where
none is, it says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from evidence.semconv.dialects import Meaning, Operation, attributes_for
from evidence.semconv.dialects.tracebinder import ANSWER, QUESTION
from evidence.semconv.draft import Absent, Candidate, Exchange, RetrievalDraft, Rule, Source, Told
from evidence.semconv.exchange_flags import flag_unsure
from evidence.semconv.given import beside_question, read_given, read_turns, stands_within
from evidence.semconv.helpers import Purpose
from evidence.semconv.messages import ASSISTANT, USER, squeeze
from evidence.semconv.own_words import as_asked, unless_worded_around, without_documents
from evidence.semconv.placed import as_candidates, flag_all_left_out, flag_unplaced, placed_text
from evidence.semconv.settling import settle, unsure
from evidence.semconv.span_view import FlagSink
from evidence.semconv.steps import Step, Tree, calls_below, outermost
from evidence.semconv.system_reading import NO_READING, SystemReading
from evidence.semconv.turn import Turn
from evidence.semconv.turns import turns_among
from evidence.semconv.values import is_prose, read_value

_WHOLE_QUESTION: Final = attributes_for(Meaning.WHOLE_QUESTION)
_WHOLE_ANSWER: Final = attributes_for(Meaning.WHOLE_ANSWER)
_DECLARING: Final = frozenset({QUESTION, ANSWER})
_NOTHING_TOLD: Final = Told(absent=Absent.NOT_RECORDED)


def read_exchanges(
    tree: Tree,
    flags: FlagSink,
    retrievals: Sequence[RetrievalDraft] = (),
    reading: SystemReading = NO_READING,
) -> tuple[Exchange, ...]:
    """Return the exchanges of a trace in time, at least one; what is unsure of them is flagged.

    Args:
        retrievals: the documents that were found: a question that holds one was not worded by the person alone.
        reading: what the system says of where they stand, which counts after what the application declares.
    """
    declared = _declaring(tree)
    if declared:
        exchanges = [
            _declared(number, asking, answering, tree, flags, reading, is_one_of_several=len(declared) > 1)
            for number, (asking, answering) in enumerate(declared)
        ]
    else:
        flag_all_left_out((*tree.tops, *tree.strays), flags)
        exchanges = _placed(tree, flags, retrievals, reading) or _as_in_any_trace(tree, flags, retrievals)
    if not exchanges:
        first = (tree.tops or tree.strays)[0]
        exchanges = [Exchange(0, _NOTHING_TOLD, _NOTHING_TOLD, first.span.span_id)]
    for exchange in exchanges:
        flag_unsure(exchange, tree, flags)
    return tuple(exchanges)


def _as_in_any_trace(tree: Tree, flags: FlagSink, retrievals: Sequence[RetrievalDraft]) -> list[Exchange]:
    """Return the exchanges where nobody says which they are."""
    worded = [unless_worded_around(turn, tree) for turn in _turns(tree, flags)]
    turns = [as_asked(turn, tree) for turn in without_documents(worded, tree, retrievals)]
    exchanges = [_exchange(number, turn) for number, turn in enumerate(turns)]
    return _as_told_of_all(exchanges, tree)


def _placed(
    tree: Tree, flags: FlagSink, retrievals: Sequence[RetrievalDraft], reading: SystemReading
) -> list[Exchange]:
    """Return the exchanges that stand where the system says; empty where nothing does.

    A half that stands nowhere is read as in any trace, and what that would have told of the other is shown beside it.
    """
    turns = tree.outermost_of(reading.turns) if reading.turns else []
    if reading.turns and not turns:
        flag_unplaced("a turn", flags)
    found = [_halves(turn.and_below(), reading, flags) for turn in turns]
    found = found or [_halves(tree.steps, reading, flags)]
    if not turns and found == [(None, None)]:
        return []
    # What is not shown as question or answer has nothing to warn of.
    heard = flags if any(None in halves for halves in found) else FlagSink()
    read = [_as_turn(turn) for turn in turns] or [_last_of(_as_in_any_trace(tree, heard, retrievals))]
    return [
        _with_halves(number, *halves, told, tree.by_id, turns[number] if turns else tree.steps[0])
        for number, (halves, told) in enumerate(zip(found, read, strict=True))
    ]


def _halves(
    steps: Sequence[Step], reading: SystemReading, flags: FlagSink
) -> tuple[Told | None, Told | None]:
    question = placed_text(steps, reading.question, USER)
    answer = placed_text(steps, reading.answer, ASSISTANT)
    for what, places, told in (
        ("the question", reading.question, question),
        ("the answer", reading.answer, answer),
    ):
        if places and told is None:
            flag_unplaced(what, flags)
    return question, answer


def _as_turn(step: Step) -> Exchange | None:
    """Return what one turn tells where nobody says where it stands."""
    settled = settle(turns_among([step]))
    return _exchange(0, settled[-1]) if settled else None


def _last_of(exchanges: Sequence[Exchange]) -> Exchange | None:
    return exchanges[-1] if exchanges else None


def _with_halves(
    number: int,
    question: Told | None,
    answer: Told | None,
    read: Exchange | None,
    by_id: Mapping[str, Step],
    otherwise: Step,
) -> Exchange:
    """Return an exchange of which the system says where a half or both stand.

    Args:
        read: what the trace tells without that.
        otherwise: the step that speaks for it where the system says of neither.
    """
    told = answer or question
    step = by_id[as_candidates(told)[0].source.span_id] if told else otherwise
    ends_as_read = read is not None and (answer is None or squeeze(answer.text) == squeeze(read.answer.text))
    return Exchange(
        number=number,
        question=_beside(question, read.question if read else _NOTHING_TOLD),
        answer=_beside(answer, read.answer if read else _NOTHING_TOLD),
        span_id=step.span.span_id,
        finish_reason=read.finish_reason if read and ends_as_read else _last_reason(step),
        refused=bool(read and ends_as_read and read.refused),
        attachments=read.attachments if read else (),
        answer_is_prose=_is_prose(answer or (read.answer if read else _NOTHING_TOLD)),
    )


def _beside(placed: Told | None, read: Told) -> Told:
    """Return a text that stands where the system says, with what would have been told without that as a candidate."""
    if placed is None:
        return read
    known = {squeeze(one.text) for one in as_candidates(placed)}
    others = (one for one in as_candidates(read) if squeeze(one.text) not in known)
    return replace(placed, others=(*placed.others, *others))


def _is_prose(told: Told) -> bool:
    return not told.text or is_prose(told.text)


def _as_told_of_all(exchanges: list[Exchange], tree: Tree) -> list[Exchange]:
    """Return the only exchange of a trace with what an application said, on any span, that the whole trace was."""
    if len(exchanges) != 1:
        return exchanges
    (one,) = exchanges
    question = _told_of_all(tree, _WHOLE_QUESTION, USER, one.question)
    answer = _told_of_all(tree, _WHOLE_ANSWER, ASSISTANT, one.answer)
    if question is one.question and answer is one.answer:
        return exchanges
    if _are_of_two_turns(question, answer, tree):
        question, answer = unsure(question), unsure(answer)
    return [replace(one, question=question, answer=answer, answer_is_prose=_is_prose(answer))]


def _are_of_two_turns(question: Told, answer: Told, tree: Tree) -> bool:
    """Whether what was said of a whole trace is the question of one of its turns and the answer of another.

    A call whose question is, or holds, what the other was asked or gave is a step to the same answer.
    """
    asked, given = squeeze(question.text), squeeze(answer.text)
    if not asked or not given:
        return False
    calls = [step for step in tree.steps if _speaks_on_main_path(step)]
    giving = [call for call in calls if squeeze(read_given(call).text) == given]
    if any(asked in read_turns(call).asked_before for call in giving):
        return True
    asking = [call for call in calls if squeeze(read_turns(call).question) == asked and read_given(call).text]
    if not giving or not asking or any(call in giving for call in asking):
        return False
    leading = [text for call in asking for text in (asked, squeeze(read_given(call).text))]
    worded = {squeeze(read_turns(call).question) for call in giving}
    return not any(text == words or stands_within(text, words) for text in leading for words in worded)


def _speaks_on_main_path(step: Step) -> bool:
    speaks = step.operation in {Operation.CHAT, Operation.AGENT} and step.has_content
    return speaks and step.purpose is Purpose.MAIN and not step.span.has(*_WHOLE_QUESTION, *_WHOLE_ANSWER)


def _told_of_all(tree: Tree, keys: tuple[str, ...], role: str, read: Told) -> Told:
    saying = [(step.span, key) for step in tree.steps for key in keys if step.span.has(key)]
    if not saying:
        return read
    span, key = max(saying, key=lambda one: (one[0].end_ns, one[0].span_id))  # the last one is kept
    messages = read_value(span.attributes[key], role)
    text = messages[-1].text if messages else ""
    if not text:
        return read
    others = (Candidate(read.text, read.source),) if read.source and read.text != text else ()
    return Told(text, Source(span.span_id, key, Rule.DECLARED), None, (*others, *read.others))


def _turns(tree: Tree, flags: FlagSink) -> list[Turn]:
    """Return what is below the root; spans whose parents are missing speak only where it says nothing."""
    rooted = _whole(settle(turns_among(tree.tops)), tree) if tree.tops else []
    if any(turn.texts for turn in rooted) or not tree.strays:
        return rooted
    strays = _whole(settle(turns_among(tree.strays)), tree)
    if not any(turn.texts for turn in strays):
        return rooted or strays
    last = strays[-1].step.span.span_id
    flags.add("parent_missing", "what was said is of a span whose parent has not arrived", last)
    parents = {step.span.parent_span_id for step in tree.strays}
    return strays if not tree.tops and len(parents) == 1 else [_of_lost_parents(turn) for turn in strays]


def _of_lost_parents(turn: Turn) -> Turn:
    """Return a turn as one that may be with a person or with an agent above it that has not arrived."""
    question = turn.question if turn.question.absent else unsure(turn.question)
    answer = turn.answer if turn.answer.absent else unsure(turn.answer)
    return replace(turn, question=question, answer=answer, refused=False)


def _whole(turns: list[Turn], tree: Tree) -> list[Turn]:
    """Return the turns, those whose question may be more or less than its text as ones of which it is not told."""
    asked = {squeeze(turn.question.text) for turn in turns}
    return [_with_beside(turn, tree, asked) for turn in turns]


def _with_beside(turn: Turn, tree: Tree, asked: set[str]) -> Turn:
    source = turn.question.source
    step = tree.by_id.get(source.span_id) if source else None
    if step is None or source is None or not step.has_content:
        return turn
    beside = [text for text in beside_question(step, turn.question.text) if squeeze(text) not in asked]
    if not beside:
        return turn
    others = (*(Candidate(text, source) for text in beside), *turn.question.others)
    return replace(turn, question=unsure(replace(turn.question, others=others)))


def _declaring(tree: Tree) -> list[tuple[Step | None, Step | None]]:
    """Return the steps on which the application itself says a question and its answer, none inside another of them."""
    steps = [step for step in tree.steps if not _DECLARING.isdisjoint(step.span.attributes)]
    if not steps:
        return []
    asking, answering = _outermost_with(tree, steps, QUESTION), _outermost_with(tree, steps, ANSWER)
    if not asking and not answering:
        return []
    if len(asking) < 2 and len(answering) < 2:
        return [(asking[0] if asking else None, answering[0] if answering else None)]
    either = _outermost_with(tree, steps, QUESTION, ANSWER)
    return [(step if step in asking else None, step if step in answering else None) for step in either]


def _outermost_with(tree: Tree, steps: Iterable[Step], *attributes: str) -> list[Step]:
    declaring = {id(step) for step in steps if step.span.text(*attributes)}
    found = outermost(tree.from_above, declaring) if declaring else []
    return sorted(found, key=lambda step: (step.span.start_ns, step.span.span_id))


def _declared(
    number: int,
    asking: Step | None,
    answering: Step | None,
    tree: Tree,
    flags: FlagSink,
    reading: SystemReading,
    *,
    is_one_of_several: bool,
) -> Exchange:
    """Return the exchange an application declared; a half it left out is read as if nothing had been declared."""
    step = answering or asking or tree.steps[0]
    within = step.and_below() if is_one_of_several and reading is not NO_READING else tree.steps
    question = _told_by(asking, QUESTION) if asking else placed_text(within, reading.question, USER)
    answer = _told_by(answering, ANSWER) if answering else placed_text(within, reading.answer, ASSISTANT)
    read = None
    if question is None or answer is None:
        turns = _whole(settle(turns_among([step])), tree) if is_one_of_several else _turns(tree, flags)
        read = _exchange(number, turns[-1]) if turns else None
    return Exchange(
        number=number,
        question=question or (read.question if read else _NOTHING_TOLD),
        answer=answer or (read.answer if read else _NOTHING_TOLD),
        span_id=step.span.span_id,
        finish_reason=read.finish_reason if read else _last_reason(step),
        refused=bool(read and answer is None and read.refused),
        attachments=read.attachments if read else (),
        answer_is_prose=is_prose(answer.text) if answer else read is None or read.answer_is_prose,
    )


def _told_by(step: Step, attribute: str) -> Told | None:
    text = step.span.text(attribute)
    if not text:
        return None
    others: tuple[Candidate, ...] = ()
    if attribute == ANSWER and step.has_content and (given := read_given(step)).text not in {"", text}:
        source = Source(step.span.span_id, step.answered.attribute, Rule.AGENT_OUTPUT)
        others = (Candidate(given.text, source),)
    return Told(text, Source(step.span.span_id, attribute, Rule.DECLARED), None, others)


def _last_reason(step: Step) -> str:
    """Return why the last model call on the main path below a step stopped."""
    calls = calls_below(step)
    return read_given(calls[-1]).finish_reason if calls else ""


def _exchange(number: int, turn: Turn) -> Exchange:
    return Exchange(
        number=number,
        question=turn.question,
        answer=turn.answer,
        span_id=turn.step.span.span_id,
        finish_reason=turn.finish_reason,
        refused=turn.refused,
        attachments=turn.attachments,
        answer_is_prose=_is_prose(turn.answer),
    )
