"""Whether a question is the person's own words: one that a program may have worded is shown beside what it was made of.

A model below the root is asked by a step above it, whose prompt may hold more than what the person said: documents that
were found, what another model answered, or words around theirs. Then it is not told which of the texts they said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from evidence.semconv.dialects import Meaning, Operation, attributes_for
from evidence.semconv.draft import RetrievalDraft, Rule, Source, Told
from evidence.semconv.given import read_given, stands_within
from evidence.semconv.messages import squeeze
from evidence.semconv.settling import as_one_text, unsure
from evidence.semconv.steps import Step, Tree
from evidence.semconv.turn import Turn
from evidence.semconv.turns import asked_of
from evidence.semconv.values import worded_in

_QUERY: Final = attributes_for(Meaning.RETRIEVAL_QUERY)
_LEAST_DOCUMENT: Final = 20  # characters of a document whose place inside a question says something
_MODELS: Final = frozenset({Operation.CHAT, Operation.AGENT, Operation.CHAIN})


def unless_worded_around(turn: Turn, tree: Tree) -> Turn:
    """Return a turn whose question holds words that a frame above was given as one of which it is not told.

    What the frame was given is in no form that is known, or no dialect knows where it stands. The model below was asked
    by a prompt around what the person said, or by the person who said more.
    """
    asker = _asker_below(turn, tree)
    question = squeeze(turn.question.text)
    above = asker.parent if asker is not None and question else None
    while above is not None:
        words = {text: key for key, value in above.span.attributes.items() for text in worded_in(value)}
        if question in words:
            return turn
        within = [
            Told(text, Source(above.span.span_id, key, Rule.STATED))
            for text, key in words.items()
            if stands_within(text, question)
        ]
        if within:
            return replace(turn, question=as_one_text([*within, turn.question]))
        above = above.parent
    return turn


def without_documents(turns: list[Turn], tree: Tree, retrievals: Sequence[RetrievalDraft]) -> list[Turn]:
    """Return the turns, those whose question holds a document that was found as ones of which it is not told.

    What was searched for could be what the person said, or could have been worded anew.
    """
    if not retrievals or not any(_asker_below(turn, tree) for turn in turns):
        return turns
    found = [(squeeze(one.text), one) for one in retrievals if len(one.text) >= _LEAST_DOCUMENT]
    return [_without_document(turn, tree, found) if _asker_below(turn, tree) else turn for turn in turns]


def _without_document(turn: Turn, tree: Tree, found: Sequence[tuple[str, RetrievalDraft]]) -> Turn:
    question = squeeze(turn.question.text)
    within = [one for text, one in found if stands_within(text, question)]
    if not within:
        return turn
    searched = {one.query: Source(one.span_id, _query_key(tree, one.span_id), Rule.STATED) for one in within}
    told = [Told(query, place) for query, place in searched.items() if query]
    return replace(turn, question=as_one_text([*told, turn.question]) if told else unsure(turn.question))


def _query_key(tree: Tree, span_id: str) -> str:
    return next((key for key in _QUERY if tree.by_id[span_id].span.has(key)), "")


def as_asked(turn: Turn, tree: Tree) -> Turn:
    """Return a turn whose question holds what a model said before as one of which it is not told who asked it.

    A step below the root that was shown another's answer was not, or not only, asked by the person. A person who quotes
    an answer has it in the history.
    """
    asker = _asker_below(turn, tree)
    if asker is None:
        return turn
    question = squeeze(turn.question.text)
    behind = []
    for step in tree.steps:
        if step.span.end_ns > asker.span.start_ns or step.operation not in _MODELS or not step.has_content:
            continue
        said = squeeze(read_given(step).text)
        if (
            said
            and (said == question or stands_within(said, question))
            and said not in turn.asked.answered_before
        ):
            behind.append(asked_of(step))
    return replace(turn, question=as_one_text([*behind, turn.question])) if behind else turn


def _asker_below(turn: Turn, tree: Tree) -> Step | None:
    """Return the step that asked, where that is not the root: a person who quotes a document asks at the root."""
    source = turn.question.source
    asker = tree.by_id.get(source.span_id) if source else None
    return asker if asker is not None and asker.parent is not None else None
