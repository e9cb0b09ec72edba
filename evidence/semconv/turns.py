"""The turns that a trace shows: each a question with its answer, before it is said which of them the person saw.

An agent or a frame that says what it was asked and what it gave speaks for all below it. Where none does, the model
calls on the main path are read: those with the same question belong together, and the last of them answered it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from evidence.semconv.dialects import Operation
from evidence.semconv.draft import Absent, Candidate, Rule, Source, Told
from evidence.semconv.given import Given, Turns, question_within, read_given, read_turns, stands_within
from evidence.semconv.helpers import Purpose, purpose_by_instruction, purpose_by_task
from evidence.semconv.messages import ASSISTANT, SYSTEM, USER, squeeze
from evidence.semconv.settling import as_one_text, settle
from evidence.semconv.steps import Step, calls_below, items_of
from evidence.semconv.turn import Turn
from evidence.semconv.values import texts_in

CUT_REASONS: Final = frozenset({
    "length", "max_tokens", "max_output_tokens", "max-tokens", "model_length", "incomplete",
})  # fmt: skip
_FILTERS: Final = frozenset({
    "safety", "blocked", "blocklist", "prohibited_content", "spii", "recitation", "refusal", "guardrail_intervened",
})  # fmt: skip
_CODE: Final = re.compile(r"[A-Za-z0-9_.:/-]{0,39}[A-Za-z0-9_/-]")  # one word of ASCII that ends no sentence
_ID: Final = re.compile(r"(?=.*[0-9_:/-])[A-Za-z0-9_.:/-]{4,40}")
_STATUSES: Final = frozenset(
    {"ok", "okay", "success", "succeeded", "done", "completed", "finished", "none", "null"}
)
_ELLIPSIS: Final = re.compile(r"\s*(?:\.{3}|…)?\s*(?:[\[(]truncated[\])])?$", re.IGNORECASE)
_ELLIPSIS_LENGTH: Final = 20  # characters of a squeezed text that it takes at most, and some more
_MOST_CALLS: Final = 100  # that a code is looked for in
_MAX_DEPTH: Final = 40  # agents inside of agents that say nothing of themselves


def is_filter(reason: str) -> bool:
    """Return whether a model stopped, for this reason in small letters, because somebody does not allow its answer."""
    return "filter" in reason or reason in _FILTERS


def turns_among(steps: Iterable[Step], depth: int = 0) -> list[Turn]:
    """Return the turns that the nearest speaking steps at or below these show, in time."""
    return _turns_of(items_of(steps), depth)


def _turns_of(items: Sequence[Step], depth: int) -> list[Turn]:
    turns = [
        turn
        for item in items
        if item.operation is not Operation.CHAT
        for turn in _turns_of_speaker(item, depth)
    ]
    turns += _turns_of_calls([item for item in items if item.operation is Operation.CHAT])
    return sorted(turns, key=lambda turn: (turn.start_ns, turn.step.span.span_id))


def _turns_of_speaker(step: Step, depth: int) -> list[Turn]:
    """Return the turn of a step that speaks for what is below it, or what is below it where it says nothing."""
    given = read_given(step) if step.has_content else Given()
    asked = read_turns(step) if step.has_content else Turns()
    question = question_within(step) or asked.question if step.has_content else ""
    if _gave_back_history(question, asked, given):
        question, given = asked.question, Given(finish_reason=given.finish_reason)
    beside: tuple[Candidate, ...] = ()
    if step.operation is Operation.CHAIN and (question or given.text):
        question, given, beside = _without_codes(step, question, given)
    if given.text:
        if question:
            return [_spoken(step, asked, question, given, beside)]
        return [_with_question_of(_spoken(step, asked, "", given, beside), _inner(step, depth))]
    inner = _inner(step, depth)
    if step.has_content and step.answered.unread is not None:
        inner = _reaching(step, inner, given)
    settled = settle(inner)
    if not settled:
        return [_beside_sub_agents(step, _silent(step, asked, question, given))]
    if not question:
        return [_of_frame(step, settled[0])] if len(settled) == 1 else settled
    if len(settled) > 1 and settled[0].texts and squeeze(question) == squeeze(settled[0].question.text):
        return settled  # the frame says only how it began
    turn = _beside_sub_agents(step, _unless_sub_agents(step, settled[-1], question))
    return [_with_own_question(step, turn, asked, question)]


def _unless_sub_agents(step: Step, turn: Turn, question: str) -> Turn:
    """Return the turn below an agent that said nothing itself.

    What an agent below it answered to another question is that agent's own, and no answer to the person.
    """
    if not turn.answer.text or {step.operation, turn.step.operation} != {Operation.AGENT}:
        return turn
    own, other = squeeze(question), squeeze(turn.question.text)
    if not other or own in other or other in own:
        return turn
    inner = (Candidate(turn.answer.text, turn.answer.source),) if turn.answer.source else ()
    answer = Told(absent=Absent.NOT_RECORDED, others=(*inner, *turn.answer.others))
    return replace(turn, answer=answer, refused=False, finish_reason="")


def _beside_sub_agents(step: Step, turn: Turn) -> Turn:
    """Return the turn of an agent that ended without words with what agents below it said: it may have handed over."""
    if step.operation is not Operation.AGENT or turn.answer.text:
        return turn
    agents = [
        item for item in items_of(step.children) if item.operation is Operation.AGENT and item.has_content
    ]
    known = {other.text for other in turn.answer.others}
    told = [(agent, text) for agent in agents if (text := read_given(agent).text) and text not in known]
    others = tuple(
        Candidate(text, Source(agent.span.span_id, agent.answered.attribute, Rule.AGENT_OUTPUT))
        for agent, text in told
    )
    return replace(turn, answer=replace(turn.answer, others=(*turn.answer.others, *others)))


def _without_codes(step: Step, question: str, given: Given) -> tuple[str, Given, tuple[Candidate, ...]]:
    """Return what a function was given and gave back, where that is an id or a status, and the models below it spoke.

    An id that no model was shown was not asked, and a status is no answer. A word that no model said may be the answer
    as well as what they said, which is returned beside it.
    """
    codes = [text for text in (question, given.text) if _CODE.fullmatch(text)]
    calls = [call for call in calls_below(step)[:_MOST_CALLS] if call.has_content] if codes else []
    asked = [text for call in calls if (text := read_turns(call).question)]
    if asked and _ID.fullmatch(question) and not any(question in text for text in asked):
        question = ""
    said = _said_by(calls)
    if given.text not in codes or not said or any(given.text.lower() in one.text.lower() for one in said):
        return question, given, ()
    if given.text.lower() in _STATUSES:
        return question, Given(finish_reason=given.finish_reason), ()
    return question, given, said


def _said_by(calls: Iterable[Step]) -> tuple[Candidate, ...]:
    """Return all that some model calls gave in words, each text once."""
    found: dict[str, Candidate] = {}
    for call in calls:
        told = read_given(call)
        for text in (told.text, *told.choices, *told.rivals, told.aside):
            if text:
                found.setdefault(text, _candidate(call, text))
    return tuple(found.values())


def _gave_back_history(within: str, asked: Turns, given: Given) -> bool:
    """Whether a step gave back nothing but the conversation as it was before its question."""
    if not asked.question or squeeze(within) == squeeze(asked.question):
        return False
    return squeeze(within) in asked.asked_before and squeeze(given.text) in asked.answered_before


def _inner(step: Step, depth: int) -> list[Turn]:
    if depth >= _MAX_DEPTH:
        return []
    items = items_of(step.children)
    if step.operation is Operation.AGENT:
        # An agent inside an agent is its sub-agent, unless the outer one does nothing of its own.
        items = [item for item in items if item.operation is not Operation.AGENT] or items
    return _turns_of(items, depth + 1)


def _spoken(
    step: Step, asked: Turns, question: str, given: Given, beside: tuple[Candidate, ...] = ()
) -> Turn:
    """Return the turn of an agent or a frame that says itself what it gave; `beside` could be its answer as well."""
    source = Source(step.span.span_id, step.answered.attribute, Rule.AGENT_OUTPUT)
    given, call = _as_its_call_ended(step, given)
    if call is not None and squeeze(read_given(call).text) != squeeze(given.text):
        beside = (*beside, _candidate(call, read_given(call).text))
    answer = _told(given, source)
    if beside:
        answer = Told("", None, Absent.AMBIGUOUS, (Candidate(given.text, source), *answer.others, *beside))
    turn = _turn(step, asked, question, given, answer)
    if call is None or step.operation is not Operation.CHAIN or not _is_of_later_turn(call, question):
        return turn
    return replace(turn, question=as_one_text([turn.question, asked_of(call)]))


def _is_of_later_turn(call: Step, question: str) -> bool:
    """Whether a model call was asked something else when it had been answered a question before."""
    asked = read_turns(call)
    told = asked.asked_before if asked.history and asked.question != question else frozenset[str]()
    answered = any(message.role == ASSISTANT and message.text for message in asked.history)
    return answered and squeeze(question) in told


def _as_its_call_ended(step: Step, given: Given) -> tuple[Given, Step | None]:
    """Return what a frame gave, with the model call below it that said the same, or more than was kept, and its end."""
    said = squeeze(given.text)
    begun = f"{said[:-_ELLIPSIS_LENGTH]}{_ELLIPSIS.sub('', said[-_ELLIPSIS_LENGTH:])}"
    for call in reversed(calls_below(step)):
        told = read_given(call)
        whole = squeeze(told.text)
        if whole == said:
            reason, refused = given.finish_reason or told.finish_reason, given.refused or told.refused
            ended = given._replace(finish_reason=reason, refused=refused)  # noqa: SLF001
            return ended, call
        if begun != said and len(whole) > len(said) and whole.startswith(begun):
            return given, call
    return given, None


def _silent(step: Step, asked: Turns, question: str, given: Given) -> Turn:
    """Return the turn of a step that gave no words, with the reason."""
    others = (Candidate(given.aside, Source(step.span.span_id, step.answered.attribute, Rule.AGENT_OUTPUT)),)
    absent = absence_of(step, given)
    return _turn(step, asked, question, given, Told(absent=absent, others=others if given.aside else ()))


def _turn(
    step: Step, asked: Turns, question: str, given: Given, answer: Told, *, start_ns: int | None = None
) -> Turn:
    seems, by_question = _seems(step, question)
    return Turn(
        step=step,
        question=_question(step, question),
        answer=answer,
        asked=asked,
        start_ns=step.span.start_ns if start_ns is None else start_ns,
        end_ns=step.span.end_ns,
        seems=seems,
        seems_by_question=by_question,
        is_agent=step.operation is not Operation.CHAT,
        finish_reason=given.finish_reason,
        refused=given.refused,
        attachments=(*asked.attachments, *given.attachments),
    )


def _told(given: Given, source: Source) -> Told:
    """Return an answer with the other choices of its call; of texts that are no choices none is preferred."""
    others = tuple(Candidate(text, source) for text in (*given.choices, *given.rivals))
    if given.rivals:
        return Told("", None, Absent.AMBIGUOUS, (Candidate(given.text, source), *others))
    return Told(given.text, source, None, others)


def asked_of(step: Step) -> Told:
    """Return the question put to a step."""
    return _question(step, read_turns(step).question)


def _question(step: Step, text: str) -> Told:
    rule = Rule.LAST_CALL if step.operation is Operation.CHAT else Rule.AGENT_OUTPUT
    if text:
        return Told(text, Source(step.span.span_id, step.asked.attribute or step.answered.attribute, rule))
    if not step.has_content:
        return Told(absent=Absent.NOT_RECORDED)
    # What a program says in a user's place is no question, nor is what a model is told to be; where nothing else is
    # there, it was asked so.
    said = [message.text for message in step.asked.messages if message.role == USER and message.text.strip()]
    if all(message.role == SYSTEM for message in step.asked.messages):
        said = [message.text for message in step.asked.messages if message.text.strip()]
    if said:
        source = Source(step.span.span_id, step.asked.attribute, rule)
        return Told("", None, Absent.AMBIGUOUS, tuple(Candidate(one, source) for one in dict.fromkeys(said)))
    return Told(absent=Absent.NOT_RECORDED if step.asked.unread is None else Absent.NOT_RECOGNISED)


def _with_question_of(turn: Turn, inner: Sequence[Turn]) -> Turn:
    """Return a turn that says its answer and not its question, with that of the turn below it whose answer it gave."""
    text = squeeze(turn.answer.text)
    gave = [one for one in inner if text in one.texts]
    near = gave or [one for one in inner if any(stands_within(other, text) for other in one.texts)]
    settled = settle(near or list(inner))
    if len(settled) != 1 or not (settled[0].question.text or settled[0].question.others):
        return turn
    return replace(turn, question=settled[0].question, asked=settled[0].asked)


def _of_frame(step: Step, turn: Turn) -> Turn:
    """Return the only turn below a step as that step's."""
    span = step.span
    return replace(turn, step=step, is_agent=True, start_ns=span.start_ns, end_ns=span.end_ns)


def _with_own_question(step: Step, turn: Turn, asked: Turns, question: str) -> Turn:
    seems, by_question = _seems(step, question)
    framed = _of_frame(step, turn)
    own = _question(step, question)
    return replace(framed, question=own, asked=asked, seems=seems, seems_by_question=by_question)


def _reaching(step: Step, inner: Sequence[Turn], given: Given) -> list[Turn]:
    """Return the turns below a step whose answer stands in what it gave, in a form that is not understood.

    Where none does, the answer is there and cannot be read: what a call said is no more than a candidate.
    """
    held = texts_in(step.answered.unread)
    reaching = [turn for turn in inner if any(_stands_in(text, held) for text in turn.texts)]
    if reaching:
        return [_reached(turn, held) for turn in reaching]
    others = tuple(
        Candidate(turn.answer.text, turn.answer.source)
        for turn in inner
        if turn.answer.text and turn.answer.source
    )
    silent = _silent(step, Turns(), "", given)
    answer = Told(absent=Absent.NOT_RECOGNISED, others=others)
    questions = settle(list(inner))
    question = questions[0].question if len(questions) == 1 else silent.question
    return [replace(silent, answer=answer, question=question)]


def _reached(turn: Turn, held: Sequence[str]) -> Turn:
    """Return a turn with the one of its texts that reached the frame around it."""
    candidates = [Candidate(turn.answer.text, turn.answer.source)] if turn.answer.source else []
    candidates += turn.answer.others
    there = [one for one in candidates if one.text and _stands_in(squeeze(one.text), held)]
    if len({one.text for one in there}) != 1:
        return turn
    first = there[0]
    source = replace(first.source, rule=Rule.REACHED_ROOT)
    return replace(
        turn,
        answer=Told(first.text, source, None, tuple(one for one in candidates if one.text != first.text)),
    )


def _stands_in(text: str, held: Sequence[str]) -> bool:
    """Whether a text is one of those that a value holds, or stands in one of them."""
    return any(text == one or stands_within(text, one) for one in held)


def absence_of(step: Step, given: Given) -> Absent:
    """Return why a step gave no words."""
    reason = given.finish_reason.lower()
    if given.open_call:
        return Absent.OPEN_TOOL_CALL
    if is_filter(reason):
        return Absent.FILTERED
    if reason in CUT_REASONS:
        return Absent.CUT
    if step.span.failed or any(event.get("name") == "exception" for event in step.span.events):
        return Absent.CALL_FAILED
    if "tool" in reason or "function" in reason:
        return Absent.OPEN_TOOL_CALL
    unread = step.has_content and step.answered.unread is not None
    absent = Absent.NOT_RECOGNISED if unread else Absent.NOT_RECORDED
    return Absent.AMBIGUOUS if given.aside else absent


def _seems(step: Step, question: str) -> tuple[Purpose | None, bool]:
    """Return what a step seems to be there for, and whether nothing but its question says so."""
    told = purpose_by_task(step.system_text) if step.operation is Operation.CHAT else None
    if told or step.seems:
        return step.seems or told, False
    asked = purpose_by_instruction(question) if question else None
    return asked, asked is not None


def _turns_of_calls(calls: Sequence[Step]) -> list[Turn]:
    """Return the turns of model calls that stand beside each other: a turn for each question."""
    groups: dict[tuple[str, int], list[tuple[Step, Turns]]] = {}
    for call in calls:
        asked = read_turns(call)
        groups.setdefault((squeeze(asked.question), asked.n_asked), []).append((call, asked))
    return [turn for group in groups.values() for turn in _turns_of_group(group)]


def _turns_of_group(group: Sequence[tuple[Step, Turns]]) -> list[Turn]:
    """Return the turn of the calls with one question; several where they were told to be different things."""
    if len(group) == 1:
        return [_turn_of_calls(group)]
    by_task: dict[tuple[str, Purpose | None], list[tuple[Step, Turns]]] = {}
    for call, asked in group:
        by_task.setdefault((call.system_text, call.seems), []).append((call, asked))
    if len(by_task) == 1:
        return [_turn_of_calls(group)]
    turns = [_turn_of_calls(one) for one in by_task.values()]
    worded = [turn for turn in turns if turn.texts]
    # One of them at most gave words: the others were steps on the way, or the same agent told differently.
    return turns if len(worded) > 1 else [_turn_of_calls(group)]


def _turn_of_calls(calls: Sequence[tuple[Step, Turns]]) -> Turn:
    """Return the turn of calls with one question: the last of them answered it, unless others ran beside it."""
    last, asked = _last_of(calls)
    given = read_given(last)
    earlier = [(call, told) for call, _ in calls if call is not last and (told := read_given(call)).text]
    beside = [
        (call, told)
        for call, told in earlier
        if call.span.end_ns > last.span.start_ns and not _was_shown(last, squeeze(told.text))
    ]
    if not given.text and beside and not given.open_call:
        (last, given), beside = beside[-1], beside[:-1]
    if given.text:
        answer = _told(given, _source(last))
        rivals = tuple(_candidate(call, told.text) for call, told in beside if told.text != given.text)
        if rivals:
            answer = Told("", None, Absent.AMBIGUOUS, (_candidate(last, given.text), *answer.others, *rivals))
    else:
        others = tuple(_candidate(call, told.text) for call, told in earlier)
        aside = (_candidate(last, given.aside),) if given.aside else ()
        answer = Told(absent=absence_of(last, given), others=(*aside, *others))
    return _turn(last, asked, asked.question, given, answer, start_ns=calls[0][0].span.start_ns)


def _last_of(calls: Sequence[tuple[Step, Turns]]) -> tuple[Step, Turns]:
    """Return the last call by the clock, of those whose words no other call was shown: clocks of services differ."""
    if len(calls) > 1:
        for number in range(len(calls) - 1, -1, -1):
            said = squeeze(read_given(calls[number][0]).text)
            own = calls[number][0].span.resource
            others = (call for call, _ in calls[:number] if call.span.resource != own)
            if not said or not any(_was_shown(call, said) for call in others):
                return calls[number]
    return calls[-1]


def _was_shown(call: Step, said: str) -> bool:
    return any(message.role == ASSISTANT and squeeze(message.text) == said for message in call.asked.messages)


def _source(call: Step) -> Source:
    return Source(call.span.span_id, call.answered.attribute, Rule.LAST_CALL)


def _candidate(call: Step, text: str) -> Candidate:
    return Candidate(text, _source(call))
