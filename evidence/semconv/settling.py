"""Which turns of a trace are exchanges with a person, where several could be.

Two turns are one after the other where the later remembers the earlier; one prepares the other where its words became
the other's question or a search. A helper is known by its words only where another turn remains. Where nothing tells
two apart, both are shown and neither is preferred.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from evidence.semconv.dialects import Meaning, Operation, attributes_for
from evidence.semconv.draft import Absent, Candidate, Told
from evidence.semconv.given import stands_within
from evidence.semconv.helpers import Purpose, is_revision, purpose_by_instruction, purpose_by_name
from evidence.semconv.messages import squeeze
from evidence.semconv.spelling import parse_said
from evidence.semconv.steps import Step
from evidence.semconv.turn import Turn
from evidence.semconv.values import is_prose, texts_in

_NEIGHBOURS: Final = 30  # turns that each is compared with
_QUERY: Final = attributes_for(Meaning.RETRIEVAL_QUERY)
_RESULT: Final = attributes_for(Meaning.TOOL_RESULT)
# Helpers that answer nobody, also where nothing else is there; what routes or judges may be all that was wanted.
_ALONE: Final = frozenset({Purpose.TITLE, Purpose.GUARDRAIL})
_TOLD_TO_REWORD: Final = re.compile(
    r"\b(?:improve|revis|re-?writ|correct(?:ed)?\s+(?:answer|version)|return\s+(?:the|an?)\s+(?:\w+\s+)?(?:answer|version|text))",
    re.IGNORECASE,
)
_REASON: Final = re.compile(r"reason|rationale|explanation|thought|feedback|comment", re.IGNORECASE)
_WORD: Final = re.compile(r"[\u3400-\u9fff]|\w+")
_NO_NAMES: Final = frozenset({"agent", "assistant", "agentexecutor", "langgraph", "default", "unnamed"})
_AGENT_ID: Final = attributes_for(Meaning.AGENT_ID)


def settle(turns: Sequence[Turn]) -> list[Turn]:
    """Return the exchanges among some turns, in time; those that cannot be told apart as one that is ambiguous."""
    speaking = [turn for turn in turns if _says_anything(turn)]
    found = _without_helpers(speaking or list(turns[-1:]))
    alone = _ALONE if len(speaking) == len(turns) else frozenset(Purpose)
    if found and all(_is_plain_helper(turn, alone) for turn in found):
        found = [_as_candidate(turn) for turn in found]  # nothing here answered the person
    if len(found) < 2:
        return found
    found = _without_failed_attempts(_without_preparation(found))
    rivals = [set[int]() for _ in found]
    by_tool = _worded_by_tools(found)
    for later in range(len(found)):
        for earlier in range(max(0, later - _NEIGHBOURS), later):
            if _cannot_be_told_apart(found[earlier], found[later], worded_by_tool=by_tool[later]):
                rivals[later].add(earlier)
                rivals[earlier].add(later)
    groups = sorted(_connected(rivals), key=max)  # what is last may be one of several
    return [_as_one([found[number] for number in group]) for group in groups]


def _says_anything(turn: Turn) -> bool:
    said = turn.question.text or turn.answer.text or turn.question.others or turn.answer.others
    return bool(said) or turn.answer.absent not in {None, Absent.NOT_RECORDED}


def _without_helpers(turns: Sequence[Turn]) -> list[Turn]:
    """Leave out the turns that by their words are a helper's, and are about a turn that is none.

    A person may ask "Is my deposit safe?", which is how a guardrail asks. So what a question's own words say counts
    only where it holds another's text; a name, or what the model was told to be, where the two have anything in common.
    """
    main = [turn for turn in turns if turn.seems is None or turn.seems_by_question]
    left = [turn for turn in turns if turn in main or not any(_is_about(turn, one) for one in main)]
    left = [turn for turn in left if not (turn.seems_by_question and any(_quotes(turn, one) for one in left))]
    gone = [turn for turn in turns if turn not in left]
    return [_unless_replaced(_with_first_wording(turn, gone), gone) for turn in left] or list(turns)


def _is_plain_helper(turn: Turn, purposes: frozenset[Purpose]) -> bool:
    """Whether a model call below another step is one of these helpers by its own name or by what it was told to be."""
    step = turn.step
    if turn.is_agent or step.parent is None or turn.seems_by_question or not turn.answer.text:
        return False
    own = purpose_by_name(step.span.name, step.named, step.model) or purpose_by_instruction(step.system_text)
    return own in purposes


def _as_candidate(turn: Turn) -> Turn:
    """Return the turn of a helper that stands alone: what it said is shown as what could be meant, and no more."""
    told = [turn.answer] if turn.step.system_text else [turn.answer, turn.question]
    possible = [Told("", None, Absent.AMBIGUOUS, _candidates_of(one)) for one in told if one.text]
    question = possible[1] if len(possible) > 1 else turn.question
    return replace(turn, answer=possible[0], question=question, refused=False)


def _candidates_of(told: Told) -> tuple[Candidate, ...]:
    own = (Candidate(told.text, told.source),) if told.text and told.source else ()
    return (*own, *told.others)


def _unless_replaced(turn: Turn, gone: Sequence[Turn]) -> Turn:
    """Return a turn whose answer a guard worded anew as one of which it is not told which wording the person saw."""
    reworded = [
        one.answer
        for one in gone
        if _may_reword(one) and one.start_ns >= turn.end_ns and _is_reworded(one, turn)
    ]
    return replace(turn, answer=as_one_text([turn.answer, *reworded])) if reworded else turn


def _may_reword(helper: Turn) -> bool:
    """Whether a helper may give more than its verdict. One that judges repeats the answer as often as not."""
    if helper.seems is Purpose.EVALUATOR:
        return _TOLD_TO_REWORD.search(helper.step.system_text or helper.question.text) is not None
    return helper.seems is Purpose.GUARDRAIL


def _is_reworded(guard: Turn, turn: Turn) -> bool:
    said = squeeze(turn.answer.text)
    return (
        bool(said) and said in guard.seen and any(_is_like(one, said) for one in _wordings(guard.answer.text))
    )


def _wordings(text: str) -> list[str]:
    """Return the texts that a guard gave, also in JSON, but for its reasons."""
    if is_prose(text):
        return [squeeze(text)]
    try:
        verdict = parse_said(text)
    except (ValueError, RecursionError):
        return []
    if isinstance(verdict, dict):
        return texts_in([value for key, value in verdict.items() if not _REASON.search(key)])
    return []


def _is_like(one: str, said: str) -> bool:
    """Whether a text, of about the length of another, has half of its words and is not the same."""
    if one == said or not len(said) / 2 <= len(one) <= 2 * len(said):
        return False
    words = set(_WORD.findall(said.lower()))
    return 2 * len(words.intersection(_WORD.findall(one.lower()))) >= len(words)


def _is_about(helper: Turn, main: Turn) -> bool:
    """Whether a helper saw what another turn asked or answered, or the other saw what the helper was asked."""
    asked, seen, question = squeeze(helper.question.text), helper.seen, squeeze(main.question.text)
    known = [text for text in (question, *main.texts) if text]
    return any(text == asked or stands_within(text, seen) for text in known) or stands_within(asked, question)


def _quotes(turn: Turn, other: Turn) -> bool:
    """Whether the question of a turn holds what another asked or answered."""
    asked = squeeze(turn.question.text)
    return any(stands_within(text, asked) for text in (squeeze(other.question.text), *other.texts))


def _without_preparation(turns: Sequence[Turn]) -> list[Turn]:
    """Leave out what wrote a search: its words became a query before the last turn began."""
    queries = _queries_near(turns)
    kept = [turn for turn in turns[:-1] if not _is_query(turn, queries)] + [turns[-1]]
    gone = [turn for turn in turns if turn not in kept]
    return [_with_first_wording(turn, gone) for turn in kept]


def _is_query(turn: Turn, queries: Sequence[tuple[int, str]]) -> bool:
    text = squeeze(turn.answer.text)
    return bool(text) and any(text == query and turn.end_ns <= start for start, query in queries)


def _without_failed_attempts(turns: Sequence[Turn]) -> list[Turn]:
    """Leave out what gave no words where the same was asked again."""
    return [
        turn
        for number, turn in enumerate(turns)
        if turn.texts
        or not turn.question.text
        or not any(
            squeeze(later.question.text) == squeeze(turn.question.text) for later in turns[number + 1 :]
        )
    ]


def _with_first_wording(turn: Turn, rewritten: Sequence[Turn]) -> Turn:
    """Return a turn whose question a helper wrote as one of which it is not told which wording the person chose."""
    writers = [one for one in rewritten if squeeze(one.answer.text) == squeeze(turn.question.text)]
    if not writers:
        return turn
    told = [one.question for one in (*writers, turn)]
    return replace(turn, question=as_one_text(told))


def _queries_near(turns: Sequence[Turn]) -> list[tuple[int, str]]:
    """Return the searches made beside these turns, with when they began."""
    return [
        (step.span.start_ns, squeeze(step.span.text(*_QUERY)))
        for step in _steps_near(turns)
        if step.operation is Operation.RETRIEVAL
    ]


def _steps_near(turns: Sequence[Turn]) -> list[Step]:
    """Return all steps beside these turns and below them."""
    found: list[Step] = []
    waiting = [turn.step.parent or turn.step for turn in turns]
    seen = set[int]()
    while waiting:
        step = waiting.pop()
        if id(step) not in seen:
            seen.add(id(step))
            found.append(step)
            waiting.extend(step.children)
    return found


def _cannot_be_told_apart(earlier: Turn, later: Turn, *, worded_by_tool: bool) -> bool:
    if _remembers(later, earlier):
        return _may_be_a_programs(later, earlier, worded_by_tool=worded_by_tool)
    if not _same_kind(earlier, later) or earlier.end_ns > later.start_ns or _remembers(earlier, later):
        return True
    before, after = squeeze(earlier.question.text), squeeze(later.question.text)
    shown = f"{after} {squeeze(later.step.system_text)}"
    return (
        before == after
        or stands_within(after, before)
        or any(stands_within(text, shown) for text in (before, *earlier.texts))
    )


def _may_be_a_programs(later: Turn, earlier: Turn, *, worded_by_tool: bool) -> bool:
    """Whether a turn that remembers another may have been asked by a program, and be a step to the same answer.

    What a tool found was said by nobody, though a person may quote some of it. A person may well ask for follow-up
    questions; so may a program that wants buttons. Nobody was given two answers at once.
    """
    if is_revision(later.question.text) and not _is_of_whole_session(later):
        return True
    if later.is_agent:
        return False
    if worded_by_tool or later.seems is Purpose.TITLE:
        return True
    if earlier.answer.absent is Absent.AMBIGUOUS:
        remembered = later.asked.answered_before
        return sum(text in remembered for text in set(earlier.texts)) > 1
    return False


def _is_of_whole_session(turn: Turn) -> bool:
    """Whether what was asked came from outside the application: to what nothing is above."""
    return turn.is_agent and turn.step.parent is None


def _worded_by_tools(turns: Sequence[Turn]) -> list[bool]:
    """Return of each turn whether its question is, for the most part, what a tool gave back beside it."""
    if not any(turn.asked.history for turn in turns):
        return [False] * len(turns)
    results = [
        squeeze(step.span.text(*_RESULT)) for step in _steps_near(turns) if step.operation is Operation.TOOL
    ]
    return [bool(turn.asked.history) and _is_among(squeeze(turn.question.text), results) for turn in turns]


def _is_among(question: str, results: Sequence[str]) -> bool:
    least = -(-2 * len(question) // 3)
    return bool(question) and any(
        least <= len(found) and (found == question or stands_within(found, question)) for found in results
    )


def _remembers(later: Turn, earlier: Turn) -> bool:
    """Whether a turn was asked with the other in its history."""
    if not later.asked.history:
        return False
    asked, answered = later.asked.asked_before, later.asked.answered_before
    question = squeeze(earlier.question.text)
    return any(text in answered for text in earlier.texts) or (bool(question) and question in asked)


def _same_kind(one: Turn, other: Turn) -> bool:
    """Whether two turns were taken by the same agent, each time as a whole. Single calls may each be another's."""
    if not (one.is_agent and other.is_agent):
        return False
    names = [turn.step.named for turn in (one, other)]
    if names[0] != names[1]:
        return False
    if names[0] and names[0].lower() not in _NO_NAMES:
        return True
    ids = [turn.step.span.text(*_AGENT_ID) for turn in (one, other)]
    alike = ids[0] == ids[1] and one.step.system_text == other.step.system_text
    return alike and one.step.span.name == other.step.span.name


def _connected(rivals: Sequence[set[int]]) -> list[list[int]]:
    groups: list[list[int]] = []
    seen: set[int] = set()
    for start in range(len(rivals)):
        if start in seen:
            continue
        group, waiting = [], [start]
        while waiting:
            number = waiting.pop()
            if number not in seen:
                seen.add(number)
                group.append(number)
                waiting.extend(rivals[number])
        groups.append(sorted(group))
    return groups


def _as_one(turns: Sequence[Turn]) -> Turn:
    if len(turns) == 1:
        return turns[0]
    last = turns[-1]
    return replace(
        last,
        question=as_one_text([turn.question for turn in turns]),
        answer=as_one_text([turn.answer for turn in turns]),
        start_ns=turns[0].start_ns,
        finish_reason="",
        refused=False,
    )


def as_one_text(told: Sequence[Told]) -> Told:
    """Return one text where all that say one say the same, else an ambiguous one with all of them, each once."""
    candidates: dict[str, Candidate] = {}
    for one in told:
        own = (Candidate(one.text, one.source),) if one.text and one.source else ()
        for candidate in (*own, *one.others):
            candidates.setdefault(squeeze(candidate.text), candidate)
    said = [one for one in told if one.text]
    if said and len(candidates) == 1 and len(said) == len(told):
        return said[-1]
    if not candidates:
        return told[-1]
    return Told("", None, Absent.AMBIGUOUS, tuple(candidates.values()))


def unsure(told: Told) -> Told:
    """Return a text as one of several that it could be: it is shown among them, and none is taken."""
    others = (Candidate(told.text, told.source),) if told.source else ()
    return Told("", None, Absent.AMBIGUOUS, (*others, *told.others))
