"""What was said, in one form, whichever library wrote it down.

Understood: the parts of the GenAI conventions, OpenAI's chat and Responses items, Anthropic's and Bedrock's blocks,
Gemini's parts, LangChain's messages (as objects, as `data`, as `kwargs`, as pairs) and the Vercel SDK's parts. What is
none of these is no message: it is not guessed at.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple

from evidence.digests import sha256_hex
from evidence.semconv.marks import words_of_model

USER: Final = "user"
ASSISTANT: Final = "assistant"
SYSTEM: Final = "system"
TOOL: Final = "tool"

_ROLES: Final = {
    "user": USER, "human": USER, "humanmessage": USER, "humanmessagechunk": USER,
    "assistant": ASSISTANT, "ai": ASSISTANT, "model": ASSISTANT, "aimessage": ASSISTANT, "aimessagechunk": ASSISTANT,
    "system": SYSTEM, "developer": SYSTEM, "systemmessage": SYSTEM,
    "tool": TOOL, "function": TOOL, "toolmessage": TOOL, "functionmessage": TOOL,
}  # fmt: skip


_make: Final = tuple.__new__
_KEPT_LENGTH: Final = 4_096  # characters of a text that is kept for the next comparison
_PLAIN: Final = frozenset({"role", "content", "parts", "finish_reason", "name", "id"})


class PartKind(StrEnum):
    """What a part of a message is."""

    TEXT = "text"
    REASONING = "reasoning"
    TOOL_CALL = "tool_call"
    TOOL_RESPONSE = "tool_response"
    REFUSAL = "refusal"
    ATTACHMENT = "attachment"


_TEXT: Final = PartKind.TEXT  # asked of the enum for each message, it costs as much as reading one


class Part(NamedTuple):
    """One part of a message."""

    kind: PartKind
    text: str = ""
    call_id: str = ""
    name: str = ""  # of the tool
    value: Any = None  # arguments or response, as sent
    media_type: str = ""
    reference: str = ""  # of an attachment: `sha256:<hex>` or where it lies


class Message(NamedTuple):
    """One message: who said it, and what."""

    role: str
    parts: tuple[Part, ...]
    finish_reason: str = ""
    choice: int | None = None  # which of several that one call gave
    name: str = ""  # of who said it, where that is told beside the role

    @property
    def text(self) -> str:
        """The words of it: texts, and a refusal where it refuses."""
        if len(self.parts) == 1 and self.parts[0].kind is _TEXT:
            text = self.parts[0].text
        else:
            spoken = (PartKind.TEXT, PartKind.REFUSAL)
            text = "\n".join(part.text for part in self.parts if part.kind in spoken and part.text)
        return words_of_model(text) if self.role == ASSISTANT else text

    @property
    def refused(self) -> bool:
        """Whether it is a refusal."""
        return any(part.kind is PartKind.REFUSAL and part.text for part in self.parts)

    def of_kind(self, kind: PartKind) -> list[Part]:
        """Return its parts of one kind."""
        return [part for part in self.parts if part.kind is kind]


def squeeze(text: str) -> str:
    """Return a text as it is compared with others: without differences of white space."""
    return _squeezed(text) if len(text) <= _KEPT_LENGTH else " ".join(text.split())


@lru_cache(maxsize=256)  # a trace has few texts, and each is compared with many
def _squeezed(text: str) -> str:
    return " ".join(text.split())


def say(role: str, text: str) -> Message:
    """Return a message of one text."""
    return Message(role, (Part(PartKind.TEXT, text),))


def with_reason(message: Message, reason: object) -> Message:
    """Return a message with the reason for which it ended, where it does not say one itself."""
    if message.finish_reason or not isinstance(reason, str):
        return message
    return message._replace(finish_reason=reason)  # noqa: SLF001  # a NamedTuple's public method


def read_messages(items: Iterable[Any], role: str = "") -> list[Message] | None:
    """Return the messages of a list, None where none of its items is one."""
    read = []
    for item in items:
        message = _from_plain(item) if isinstance(item, dict) else None
        if message is not None or (message := read_message(item, role)) is not None:
            read.append(message)
    return read or None


def read_message(item: Any, role: str = "", *, wraps: int = 2) -> Message | None:
    """Return one message, None where it is none.

    Args:
        role: whose it is where it does not say; empty: one that does not say is none.
        wraps: how many objects may stand around it: a choice holds a message, LangChain's a message's fields.
    """
    if isinstance(item, list):
        return _from_pair(item)
    if not isinstance(item, dict):
        return None
    if (plain := _from_plain(item)) is not None:
        return plain
    if wraps and "role" not in item:
        for key in ("message", "data", "kwargs"):
            inner = item.get(key)
            if isinstance(inner, dict):
                return _from_wrapped(item, inner, role, wraps - 1)
    return _from_item(item, role)


def role_named(name: object) -> str:
    """Return whose role a library's word means; empty where it is no such word."""
    return _ROLES.get(name.lower(), "") if isinstance(name, str) else ""


def read_parts(content: Any) -> list[Part]:
    """Return the parts that a message's content is made of."""
    if isinstance(content, str):
        return [Part(PartKind.TEXT, content)] if content else []
    if isinstance(content, dict):
        content = content.get("parts") if isinstance(content.get("parts"), list) else [content]
    if not isinstance(content, list):
        return []
    return [part for one in content if (part := _read_part(one)) is not None]


def _from_plain(item: Mapping[str, Any]) -> Message | None:
    """Read the commonest message of all, one text and whose it is, without asking for all that it could be."""
    name = item.get("role")
    role = _ROLES.get(name) if isinstance(name, str) else None
    if role is None or role == TOOL or not _PLAIN.issuperset(item):
        return None
    content, said = item.get("content"), item.get("parts")
    if content is None and isinstance(said, list) and len(said) == 1 and isinstance(said[0], dict):
        content = said[0].get("content") if said[0].get("type") == "text" else None
    elif said is not None:
        return None
    if not isinstance(content, str):
        return None
    # As `Part(...)` and `Message(...)` make them, in half the time: each call of a conversation brings all of it again.
    parts = (_make(Part, (_TEXT, content, "", "", None, "", "")),) if content or said else ()
    return _make(Message, (role, parts, item.get("finish_reason") or "", None, _first_text(item, "name")))


def _from_pair(item: list[Any]) -> Message | None:
    if len(item) != 2 or not (role := role_named(item[0])):
        return None
    return Message(role, tuple(read_parts(item[1]))) if isinstance(item[1], str | list) else None


def _from_wrapped(item: Mapping[str, Any], inner: Mapping[str, Any], role: str, wraps: int) -> Message | None:
    """Read a choice around its message, and LangChain's message around its data."""
    lc_name = item["id"][-1] if isinstance(item.get("id"), list) and item["id"] else item.get("type")
    message = read_message(inner, role_named(lc_name) or role, wraps=wraps)
    if message is None:
        return None
    reason = message.finish_reason or _finish_reason(item)
    choice = _choice_of(item, message.choice)
    return message._replace(finish_reason=reason, choice=choice)  # noqa: SLF001


def _from_item(item: Mapping[str, Any], role: str) -> Message | None:
    own = role_named(item.get("role")) or role_named(item.get("type"))
    parts = _parts_of_item(item, own or role)
    if parts is None or not (own or role or parts):
        return None
    by_kind = TOOL if parts and parts[0].kind is PartKind.TOOL_RESPONSE else ""
    known = by_kind or own or role or (ASSISTANT if _speaks_for_itself(item) else "")
    if not known:
        return None
    return Message(
        known, tuple(parts), _finish_reason(item), _choice_of(item, None), _first_text(item, "name")
    )


def _parts_of_item(item: Mapping[str, Any], role: str) -> list[Part] | None:
    """Return the parts of what may be a message; None where nothing about it is one's."""
    if _speaks_for_itself(item):
        if _type_of(item) in _CARRIED_OUT:
            return _carried_out(item)
        part = _read_part(item)
        return [part] if part else []
    content = item.get("content")
    if content is None:
        content = item.get("parts")
    calls = item.get("tool_calls") or item.get("function_call")
    refusal = item.get("refusal")
    if content is None and not calls and not refusal and "content" not in item:
        text = item.get("text") if role else None
        return [Part(PartKind.TEXT, text)] if isinstance(text, str) and text else None
    if role == TOOL and not (isinstance(content, list) and _are_responses(content)):
        call_id = _first_text(item, "tool_call_id", "id", "call_id")
        return [Part(PartKind.TOOL_RESPONSE, call_id=call_id, name=_first_text(item, "name"), value=content)]
    parts = read_parts(content)
    if isinstance(refusal, str) and refusal:
        parts.append(Part(PartKind.REFUSAL, refusal))
    if calls:
        listed = calls if isinstance(calls, list) else [calls]
        known = {part.call_id for part in parts if part.kind is PartKind.TOOL_CALL and part.call_id}
        parts += [
            call for one in listed if isinstance(one, dict) and (call := _tool_call(one)).call_id not in known
        ]
    return parts


def _speaks_for_itself(item: Mapping[str, Any]) -> bool:
    """Whether an item of a list is a call, a response or a thought, and not a message around one."""
    return "role" not in item and _type_of(item) in _ITEM_TYPES


def _type_of(item: Mapping[str, Any]) -> str:
    kind = item.get("type")
    if kind is None and "toolCallId" in item and "toolName" in item:
        return "tool-result" if "result" in item or "output" in item else "tool-call"
    return kind if isinstance(kind, str) else ""


def _are_responses(content: list[Any]) -> bool:
    return bool(content) and isinstance(content[0], dict) and _type_of(content[0]) in _RESPONSES


def _finish_reason(item: Mapping[str, Any]) -> str:
    for key in ("finish_reason", "finishReason", "stop_reason", "stopReason"):
        if isinstance(item.get(key), str):
            return str(item[key])
    return ""


def _choice_of(item: Mapping[str, Any], known: int | None) -> int | None:
    index = item.get("index", known)
    if isinstance(index, str) and index.isascii() and index.isdigit() and len(index) < 7:
        return int(index)
    return index if isinstance(index, int) and not isinstance(index, bool) else known


_CALLS: Final = frozenset({
    "tool_call", "tool-call", "tool_use", "function_call", "toolCall", "server_tool_use", "mcp_tool_use",
    "custom_tool_call",
})  # fmt: skip
_RESPONSES: Final = frozenset({
    "tool_call_response", "tool-result", "tool_result", "function_call_output", "toolResult", "custom_tool_call_output",
    "mcp_tool_result", "web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result",
    "bash_code_execution_tool_result", "text_editor_code_execution_tool_result", "tool_search_tool_result",
})  # fmt: skip
# Items of OpenAI's Responses that tell of a call and of what came of it: its provider carried it out.
_CARRIED_OUT: Final = frozenset({
    "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call",
})  # fmt: skip
THOUGHTS: Final = frozenset({"reasoning", "thinking", "redacted_thinking"})
_TEXTS: Final = frozenset({"", "text", "input_text", "output_text"})
_ATTACHED: Final = frozenset({
    "blob", "uri", "file", "image", "image_url", "input_image", "input_file", "input_audio", "audio", "video",
    "document", "media",
})  # fmt: skip
_ITEM_TYPES: Final = _CALLS | _RESPONSES | THOUGHTS | _CARRIED_OUT
_UNTYPED_CALLS: Final = ("functionCall", "function_call", "toolUse", "toolRequest")
_UNTYPED_RESPONSES: Final = ("functionResponse", "function_response", "toolResult", "toolResponse")
_UNTYPED_ATTACHED: Final = (
    "inlineData",
    "inline_data",
    "fileData",
    "file_data",
    "media",
    "image",
    "document",
)


def _read_part(part: Any) -> Part | None:
    if isinstance(part, str):
        return Part(PartKind.TEXT, part)
    if not isinstance(part, dict) or not isinstance(part.get("type"), str | None):
        return None
    kind = _type_of(part)
    text = part.get("text", part.get("content"))
    if part.get("thought") is True and isinstance(text, str):
        return Part(PartKind.REASONING, text)  # as Gemini marks it
    if kind in _TEXTS:
        return Part(PartKind.TEXT, text) if isinstance(text, str) else _read_untyped(part)
    return _read_typed(part, kind)


def _read_typed(part: Mapping[str, Any], kind: str) -> Part | None:
    if kind in _CALLS:
        return _tool_call(part)
    if kind in _RESPONSES:
        return _tool_response(part)
    if kind in THOUGHTS:
        return Part(PartKind.REASONING, _first_text(part, "content", "text", "thinking"))
    if kind == "refusal":
        return Part(PartKind.REFUSAL, _first_text(part, "refusal", "content", "text"))
    return _attachment(part, kind) if kind in _ATTACHED else None


def _read_untyped(part: Mapping[str, Any]) -> Part | None:
    for key in _UNTYPED_CALLS:
        if isinstance(part.get(key), dict):
            return _tool_call(part[key])
    for key in _UNTYPED_RESPONSES:
        if isinstance(part.get(key), dict):
            return _tool_response(part[key])
    for key in _UNTYPED_ATTACHED:
        if isinstance(part.get(key), dict):
            return _attachment(part[key], key)
    return None


def _tool_call(call: Mapping[str, Any]) -> Part:
    inner = call.get("function")
    named = inner if isinstance(inner, dict) else call
    value = next((named[key] for key in ("arguments", "args", "input") if named.get(key) is not None), None)
    name = _first_text(named, "name", "toolName", "tool_name")
    call_id = _first_text(call, "call_id", "id", "toolCallId", "tool_call_id", "toolUseId", "ref")
    return Part(PartKind.TOOL_CALL, call_id=call_id, name=name, value=value)


def _carried_out(item: Mapping[str, Any]) -> list[Part]:
    """Return the call and the response of one item; what an image is made of is no response."""
    call_id, name = _first_text(item, "id"), _first_text(item, "name") or _type_of(item).removesuffix("_call")
    asked = next((item[key] for key in ("arguments", "action", "queries", "code") if item.get(key)), None)
    given = next((item[key] for key in ("error", "output", "outputs", "results") if item.get(key)), None)
    return [
        Part(PartKind.TOOL_CALL, call_id=call_id, name=name, value=asked),
        Part(PartKind.TOOL_RESPONSE, call_id=call_id, name=name, value=given),
    ]


def _tool_response(part: Mapping[str, Any]) -> Part:
    keys = ("response", "result", "output", "content")
    value = next((part[key] for key in keys if part.get(key) is not None), None)
    call_id = _first_text(
        part, "call_id", "tool_use_id", "tool_call_id", "toolCallId", "toolUseId", "id", "ref"
    )
    return Part(
        PartKind.TOOL_RESPONSE, call_id=call_id, name=_first_text(part, "name", "toolName"), value=value
    )


def _attachment(part: Mapping[str, Any], kind: str) -> Part:
    """Return what a file is and where it lies, or its digest; what is in it stays on the span."""
    nested = next(
        (part[key] for key in ("image_url", "source", "file", "input_audio", "bytes") if key in part), None
    )
    if isinstance(nested, str):
        nested = {"url": nested}
    told = {**part, **nested} if isinstance(nested, dict) else part
    media = _first_text(
        told, "mime_type", "media_type", "mimeType", "mediaType", "contentType", "format", "modality"
    )
    where = _first_text(told, "uri", "url", "file_uri", "fileUri", "file_id", "fileId")
    if where.startswith("data:"):
        declared, _, content = where.partition(",")
        return Part(
            PartKind.ATTACHMENT,
            media_type=declared[5:].partition(";")[0] or media or kind,
            reference=_digest_of(content),
        )
    content = _first_text(told, "content", "data", "file_data", "bytes", "image")
    reference = where or (_digest_of(content) if content else "")
    return Part(PartKind.ATTACHMENT, media_type=media or kind, reference=reference)


def _digest_of(content: str) -> str:
    """Return the digest of bytes sent as base64, or of the text where it is none."""
    try:
        sent = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        sent = content.encode(errors="backslashreplace")
    return f"sha256:{sha256_hex(sent)}"


def _first_text(part: Mapping[str, Any], *keys: str) -> str:
    for key in keys:
        if key in part and isinstance(value := part[key], str) and value:
            return value
    return ""
