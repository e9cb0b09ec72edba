"""A model server that always says the same: chat completions, responses and embeddings, streamed or whole.

Only the standard library, so that it runs in the environment of any library that is tried against it. What it answers
depends on what it is asked, so that a trace of it has one true question and one true answer.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

ANSWERED_AS = "gpt-4o-mini-2024-07-18"
CREATED = 1_760_000_000  # seconds since 1970, whenever it is asked

# By words in what was asked last: what is answered. The first that applies counts.
SAID = (
    ("title", "Account balance"),
    ("standalone", "What do students pay for an account?"),
    ("what is the flat worth", "The flat is worth 55,000 EUR."),
    ("bridge loan", "Yes, up to 38,500 EUR against the flat."),
    ("balance", "It is 77 EUR."),
    ("card limit", "The limit is 5,000 EUR."),
    ("students", "Students pay no account fee until 27."),
    ("foreign", "Only the Linden Travel card has no foreign fee."),
    ("forge", "I cannot help with that."),
    ("hello", "Hello Ann."),
    ("poem", "The river"),
)
SECOND_CHOICE = "The limit is 50,000 EUR."
GIVEN = {"account": "HL-9", "authorized_imports": []}
# Which tools are called for a question, where a caller offers them.
CALLED = {"balance": ("get_balance", "transfer_to_clerk", "clerk"), "bridge loan": ("ask_valuer", "valuer")}


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content or [] if isinstance(part, dict))


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of either API as (role, text), what a tool gave back having the role `tool`."""
    if "messages" in body:
        return [{"role": one["role"], "text": _text(one.get("content"))} for one in body["messages"]]
    given = body.get("input", "")
    if isinstance(given, str):
        return [{"role": "user", "text": given}]
    told = [{"role": "system", "text": body.get("instructions") or ""}]
    for one in given:
        if one.get("type") == "function_call_output":
            told.append({"role": "tool", "text": _text(one.get("output"))})
        elif "role" in one:
            told.append({"role": one["role"], "text": _text(one.get("content"))})
    return told


def _tools(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    tools = [tool.get("function", tool) for tool in body.get("tools") or []]
    return {tool["name"]: tool.get("parameters") or {} for tool in tools if "name" in tool}


def _asked(messages: list[dict[str, Any]]) -> str:
    said = [one["text"] for one in messages if one["role"] == "user"]
    return said[-1].lower() if said else ""


def _call(body: dict[str, Any], messages: list[dict[str, Any]]) -> tuple[str, str] | None:
    """The tool that is called and its arguments; None where the model answers."""
    tools, asked = _tools(body), _asked(messages)
    if "final_answer" in tools and (
        len(tools) == 1 or _observed(messages)
    ):  # smolagents answer by a tool alone
        return "final_answer", json.dumps({"answer": _answer(body, messages)})
    if messages[-1]["role"] == "tool" or any(word in messages[0]["text"].lower() for word in ("title",)):
        return next(((name, _closing(tools[name])) for name in tools if name.startswith("final_")), None)
    for words, names in CALLED.items():
        if words in asked:
            found = next((name for wanted in names for name in tools if wanted in name), None)
            if found:
                return found, _arguments(tools[found])
    return None


def _arguments(schema: dict[str, Any]) -> str:
    names = schema.get("required") or list(schema.get("properties") or {})
    return json.dumps({name: GIVEN.get(name, "What is the flat worth?") for name in names})


def _observed(messages: list[dict[str, Any]]) -> bool:
    return any("EUR" in one["text"] for one in messages if one["role"] != "system") and len(messages) > 2


def _closing(schema: dict[str, Any]) -> str:
    return json.dumps(dict.fromkeys(schema.get("properties") or {}, "It is 77 EUR."))


def _answer(body: dict[str, Any], messages: list[dict[str, Any]]) -> str:
    for one in messages:
        if one["role"] in ("system", "developer") and "title" in one["text"].lower():
            return "Account balance"
    for one in reversed(messages):  # what a framework says in the user's place asks nothing
        found = next(
            (said for words, said in SAID if one["role"] == "user" and words in one["text"].lower()), ""
        )
        if found:
            return found
    return "Please say more."


def _completion(body: dict[str, Any]) -> dict[str, Any]:
    messages = _messages(body)
    call = _call(body, messages)
    message: dict[str, Any] = {"role": "assistant", "content": None}
    finish = "stop"
    if call:
        finish = "tool_calls"
        function = {"name": call[0], "arguments": call[1]}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
    elif "forge" in _asked(messages):
        message["refusal"] = _answer(body, messages)
    else:
        message["content"] = _answer(body, messages)
        finish = "length" if "poem" in _asked(messages) else "stop"
    choices = [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}]
    if body.get("n") == 2:
        second = {"role": "assistant", "content": SECOND_CHOICE}
        choices.append({"index": 1, "message": second, "finish_reason": "stop", "logprobs": None})
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": CREATED,
        "model": ANSWERED_AS,
        "choices": choices,
        "usage": {"prompt_tokens": 21, "completion_tokens": 7, "total_tokens": 28},
    }


def _chunks(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    whole = _completion(body)
    for choice in whole["choices"]:
        message, index = choice["message"], choice["index"]
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        words = (message.get("content") or "").split(" ")
        deltas += [
            {"content": word if number == 0 else f" {word}"} for number, word in enumerate(words) if word
        ]
        deltas += [
            {"tool_calls": [{"index": number, **call}]}
            for number, call in enumerate(message.get("tool_calls") or [])
        ]
        for delta in deltas:
            yield _chunk(whole, [{"index": index, "delta": delta, "finish_reason": None}])
        yield _chunk(whole, [{"index": index, "delta": {}, "finish_reason": choice["finish_reason"]}])
    yield {**_chunk(whole, []), "usage": whole["usage"]}


def _chunk(whole: dict[str, Any], choices: list[dict[str, Any]]) -> dict[str, Any]:
    kept = {key: whole[key] for key in ("id", "created", "model")}
    return {**kept, "object": "chat.completion.chunk", "choices": choices}


def _response(body: dict[str, Any]) -> dict[str, Any]:
    messages = _messages(body)
    call = _call(body, messages)
    if call:
        output: dict[str, Any] = {
            "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": call[0], "arguments": call[1],
            "status": "completed",
        }  # fmt: skip
    else:
        part = {"type": "output_text", "text": _answer(body, messages), "annotations": []}
        output = {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [part],
        }
    usage = {
        "input_tokens": 21, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 7, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 28,
    }  # fmt: skip
    return {
        "id": f"resp_{len(messages)}", "object": "response", "created_at": CREATED, "status": "completed",
        "model": ANSWERED_AS,
        "output": [output], "usage": usage, "error": None, "incomplete_details": None, "metadata": {},
        "instructions": body.get("instructions"), "parallel_tool_calls": True, "temperature": 1.0, "top_p": 1.0,
        "tool_choice": "auto", "tools": body.get("tools") or [],
    }  # fmt: skip


def _response_events(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    whole = _response(body)
    yield {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}}
    item = whole["output"][0]
    yield {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress"}}
    if item["type"] == "message":
        place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
        yield {"type": "response.content_part.added", **place, "part": {**item["content"][0], "text": ""}}
        text = item["content"][0]["text"]
        yield {"type": "response.output_text.delta", **place, "delta": text, "logprobs": []}
        yield {"type": "response.output_text.done", **place, "text": text, "logprobs": []}
        yield {"type": "response.content_part.done", **place, "part": item["content"][0]}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    yield {"type": "response.completed", "response": whole}


def _embeddings(body: dict[str, Any]) -> dict[str, Any]:
    given = body["input"] if isinstance(body["input"], list) else [body["input"]]
    rows = [
        {"object": "embedding", "index": number, "embedding": _vector(str(text))}
        for number, text in enumerate(given)
    ]
    usage = {"prompt_tokens": 5, "total_tokens": 5}
    return {"object": "list", "data": rows, "model": "text-embedding-3-small", "usage": usage}


def _vector(text: str) -> list[float]:
    """Four numbers that are the same for the same text, wherever it is computed."""
    return [zlib.crc32(f"{number}{text}".encode()) / 2**32 for number in range(4)]


class ModelHandler(BaseHTTPRequestHandler):
    """Answers as a model provider's server does; a model called `broken` is refused."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = self.path.split("?")[0]
        if body.get("model") == "broken":
            problem = {"message": "The model `broken` does not exist", "type": "invalid_request_error"}
            return self._send(404, {"error": {**problem, "code": "model_not_found", "param": None}})
        if path.endswith("/embeddings"):
            return self._send(200, _embeddings(body))
        if path.endswith("/chat/completions"):
            return self._stream(_chunks(body)) if body.get("stream") else self._send(200, _completion(body))
        if path.endswith("/responses"):
            return self._events(body) if body.get("stream") else self._send(200, _response(body))
        return self._send(
            404, {"error": {"message": f"no such path {path}", "type": "invalid_request_error"}}
        )

    def _send(self, status: int, answer: dict[str, Any]) -> None:
        self._write(status, "application/json", json.dumps(answer).encode())

    def _stream(self, chunks: Iterator[dict[str, Any]]) -> None:
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
        self._write(200, "text/event-stream", "".join([*lines, "data: [DONE]\n\n"]).encode())

    def _events(self, body: dict[str, Any]) -> None:
        lines = [
            f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n"
            for number, event in enumerate(_response_events(body))
        ]
        self._write(200, "text/event-stream", "".join(lines).encode())

    def _write(self, status: int, media_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: what a script prints is its own."""


def serve(handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    """Start a server on a free port of this machine, in a thread that ends with the process."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    return server
