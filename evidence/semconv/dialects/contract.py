"""What a dialect declares: which attribute, event or span name carries which meaning. Data, and no reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Operation(StrEnum):
    """What a span did, in the words of the current GenAI conventions, and our own for a policy gate."""

    AGENT = "invoke_agent"
    CHAT = "chat"
    EMBEDDING = "embeddings"
    RETRIEVAL = "retrieval"
    TOOL = "execute_tool"
    POLICY = "policy_check"


class Meaning(StrEnum):
    """What a plain attribute can say. Where it stands on the resource, it says so."""

    INPUT_TEXT = "what the span was asked, as one text"
    OUTPUT_TEXT = "what the span answered, as one text"
    PROMPT_RECORDED = "its presence says that what was put to the model is recorded"
    MODEL_ANSWERED = "the model that answered, as it calls itself"
    RETRIEVAL_QUERY = "what was searched for"
    TOOL_ARGUMENTS = "what a tool was given, JSON where it is JSON"
    TOOL_RESULT = "what a tool gave back, JSON where it is JSON"
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
    present: Mapping[str, Operation] = field(default_factory=dict)  # attributes whose presence says it
    name_prefixes: Mapping[str, Operation] = field(default_factory=dict)  # how the span's own name begins
    # Attributes from which it is concluded where no dialect says it outright.
    implied: Mapping[str, Operation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatMessage:
    """How the attributes of one flattened message are called, where they are not called as in JSON."""

    role: str
    content: str
    part_ending: str  # of those that hold the texts of a message in parts


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
    events: frozenset[str] = frozenset()  # names of events that are one message each


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """Where a retrieval holds the documents it found, each with an id and a score."""

    attribute: str = ""  # a JSON list
    indexed: str = ""  # or the prefix of a flattened list, `prefix.N.<key_prefix>id`
    key_prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One convention for telling what an AI application did."""

    title: str
    operations: OperationNames = OperationNames()
    attributes: Mapping[Meaning, tuple[str, ...]] = field(default_factory=dict)
    versions: Mapping[str, VersionAttributes] = field(default_factory=dict)  # by kind of artefact
    asked: Messages = Messages()
    answered: Messages = Messages()
    prompt_events: frozenset[str] = frozenset()  # an event that says that the prompt is recorded
    documents: Documents = Documents()
    detail_events: frozenset[str] = frozenset()  # events whose attributes count as the span's own
