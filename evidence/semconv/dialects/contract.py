"""What a dialect declares: which attribute, event or span name carries which meaning. Data, and no reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Operation(StrEnum):
    """What a span did, in the words of the current GenAI conventions, and our own where they have none.

    An agent speaks for what is below it; an agent below it is its sub-agent. A chain (a workflow, a graph, a node of
    one) is a frame: an agent or a model call below it is as near to the person who asked as the chain is.
    """

    AGENT = "invoke_agent"
    CHAIN = "invoke_workflow"
    CHAT = "chat"
    EMBEDDING = "embeddings"
    RETRIEVAL = "retrieval"
    RERANK = "rerank"
    TOOL = "execute_tool"
    POLICY = "policy_check"
    EVALUATION = "evaluation"
    OTHER = "other"  # it says what it did, and that is none of these: nothing it holds was asked or answered


class Meaning(StrEnum):
    """What a plain attribute can say. Where it stands on the resource, it says so."""

    INPUT_TEXT = "what the span was asked: a text, or JSON in any form that `values.py` reads"
    OUTPUT_TEXT = "what the span answered, likewise"
    WHOLE_QUESTION = "what the whole trace was asked, on whichever span the application says it"
    WHOLE_ANSWER = "what the whole trace answered, likewise"
    CONVERSATION = "a JSON list of messages that holds both, the answer last"
    SYSTEM_TEXT = "what the model was told to be: a text, or JSON with texts"
    FINISH_REASON = "why the model stopped: a text, or a list with one a choice"
    AGENT_NAME = "what the agent, the function or the step is called, where it is not the span's name"
    AGENT_ID = "which agent it is, where several may have no name"
    PROMPT_RECORDED = "its presence says that what was put to the model is recorded"
    MODEL_CALLED = (
        "the model that a model call or an embedding was put to, where others name other things by it"
    )
    MODEL_ANSWERED = "the model that answered, as it calls itself"
    RETRIEVAL_QUERY = "what was searched for"
    TOOL_ARGUMENTS = "what a tool was given, JSON where it is JSON"
    TOOL_RESULT = "what a tool gave back, JSON where it is JSON"
    TOOL_CALL_ID = "which call of a model a tool answered"
    TOOL_ERROR = "how a call failed"
    EXCEPTION = "what an exception says, on an event of that name"
    CONVERSATION_ID = "the conversation that the trace belongs to"
    SESSION_ID = "the session that it belongs to"
    USER_ID = "who asked, as the application names them"
    INPUT_TOKENS = "tokens put to the model"
    OUTPUT_TOKENS = "tokens the model gave"
    COST = "what the call cost"
    CURRENCY = "of the cost; US dollars where it is not said"
    ENVIRONMENT = "the deployment environment, on the resource"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionAttributes:
    """Where a span names a version of one kind of artefact. Of several attributes, the first with a value counts."""

    name: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    digest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationNames:
    """How a span says what it did."""

    attribute: str = ""
    values: Mapping[str, Operation] = field(default_factory=dict)  # of the attribute
    in_capitals: bool = False  # the values are, whatever case a span writes them in
    closed: bool = False  # a value that is not among these is another operation, and nothing is implied
    present: Mapping[str, Operation] = field(default_factory=dict)  # attributes whose presence says it
    name_prefixes: Mapping[str, Operation] = field(default_factory=dict)  # how the span's own name begins
    events: Mapping[str, Operation] = field(default_factory=dict)  # names of events whose presence says it
    # Attributes from which it is concluded where no dialect says it outright.
    implied: Mapping[str, Operation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatMessage:
    """How the attributes of one flattened message are called, where they are not called as in JSON."""

    role: str
    content: str
    part_ending: str  # of those that hold the texts of a message in parts
    image_ending: str = ""  # of those that hold the addresses of its images
    tool_calls: str = ""  # prefix of its flattened tool calls
    call_id: str = ""  # within one of them
    call_name: str = ""
    call_arguments: str = ""
    answers_call: str = ""  # id of the call that a tool's message answers
    finish_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedMessages:
    """Messages flattened into attributes, `prefix.N.role`, `prefix.N.content`."""

    prefix: str
    names: FlatMessage | None = None  # None: role and content, as in JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """Where a span holds what was said."""

    attributes: tuple[str, ...] = ()  # each a JSON list of messages
    indexed: tuple[IndexedMessages, ...] = ()
    events: Mapping[str, str] = field(default_factory=dict)  # names of events that are one message: its role
    event_values: Mapping[str, str] = field(
        default_factory=dict
    )  # and that hold all of them, in this attribute


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """Where a retrieval holds the documents it found: `documents.py` knows what their fields are called."""

    attributes: tuple[str, ...] = ()  # each a JSON list, or JSON with one
    indexed: tuple[str, ...] = ()  # or the prefix of a flattened list, `prefix.N.<key_prefix>id`
    key_prefix: str = ""
    events: Mapping[str, str] = field(
        default_factory=dict
    )  # or events, one a document: the prefix of its fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One convention for telling what an AI application did."""

    title: str
    operations: OperationNames = OperationNames()
    attributes: Mapping[Meaning, tuple[str, ...]] = field(default_factory=dict)
    versions: Mapping[str, VersionAttributes] = field(default_factory=dict)  # by kind of artefact
    asked: Messages = Messages()
    answered: Messages = Messages()
    event_body: str = ""  # the attribute of an event that holds all of its message as JSON
    prompt_events: frozenset[str] = frozenset()  # an event that says that the prompt is recorded
    documents: Documents = Documents()
    # Names, or beginnings before `_`, of tools that do not exist: a model answers in a form by calling them.
    answer_tools: tuple[str, ...] = ()
    detail_events: frozenset[str] = frozenset()  # events whose attributes count as the span's own
    # Attributes that hold a JSON object whose fields are read as attributes of their own, `attribute.field`.
    unfolded: tuple[str, ...] = ()
    quoted: tuple[str, ...] = ()  # attributes that hold one JSON text: read without its quotation marks
    # Attributes of events that are read as attributes of the span, `event:NAME.attribute`; by the event's name.
    lifted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Texts that stand where content was withheld: in which attributes, in any where none is named.
    withheld: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
