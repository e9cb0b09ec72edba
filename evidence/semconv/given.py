"""Which words of a step's messages are its question, and which are its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Final, NamedTuple, TypeVar, cast

from evidence.semconv.computed_once import computed_once
from evidence.semconv.dialects import Operation
from evidence.semconv.draft import Attachment
from evidence.semconv.hearing import finish_reason
from evidence.semconv.helpers import is_correction, is_revision
from evidence.semconv.messages import ASSISTANT, SYSTEM, TOOL, USER, Message, PartKind, squeeze
from evidence.semconv.steps import Step

_LEAST_BYTES: Final = (
    4  # UTF-8 bytes of a text whose place inside another says something: "Yes.", two Chinese characters
)


ReadT = TypeVar("ReadT")


class Given(NamedTuple):
    """What a step gave. `text` is empty where it gave no words, or words that only went with a tool call."""

    text: str = ""
    choices: tuple[str, ...] = ()  # other choices of the same call
    rivals: tuple[str, ...] = ()  # other texts, of which nothing says that they are choices
    aside: str = ""  # words beside a tool call that is still open
    open_call: bool = False
    earlier: tuple[str, ...] = ()  # words that an agent gave before its last, and that went with no tool call
    finish_reason: str = ""
    refused: bool = False
    attachments: tuple[Attachment, ...] = ()


class Turns:
    """What a step was asked: the last turn of a user, and what was said before it."""

    def __init__(
        self,
        question: str = "",
        attachments: tuple[Attachment, ...] = (),
        history: tuple[Message, ...] = (),
    ) -> None:
        self.question = question
        self.attachments = attachments
        self.history = history

    @computed_once
    def n_asked(self) -> int:
        """How many turns of a user came before."""
        return sum([message.role == USER for message in self.history])

    @computed_once
    def asked_before(self) -> frozenset[str]:
        """What users said before, each text squeezed."""
        return frozenset([squeeze(message.text) for message in self.history if message.role == USER])

    @computed_once
    def answered_before(self) -> frozenset[str]:
        """What models said before, each text squeezed."""
        return frozenset([squeeze(message.text) for message in self.history if message.role == ASSISTANT])


def _once_a_step(read: Callable[[Step], ReadT]) -> Callable[[Step], ReadT]:
    """Decorate what reads a step: it is read when it is first asked for, and kept with the step."""
    name = read.__name__

    @wraps(read)
    def read_once(step: Step) -> ReadT:
        if name not in step.kept:
            step.kept[name] = read(step)
        return cast("ReadT", step.kept[name])

    return read_once


def stands_within(part: str, whole: str) -> bool:
    """Return whether one squeezed text stands in another and is not all of it; the shortest ones tell nothing."""
    return part in whole and part != whole and len(part.encode(errors="replace")) >= _LEAST_BYTES


@_once_a_step
def read_turns(step: Step) -> Turns:
    """Return the question put to a step. What a program says in a user's place is none."""
    messages = step.asked.messages
    shown: tuple[Attachment, ...] = ()  # what came after the words
    for number in _persons(messages):
        message, before = messages[number], messages[number - 1] if number else None
        if (text := message.text).strip() and not is_correction(text):
            return Turns(text, (*_attachments(step, (message,)), *shown), tuple(messages[:number]))
        # A picture without words is a turn of its own, unless words of the same turn or a tool stand before it.
        pictures = () if text.strip() else _attachments(step, (message,))
        shown = (*pictures, *shown)
        if pictures and (before is None or before.role == ASSISTANT):
            return Turns("", shown, tuple(messages[:number]))
    return Turns()


def _persons(messages: Sequence[Message]) -> list[int]:
    """Return which messages a user said, the last first; without those of other agents, if any other is there.

    Graphs of several agents hand on what an agent found as a user's message that bears the agent's name.
    """
    users = [number for number in range(len(messages) - 1, -1, -1) if messages[number].role == USER]
    if len(users) < 2 or messages[users[-1]].name:
        return users
    return [number for number in users if not messages[number].name or _is_reply(messages[number - 1])]


def beside_question(step: Step, question: str) -> tuple[str, ...]:
    """Return what else could be the question that was read from a step, or belong to it; each text once.

    Texts of one message may be a context and the question after it. Of messages of users in a row the first may be half
    of the question. Where the users are named, the last may be an agent. What asks for an answer anew may be a program.
    """
    for messages in (step.answered.messages, step.asked.messages):
        persons = _persons(messages)
        number = next((number for number in persons if messages[number].text == question), None)
        if number is not None:
            texts = [*_texts_of(messages[number]), *_before_in_row(messages, number, persons)]
            texts += _of_first_named(messages, number, persons)
            if is_revision(question) and not _is_asked_from_outside(step):
                texts += _asked_before(messages, number, persons)
            return tuple(dict.fromkeys(text for text in texts if squeeze(text) != squeeze(question)))
    return ()


def _is_asked_from_outside(step: Step) -> bool:
    return step.parent is None and step.operation is not Operation.CHAT


def _texts_of(message: Message) -> list[str]:
    texts = [part.text for part in message.of_kind(PartKind.TEXT) if part.text.strip()]
    return texts if len(texts) > 1 else []


def _before_in_row(messages: Sequence[Message], number: int, persons: Sequence[int]) -> list[str]:
    """Return what users said right before one message, with nothing of a model or a tool between, the last first."""
    found = []
    for earlier in range(number - 1, -1, -1):
        if messages[earlier].role not in {USER, SYSTEM}:
            break
        if earlier in persons and (text := messages[earlier].text).strip() and not is_correction(text):
            found.append(text)
    return found


def _of_first_named(messages: Sequence[Message], number: int, persons: Sequence[int]) -> list[str]:
    """Return what the user who began last said, where a user of another name said this: chats of agents are so told."""
    first = messages[persons[-1]].name
    if not first or messages[number].name == first:
        return []
    return [next(messages[one].text for one in persons if messages[one].name == first)]


def _asked_before(messages: Sequence[Message], number: int, persons: Sequence[int]) -> list[str]:
    return [messages[one].text for one in persons if one < number and not is_revision(messages[one].text)][:1]


def _is_reply(before: Message) -> bool:
    """Whether a person could have read this message and gone on."""
    return before.role == ASSISTANT and bool(before.text) and not before.of_kind(PartKind.TOOL_CALL)


def question_within(step: Step) -> str:
    """Return the question that an answer follows, where a step gave back the whole conversation."""
    messages = step.answered.messages
    return next((messages[number].text for number in _persons(messages)), "")


@_once_a_step
def read_given(step: Step) -> Given:
    """Return what a step gave, in words."""
    messages = _last_turn(step.answered.messages)
    said = [message for message in messages if message.role == ASSISTANT]
    reason = finish_reason(step.span, step.answered)
    if not said:
        return Given(finish_reason=reason)
    if len(said) > 1 and (step.operation is Operation.CHAT or _are_choices_of_one(messages)):
        return _of_call(step, said, reason)
    last, within = _after_its_calls(said[-1])
    open_call = bool(last.of_kind(PartKind.TOOL_CALL)) or messages[-1].role == TOOL
    text = last.text
    before = [one.text for one in said[:-1] if one.text and not one.of_kind(PartKind.TOOL_CALL)]
    return Given(
        earlier=tuple(one for one in dict.fromkeys([*before, *within]) if one != text),
        text="" if open_call else text,
        aside=text if open_call else "",
        open_call=open_call,
        finish_reason=reason,
        refused=last.refused,
        attachments=_attachments(step, said),
    )


def _after_its_calls(message: Message) -> tuple[Message, list[str]]:
    """Return a message that called tools and was answered, from its last result on, with the words before that."""
    results = [number for number, part in enumerate(message.parts) if part.kind is PartKind.TOOL_RESPONSE]
    after = message.parts[results[-1] + 1 :] if results else ()
    if not any(part.kind is PartKind.TEXT and part.text for part in after):
        return message, []
    before = message.parts[: results[-1]]
    words = [part.text for part in before if part.kind is PartKind.TEXT and part.text]
    return message._replace(parts=tuple(after)), words  # noqa: SLF001  # a NamedTuple's public method


def _calls_openly(message: Message) -> bool:
    """Whether a message calls a tool that it does not tell the result of."""
    kinds = [part.kind for part in message.parts if part.kind in (PartKind.TOOL_CALL, PartKind.TOOL_RESPONSE)]
    return bool(kinds) and kinds[-1] is PartKind.TOOL_CALL


def _of_call(step: Step, said: Sequence[Message], reason: str) -> Given:
    """Return what a model call gave in several messages: choices, or items of one answer."""
    in_order = sorted(said, key=lambda message: message.choice or 0)
    texts = list(dict.fromkeys(message.text for message in in_order if message.text))
    open_call = any(map(_calls_openly, said))
    first = next((message for message in in_order if message.text), None)
    if open_call or first is None:
        return Given(aside="\n".join(texts), open_call=open_call, finish_reason=reason)
    are_choices = all(message.finish_reason for message in said) or _are_numbered(said)
    return Given(
        text=texts[0],
        choices=tuple(texts[1:]) if are_choices else (),
        rivals=() if are_choices else tuple(texts[1:]),
        finish_reason=first.finish_reason or reason,
        refused=first.refused,
        attachments=_attachments(step, (first,)),
    )


def _are_choices_of_one(messages: Sequence[Message]) -> bool:
    """Whether what an agent or a frame gave are choices of one call, and not what was said on the way to its answer."""
    if any(message.role != ASSISTANT or message.of_kind(PartKind.TOOL_CALL) for message in messages):
        return False
    return all(message.finish_reason for message in messages) or _are_numbered(messages)


def _are_numbered(said: Sequence[Message]) -> bool:
    return len({message.choice for message in said}) == len(said)


def _last_turn(messages: Sequence[Message]) -> Sequence[Message]:
    for number in range(len(messages) - 1, -1, -1):
        if messages[number].role == USER:
            return messages[number + 1 :]
    return messages


def _attachments(step: Step, messages: Iterable[Message]) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(step.span.span_id, part.media_type, part.reference, message.role)
        for message in messages
        if len(message.parts) > 1 or (message.parts and message.parts[0].kind is PartKind.ATTACHMENT)
        for part in message.of_kind(PartKind.ATTACHMENT)
    )
